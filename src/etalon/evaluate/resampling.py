"""The bootstrap of a mean or median over tasks when seeds are a random effect beside families of datasets.

Families and seeds are crossed: every seed trains an encoder for every family. The pigeonhole bootstrap (Owen 2007,
Annals of Applied Statistics 1, 386-411, doi:10.1214/07-AOAS122) resamples both sides independently and gives every
number the product of the two counts; a family brings all its tasks. With few levels a side resampled as often as it
has levels shows too little variance (half of it for two seeds), so of S seeds S - 1 are drawn (McCarthy and Snowden
1985, Vital and Health Statistics 2(95)), which is unbiased. The variance of the interaction counts more than once:
the interval errs on the wide side. Without seeds this is the cluster bootstrap of families (Field and Welsh 2007,
Journal of the Royal Statistical Society B 69, 369-390).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from etalon.seeds import derive_seed

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Crossed:
    """Scores of one method and of what it is compared with, by task and seed.

    Attributes
    ----------
    values, bases : shape (T, S); NaN where a seed has no score on a task
    families : int, shape (T,), number of the family of each task
    effect : "ratio" or "difference" of value and base
    """

    values: np.ndarray
    bases: np.ndarray
    families: np.ndarray
    effect: str

    @classmethod
    def of(cls, rows: pd.DataFrame, task: list[str], effect: str) -> "Crossed":
        """Return the scores in `rows`: one row a task (the columns `task`) and seed, with `value` and `base`."""
        distinct, tasks = np.unique([pd.factorize(rows[name])[0] for name in task], axis=1, return_inverse=True)
        seeds, known = pd.factorize(rows["seed"], sort=True)
        values, bases = np.full((2, distinct.shape[1], len(known)), np.nan)
        values[tasks, seeds], bases[tasks, seeds] = rows["value"], rows["base"]
        families, _ = pd.factorize(rows["family"].to_numpy(object), sort=True)
        of_tasks = np.zeros(len(values), int)
        of_tasks[tasks] = families
        return cls(values, bases, of_tasks, effect)

    def effects(self, weights: np.ndarray) -> np.ndarray:
        """Return the effect on every task, shape (T,), of the weighted mean over seeds; NaN where none has weight."""
        weight = weights * ~np.isnan(self.values)  # (T, S)
        total = weight.sum(axis=1)
        total = np.where(total == 0, np.nan, total)
        value, base = (np.nansum(of * weight, axis=1) / total for of in (self.values, self.bases))
        return value / base if self.effect == "ratio" else value - base

    def by_seed(self) -> np.ndarray:
        """Return the effects of each seed alone, shape (S, T), on the tasks that every seed has."""
        common = ~np.isnan(self.values).any(axis=1)
        return np.array([self.effects(own)[common] for own in np.eye(self.values.shape[1])])


def distribution(table: Crossed, statistic: Statistic, resamples: int, seed: int, of_seeds: bool = True) -> np.ndarray:
    """Return `statistic` of resampled families and, if `of_seeds`, seeds; shape (resamples,).

    Parameters
    ----------
    statistic : of effects, shape (T,), and counts, shape (R, T): how often each task was drawn in every resample
    """
    n_seeds = table.values.shape[1]
    counts = _counts_of_families(int(table.families.max()) + 1, resamples, seed)
    weights, which = np.ones((1, n_seeds)), np.zeros(resamples, int)
    if of_seeds and n_seeds > 1:
        weights, which = _weights_of_seeds(n_seeds, resamples, seed)
    found = np.empty(resamples)
    for number, own in enumerate(weights):
        effects = table.effects(own)
        kept, rows = ~np.isnan(effects), which == number
        found[rows] = statistic(effects[kept], counts[rows][:, table.families[kept]])
    return found


# The methods of a table are mostly judged on the same number of families: a draw serves all of them.
@lru_cache(maxsize=8)
def _counts_of_families(n_families: int, resamples: int, seed: int) -> np.ndarray:
    """Return how often each family was drawn in every resample, shape (resamples, n_families)."""
    drawn = np.random.default_rng(seed).integers(0, n_families, (resamples, n_families))
    cells = drawn + n_families * np.arange(resamples)[:, None]
    return np.bincount(cells.ravel(), minlength=resamples * n_families).reshape(resamples, n_families).astype(float)


@lru_cache(maxsize=8)
def _weights_of_seeds(n_seeds: int, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct counts of seeds that were drawn, shape (W, n_seeds), and which every resample has."""
    rng = np.random.default_rng(derive_seed(seed, "seeds"))
    draws = rng.multinomial(n_seeds - 1, np.full(n_seeds, 1 / n_seeds), resamples)
    weights, which = np.unique(draws, axis=0, return_inverse=True)
    return weights, which


def geometric_means(effects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.exp(means(np.log(effects), counts))


def means(effects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean effect of every resample, shape (R,); NaN where no task was drawn."""
    total = counts.sum(axis=1)
    return counts @ effects / np.where(total == 0, np.nan, total)


def medians(effects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the median effect of every resample, shape (R,); NaN where no task was drawn."""
    order = np.argsort(effects)
    total = counts.sum(axis=1)
    # Positions, from 0, of the two middle ones of `total` sorted numbers; they are one where it is odd.
    middle = np.array([(total - 1) // 2, total // 2])
    below, position = np.zeros(len(counts)), np.zeros(middle.shape, int)
    for count in counts.T[order]:  # one task at a time is four times as fast as a cumulative sum of all
        below += count
        position += below <= middle
    return np.mean(np.append(effects[order], np.nan)[position], axis=0)
