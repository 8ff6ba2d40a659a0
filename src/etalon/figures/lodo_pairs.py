"""Pairs of leave-one-dataset-out: error of one training set on one test set, relative to the spread of the latter."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from etalon.evaluate.compare import geometric_mean
from etalon.figures.lodo_rows import PAIR, REFERENCE, scores


class Cell(NamedTuple):
    """RMSEP over the standard deviation of the test references, as it is and after the mean error is removed."""

    as_is: float
    unbiased: float


class Group(NamedTuple):
    """The datasets that measure one analyte; `cells[method][train, test]` holds what ran."""

    title: str
    datasets: list[str]
    families: dict[str, str]
    synthetic: bool
    cells: Mapping[str, Mapping[tuple[str, str], Cell]]


def list_groups(rows: pd.DataFrame) -> list[Group]:
    """Return the groups, large ones first. Sets belong together where a pair links them, whether or not it ran.

    Parameters
    ----------
    rows : output of `etalon.figures.lodo_rows.prepare`
    """
    own = rows[rows["condition"] == PAIR]
    parts = own["pair"].str.split(">", expand=True)
    own = own.assign(train=parts[0], test=parts[1]) if len(own) else own.assign(train="", test="")
    known = own.drop_duplicates("dataset")
    families = dict(zip(known["dataset"].astype(str), known["family"].astype(str), strict=True))
    groups = []
    for (analyte, unit, synthetic), of in own.groupby(["analyte", "unit", "synthetic"], sort=True):
        for datasets in _linked(of[["train", "test"]].drop_duplicates()):
            pairs = of[of["test"].isin(datasets)]
            title = _title(str(analyte), str(unit))
            found = sorted(datasets, key=lambda name: (families.get(name, ""), name))
            groups.append(Group(title, found, families, bool(synthetic), _cells(pairs)))
    return sorted(groups, key=lambda group: (-len(group.datasets), group.title))


def _title(analyte: str, unit: str) -> str:
    name = re.sub(r"\b(adf|ndf)\b", lambda found: found[0].upper(), analyte.replace("_", " "))
    return unit if name == unit.lower() else f"{name[:1].upper()}{name[1:]}, {unit}"


def _linked(pairs: pd.DataFrame) -> list[set[str]]:
    """Return the sets of datasets that pairs (train, test) connect."""
    names = sorted({*pairs["train"], *pairs["test"]})
    at = {name: number for number, name in enumerate(names)}
    links = (pairs["train"].map(at).to_numpy(), pairs["test"].map(at).to_numpy())
    _, label = connected_components(coo_array((np.ones(len(pairs)), links), shape=(len(names),) * 2), directed=False)
    return [{name for name in names if label[at[name]] == number} for number in range(label.max() + 1)]


def _cells(rows: pd.DataFrame) -> dict[str, dict[tuple[str, str], Cell]]:
    """Return by method and pair the mean over seeds (and over targets of one dataset, where it has two)."""
    ran = scores(rows)
    # RMSEP^2 = bias^2 + the mean square of what remains.
    share = (ran["bias"] / ran["value"]) ** 2
    ran = ran.assign(unbiased=ran["to_sd"] * np.sqrt(np.maximum(1.0 - share, 0.0)))
    found: dict[str, dict[tuple[str, str], Cell]] = {}
    for (method, pair), own in ran.groupby(["method", "pair"], sort=True):
        train, _, test = str(pair).partition(">")
        found.setdefault(str(method), {})[train, test] = Cell(float(own["to_sd"].mean()), float(own["unbiased"].mean()))
    return found


def best_encoder(groups: list[Group]) -> tuple[str, float] | None:
    """Return the embedding with the smallest geometric mean over the pairs on which all of them and tuned PLS ran.

    None where there is no embedding, or no such pair.
    """
    names = sorted({name for group in groups for name in group.cells if "/" in name})
    values: dict[str, list[float]] = {name: [] for name in names}
    for group in groups:
        every = [group.cells.get(name, {}) for name in (REFERENCE, *names)]
        for pair in set.intersection(*(set(cells) for cells in every)):
            for name in names:
                values[name].append(group.cells[name][pair].as_is)
    means = {name: geometric_mean(np.array(own)) for name, own in values.items() if own}
    return min(means.items(), key=lambda item: item[1]) if means else None
