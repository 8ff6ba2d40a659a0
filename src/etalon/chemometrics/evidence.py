"""The evidence head: ridge regression over named blocks, strengths and noise chosen by marginal likelihood."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from etalon.chemometrics.marginal_likelihood import (
    MEAN_VARIANCE,
    StrengthPrior,
    choose_strengths,
    log_evidence,
    specimen_counts,
    spread_rows,
)


class EvidenceRidge(RegressorMixin, BaseEstimator):
    r"""Bayesian ridge regression with one strength a block.

    With y standardised, block b of X centred and scaled so that the diagonal of :math:`K_b = X_b X_b'` has mean 1,

    .. math:: y \sim N(0, C), \qquad C = \sum_b w_b K_b + s D + 100 \, 1 1'

    The logarithms of w and s maximise the log evidence plus Gaussian priors, log w about log(1/B) with SD 2, log s
    about log 0.05 with SD 3 (MacKay 1992, doi:10.1162/neco.1992.4.3.415; as a Gaussian process: Rasmussen & Williams
    2006, section 5.4.1). Predictions are linear in X; their variance is that of a new sample's reference value.

    The m replicate scans of a specimen share one laboratory value. Each counts as 1/m of a sample, its likelihood
    raised to that power: D holds m on the diagonal, and the log evidence gains :math:`\tfrac12 (n - n_{specimens})
    \log s` from the powers' normalisation. Entering a scan twice therefore changes nothing.

    Parameters
    ----------
    blocks : number of columns of each block of X, in order; None for one block
    max_rows : the strengths are chosen on at most so many rows (whole specimens, evenly spread); the fit uses all

    Attributes
    ----------
    coef_ : shape (n_features,); intercept_ : float
    strengths_ : shape (n_blocks,), w: shares of the variance of y that blocks explain a priori
    noise_ : s
    log_evidence_ : at the strengths chosen, without the priors
    """

    def __init__(self, blocks: Sequence[int] | None = None, max_rows: int = 600):
        self.blocks = blocks
        self.max_rows = max_rows

    def fit(self, X: np.ndarray, y: np.ndarray, groups: ArrayLike | None = None) -> "EvidenceRidge":
        """Fit to X, shape (n, p), and y, shape (n,). `groups`, shape (n,), names each row's specimen."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        self._edges = np.cumsum([0, *(self.blocks if self.blocks is not None else [X.shape[1]])])
        if self._edges[-1] != X.shape[1]:
            raise ValueError(f"blocks: expected {X.shape[1]} columns in all, found {self._edges[-1]}")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        counts = specimen_counts(groups)
        self._mean, self._y_mean = X.mean(axis=0), float(y.mean())
        self._y_scale = float(y.std()) or 1.0
        Z = X - self._mean
        target = (y - self._y_mean) / self._y_scale
        self._scales = np.array([np.sqrt((Z[:, b] ** 2).sum() / len(Z)) or 1.0 for b in self._slices])
        few = spread_rows(groups, self.max_rows)
        kernels = self._kernels(Z[few])
        logs = choose_strengths(kernels, target[few], counts[few], StrengthPrior.broad(len(kernels)))
        self.strengths_, self.noise_ = np.exp(logs[:-1]), float(np.exp(logs[-1]))
        self._weights = np.repeat(self.strengths_ / self._scales**2, np.diff(self._edges))
        C = (Z * self._weights) @ Z.T
        C += MEAN_VARIANCE
        C.flat[:: len(C) + 1] += self.noise_ * counts
        self._factor = cho_factor(C, lower=True, overwrite_a=True)
        dual = cho_solve(self._factor, target)
        self.log_evidence_ = log_evidence(np.diag(self._factor[0]), dual, target, counts, logs[-1])
        self._Z = Z
        self.coef_ = self._y_scale * self._weights * (Z.T @ dual)
        self.intercept_ = float(self._y_mean + self._y_scale * MEAN_VARIANCE * dual.sum() - self._mean @ self.coef_)
        return self

    def predict(self, X: np.ndarray, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Return predictions, shape (n,), and with `return_std` the SD of the reference values to be expected."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        y_hat = X @ self.coef_ + self.intercept_
        if not return_std:
            return y_hat
        Z = X - self._mean
        cross = MEAN_VARIANCE + (Z * self._weights) @ self._Z.T
        own = MEAN_VARIANCE + self.noise_ + Z**2 @ self._weights
        explained = np.einsum("ij,ji->i", cross, cho_solve(self._factor, cross.T))
        return y_hat, self._y_scale * np.sqrt(np.maximum(own - explained, self.noise_))

    @property
    def _slices(self) -> list[slice]:
        return [slice(start, stop) for start, stop in zip(self._edges[:-1], self._edges[1:], strict=True)]

    def _kernels(self, Z: np.ndarray) -> list[np.ndarray]:
        scaled = (Z[:, b] / s for b, s in zip(self._slices, self._scales, strict=True))
        return [A @ A.T for A in scaled]
