"""Limits of outliers: what theory says of normal scores, and what left-out samples say without it."""

import numpy as np
import pytest

from etalon.evaluate.outliers import Distances, OutlierLimits, fewest_samples
from etalon.evaluate.planted_outliers import _share

LOADINGS = np.random.default_rng(1).normal(size=(6, 30))


def spectra(n, seed, noise=0.05):
    rng = np.random.default_rng(seed)
    T = rng.normal(size=(n, 6))
    X = T @ LOADINGS + noise * rng.normal(size=(n, 30))
    return X, T @ np.array([1.0, -0.5, 0.8, 0.3, -0.7, 0.6]) + 0.1 * rng.normal(size=n)


def rates(n, n_lv, limit, noise=0.05, repeats=25):
    found = []
    for seed in range(repeats):
        X, y = spectra(n, seed, noise)
        found.append(OutlierLimits(X, y, n_lv).flagged(spectra(200, 1000 + seed, noise)[0], limit).mean())
    return np.mean(found)


def test_chi_square_flags_too_many_of_few_samples_and_hotelling_does_not():
    """Six latent variables hold all that varies, so that scores are those of a sample of normal vectors."""
    few, limit = (rates(20, 6, name, noise=1e-4, repeats=50) for name in ("chi_square", "hotelling"))
    assert few > 0.10
    assert limit == pytest.approx(0.025, abs=0.015)  # 50 calibrations of 20 samples: a standard error of 0.0045
    assert rates(400, 6, "chi_square", noise=1e-4, repeats=10) == pytest.approx(0.025, abs=0.01)


def test_left_out_samples_keep_false_alarms_where_latent_variables_fit_noise():
    n, n_lv = 50, 12
    assert rates(n, n_lv, "chi_square") > 0.15
    assert rates(n, n_lv, "hotelling") > 0.05
    for limit in ("cross_validated", "residual"):
        assert 0.005 < rates(n, n_lv, limit) < 0.04


def replicated(n_specimens, n_scans, seed):
    """Return scans of specimens that differ far less within a specimen than between, references and specimens."""
    X, y = spectra(n_specimens, seed)
    scans = np.random.default_rng(-seed % 2**32).normal(size=(n_specimens * n_scans, 6)) @ LOADINGS
    groups = np.repeat(np.arange(n_specimens), n_scans)
    return X[groups] + 0.2 * scans, y[groups], groups


def rates_of_replicates(n_specimens, n_lv, limit, repeats=100):
    found = []
    for seed in range(repeats):
        X, y, groups = replicated(n_specimens, 5, seed)
        new = replicated(100, 5, 1000 + seed)[0]
        found.append(OutlierLimits(X, y, n_lv, groups).flagged(new, limit).mean())
    return np.mean(found)


def test_left_out_scans_of_few_specimens_keep_false_alarms_on_average():
    """A standard error of 0.005: one calibration of 15 specimens scatters by five points."""
    assert rates_of_replicates(15, 5, "cross_validated") == pytest.approx(0.025, abs=0.015)


def test_hotelling_counts_specimens_and_not_their_scans():
    """Counting scans flagged 17 % of the scans of other specimens here."""
    assert rates_of_replicates(15, 5, "hotelling") == pytest.approx(0.025, abs=0.015)
    X, y, groups = replicated(15, 5, 0)
    one_each = OutlierLimits(X[::5], y[::5], 5).limit_["hotelling"]
    assert OutlierLimits(X, y, 5, groups).limit_["hotelling"] == one_each


def test_a_limit_that_cannot_be_had_did_not_run():
    X, y, groups = replicated(15, 5, 0)
    limits = OutlierLimits(X, y, 16, groups)
    assert "latent variables" in _share(limits, X, "hotelling", len(X))["status"]
    assert _share(limits, X, "cross_validated", len(X))["status"] == "ok"


def test_a_quantile_needs_samples_and_the_flag_falls_back():
    assert [fewest_samples(name) for name in ("hotelling", "cross_validated", "residual", "either")] == [2, 39, 39, 79]
    X, y = spectra(30, 0)
    limits = OutlierLimits(X, y, 4)
    assert np.isinf(limits.limit_["cross_validated"])
    new = spectra(50, 5)[0]
    assert np.array_equal(limits.flagged(new), limits.flagged(new, "hotelling"))
    X, y = spectra(60, 0)
    limits = OutlierLimits(X, y, 4)
    assert np.array_equal(limits.flagged(new), limits.flagged(new, "cross_validated"))


def test_more_latent_variables_than_samples_leave_no_limit():
    X, y = spectra(8, 0)
    assert np.isinf(OutlierLimits(X, y, 8).limit_["hotelling"]) or OutlierLimits(X, y, 8).limit_["hotelling"] > 1e3


def test_far_scores_and_far_residuals_are_told_apart():
    X, y = spectra(200, 0)
    limits = OutlierLimits(X, y, 6)
    R, P = np.asarray(limits.model_.x_rotations_), np.asarray(limits.model_.x_loadings_)
    centred = X - X.mean(axis=0)
    own = np.flatnonzero(~limits.flagged(X, "residual") & (centred @ R != 0).all(axis=1))[:20]
    within = X[own] + 40.0 * centred[own] @ R @ P.T  # scores grow, what they leave stays
    odd = np.random.default_rng(9).normal(size=(20, 30))
    beside = X[own] + odd - odd @ R @ P.T  # scores stay, what they leave grows
    assert limits.flagged(within, "cross_validated").all() and not limits.flagged(within, "residual").any()
    assert limits.flagged(beside, "residual").all()
    assert np.array_equal(limits.flagged(beside, "hotelling"), limits.flagged(X[own], "hotelling"))
    for part in (within, beside):
        assert limits.flagged(part, "either").all()


def test_distances_are_those_of_an_independent_writing():
    X, y = spectra(40, 0)
    model = OutlierLimits(X, y, 5).model_
    new = spectra(7, 3)[0]
    found = Distances.of(model, X, new)
    R, P = np.asarray(model.x_rotations_), np.asarray(model.x_loadings_)
    centred = X - X.mean(axis=0)
    S = np.cov(centred @ R, rowvar=False)
    for row, t2, q in zip(new - X.mean(axis=0), found.scores, found.residual, strict=True):
        t = row @ R
        assert t2 == pytest.approx(t @ np.linalg.inv(S) @ t)
        assert q == pytest.approx(np.sum((row - P @ t) ** 2))


def test_replicate_scans_are_left_out_together():
    X, y = spectra(45, 0)
    twice, noise = np.repeat(X, 2, axis=0), 1e-6 * np.random.default_rng(0).normal(size=(90, 30))
    groups = np.repeat(np.arange(45), 2)
    apart = OutlierLimits(twice + noise, np.repeat(y, 2), 6).limit_["residual"]
    together = OutlierLimits(twice + noise, np.repeat(y, 2), 6, groups).limit_["residual"]
    assert together >= apart  # a twin in the calibration makes its copy look closer than it is
