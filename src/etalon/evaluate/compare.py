"""Methods compared over many tasks, each task against the same reference method on the same folds.

Errors of different tasks have different units, so what is averaged is their ratio to the reference method. Tasks of
one family (equal product and source, or shared specimens) are not independent: intervals resample families and, where
a method has several seeds, seeds as well (`etalon.evaluate.resampling`). Tests over several datasets follow Demšar 2006
(Journal of Machine Learning Research 7, 1-30).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from etalon.evaluate.resampling import Crossed, Statistic, distribution, geometric_means, means, medians
from etalon.seeds import derive_seed

TASK = ["family", "dataset", "target"]
SUMMARY = [
    *("method", "tasks", "datasets", "families"),
    *("mean", "mean_low", "mean_high", "median", "median_low", "median_high"),
    *("win_share", "p", "p_holm"),
]
OF_SEEDS = ["seeds", "seed_sd", "seed_share"]
STATISTICS: dict[str, dict[str, Statistic]] = {
    "ratio": {"mean": geometric_means, "median": medians},
    "difference": {"mean": means, "median": medians},
}
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


def against(task_scores: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Add to the output of `task_means` what it is compared with, on each row's own task.

    Added are `base`, the value of method `reference`, and the `ratio` to it and `difference` from it. Tasks on which
    the reference did not run are left out.
    """
    base = task_scores.loc[task_scores["method"] == reference, [*TASK, "value"]].rename(columns={"value": "base"})
    return _with_effects(task_scores.merge(base, on=TASK, how="inner", validate="many_to_one"))


def paired_seeds(own: pd.DataFrame, base: pd.DataFrame, on: Sequence[str] = ("repeat",)) -> pd.DataFrame:
    """Compare methods with one, seed by seed, on every task on which both ran, over the runs that both have.

    Parameters
    ----------
    own, base : rows of `etalon.records.METRIC_COLUMNS` that ran, of one metric and condition; those of `base` are of
        one method, those of `own` of any number
    on : what makes two runs one: "repeat" (equal folds), with "seed" where both start from it

    Returns
    -------
    one row a method, task and seed of `own`: method, family, dataset, target, seed, synthetic, overlaps, value and base
    (means over the shared runs), ratio, difference
    """
    keys = ["method", *TASK]
    runs = own.groupby([*keys, *dict.fromkeys([*on, "seed"])], observed=True, sort=False)["value"].mean()
    bases = base.groupby([*TASK, *on], observed=True, sort=False)["value"].mean().rename("base")
    shared = runs.reset_index().merge(bases.reset_index(), on=[*TASK, *on])
    by_seed = shared.groupby([*keys, "seed"], observed=True, sort=False)[["value", "base"]].mean().reset_index()
    marks = own[[*TASK, "synthetic", "overlaps"]].drop_duplicates(TASK)
    return _with_effects(by_seed.merge(marks, on=TASK, validate="many_to_one"))


def paired(own: pd.DataFrame, base: pd.DataFrame, on: Sequence[str] = ("repeat",)) -> pd.DataFrame:
    """Return the output of `paired_seeds` with one row a method and task: value and base are means over its seeds."""
    return over_seeds(paired_seeds(own, base, on))


