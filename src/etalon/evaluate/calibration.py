"""A calibration: one preprocessing and one linear model with settings that are already chosen."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ikpls.sklearn import PLS
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from etalon.chemometrics.classify import PLSDA, RidgeLogistic
from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.evaluate.heads import pca_tabpfn
from etalon.evaluate.views import Views

# Predictions of every method are held to the training range of y and this share of it on either side.
CLIP_MARGIN = 0.25


@dataclass(frozen=True)
class Choice:
    """What was chosen inside the training rows: a preprocessing, a model and its settings."""

    preprocessing: str
    model: str
    settings: dict[str, Any] = field(default_factory=dict)


def make_model(choice: Choice) -> Any:
    """Return the unfitted scikit-learn estimator that `choice` names."""
    s = choice.settings
    if choice.model == "pls":
        return PLS(n_components=s["n_lv"], scale_X=False, scale_Y=False)
    if choice.model == "ridge":
        return LeaveSpecimenOutRidge(alphas=(s["alpha"],), scale=s["scale"])
    if choice.model == "pca_ridge":
        return make_pipeline(PCA(s["n_pcs"], svd_solver="full"), LeaveSpecimenOutRidge(alphas=(s["alpha"],)))
    if choice.model == "plsda":
        return PLSDA(n_lv=s["n_lv"])
    if choice.model == "ridge_logistic":
        return RidgeLogistic(C=s["C"])
    if choice.model == "pca_logistic":
        # Whitened scores: the default strength then means the same for every component.
        return make_pipeline(PCA(s["n_pcs"], whiten=True, svd_solver="full"), LogisticRegression(max_iter=1000))
    if choice.model == "pca_tabpfn":
        return pca_tabpfn(**s)
    raise ValueError(f"model: found {choice.model!r}")


class Calibration:
    """A `Choice` of one preprocessing, fitted to training rows; predicts rows of the same or of perturbed `Views`."""

    def __init__(self, choice: Choice):
        self.choice = choice

    def fit(self, views: Views, rows: np.ndarray, y: np.ndarray) -> "Calibration":
        """Fit to `rows`, with their references `y`, shape (n_rows,)."""
        self.preprocessing_ = views.fit(self.choice.preprocessing, rows)
        X = views.transform(self.choice.preprocessing, self.preprocessing_, rows)
        self.model_ = make_model(self.choice).fit(X, y)
        self.range_ = clip_range(y)
        return self

    def predict(self, views: Views, rows: np.ndarray) -> np.ndarray:
        """Return clipped predictions, shape (n_rows,)."""
        return np.clip(self.unclipped(views, rows), *self.range_)

    def unclipped(self, views: Views, rows: np.ndarray) -> np.ndarray:
        X = views.transform(self.choice.preprocessing, self.preprocessing_, rows)
        return np.ravel(self.model_.predict(X))

    def predict_proba(self, views: Views, rows: np.ndarray) -> np.ndarray:
        """Return class probabilities, shape (n_rows, n_classes), columns in the order of `model_.classes_`."""
        X = views.transform(self.choice.preprocessing, self.preprocessing_, rows)
        return self.model_.predict_proba(X)


class Stack:
    r"""Calibrations of several preprocessings, their predictions added with weights.

    .. math:: \hat y = \bar y + \sum_k w_k (\hat y_k - \bar y), \qquad w_k \ge 0

    Breiman 1996, Stacked Regressions, Machine Learning 24, 49-64. Fits and predicts as `Calibration` does.
    """

    def __init__(self, choice: Choice):
        self.choice = choice

    def fit(self, views: Views, rows: np.ndarray, y: np.ndarray) -> "Stack":
        members = self.choice.settings["members"]
        choices = [Choice(m["preprocessing"], "pls", {"n_lv": m["n_lv"]}) for m in members]
        self.members_ = [Calibration(choice).fit(views, rows, y) for choice in choices]
        self.weights_ = np.array([m["weight"] for m in members])
        self.mean_, self.range_ = float(y.mean()), clip_range(y)
        return self

    def predict(self, views: Views, rows: np.ndarray) -> np.ndarray:
        """Return clipped predictions, shape (n_rows,)."""
        return np.clip(self.unclipped(views, rows), *self.range_)

    def unclipped(self, views: Views, rows: np.ndarray) -> np.ndarray:
        y_hat = np.full(len(rows), self.mean_)
        for weight, member in zip(self.weights_, self.members_, strict=True):
            y_hat += weight * (member.unclipped(views, rows) - self.mean_)
        return y_hat


def calibration(choice: Choice) -> Calibration | Stack:
    """Return what `choice` names, unfitted."""
    return Stack(choice) if choice.model == "stacked_pls" else Calibration(choice)


def clip_range(y: np.ndarray) -> tuple[float, float]:
    """Return the range that predictions of every method are held to, `CLIP_MARGIN` beyond that of `y`."""
    low, high = float(y.min()), float(y.max())
    margin = CLIP_MARGIN * (high - low)
    return low - margin, high + margin
