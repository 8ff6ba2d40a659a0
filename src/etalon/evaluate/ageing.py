r"""Spectra of one instrument as it grows old: what each part of it does to them, with amplitudes in physical units.

An instrument is calibrated when it is new. Its absorbances are :math:`A = -\log_{10} I`, with I the share of the light
of a reference that reaches the detector; the reference was measured then and is not measured again. Each ageing is the
same for all spectra, so that a calibration can be corrected for it; noise alone differs between them. Raman spectra in
counts know the laser, the optics and the axis.

In use all of these happen at once: Feudale et al. 2002 (doi:10.1016/S0169-7439(02)00085-0). Simulated one by one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.constants import Boltzmann, Planck, speed_of_light
from scipy.interpolate import make_interp_spline
from scipy.optimize import nnls

from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.robustness import FULL_SCALE, REFLECTANCE_FLOOR
from etalon.seeds import derive_seed
from etalon.synthesis.bands import COMPONENTS, absorptivity
from etalon.synthesis.lines import REFERENCE_TEMPERATURE, from_band, spectrum

LAMP_K = {"nir": 2800.0, "visnir": 2800.0, "mir": 1400.0}  # tungsten halogen; silicon carbide
MEDIAN_OF_NORMAL = 0.6745  # of its absolute value, in standard deviations
FILM_EXPONENT = -1.0  # extinction of a film of coarse dust, as a power of the wavelength
# What may absorb beside water, so that a band of another O-H or N-H group is not taken for it.
BESIDE_WATER = ("lipid", "protein", "starch", "cellulose", "sugar")
TILTS = 2  # degree of the polynomial that scatter is taken for


@dataclass(frozen=True)
class Place:
    """Where spectra were measured: wavelengths in nm (Raman: shifts in cm-1), shape (L,), and the modality."""

    axis: np.ndarray
    modality: str


# Signals, shape (N, L) (absorbance; Raman: counts), where, amplitude, one generator a spectrum.
Apply = Callable[[np.ndarray, Place, float, list[Generator]], np.ndarray]


def radiance(wavelengths: np.ndarray, temperature: float) -> np.ndarray:
    """Return the spectral radiance of a black body, W m-2 sr-1 m-1, shape (L,).

    Parameters
    ----------
    wavelengths : nm, shape (L,); temperature : K
    """
    metres = 1e-9 * wavelengths
    exponent = Planck * speed_of_light / (metres * Boltzmann * temperature)
    return 2 * Planck * speed_of_light**2 / metres**5 / np.expm1(exponent)


def lamp_power(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    r"""Take a share of its power from the lamp or the laser.

    A lamp radiates its power as a black body: it cools to :math:`T (1 - a)^{1/4}`, the more light is lost the shorter
    its wavelength, and the noise of the detector, constant in power, grows in absorbance as 1 over the light that is
    left. How large it was is read from the spectra (`noise_of`). Raman counts shrink with the laser, with the noise of
    photons that then do not come.
    """
    if place.modality == "raman":
        mean, lost = signal * (1.0 - amplitude), np.maximum(signal, 0.0) * amplitude * (1.0 - amplitude)
        return mean + np.sqrt(lost) * _normal(signal, generators)
    new = LAMP_K[place.modality]
    left = radiance(place.axis, new * (1.0 - amplitude) ** 0.25) / radiance(place.axis, new)
    added = noise_of(signal) * np.sqrt(np.maximum(1.0 / left**2 - 1.0, 0.0))
    return signal - np.log10(left) + added * _normal(signal, generators)


def detector_noise(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    r"""Add noise of constant detected power, `amplitude` (AU) the root mean square over the set's mean spectrum.

    In absorbance it is :math:`\propto 10^A`: dark channels and samples suffer most.
    """
    typical = np.sqrt(np.mean(10.0 ** (2.0 * signal.mean(axis=0))))
    return signal + amplitude * 10.0**signal / typical * _normal(signal, generators)


def detector_saturation(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    r"""Let the detector's response bend, :math:`R(I) = I (1 - a I)`, a share `amplitude` missing at full scale."""
    return signal - np.log10((1.0 - amplitude * 10.0**-signal) / (1.0 - amplitude))


