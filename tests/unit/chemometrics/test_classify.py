"""PLS-DA and ridge logistic regression."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.utils.estimator_checks import check_estimator

from etalon.chemometrics.classify import PLSDA, RidgeLogistic, indicator_probabilities


def three_classes(seed=0, spread=0.3):
    rng = np.random.default_rng(seed)
    labels = np.repeat(["arabica", "blend", "robusta"], 20)
    centres = {"arabica": [0, 0], "blend": [2, 0], "robusta": [0, 2]}
    latent = np.array([centres[label] for label in labels]) + spread * rng.normal(size=(60, 2))
    return latent @ rng.normal(size=(2, 40)) + 0.05 * rng.normal(size=(60, 40)), labels


def test_plsda_is_pls_on_indicators():
    X, labels = three_classes()
    model = PLSDA(n_lv=3).fit(X, labels)
    indicators = (labels[:, None] == model.classes_).astype(float)
    expected = PLSRegression(n_components=3, scale=False, tol=1e-14, max_iter=10_000).fit(X, indicators).predict(X)
    np.testing.assert_allclose(model.predict_proba(X), indicator_probabilities(expected), atol=1e-6)


@pytest.mark.parametrize("model", [PLSDA(n_lv=2), RidgeLogistic(C=1e3)])
def test_separated_classes_are_recognised(model):
    X, labels = three_classes()
    test, truth = three_classes(seed=0, spread=0.31)
    model.fit(X, labels)
    assert np.mean(model.predict(test) == truth) > 0.95
    np.testing.assert_allclose(model.predict_proba(test).sum(axis=1), 1.0)


def test_indicators_without_any_support_share_equally():
    np.testing.assert_allclose(indicator_probabilities(np.array([[-1.0, -2.0], [3.0, 0.0]])), [[0.5, 0.5], [1.0, 0.0]])


def test_ridge_logistic_ignores_offset_and_gain_of_the_whole():
    X, labels = three_classes()
    plain = RidgeLogistic(C=100.0).fit(X, labels).predict_proba(X)
    scaled = RidgeLogistic(C=100.0).fit(1e4 * X + 3.0, labels).predict_proba(1e4 * X + 3.0)
    np.testing.assert_allclose(scaled, plain, atol=1e-6)


@pytest.mark.parametrize("model", [PLSDA(n_lv=2), RidgeLogistic()])
def test_follows_scikit_learns_rules(model):
    check_estimator(model)
