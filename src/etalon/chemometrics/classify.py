"""Linear classifiers of the field: PLS-DA and logistic regression with an L2 penalty."""

import warnings

import numpy as np
from ikpls.sklearn import PLS
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class PLSDA(ClassifierMixin, BaseEstimator):
    """PLS on indicator columns, one a class (Barker & Rayens 2003, doi:10.1002/cem.785).

    A sample belongs to the class with the largest predicted indicator. Probabilities are the predicted indicators
    clipped to [0, 1] and divided by their sum: PLS-DA has none of its own.

    Parameters
    ----------
    n_lv : number of latent variables, at most as many as X has rows and columns
    """

    def __init__(self, n_lv: int = 2):
        self.n_lv = n_lv

    def fit(self, X: np.ndarray, y: np.ndarray) -> "PLSDA":
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        self.pls_ = PLS(n_components=min(self.n_lv, *X.shape), scale_X=False, scale_Y=False)
        self.pls_.fit(X, np.eye(len(self.classes_))[numbers])
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return indicator_probabilities(self.pls_.predict(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


def indicator_probabilities(indicators: np.ndarray) -> np.ndarray:
    """Clip predicted indicators, shape (..., n_classes), to [0, 1] and let them sum to one."""
    clipped = np.clip(indicators, 0.0, 1.0)
    total = clipped.sum(axis=-1, keepdims=True)
    # Where every indicator is negative nothing is known: equal shares.
    return np.where(total > 0, clipped / np.where(total > 0, total, 1.0), 1.0 / indicators.shape[-1])


class RidgeLogistic(ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression with an L2 penalty, on centred X scaled as a whole.

    All channels are divided by one number, the root mean squared norm of the centred training rows, so that `C`
    means the same for every instrument and no noisy channel is blown up.

    Parameters
    ----------
    C : inverse strength of the penalty
    """

    def __init__(self, C: float = 1.0):
        self.C = C

    def fit(self, X: np.ndarray, y: np.ndarray) -> "RidgeLogistic":
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.mean_ = X.mean(axis=0)
        Z = X - self.mean_
        self.norm_ = np.sqrt((Z**2).sum() / len(Z)) or 1.0
        self.logistic_ = LogisticRegression(C=self.C, max_iter=300, tol=1e-3)
        with warnings.catch_warnings():
            # A penalty so weak that the classes separate has no optimum to converge to; validation judges it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.logistic_.fit(Z / self.norm_, y)
        self.classes_ = self.logistic_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.logistic_.predict_proba((X - self.mean_) / self.norm_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]
