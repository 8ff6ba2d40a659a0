"""Seven disturbances of spectra at test time, each with one amplitude in physical units.

What disturbs a spectrometer in use: Feudale et al. 2002 (doi:10.1016/S0169-7439(02)00085-0) and Zeaiter et al. 2004
(Trends in Analytical Chemistry 23, 157-170). Definitions side by side: `docs/reference/robustness.md`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.random import Generator
from scipy.interpolate import make_interp_spline
from scipy.sparse import csr_array

from etalon.errors import BadInputError, NotRunError
from etalon.seeds import derive_seed

# Full scale of representations that become absorbance by -log10.
FULL_SCALE = {
    "reflectance": 1.0,
    "transmittance": 1.0,
    "reflectance_percent": 100.0,
    "transmittance_percent": 100.0,
}
REFLECTANCE_FLOOR = 1e-4  # 4 absorbance units; dark channels at or below zero have no logarithm
GAIN_FLOOR = 0.1  # smallest gain: a spectrum is never turned upside down
TRUNCATION = 5.0  # standard deviations at which the Gaussian slit ends (6e-7 of its area lies beyond)
FWHM_PER_SIGMA = np.sqrt(8.0 * np.log(2.0))


def baseline_drift(
    signal: np.ndarray, axis: np.ndarray, amplitude: float, generators: Sequence[Generator]
) -> np.ndarray:
    r"""Add a smooth random curve whose root mean square over the channels is `amplitude`.

    .. math:: d(t) = a \, u(t) / \mathrm{rms}(u), \quad u(t) = \sum_{k=1}^{3} c_k P_k(t), \quad c_k \sim N(0, 1)

    P_k are Legendre polynomials on the axis mapped to [-1, 1]. The constant P_0 is left to `additive_offset`.
    Polynomial baselines are the interference that EMSC models (Martens and Stark 1991,
    doi:10.1016/0731-7085(91)80188-F).

    Parameters
    ----------
    signal : float64, shape (N, L)
    axis : float64, shape (L,), monotonic; nm, cm-1 or channel index
    amplitude : in units of `signal` (absorbance)
    generators : one a spectrum, N in all

    Returns
    -------
    float64, shape (N, L)
    """
    span = axis.max() - axis.min()
    polynomials = legvander(2.0 * (axis - axis.min()) / span - 1.0, 3)[:, 1:].T  # (3, L)
    curves = np.stack([generator.standard_normal(3) for generator in generators]) @ polynomials
    return signal + amplitude * curves / np.sqrt(np.mean(curves**2, axis=1, keepdims=True))


def multiplicative_scatter(
    signal: np.ndarray, axis: np.ndarray, amplitude: float, generators: Sequence[Generator]
) -> np.ndarray:
    """Multiply every spectrum by one gain, max(1 + amplitude z, `GAIN_FLOOR`) with z ~ N(0, 1).

    The multiplicative part of the scatter model of MSC (Geladi, MacDougall and Martens 1985,
    doi:10.1366/0003702854248656). `amplitude` has no unit; the arrays are those of `baseline_drift`.
    """
    z = np.array([generator.standard_normal() for generator in generators])
    return signal * np.maximum(1.0 + amplitude * z, GAIN_FLOOR)[:, None]


def additive_offset(
    signal: np.ndarray, axis: np.ndarray, amplitude: float, generators: Sequence[Generator]
) -> np.ndarray:
    """Add one constant to every spectrum, amplitude z with z ~ N(0, 1).

    The additive part of the scatter model of MSC (Geladi et al. 1985); arguments as in `baseline_drift`.
    """
    z = np.array([generator.standard_normal() for generator in generators])
    return signal + amplitude * z[:, None]


def noise(signal: np.ndarray, axis: np.ndarray, amplitude: float, generators: Sequence[Generator]) -> np.ndarray:
    """Add independent Gaussian noise of standard deviation `amplitude` to every channel.

    Arguments as in `baseline_drift`.
    """
    n_channels = signal.shape[1]
    return signal + amplitude * np.stack([generator.standard_normal(n_channels) for generator in generators])


def wavelength_shift(
    signal: np.ndarray, axis: np.ndarray, amplitude: float, generators: Sequence[Generator]
) -> np.ndarray:
    r"""Move every spectrum by `amplitude` along the axis, up or down with equal chance.

    .. math:: x'(\lambda) = x(\lambda - s a), \quad s = \pm 1

    Between channels x is the interpolating cubic spline; beyond the ends it keeps its last value.

    Parameters
    ----------
    signal : float64, shape (N, L)
    axis : float64, shape (L,), monotonic, nm or cm-1
    amplitude : in units of `axis`
    generators : one a spectrum, N in all
    """
    signs = np.array([generator.choice((-1.0, 1.0)) for generator in generators])
    order = np.argsort(axis)
    ascending = axis[order]
    shifted = np.empty_like(signal)
    for sign in np.unique(signs):
        rows = np.flatnonzero(signs == sign)
        spline = make_interp_spline(ascending, signal[np.ix_(rows, order)], k=min(3, len(axis) - 1), axis=1)
        shifted[np.ix_(rows, order)] = spline(np.clip(ascending - sign * amplitude, ascending[0], ascending[-1]))
    return shifted


def resolution(signal: np.ndarray, axis: np.ndarray, amplitude: float, generators: Sequence[Generator]) -> np.ndarray:
    """Broaden every spectrum by a Gaussian slit of full width at half maximum `amplitude`.

    It comes on top of the width that the instrument has: a Gaussian band of width w becomes
    sqrt(w² + amplitude²) wide and keeps its area. Nothing is random; arguments as in `wavelength_shift`.
    """
    return (broadening(axis, amplitude) @ signal.T).T


def broadening(axis: np.ndarray, fwhm: float) -> csr_array:
    """Return the weights, shape (L, L), of a Gaussian of width `fwhm` on a possibly irregular axis.

    Each weight holds the length of axis its channel stands for (trapezoid rule); rows sum to one, so that a
    constant stays constant up to the ends.
    """
    sigma = fwhm / FWHM_PER_SIGMA
    lengths = np.abs(np.gradient(axis))
    lengths[[0, -1]] /= 2.0
    distance = (axis[:, None] - axis[None, :]) / sigma
    weights = np.where(np.abs(distance) <= TRUNCATION, np.exp(-0.5 * distance**2), 0.0) * lengths
    return csr_array(weights / weights.sum(axis=1, keepdims=True))


def dropped_bands(
    signal: np.ndarray, axis: np.ndarray, amplitude: float, generators: Sequence[Generator]
) -> np.ndarray:
    """Replace one window of width `amplitude` by the straight line between the channels at its edges.

    A dead detector region, patched as a practitioner would. The window lies anywhere inside the axis with equal
    chance, so that there is always a channel on both sides. Arguments as in `wavelength_shift`.

    Raises
    ------
    NotRunError : the window is as wide as the axis
    """
    low, high = axis.min(), axis.max()
    if amplitude >= high - low:
        raise NotRunError(f"a window of {amplitude:g} does not fit on an axis {high - low:g} long")
    order = np.argsort(axis)
    ascending = axis[order]
    patched = signal[:, order]
    for row, generator in enumerate(generators):
        start = generator.uniform(low, high - amplitude)
        inside = (ascending > start) & (ascending < start + amplitude)
        patched[row, inside] = np.interp(ascending[inside], ascending[~inside], patched[row, ~inside])
    return patched[:, np.argsort(order)]


@dataclass(frozen=True)
class Perturbation:
    """A function of (signal, axis, amplitude, generators) and what its amplitude measures.

    `kind` is "additive" (absorbance), "gain" (no unit) or "axis" (nm or cm-1).
    """

    apply: Callable[[np.ndarray, np.ndarray, float, Sequence[Generator]], np.ndarray]
    kind: str


PERTURBATIONS = {
    "baseline_drift": Perturbation(baseline_drift, "additive"),
    "multiplicative_scatter": Perturbation(multiplicative_scatter, "gain"),
    "additive_offset": Perturbation(additive_offset, "additive"),
    "noise": Perturbation(noise, "additive"),
    "wavelength_shift": Perturbation(wavelength_shift, "axis"),
    "resolution": Perturbation(resolution, "axis"),
    "dropped_bands": Perturbation(dropped_bands, "axis"),
}


def amplitude_unit(name: str, *, representation: str, modality: str, axis_unit: str) -> str:
    """Return the unit of the amplitude of perturbation `name` on such spectra.

    "AU" (absorbance units), "SD" (of the set's typical signal, see `perturb`), "1" (a gain), "nm" or "cm-1".

    Raises
    ------
    NotRunError : the perturbation acts along the axis and only channel numbers are known
    """
    kind = _perturbation(name).kind
    if kind == "axis":
        if axis_unit == "index":
            raise NotRunError("no wavelength axis")
        return "cm-1" if axis_unit == "cm-1" or modality == "mir" else "nm"
    if kind == "gain":
        return "1"
    return "AU" if representation == "absorbance" or representation in FULL_SCALE else "SD"


def perturb(
    name: str,
    intensities: np.ndarray,
    wavelengths: np.ndarray,
    *,
    representation: str,
    modality: str,
    axis_unit: str,
    amplitude: float,
    seed: int,
) -> np.ndarray:
    """Return the spectra of a whole set, disturbed; amplitude 0 changes nothing.

    The random numbers of row i depend on (`seed`, `name`, i) alone: every method and fold meets the same disturbed
    spectrum, and a larger amplitude is more of the same disturbance.

    Drift, scatter, offset and noise act on absorbance. Reflectance and transmittance R become -log10 R, floored at
    R = `REFLECTANCE_FLOOR`, and are turned back. All other representations (derivatives, SNV, counts, normalised,
    unknown) have no absorbance scale: they are disturbed as they are, and the amplitude of drift, offset and noise
    counts in units of the set's typical signal (`typical_signal`) instead of absorbance units.

    Shift, resolution and dropped bands act on the recorded values along the physical axis: nm, or cm-1 for Raman
    and for MIR, whose stored axis is 1e7 / wavenumber. For reflectance and transmittance that is what a slit does
    (it averages power); for absorbance it holds to first order.

    Parameters
    ----------
    name : one of `PERTURBATIONS`
    intensities : shape (n_samples, n_channels), in `representation`
    wavelengths : shape (n_channels,), as in the data contract
    representation, modality, axis_unit : as in `etalon.contracts.Metadata`
    amplitude : zero or more, in the unit given by `amplitude_unit`
    seed : equal seeds give equal disturbances

    Returns
    -------
    float32, shape (n_samples, n_channels)

    Raises
    ------
    BadInputError : unknown perturbation, or an amplitude that is negative or not finite
    NotRunError : no wavelength axis, or a dropped window as wide as the axis
    """
    perturbation = _perturbation(name)
    unit = amplitude_unit(name, representation=representation, modality=modality, axis_unit=axis_unit)
    if not (np.isfinite(amplitude) and amplitude >= 0):
        raise BadInputError("perturbation", f"{name} amplitude", "a finite number, zero or more", amplitude)
    if amplitude == 0:
        return np.array(intensities, dtype=np.float32)
    spectra = np.asarray(intensities, dtype=float)
    axis = np.asarray(wavelengths, dtype=float)
    if unit == "cm-1" and axis_unit == "nm":
        axis = 1e7 / axis
    row_seed = derive_seed(seed, "perturb", name)
    generators = [np.random.default_rng((row_seed, row)) for row in range(len(spectra))]

    if perturbation.kind != "axis" and representation in FULL_SCALE:
        full = FULL_SCALE[representation]
        absorbance = -np.log10(np.maximum(spectra / full, REFLECTANCE_FLOOR))
        disturbed = full * 10.0 ** -perturbation.apply(absorbance, axis, amplitude, generators)
    else:
        scale = typical_signal(spectra) if unit == "SD" else 1.0
        disturbed = perturbation.apply(spectra, axis, amplitude * scale, generators)
    return disturbed.astype(np.float32)


def typical_signal(intensities: np.ndarray) -> float:
    """Return the median over spectra of the standard deviation within a spectrum (1 after SNV)."""
    return float(np.median(np.std(intensities, axis=1)))


def _perturbation(name: str) -> Perturbation:
    if name not in PERTURBATIONS:
        raise BadInputError("perturbation", "name", f"one of {', '.join(PERTURBATIONS)}", repr(name))
    return PERTURBATIONS[name]
