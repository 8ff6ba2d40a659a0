"""Strengths of kernels and of noise by marginal likelihood: what the evidence heads have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpftrf, dpftri, dpftrs, dtrttf
from scipy.optimize import minimize

MEAN_VARIANCE = 100.0  # prior variance of the mean of the standardised y: large enough to leave it free
STRENGTH_SD, NOISE_SD, NOISE_MEAN = 2.0, 3.0, 0.05
STRENGTH_BOUNDS, NOISE_BOUNDS = (-16.0, 9.0), (-14.0, 2.0)


@dataclass(frozen=True)
class StrengthPrior:
    """Independent Gaussians on the logarithms of the strengths of kernels and, last, of the noise.

    Attributes
    ----------
    mean, sd : shape (n_kernels + 1,)
    """

    mean: np.ndarray
    sd: np.ndarray

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.mean.shape != self.sd.shape:
            raise ValueError(f"means of shape {self.mean.shape} and SDs of shape {self.sd.shape}")
        if not np.all(self.sd > 0):
            raise ValueError(f"SDs must be positive, found {self.sd.min()}")

    @classmethod
    def broad(cls, n_kernels: int) -> "StrengthPrior":
        """Return the prior set by hand: kernels share the variance of y equally, give or take a factor of e^2."""
        mean = np.r_[np.full(n_kernels, -np.log(n_kernels)), np.log(NOISE_MEAN)]
        return cls(mean, np.r_[np.full(n_kernels, STRENGTH_SD), NOISE_SD])


def choose_strengths(
    kernels: Sequence[np.ndarray], y: np.ndarray, counts: np.ndarray, prior: StrengthPrior
) -> np.ndarray:
    """Return the logarithms of the strengths and, last, of the noise that maximise evidence times prior.

    Parameters
    ----------
    kernels : each of shape (n, n), symmetric, its diagonal of mean 1
    y : shape (n,), standardised
    counts : shape (n,), see `specimen_counts`
    """
    n_kernels, n = len(kernels), len(y)
    # One triangle of each, as a row: sums over kernels are one pass over half the numbers.
    stacked = np.array([packed(K) for K in [*kernels, np.diag(counts)]])
    diagonal = np.flatnonzero(packed(np.eye(n)))
    times = np.full(stacked.shape[1], 2.0)  # how often a number of the triangle stands in the matrix
    times[diagonal] = 1.0

    def objective(logs: np.ndarray) -> tuple[float, np.ndarray]:
        strengths = np.exp(logs)
        C = strengths @ stacked
        C += MEAN_VARIANCE
        factor, failed = dpftrf(n, C, uplo="L", overwrite_a=True)
        if failed:  # too little noise for the rounding of C: worse than anything that can be computed
            return 1e10, np.zeros_like(logs)
        dual = dpftrs(n, factor, y, uplo="L")[0]
        slack = (logs - prior.mean) / prior.sd
        value = -log_evidence(factor[diagonal], dual, y, counts, logs[-1]) + 0.5 * slack @ slack
        inverse = dpftri(n, factor, uplo="L", overwrite_a=True)[0]
        # The derivative to a strength is <C^-1 - dual dual', K> / 2.
        gradient = 0.5 * strengths * (stacked @ (times * (inverse - packed(np.outer(dual, dual)))))
        gradient[-1] -= 0.5 * surplus(counts)
        return value, gradient + slack / prior.sd

    bounds = [STRENGTH_BOUNDS] * n_kernels + [NOISE_BOUNDS]
    start = np.r_[prior.mean[:-1], np.log(0.1)]
    options = {"maxiter": 60, "ftol": 1e-6}
    return minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def specimen_counts(groups: np.ndarray) -> np.ndarray:
    """Return for every row the number of rows of its specimen."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return counts[inverse].astype(float)


def surplus(counts: np.ndarray) -> float:
    """Return how many more rows there are than specimens."""
    return float(np.sum(1.0 - 1.0 / counts))


def packed(matrix: np.ndarray) -> np.ndarray:
    """Return the lower triangle of a symmetric matrix in LAPACK's rectangular full packed format (dtrttf)."""
    return dtrttf(matrix, uplo="L")[0]


def log_evidence(diagonal: np.ndarray, dual: np.ndarray, y: np.ndarray, counts: np.ndarray, log_noise: float) -> float:
    """Return the log evidence with each row's likelihood raised to one over its specimen's number of rows.

    `diagonal` is that of the Cholesky factor of C, `dual` is C^-1 y.

    The integral over f of prod_i N(y_i | f_i, s)^(1/m_i) N(f | 0, K) is N(y | 0, K + s D) times
    prod_i (2 pi s m_i)^(1/2) (2 pi s)^(-1 / (2 m_i)).
    """
    normal = -0.5 * y @ dual - np.log(diagonal).sum() - 0.5 * len(y) * np.log(2 * np.pi)
    powers = 0.5 * surplus(counts) * (np.log(2 * np.pi) + log_noise) + 0.5 * np.log(counts).sum()
    return float(normal + powers)


def spread_rows(groups: np.ndarray, most: int) -> np.ndarray:
    """Return the rows of evenly spread specimens, at most about `most` rows."""
    if len(groups) <= most:
        return np.arange(len(groups))
    specimens = np.unique(groups)
    kept = specimens[np.linspace(0, len(specimens) - 1, max(2, len(specimens) * most // len(groups))).astype(int)]
    return np.flatnonzero(np.isin(groups, kept))
