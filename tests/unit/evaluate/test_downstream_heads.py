"""Models on embeddings: they find what is there, leave specimens whole, and equal their definitions."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from etalon.errors import BadInputError, NotRunError
from etalon.evaluate import downstream_heads
from etalon.evaluate.downstream_heads import MODELS, KernelRidgeHead, draw_rows, make_model
from etalon.evaluate.embedding_heads import HEADS, RegressionHead, run_heads
from etalon.evaluate.tasks import Task

FITTED = ["pls", "gpr", "kernel_ridge", "mlp"]
SETTINGS = {
    "inner_splits": 3, "max_lv": 8, "gpr_rows": 100, "in_context_rows": 50,
    "n_pcs": 4, "n_estimators": 1, "tabpfn": None, "tabicl": None,
}  # fmt: skip


def linear(n=90, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    return X, 3.0 + X @ [1.0, -1.0, 0.5, 0, 0, 0] + 0.05 * rng.normal(size=n)


def error(name, X, y, n=60, groups=None):
    groups = np.arange(len(y)) if groups is None else groups
    model = make_model(name, SETTINGS, 1).fit(X[:n], y[:n], groups[:n])
    y_hat, sd = model.predict_with_sd(X[n:])
    return np.sqrt(np.mean((y_hat - y[n:]) ** 2)) / np.std(y[n:]), sd


@pytest.mark.parametrize("name", FITTED)
def test_a_linear_relation_is_found_and_noise_is_not(name):
    X, y = linear()
    assert error(name, X, y)[0] < (0.35 if name == "mlp" else 0.1)
    assert error(name, X, np.random.default_rng(1).normal(size=len(y)))[0] > 0.85


@pytest.mark.parametrize("name", ["gpr", "kernel_ridge"])
def test_kernels_find_what_no_linear_model_can(name):
    X = np.random.default_rng(2).uniform(-1, 1, size=(150, 2))
    y = X[:, 0] ** 2 + 0.5 * X[:, 1]
    assert error(name, X, y, 100)[0] < 0.15
    assert error("pls", X, y, 100)[0] > 0.4


def test_kernel_ridge_is_the_textbook_formula():
    """alpha = (H K H + l I)^-1 (y - mean), H centring, l relative to the mean eigenvalue of H K H."""
    X, y = linear(40)
    head = KernelRidgeHead(100, 0).fit(X, y, np.arange(40))

    def kernel(A, B):
        return np.exp(-cdist(A, B, "sqeuclidean") / (2 * head.width_**2)) + A @ B.T / (X**2).sum(axis=1).mean()

    H = np.eye(40) - 1 / 40
    K = H @ kernel(X, X) @ H
    strength = head.ridge_.alpha_ * np.trace(K) / 40
    dual = np.linalg.solve(K + strength * np.eye(40), y - y.mean())
    new = np.random.default_rng(9).normal(size=(7, 6))
    centred = (kernel(new, X) - kernel(X, X).mean(axis=0)) @ H
    np.testing.assert_allclose(head.predict_with_sd(new)[0], y.mean() + centred @ dual, rtol=1e-6)


def test_the_gaussian_process_knows_how_far_off_it_is():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 4))
    y = X[:, 0] + 0.4 * rng.normal(size=300)
    model = make_model("gpr", SETTINGS, 1).fit(X[:100], y[:100], np.arange(100))
    y_hat, sd = model.predict_with_sd(X[100:])
    assert 0.9 < np.mean(np.abs(y_hat - y[100:]) < 1.96 * sd) < 0.99
    far = model.predict_with_sd(20 * X[100:])[1]
    assert far.mean() > 1.5 * sd.mean()


@pytest.mark.parametrize("name", ["pls", "kernel_ridge"])
def test_scans_of_one_specimen_are_left_out_together(name):
    """Noise that the scans of a specimen share looks like signal as long as they are left out one by one."""
    rng = np.random.default_rng(4)
    y, groups = np.repeat(rng.normal(size=30), 4), np.repeat(np.arange(30), 4)
    X = np.repeat(rng.normal(size=(30, 40)), 4, axis=0) + 0.1 * rng.normal(size=(120, 40))
    settings = SETTINGS | {"max_lv": 20}
    together, apart = (make_model(name, settings, 1).fit(X, y, g).choice()["rmsecv"] for g in (groups, np.arange(120)))
    assert apart < 0.7 < together


def test_scans_entered_twice_change_no_gaussian_process():
    X, y = linear(40)
    once = make_model("gpr", SETTINGS, 1).fit(X, y, np.arange(40))
    twice = make_model("gpr", SETTINGS, 1).fit(np.tile(X, (2, 1)), np.tile(y, 2), np.tile(np.arange(40), 2))
    np.testing.assert_allclose(once.predict_with_sd(X)[1], twice.predict_with_sd(X)[1], rtol=1e-5)


def test_no_specimen_of_the_stopping_rows_is_fitted(monkeypatch):
    seen = []

    def record(network, X, y, X_val, y_val):
        seen.append((set(np.round(X[:, 0], 9)), set(np.round(X_val[:, 0], 9))))
        return network.partial_fit(X, y), 1

    monkeypatch.setattr(downstream_heads, "_stop_early", record)
    X, y = linear(30)
    make_model("mlp", SETTINGS, 1).fit(np.repeat(X, 3, axis=0), np.repeat(y, 3), np.repeat(np.arange(30), 3))
    assert len(seen) == 3
    for fitted, validated in seen:
        assert not fitted & validated


def test_a_record_says_to_how_many_rows_a_model_was_fitted(monkeypatch):
    monkeypatch.setattr(downstream_heads, "KERNEL_ROWS", 30)
    monkeypatch.setattr(downstream_heads, "MLP_ROWS", 40)
    X, y = linear(60)
    fitted = {name: make_model(name, SETTINGS | {"gpr_rows": 20}, 1).fit(X, y, np.arange(60)) for name in FITTED[1:]}
    assert {name: model.choice()["n_fitted"] for name, model in fitted.items()} == {
        "gpr": 20, "kernel_ridge": 30, "mlp": 40,
    }  # fmt: skip


def test_rows_are_drawn_by_specimen():
    groups = np.repeat(np.arange(50), 3)
    rows = draw_rows(groups, 40, seed=1)
    assert len(rows) == 39
    assert (np.bincount(groups[rows], minlength=50) % 3 == 0).all()
    assert not np.array_equal(rows, draw_rows(groups, 40, seed=2))
    np.testing.assert_array_equal(draw_rows(groups, 150, seed=1), np.arange(150))


@pytest.mark.parametrize("name", FITTED)
def test_a_second_fit_gives_the_same_predictions_and_a_plain_choice(name):
    X, y = linear(40)
    fits = [make_model(name, SETTINGS, 7).fit(X, y, np.arange(40)) for _ in range(2)]
    np.testing.assert_array_equal(*(fit.predict_with_sd(X)[0] for fit in fits))
    json.dumps(fits[0].choice(), allow_nan=False)


def test_a_head_without_weights_is_a_gap_and_stops_no_other(monkeypatch):
    def absent(_):
        raise NotRunError("no weights")

    monkeypatch.setattr(downstream_heads, "tabicl_checkpoint", absent)
    X, y = linear(60)
    folds = pd.concat([
        pd.DataFrame({"scheme": "kfold", "repeat": 0, "fold": k, "row": np.arange(60), "role": role}).loc[keep]
        for k in range(3)
        for role, keep in (("train", np.arange(60) % 3 != k), ("test", np.arange(60) % 3 == k))
    ])  # fmt: skip
    task = Task("toy", "regression", "protein", y, np.arange(60))
    outcome = run_heads(
        {"learned": X}, [task], folds, {"tabicl": ["learned"], "pls": ["learned"]},
        repeats=1, max_rows=100, inner_splits=3, seed=1, settings=SETTINGS,
    )  # fmt: skip
    assert set(outcome.predictions["head"]) == {"pls"}
    assert len(outcome.predictions) == 60
    place = {"task": "regression", "target": "protein", "method": "embedding"}
    assert outcome.gaps == [place | {"head": "tabicl", "reason": "no weights"}]


def test_in_context_models_get_few_components_and_rows(monkeypatch):
    class Mean:
        def fit(self, X, y):
            self.shape, self.mean = X.shape, y.mean()
            return self

        def predict(self, X):
            return np.full(len(X), self.mean)

    monkeypatch.setattr(downstream_heads, "tabpfn_checkpoint", lambda *_: "weights")
    monkeypatch.setattr(downstream_heads, "pca_tabpfn", lambda *_: Mean())
    X, y = linear(80)
    head = RegressionHead(HEADS["tabpfn"], ["learned"], 100, SETTINGS).fit({"learned": X}, y, np.arange(80))
    assert head.choice() == {"n_pcs": 4, "n_fitted": 50}
    assert np.isnan(head.predict({"learned": X})[1]).all()


def test_models_are_named():
    assert set(MODELS) == {*FITTED, "tabpfn", "tabicl"}
    with pytest.raises(BadInputError, match="gbm"):
        make_model("gbm", SETTINGS, 0)
