"""Every formula of merit that Etalon reports, for regression and for classification.

Signs and divisors follow the field (table in `docs/reference/metrics.md`): errors are ``y_hat - y``; SEP and SD have
the divisor n - 1; RPD and RPIQ divide by RMSEP. All functions take finite arrays of shape (n_samples,).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike


def _pair(y: ArrayLike, y_hat: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y, y_hat = np.asarray(y, dtype=float), np.asarray(y_hat, dtype=float)
    if y.shape != y_hat.shape or y.ndim != 1 or not y.size:
        raise ValueError(f"expected two non-empty vectors of one length, found shapes {y.shape} and {y_hat.shape}")
    if not (np.isfinite(y).all() and np.isfinite(y_hat).all()):
        raise ValueError("expected finite reference values and predictions")
    return y, y_hat


def rmsep(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Root mean square of ``y_hat - y``. Over pooled folds this is RMSECV, over training rows RMSEC."""
    y, y_hat = _pair(y, y_hat)
    return float(np.sqrt(np.mean((y_hat - y) ** 2)))


def bias(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Mean of ``y_hat - y``."""
    y, y_hat = _pair(y, y_hat)
    return float(np.mean(y_hat - y))


def sep(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Standard deviation of ``y_hat - y``, divisor n - 1: RMSEP² = bias² + SEP² (n - 1)/n. NaN for one sample."""
    y, y_hat = _pair(y, y_hat)
    return float(np.std(y_hat - y, ddof=1)) if len(y) > 1 else float("nan")


def mae(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Mean absolute error."""
    y, y_hat = _pair(y, y_hat)
    return float(np.mean(np.abs(y_hat - y)))


def r2(y: ArrayLike, y_hat: ArrayLike) -> float:
    """1 - SS(residual) / SS(total about the mean of `y`); NaN where `y` does not vary."""
    y, y_hat = _pair(y, y_hat)
    return _ratio(-(np.sum((y_hat - y) ** 2)), np.sum((y - y.mean()) ** 2)) + 1.0


def cor2(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Squared Pearson correlation; NaN where either side does not vary."""
    y, y_hat = _pair(y, y_hat)
    a, b = y - y.mean(), y_hat - y_hat.mean()
    return _ratio((a @ b) ** 2, (a @ a) * (b @ b))


def rpd(y: ArrayLike, y_hat: ArrayLike) -> float:
    """SD of the references (divisor n - 1) over RMSEP."""
    y, y_hat = _pair(y, y_hat)
    return _ratio(np.std(y, ddof=1) if len(y) > 1 else np.nan, rmsep(y, y_hat))


def rpiq(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Interquartile range of the references over RMSEP (Bellon-Maurel et al. 2010, doi:10.1016/j.trac.2010.05.006)."""
    y, y_hat = _pair(y, y_hat)
    first, third = np.percentile(y, [25, 75])
    return _ratio(third - first, rmsep(y, y_hat))


def ccc(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Lin's concordance, 2 s_xy / (s_x² + s_y² + (mean_x - mean_y)²), divisor n (Lin 1989, doi:10.2307/2532051)."""
    y, y_hat = _pair(y, y_hat)
    covariance = np.mean((y - y.mean()) * (y_hat - y_hat.mean()))
    return _ratio(2 * covariance, y.var() + y_hat.var() + (y.mean() - y_hat.mean()) ** 2)


def sel(determinations: Iterable[ArrayLike]) -> float:
    r"""Standard error of laboratory, of a single determination: what repeats of the same samples tell.

    .. math:: SEL = \sqrt{\sum_i \sum_j (x_{ij} - \bar{x}_i)^2 / \sum_i (n_i - 1)}

    The pooled within-sample standard deviation (the repeatability of ISO 5725-2); for pairs with differences d the
    :math:`\sqrt{\sum d^2 / 2n}` of Dahlberg 1940. The mean of m determinations has SEL / sqrt(m).

    Parameters
    ----------
    determinations : of each sample, its n_i values; single ones say nothing. NaN where there is no repeat
    """
    samples = [np.asarray(values, dtype=float) for values in determinations]
    if not all(values.ndim == 1 and values.size and np.isfinite(values).all() for values in samples):
        raise ValueError("expected a non-empty vector of finite determinations for every sample")
    squares = sum(float(np.sum((values - values.mean()) ** 2)) for values in samples)
    return float(np.sqrt(_ratio(squares, sum(len(values) - 1 for values in samples))))


def balanced_accuracy(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Mean over the classes present in `y` of the share of their samples that are recognised."""
    from sklearn.metrics import recall_score  # takes a second, which scores of regression need not wait for

    y, y_hat = _pair(y, y_hat)
    return float(recall_score(y, y_hat, labels=np.unique(y), average="macro"))


def mcc(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Matthews correlation coefficient for any number of classes (Gorodkin 2004); 0 where either side is constant."""
    from sklearn.metrics import matthews_corrcoef

    y, y_hat = _pair(y, y_hat)
    return float(matthews_corrcoef(y, y_hat))


# Probabilities below this count as this: one sure mistake costs 6.9 nats and not infinity.
PROBABILITY_FLOOR = 1e-3


def log_loss(probability: ArrayLike) -> float:
    """Mean of ``-ln p`` in nats, p the probability given to the true class, floored at `PROBABILITY_FLOOR`."""
    p = np.asarray(probability, dtype=float)
    if not p.size or not (np.isfinite(p).all() and (p >= 0).all() and (p <= 1).all()):
        raise ValueError("expected probabilities between 0 and 1")
    return float(-np.mean(np.log(np.clip(p, PROBABILITY_FLOOR, 1.0))))


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else float("nan")


REGRESSION = {
    "rmsep": rmsep,
    "bias": bias,
    "sep": sep,
    "mae": mae,
    "r2": r2,
    "cor2": cor2,
    "rpd": rpd,
    "rpiq": rpiq,
    "ccc": ccc,
}
CLASSIFICATION = {"balanced_accuracy": balanced_accuracy, "mcc": mcc}
