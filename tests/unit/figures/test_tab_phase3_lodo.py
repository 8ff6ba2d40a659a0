"""The table of leave-one-dataset-out, from metrics whose answer is known."""

import pandas as pd
import pytest

from etalon.evaluate import compare
from etalon.figures import tab_phase3_lodo
from etalon.figures.lodo_rows import prepare
from etalon.records import METRIC_COLUMNS, as_records

# Error of every method on tasks with a standard deviation of 1.
ERRORS = {"tuned_pls": 0.5, "mean": 1.0, "fs/evidence": 0.6}


def rows_of(dataset, errors):
    common = {"dataset": dataset, "family": dataset, "target": "oil", "task": "regression", "status": "ok", "fold": -1}
    common |= {"condition": "zero_shot", "amplitude": 0.0, "repeat": 0, "seed": -1, "variant": "", "head": ""}
    common |= {"synthetic": False, "overlaps": "", "run": "t"}
    for name, error in errors.items():
        variant, _, head = name.partition("/")
        of = {"method": "embedding", "variant": variant, "head": head} if head else {"method": variant}
        for metric, value in (("rmsep", error), ("r2", 1 - error**2), ("bias", 0.0)):
            yield common | of | {"metric": metric, "value": value}


def test_all_columns_are_over_the_tasks_on_which_tuned_pls_ran_too(monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 99)
    without_common_range = rows_of("e", {"mean": 0.2, "fs/evidence": 9.0})
    rows = [row for dataset in "abcd" for row in rows_of(dataset, ERRORS)]
    table = tab_phase3_lodo.tabulate(prepare(as_records(pd.DataFrame([*rows, *without_common_range]), METRIC_COLUMNS)))
    summary = table[table["block"] == "summary"].set_index("method")
    assert summary["tasks"].tolist() == [4, 4, 4]
    assert summary.loc["fs/evidence", ["mean", "to_sd", "better_than_mean"]].tolist() == pytest.approx([1.2, 0.6, 1.0])
    assert summary.loc["mean", "to_sd"] == pytest.approx(1.0)
