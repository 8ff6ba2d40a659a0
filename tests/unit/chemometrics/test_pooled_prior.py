"""The pooled prior: what tasks have in common is found, and it foretells tasks that were not pooled."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from etalon.chemometrics.marginal_likelihood import MEAN_VARIANCE, NOISE_MEAN, NOISE_SD
from etalon.chemometrics.pooled_prior import PooledPrior, PoolTask, kind_of, pool, posterior
from etalon.errors import BadInputError

NAMES = ("linear raw", "window d1 0", "window d1 1")


def make_task(seed, strengths=(1.0, 0.05, 0.05), n=50, noise=0.01, family=None):
    """A task drawn from the model itself, with kernels of random features."""
    rng = np.random.default_rng(seed)
    kernels = {}
    for name in NAMES:
        X = rng.normal(size=(n, 5))
        X -= X.mean(axis=0)
        K = X @ X.T
        kernels[name] = K * n / np.trace(K)
    C = sum(w * K for w, K in zip(strengths, kernels.values(), strict=True)) + noise * np.eye(n)
    y = rng.multivariate_normal(np.zeros(n), C)
    return PoolTask(family or f"family{seed}", kernels, (y - y.mean()) / y.std(), np.ones(n))


def test_kernels_of_one_kind_share_a_prior_whatever_their_number():
    assert [kind_of(name) for name in ("window d1 3", "window d1 12", "linear raw", "matern")] == [
        *("window d1", "window d1", "linear raw", "matern")
    ]


def test_the_prior_set_by_hand_is_that_of_the_head_without_a_pooled_one():
    of = PooledPrior.broad(NAMES).on(NAMES)
    np.testing.assert_allclose(of.mean, [*[np.log(1 / 3)] * 3, np.log(NOISE_MEAN)])
    np.testing.assert_allclose(of.sd, [2.0, 2.0, 2.0, NOISE_SD])


def test_pooling_finds_which_kernels_matter_and_foretells_new_tasks():
    prior = pool([make_task(seed) for seed in range(12)])
    assert prior.mean["linear raw"] > prior.mean["window d1"] + 1.0
    assert prior.sd["linear raw"] < 2.0, "tasks that agree leave less room than the prior set by hand"
    new = [make_task(seed) for seed in range(100, 106)]
    by_hand = PooledPrior.broad(NAMES)
    gains = [posterior(task, prior).log_marginal - posterior(task, by_hand).log_marginal for task in new]
    assert np.mean(gains) > 0


def test_laplace_agrees_with_the_integral_over_strengths():
    task = make_task(3, n=30)
    rng = np.random.default_rng(0)
    # A narrow prior, so that sampling from it estimates the integral well.
    prior = PooledPrior({"linear raw": 0.0, "window d1": -3.0}, {"linear raw": 0.4, "window d1": 0.4})
    of = prior.on(NAMES)
    draws = of.mean + of.sd * rng.normal(size=(20000, 4)) * [1, 1, 1, 1]
    draws = draws[np.abs(draws[:, 3] - of.mean[3]) < 12]
    K = np.array([*task.kernels.values()])

    def likelihood(logs):
        C = np.tensordot(np.exp(logs[:3]), K, axes=1) + MEAN_VARIANCE + np.exp(logs[3]) * np.eye(30)
        return multivariate_normal.logpdf(task.y, cov=C, allow_singular=True)

    values = np.array([likelihood(logs) for logs in draws[:3000]])
    integral = values.max() + np.log(np.mean(np.exp(values - values.max())))
    assert posterior(task, prior).log_marginal == pytest.approx(integral, abs=0.5)


def test_a_family_counts_once_however_many_tasks_it_has():
    one = [make_task(1, family="a"), make_task(2, (0.05, 1.0, 1.0), family="b")]
    many = [*[make_task(1, family="a")] * 5, one[1]]
    first, second = pool(one, rounds=1), pool(many, rounds=1)
    assert first.mean == pytest.approx(second.mean)


def test_it_is_kept_as_json_and_read_again():
    prior = PooledPrior({"linear raw": -1.0}, {"linear raw": 0.5})
    assert PooledPrior.of(prior.as_dict()) == prior
    with pytest.raises(BadInputError, match="same kinds"):
        PooledPrior.of({"mean": {"linear raw": 0.0}, "sd": {}})


def test_a_kernel_it_never_saw_is_named():
    with pytest.raises(BadInputError, match="linear snv"):
        PooledPrior({"linear raw": -1.0}, {"linear raw": 0.5}).on(["linear snv"])
