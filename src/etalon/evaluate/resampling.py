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
        wide = rows.pivot_table(index=task, columns="seed", values=["value", "base"], sort=False, observed=True)
        families, _ = pd.factorize(wide.index.get_level_values("family").to_numpy(), sort=True)
        return cls(wide["value"].to_numpy(float), wide["base"].to_numpy(float), families, effect)

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
    n_families, n_seeds = int(table.families.max()) + 1, table.values.shape[1]
    drawn = np.random.default_rng(seed).integers(0, n_families, (resamples, n_families))
    cells = drawn + n_families * np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=resamples * n_families).reshape(resamples, n_families).astype(float)
    weights, which = np.ones((1, n_seeds)), np.zeros(resamples, int)
    if of_seeds and n_seeds > 1:
        rng = np.random.default_rng(derive_seed(seed, "seeds"))
        draws = rng.multinomial(n_seeds - 1, np.full(n_seeds, 1 / n_seeds), resamples)
        weights, which = np.unique(draws, axis=0, return_inverse=True)
    found = np.empty(resamples)
    for number, own in enumerate(weights):
        effects = table.effects(own)
        kept, rows = ~np.isnan(effects), which == number
        found[rows] = statistic(effects[kept], counts[rows][:, table.families[kept]])
    return found


def geometric_means(effects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.exp(means(np.log(effects), counts))


def means(effects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean effect of every resample, shape (R,); NaN where no task was drawn."""
    total = counts.sum(axis=1)
    return counts @ effects / np.where(total == 0, np.nan, total)


def medians(effects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the median effect of every resample, shape (R,); NaN where no task was drawn."""
    order = np.argsort(effects)
    below = counts[:, order].cumsum(axis=1)  # (R, T)
    total = counts.sum(axis=1, keepdims=True)
    # Positions, from 0, of the two middle ones of `total` sorted numbers; they are one where it is odd.
    middle = [effects[order][np.argmax(below > (total - odd) // 2, axis=1)] for odd in (1, 0)]
    return np.where(total[:, 0] == 0, np.nan, np.mean(middle, axis=0))
