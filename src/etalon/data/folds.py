"""Folds: which rows train and which test, by specimen, made once and shared by every method."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from etalon.contracts import SpectraSet
from etalon.seeds import derive_seed


@dataclass(frozen=True)
class Fold:
    """Row numbers that train and test. `condition` is "cv" or "published"."""

    condition: str
    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray


def group_specimens(spectra: SpectraSet) -> np.ndarray:
    """Return a group number for each row: rows of one specimen, or with one and the same spectrum, share it.

    Exact duplicate spectra are one measurement entered twice, whatever their names (Tecator's classic 215
    hold 22 of them); on both sides of a split they would be a leak.
    """
    _, specimen = np.unique(spectra.specimen, return_inverse=True)
    _, duplicate = np.unique(spectra.intensities, axis=0, return_inverse=True)
    n = len(specimen)
    # Rows are joined through their specimen and through their spectrum: components of a bipartite graph.
    links = coo_array((np.ones(n), (specimen, duplicate.reshape(-1))))
    size = links.shape[0]
    graph = coo_array((links.data, (links.row, links.col + size)), shape=(sum(links.shape),) * 2)
    _, component = connected_components(graph, directed=False)
    _, groups = np.unique(component[specimen], return_inverse=True)
    return groups


def grouped_kfold(groups: np.ndarray, n_splits: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split rows into `n_splits` folds (fewer where there are fewer groups), no group in two; (train, test) each."""
    from sklearn.model_selection import GroupKFold  # takes a second, and trainings ask for groups alone

    n_splits = min(n_splits, len(np.unique(groups)))
    splitter = GroupKFold(n_splits, shuffle=True, random_state=seed)
    return list(splitter.split(np.empty(len(groups)), groups=groups))


def stratified_kfold(
    labels: np.ndarray, groups: np.ndarray, n_splits: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """As `grouped_kfold`, with the classes in about equal shares in every fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    n_splits = min(n_splits, len(np.unique(groups)))
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    return list(splitter.split(np.empty(len(groups)), labels, groups))


def make_folds(spectra: SpectraSet, *, n_splits: int, n_repeats: int, seed: int) -> pd.DataFrame:
    """Return every fold of a dataset as rows of (scheme, repeat, fold, row, role).

    Schemes are "kfold" for regression, "stratified" for classification and "published", the source's own split.

    From the training part of a published split, rows are left out that share a group with its test part.
    """
    groups = group_specimens(spectra)
    folds: list[tuple[str, Fold]] = []
    for repeat in range(n_repeats):
        splits = grouped_kfold(groups, n_splits, derive_seed(seed, "folds", spectra.metadata.dataset_id, repeat))
        folds += [("kfold", Fold("cv", repeat, k, *split)) for k, split in enumerate(splits)]
        if spectra.label is not None:
            labelled_seed = derive_seed(seed, "folds", spectra.metadata.dataset_id, "label", repeat)
            splits = stratified_kfold(spectra.label, groups, n_splits, labelled_seed)
            folds += [("stratified", Fold("cv", repeat, k, *split)) for k, split in enumerate(splits)]
    folds += [("published", fold) for fold in _published(spectra, groups)]
    parts = [
        pd.DataFrame({"scheme": scheme, "repeat": f.repeat, "fold": f.fold, "row": rows, "role": role})
        for scheme, f in folds
        for role, rows in (("train", f.train), ("test", f.test))
    ]
    return pd.concat(parts, ignore_index=True).astype({"repeat": "int32", "fold": "int32", "row": "int32"})


def _published(spectra: SpectraSet, groups: np.ndarray) -> Iterator[Fold]:
    published = spectra.metadata.published_split
    if published is None or spectra.split is None:
        return
    if published.get("folds"):
        parts = [(spectra.split != name, spectra.split == name) for name in np.unique(spectra.split)]
    else:
        parts = [(np.isin(spectra.split, published["train"]), np.isin(spectra.split, published["test"]))]
    for number, (train, test) in enumerate(parts):
        train = train & ~np.isin(groups, groups[test])
        yield Fold("published", 0, number, np.flatnonzero(train), np.flatnonzero(test))


def read_folds(table: pd.DataFrame, schemes: tuple[str, ...]) -> list[Fold]:
    """Return the folds of `schemes` from a table made by `make_folds`."""
    folds = []
    for scheme in schemes:
        of_scheme = table[table["scheme"] == scheme]
        condition = "published" if scheme == "published" else "cv"
        for _, rows in of_scheme.groupby(["repeat", "fold"], sort=True):
            train, test = (rows.loc[rows["role"] == role, "row"].to_numpy() for role in ("train", "test"))
            folds.append(Fold(condition, int(rows["repeat"].iloc[0]), int(rows["fold"].iloc[0]), train, test))
    return folds
