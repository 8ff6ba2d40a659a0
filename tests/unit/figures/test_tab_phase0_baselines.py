"""The table of baselines: numbers land where they should, and what did not run is seen."""

import re

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures.tab_phase0_baselines import COLUMNS, main, tabulate
from etalon.figures.tab_phase0_latex import typeset


def task(table, dataset, target, method, condition="cv"):
    rows = table[(table["block"] == "task") & (table["dataset"] == dataset) & (table["target"] == target)]
    rows = rows[(rows["method"] == method) & (rows["condition"] == condition)]
    assert len(rows) == 1
    return rows.iloc[0]


def summary(table, method):
    rows = table[(table["block"] == "summary") & (table["method"] == method)]
    assert len(rows) == 1
    return rows.iloc[0]


def latex_row(text, dataset, target, caption):
    part = next(p for p in text.split(r"\begin{longtable}") if caption in p)
    line = next(line for line in part.splitlines() if line.startswith(f"{dataset} & {target}"))
    return [cell.strip() for cell in line.removesuffix(r"\\").split(" & ")]


def test_a_task_has_its_error_spread_and_ratio(baselines):
    row = task(tabulate(baselines), "corn_m5", "oil", "pca_ridge")
    assert row["rmsep"] == pytest.approx(0.04)  # mean of the repeats 0.044 and 0.036
    assert row["rmsep_sd"] == pytest.approx(0.008 / np.sqrt(2))
    assert row["rmsep_ratio"] == pytest.approx(2.0)
    assert row["r2"] == pytest.approx(0.9)
    assert (row["n_train"], row["repeats"], row["unit"], row["status"]) == (80, 2, "g/100 g", "ok")


def test_the_published_split_has_its_own_ratio(baselines):
    row = task(tabulate(baselines), "corn_m5", "oil", "pca_ridge", "published")
    assert (row["rmsep"], row["repeats"]) == (0.05, 1)
    assert row["rmsep_ratio"] == pytest.approx(1.25)
    assert np.isnan(row["rmsep_sd"])


def test_classification_is_compared_by_differences(baselines):
    row = task(tabulate(baselines), "wine_a", "variety", "pca_logistic")
    found = row[["balanced_accuracy", "balanced_accuracy_difference", "mcc_difference", "log_loss_difference"]]
    np.testing.assert_allclose(found.astype(float), [0.7, -0.1, -0.1, 0.1])
    assert np.isnan(row["rmsep"])


def test_what_did_not_run_is_a_row_with_its_reason(baselines):
    table = tabulate(baselines)
    for dataset, target in (("corn_m5", "oil"), ("soil_a", "clay"), ("synthetic_low", "glucose")):
        row = task(table, dataset, target, "pca_tabpfn")
        assert row["status"] == "not run: no TabPFN weights: file w.ckpt is missing"
        assert np.isnan(row["rmsep"])
    assert summary(table, "pca_tabpfn")["status"].startswith("not run: no TabPFN weights")
    assert summary(table, "pca_tabpfn")["tasks"] == 0
    gone = table[table["dataset"] == "gone_a"]
    assert gone["status"].tolist() == ["not run: download failed"]


def test_the_summary_counts_real_distinct_tasks(baselines):
    table = tabulate(baselines)
    row = summary(table, "tuned_ridge")
    assert (row["tasks"], row["datasets"], row["families"]) == (4, 3, 3)
    assert (row["mean"], row["median"], row["win_share"]) == pytest.approx((0.5, 0.5, 1.0))
    assert row["effect"] == "rmsep_ratio"
    row = summary(table, "pca_logistic")
    assert (row["tasks"], row["effect"]) == (2, "balanced_accuracy_difference")
    assert row["mean"] == pytest.approx(-0.1)


def test_real_sets_come_first_and_synthetic_ones_are_marked(baselines):
    table = tabulate(baselines)
    tasks = table[(table["block"] == "task") & (table["task"] == "regression")]
    assert tasks["synthetic"].astype(bool).is_monotonic_increasing
    assert tasks["dataset"].iloc[-1] == "synthetic_low"
    text = typeset(table)
    assert latex_row(text, r"synthetic\_low\textsuperscript{\dag}", "glucose", "RMSECV")
    assert latex_row(text, r"corn\_mp5\textsuperscript{\ddag}", "oil", "RMSECV")
    assert r"\textsuperscript{\dag} synthetic spectra" in text


def test_latex_shows_three_digits_and_the_reason_once(baselines):
    text = typeset(tabulate(baselines))
    row = latex_row(text, r"corn\_m5", "oil", "RMSECV")
    assert row[2:5] == ["g/100 g", "80", "0.90"]
    assert row[5:] == [r"0.0200 $\pm$ 0.0028", "0.0100 (0.50)", "0.0400 (2.00)", r"n.r.\textsuperscript{a}"]
    row = latex_row(text, r"soil\_a", "clay", "RMSECV")
    assert row[5:7] == [r"30.0 $\pm$ 4.2", "15.0 (0.50)"]
    first_table = text.split(r"\begin{longtable}")[1]
    assert first_table.count("not run: no TabPFN weights: file w.ckpt is missing") == 1
    assert r"Datasets not run: gone\_a (not run: download failed)" in text


def test_every_latex_row_has_as_many_cells_as_its_head(baselines):
    for part in typeset(tabulate(baselines)).split(r"\begin{longtable}")[1:]:
        columns = len(re.sub(r"@\{\}|[{}]", "", part.splitlines()[0]))
        rows = [line for line in part.split(r"\end{longtable}")[0].splitlines() if " & " in line]
        assert len(rows) > 2
        assert {line.count(" & ") + 1 for line in rows} == {columns}


def test_the_command_writes_the_same_bytes_twice(baselines, tmp_path):
    baselines.to_parquet(tmp_path / "metrics.parquet")
    for name in ("first", "second"):
        paths = ["--out-csv", str(tmp_path / f"{name}.csv"), "--out-tex", str(tmp_path / f"{name}.tex")]
        main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    for suffix in ("csv", "tex"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()
    read = pd.read_csv(tmp_path / "first.csv")
    assert list(read) == COLUMNS
    assert task(read, "corn_m5", "oil", "tuned_pls")["rmsep"] == 0.02
    assert task(read, "corn_m5", "oil", "pca_tabpfn")["status"].startswith("not run: ")


def test_only_synthetic_tasks_give_a_table_without_claims(baselines):
    rows = baselines[baselines["synthetic"]].astype({"method": str})
    table = tabulate(rows)
    assert (table["block"] == "task").sum() == 4
    assert table.loc[table["block"] == "summary", "method"].tolist() == ["pca_tabpfn"]
    assert r"\dag" in typeset(table)


def test_a_table_of_nothing_that_ran_gives_the_reasons(baselines):
    table = tabulate(baselines[baselines["dataset"] == "gone_a"])
    assert table["status"].tolist() == ["not run: download failed"] * 2  # the task, and the summary of its method
    assert table["rmsep"].isna().all()
    assert "not run: download failed" in typeset(table)


def test_without_cross_validation_there_is_no_table(baselines):
    with pytest.raises(BadInputError, match="cv or published"):
        tabulate(baselines[baselines["condition"] == "noise"])
