"""Transfer samples: paired rows, and choices that keep their promise."""

import numpy as np
import pytest

from etalon.chemometrics.transfer_samples import check_paired, clustered_samples, kennard_stone, random_samples
from etalon.errors import BadInputError

X = np.random.default_rng(0).normal(size=(30, 5))


def test_unpaired_rows_are_named():
    names = np.array(["a", "b", "c"])
    check_paired(names, names.copy())
    with pytest.raises(BadInputError, match=r"row 0: expected sample a, found b \(the same samples in another order\)"):
        check_paired(names, names[[1, 0, 2]])
    with pytest.raises(BadInputError, match=r"row 2: expected sample c, found d$"):
        check_paired(names, np.array(["a", "b", "d"]))
    with pytest.raises(BadInputError, match="expected 3, as on the source instrument, found 2"):
        check_paired(names, names[:2])


def test_random_samples_grow_and_follow_their_seed():
    assert set(random_samples(30, 5, 1)) < set(random_samples(30, 20, 1))
    assert len(set(random_samples(30, 30, 1))) == 30
    assert not np.array_equal(random_samples(30, 5, 1), random_samples(30, 5, 2))


def test_kennard_stone_takes_the_farthest_each_time():
    chosen = kennard_stone(X, 8)
    distance = np.linalg.norm(X[:, None] - X[None], axis=-1)
    assert distance[chosen[0], chosen[1]] == distance.max()
    for k in range(2, 8):
        rest = np.setdiff1d(np.arange(30), chosen[:k])
        nearest = distance[np.ix_(rest, chosen[:k])].min(axis=1)
        assert chosen[k] == rest[nearest.argmax()]


def test_kennard_stone_never_takes_a_sample_twice():
    assert sorted(kennard_stone(np.zeros((6, 3)), 6)) == list(range(6))
    assert sorted(kennard_stone(X, 30)) == list(range(30))


def test_clustered_samples_are_nearest_neighbours():
    chosen = clustered_samples(X, 6, 3)
    distance = np.linalg.norm(X - X[chosen[0]], axis=1)
    assert set(chosen) == set(np.argsort(distance)[:6])


@pytest.mark.parametrize("choose", [lambda n: random_samples(30, n, 0), lambda n: kennard_stone(X, n)])
@pytest.mark.parametrize("size", [0, 31])
def test_more_samples_than_pairs_are_refused(choose, size):
    with pytest.raises(BadInputError, match=f"1 to 30, the pairs there are, found {size}"):
        choose(size)
