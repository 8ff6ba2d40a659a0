"""Folds: no specimen, and no spectrum entered twice, on both sides of a split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import group_specimens, make_folds, read_folds


def make_set(specimen, *, duplicates=(), split=None, published=None, label=None):
    n = len(specimen)
    intensities = np.random.default_rng(0).normal(size=(n, 5))
    for original, copy in duplicates:
        intensities[copy] = intensities[original]
    metadata = Metadata(
        "corn", "corn", "Corn", "nir", "absorbance", "nm", targets=(Target("protein", "protein", "%"),),
        published_split=published, label="class" if label is not None else None,
    )  # fmt: skip
    return SpectraSet(
        metadata, intensities, np.arange(5.0), np.arange(n).astype(str), np.asarray(specimen).astype(str),
        np.arange(n, dtype=float)[:, None], split=split, label=label,
    )  # fmt: skip


def test_rows_are_joined_through_specimens_and_through_duplicates():
    groups = group_specimens(make_set([0, 0, 1, 2, 3], duplicates=[(1, 3)]))
    # 0 and 1 are one specimen, and 3 is the same spectrum as 1; 2 and 4 stand alone.
    assert groups[0] == groups[1] == groups[3]
    assert len(np.unique(groups)) == 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=15, max_size=50), st.integers(2, 5), st.integers(0, 3))
def test_every_row_is_tested_once_a_repeat_and_no_specimen_straddles(specimens, n_splits, seed):
    if len(set(specimens)) < 2:
        return
    spectra = make_set(specimens)
    folds = read_folds(make_folds(spectra, n_splits=n_splits, n_repeats=2, seed=seed), ("kfold",))
    for repeat in (0, 1):
        of_repeat = [f for f in folds if f.repeat == repeat]
        assert sorted(np.concatenate([f.test for f in of_repeat])) == list(range(len(specimens)))
    for fold in folds:
        assert not set(spectra.specimen[fold.train]) & set(spectra.specimen[fold.test])
        assert len(fold.train) + len(fold.test) == len(specimens)


def test_folds_depend_on_seed_dataset_and_repeat_alone():
    spectra = make_set(np.arange(30))
    first, again = (make_folds(spectra, n_splits=5, n_repeats=2, seed=1) for _ in range(2))
    assert first.equals(again)
    other = make_folds(spectra, n_splits=5, n_repeats=2, seed=2)
    assert not first.equals(other)
    kfold = read_folds(first, ("kfold",))
    assert set(kfold[0].test) != set(kfold[5].test), "the two repeats are the same"


def test_classes_are_spread_over_the_folds():
    label = np.repeat(["a", "b", "c"], [40, 20, 10])
    table = make_folds(make_set(np.arange(70), label=label), n_splits=5, n_repeats=1, seed=1)
    for fold in read_folds(table, ("stratified",)):
        assert [int(np.sum(label[fold.test] == name)) for name in "abc"] == [8, 4, 2]


def test_published_split_loses_training_rows_of_tested_specimens():
    spectra = make_set(
        [0, 1, 2, 3, 0, 4],
        split=np.array(["cal", "cal", "cal", "unused", "val", "val"]),
        published={"train": ["cal"], "test": ["val"]},
    )
    (fold,) = read_folds(make_folds(spectra, n_splits=2, n_repeats=1, seed=1), ("published",))
    assert fold.condition == "published"
    assert list(fold.train) == [1, 2]
    assert list(fold.test) == [4, 5]


def test_published_folds_are_used_one_by_one():
    spectra = make_set(np.arange(6), split=np.array(["f1", "f2", "f3"] * 2), published={"folds": True})
    folds = read_folds(make_folds(spectra, n_splits=2, n_repeats=1, seed=1), ("published",))
    assert [list(f.test) for f in folds] == [[0, 3], [1, 4], [2, 5]]


def test_fewer_specimens_than_folds_make_fewer_folds():
    folds = read_folds(make_folds(make_set([0] * 5 + [1] * 5 + [2] * 5), n_splits=5, n_repeats=1, seed=1), ("kfold",))
    assert len(folds) == 3


@pytest.mark.mirror
def test_tecators_duplicates_share_groups(mirrored):
    groups = group_specimens(mirrored("meat_tecator_215"))
    assert len(groups) - len(np.unique(groups)) == 22
