"""Weighted rows are replicated rows."""

import numpy as np
import pytest

from etalon.data.folds import grouped_kfold
from etalon.evaluate import tuning
from etalon.evaluate.calibration import Stack
from etalon.evaluate.views import Views
from etalon.evaluate.weighted_pls import Weighted, predict_methods, tune

NAMES = ["none", "snv", "emsc"]


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = (np.cumsum(rng.normal(size=(40, 25)), axis=1) + 30).astype(np.float32)
    y = X @ rng.normal(size=25) + rng.normal(size=40)
    views = Views(X, np.zeros_like(X), savgol_window=5, savgol_order=2)
    return views, y, grouped_kfold(np.arange(30), 3, seed=0)


def test_weights_are_replicates(rows):
    views, y, inner = rows
    weights = np.r_[np.ones(20), np.full(10, 4.0)]
    data = Weighted(views, np.arange(30), y[:30], weights, inner)
    settings = {"preprocessings": ["none", "snv"], "max_lv": 5}
    found = predict_methods(data, settings, "none", np.arange(30, 40))
    repeated = np.repeat(np.arange(30), weights.astype(int))
    position = [np.flatnonzero(np.isin(repeated, fit)) for fit, _ in inner]
    again = [(fit, np.setdiff1d(np.arange(60), fit)) for fit in position]
    same = Weighted(views, repeated, y[repeated], np.ones(60), again)
    for method, y_hat in predict_methods(same, settings, "none", np.arange(30, 40)).items():
        np.testing.assert_allclose(found[method], y_hat, rtol=1e-6, err_msg=method)


def test_equal_weights_choose_and_predict_as_the_classical_methods(rows):
    views, y, inner = rows
    plain = tuning.Training(views, np.arange(30), y[:30], np.arange(30), inner)
    data = Weighted(views, np.arange(30), y[:30], np.full(30, 2.0), inner)
    expected = [tuning.tune_pls(plain, name, 5) for name in NAMES]
    for name, candidate in zip(NAMES, expected, strict=True):
        found = tune(data, name, 5)
        assert found.choice == candidate.choice
        assert found.error == pytest.approx(candidate.error, rel=1e-6)
    stacked = Stack(tuning.stack_pls(plain, expected).choice).fit(views, np.arange(30), y[:30])
    asked = np.arange(30, 40)
    found = predict_methods(data, {"preprocessings": NAMES, "max_lv": 5}, "none", asked)
    np.testing.assert_allclose(np.clip(found["stacked_pls"], *stacked.range_), stacked.predict(views, asked), rtol=1e-4)
