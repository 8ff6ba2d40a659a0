"""Methods compared over many tasks, each task against the same reference method on the same folds.

Errors of different tasks have different units, so what is averaged is their ratio to the reference method. Tasks of
one family (equal product and source, or shared specimens) are not independent: intervals resample families. Tests
over several datasets follow Demšar 2006 (Journal of Machine Learning Research 7, 1-30).
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from etalon.seeds import derive_seed

TASK = ["family", "dataset", "target"]
SUMMARY = [
    *("method", "tasks", "datasets", "families"),
    *("mean", "mean_low", "mean_high", "median", "median_low", "median_high"),
    *("win_share", "p", "p_holm"),
]
RESAMPLES = 9999
LEVEL = 0.95


def task_means(metrics: pd.DataFrame, metric: str, condition: str = "cv") -> pd.DataFrame:
    """Return the mean of `metric` over the repeats of every task and method.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`; those that did not run or are of single folds are passed over

    Returns
    -------
    one row a task and method: family, dataset, target, method, synthetic, overlaps, value, sd (over repeats, divisor
    n - 1; NaN for one repeat), repeats
    """
    chosen = (metrics["metric"] == metric) & (metrics["condition"] == condition)
    rows = metrics[chosen & (metrics["fold"] == -1) & (metrics["status"] == "ok") & metrics["value"].notna()]
    groups = rows.groupby([*TASK, "method", "synthetic", "overlaps"], observed=True, sort=False)["value"]
    return groups.agg(value="mean", sd="std", repeats="size").reset_index()


def against(means: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Add to the output of `task_means` each row's `ratio` to, and `difference` from, method `reference` on its task.

    Tasks on which the reference did not run are left out.
    """
    base = means.loc[means["method"] == reference, [*TASK, "value"]].rename(columns={"value": "base"})
    joined = means.merge(base, on=TASK, how="inner", validate="many_to_one")
    joined["ratio"] = joined["value"] / joined["base"]
    joined["difference"] = joined["value"] - joined["base"]
    return joined.drop(columns="base")


def paired(own: pd.DataFrame, base: pd.DataFrame, on: Sequence[str] = ("repeat",)) -> pd.DataFrame:
    """Compare two methods on every task on which both ran, over the runs that both have.

    Parameters
    ----------
    own, base : rows of `etalon.records.METRIC_COLUMNS` that ran, each of one method, metric and condition
    on : what makes two runs one: "repeat" (equal folds), with "seed" where both start from it

    Returns
    -------
    one row a task: family, dataset, target, synthetic, overlaps, value and base (means over seeds, then over the shared
    runs), ratio, difference
    """
    values, bases = (rows.groupby([*TASK, *on], observed=True, sort=False)["value"].mean() for rows in (own, base))
    runs = pd.concat([values, bases.rename("base")], axis=1, join="inner")
    means = runs.groupby(level=TASK, observed=True, sort=False).mean().reset_index()
    marks = own[[*TASK, "synthetic", "overlaps"]].drop_duplicates(TASK)
    joined = marks.merge(means, on=TASK, validate="one_to_one")
    return joined.assign(ratio=joined["value"] / joined["base"], difference=joined["value"] - joined["base"])


def claimable(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that may enter a summary: no synthetic spectra, no second set of the same specimens."""
    return rows[~rows["synthetic"].astype(bool) & (rows["overlaps"].astype(str) == "")]


def summarise(compared: pd.DataFrame, reference: str, effect: str, seed: int = 0) -> pd.DataFrame:
    """Summarise over tasks how each method compares with `reference`.

    Parameters
    ----------
    compared : output of `against`; rows that are not `claimable` are left out
    effect : "ratio" (of errors: below 1 is better) or "difference" (of scores: above 0 is better)
    seed : of the bootstrap

    Returns
    -------
    one row a method:
        tasks, datasets, families : how many it ran on
        mean : geometric mean of the ratios, or mean difference, over tasks
        mean_low, mean_high : its 95 % bootstrap interval over families
        median, median_low, median_high : the same of the median over tasks
        win_share : share of tasks on which it beats the reference, a tie counting half
        p : Wilcoxon signed-rank test over datasets, on the median log ratio (or difference) of each one's tasks
        p_holm : p after Holm's correction for the number of methods
    NaN where there is nothing to estimate: intervals of one family; all but the counts, mean and median of the
    reference itself.
    """
    rows = claimable(compared)
    methods = rows.groupby("method", observed=True, sort=False)
    table = pd.DataFrame([_summary(str(name), own, reference, effect, seed) for name, own in methods], columns=SUMMARY)
    table["p_holm"] = holm(table["p"].to_numpy(float))
    return table


def _summary(method: str, rows: pd.DataFrame, reference: str, effect: str, seed: int) -> dict[str, object]:
    families = [group.to_numpy(float) for _, group in rows.groupby("family", observed=True)[effect]]
    result: dict[str, object] = {
        "method": method,
        "tasks": len(rows),
        "datasets": rows["dataset"].nunique(),
        "families": len(families),
    }
    for name, statistic in (("mean", geometric_mean if effect == "ratio" else np.mean), ("median", np.median)):
        result[name] = float(statistic(rows[effect].to_numpy(float)))
        if method != reference:
            low, high = family_interval(families, statistic, derive_seed(seed, "bootstrap", name))
            result |= {f"{name}_low": low, f"{name}_high": high}
    if method == reference:
        return result
    losses = _losses(rows[effect], effect)
    return result | {"win_share": float(np.mean((1 - np.sign(losses)) / 2)), "p": rank_datasets(rows, effect)}


def _losses(effects: pd.Series, effect: str) -> pd.Series:
    """Return the log ratios, or differences with their sign turned: below zero is better."""
    return np.log(effects) if effect == "ratio" else -effects


def rank_datasets(rows: pd.DataFrame, effect: str) -> float:
    """Return p of Wilcoxon's test over datasets, on the median log ratio (or difference) of each one's tasks."""
    per_dataset = _losses(rows[effect], effect).groupby(rows["dataset"], observed=True).median()
    return signed_rank(per_dataset.to_numpy(float))


def geometric_mean(ratios: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def family_interval(
    families: list[np.ndarray], statistic: Callable[[np.ndarray], float], seed: int
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of `statistic` over tasks when families are resampled.

    A family drawn brings all its tasks (the cluster bootstrap of Field and Welsh 2007, Journal of the Royal
    Statistical Society B 69, 369-390). NaN for fewer than two families.

    Parameters
    ----------
    families : one array of effects a family
    """
    if len(families) < 2:
        return float("nan"), float("nan")
    result = stats.bootstrap(
        (np.arange(len(families)),),
        lambda drawn: statistic(np.concatenate([families[i] for i in drawn])),
        vectorized=False,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return float(low), float(high)


def signed_rank(effects: np.ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test that `effects` are symmetric about zero.

    Zero effects are left out, as Wilcoxon did; NaN where nothing else remains.
    """
    effects = effects[effects != 0]
    return float(stats.wilcoxon(effects).pvalue) if len(effects) else float("nan")


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for their number by Holm's step-down method; NaN stay NaN and do not count.

    Holm 1979, Scandinavian Journal of Statistics 6, 65-70: the i-th smallest of m becomes the largest of
    (m - j + 1) p_(j) over j <= i, at most 1.
    """
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1.0)
    return adjusted