def stray_light(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    """Add light that met no sample, `amplitude` as a share of full scale, to sample and reference."""
    return -np.log10((10.0**-signal + amplitude) / (1.0 + amplitude))


def optical_path(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    """Shorten the path through the sample by a share (Raman: collect less of the light)."""
    return (1.0 - amplitude) * signal


def fouling(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    """Put dust on the window: extinction of `amplitude` (AU) in the middle of the axis, less at longer wavelengths."""
    middle = 0.5 * (place.axis[0] + place.axis[-1])
    return signal + amplitude * (place.axis / middle) ** FILM_EXPONENT


def temperature(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    """Warm the samples by `amplitude` (K): the bands of the water in them move and brighten.

    How much water light has passed is read from each spectrum (`water_path`).
    """
    water = [from_band(band) for band in COMPONENTS["water"]]
    wavenumbers = 1e7 / place.axis
    change = spectrum(water, wavenumbers, REFERENCE_TEMPERATURE + amplitude) - spectrum(water, wavenumbers)
    return signal + water_path(signal, place.axis)[:, None] * change


def wavelength_drift(signal: np.ndarray, place: Place, amplitude: float, generators: list[Generator]) -> np.ndarray:
    """Move the axis: a band at one wavelength is reported `amplitude` (nm; cm-1 of Raman shift) above it.

    Between channels a spectrum is its interpolating cubic spline; beyond its ends it keeps its last value.
    """
    spline = make_interp_spline(place.axis, signal, k=min(3, len(place.axis) - 1), axis=1)
    return np.asarray(spline(np.clip(place.axis - amplitude, place.axis[0], place.axis[-1])))


def noise_of(absorbance: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the noise of each channel, AU, shape (L,), from spectra of shape (N, L).

    From third differences, which bands of some channels' width leave next to nothing of: their variance is 20 times
    that of independent noise. The median over spectra, in normal units.
    """
    third = np.abs(np.diff(absorbance, n=3, axis=1)) / np.sqrt(20.0)
    return np.pad(np.median(third, axis=0) / MEDIAN_OF_NORMAL, (1, 2), mode="edge")


def water_path(absorbance: np.ndarray, wavelengths: np.ndarray) -> np.ndarray:
    """Return how much water light has passed, mm of the pure substance, zero or more, shape (N,).

    Non-negative least squares of each spectrum on the spectra of water and `BESIDE_WATER`, with polynomials of either
    sign for scatter. Diffuse reflectance makes it an effective path.

    Parameters
    ----------
    absorbance : shape (N, L); wavelengths : nm, shape (L,)

    Raises
    ------
    NotRunError : no band of water on the axis
    """
    if not any(wavelengths[0] <= band.centre_nm <= wavelengths[-1] for band in COMPONENTS["water"]):
        raise NotRunError("no band of water in the range of the spectra")
    place = np.linspace(-1.0, 1.0, len(wavelengths))
    tilts = np.vander(place, TILTS + 1).T
    pure = [absorptivity(name, wavelengths) for name in ("water", *BESIDE_WATER)]
    design = np.stack([*pure, *tilts, *-tilts], axis=1)
    return np.array([nnls(design, row)[0][0] for row in absorbance])


@dataclass(frozen=True)
class Ageing:
    """What a part of an instrument does, the unit of its amplitude, and whether Raman spectra know it."""

    apply: Apply
    unit: str
    raman: bool = False


AGEINGS = {
    "lamp_power": Ageing(lamp_power, "1", raman=True),
    "detector_noise": Ageing(detector_noise, "AU"),
    "detector_saturation": Ageing(detector_saturation, "1"),
    "stray_light": Ageing(stray_light, "1"),
    "optical_path": Ageing(optical_path, "1", raman=True),
    "fouling": Ageing(fouling, "AU"),
    "temperature": Ageing(temperature, "K"),
    "wavelength_drift": Ageing(wavelength_drift, "nm", raman=True),
}


def aged(
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
    """Return the spectra of a set as the aged instrument measures them, float32, shape (N, L); amplitude 0 is as new.

    Reflectance and transmittance are turned to absorbance and back. The random numbers of row i depend on (`seed`,
    `name`, i) alone, so that a larger amplitude is more of the same.

    Parameters
    ----------
    name : one of `AGEINGS`; intensities : shape (N, L); wavelengths : shape (L,), as in the data contract
    representation, modality, axis_unit : as in `etalon.contracts.Metadata`
    amplitude : zero or more, in `unit_of` the ageing

    Raises
    ------
    BadInputError : unknown ageing; an amplitude below zero, or a share of one or more
    NotRunError : spectra of which this is not known: no axis, no absorbance, no water
    """
    if name not in AGEINGS:
        raise BadInputError("ageing", "name", f"one of {', '.join(AGEINGS)}", repr(name))
    ageing, share = AGEINGS[name], AGEINGS[name].unit == "1"
    if not (np.isfinite(amplitude) and amplitude >= 0 and (amplitude < 1 or not share)):
        raise BadInputError("ageing", f"{name} amplitude", f"zero or more{', below 1' if share else ''}", amplitude)
    _refuse(name, representation, modality, axis_unit)
    if amplitude == 0:
        return np.array(intensities, dtype=np.float32)
    row_seed = derive_seed(seed, "ageing", name)
    generators = [np.random.default_rng((row_seed, row)) for row in range(len(intensities))]
    signal, place = np.asarray(intensities, dtype=float), Place(np.asarray(wavelengths, dtype=float), modality)
    if representation in FULL_SCALE:
        full = FULL_SCALE[representation]
        absorbance = -np.log10(np.maximum(signal / full, REFLECTANCE_FLOOR))
        return (full * 10.0 ** -ageing.apply(absorbance, place, amplitude, generators)).astype(np.float32)
    return ageing.apply(signal, place, amplitude, generators).astype(np.float32)


def unit_of(name: str, modality: str) -> str:
    """Return the unit of an amplitude: "1" (a share), "AU", "K", "nm", or "cm-1" of Raman shift."""
    unit = AGEINGS[name].unit
    return "cm-1" if unit == "nm" and modality == "raman" else unit


def _refuse(name: str, representation: str, modality: str, axis_unit: str) -> None:
    if axis_unit == "index":
        raise NotRunError("no wavelength axis")
    if modality == "raman":
        if not AGEINGS[name].raman:
            raise NotRunError("Raman spectra have no absorbance")
        if representation != "counts" and name == "lamp_power":
            raise NotRunError(f"photons cannot be counted in {representation} spectra")
    elif representation != "absorbance" and representation not in FULL_SCALE:
        raise NotRunError(f"no absorbance in {representation} spectra")
    elif name == "temperature" and modality == "mir":
        raise NotRunError("warming of water is tabulated in the near infrared alone")


def _normal(signal: np.ndarray, generators: list[Generator]) -> np.ndarray:
    return np.stack([generator.standard_normal(signal.shape[1]) for generator in generators])
