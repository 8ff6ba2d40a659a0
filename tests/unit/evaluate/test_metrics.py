"""Formulas of merit against their definitions and against scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from etalon.evaluate import metrics
from etalon.evaluate.metrics import CLASSIFICATION, REGRESSION, bias, ccc, cor2, mae, r2, rmsep, rpd, rpiq, sep


def pair(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(10.0, 2.0, n)
    return y, 0.9 * y + 1.7 + rng.normal(0.0, 0.3, n)


values = st.floats(-1e3, 1e3).map(lambda v: round(v, 3))
pairs = st.integers(2, 30).flatmap(lambda n: st.tuples(*(arrays(float, n, elements=values),) * 2))


@given(pairs)
def test_rmsep_splits_into_bias_and_sep(both):
    y, y_hat = both
    n = len(y)
    split = bias(y, y_hat) ** 2 + (n - 1) / n * sep(y, y_hat) ** 2
    assert rmsep(y, y_hat) ** 2 == pytest.approx(split, rel=1e-9, abs=1e-12)


@given(pairs)
def test_regression_agrees_with_scikit_learn(both):
    y, y_hat = both
    assert rmsep(y, y_hat) == pytest.approx(sklearn.metrics.root_mean_squared_error(y, y_hat))
    assert mae(y, y_hat) == pytest.approx(sklearn.metrics.mean_absolute_error(y, y_hat))
    if np.ptp(y) > 0:
        assert r2(y, y_hat) == pytest.approx(sklearn.metrics.r2_score(y, y_hat))


def test_bias_is_prediction_minus_reference():
    assert bias([1.0, 2.0], [1.5, 2.5]) == 0.5


def test_rpd_and_rpiq_divide_by_rmsep_not_by_sep():
    y, y_hat = pair()
    y_hat = y_hat + 5.0  # a bias tells RMSEP from SEP
    assert rpd(y, y_hat) == pytest.approx(np.std(y, ddof=1) / rmsep(y, y_hat))
    assert rpiq(y, y_hat) == pytest.approx(np.subtract(*np.quantile(y, [0.75, 0.25])) / rmsep(y, y_hat))


def test_rpd_and_r2_tell_the_same_story():
    y, y_hat = pair()
    n = len(y)
    assert r2(y, y_hat) == pytest.approx(1 - n / (n - 1) / rpd(y, y_hat) ** 2)


def test_squared_correlation_ignores_slope_and_bias_and_r2_does_not():
    y, y_hat = pair()
    assert cor2(y, y_hat) == pytest.approx(np.corrcoef(y, y_hat)[0, 1] ** 2)
    assert cor2(y, -3 * y_hat + 7) == pytest.approx(cor2(y, y_hat))
    assert r2(y, y_hat + 1) < r2(y, y_hat) < cor2(y, y_hat)


def test_concordance_is_correlation_times_bias_correction():
    """Lin 1989: CCC = r C_b, C_b = 2 / (v + 1/v + u²), v = s_x / s_y, u² = (mean difference)² / (s_x s_y)."""
    y, y_hat = pair()
    v = y.std() / y_hat.std()
    u2 = (y.mean() - y_hat.mean()) ** 2 / (y.std() * y_hat.std())
    assert ccc(y, y_hat) == pytest.approx(np.corrcoef(y, y_hat)[0, 1] * 2 / (v + 1 / v + u2))


@given(pairs)
def test_perfect_predictions_have_perfect_figures(both):
    y, _ = both
    assert rmsep(y, y) == mae(y, y) == bias(y, y) == sep(y, y) == 0
    if np.ptp(y) > 0:
        assert r2(y, y) == 1
        assert ccc(y, y) == pytest.approx(1)
        assert cor2(y, y) == pytest.approx(1)


@given(pairs, st.floats(0.01, 100.0))
def test_a_change_of_unit_scales_errors_and_nothing_else(both, factor):
    y, y_hat = both
    if np.ptp(y) < 1e-3 or np.ptp(y_hat) < 1e-3 or rmsep(y, y_hat) < 1e-3:
        return
    for name, metric in REGRESSION.items():
        scale = factor if name in {"rmsep", "bias", "sep", "mae"} else 1.0
        assert metric(factor * y, factor * y_hat) == pytest.approx(scale * metric(y, y_hat), rel=1e-6, abs=1e-9), name


def test_what_is_undefined_is_nan():
    constant, other = np.ones(4), np.arange(4.0)
    assert np.isnan(r2(constant, other))
    assert np.isnan(cor2(constant, other))
    assert np.isnan(cor2(other, constant))
    assert np.isnan(rpd(other, other))
    assert np.isnan(sep([1.0], [2.0]))
    assert np.isnan(rpd([1.0], [2.0]))


def test_classification_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    y = rng.choice(3, 300, p=[0.7, 0.2, 0.1])
    y_hat = np.where(rng.random(300) < 0.6, y, rng.choice(3, 300))
    assert metrics.balanced_accuracy(y, y_hat) == pytest.approx(sklearn.metrics.balanced_accuracy_score(y, y_hat))
    assert metrics.mcc(y, y_hat) == pytest.approx(sklearn.metrics.matthews_corrcoef(y, y_hat))


def test_mcc_of_two_classes_is_the_correlation_of_indicators():
    rng = np.random.default_rng(1)
    y, y_hat = rng.integers(0, 2, (2, 100))
    assert metrics.mcc(y, y_hat) == pytest.approx(np.corrcoef(y, y_hat)[0, 1])


def test_a_class_that_is_predicted_but_absent_does_not_count_in_balanced_accuracy():
    assert metrics.balanced_accuracy([0, 0, 1, 1], [0, 2, 1, 1]) == 0.75


def test_guessing_the_larger_class_is_half_right_at_most():
    y = np.r_[np.zeros(95), np.ones(5)]
    assert metrics.balanced_accuracy(y, np.zeros(100)) == 0.5
    assert metrics.mcc(y, np.zeros(100)) == 0


def test_log_loss_agrees_with_scikit_learn_and_caps_a_sure_mistake():
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.full(3, 5.0), 50)
    y = rng.integers(0, 3, 50)
    of_truth = probabilities[np.arange(50), y]
    assert (of_truth > metrics.PROBABILITY_FLOOR).all()
    assert metrics.log_loss(of_truth) == pytest.approx(sklearn.metrics.log_loss(y, probabilities, labels=[0, 1, 2]))
    assert metrics.log_loss([1.0, 0.0]) == pytest.approx(-np.log(metrics.PROBABILITY_FLOOR) / 2)


@pytest.mark.parametrize("metric", [*REGRESSION.values(), *CLASSIFICATION.values()])
def test_unequal_empty_or_unknown_values_are_refused(metric):
    for y, y_hat in (([1.0, 2.0], [1.0]), ([], []), ([1.0, np.nan], [1.0, 2.0]), ([1.0, 2.0], [np.inf, 2.0])):
        with pytest.raises(ValueError, match="expected"):
            metric(y, y_hat)


@pytest.mark.parametrize("probability", [[], [np.nan], [1.1], [-0.1]])
def test_impossible_probabilities_are_refused(probability):
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.log_loss(probability)


def test_sel_of_pairs_is_that_of_their_differences():
    pairs = [(5.0, 5.2), (7.4, 7.0), (6.1, 6.1), (8.0, 8.6)]
    assert metrics.sel(pairs) == pytest.approx(np.sqrt((0.04 + 0.16 + 0.0 + 0.36) / (2 * 4)))


@given(st.lists(arrays(float, st.integers(1, 5), elements=values), min_size=1, max_size=8))
def test_sel_is_the_residual_of_an_analysis_of_variance_by_sample(samples):
    """Least squares on indicators of the samples, whose residual mean square is pooled repeatability."""
    y = np.concatenate(samples)
    indicator = np.repeat(np.eye(len(samples)), [len(one) for one in samples], axis=0)
    freedom = len(y) - len(samples)
    residual = y - indicator @ np.linalg.lstsq(indicator, y, rcond=None)[0]
    if freedom == 0:
        assert np.isnan(metrics.sel(samples))
    else:
        assert metrics.sel(samples) == pytest.approx(np.sqrt(residual @ residual / freedom), rel=1e-9, abs=1e-9)


def test_sel_finds_the_error_of_a_laboratory():
    rng = np.random.default_rng(1)
    truth = rng.uniform(5, 20, 4000)
    samples = [value + rng.normal(0, 0.3, rng.integers(2, 4)) for value in truth]
    assert metrics.sel(samples) == pytest.approx(0.3, rel=0.03)  # four standard errors, 0.3 / sqrt(2 * 6000)


@pytest.mark.parametrize("samples", [[[1.0, np.nan]], [[]], [1.0]])
def test_sel_wants_finite_determinations(samples):
    with pytest.raises(ValueError, match="finite determinations"):
        metrics.sel(samples)
