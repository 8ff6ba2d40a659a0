"""`fs`: the fixed embedding of a spectrum in a space of functions. Nothing in it is fitted or trained.

A spectrum is a function that an instrument has sampled. Its inner products with fixed functions, taken by quadrature,
are numbers that mean the same on every grid, so spectra of any length become vectors of one size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from threadpoolctl import ThreadpoolController

from etalon.errors import NotRunError

BLOCKS = ("raw", "snv", "d1", "d2", "asls", "lsnv")
N_FUNCTIONS = 256
# A function of which less than this share of the area lies within the measured range gives 0.
MIN_COVERAGE = 0.25
LOCAL_SD_FLOOR = 0.05  # of the spectrum's own standard deviation
REACH = 5.0  # SD of a Gaussian; beyond nothing is left of it
ROWS = 256  # spectra that are embedded together: their arrays fit a processor's cache
FUNCTIONS_TOGETHER = 32


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


def out_of_range(modality: str) -> NotRunError:
    """Return the error of a set of which no function is measured: zeros must not pass for an embedding."""
    basis = BASES[modality]
    return NotRunError(f"nothing measured within {basis.first:g}-{basis.last:g} {basis.unit}")


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

    Raises
    ------
    NotRunError : only channel numbers are known, or nothing lies within the range of the modality's functions
    """
    axis = physical_axis(wavelengths, modality, axis_unit)
    grid = _grid(np.ascontiguousarray(axis, dtype=np.float64).tobytes(), modality)
    baseline = np.broadcast_to(baseline, np.shape(intensities))
    blocks = {name: np.zeros((len(intensities), N_FUNCTIONS)) for name in BLOCKS}
    # The products are too small to be shared out: threads that wait for each other make them many times slower.
    with _libraries().limit(limits=1, user_api="blas"):
        for start in range(0, len(intensities), ROWS):
            _embed_rows(intensities, baseline, grid, slice(start, start + ROWS), blocks)
    return blocks


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def _embed_rows(
    intensities: np.ndarray, baseline: np.ndarray, grid: "_Grid", rows: slice, blocks: dict[str, np.ndarray]
) -> None:
    """Fill some rows of `blocks`."""
    x = np.asarray(intensities[rows], dtype=np.float64)
    normal, corrected = snv(x), snv(x - baseline[rows])
    local = grid.window.apply(normal)
    for part in grid.parts:
        into, channels = (rows, part.functions), part.channels
        blocks["raw"][into] = x[:, channels] @ part.smooth
        blocks["snv"][into] = normal[:, channels] @ part.smooth
        blocks["d1"][into] = normal[:, channels] @ part.first
        blocks["d2"][into] = normal[:, channels] @ part.second
        blocks["asls"][into] = corrected[:, channels] @ part.smooth
        blocks["lsnv"][into] = local[:, channels] @ part.smooth


def snv(spectra: np.ndarray) -> np.ndarray:
    """Return spectra less their mean over their SD, all channels counting alike; 0 where a spectrum is flat."""
    centred = spectra - spectra.mean(axis=1, keepdims=True)
    return centred / _positive(centred.std(axis=1, keepdims=True))


@dataclass(frozen=True)
class _Part:
    """Some neighbouring functions and the channels they reach: a dense block of matrices that are zero elsewhere."""

    functions: slice
    channels: slice
    smooth: np.ndarray  # (n_channels of the part, n_functions of the part), and so the derivatives
    first: np.ndarray
    second: np.ndarray


@dataclass(frozen=True)
class _Grid:
    """What embedding on one axis needs."""

    parts: tuple[_Part, ...]
    window: "LocalWindow"


@lru_cache(maxsize=8)
def _grid(axis_bytes: bytes, modality: str) -> _Grid:
    axis, basis = np.frombuffer(axis_bytes), BASES[modality]
    q = quadrature(axis)
    matrices = [functionals(axis, q, basis, *kind) for kind in (SMOOTH, FIRST, SECOND)]
    parts = []
    for start in range(0, N_FUNCTIONS, FUNCTIONS_TOGETHER):
        functions = slice(start, start + FUNCTIONS_TOGETHER)
        reached = np.flatnonzero(np.any([matrix[:, functions].any(axis=1) for matrix in matrices], axis=0))
        if len(reached):
            channels = slice(reached[0], reached[-1] + 1)
            pieces = (np.ascontiguousarray(matrix[channels, functions]) for matrix in matrices)
            parts.append(_Part(functions, channels, *pieces))
    if not parts:
        raise out_of_range(modality)
    return _Grid(tuple(parts), LocalWindow(axis, q, basis.local_window))


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


