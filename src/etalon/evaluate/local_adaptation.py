"""Calibrations from elsewhere, used as they are or adapted with a few local samples; equal draws for every method."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from etalon.data.folds import Fold
from etalon.evaluate.calibration import clip_range
from etalon.evaluate.lodo import LocalDraw, Member, Transfer
from etalon.evaluate.tasks import fold_rows

MIN_FOR_SLOPE = 10  # local specimens; a slope through fewer is noise
SLOPES = (0.2, 5.0)  # one outside says that the predictions carry nothing that a line could mend
MEAN_VARIANCE = 100.0  # prior variance of the mean of the standardised y, as in the evidence head
ROUNDING = 1e-9  # variance, relative to that of y


class Prediction(NamedTuple):
    """Predictions and half the width of their 95 % interval (NaN where there is none), each of shape (n,)."""

    y_hat: np.ndarray
    half: np.ndarray

    @classmethod
    def bare(cls, y_hat: np.ndarray) -> "Prediction":
        return cls(y_hat, np.full(len(y_hat), np.nan))


class Transferred(Protocol):
    """Methods fitted on the training sets of a task, which predict rows of its test set; clipped, one entry a method.

    Rows are numbers of the test set's spectra. A method that cannot run is absent.

    Attributes
    ----------
    transfer : what trained them
    choices : what each chose in the training rows
    not_run : methods that could not be transferred, with the reason
    """

    transfer: Transfer
    choices: dict[str, dict[str, Any]]
    not_run: dict[str, str]

    def zero_shot(self, rows: np.ndarray) -> dict[str, Prediction]:
        """Return what the calibrations of the training sets say of `rows`."""
        ...

    def spiked(self, local: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
        """Return predictions of `test` with the local rows added, their total weight that of all training rows."""
        ...

    def local_only(self, local: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
        """Return predictions of `test` by the same kind of model on the local rows alone."""
        ...


def adapt(model: Transferred, member: Member, y_source: np.ndarray, draws: Sequence[LocalDraw]) -> pd.DataFrame:
    """Return the predictions of a task zero-shot and with every draw of local samples.

    Parameters
    ----------
    y_source : references of the training rows, shape (n_source,); empty where no training set can be used

    Returns
    -------
    `etalon.records.PREDICTION_COLUMNS` without the dataset; the name of the method is in `name`
    """
    y, rows, parts = member.task.y, member.rows, []
    zero = model.zero_shot(rows)
    place = np.full(len(y), -1)
    place[rows] = np.arange(len(rows))
    for name, found in zero.items():
        limits = {"lower": found.y_hat - found.half, "upper": found.y_hat + found.half}
        parts.append(_records(member, rows, name, "zero_shot", found.y_hat, 0).assign(**limits))
    for d in draws:
        low, high = clip_range(np.concatenate([y_source, y[d.local]]))
        for name, found in zero.items():
            slope, bias = slope_bias(found.y_hat[place[d.local]], y[d.local], member.task.groups[d.local])
            corrected = np.clip(slope * found.y_hat[place[d.test]] + bias, low, high)
            parts.append(_records(member, d.test, name, "slope_bias", corrected, d.n, d.draw))
        for condition, predict in (("spiked", model.spiked), ("local_only", model.local_only)):
            parts += [
                _records(member, d.test, name, condition, y_hat, d.n, d.draw)
                for name, y_hat in predict(d.local, d.test).items()
            ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def pair_records(found: Mapping[str, Prediction], source: Member, test: Member) -> pd.DataFrame:
    """Return the predictions of a test set by the calibrations of one training set."""
    pair = f"{source.dataset}>{test.dataset}"
    parts = [
        _records(test, test.rows, name, "train_test", one.y_hat, 0).assign(pair=pair, amplitude=np.nan)
        for name, one in found.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _records(
    member: Member, rows: np.ndarray, name: str, condition: str, y_hat: np.ndarray, n: int, draw: int = -1
) -> pd.DataFrame:
    records = fold_rows(member.task, Fold(condition, 0, 0, np.empty(0, int), rows), rows)
    return records.assign(name=name, prediction=y_hat, amplitude=float(n), amplitude_unit="samples", draw=draw)


def slope_bias(predicted: np.ndarray, reference: np.ndarray, specimens: np.ndarray) -> tuple[float, float]:
    """Return the slope and offset that turn predictions of local samples into their references, by least squares.

    The slope stays 1 for fewer than `MIN_FOR_SLOPE` specimens, however often they were scanned, or where it would lie
    outside `SLOPES`.
    """
    mean, y_mean = float(predicted.mean()), float(reference.mean())
    slope, spread = 1.0, float(((predicted - mean) ** 2).sum())
    if len(np.unique(specimens)) >= MIN_FOR_SLOPE and spread > 0:
        fitted = float((predicted - mean) @ (reference - y_mean)) / spread
        slope = fitted if SLOPES[0] <= fitted <= SLOPES[1] else 1.0
    return slope, y_mean - slope * mean


def linear_posterior(
    source: np.ndarray, target: np.ndarray, y: np.ndarray, weights: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return mean, shape (m,), and covariance, (m, m), of what a linear model with Gaussian priors says of a test set.

    With y standardised, A the features times the square roots of the prior variances of their coefficients,

    .. math:: f = \beta + A c, \quad \beta \sim N(0, 100), \quad c \sim N(0, I), \quad y_i \sim N(f_i, s / w_i)

    Ridge regression and the evidence head are of this form once their strengths are chosen. A row of weight w counts
    as w samples with the same reference value.

    Parameters
    ----------
    source, target : A of the training rows, shape (n, p), and of the test set, shape (m, p)
    y, weights : references of the training rows and what they count as, shape (n,)
    noise : s, variance of a reference value about f, relative to the variance of y
    """
    prior = MEAN_VARIANCE * max(1.0, noise)  # the mean stays free however strong the ridge
    C = source @ source.T + prior
    C.flat[:: len(C) + 1] += noise / weights
    lower = cho_factor(C, lower=True, overwrite_a=True)[0]
    cross = solve_triangular(lower, source @ target.T + prior, lower=True)  # (n, m)
    mean = cross.T @ solve_triangular(lower, (y - y.mean()) / (y.std() or 1.0), lower=True)
    return mean, target @ target.T + prior - cross.T @ cross


