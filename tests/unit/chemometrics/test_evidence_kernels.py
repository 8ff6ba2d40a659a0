"""The kernel evidence head: against a dense Gaussian process, and what it promises."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.utils.estimator_checks import check_estimator

from etalon.chemometrics.block_kernels import InnerProducts
from etalon.chemometrics.evidence import EvidenceRidge
from etalon.chemometrics.evidence_kernels import AveragedEvidence, EvidenceKernels, kernels_on
from etalon.chemometrics.marginal_likelihood import MEAN_VARIANCE

BLOCKS = {"raw": 20, "d1": 40}


def make(n=40, seed=0, curved=0.0, replicates=1):
    rng = np.random.default_rng(seed)
    content = rng.normal(size=(n // replicates, 4))
    y = content[:, 0] + curved * content[:, 1] ** 2 + 0.05 * rng.normal(size=len(content))
    bands = np.random.default_rng(99).normal(size=(4, 60))
    X = np.repeat(content, replicates, axis=0) @ bands + 0.01 * rng.normal(size=(n, 60))
    return X, np.repeat(y, replicates), np.repeat(np.arange(len(content)), replicates)


@pytest.mark.parametrize("replicates", [1, 2])
def test_predictions_and_variances_are_those_of_a_dense_gaussian_process(replicates):
    X, y, groups = make(replicates=replicates)
    X_new = make(seed=5)[0][:6]
    model = EvidenceKernels(BLOCKS).fit(X, y, groups)
    every = np.vstack([X, X_new]) - X.mean(axis=0)
    parts = dict(zip(BLOCKS, np.split(every, [20], axis=1), strict=True))
    parts = {name: part / np.sqrt((part[:40] ** 2).sum() / 40) for name, part in parts.items()}
    known, new = ({name: part[rows] for name, part in parts.items()} for rows in (slice(40), slice(40, None)))
    C, cross, own = MEAN_VARIANCE + np.zeros((40, 40)), MEAN_VARIANCE + np.zeros((6, 40)), MEAN_VARIANCE + np.zeros(6)
    for name, kernel in kernels_on([*BLOCKS]).items():
        C += model.strengths_[name] * kernel.fit(InnerProducts(known, known))
        of_new, of_own = kernel.cross(InnerProducts(new, known))
        cross += model.strengths_[name] * of_new
        own += model.strengths_[name] * of_own
    C += model.noise_ * replicates * np.eye(40)
    target = (y - y.mean()) / y.std()
    inverse = np.linalg.inv(C)
    found, sd = model.predict(X_new, return_std=True)
    np.testing.assert_allclose(found, y.mean() + y.std() * cross @ inverse @ target, rtol=1e-5, atol=1e-6)
    variance = own - np.sum(cross @ inverse * cross, axis=1) + model.noise_
    np.testing.assert_allclose(sd, y.std() * np.sqrt(variance), rtol=1e-3)
    if replicates == 1:
        assert model.log_evidence_ == pytest.approx(multivariate_normal.logpdf(target, cov=C), rel=1e-6)


def test_it_follows_a_curve_that_the_linear_head_cannot():
    X, y, _ = make(n=120, curved=0.7)
    X_new, truth, _ = make(n=200, seed=3, curved=0.7)
    linear = EvidenceRidge([*BLOCKS.values()]).fit(X, y).predict(X_new)
    curved = EvidenceKernels(BLOCKS).fit(X, y).predict(X_new)
    assert np.std(curved - truth) < 0.6 * np.std(linear - truth)


def test_gain_and_offset_of_blocks_change_nothing():
    X, y, _ = make()
    other = np.hstack([3.0 * X[:, :20] + 7.0, 0.01 * X[:, 20:] - 2.0])
    first, second = (EvidenceKernels(BLOCKS).fit(Z, y).predict(Z[:9]) for Z in (X, other))
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_a_constant_block_is_not_weighed_and_does_no_harm():
    X, y, _ = make()
    flat = np.hstack([X, np.full((40, 5), 3.0)])
    model = EvidenceKernels({**BLOCKS, "asls": 5}).fit(flat, y)
    assert not any("asls" in name for name in model.strengths_)
    assert np.isfinite(model.predict(flat)).all()


def test_the_average_is_the_mean_of_its_members_and_knows_its_spread():
    X, y, _ = make(n=80, curved=0.3)
    model = AveragedEvidence(BLOCKS).fit(X[:60], y[:60])
    y_hat, sd = model.predict(X[60:], return_std=True)
    members = [model.linear_.predict(X[60:]), model.kernels_.predict(X[60:])]
    np.testing.assert_allclose(y_hat, np.mean(members, axis=0))
    np.testing.assert_allclose(y_hat, model.predict(X[60:]))
    assert (sd > 0).all()


@pytest.mark.parametrize("model", [EvidenceKernels(), AveragedEvidence()], ids=lambda model: type(model).__name__)
def test_scikit_learn_takes_it_for_a_regressor(model):
    check_estimator(model)


def test_columns_that_do_not_make_up_the_blocks_are_refused():
    X, y, _ = make()
    with pytest.raises(ValueError, match="60 columns in all, found 25"):
        EvidenceKernels({"raw": 20, "d1": 5}).fit(X, y)
