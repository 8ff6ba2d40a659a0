"""Ranks of several methods over datasets: Friedman's test, and Wilcoxon's between every two.

Demšar 2006 (Journal of Machine Learning Research 7, 1-30). Only tasks on which every method ran take part (complete
blocks). The block of the tests is a dataset: its tasks share spectra.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from etalon.evaluate.compare import TASK, holm, signed_rank


def complete_blocks(rows: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Return the scores of `methods` on the tasks that all of them have, index `TASK`, one column a method.

    Parameters
    ----------
    rows : metrics that ran, with `method`, `repeat`, `seed` and `value`, of one score and condition. Seeds are
        averaged, then the repeats that all methods have
    """
    own = rows[rows["method"].isin(list(methods))]
    runs = own.pivot_table(index=[*TASK, "repeat"], columns="method", values="value", observed=True)
    return runs.reindex(columns=list(methods)).dropna().groupby(level=TASK, observed=True).mean()


def dataset_ranks(blocks: pd.DataFrame, smaller_is_better: bool = True) -> pd.DataFrame:
    """Return the rank of each method (1 is best, ties share) on each dataset, averaged over the tasks of the dataset.

    Parameters
    ----------
    blocks : output of `complete_blocks`
    """
    return blocks.rank(axis=1, ascending=smaller_is_better).groupby(level="dataset", observed=True).mean()


def friedman(ranks: pd.DataFrame) -> float:
    """Return p of Friedman's test over the output of `dataset_ranks`; NaN for fewer than 3 methods or 2 datasets."""
    if ranks.shape[0] < 2 or ranks.shape[1] < 3:
        return float("nan")
    return float(stats.friedmanchisquare(*(ranks[name] for name in ranks)).pvalue)


def pairwise(blocks: pd.DataFrame) -> pd.DataFrame:
    """Return p of Wilcoxon's test between every two methods, after Holm for the number of pairs; 1 on the diagonal.

    As in `etalon.evaluate.compare.summarise` the test is over datasets, on the median log ratio of the tasks of each.
    Pairs without any difference have p = 1.

    Parameters
    ----------
    blocks : output of `complete_blocks`, of errors
    """
    pairs = list(combinations(blocks.columns, 2))
    logs = np.log(blocks)
    datasets = [(logs[a] - logs[b]).groupby(level="dataset", observed=True).median() for a, b in pairs]
    adjusted = holm(np.array([signed_rank(differences.to_numpy(float)) for differences in datasets]))
    found = pd.DataFrame(1.0, index=blocks.columns, columns=blocks.columns)
    for (a, b), p in zip(pairs, np.nan_to_num(adjusted, nan=1.0), strict=True):
        found.loc[a, b] = found.loc[b, a] = p
    return found
