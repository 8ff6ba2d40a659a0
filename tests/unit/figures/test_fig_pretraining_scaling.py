"""The learning curves of pretraining, on numbers that can be worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures.encoder_rows import named, scores
from etalon.figures.fig_pretraining_scaling import GOAL, HEADS, PANELS, compare_scales, draw, main
from etalon.records import METRIC_COLUMNS, as_records

TASKS = {("corn_a", "oil"): 0.02, ("corn_b", "starch"): 4.0, ("soil_a", "clay"): 30.0, ("milk_a", "fat"): 0.5}
HEAD = {"ridge": 1.0, "evidence": 0.5}
# Error of an encoder relative to the level of the task: each width has an untrained encoder of its own.
CONTROL = {"fsnl_random_init": 1.0, "fsnl_random_init_half_width": 2.0, "fsnl_random_init_double_width": 0.5}
GAIN = {
    variant: (0.9 - 0.1 * place, control)
    for panel in PANELS
    for place, (variant, control) in enumerate(panel.points.values())
}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """No test here looks at an interval."""
    monkeypatch.setattr("etalon.evaluate.compare.RESAMPLES", 50)


@pytest.fixture
def metrics():
    errors = CONTROL | {variant: gain * CONTROL[control] for variant, (gain, control) in GAIN.items()}
    rows = []
    for (dataset, target), level in TASKS.items():
        place = {"dataset": dataset, "family": dataset.split("_")[0], "target": target, "analyte": target, "unit": "%"}
        place |= {"task": "regression", "metric": "rmsep", "condition": "cv", "method": "embedding", "fold": -1}
        place |= {"run": "test", "synthetic": False, "overlaps": "", "status": "ok", "heldout": "fold0", "repeat": 0}
        for variant, error in errors.items():
            for head, factor in HEAD.items():
                rows.append(place | {"variant": variant, "head": head, "seed": 0, "value": level * error * factor})
    return as_records(pd.DataFrame(rows), METRIC_COLUMNS)


def lines(axis):
    """Return the vertical positions of the lines that join the points, by style."""
    joined = {line.get_linestyle(): line for line in axis.lines if len(line.get_xdata()) == 3}
    return {head: np.asarray(joined[dashes].get_ydata(), float) for head, (_, _, dashes) in HEADS.items()}


def test_each_point_is_the_ratio_to_the_untrained_encoder_of_its_width(metrics):
    for axis, panel in zip(draw(metrics).subfigs[0].axes, PANELS, strict=True):
        expected = [GAIN[variant][0] for variant, _ in panel.points.values()]
        for found in lines(axis).values():
            np.testing.assert_allclose(found, expected)
        assert any(np.allclose(line.get_ydata(), GOAL) for line in axis.lines)
        assert [text.get_text() for text in axis.texts] == ["4 tasks, 3 families"]


def test_all_points_of_a_panel_stand_on_the_tasks_and_seeds_that_all_have(metrics):
    compute = PANELS[0]
    base, fewer = compute.points[1.0][0], compute.points[0.25][0]
    more_seeds = metrics[metrics["variant"] == base].assign(seed=1, value=1e6)
    gone = (metrics["variant"] == fewer) & (metrics["dataset"] == "milk_a")
    rows = scores(named(pd.concat([metrics[~gone], more_seeds], ignore_index=True)), "regression")
    cell = compare_scales(rows, compute)
    assert cell.summary["tasks"].unique().tolist() == [3]
    assert cell.spread(f"{base}/ridge")[0] == pytest.approx(GAIN[base][0])


def test_a_scale_that_did_not_run_is_named(metrics):
    text = "".join(
        found.get_text() for found in draw(metrics[metrics["variant"] != PANELS[0].points[4.0][0]]).subfigs[-1].texts
    )
    assert "fourfold spectra" in text and "not run: no such row in the metrics table" in text.replace("\n", " ")


def test_without_a_trained_encoder_there_is_nothing_to_draw(metrics):
    with pytest.raises(BadInputError, match="a variant of another scale"):
        draw(metrics[metrics["variant"] == "fsnl_random_init"])


def test_the_command_writes_both_files(metrics, tmp_path):
    metrics.to_parquet(tmp_path / "m.parquet")
    main([f"--metrics={tmp_path / 'm.parquet'}", f"--out-pdf={tmp_path / 'f.pdf'}", f"--out-png={tmp_path / 'f.png'}"])
    assert (tmp_path / "f.pdf").stat().st_size > 5000 and (tmp_path / "f.png").stat().st_size > 5000
