"""Comparison of methods over tasks: what is averaged, what is resampled, what is left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from etalon.evaluate.compare import (
    against,
    claimable,
    holm,
    paired,
    signed_rank,
    summarise,
    task_means,
)
from etalon.evaluate.resampling import Crossed, distribution, means
from etalon.records import METRIC_COLUMNS, as_records


def metrics(rows):
    """Pooled RMSEP of tasks in cross-validation, unless a row says otherwise."""
    common = {"metric": "rmsep", "condition": "cv", "fold": -1, "status": "ok", "repeat": 0, "target": "y"}
    common |= {"synthetic": False, "overlaps": ""}
    complete = [common | {"family": row["dataset"].split("_")[0]} | row for row in rows]
    return as_records(pd.DataFrame(complete), METRIC_COLUMNS)


def tasks(n_families, rng, effect=0.8, n_tasks=2):
    """Two methods; the second has `effect` times the error of the first, give or take 10 %."""
    rows = []
    for family in range(n_families):
        for task in range(n_tasks):
            pls = rng.lognormal()
            place = {"dataset": f"f{family}_{task % 2}", "target": f"y{task}"}
            rows.append(place | {"method": "pls", "value": pls})
            rows.append(place | {"method": "ridge", "value": pls * effect * rng.lognormal(sigma=0.1)})
    return rows


def summary(rows, effect="ratio", reference="pls"):
    return summarise(against(task_means(metrics(rows), "rmsep"), reference), reference, effect).set_index("method")


def test_repeats_are_averaged_before_the_ratio():
    rows = [{"dataset": "a_1", "method": "pls", "value": v, "repeat": r} for r, v in enumerate((1.0, 3.0))]
    rows += [{"dataset": "a_1", "method": "ridge", "value": v, "repeat": r} for r, v in enumerate((1.0, 2.0))]
    means = task_means(metrics(rows), "rmsep").set_index("method")
    assert means.loc["pls", ["value", "sd", "repeats"]].tolist() == [2.0, np.sqrt(2.0), 2]
    compared = against(means.reset_index(), "pls").set_index("method")
    assert compared.loc["ridge", "ratio"] == 0.75
    assert compared.loc["ridge", "difference"] == -0.5
    assert compared.loc["pls", "ratio"] == 1.0


def test_single_folds_other_conditions_and_what_did_not_run_are_passed_over():
    good = {"dataset": "a_1", "method": "pls", "value": 1.0}
    others = [
        good | {"value": 9.0, "fold": 0},
        good | {"value": 9.0, "condition": "noise"},
        good | {"value": 9.0, "metric": "mae"},
        good | {"value": np.nan, "status": "not run: no weights"},
    ]
    means = task_means(metrics([good, *others]), "rmsep")
    assert means["value"].tolist() == [1.0]


def test_ratios_are_within_a_task_and_tasks_without_the_reference_are_left_out():
    rows = [
        {"dataset": "a_1", "method": "pls", "value": 2.0},
        {"dataset": "a_1", "method": "ridge", "value": 1.0},
        {"dataset": "a_1", "target": "z", "method": "pls", "value": 10.0},
        {"dataset": "a_1", "target": "z", "method": "ridge", "value": 30.0},
        {"dataset": "b_1", "method": "ridge", "value": 7.0},
    ]
    compared = against(task_means(metrics(rows), "rmsep"), "pls")
    ridge = compared[compared["method"] == "ridge"].set_index("target")["ratio"]
    assert ridge.to_dict() == {"y": 0.5, "z": 3.0}


def test_synthetic_and_overlapping_sets_enter_no_summary():
    rng = np.random.default_rng(0)
    rows = tasks(6, rng)
    spoiled = [row | {"dataset": f"s{i}_1", "synthetic": True, "value": 1e6} for i, row in enumerate(tasks(3, rng))]
    spoiled += [row | {"dataset": f"o{i}_1", "overlaps": "f0_0", "value": 1e6} for i, row in enumerate(tasks(3, rng))]
    pd.testing.assert_frame_equal(summary(rows), summary(rows + spoiled))
    assert len(claimable(task_means(metrics(rows + spoiled), "rmsep"))) == len(rows)


def test_a_summary_holds_the_textbook_numbers():
    rows = tasks(8, np.random.default_rng(1), n_tasks=3)
    compared = against(task_means(metrics(rows), "rmsep"), "pls")
    ratio = compared.loc[compared["method"] == "ridge", "ratio"]
    found = summary(rows).loc["ridge"]
    assert (found["tasks"], found["datasets"], found["families"]) == (24, 16, 8)
    assert found["mean"] == pytest.approx(stats.gmean(ratio))
    assert found["median"] == pytest.approx(ratio.median())
    assert found["win_share"] == (ratio < 1).mean()
    per_dataset = (
        compared[compared["method"] == "ridge"].groupby("dataset")["ratio"].apply(lambda r: np.log(r).median())
    )
    assert found["p"] == stats.wilcoxon(per_dataset).pvalue
    assert found["p_holm"] == found["p"]  # one method is tested, the reference is not
    assert found["mean_low"] < found["mean"] < found["mean_high"] < 1


def test_the_reference_is_one_without_a_test():
    found = summary(tasks(5, np.random.default_rng(2))).loc["pls"]
    assert found[["mean", "median"]].tolist() == [1.0, 1.0]
    assert found[["mean_low", "median_high", "win_share", "p", "p_holm"]].isna().all()


def test_differences_of_scores_count_upwards():
    rows = [row | {"value": {"pls": 0.5, "ridge": 0.6}[row["method"]]} for row in tasks(5, np.random.default_rng(3))]
    found = summary(rows, effect="difference").loc["ridge"]
    assert found["mean"] == pytest.approx(0.1)
    assert found["win_share"] == 1.0


def test_a_tie_counts_half_a_win():
    rows = [row | {"value": 1.0} for row in tasks(4, np.random.default_rng(4))]
    found = summary(rows).loc["ridge"]
    assert found["win_share"] == 0.5
    assert np.isnan(found["p"])


def family_interval(families, seed, resamples=999):
    """The 95 % interval of the mean over tasks, of methods without seeds."""
    values = np.concatenate(families)[:, None]
    numbers = np.repeat(np.arange(len(families)), [len(own) for own in families])
    drawn = distribution(Crossed(values, np.zeros_like(values), numbers, "difference"), means, resamples, seed)
    return np.percentile(drawn, [2.5, 97.5])


def test_families_are_resampled_whole():
    """Many tasks in few families must not shrink the interval: ten copies of every task change nothing."""
    rng = np.random.default_rng(5)
    families = [rng.normal(size=1) for _ in range(8)]
    single = family_interval(families, seed=1)
    assert family_interval([np.repeat(f, 10) for f in families], seed=1) == pytest.approx(single)
    as_if_independent = family_interval([f for f in families for _ in range(10)], seed=1)
    assert np.ptp(as_if_independent) < 0.5 * np.ptp(single)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(6)
    hits = 0
    for trial in range(200):
        families = [rng.normal() + rng.normal(scale=0.3, size=rng.integers(1, 4)) for _ in range(30)]
        low, high = family_interval(families, trial, 399)
        hits += low <= 0.0 <= high
    # Percentile intervals of 30 clusters cover a little less than 95 %; three standard errors are 4.6 %.
    assert 0.87 <= hits / 200 <= 0.99


def test_nothing_to_summarise_is_an_empty_table():
    rows = [row | {"synthetic": True} for row in tasks(3, np.random.default_rng(7))]
    assert summary(rows).empty


def test_one_family_has_no_interval():
    found = summary(tasks(1, np.random.default_rng(8))).loc["ridge"]
    assert found[["mean_low", "mean_high", "median_low", "median_high"]].isna().all()
    assert found["mean"] < 1


def test_signed_rank_of_five_equal_signs_is_the_exact_value():
    assert signed_rank(np.array([-0.1, -0.2, -0.3, -0.4, -0.5, 0.0])) == pytest.approx(2 / 2**5)


def test_holm_on_a_worked_example():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, 0.06, np.nan, 0.06, 0.02])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.floats(0.001, 0.2))
def test_holm_rejects_what_the_step_down_procedure_rejects(p, alpha):
    adjusted = holm(np.array(p))
    rejected = np.zeros(len(p), bool)
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        if p[index] * (len(p) - rank) > alpha:
            break
        rejected[index] = True
    np.testing.assert_array_equal(adjusted <= alpha, rejected)


def run_of(method, value, repeat=0, seed=-1, dataset="a_1"):
    return {"dataset": dataset, "method": method, "value": value, "repeat": repeat, "seed": seed}


def test_pairs_are_compared_on_the_runs_that_both_have():
    own = metrics([run_of("net", v, seed=s) for s, v in ((0, 2.0), (1, 4.0))])
    base = metrics([run_of("pls", 1.0), run_of("pls", 9.0, repeat=1), run_of("pls", 5.0, dataset="b_1")])
    found = paired(own, base)
    assert found[["dataset", "value", "base", "ratio", "difference"]].to_numpy().tolist() == [
        ["a_1", 3.0, 1.0, 3.0, 2.0]
    ]
    control = metrics([run_of("init", 8.0, seed=1), run_of("init", 100.0, seed=2)])
    assert paired(own, control, ("repeat", "seed"))[["value", "base", "ratio"]].to_numpy().tolist() == [[4.0, 8.0, 0.5]]
    assert paired(own, metrics([run_of("pls", 1.0, repeat=3)])).empty
