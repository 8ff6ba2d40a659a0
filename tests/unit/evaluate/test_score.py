"""Scores: errors of all folds pooled once, and nothing that did not run left out."""

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, Target
from etalon.evaluate.score import score
from etalon.records import METRIC_COLUMNS, PREDICTION_COLUMNS, as_records

METHODS = {"regression": ["tuned_pls", "tuned_ridge"], "classification": ["tuned_plsda"]}
METADATA = Metadata(
    "corn_m5", "corn", "Corn", "nir", "absorbance", "nm", targets=(Target("protein", "protein", "%", "as_is"),)
)


def record(**changes):
    tasks = [{"task": "regression", "target": "protein", "not_run": None}]
    return {"dataset": "corn_m5", "methods": METHODS, "not_run": None, "tasks": tasks, "choices": []} | changes


def regression_rows(method="tuned_pls", repeat=0, condition="cv", amplitude=np.nan):
    # Two folds of unequal size and unequal error.
    reference = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    error = np.array([0.1, 0.1, 0.1, 0.1, 1.0, -1.0])
    rows = pd.DataFrame({"reference": reference, "prediction": reference + error, "fold": [0, 0, 0, 0, 1, 1]})
    return rows.assign(
        dataset="corn_m5", task="regression", target="protein", method=method, repeat=repeat, row=range(6),
        condition=condition, amplitude=amplitude,
    )  # fmt: skip


def scored(rows, content, metadata=METADATA):
    return score(as_records(pd.DataFrame(rows), PREDICTION_COLUMNS), content, metadata, "test")


def value(table, **where):
    found = table[np.logical_and.reduce([table[name] == wanted for name, wanted in where.items()])]
    assert len(found) == 1, found
    return found["value"].iloc[0]


def test_rmsecv_pools_the_squared_errors_of_all_folds():
    table = scored(regression_rows(), record())
    pooled = np.sqrt((4 * 0.1**2 + 2 * 1.0) / 6)
    assert value(table, metric="rmsep") == pytest.approx(pooled)
    assert value(table, metric="rmsep") != pytest.approx(np.mean([0.1, 1.0]))
    row = table[table["metric"] == "rmsep"].iloc[0]
    assert (row["family"], row["analyte"], row["unit"], row["fold"], row["status"]) == (
        "corn",
        "protein",
        "%",
        -1,
        "ok",
    )


def test_repeats_and_conditions_stay_apart():
    rows = pd.concat([
        regression_rows(),
        regression_rows(repeat=1),
        regression_rows(condition="published"),
        regression_rows(condition="noise", amplitude=0.01),
        regression_rows(condition="noise", amplitude=0.1),
    ])  # fmt: skip
    table = scored(rows, record())
    assert len(table[table["metric"] == "rmsep"]) == 5
    assert value(table, metric="rmsep", condition="noise", amplitude=0.1) > 0


def test_training_rows_are_those_of_the_calibrations():
    choices = [
        {"target": "protein", "method": "tuned_pls", "condition": "cv", "repeat": 0, "n_train": n} for n in (64, 62)
    ]
    rows = pd.concat([regression_rows(), regression_rows(condition="noise", amplitude=0.01)])
    table = scored(rows, record(choices=choices))
    assert set(table["n_train"]) == {63.0}


def test_classification_is_scored_by_class_and_probability():
    rows = pd.DataFrame({
        "task": "classification", "target": "kind", "method": "tuned_plsda", "condition": "cv", "repeat": 0, "fold": 0,
        "row": range(4), "reference": [0, 0, 0, 1], "prediction": [0, 0, 1, 1], "probability": [0.9, 0.8, 0.4, 0.7],
    })  # fmt: skip
    tasks = [{"task": "classification", "target": "kind", "not_run": None}]
    table = scored(rows, record(tasks=tasks))
    assert value(table, metric="balanced_accuracy") == pytest.approx((2 / 3 + 1) / 2)
    assert value(table, metric="log_loss") == pytest.approx(-np.mean(np.log([0.9, 0.8, 0.4, 0.7])))


def test_a_task_that_cannot_be_judged_is_a_row_for_each_method():
    tasks = [{"task": "regression", "target": "oil", "not_run": "7 measured samples, fewer than 20"}]
    table = scored({}, record(tasks=tasks))
    assert list(table["method"]) == ["tuned_pls", "tuned_ridge"]
    assert set(table["status"]) == {"not run: 7 measured samples, fewer than 20"}
    assert table["value"].isna().all()


def test_a_missing_dataset_is_a_row_for_each_method():
    table = scored({}, record(not_run="cannot be fetched", tasks=[]), metadata=None)
    assert list(table["method"]) == ["tuned_pls", "tuned_ridge", "tuned_plsda"]
    assert set(table["status"]) == {"not run: cannot be fetched"}
    assert list(table.columns) == list(METRIC_COLUMNS)


def test_a_perturbation_that_does_not_apply_is_a_row_for_each_method():
    content = record(conditions_not_run={"wavelength_shift": "no wavelength axis"})
    table = scored(regression_rows(condition="noise", amplitude=0.01), content)
    missing = table[table["status"] != "ok"]
    assert list(missing["method"]) == ["tuned_pls", "tuned_ridge"]
    assert set(missing["condition"]) == {"wavelength_shift"}


def test_gaps_are_rows_with_the_names_that_the_record_gives_them():
    gap = {"task": "regression", "target": "protein", "method": "tuned_pls", "condition": "cross_instrument"}
    table = scored(regression_rows(), record(gaps=[gap | {"pair": "a>b", "reason": "no common range"}]))
    (row,) = table[table["status"] != "ok"].to_dict("records")
    assert (row["pair"], row["condition"], row["metric"]) == ("a>b", "cross_instrument", "rmsep")
    assert row["status"] == "not run: no common range"
