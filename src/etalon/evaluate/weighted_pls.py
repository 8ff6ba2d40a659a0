"""Partial least squares on weighted rows: chosen, stacked and used to predict; a weight is a number of replicates."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from ikpls.sklearn import PLS
from scipy.optimize import nnls

from etalon.evaluate.calibration import Choice
from etalon.evaluate.tuning import Candidate
from etalon.evaluate.views import Views
from etalon.preprocess.chain import LEARNED


class Weighted(NamedTuple):
    """Training rows with weights, split for the choices.

    Attributes
    ----------
    rows : numbers in the views, shape (n,); y, weights : of these rows
    inner : positions in `rows` to fit and to validate
    """

    views: Views
    rows: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    inner: Sequence[tuple[np.ndarray, np.ndarray]]

    @property
    def mean(self) -> float:
        return float(np.average(self.y, weights=self.weights))


def tune(data: Weighted, name: str, max_lv: int) -> Candidate:
    """Choose the number of latent variables by the weighted error of the inner folds, pooled."""
    n_lv = max(1, min(max_lv, min(len(fit) for fit, _ in data.inner) - 1, data.views.source("none").shape[1]))
    left_out = np.empty((n_lv, len(data.y)))
    whole = _coordinates(data.views, name, data.rows, data.rows)
    for fit, validate in data.inner:
        X = _coordinates(data.views, name, data.rows[fit], data.rows) if name in LEARNED else whole
        model = PLS(n_components=n_lv, scale_X=False, scale_Y=False)
        model.fit(X[fit], data.y[fit], sample_weight=data.weights[fit])
        left_out[:, validate] = model.predict_all_components(X[validate])[..., 0]
    errors = np.sqrt((left_out - data.y) ** 2 @ data.weights / data.weights.sum())
    best = int(errors.argmin())
    return Candidate((float(errors[best]),), Choice(name, "pls", {"n_lv": best + 1}), left_out[best])


def stack(data: Weighted, members: Sequence[Candidate]) -> dict[str, float]:
    """Return the weight, none below zero, of each preprocessing's PLS model in their sum about the mean."""
    left_out = np.column_stack([member.left_out for member in members]) - data.mean
    root = np.sqrt(data.weights)
    weights, _ = nnls(left_out * root[:, None], (data.y - data.mean) * root)
    return {member.choice.preprocessing: float(w) for member, w in zip(members, weights, strict=True)}


def predict(data: Weighted, choice: Choice, asked: np.ndarray) -> np.ndarray:
    """Return what PLS with chosen settings, fitted to all rows, says of the rows `asked`; shape (n_asked,)."""
    X = _coordinates(data.views, choice.preprocessing, data.rows, np.concatenate([data.rows, asked]))
    n = len(data.rows)
    model = PLS(n_components=choice.settings["n_lv"], scale_X=False, scale_Y=False)
    return np.ravel(model.fit(X[:n], data.y, sample_weight=data.weights).predict(X[n:]))


def predict_methods(data: Weighted, settings: Mapping[str, Any], standard: str, asked: np.ndarray) -> dict[str, Any]:
    """Return the predictions of PLS with a fixed and with a chosen preprocessing, and of the stack; unclipped."""
    names = settings["preprocessings"]
    found = {name: tune(data, name, settings["max_lv"]) for name in dict.fromkeys([standard, *names])}
    own = [found[name] for name in names]
    shares = stack(data, own)
    best = min(own, key=lambda candidate: candidate.error).choice.preprocessing
    wanted = {standard, best, *(name for name, share in shares.items() if share > 0)}
    y_hat = {name: predict(data, found[name].choice, asked) for name in wanted}
    stacked = data.mean + sum(share * (y_hat[name] - data.mean) for name, share in shares.items() if share > 0)
    return {
        "asls_snv_pls": y_hat[standard],
        "tuned_pls": y_hat[best],
        "stacked_pls": stacked + np.zeros(len(asked)),
    }


def _coordinates(views: Views, name: str, fit_rows: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return rows under a preprocessing: in fewer dimensions where that basis is computed once for all fits."""
    if name in LEARNED:
        return views.transform(name, views.fit(name, fit_rows), rows)
    return views.scores(name, fit_rows, rows)
