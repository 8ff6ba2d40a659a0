"""Calibration transfer: one interface for methods that let a calibration predict spectra of another instrument.

`source` is the instrument of the calibration, `target` the other; transfer samples were measured on both. A method is
fitted to spectra as the calibration sees them, after its preprocessing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from ikpls.sklearn import PLS

from etalon.chemometrics.transfer_samples import check_paired
from etalon.errors import BadInputError

MIN_PAIRS = 3  # transfer samples; a choice by leaving some out needs two that stay
N_SPLITS = 5

Transform = Callable[[np.ndarray], np.ndarray]
# Returns each candidate's settings and what it makes of target spectra, fitted to pairs.
Candidates = Callable[[np.ndarray, np.ndarray], Iterable[tuple[Hashable, Transform]]]


@dataclass(frozen=True)
class SourceCalibration:
    """PLS on all calibration samples of the source instrument.

    Attributes
    ----------
    spectra : shape (n, p); y : shape (n,), references
    n_lv : number of latent variables, chosen on these rows
    groups : specimens, shape (n,); None where every row is one
    """

    spectra: np.ndarray
    y: np.ndarray
    n_lv: int
    groups: np.ndarray | None = None

    @cached_property
    def model(self) -> PLS:
        n_lv = min(self.n_lv, len(self.y) - 1, self.spectra.shape[1])
        return PLS(n_components=n_lv, scale_X=False, scale_Y=False).fit(self.spectra, self.y)

    @cached_property
    def line(self) -> tuple[np.ndarray, float]:
        """Coefficients, shape (p,), and intercept: choices predict a handful of spectra thousands of times."""
        origin = np.zeros((1, self.spectra.shape[1]))
        intercept = float(np.ravel(self.model.predict(origin))[0])
        return np.ravel(self.model.predict(np.eye(origin.size))) - intercept, intercept

    def without(self, specimens: np.ndarray) -> "SourceCalibration":
        """Return the calibration on the rows of all other specimens, with as many latent variables."""
        groups = np.arange(len(self.y)) if self.groups is None else self.groups
        kept = ~np.isin(groups, specimens)
        return SourceCalibration(self.spectra[kept], self.y[kept], self.n_lv, groups[kept])

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        """Return predictions of spectra as the source instrument measures them, shape (n,)."""
        coefficients, intercept = self.line
        return spectra @ coefficients + intercept


class Transfer(ABC):
    """A way to predict target spectra from a source calibration and transfer samples.

    Parameters
    ----------
    calibration : of the source instrument; it is used as it is or as training rows, never changed
    """

    # Whether channel i has to be the same wavelength on both instruments.
    common_axis = True

    def __init__(self, calibration: SourceCalibration):
        self.calibration = calibration

    def fit(
        self,
        source: np.ndarray,
        target: np.ndarray,
        y: np.ndarray,
        samples: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Self:
        """Fit to transfer samples; row i of all three is one sample.

        Parameters
        ----------
        source, target : spectra on either instrument, shapes (N, p) and (N, q); q = p unless `common_axis` is False
        y : references, shape (N,)
        samples : names of the samples on either instrument, shape (N,) each, which have to be the same row by row

        Raises
        ------
        BadInputError : numbers of rows or channels differ, fewer than `MIN_PAIRS` rows, values that are not finite, a
            row that is not one sample
        """
        if samples is not None:
            check_paired(*map(np.asarray, samples))
        source, target, y = (np.asarray(part, dtype=np.float64) for part in (source, target, y))
        self._check(source, target, y)
        self._fit(source, target, y)
        return self

    @abstractmethod
    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None: ...

    def transform(self, spectra: np.ndarray) -> np.ndarray:
        """Return target spectra as the source instrument would measure them, shape (n, p).

        Methods that act on predictions or on the calibration leave spectra as they are.
        """
        return np.asarray(spectra, dtype=np.float64)

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        """Return predictions of target spectra, shape (n,)."""
        return self.calibration.predict(self.transform(spectra))

    def _check(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        n, p = len(source), self.calibration.spectra.shape[1]
        if not n == len(target) == len(y):
            found = f"{n} source spectra, {len(target)} target spectra and {len(y)} references"
            raise BadInputError("transfer samples", "rows", "the same samples in all three", found)
        if n < MIN_PAIRS:
            raise BadInputError("transfer samples", "rows", f"at least {MIN_PAIRS}", n)
        for name, part in (("source", source), ("target", target)):
            if part.shape[1] != p and (name == "source" or self.common_axis):
                raise BadInputError("transfer samples", f"{name} channels", f"the calibration's {p}", part.shape[1])
        for name, part in (("source spectra", source), ("target spectra", target), ("references", y)):
            if not np.isfinite(part).all():
                raise BadInputError("transfer samples", name, "finite values", "NaN or infinity")


class Uncorrected(Transfer):
    """The calibration as it is: what a preprocessing alone achieves."""

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        pass


class SlopeBias(Transfer):
    r"""A line through predictions of the transfer samples.

    .. math:: \hat y = a + b \, \hat y_{target}

    a and b by least squares onto the source instrument's predictions of the same samples, which need no references
    (Bouveresse, Hartmann, Massart, Last & Prebble 1996, doi:10.1021/ac9510595), or onto their references.

    Parameters
    ----------
    onto : "source" or "reference"
    slope : False keeps b = 1
    """

    def __init__(self, calibration: SourceCalibration, onto: str = "source", slope: bool = True):
        super().__init__(calibration)
        self.onto, self.slope = onto, slope

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        wanted = {"source": self.calibration.predict(source), "reference": y}[self.onto]
        found = self.calibration.predict(target)
        centred = found - found.mean()
        spread = float(centred @ centred)
        self.slope_ = float(centred @ wanted) / spread if self.slope and spread > 0 else 1.0
        self.bias_ = float(wanted.mean() - self.slope_ * found.mean())

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        return self.bias_ + self.slope_ * self.calibration.predict(self.transform(spectra))


def left_out(n: int) -> list[np.ndarray]:
    """Return masks, shape (n,), of the rows that each of at most `N_SPLITS` folds leaves out.

    Folds take every k-th row: a Kennard-Stone order, extremes first, is spread over all of them.
    """
    fold = np.arange(n) % min(N_SPLITS, n)
    return [fold == k for k in range(fold.max() + 1)]


def choose(
    candidates: Candidates, calibration: SourceCalibration, source: np.ndarray, target: np.ndarray
) -> tuple[Hashable, Transform]:
    """Return the settings, chosen inside the transfer set, and the map fitted to all of it.

    The error is that of predictions: those of left-out target spectra, transformed, less the source instrument's of
    the same samples. Channels count as much as the calibration makes of them, and no reference is needed. Ties go to
    the candidate that comes first; those that are too large for a fold do not take part.
    """
    every = dict(candidates(source, target))
    if len(every) > 1:
        wanted = calibration.predict(source)
        errors: list[dict[Hashable, float]] = []
        for left in left_out(len(source)):
            fitted = candidates(source[~left], target[~left])
            predicted = ((name, calibration.predict(transform(target[left]))) for name, transform in fitted)
            errors.append({name: float(((y_hat - wanted[left]) ** 2).sum()) for name, y_hat in predicted})
        common: Sequence[Hashable] = [name for name in every if all(name in fold for fold in errors)]
        best = min(common, key=lambda name: sum(fold[name] for fold in errors))
    else:
        (best,) = every
    return best, every[best]
