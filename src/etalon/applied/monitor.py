r"""How far a spectrum lies from those of a calibration: Hotelling's T² inside its model, Q outside.

With scores t and residual e of the features about their mean,

.. math:: T^2 = t' S^{-1} t, \qquad Q = \lVert e \rVert^2

S the covariance of the calibration's scores (Jackson & Mudholkar 1979, Technometrics 21, 341).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, f
from sklearn.decomposition import PCA

from etalon.evaluate.uncertainty import conformal_quantile

LEVELS = (0.95, 0.99)
ROUNDING = 1e-20  # of a sum of squares: far above that of float64, far below what float32 spectra leave


@dataclass(frozen=True)
class Subspace:
    """The space that a calibration's spectra span.

    Attributes
    ----------
    mean : shape (p,); rotations, loadings : shape (p, k): scores are (x - mean) rotations, the model of x is
        mean + scores loadings'
    precision : shape (k, k), inverse covariance of the calibration's scores
    """

    mean: np.ndarray
    rotations: np.ndarray
    loadings: np.ndarray
    precision: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, mean: np.ndarray, rotations: np.ndarray, loadings: np.ndarray) -> Subspace:
        """Return the space of given directions, with the covariance of the scores of X, shape (n, p)."""
        scores = (X - mean) @ rotations
        covariance = np.atleast_2d(np.cov(scores, rowvar=False))
        return cls(mean, rotations, loadings, np.linalg.pinv(covariance, hermitian=True))

    @classmethod
    def principal(cls, X: np.ndarray, n_components: int) -> Subspace:
        """Return the space of the first principal components of X, shape (n, p)."""
        pca = PCA(min(n_components, len(X) - 1, X.shape[1]), svd_solver="full").fit(X)
        return cls.of(X, pca.mean_, pca.components_.T, pca.components_.T)

    @property
    def n_components(self) -> int:
        return self.rotations.shape[1]

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return scores, shape (n, k)."""
        return (X - self.mean) @ self.rotations

    def distances(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return T² and Q of the rows of X, shape (n, p); each of shape (n,).

        Q is 0 where the space leaves nothing but rounding: with as many components as channels it does so everywhere.
        """
        scores = self.scores(X)
        t2 = np.einsum("nk,kl,nl->n", scores, self.precision, scores)
        q = ((X - self.mean - scores @ self.loadings.T) ** 2).sum(axis=1)
        return t2, np.where(q < ROUNDING * (X**2).sum(axis=1), 0.0, q)


def t2_limit(n: int, k: int, level: float) -> float:
    r"""Return the limit of T² of a new sample, with n specimens and k components.

    .. math:: \frac{k (n^2 - 1)}{n (n - k)} F_{k, n - k}

    Exact for normal scores (Nomikos & MacGregor 1995, Technometrics 37, 41). Infinite without degrees of freedom.
    """
    return float(k * (n**2 - 1) / (n * (n - k)) * f.ppf(level, k, n - k)) if n > k else float("inf")


def at_least(limit: float, left_out: np.ndarray, level: float) -> float:
    """Return `limit`, or the quantile of the distances of left-out specimens where that is larger and can be had.

    Real spectra have longer tails than the normal distribution that the limits are of: on a set of soils these would
    call one sample in ten strange.
    """
    quantile = float(conformal_quantile(left_out, level))
    return max(limit, quantile) if np.isfinite(quantile) else limit


def q_limit(q: np.ndarray, level: float) -> float:
    r"""Return the limit of Q: that of :math:`g \chi^2_h` with the mean and variance of `q`, shape (n,).

    Box 1954, Annals of Mathematical Statistics 25, 290; Nomikos & MacGregor 1995. Give it the Q of samples that the
    model was not fitted to: with more channels than samples, those it was fitted to lie too close.
    """
    mean, variance = float(np.mean(q)), float(np.var(q, ddof=1)) if len(q) > 1 else 0.0
    if mean <= 0 or variance <= 0:
        return mean
    return float(variance / (2 * mean) * chi2.ppf(level, 2 * mean**2 / variance))
