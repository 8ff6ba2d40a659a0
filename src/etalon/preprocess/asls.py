"""Asymmetric least squares baselines whose smoothness is a physical length, not a number of channels."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pybaselines import Baseline

from etalon.errors import BadInputError
from etalon.preprocess.whittaker import smooth_columns

# Values in one block of spectra: its working arrays (about six of this size, float64) stay near the processor's cache.
_BLOCK_VALUES = 2**21
_BLOCK_ROWS = (256, 1024)
# Below this many spectra pybaselines, one at a time, is faster than all in step.
_NARROW = 80


def asls(
    intensities: np.ndarray,
    wavelengths: np.ndarray,
    *,
    axis_unit: str,
    modality: str,
    lam: float,
    p: float,
    reference_step_nm: float,
    reference_step_cm1: float,
    max_iter: int = 50,
    tol: float = 1e-3,
) -> np.ndarray:
    r"""Return one baseline a spectrum.

    .. math:: \min_z \sum_i w_i (y_i - z_i)^2 + \lambda \sum_i (z_i - 2 z_{i+1} + z_{i+2})^2,
              \qquad w_i = p \text{ where } y_i > z_i, \text{ else } 1 - p

    Eilers 2004, Parametric Time Warping, Anal. Chem. 76, 404, as `pybaselines.Baseline.asls` solves it: weights and
    smooth are computed in turn until the weights stand still. The minimum is unique (a convex problem), so where the
    iteration starts does not matter, only how long it takes: it starts from the weights of the mean spectrum
    nearby, and from equal weights, as in pybaselines, where that did not settle.

    Differences are taken between neighbouring channels, with `lam` scaled for the median step
    (`smoothness_for_grid`). On an irregular grid the baseline is therefore stiffer, in nm, where channels are wide.

    Parameters
    ----------
    intensities : shape (n_samples, n_channels), finite
    wavelengths : shape (n_channels,), strictly monotonic; see `axis_unit`
    axis_unit, modality : as in `etalon.contracts.Metadata`
    lam : smoothness weight at the reference step
    p : weight of channels above the baseline, in (0, 1); 1 - p for those below
    reference_step_nm, reference_step_cm1 : grid steps that `lam` refers to: nm for nir and visnir, cm-1 for mir, raman
    max_iter : reweighting passes after the first
    tol : stop at this relative change of the weights

    Returns
    -------
    float32, shape (n_samples, n_channels)
        Relative to a spectrum's range, rounding errors grow with the smoothness: about 1e-7 at a scaled lam of 1e7, and
        1e-5 at 1e9 (measured against extended precision).

    Raises
    ------
    BadInputError
        Shapes that disagree, fewer than 3 channels, an intensity that is not finite, `lam` or `p` out of range.
    """
    intensities = np.asarray(intensities)
    _check(intensities, wavelengths, lam, p)
    grid_lam = smoothness_for_grid(wavelengths, axis_unit, modality, lam, reference_step_nm, reference_step_cm1)
    n_samples, n_channels = intensities.shape
    solver = _Solver(n_channels, grid_lam, p, max_iter, tol)
    rows = int(np.clip(_BLOCK_VALUES // n_channels, *_BLOCK_ROWS))
    edges = np.linspace(0, n_samples, -(-n_samples // rows) + 1).astype(int)
    baselines = np.empty((n_samples, n_channels), np.float32)
    for start, stop in itertools.pairwise(edges):
        baselines[start:stop] = solver.baselines(intensities[start:stop].astype(np.float64))
    return baselines


def smoothness_for_grid(
    wavelengths: np.ndarray,
    axis_unit: str,
    modality: str,
    lam: float,
    reference_step_nm: float,
    reference_step_cm1: float,
) -> float:
    r"""Return `lam` for the grid at hand: ``lam * (reference step / step) ** 4``, with the median step.

    Halving the step h doubles the channels of the fit and divides second differences by four:
    :math:`\lambda \sum (\Delta^2 z)^2 \approx \lambda h^3 \int z''^2` stands against
    :math:`\sum w (y - z)^2 \approx h^{-1} \int w (y - z)^2`, so equal physical smoothness needs a constant
    :math:`\lambda h^4`. Steps are in nm for near infrared and visible; in cm-1 for MIR, stored in nm but regular in
    wavenumber, and for Raman. A channel index has no length: `lam` as it is.
    """
    if axis_unit == "index":
        return lam
    if axis_unit == "cm-1" or modality in ("mir", "raman"):
        wavenumbers = wavelengths if axis_unit == "cm-1" else 1e7 / wavelengths
        return lam * (reference_step_cm1 / _median_step(wavenumbers)) ** 4
    return lam * (reference_step_nm / _median_step(wavelengths)) ** 4


def _median_step(axis: np.ndarray) -> float:
    return float(np.median(np.abs(np.diff(axis))))


def _check(intensities: np.ndarray, wavelengths: np.ndarray, lam: float, p: float) -> None:
    if intensities.ndim != 2 or intensities.shape[1:] != np.shape(wavelengths):
        expected = f"a table with {np.size(wavelengths)} columns, one a channel"
        raise BadInputError("asls", "intensities", expected, f"shape {intensities.shape}")
    if intensities.shape[1] < 3:
        raise BadInputError("asls", "intensities", "at least 3 channels", intensities.shape[1])
    if not lam > 0:
        raise BadInputError("asls", "lam", "a number above 0", lam)
    if not 0 < p < 1:
        raise BadInputError("asls", "p", "a number between 0 and 1", p)
    if not (finite := np.isfinite(intensities)).all():
        row, channel = np.argwhere(~finite)[0]
        found = f"{intensities[row, channel]} in row {row}, channel {channel}"
        raise BadInputError("asls", "intensities", "finite numbers", found)


@dataclass(frozen=True)
class _Solver:
    """The iteration on one grid: in step while enough spectra wait for their weights to settle, then one by one."""

    n_channels: int
    lam: float
    p: float
    max_iter: int
    tol: float

    def baselines(self, spectra: np.ndarray) -> np.ndarray:
        """Return the baselines of one block, float64, shape (n_spectra, n_channels)."""
        if not self._stands_still:
            return np.array([self._fit(spectrum)[0] for spectrum in spectra])
        _, weights = self._fit(spectra.mean(axis=0))
        baselines = np.empty_like(spectra)
        waiting = np.arange(len(spectra))
        columns = np.ascontiguousarray(spectra.T)
        above = np.repeat((weights == self.p)[:, None], len(spectra), axis=1)
        for _ in range(self.max_iter + 1):
            if len(waiting) < _NARROW:
                break
            smooth = smooth_columns(columns, np.where(above, self.p, 1 - self.p), self.lam)
            now_above = columns > smooth
            moved = (now_above != above).any(axis=0)
            baselines[waiting[~moved]] = smooth[:, ~moved].T
            waiting, columns, above = waiting[moved], np.ascontiguousarray(columns[:, moved]), now_above[:, moved]
        for row, start in zip(waiting, above.T, strict=True):
            baselines[row], _ = self._fit(spectra[row], np.where(start, self.p, 1 - self.p))
        return baselines

    @property
    def _stands_still(self) -> bool:
        """Whether iteration ends only when no weight changes at all: only then its start leaves no trace.

        One changed weight is a relative change of |1 - 2 p| over the norm of all weights.
        """
        largest_norm = max(self.p, 1 - self.p) * np.sqrt(self.n_channels)
        return abs(1 - 2 * self.p) >= self.tol * largest_norm

    @cached_property
    def _library(self) -> Baseline:
        return Baseline(np.arange(self.n_channels, dtype=np.float64), check_finite=False, assume_sorted=True)

    def _fit(self, spectrum: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return baseline and weights of one spectrum, from equal weights where those given do not settle."""
        baseline, found = self._library.asls(
            spectrum, lam=self.lam, p=self.p, max_iter=self.max_iter, tol=self.tol, weights=weights
        )
        if weights is not None and found["tol_history"][-1] >= self.tol:
            return self._fit(spectrum)
        return baseline, found["weights"]
