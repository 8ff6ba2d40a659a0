"""Distances to a calibration against chemotools, and their limits against their own distributions."""

import numpy as np
import pytest
from chemotools.outliers import HotellingT2, QResiduals
from sklearn.decomposition import PCA

from etalon.applied.monitor import Subspace, q_limit, t2_limit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)) @ RNG.normal(size=(4, 20)) + 0.1 * RNG.normal(size=(50, 20))


def test_distances_are_those_of_chemotools():
    pca = PCA(3).fit(X)
    t2, q = Subspace.principal(X, 3).distances(X)
    np.testing.assert_allclose(t2, HotellingT2(pca).fit(X).predict_residuals(X), rtol=1e-8)
    np.testing.assert_allclose(q, QResiduals(pca).fit(X).predict_residuals(X), rtol=1e-8)


def test_the_mean_t2_of_the_rows_fitted_to_is_known():
    """The sum of T² over them is k (n - 1), whatever the data."""
    t2, _ = Subspace.principal(X, 3).distances(X)
    assert t2.sum() == pytest.approx(3 * 49)


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_limits_let_as_many_new_samples_pass_as_they_say(level):
    n, k, p = 30, 2, 8
    inside_t2, inside_q = [], []
    for _ in range(300):
        fitted, new = RNG.normal(size=(n, p)), RNG.normal(size=(40, p))
        axes = np.eye(p)[:, :k]
        space = Subspace.of(fitted, fitted.mean(axis=0), axes, axes)
        t2, q = space.distances(new)
        inside_t2.append((t2 <= t2_limit(n, k, level)).mean())
        inside_q.append((q <= q_limit(space.distances(RNG.normal(size=(200, p)))[1], level)).mean())
    # 300 sets: the standard error of their mean is below 0.005
    assert np.mean(inside_t2) == pytest.approx(level, abs=0.015)
    assert np.mean(inside_q) == pytest.approx(level, abs=0.015)


def test_too_few_samples_have_no_limit():
    assert t2_limit(3, 3, 0.95) == np.inf
    assert q_limit(np.zeros(5), 0.99) == 0


def test_a_space_of_all_channels_leaves_nothing_to_be_unlike_by():
    """What is left is rounding: a limit of it would call spectra strange by the processor they were multiplied on."""
    rng = np.random.default_rng(0)
    X, new = (0.5 + rng.normal(size=(n, 6)) @ rng.normal(size=(6, 6)) for n in (80, 300))
    space = Subspace.principal(X, 6)
    q, q_new = (space.distances(rows)[1] for rows in (X, new))
    assert not q.any() and not q_new.any() and q_limit(q, 0.99) == 0.0
    assert (Subspace.principal(X, 5).distances(new)[1] > 0).all()
