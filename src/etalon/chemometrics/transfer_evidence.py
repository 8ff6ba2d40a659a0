"""Calibration transfer by one Gaussian process over two instruments, on embeddings or on spectra."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from etalon.chemometrics.evidence_kernels import EvidenceKernels
from etalon.chemometrics.marginal_likelihood import MEAN_VARIANCE
from etalon.chemometrics.transfer import SourceCalibration, Transfer
from etalon.errors import BadInputError

BIAS_VARIANCE = 1.0  # of the target instrument, in the variance of y: large enough to leave it free
NOBODY = -1  # specimen of a transfer sample that is not in the calibration


class Difference(NamedTuple):
    """How two instruments differ. Variances are in that of y.

    Attributes
    ----------
    shared : share of the noise of the source calibration that belongs to the specimen, and so to both instruments
    noise : what the target instrument has in addition
    deviation : strength of a function of its own, in that of the function of both
    slope : variance of a slope of the source instrument's predictions
    """

    shared: float
    noise: float
    deviation: float
    slope: float


# From instruments that are nearly equal to such as have little in common.
DIFFERENCES = tuple(
    Difference(*values)
    for values in product((0.0, 0.5, 0.9), (0.0, 0.003, 0.03, 0.3), (0.0, 0.03, 0.3, 3.0), (0.0, 0.3))
)
DEVIATIONS, SLOPES = (np.array([getattr(one, name) for one in DIFFERENCES]) for name in ("deviation", "slope"))


@dataclass(frozen=True)
class EvidenceCalibration(SourceCalibration):
    """The kernel evidence head on all calibration samples of the source instrument.

    Attributes
    ----------
    spectra : shape (n, p), embeddings or preprocessed spectra; `n_lv` has no meaning here
    blocks : number of columns of each block of `spectra` by name, in order; None for one block
    curved : see `EvidenceKernels`
    """

    n_lv: int = 0
    blocks: Mapping[str, int] | None = None
    curved: bool = True

    @cached_property
    def head(self) -> EvidenceKernels:
        return EvidenceKernels(self.blocks, curved=self.curved).fit(self.spectra, self.y, self.groups)

    @cached_property
    def precision(self) -> np.ndarray:
        return self.head.precision()

    @property
    def centre_and_scale(self) -> tuple[float, float]:
        """Mean and SD of y, by which the head standardises."""
        return float(self.y.mean()), float(self.y.std()) or 1.0

    def same_specimen(self, specimens: np.ndarray) -> np.ndarray:
        """Return 1 where a row is of one of some specimens, else 0, shape (N, n)."""
        own = np.arange(len(self.y)) if self.groups is None else np.asarray(self.groups)
        return (specimens[:, None] == own).astype(float)

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        return np.asarray(self.head.predict(spectra))


class Known:
    """What a source calibration makes of target spectra before any of their references is known.

    Attributes
    ----------
    cross, explained : shape (m, n): covariance of the function with the source references, and this over their own
    among : shape (m, m): covariance of the function a priori, without its mean
    says : shape (m,): what the source calibration predicts, standardised
    """

    def __init__(self, calibration: EvidenceCalibration, spectra: np.ndarray):
        self.calibration = calibration
        self.cross, among = calibration.head.covariances(spectra)
        self.among = among - MEAN_VARIANCE
        self.explained = self.cross @ calibration.precision
        self.says = self.cross @ calibration.head.dual_coef_


class Predicted(NamedTuple):
    """Predictions and the SD of the references to be expected, shape (m,) each."""

    y_hat: np.ndarray
    sd: np.ndarray


class TwoInstruments(Transfer):
    r"""One Gaussian process over the source calibration's samples and the target spectra of the transfer samples.

    With y standardised, specimen i measured by the source and by the target instrument,

    .. math::

        y_i = f(x_{s,i}) + e_i, \qquad
        y_i = f(x_{t,i}) + b + g(x_{t,i}) + a \, \hat y_s(x_{t,i}) + u_i

    f and the noise e are those of the kernel evidence head on the source instrument's samples. The target instrument
    has a bias b, a function g with the kernel of f about the mean of the transfer samples, a slope a of what the source
    instrument predicts, and more noise. e and u of one specimen correlate: the error of its reference, and what no
    spectrum of it shows, are on both instruments. So the two measurements of a specimen say what f must not see, and
    its reference does not count twice.

    The strengths of what differs (`DIFFERENCES`) are no maximum of a likelihood, which has no bound where one reference
    stands for two measurements. Each candidate predicts every transfer sample with all measurements of the specimen
    left out, and predictions are averaged with weights inverse to the mean squared errors of this (Bates & Granger
    1969, doi:10.1057/jors.1969.103).

    Parameters
    ----------
    calibration : of the source instrument
    specimens : shape (N,), of the transfer samples, as in the groups of the calibration, or `NOBODY`; None where none
        of them is in the calibration. The source spectra that `fit` takes are those of the calibration

    Attributes
    ----------
    weights_ : of the candidates, shape (len(DIFFERENCES),)
    left_out_ : of the transfer samples, each with its specimen left out
    """

    def __init__(self, calibration: EvidenceCalibration, specimens: np.ndarray | None = None):
        super().__init__(calibration)
        self.evidence = calibration
        self.specimens = specimens

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        self._target = target
        self.fit_known(Known(self.evidence, target), np.arange(len(target)), y)

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        return self.predict_with_sd(spectra).y_hat

    def predict_with_sd(self, spectra: np.ndarray) -> Predicted:
        """Return predictions of target spectra, shape (m, p), and the SD of the references to be expected."""
        n = len(self._target)
        known = Known(self.evidence, np.concatenate([self._target, np.asarray(spectra, dtype=np.float64)]))
        return self.predict_known(known, np.arange(n), np.arange(n, len(known.says)))

    def fit_known(self, known: Known, rows: np.ndarray, y: np.ndarray) -> "TwoInstruments":
        """Fit to rows of `known`, whose references are y, shape (N,)."""
        own = self.evidence
        centre, scale = own.centre_and_scale
        specimens = np.full(len(y), NOBODY) if self.specimens is None else self.specimens
        if len(specimens) != len(y):
            raise BadInputError("transfer samples", "specimens", f"{len(y)}, one a sample", len(specimens))
        same = own.same_specimen(specimens)
        shared = np.array([one.shared for one in DIFFERENCES]) * own.head.noise_
        noise = np.array([one.noise for one in DIFFERENCES]) + own.head.noise_
        # Of every candidate: shape (C, N, n).
        self._cross = known.cross[rows] + shared[:, None, None] * same
        explained = known.explained[rows] + shared[:, None, None] * (same @ own.precision)
        mean = known.says[rows] + shared[:, None] * (same @ own.head.dual_coef_)
        covariance = MEAN_VARIANCE + known.among[np.ix_(rows, rows)] - np.einsum("cin,cjn->cij", explained, self._cross)
        covariance += self._added(known, rows, rows) + noise[:, None, None] * np.eye(len(y))
        self._noise, self._precision = noise, np.linalg.inv(covariance)
        self._dual = np.einsum("cij,cj->ci", self._precision, (y - centre) / scale - mean)
        errors, variances = self._left_out(explained, same)
        squared = (errors**2).mean(axis=1)
        weights = 1.0 / np.maximum(squared, np.finfo(float).tiny)
        self.weights_ = weights / weights.sum()
        self.left_out_ = self._averaged((y - centre) / scale - errors, variances)
        return self

    def predict_known(self, known: Known, rows: np.ndarray, new: np.ndarray) -> Predicted:
        """Return predictions of the rows `new` of `known`, `rows` of which are the transfer samples."""
        own, explained = MEAN_VARIANCE + known.among[np.ix_(new, rows)], known.explained[new]
        covariance = own - np.einsum("mn,cjn->cmj", explained, self._cross) + self._added(known, new, rows)
        y_hat = known.says[new] + np.einsum("cmj,cj->cm", covariance, self._dual)
        prior = MEAN_VARIANCE + known.among[new, new] - np.einsum("mn,mn->m", explained, known.cross[new])
        variances = prior + self._added_alone(known, new, rows) + self._noise[:, None]
        variances -= np.einsum("cmj,cjk,cmk->cm", covariance, self._precision, covariance, optimize=True)
        return self._averaged(y_hat, np.maximum(variances, self._noise[:, None]))

    def _averaged(self, y_hat: np.ndarray, variances: np.ndarray) -> Predicted:
        """Return the mean of the candidates' predictions and the SD of their mixture; all of shape (C, m)."""
        centre, scale = self.evidence.centre_and_scale
        mean = self.weights_ @ y_hat
        variance = self.weights_ @ (variances + (y_hat - mean) ** 2)
        return Predicted(centre + scale * mean, scale * np.sqrt(variance))

    def _added(self, known: Known, new: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the covariance of what only the target instrument has, shape (C, m, N)."""
        among = known.among[np.ix_(new, rows)]
        inner = known.among[np.ix_(rows, rows)]
        centred = among - among.mean(axis=1, keepdims=True) - inner.mean(axis=0) + inner.mean()
        sloped = np.outer(known.says[new], known.says[rows])
        return BIAS_VARIANCE + DEVIATIONS[:, None, None] * centred + SLOPES[:, None, None] * sloped

    def _added_alone(self, known: Known, new: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the variance of the same, shape (C, m)."""
        inner = known.among[np.ix_(rows, rows)]
        centred = known.among[new, new] - 2.0 * known.among[np.ix_(new, rows)].mean(axis=1) + inner.mean()
        return BIAS_VARIANCE + DEVIATIONS[:, None] * centred + SLOPES[:, None] * known.says[new] ** 2

    def _left_out(self, explained: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return error and variance of each transfer sample with its specimen left out, shape (C, N) each.

        In closed form from the inverse covariance of the rows of both instruments (Rasmussen & Williams 2006, section
        5.4.2, for several rows at once), of which those of the specimen are enough.
        """
        own = self.evidence
        errors, variances = np.empty_like(self._dual), np.empty_like(self._dual)
        for j, of_specimen in enumerate(same):
            rows = np.flatnonzero(of_specimen)
            seen = explained[:, :, rows]
            weighted = self._precision @ seen
            block = np.empty((len(seen), len(rows) + 1, len(rows) + 1))
            block[:, :-1, :-1] = own.precision[np.ix_(rows, rows)] + np.swapaxes(seen, 1, 2) @ weighted
            block[:, -1, :-1] = block[:, :-1, -1] = -weighted[:, j]
            block[:, -1, -1] = self._precision[:, j, j]
            dual = own.head.dual_coef_[rows] - np.einsum("cnk,cn->ck", seen, self._dual)
            last = np.linalg.inv(block)[:, -1]
            errors[:, j] = np.einsum("ck,ck->c", last[:, :-1], dual) + last[:, -1] * self._dual[:, j]
            variances[:, j] = last[:, -1]
        return errors, variances
