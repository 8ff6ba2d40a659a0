"""Conformal intervals from few samples, and distances of scores."""

import numpy as np
from numpy.typing import ArrayLike


def fewest_scores(level: float) -> int:
    """Return how many scores a finite interval of this level needs: 9 for 90 %."""
    return int(np.ceil(level / (1.0 - level) - 1e-9))


def conformal_quantile(scores: ArrayLike, level: float) -> np.ndarray:
    r"""Return the :math:`\lceil (n + 1) \, level \rceil`-th smallest score; infinite where that is beyond the largest.

    Split-conformal prediction: a new exchangeable score lies at or below it with a probability of at least `level`
    (Papadopoulos et al. 2002; Lei et al. 2018, doi:10.1080/01621459.2017.1307116).

    Parameters
    ----------
    scores : shape (n,) or (n, p), of samples that nothing was fitted to; quantiles are taken along the first axis
    """
    ordered = np.sort(np.asarray(scores, dtype=float), axis=0)
    rank = int(np.ceil((len(ordered) + 1) * level - 1e-9))
    return ordered[rank - 1] if rank <= len(ordered) else np.full(ordered.shape[1:], np.inf)


def jackknife_plus(
    scores: np.ndarray, predictions: np.ndarray, difficulty: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the ends of CV+ intervals, each of shape (m,); infinite where `scores` are too few.

    .. math:: \left[ q^-_{\alpha} \{\hat y_{-k(i)}(x) - s_i \sigma(x)\}, \; q^+_{\alpha} \{\hat y_{-k(i)}(x) + s_i
              \sigma(x)\} \right]

    Barber et al. 2021, Predictive inference with the jackknife+ (doi:10.1214/20-AOS1965): every sample serves both to
    fit and to calibrate. Coverage is at least 1 - 2 alpha whatever the distribution, and close to `level` = 1 - alpha
    in practice.

    Parameters
    ----------
    scores : absolute errors of the samples over their difficulty, each by the model that did not see it, shape (n,)
    predictions : of the new samples by each sample's such model, shape (n, m)
    difficulty : of the new samples, shape (m,)
    """
    reach = scores[:, None] * difficulty
    upper = conformal_quantile(predictions + reach, level)
    lower = -conformal_quantile(reach - predictions, level)
    return lower, upper


def coverage(reference: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Return the share of references within their interval."""
    inside = (np.asarray(reference) >= np.asarray(lower)) & (np.asarray(reference) <= np.asarray(upper))
    return float(inside.mean())


def squared_mahalanobis(scores: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return squared Mahalanobis distances of `new`, shape (m, k), from the mean of `scores`, shape (n, k)."""
    mean = scores.mean(axis=0)
    precision = np.linalg.pinv(np.atleast_2d(np.cov(scores, rowvar=False)), hermitian=True)
    deviation = new - mean
    return np.einsum("mk,kl,ml->m", deviation, precision, deviation)
