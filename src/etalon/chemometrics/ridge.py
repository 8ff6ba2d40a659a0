"""Ridge regression whose strength is chosen by leaving out one specimen at a time, in closed form."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

# Relative to the mean eigenvalue of the centred Gram matrix.
ALPHAS = tuple(np.logspace(-8, 3, 34))
# A channel that hardly varies would be blown up by division through its standard deviation.
SCALE_FLOOR = 0.01


class LeaveSpecimenOutRidge(RegressorMixin, BaseEstimator):
    r"""Ridge regression, strength by leave-one-specimen-out cross-validation in closed form.

    With H the hat matrix of the centred ridge, 1/n for the mean included, the residuals of the rows g of one
    specimen under a model that never saw them are

    .. math:: e_g^{(-g)} = (I - H_{gg})^{-1} (y - H y)_g

    (the block form of the PRESS residual; Cook & Weisberg 1982, Residuals and Influence in Regression, section
    3.2). With one row a specimen this is the usual leave-one-out formula. Leaving out rows instead of specimens
    where scans are replicated chooses a far too small strength.

    Parameters
    ----------
    alphas : candidate strengths, relative to the mean eigenvalue of the centred Gram matrix
    scale : divide channels by their standard deviation, floored at 1 % of the largest. The scaling itself is
        that of all rows given to `fit`.

    Attributes
    ----------
    coef_ : shape (n_features,); intercept_ : float
    alpha_ : the relative strength chosen
    rmsecv_ : root mean square of the leave-one-specimen-out residuals at `alpha_`
    """

    def __init__(self, alphas: Sequence[float] = ALPHAS, scale: bool = False):
        self.alphas = alphas
        self.scale = scale

    def fit(self, X: np.ndarray, y: np.ndarray, groups: ArrayLike | None = None) -> "LeaveSpecimenOutRidge":
        """Fit to X, shape (n, p), and y, shape (n,). `groups`, shape (n,), names each row's specimen."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        n = len(y)
        groups = np.arange(n) if groups is None else np.asarray(groups)
        mean, y_mean = X.mean(axis=0), y.mean()
        Z = X - mean
        spread = np.ones(X.shape[1])
        if self.scale:
            spread = np.maximum(Z.std(axis=0), SCALE_FLOOR * Z.std(axis=0).max())
            spread[spread == 0] = 1.0
            Z /= spread
        values, U = eigh(Z @ Z.T, check_finite=False)
        # Rounding leaves eigenvalues of either sign about zero; they carry nothing but would be divided by.
        keep = values > values[-1] * n * np.finfo(float).eps
        values, U = values[keep], U[:, keep]
        unit = values.sum() / n if keep.any() else 1.0
        alphas = np.asarray(self.alphas, dtype=float)
        projected = U.T @ (y - y_mean)  # (r,)
        shrink = values / (values + alphas[:, None] * unit)  # (n_alphas, r)
        residuals = self._left_out(U, shrink, (y - y_mean) - (shrink * projected) @ U.T, groups)
        press = (residuals**2).mean(axis=1)
        # Equal to rounding, the stronger one: it is the safer and does not depend on the last bit.
        best = int(np.flatnonzero(press <= press.min() * (1 + 1e-12))[-1])
        self.alpha_, self.rmsecv_ = float(alphas[best]), float(np.sqrt(press[best]))
        dual = U @ (projected / (values + alphas[best] * unit))
        self.coef_ = (Z.T @ dual) / spread
        self.intercept_ = float(y_mean - mean @ self.coef_)
        return self

    @staticmethod
    def _left_out(U: np.ndarray, shrink: np.ndarray, residuals: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Turn residuals, shape (n_alphas, n), into those under models that never saw the row's specimen."""
        n = len(U)
        out = np.empty_like(residuals)
        order = np.argsort(groups, kind="stable")
        _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
        for size in np.unique(sizes):
            rows = order[starts[sizes == size][:, None] + np.arange(size)]  # (n_groups, size)
            blocks = U[rows]  # (n_groups, size, r)
            for number, factor in enumerate(shrink):
                hat = 1.0 / n + (blocks * factor) @ blocks.transpose(0, 2, 1)
                # A model that is all but saturated leaves I - H singular: such a strength must lose, not crash.
                room = np.eye(size) - hat + 1e-12 * np.eye(size)
                out[number, rows] = np.linalg.solve(room, residuals[number, rows][..., None])[..., 0]
        return out

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions, shape (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.coef_ + self.intercept_
