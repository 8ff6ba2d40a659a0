"""Local samples: slope and bias, and rows added with weights in closed form."""

import numpy as np
import pytest

from etalon.chemometrics.evidence import EvidenceRidge
from etalon.chemometrics.evidence_kernels import EvidenceKernels
from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.evaluate.local_adaptation import Conditioned, linear_posterior, slope_bias


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    return X, X @ rng.normal(size=8) + 5.0 + 0.2 * rng.normal(size=60)


def test_a_line_is_found_and_few_samples_give_the_bias_alone():
    predicted = np.linspace(0, 1, 12)
    own = np.arange(12)
    assert slope_bias(predicted, 2 * predicted + 3, own) == pytest.approx((2, 3))
    bias_alone = (1, pytest.approx(3 + predicted[:9].mean()))
    assert slope_bias(predicted[:9], 2 * predicted[:9] + 3, own[:9]) == bias_alone
    assert slope_bias(predicted, 2 * predicted + 3, own // 3)[0] == 1, "four specimens, each scanned three times"


@pytest.mark.parametrize("slope", [-1.0, 0.1, 6.0])
def test_a_senseless_slope_falls_back_to_the_bias(slope):
    predicted = np.linspace(0, 1, 20)
    assert slope_bias(predicted, slope * predicted, np.arange(20)) == (1.0, pytest.approx((slope - 1) * 0.5))
    assert slope_bias(np.ones(20), predicted, np.arange(20)) == (1.0, pytest.approx(-0.5))


def conditioned(source, target, *rest):
    return Conditioned(linear_posterior(source, target, *rest), *rest)


def evidence_features(X, model, source):
    Z = X - X[source].mean(axis=0)
    return Z * np.sqrt(model.strengths_[0] / ((Z[source] ** 2).sum() / source.stop))


def test_without_local_rows_it_is_the_evidence_head(data):
    X, y = data
    groups = np.r_[0, 0, np.arange(1, 39)]
    model = EvidenceRidge().fit(X[:40], y[:40], groups)
    A = evidence_features(X, model, slice(40))
    weights = 1 / np.bincount(groups)[groups]
    found = conditioned(A[:40], A[40:], y[:40], weights, model.noise_).source_mean()
    np.testing.assert_allclose(found, model.predict(X[40:]), rtol=1e-8)


def test_without_local_rows_it_is_ridge(data):
    X, y = data
    model = LeaveSpecimenOutRidge().fit(X[:40], y[:40])
    Z = X - X[:40].mean(axis=0)
    A = Z / np.sqrt((Z[:40] ** 2).sum() / 40)
    found = conditioned(A[:40], A[40:], y[:40], np.ones(40), model.alpha_).source_mean()
    np.testing.assert_allclose(found, model.predict(X[40:]), rtol=1e-3)


def test_a_weight_is_a_number_of_replicated_rows(data):
    """Twenty training rows weigh as much as five local ones entered four times each."""
    X, y = data
    local = np.array([3, 7, 8, 20, 30])
    A, noise = 0.5 * X, 0.1
    model = conditioned(A[:20], A[20:], y[:20], np.ones(20), noise)
    found = model.spiked(local, y[20:][local], np.ones(5))
    rows = np.r_[np.arange(20), np.tile(20 + local, 4)]
    mean, scale = y[:20].mean(), y[:20].std()
    C = A[rows] @ A[rows].T + 100 + noise * np.eye(len(rows))
    expected = mean + scale * (A[20:] @ A[rows].T + 100) @ np.linalg.solve(C, (y[rows] - mean) / scale)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    once = model.source_mean()
    assert np.abs(found[local] - y[20:][local]).mean() < np.abs(once[local] - y[20:][local]).mean()


def test_without_local_rows_it_is_the_kernel_head_and_its_spread(data):
    X, y = data
    groups = np.r_[0, 0, np.arange(1, 39)]
    model = EvidenceKernels({"d1": 5, "stats": 3}).fit(X[:40], y[:40], groups)
    posterior = model.posterior(X[40:])
    weights = 1 / np.bincount(groups)[groups]
    y_hat, sd = model.predict(X[40:], return_std=True)
    found = Conditioned(posterior, y[:40], weights, model.noise_)
    np.testing.assert_allclose(found.source_mean(), y_hat, rtol=1e-8)
    total = np.sqrt(np.maximum(np.diag(posterior[1]), 0) + model.noise_) * y[:40].std()
    np.testing.assert_allclose(total, sd, rtol=1e-5)
    # A local row of great weight is known afterwards.
    spiked = Conditioned(posterior, y[:40], np.full(40, 1e9), model.noise_).spiked(np.array([4]), y[44:45], np.ones(1))
    assert spiked[4] == pytest.approx(y[44], abs=1e-3)