# Width, in units of the distance of the functions, and shape.
SMOOTH, FIRST, SECOND = (1.0, _value), (1.2, _first_derivative), (1.5, _second_derivative)


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
    # Only the pairs of channel and function within reach of each other are looked at, as flat lists.
    half = int(np.ceil(REACH * width)) + 1
    nearest = np.rint((axis - basis.first) / basis.spacing).astype(int)
    function = nearest[:, None] + np.arange(-half, half + 1)
    channel = np.broadcast_to(np.arange(len(axis))[:, None], function.shape)
    u = (axis[:, None] - (basis.first + basis.spacing * function)) / sigma
    pairs = (function >= 0) & (function < N_FUNCTIONS) & (np.abs(u) < REACH)
    function, channel, u = function[pairs], channel[pairs], u[pairs]
    mass = q[channel] * np.exp(-0.5 * u**2) / (sigma * np.sqrt(2 * np.pi))
    area = np.bincount(function, mass, N_FUNCTIONS)

    def mean(values: np.ndarray) -> np.ndarray:  # weighted by the Gaussian, at every pair that of its function
        return (np.bincount(function, values * mass, N_FUNCTIONS) / _positive(area))[function]

    factor, blind_to = shape(u)
    for order in range(blind_to):
        # Gram-Schmidt in the inner product weighted by the Gaussian, one polynomial after the other.
        polynomial = np.ones_like(u) if order == 0 else u - mean(u)
        factor = factor - polynomial * mean(factor * polynomial) / _positive(mean(polynomial**2))
    weights = np.zeros((len(axis), N_FUNCTIONS))
    weights[channel, function] = np.where(area[function] >= MIN_COVERAGE, mass * factor, 0.0)
    return weights


def smooth_and_slope(axis: np.ndarray, modality: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the blocks ``snv`` and ``d1`` on the modality's physical axis, (n_channels, 256) each.

    The columns of the first add up to the share of each function's area that was measured.
    """
    q, basis = quadrature(axis), BASES[modality]
    return functionals(axis, q, basis, *SMOOTH), functionals(axis, q, basis, *FIRST)


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1.0)


class LocalWindow:
    """Local SNV with a Gaussian window of SD `window` on `axis`, quadrature weights `q`.

    A sum weighted by a Gaussian window is a smooth function of the window's place: it is computed at Chebyshev points
    and interpolated (Trefethen 2013, Approximation Theory and Approximation Practice), to rounding.
    """

    def __init__(self, axis: np.ndarray, q: np.ndarray, window: float):
        middle, half = 0.5 * (axis.min() + axis.max()), 0.5 * (axis.max() - axis.min())
        # The Chebyshev coefficients of a Gaussian have gone down to rounding by then.
        n_points = 30 + int(np.ceil(4 * 2 * half / window))
        angle = np.pi * (np.arange(n_points) + 0.5) / n_points
        points = middle + half * np.cos(angle)
        orders = np.arange(n_points)[:, None]
        values_to_coefficients = np.cos(orders * angle).T * np.where(orders == 0, 1.0, 2.0).T / n_points
        place = np.arccos(np.clip((axis - middle) / (half or 1.0), -1.0, 1.0))
        self._sums = np.exp(-0.5 * ((axis[:, None] - points) / window) ** 2) * q[:, None]
        interpolation = values_to_coefficients @ np.cos(orders * place)
        self._means = interpolation / (self._sums.sum(axis=0) @ interpolation)

    def apply(self, spectra: np.ndarray) -> np.ndarray:
        """Return spectra, shape (n_samples, n_channels), less their local mean, over their local SD.

        The SD is floored at `LOCAL_SD_FLOOR` of that of the whole spectrum, so that a flat region is not blown up.
        """
        mean = spectra @ self._sums @ self._means
        variance = np.maximum((spectra**2) @ self._sums @ self._means - mean**2, 0.0)
        floor = LOCAL_SD_FLOOR * spectra.std(axis=1, keepdims=True)
        return (spectra - mean) / _positive(np.maximum(np.sqrt(variance), floor))
