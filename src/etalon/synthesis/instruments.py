"""Instruments: channels, resolution, wavelength error, noise and the quantity they report."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_DARKEST = 1e-4  # reflectance below which no instrument sees a difference


@dataclass(frozen=True, eq=False)
class Instrument:
    """A spectrometer that measures diffuse reflection.

    Attributes
    ----------
    name : random numbers depend on it
    wavelengths : shape (n_channels,), nm, increasing: what the instrument says its channels are
    fwhm_nm : shape (n_channels,): full width at half maximum of its (Gaussian) slit function
    noise_sd : shape (n_channels,): standard deviation of the noise, in reflectance
    shift_nm : true minus stated wavelength
    representation : "absorbance" or "reflectance"
    """

    name: str
    wavelengths: np.ndarray
    fwhm_nm: np.ndarray
    noise_sd: np.ndarray
    shift_nm: float
    representation: str

    @cached_property
    def grid(self) -> np.ndarray:
        """Wavelengths at which light has to be known, nm: the range and the slit's wings, finer than the slit."""
        reach = 2 * self.fwhm_nm.max() + abs(self.shift_nm)
        return np.arange(self.wavelengths[0] - reach, self.wavelengths[-1] + reach, self.fwhm_nm.min() / 5)

    @cached_property
    def _slit(self) -> csr_array:
        """Weights of the grid in each channel, shape (n_channels, n_grid); rows sum to 1."""
        distance = (self.grid - (self.wavelengths + self.shift_nm)[:, None]) / self.fwhm_nm[:, None]
        weights = np.where(np.abs(distance) < 2, np.exp(-0.5 * (distance * _FWHM_PER_SIGMA) ** 2), 0.0)
        return csr_array(weights / weights.sum(axis=1, keepdims=True))

    def resolve(self, on_grid: np.ndarray) -> np.ndarray:
        """Return what the slit makes of a quantity on `grid`, shape (n_channels,)."""
        return self._slit @ on_grid

    def measure(self, absorbance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the spectrum reported for a sample of the given absorbance on `grid`, shape (n_channels,).

        The slit mixes light, not absorbances, and the noise is that of the light: sharp, strong bands come out lower,
        and noise grows where the sample is dark.
        """
        reflectance = self.resolve(10**-absorbance) + self.noise_sd * rng.normal(size=len(self.wavelengths))
        if self.representation == "reflectance":
            return reflectance
        return -np.log10(np.maximum(reflectance, _DARKEST))


def _rising_to_the_edges(wavelengths: np.ndarray, floor: float, edge: float) -> np.ndarray:
    """Return noise from `floor` in the middle of a detector's range to `floor + edge` at both ends, steep there."""
    position = (wavelengths - wavelengths[0]) / np.ptp(wavelengths) * 2 - 1
    return floor + edge * position**8


def _benchtop() -> Instrument:
    """Scanning grating monochromator: 1100-2498 nm in steps of 2 nm, 10 nm bandpass, log10(1/R)."""
    wavelengths = np.arange(1100.0, 2500.0, 2.0)
    noise = _rising_to_the_edges(wavelengths, floor=2e-5, edge=1e-4)
    return Instrument("benchtop", wavelengths, np.full(wavelengths.shape, 10.0), noise, 0.0, "absorbance")


def _handheld() -> Instrument:
    """Diode array behind a linear variable filter: 125 pixels over 908-1676 nm, bandwidth 1.25 % of the wavelength.

    The filter is not quite linear: pixels are 5.9 to 6.5 nm apart.
    """
    pixel = np.linspace(-1, 1, 125)
    wavelengths = 1292 + 384 * pixel + 9 * (pixel**2 - 1)
    noise = _rising_to_the_edges(wavelengths, floor=1.5e-4, edge=1e-3)
    return Instrument("handheld", wavelengths, 0.0125 * wavelengths, noise, 0.8, "absorbance")


def _fourier_transform() -> Instrument:
    """Fourier-transform spectrometer: 10000-4000 cm-1 in steps of 8 cm-1, resolution 16 cm-1, reflectance."""
    wavelengths = 1e7 / np.arange(10000.0, 3999.0, -8.0)
    noise = _rising_to_the_edges(wavelengths, floor=5e-5, edge=5e-4)
    return Instrument("fourier_transform", wavelengths, 16 * wavelengths**2 / 1e7, noise, 0.0, "reflectance")


INSTRUMENTS = {instrument.name: instrument for instrument in (_benchtop(), _handheld(), _fourier_transform())}
