"""The evidence head: against a slow dense Gaussian process, and what it promises."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal
from sklearn.utils.estimator_checks import check_estimator

from etalon.chemometrics.evidence import MEAN_VARIANCE, EvidenceRidge


def make(n=40, seed=0, replicates=1):
    rng = np.random.default_rng(seed)
    specimens = n // replicates
    useful, noise = rng.normal(size=(specimens, 6)), rng.normal(size=(specimens, 30))
    y = useful @ rng.normal(size=6) + 0.1 * rng.normal(size=specimens)
    X = np.repeat(np.hstack([useful, noise]), replicates, axis=0)
    X += 0.05 * rng.normal(size=X.shape) * (replicates > 1)
    return X, 5.0 + np.repeat(y, replicates), np.repeat(np.arange(specimens), replicates)


@pytest.mark.parametrize("replicates", [1, 4])
def test_predictions_and_variances_are_those_of_a_dense_gaussian_process(replicates):
    X, y, groups = make(replicates=replicates)
    X_new = make(seed=9)[0][:7]
    model = EvidenceRidge(blocks=(6, 30)).fit(X, y, groups)
    mean, y_mean, y_sd = X.mean(axis=0), y.mean(), y.std()
    target = (y - y_mean) / y_sd

    def kernel(A, B):
        K = np.full((len(A), len(B)), MEAN_VARIANCE)
        for start, stop, strength in ((0, 6, model.strengths_[0]), (6, 36, model.strengths_[1])):
            a, b, own = (M[:, start:stop] - mean[start:stop] for M in (A, B, X))
            K += strength * a @ b.T / np.mean(np.sum(own**2, axis=1))
        return K

    noise = model.noise_ * replicates * np.eye(len(y))
    C = kernel(X, X) + noise
    inverse = np.linalg.inv(C)
    expected = y_mean + y_sd * kernel(X_new, X) @ inverse @ target
    variance = np.diag(kernel(X_new, X_new)) - np.sum(kernel(X_new, X) @ inverse * kernel(X_new, X), axis=1)
    found, sd = model.predict(X_new, return_std=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(sd, y_sd * np.sqrt(variance + model.noise_), rtol=1e-4)
    if replicates == 1:
        assert model.log_evidence_ == pytest.approx(multivariate_normal.logpdf(target, cov=C), rel=1e-6)


def test_the_strengths_are_a_maximum():
    X, y, _ = make(n=24)
    model = EvidenceRidge(blocks=(6, 30)).fit(X, y)
    kernels = model._kernels(X - X.mean(axis=0))
    target = (y - y.mean()) / y.std()
    prior_mean, prior_sd = np.log([1 / 2, 1 / 2, 0.05]), np.array([2.0, 2.0, 3.0])

    def posterior(logs):
        C = MEAN_VARIANCE + sum(np.exp(log) * K for log, K in zip(logs, [*kernels, np.eye(len(y))], strict=True))
        return multivariate_normal.logpdf(target, cov=C) - 0.5 * np.sum(((logs - prior_mean) / prior_sd) ** 2)

    chosen = np.log([*model.strengths_, model.noise_])
    assert np.abs(approx_fprime(chosen, posterior, 1e-5)).max() < 0.05
    rng = np.random.default_rng(0)
    assert all(posterior(chosen + rng.normal(0, 0.3, len(chosen))) < posterior(chosen) for _ in range(20))


def test_entering_scans_twice_changes_nothing():
    X, y, groups = make(n=30)
    once = EvidenceRidge(blocks=(6, 30)).fit(X, y, groups)
    rows = np.r_[np.arange(30), np.arange(30), np.arange(30)]
    thrice = EvidenceRidge(blocks=(6, 30)).fit(X[rows], y[rows], groups[rows])
    np.testing.assert_allclose(np.log(thrice.strengths_), np.log(once.strengths_), atol=0.01)
    assert thrice.log_evidence_ == pytest.approx(once.log_evidence_, abs=1e-3)
    np.testing.assert_allclose(thrice.predict(X), once.predict(X), atol=1e-3)
    without_groups = EvidenceRidge(blocks=(6, 30)).fit(X[rows], y[rows])
    assert without_groups.noise_ < 0.5 * once.noise_, "copies taken for new samples make it too sure"


def test_a_useless_block_is_turned_down():
    X, y, _ = make(n=80)
    model = EvidenceRidge(blocks=(6, 30)).fit(X, y)
    assert model.strengths_[0] > 20 * model.strengths_[1]


def test_blocks_may_come_in_any_units():
    X, y, groups = make()
    scaled = X * np.repeat([1e4, 1e-3], [6, 30])
    plain, other = (EvidenceRidge(blocks=(6, 30)).fit(Z, y, groups) for Z in (X, scaled))
    np.testing.assert_allclose(other.predict(scaled), plain.predict(X), rtol=1e-4)


def test_intervals_hold_what_they_promise():
    inside = []
    for seed in range(10):
        X, y, _ = make(n=120, seed=seed)
        y_hat, sd = EvidenceRidge(blocks=(6, 30)).fit(X[:60], y[:60]).predict(X[60:], return_std=True)
        inside.append(np.abs(y_hat - y[60:]) < 1.96 * sd)
    # 600 intervals of 95 %: the share has a standard error of 0.9 %.
    assert 0.92 < np.mean(inside) < 0.98


def test_many_rows_are_thinned_for_the_choice_alone():
    X, y, _ = make(n=200)
    model = EvidenceRidge(blocks=(6, 30), max_rows=50).fit(X, y)
    assert len(model._Z) == 200
    full = EvidenceRidge(blocks=(6, 30)).fit(X, y)
    assert np.corrcoef(model.predict(X), full.predict(X))[0, 1] > 0.999


def test_wrong_block_sizes_are_named():
    X, y, _ = make()
    with pytest.raises(ValueError, match="expected 36 columns in all, found 35"):
        EvidenceRidge(blocks=(5, 30)).fit(X, y)


def test_follows_scikit_learns_rules():
    check_estimator(EvidenceRidge())
