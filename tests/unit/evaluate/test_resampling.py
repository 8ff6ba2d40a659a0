"""Seeds as a random effect beside families: what the two-way bootstrap reduces to, and what it covers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from etalon.evaluate import compare
from etalon.evaluate.compare import TASK, geometric_mean, paired_seeds, summarise
from etalon.evaluate.resampling import Crossed, distribution, geometric_means, means, medians
from etalon.seeds import derive_seed


def crossed(values, families=None, effect="difference"):
    values = np.asarray(values, float)
    return Crossed(values, np.zeros_like(values), np.arange(len(values)) if families is None else families, effect)


def scores(rng, n_families=12, seeds=(0, 1, 2), spread=0.2):
    """One row a task and seed, with two tasks a family; errors of the base are 1."""
    common = {"synthetic": False, "overlaps": "", "method": "net", "base": 1.0}
    rows = []
    for family in range(n_families):
        for target in "ab":
            place = common | {"family": f"f{family:02d}", "dataset": f"d{family:02d}", "target": target}
            level = rng.lognormal(sigma=0.3)
            rows += [place | {"seed": seed, "value": level * rng.lognormal(sigma=spread)} for seed in seeds]
    frame = pd.DataFrame(rows)
    return frame.assign(ratio=frame["value"] / frame["base"])


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_without_seeds_the_interval_is_that_of_families(statistic, monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 499)
    rows = scores(np.random.default_rng(0), seeds=(-1,))
    found = summarise(rows, "pls", "ratio", seed=3).iloc[0]
    families = [own.to_numpy() for _, own in rows.groupby("family")["ratio"]]
    formula = geometric_mean if statistic == "mean" else np.median
    expected = stats.bootstrap(
        (np.arange(len(families)),),
        lambda drawn: formula(np.concatenate([families[i] for i in drawn])),
        vectorized=False,
        n_resamples=499,
        method="percentile",
        rng=np.random.default_rng(derive_seed(3, "bootstrap", statistic)),
    ).confidence_interval
    assert (found[f"{statistic}_low"], found[f"{statistic}_high"]) == pytest.approx(tuple(expected), rel=1e-12)
    assert found["seeds"] == 1
    assert np.isnan(found["seed_sd"])


def test_equal_seeds_change_nothing_and_differing_ones_widen_the_interval():
    rng = np.random.default_rng(1)
    single = scores(rng, seeds=(0,))
    copies = pd.concat([single.assign(seed=s) for s in (0, 1, 2)])
    shifted = copies.assign(value=copies["value"] * np.array([0.8, 1.0, 1.25])[copies["seed"]])
    one, equal, different = (summarise(rows, "pls", "ratio").iloc[0] for rows in (single, copies, shifted))
    for bound in ("mean_low", "mean_high", "median_low", "median_high"):
        assert equal[bound] == pytest.approx(one[bound])
    assert equal["seed_share"] == pytest.approx(0.0, abs=1e-9)
    assert np.log(different["mean_high"] / different["mean_low"]) > 1.2 * np.log(one["mean_high"] / one["mean_low"])
    assert different["seed_share"] > 0.3
    assert different["mean"] == pytest.approx(one["mean"] * (0.8 + 1.0 + 1.25) / 3)
    spread = np.std(one["mean"] * np.array([0.8, 1.0, 1.25]), ddof=1)
    assert different["seed_sd"] == pytest.approx(spread)


@pytest.mark.parametrize(("n_seeds", "share"), [(2, 0.5), (5, 0.5)])
def test_the_interval_covers_the_truth_when_seeds_vary(n_seeds, share):
    """Seeds make half the variance of the mean. Intervals of families alone are then far too short."""
    rng, n_families, trials = np.random.default_rng(2), 30, 200
    of_seeds = np.sqrt(share / (1 - share) * n_seeds / n_families)
    hits, variance, truth = np.zeros(2), np.zeros(2), []
    for trial in range(trials):
        family, seed = rng.normal(size=(n_families, 1)), of_seeds * rng.normal(size=n_seeds)
        table = crossed(family + seed + 0.3 * rng.normal(size=(n_families, n_seeds)))
        truth.append(table.values.mean())
        for i, random_seeds in enumerate((True, False)):
            drawn = distribution(table, means, 199, trial, random_seeds)
            low, high = np.percentile(drawn, [2.5, 97.5])
            hits[i] += low <= 0.0 <= high
            variance[i] += drawn.var() / trials
    # Three standard errors of 200 trials are 5 %; two seeds leave one degree of freedom, which costs some more.
    assert hits[0] / trials > 0.85
    assert hits[1] / trials < 0.87
    assert variance[0] / np.var(truth) == pytest.approx(1.0, abs=0.3)
    assert variance[1] / np.var(truth) == pytest.approx(0.5, abs=0.2)


def test_statistics_of_resamples_are_those_of_repeated_numbers():
    rng = np.random.default_rng(3)
    effects, counts = rng.lognormal(size=7), rng.integers(0, 4, (20, 7)).astype(float)
    for own, mean, middle, geometric in zip(
        counts, means(effects, counts), medians(effects, counts), geometric_means(effects, counts), strict=True
    ):
        repeated = np.repeat(effects, own.astype(int))
        assert mean == pytest.approx(repeated.mean())
        assert middle == pytest.approx(np.median(repeated))
        assert geometric == pytest.approx(geometric_mean(repeated))


def test_a_task_without_a_seed_counts_with_the_seeds_that_it_has():
    table = crossed([[1.0, 3.0], [5.0, np.nan]])
    np.testing.assert_array_equal(table.effects(np.array([1, 1])), [2.0, 5.0])
    np.testing.assert_array_equal(table.effects(np.array([0, 1])), [3.0, np.nan])
    np.testing.assert_array_equal(table.by_seed(), [[1.0], [3.0]])


def test_a_seed_is_compared_with_the_runs_that_it_has():
    place = {"method": "a", "family": "f", "dataset": "d", "target": "y", "synthetic": False, "overlaps": ""}
    own = pd.DataFrame([place | {"seed": s, "repeat": r, "value": 2.0} for s, r in ((0, 0), (0, 1), (1, 0))])
    base = pd.DataFrame([place | {"seed": -1, "repeat": r, "value": v} for r, v in ((0, 1.0), (1, 3.0))])
    found = paired_seeds(own, base).set_index("seed")["base"]
    assert found.to_dict() == {0: 2.0, 1: 1.0}
    assert set(TASK) < set(paired_seeds(own, base))
