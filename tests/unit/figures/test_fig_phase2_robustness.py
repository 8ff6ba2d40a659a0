"""The robustness figure of embeddings: one set of tasks for all lines, and what is said of the rest."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures.encoder_rows import named
from etalon.figures.fig_phase2_robustness import common_scores, curves, draw, main, selected
from etalon.figures.perturbation_panels import PANELS
from etalon.figures.style import VARIANTS


def panels(figure):
    return dict(zip(PANELS, figure.subfigs[0].axes, strict=False))


def line(axis, label):
    return next(np.asarray(found.get_ydata(), float) for found in axis.lines if found.get_label() == label)


def below(figure):
    return " ".join(text.get_text() for text in figure.subfigs[-1].texts).replace("\n", " ")


def test_every_line_is_made_of_the_tasks_that_all_methods_have(encoder_robustness):
    """Masked was not tested on milk_a, so no method is shown there; level k has (1 + k) times the clean error."""
    axes = panels(draw(encoder_robustness))
    for axis in axes.values():
        assert [text.get_text() for text in axis.texts] == ["3 tasks, 2 datasets"]
        np.testing.assert_allclose(line(axis, "Tuned PLS"), [1, 2, 3, 4, 5])
        np.testing.assert_allclose(line(axis, "fs"), np.array([1, 2, 3, 4, 5]) * 0.8 * 0.5)
        np.testing.assert_allclose(line(axis, VARIANTS["masked"].label), np.array([1, 2, 3, 4, 5]) * 1.5 * 0.5)


def test_lines_are_geometric_means(encoder_robustness):
    one = (encoder_robustness["dataset"] == "soil_a") & (encoder_robustness["condition"] == "noise")
    one &= (encoder_robustness["method"] == "tuned_pls") & (encoder_robustness["status"] == "ok")
    encoder_robustness.loc[one, "value"] *= 8.0
    means, _ = common_scores(named(encoder_robustness[~encoder_robustness["synthetic"]]))
    found = curves(means[means["overlaps"] == ""]).set_index(["condition", "level", "method"])
    assert found.loc[("noise", 1, "tuned_pls"), "mean"] == pytest.approx(2 * 8 ** (1 / 3))


def test_a_task_without_one_of_the_amplitudes_is_in_no_point(encoder_robustness):
    gone = (encoder_robustness["dataset"] == "soil_a") & (encoder_robustness["condition"] == "noise")
    gone &= (encoder_robustness["amplitude"] == 4.0) & (encoder_robustness["variant"] == "fs")
    axes = panels(draw(encoder_robustness[~gone]))
    assert [text.get_text() for text in axes["noise"].texts] == ["2 tasks, 1 dataset"]
    np.testing.assert_allclose(line(axes["noise"], "Tuned PLS"), [1, 2, 3, 4, 5])


def title(axes):
    return next(axis.get_legend() for axis in axes["noise"].figure.axes if axis.get_legend()).get_title().get_text()


def test_all_embeddings_stand_under_one_head(encoder_robustness):
    rows = named(encoder_robustness)
    assert "masked/evidence" in selected(rows)
    only_ridge = (rows["method"] == "masked/evidence") & (rows["condition"] != "cv")
    rows.loc[only_ridge, "method"] = "masked/ridge"
    assert {name.partition("/")[2] for name in selected(rows) if "/" in name} == {"ridge"}
    assert "Embeddings under the evidence head" in title(panels(draw(encoder_robustness)))


def test_the_best_head_of_fs_has_a_line_of_its_own(encoder_robustness):
    evidence = (encoder_robustness["variant"] == "fs") & (encoder_robustness["head"] == "evidence")
    own = encoder_robustness[evidence].assign(head="kernels")
    own["value"] *= 0.5
    axes = panels(draw(pd.concat([encoder_robustness, own], ignore_index=True)))
    assert "Embeddings under the evidence head" in title(axes)
    for axis in axes.values():
        np.testing.assert_allclose(line(axis, "fs"), np.array([1, 2, 3, 4, 5]) * 0.8 * 0.5)
        np.testing.assert_allclose(line(axis, "fs + kernel evidence head"), np.array([1, 2, 3, 4, 5]) * 0.8 * 0.25)


def test_what_did_not_run_is_named(encoder_robustness):
    text = below(draw(encoder_robustness))
    assert "Masked (milk_a) not run: no wavelength axis" in text.replace(" under every perturbation", "")
    assert "Masked + aug. + baseline + evidence head" in text
    assert "not run: no such row in the metrics table" in text


def test_synthetic_tasks_alone_are_drawn_and_said_to_be_synthetic(encoder_robustness):
    assert "Synthetic spectra included" in title(panels(draw(encoder_robustness[encoder_robustness["synthetic"]])))
    assert "Synthetic" not in title(panels(draw(encoder_robustness)))


def test_nothing_to_draw_is_an_error(encoder_robustness):
    with pytest.raises(BadInputError, match="baseline_drift"):
        draw(encoder_robustness[encoder_robustness["condition"] == "cv"])
    apart = (encoder_robustness["method"] == "embedding") == (encoder_robustness["dataset"] == "soil_a")
    with pytest.raises(BadInputError, match="were all tested on"):
        draw(encoder_robustness[apart])


def test_the_command_writes_the_same_bytes_twice(encoder_robustness, tmp_path):
    encoder_robustness.to_parquet(tmp_path / "metrics.parquet")
    for name in ("first", "second"):
        paths = ["--out-pdf", str(tmp_path / f"{name}.pdf"), "--out-png", str(tmp_path / f"{name}.png")]
        main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()
