"""Conformal intervals: their coverage in simulations, their limits with few samples; spectra beyond a limit."""

import numpy as np
import pytest
from scipy.stats import chi2

from etalon.evaluate.uncertainty import (
    conformal_quantile,
    coverage,
    fewest_scores,
    jackknife_plus,
    squared_mahalanobis,
)


@pytest.mark.parametrize(("level", "n"), [(0.9, 9), (0.8, 4), (0.95, 19)])
def test_a_level_needs_a_number_of_scores(level, n):
    assert fewest_scores(level) == n
    scores = np.arange(float(n))
    assert conformal_quantile(scores, level) == n - 1
    assert np.isinf(conformal_quantile(scores[:-1], level))


@pytest.mark.parametrize("n", [9, 20, 49])
def test_split_conformal_coverage_is_at_least_nominal_and_not_much_more(n):
    rng = np.random.default_rng(n)
    scores, new = np.abs(rng.standard_t(3, (20000, n))), np.abs(rng.standard_t(3, 20000))
    limits = conformal_quantile(scores.T, 0.9)
    expected = np.ceil(0.9 * (n + 1) - 1e-9) / (n + 1)
    assert np.mean(new <= limits) == pytest.approx(expected, abs=0.01)
    assert expected >= 0.9


@pytest.mark.parametrize("n", [10, 30])
def test_intervals_of_models_that_left_samples_out_cover(n):
    """Means of folds as models: coverage lies between the bound 1 - 2 alpha and somewhat above the level."""
    rng, inside = np.random.default_rng(n), []
    for _ in range(1500):
        y, new = rng.normal(size=n), rng.normal(size=20)
        fold = np.arange(n) % 3
        members = np.array([y[fold != k].mean() for k in range(3)])
        scores = np.abs(y - members[fold])
        predictions = np.repeat(members[fold][:, None], len(new), axis=1)
        inside.append(coverage(new, *jackknife_plus(scores, predictions, np.ones(len(new)), 0.8)))
    assert 0.78 < np.mean(inside) < 0.88


def test_intervals_widen_with_difficulty_and_are_infinite_with_too_few_scores():
    scores, predictions = np.linspace(0.1, 1.0, 9), np.zeros((9, 2))
    lower, upper = jackknife_plus(scores, predictions, np.array([1.0, 2.0]), 0.9)
    np.testing.assert_allclose(upper, [1.0, 2.0])
    np.testing.assert_allclose(lower, [-1.0, -2.0])
    assert np.isinf(jackknife_plus(scores[:5], predictions[:5], np.ones(2), 0.9)).all()


def test_mahalanobis_distances_are_chi_square_of_normal_scores_and_know_no_units():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4))
    scores, new = rng.normal(size=(4000, 4)) @ mixing, rng.normal(size=(4000, 4)) @ mixing
    found = squared_mahalanobis(scores, new)
    assert (found > chi2.ppf(0.975, 4)).mean() == pytest.approx(0.025, abs=0.01)
    np.testing.assert_allclose(squared_mahalanobis(scores * 7.0, new * 7.0), found)
