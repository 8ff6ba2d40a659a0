"""`fs`: the fixed embedding of a spectrum in a space of functions. Nothing in it is fitted or trained.

A spectrum is a function that an instrument has sampled. Its inner products with fixed functions, taken by quadrature,
are numbers that mean the same on every grid, so spectra of any length become vectors of one size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from etalon.errors import NotRunError
from etalon.preprocess.chain import preprocessing

N_FUNCTIONS = 256
# A function of which less than this share of the area lies within the measured range gives 0.
MIN_COVERAGE = 0.25
LOCAL_SD_FLOOR = 0.05  # of the spectrum's own standard deviation


@dataclass(frozen=True)
class Basis:
    """Gaussians at equal distances on a range of the physical axis; their SD equals the distance."""

    unit: str
    first: float
    last: float
    local_window: float  # SD of the window of local SNV

    @property
    def spacing(self) -> float:
        return (self.last - self.first) / (N_FUNCTIONS - 1)

    @property
    def centres(self) -> np.ndarray:
        return np.linspace(self.first, self.last, N_FUNCTIONS)


# One basis a modality: a vibration has its place on each range, and no instrument spans two of them whole.
BASES = {
    "nir": Basis("nm", 350.0, 2500.0, 150.0),
    "visnir": Basis("nm", 350.0, 2500.0, 150.0),
    "mir": Basis("cm-1", 400.0, 4000.0, 250.0),
    "raman": Basis("cm-1", 100.0, 3600.0, 250.0),
}


def physical_axis(wavelengths: np.ndarray, modality: str, axis_unit: str) -> np.ndarray:
    """Return the axis of the modality's basis: nm, or cm-1 for MIR (stored as 1e7 / wavenumber) and Raman.

    Raises
    ------
    NotRunError : only channel numbers are known
    """
    if axis_unit == "index":
        raise NotRunError("no wavelength axis")
    return 1e7 / wavelengths if BASES[modality].unit == "cm-1" and axis_unit == "nm" else np.asarray(wavelengths)


def embed(
    intensities: np.ndarray, baseline: np.ndarray, wavelengths: np.ndarray, *, modality: str, axis_unit: str
) -> dict[str, np.ndarray]:
    r"""Return the blocks of the embedding, each float64, shape (n_samples, `N_FUNCTIONS`).

    .. math:: z_k = \sum_i q_i \, x(\lambda_i) \, g_k(\lambda_i)

    with trapezoid weights q and

    - ``raw``: x as measured, g a Gaussian
    - ``snv``: x after SNV, the same g
    - ``d1``: x after SNV, g the first derivative of a Gaussian 1.2 times as wide, without response to a constant
    - ``d2``: x after SNV, g the second derivative of one 1.5 times as wide, without response to a straight line
    - ``asls``: SNV of x less its AsLS baseline, a Gaussian
    - ``lsnv``: local SNV of the SNV spectrum: mean and SD in a Gaussian window are removed, a Gaussian

    The blocks from ``snv`` on do not change with gain or offset of a spectrum.

    Parameters
    ----------
    intensities, baseline : shape (n_samples, n_channels); the baseline of AsLS
    wavelengths : shape (n_channels,), strictly increasing; modality, axis_unit : as in `etalon.contracts.Metadata`
    """
    basis = BASES[modality]
    axis = physical_axis(wavelengths, modality, axis_unit)
    q = quadrature(axis)
    x = np.asarray(intensities, dtype=np.float64)
    snv = preprocessing("snv", savgol_window=3, savgol_order=1).fit(x)
    normal, corrected = snv.transform(x), snv.transform(x - baseline)
    smooth = functionals(axis, q, basis, 1.0, _value)
    return {
        "raw": x @ smooth,
        "snv": normal @ smooth,
        "d1": normal @ functionals(axis, q, basis, 1.2, _first_derivative),
        "d2": normal @ functionals(axis, q, basis, 1.5, _second_derivative),
        "asls": corrected @ smooth,
        "lsnv": local_snv(normal, axis, q, basis.local_window) @ smooth,
    }


def quadrature(axis: np.ndarray) -> np.ndarray:
    """Return the trapezoid weights of a strictly monotonic axis: the length each channel stands for."""
    steps = np.abs(np.diff(axis))
    return 0.5 * (np.r_[steps, 0.0] + np.r_[0.0, steps])


def _value(u: np.ndarray) -> tuple[np.ndarray, int]:
    return np.ones_like(u), 0


def _first_derivative(u: np.ndarray) -> tuple[np.ndarray, int]:
    return u, 1


def _second_derivative(u: np.ndarray) -> tuple[np.ndarray, int]:
    return u**2 - 1.0, 2


def functionals(
    axis: np.ndarray,
    q: np.ndarray,
    basis: Basis,
    width: float,
    shape: Callable[[np.ndarray], tuple[np.ndarray, int]],
) -> np.ndarray:
    """Return the quadrature weights of all functions, shape (n_channels, `N_FUNCTIONS`).

    `shape` gives the polynomial factor of the Gaussian in units of its SD, and how many polynomials (constant, then
    slope) the function must not respond to. Where the range cuts a Gaussian off, that is made so on what is left.
    """
    sigma = width * basis.spacing
    u = (axis[:, None] - basis.centres) / sigma  # (n_channels, N_FUNCTIONS)
    # Beyond five SD nothing is left; the limit keeps the exponential from underflowing.
    gaussian = np.where(np.abs(u) < 5.0, np.exp(-0.5 * np.clip(u, -5.0, 5.0) ** 2), 0.0) / (sigma * np.sqrt(2 * np.pi))
    mass = q[:, None] * gaussian
    factor, blind_to = shape(u)
    for order in range(blind_to):
        # Gram-Schmidt in the inner product weighted by the Gaussian, one polynomial after the other.
        polynomial = np.ones_like(u) if order == 0 else u - _mean(u, mass)
        factor = factor - polynomial * _mean(factor * polynomial, mass) / _positive(_mean(polynomial**2, mass))
    covered = mass.sum(axis=0) >= MIN_COVERAGE
    return np.where(covered, mass * factor, 0.0)


def _mean(values: np.ndarray, mass: np.ndarray) -> np.ndarray:
    return (values * mass).sum(axis=0) / _positive(mass.sum(axis=0))


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1.0)


def local_snv(spectra: np.ndarray, axis: np.ndarray, q: np.ndarray, window: float) -> np.ndarray:
    """Return spectra less their local mean, over their local SD, shape (n_samples, n_channels).

    Mean and SD are weighted by a Gaussian window of SD `window` on `axis`; the SD is floored at `LOCAL_SD_FLOOR` of
    that of the whole spectrum, so that a flat region is not blown up.
    """
    weights = _window(axis.tobytes(), q.tobytes(), window)
    mean = spectra @ weights
    variance = np.maximum((spectra**2) @ weights - mean**2, 0.0)
    floor = LOCAL_SD_FLOOR * spectra.std(axis=1, keepdims=True)
    return (spectra - mean) / _positive(np.maximum(np.sqrt(variance), floor))


@lru_cache(maxsize=4)
def _window(axis: bytes, q: bytes, window: float) -> np.ndarray:
    points, lengths = np.frombuffer(axis), np.frombuffer(q)
    weights = np.exp(-0.5 * ((points[:, None] - points) / window) ** 2) * lengths[:, None]
    return weights / weights.sum(axis=0)