class Conditioned:
    """A model with Gaussian priors, fitted to training rows, which is then shown local ones, in closed form.

    Given the training rows, the values of the test set are Gaussian; local rows condition them further (Rasmussen &
    Williams 2006, section 2.2), which costs the inverse of a matrix of their number.

    Parameters
    ----------
    posterior : mean, shape (m,), and covariance, (m, m), of the test set, of y standardised: by `linear_posterior`, or
        by `etalon.chemometrics.evidence_kernels.EvidenceKernels`
    y, weights, noise : of the training rows, as in `linear_posterior`
    """

    def __init__(self, posterior: tuple[np.ndarray, np.ndarray], y: np.ndarray, weights: np.ndarray, noise: float):
        self.mean_, self.covariance_ = posterior
        self._mean, self._scale = float(y.mean()), float(y.std()) or 1.0
        self._noise, self._weight = noise, float(weights.sum())

    def source_mean(self) -> np.ndarray:
        """Return the predictions of the whole test set by the training rows alone, shape (m,)."""
        return self._mean + self._scale * self.mean_

    def spiked(self, local: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the predictions of the whole test set once rows at `local` are known too, shape (m,).

        Parameters
        ----------
        y, weights : of the local rows; the weights say how these share a total equal to that of the training rows
        """
        share = self._weight * weights / weights.sum()
        # The covariance is a difference of large numbers: rounding must not make it indefinite.
        C = self.covariance_[np.ix_(local, local)] + np.diag(self._noise / share + ROUNDING)
        surprise = (y - self._mean) / self._scale - self.mean_[local]
        gain = cho_solve(cho_factor(C, lower=True), surprise)
        return self._mean + self._scale * (self.mean_ + self.covariance_[:, local] @ gain)
