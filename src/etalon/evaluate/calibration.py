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
    """A `Choice` fitted to training rows of a dataset; predicts rows of the same or of perturbed `Views`."""

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
        X = views.transform(self.choice.preprocessing, self.preprocessing_, rows)
        return np.clip(np.ravel(self.model_.predict(X)), *self.range_)

    def predict_proba(self, views: Views, rows: np.ndarray) -> np.ndarray:
        """Return class probabilities, shape (n_rows, n_classes), columns in the order of `model_.classes_`."""
        X = views.transform(self.choice.preprocessing, self.preprocessing_, rows)
        return self.model_.predict_proba(X)


def clip_range(y: np.ndarray) -> tuple[float, float]:
    """Return the range that predictions of every method are held to, `CLIP_MARGIN` beyond that of `y`."""
    low, high = float(y.min()), float(y.max())
    margin = CLIP_MARGIN * (high - low)
    return low - margin, high + margin