def over_seeds(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs` (output of `paired_seeds`) with value and base averaged over seeds."""
    keys = ["method", *TASK, "synthetic", "overlaps"]
    means_of = pairs.groupby(keys, observed=True, sort=False)[["value", "base"]].mean().reset_index()
    return _with_effects(means_of)


def _with_effects(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(ratio=rows["value"] / rows["base"], difference=rows["value"] - rows["base"])


def claimable(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that may enter a summary: no synthetic spectra, no second set of the same specimens."""
    return rows[~rows["synthetic"].astype(bool) & (rows["overlaps"].astype(str) == "")]


def summarise(compared: pd.DataFrame, reference: str, effect: str, seed: int = 0) -> pd.DataFrame:
    """Summarise over tasks how each method compares with `reference`.

    Parameters
    ----------
    compared : output of `against` or of `paired_seeds`; rows that are not `claimable` are left
        out. Without a column `seed` every method has a single one
    effect : "ratio" (of errors: below 1 is better) or "difference" (of scores: above 0 is better)
    seed : of the bootstrap

    Returns
    -------
    one row a method, `SUMMARY` and `OF_SEEDS`:
        tasks, datasets, families : how many it ran on
        mean : geometric mean of the ratios, or mean difference, over tasks, of means over seeds
        mean_low, mean_high : its 95 % bootstrap interval over families and seeds
        median, median_low, median_high : the same of the median over tasks
        win_share : share of tasks on which it beats the reference, a tie counting half
        p : Wilcoxon signed-rank test over datasets, on the median log ratio (or difference) of each one's tasks
        p_holm : p after Holm's correction for the number of methods
        seeds : their number
        seed_sd : standard deviation over seeds (divisor n - 1) of the mean over the tasks that every seed has
        seed_share : share of the bootstrap variance of the mean that is gone when seeds are not resampled
    NaN where there is nothing to estimate: intervals of one family; spread of one seed; all but the counts, mean and
    median of the reference itself.
    """
    rows = claimable(compared)
    rows = rows if "seed" in rows else rows.assign(seed=-1)
    tasks = dict(list(over_seeds(rows).groupby("method", observed=True, sort=False)))
    methods = rows.groupby("method", observed=True, sort=False)
    found = [_summary(str(name), tasks[name], own, reference, effect, seed) for name, own in methods]
    table = pd.DataFrame(found, columns=[*SUMMARY, *OF_SEEDS])
    table["p_holm"] = holm(table["p"].to_numpy(float))
    return table


def _summary(
    method: str, tasks: pd.DataFrame, rows: pd.DataFrame, reference: str, effect: str, seed: int
) -> dict[str, object]:
    """Return the row of one method, from its comparisons by task and by task and seed."""
    effects = tasks[effect].to_numpy(float)
    result: dict[str, object] = {
        "method": method,
        "tasks": len(tasks),
        "datasets": tasks["dataset"].nunique(),
        "families": tasks["family"].nunique(),
        "seeds": rows["seed"].nunique(),
        "mean": mean_effect(effects, effect),
        "median": float(np.median(effects)),
    }
    if method == reference:
        return result
    losses = _losses(tasks[effect], effect)
    result |= {"win_share": float(np.mean((1 - np.sign(losses)) / 2)), "p": rank_datasets(tasks, effect)}
    crossed = Crossed.of(rows, TASK, effect)
    spread = _seed_sd(crossed)
    return result | spread | (_resampled(crossed, seed) if crossed.families.any() else {})


def mean_effect(effects: np.ndarray, effect: str) -> float:
    """Return the geometric mean of ratios, the mean of differences."""
    return geometric_mean(effects) if effect == "ratio" else float(np.mean(effects))


def _seed_sd(crossed: Crossed) -> dict[str, float]:
    by_seed = crossed.by_seed()
    if len(by_seed) < 2 or not by_seed.size:
        return {}
    return {"seed_sd": float(np.std([mean_effect(own, crossed.effect) for own in by_seed], ddof=1))}


def _resampled(crossed: Crossed, seed: int) -> dict[str, float]:
    """Return the intervals of mean and median, and the share that seeds have in the variance of the mean."""
    found: dict[str, float] = {}
    for name, statistic in STATISTICS[crossed.effect].items():
        of = derive_seed(seed, "bootstrap", name)
        drawn = distribution(crossed, statistic, RESAMPLES, of)
        tails = np.nanpercentile(drawn, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
        found |= {f"{name}_low": float(tails[0]), f"{name}_high": float(tails[1])}
        if name == "mean" and crossed.values.shape[1] > 1 and (both := np.nanvar(drawn)) > 0:
            fixed = np.nanvar(distribution(crossed, statistic, RESAMPLES, of, of_seeds=False))
            found["seed_share"] = max(0.0, 1.0 - float(fixed / both))
    return found


def _losses(effects: pd.Series, effect: str) -> pd.Series:
    """Return the log ratios, or differences with their sign turned: below zero is better."""
    return np.log(effects) if effect == "ratio" else -effects


def rank_datasets(rows: pd.DataFrame, effect: str) -> float:
    """Return p of Wilcoxon's test over datasets, on the median log ratio (or difference) of each one's tasks."""
    per_dataset = _losses(rows[effect], effect).groupby(rows["dataset"], observed=True).median()
    return signed_rank(per_dataset.to_numpy(float))


def geometric_mean(ratios: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


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
