"""Leave-one-specimen-out ridge: the closed form against refitting, and what it promises."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import check_estimator

from etalon.chemometrics.ridge import LeaveSpecimenOutRidge


def make(n, p, seed, replicates=1):
    rng = np.random.default_rng(seed)
    specimens = n // replicates
    latent = rng.normal(size=(specimens, 4))
    X = np.repeat(latent, replicates, axis=0) @ rng.normal(size=(4, p)) + 0.3 * rng.normal(size=(n, p))
    y = np.repeat(latent[:, 0] + 0.2 * rng.normal(size=specimens), replicates) + 7.0
    return X, y, np.repeat(np.arange(specimens), replicates)


@pytest.mark.parametrize(("n", "p"), [(40, 12), (24, 90)])
@pytest.mark.parametrize("replicates", [1, 4])
def test_closed_form_equals_refitting_without_each_specimen(n, p, replicates):
    X, y, groups = make(n, p, 1, replicates)
    for alpha in (1e-3, 1.0):
        model = LeaveSpecimenOutRidge(alphas=(alpha,)).fit(X, y, groups)
        penalty = alpha * np.sum((X - X.mean(axis=0)) ** 2) / n
        left_out = np.empty(n)
        for group in np.unique(groups):
            out = groups == group
            left_out[out] = Ridge(alpha=penalty).fit(X[~out], y[~out]).predict(X[out])
        assert model.rmsecv_ == pytest.approx(np.sqrt(np.mean((left_out - y) ** 2)), rel=1e-8)


def test_coefficients_equal_scikit_learns_ridge():
    X, y, _ = make(30, 80, 2)
    model = LeaveSpecimenOutRidge(alphas=(0.1,)).fit(X, y)
    penalty = 0.1 * np.sum((X - X.mean(axis=0)) ** 2) / len(X)
    expected = Ridge(alpha=penalty).fit(X, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-9)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-9)


def test_replicates_make_leaving_out_rows_too_hopeful():
    # Four scans of a specimen differ by noise alone: leaving out one leaves its reference value in the training.
    rng = np.random.default_rng(3)
    specimen = np.repeat(np.arange(20), 4)
    X = rng.normal(size=(20, 200))[specimen] + 0.02 * rng.normal(size=(80, 200))
    y = rng.normal(size=20)[specimen]  # pure chance: nothing can be learned
    by_row = LeaveSpecimenOutRidge().fit(X, y)
    by_specimen = LeaveSpecimenOutRidge().fit(X, y, specimen)
    assert by_row.rmsecv_ < 0.1 * y.std()
    assert by_specimen.rmsecv_ > 0.9 * y.std()


def test_scaled_channels_ignore_units_of_channels():
    X, y, groups = make(40, 15, 4)
    units = np.geomspace(0.2, 5.0, 15)
    plain, rescaled = (LeaveSpecimenOutRidge(scale=True).fit(Z, y, groups) for Z in (X, X * units))
    np.testing.assert_allclose(rescaled.predict(X * units), plain.predict(X), rtol=1e-8)


def test_a_channel_that_hardly_varies_is_not_blown_up():
    X, y, _ = make(40, 15, 5)
    still = np.column_stack([X, 1.0 + 1e-9 * np.random.default_rng(0).normal(size=40)])
    model = LeaveSpecimenOutRidge(scale=True).fit(still, y)
    moved = still.copy()
    moved[:, -1] += 1e-6
    assert np.abs(model.predict(moved) - model.predict(still)).max() < 1e-3


def test_duplicated_spectra_and_exact_fits_stay_finite():
    X, y, _ = make(20, 60, 6)
    X = np.vstack([X, X])
    model = LeaveSpecimenOutRidge().fit(X, np.r_[y, y])
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.rmsecv_)
    constant = LeaveSpecimenOutRidge().fit(np.ones((5, 3)), np.arange(5.0))
    np.testing.assert_allclose(constant.predict(np.ones((2, 3))), 2.0)


def test_follows_scikit_learns_rules():
    check_estimator(LeaveSpecimenOutRidge())
