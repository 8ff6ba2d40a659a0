"""The robustness figure: what the lines hold, how amplitudes are labelled, what is named below."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures.fig_phase0_robustness import MIN_TASKS, PANELS, curves, disturbed, draw, main
from etalon.figures.style import METHODS


def panels(figure, part=0):
    axes = figure.subfigs[part].axes
    return dict(zip(PANELS, axes, strict=False))


def line(axis, method):
    container = next(c for c in axis.containers if c.get_label() == METHODS[method].label)
    return np.asarray(container.lines[0].get_ydata(), dtype=float)


def below(figure):
    return "\n".join(text.get_text() for text in figure.subfigs[-1].texts)


def title(figure, part=0):
    return figure.subfigs[part].axes[-1].get_legend().get_title().get_text()


def ticks(axis):
    return [label.get_text() for label in axis.get_xticklabels()]


def test_lines_are_medians_relative_to_clean_tuned_pls(robustness):
    """Level k has (1 + k) times the clean error of repeat 0; repeat 1 of the clean runs plays no part."""
    for axis in panels(draw(robustness)).values():
        np.testing.assert_allclose(line(axis, "tuned_pls"), [1, 2, 3, 4, 5])
        np.testing.assert_allclose(line(axis, "tuned_ridge"), [0.5, 1, 1.5, 2, 2.5])
        np.testing.assert_allclose(line(axis, "pca_ridge"), [2, 4, 6, 8, 10])


def test_classification_loses_accuracy_against_clean_tuned_plsda(robustness):
    for axis in panels(draw(robustness), part=1).values():
        np.testing.assert_allclose(line(axis, "tuned_plsda"), [0, -0.1, -0.2, -0.3, -0.4], atol=1e-12)
        np.testing.assert_allclose(line(axis, "pca_logistic"), [-0.1, -0.2, -0.3, -0.4, -0.5])


def test_quartiles_are_over_tasks(robustness):
    one_task = (robustness["dataset"] == "soil_a") & (robustness["condition"] == "noise")
    robustness.loc[one_task & (robustness["status"] == "ok"), "value"] *= 3.0
    found = curves(robustness, "regression").set_index(["condition", "level", "method"]).loc["noise", 1, "tuned_pls"]
    # Four tasks: three at 2, one at 6.
    assert found[["median", "low", "high", "tasks", "datasets"]].tolist() == [2.0, 2.0, 3.0, 4.0, 3.0]


def test_each_panel_says_how_many_tasks_it_holds(robustness):
    found = {name: [text.get_text() for text in axis.texts] for name, axis in panels(draw(robustness)).items()}
    assert found["noise"] == ["4 tasks, 3 datasets"]
    assert found["resolution"] == ["3 tasks, 2 datasets"]  # one set has no wavelength axis
    assert [text.get_text() for text in panels(draw(robustness), part=1)["noise"].texts] == ["1 task, 1 dataset"]


def test_amplitudes_carry_their_units(robustness):
    axes = panels(draw(robustness))
    assert ticks(axes["noise"]) == ["0", "0.5", "1", "2", "4"]
    assert axes["noise"].get_xlabel() == "SD (AU)"
    assert ticks(axes["resolution"]) == ["0\n0", "0.5\n2", "1\n4", "2\n8", "4\n16"]
    assert axes["resolution"].get_xlabel() == "Added FWHM (nm; below cm⁻¹)"
    assert ticks(axes["wavelength_shift"]) == ["0", "0.5", "1", "2", "4"]  # equal numbers in both units
    assert axes["wavelength_shift"].get_xlabel() == "Shift ± (nm or cm⁻¹)"


def test_what_did_not_run_is_named_below(robustness):
    text = below(draw(robustness))
    assert "PCA + TabPFN (5 datasets) not run: no TabPFN weights: file w.ckpt is missing" in text
    assert "under wavelength shift, resolution, dropped band (milk_a) not run: no wavelength axis" in text


def test_a_panel_of_what_ran_nowhere_says_so(robustness):
    ran = (robustness["condition"] != "noise") | (robustness["status"] != "ok")
    axis = panels(draw(robustness[ran]))["noise"]
    assert [text.get_text() for text in axis.texts] == ["not run"]


def test_without_classification_there_is_one_part(robustness):
    figure = draw(robustness[robustness["task"] == "regression"])
    assert len(figure.subfigs) == 2
    assert figure.get_figheight() < draw(robustness).get_figheight()


def test_synthetic_sets_alone_are_drawn_and_said_to_be_synthetic(robustness):
    figure = draw(robustness[robustness["synthetic"]])
    np.testing.assert_allclose(line(panels(figure)["noise"], "tuned_pls"), [1, 200, 300, 400, 500])
    assert title(figure).endswith("Synthetic spectra only")
    assert "Synthetic" not in title(draw(robustness))


def test_a_method_without_disturbed_scores_has_no_line(robustness):
    only_clean = (robustness["method"] == "pca_ridge") & (robustness["condition"] != "cv")
    axis = panels(draw(robustness[~only_clean]))["noise"]
    assert [c.get_label() for c in axis.containers] == ["Tuned PLS", "Tuned ridge"]


def test_nothing_that_ran_is_an_error_and_no_empty_figure(robustness):
    with pytest.raises(BadInputError, match="baseline_drift"):
        draw(robustness[robustness["condition"] == "cv"])


def test_the_command_writes_the_same_bytes_twice(robustness, tmp_path):
    robustness.to_parquet(tmp_path / "metrics.parquet")
    for name in ("first", "second"):
        paths = ["--out-pdf", str(tmp_path / f"{name}.pdf"), "--out-png", str(tmp_path / f"{name}.png")]
        main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()


def test_too_few_real_tasks_are_drawn_with_the_synthetic_ones_and_it_is_said(robustness):
    one_real = robustness[robustness["synthetic"] | (robustness["dataset"] == "coffee_a")]
    few = pd.concat([one_real, robustness[robustness["dataset"] == "corn_m5"]])
    assert 0 < few.query("not synthetic and task == 'regression'")["target"].nunique() < MIN_TASKS
    assert title(draw(few)).endswith("Synthetic spectra included")
    assert set(disturbed(few, "regression")["dataset"]) >= {"corn_m5", "synthetic_low"}
