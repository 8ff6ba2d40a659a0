"""Random spectrometers: grids, slits, axis errors, stray light, noise by region, and the quantity they report."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_DARKEST = 1e-4  # fraction of light below which no instrument sees a difference
_POINTS_PER_SLIT = 4  # points of the working grid within the narrowest slit
# Bands are wider than these: a finer working grid would show nothing new.
_FINEST = {("nir", "nm"): 2.5, ("nir", "cm-1"): 8.0, ("mir", "cm-1"): 4.0, ("raman", "cm-1"): 4.0}
_VISIBLE_NM = 780.0


@dataclass(frozen=True, eq=False)
class Spectrometer:
    """A spectrometer with its errors; it works on a regular grid in the unit in which its slit is regular.

    Attributes
    ----------
    kind : "nir" (the visible too), "mir" or "raman"
    channels : shape (n_channels,), increasing, in `unit`: what the instrument says its channels are
    unit : "nm" or "cm-1" (Fourier-transform instruments and Raman shifts)
    fwhm : shape (n_channels,): full width at half maximum of its Gaussian slit, in `unit`
    shift, stretch : true position = stated * (1 + stretch) + shift
    stray_light : fraction of light that reaches the detector without having met the sample
    noise_sd : shape (n_channels,): standard deviation of the noise, in fractions of light; Raman: of the square root
        of the signal
    gain : shape (n_channels,): of the detector against the reference; Raman: counts of the strongest band
    representation : "absorbance", "reflectance", "transmittance" or "counts"
    """

    kind: str
    channels: np.ndarray
    unit: str
    fwhm: np.ndarray
    shift: float
    stretch: float
    stray_light: float
    noise_sd: np.ndarray
    gain: np.ndarray
    representation: str

    @cached_property
    def grid(self) -> np.ndarray:
        """Working grid in `unit`: the range with the slit's wings, finer than the slit."""
        true, fwhm = self._true_channels, self._fwhm
        step, reach = fwhm.min() / _POINTS_PER_SLIT, 2 * fwhm.max()
        return np.arange(true[0] - reach, true[-1] + reach + step, step)

    @property
    def grid_cm1(self) -> np.ndarray:
        """Wavenumber or Raman shift of `grid`."""
        return 1e7 / self.grid if self.unit == "nm" else self.grid

    @property
    def modality(self) -> str:
        """As in `etalon.contracts.Metadata`."""
        return "visnir" if self.kind == "nir" and self.wavelengths[0] < _VISIBLE_NM else self.kind

    @property
    def axis_unit(self) -> str:
        """Unit of `wavelengths`: Raman shift in cm-1, all else in nm."""
        return "cm-1" if self.kind == "raman" else "nm"

    @cached_property
    def order(self) -> slice:
        """Puts channels in the order of `wavelengths`."""
        return slice(None) if self.unit == self.axis_unit else slice(None, None, -1)

    @cached_property
    def wavelengths(self) -> np.ndarray:
        """Stated axis, float64, strictly increasing, in `axis_unit`; shape (n_channels,)."""
        axis = self.channels if self.unit == self.axis_unit else 1e7 / self.channels
        return np.ascontiguousarray(axis[self.order], np.float64)

    def resolve(self, on_grid: np.ndarray) -> np.ndarray:
        """Return what the slit makes of quantities on `grid`: (n_grid, n) becomes (n_channels, n)."""
        return self._slit @ on_grid

    def measure(self, light: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Return the spectra reported for light that comes from samples.

        Stray light s turns light T into (T + s) / (1 + s): no absorbance exceeds -log10(s). The slit mixes light, not
        absorbances, and the noise is that of the light; that of Raman scattering grows as its square root.

        Parameters
        ----------
        light : shape (n_grid, n), on `grid`; a fraction of the reference's, or a Raman signal
        noise : shape (n, n_channels), standard normal

        Returns
        -------
        shape (n, n_channels), in the order of `wavelengths`
        """
        seen = self.resolve((light + self.stray_light) / (1 + self.stray_light)).T
        noise_sd = self.noise_sd * np.sqrt(np.maximum(seen, 0.0)) if self.kind == "raman" else self.noise_sd
        seen = self.gain * (seen + noise_sd * noise)
        if self.representation == "absorbance":
            seen = -np.log10(np.maximum(seen, _DARKEST))
        return seen[:, self.order]

    @property
    def _true_channels(self) -> np.ndarray:
        return self.channels * (1 + self.stretch) + self.shift

    @property
    def _fwhm(self) -> np.ndarray:
        return np.maximum(self.fwhm, _FINEST[self.kind, self.unit])

    @cached_property
    def _slit(self) -> csr_array:
        """Weights of the working grid in each channel, shape (n_channels, n_grid); rows sum to 1."""
        step, true, fwhm = self.grid[1] - self.grid[0], self._true_channels, self._fwhm[:, None]
        reach = int(np.ceil(1.5 * fwhm.max() / step))
        centre = np.rint((true - self.grid[0]) / step).astype(int)
        columns = np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, len(self.grid) - 1)
        weights = np.exp(-0.5 * ((self.grid[columns] - true[:, None]) / fwhm * _FWHM_PER_SIGMA) ** 2)
        weights /= weights.sum(axis=1, keepdims=True)
        rows = np.arange(0, columns.size + 1, columns.shape[1])
        return csr_array((weights.ravel(), columns.ravel(), rows), shape=(len(true), len(self.grid)))


class _Design(NamedTuple):
    """Channels and slits of an instrument, in `unit`, and its noise where it is best."""

    channels: np.ndarray
    unit: str
    fwhm: np.ndarray
    noise: float


def random_spectrometer(kind: str, diffuse: bool, rng: np.random.Generator) -> Spectrometer:
    """Draw a spectrometer of `kind` ("nir", "mir" or "raman") for samples in diffuse reflection or not."""
    designs, shares = zip(*_DESIGNS[kind], strict=True)
    design = designs[rng.choice(len(designs), p=shares)](rng)
    n_channels = len(design.channels)
    bow = 0.01 * rng.normal(size=3)
    gain = np.exp(0.03 * rng.normal() + np.polynomial.legendre.legval(np.linspace(-1, 1, n_channels), [0, *bow]))
    fraction = "reflectance" if diffuse else "transmittance"
    representation = str(rng.choice(["absorbance", fraction], p=[0.7, 0.3]))
    stray_light = 10 ** rng.uniform(-4.5, -2.0)
    if kind == "raman":
        gain, representation, stray_light = 10 ** rng.uniform(2, 5) * gain, "counts", 0.0
    error = 0.3 if design.unit == "nm" else 1.0
    return Spectrometer(
        kind=kind,
        channels=design.channels,
        unit=design.unit,
        fwhm=design.fwhm,
        shift=error * rng.normal(),
        stretch=1e-4 * rng.normal(),
        stray_light=stray_light,
        noise_sd=_noise_by_region(n_channels, design.noise, rng),
        gain=gain,
        representation=representation,
    )


def _noise_by_region(n_channels: int, floor: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise from `floor` in the middle of the range, steeply rising to both ends by different amounts."""
    position = np.linspace(-1, 1, n_channels)
    left, right = 10 ** rng.uniform(-0.5, 1.0, size=2)
    return floor * (1 + np.where(position < 0, left, right) * np.abs(position) ** rng.uniform(3, 12))


def _regular(start: float, stop: float, step: float) -> np.ndarray:
    return start + step * np.arange(int((stop - start) / step) + 1)


def _one_of(rng: np.random.Generator, *values: float) -> float:
    return float(values[rng.integers(len(values))])


def _grating(rng: np.random.Generator) -> _Design:
    """Scanning benchtop monochromator."""
    ranges = ((400, 2498), (1100, 2498), (1000, 2500), (850, 1050), (600, 1900), (1100, 2250), (750, 1550))
    channels = _regular(*ranges[rng.integers(len(ranges))], _one_of(rng, 1, 2, 2, 4))
    return _Design(channels, "nm", np.full(channels.shape, rng.uniform(6, 12)), 10 ** rng.uniform(-5, -4))


def _field_array(rng: np.random.Generator) -> _Design:
    """Field spectroradiometer of three detectors, the first with a narrower slit."""
    channels = _regular(_one_of(rng, 350, 350, 400, 500), _one_of(rng, 2400, 2500, 2500), _one_of(rng, 1, 1, 2, 5))
    fwhm = np.where(channels < 1000, 3.0, rng.uniform(6, 12))
    return _Design(channels, "nm", fwhm, 10 ** rng.uniform(-4.3, -3.3))


def _silicon_array(rng: np.random.Generator) -> _Design:
    """Handheld with a silicon array."""
    start = rng.uniform(400, 800)
    channels = _regular(start, min(start + rng.uniform(300, 700), 1140), rng.uniform(1, 4))
    return _Design(channels, "nm", np.full(channels.shape, rng.uniform(5, 15)), 10 ** rng.uniform(-4, -3))


def _filter_array(rng: np.random.Generator) -> _Design:
    """Handheld behind a linear variable filter: pixels not quite evenly spaced, slit in percent of the wavelength."""
    pixel = np.linspace(-1, 1, int(rng.integers(100, 140)))
    first, last = ((905, 1680), (1150, 2172), (930, 1662))[rng.integers(3)]
    channels = (first + last) / 2 + (last - first) / 2 * pixel + rng.uniform(-10, 10) * (pixel**2 - 1)
    return _Design(channels, "nm", rng.uniform(0.009, 0.014) * channels, 10 ** rng.uniform(-4, -3))


def _micromirror(rng: np.random.Generator) -> _Design:
    """Handheld with a micromirror array, 900-1700 nm."""
    channels = np.linspace(899, 1701, int(rng.integers(150, 420)))
    return _Design(channels, "nm", np.full(channels.shape, rng.uniform(8, 16)), 10 ** rng.uniform(-4, -3))


def _interferometer(rng: np.random.Generator) -> _Design:
    """Fourier-transform spectrometer: regular in wavenumber."""
    resolution = _one_of(rng, 4, 8, 16)
    channels = _regular(_one_of(rng, 3600, 4000, 4000, 4500), _one_of(rng, 9000, 10000, 12500), resolution)
    return _Design(channels, "cm-1", np.full(channels.shape, resolution), 10 ** rng.uniform(-5, -4))


def _chip_interferometer(rng: np.random.Generator) -> _Design:
    """Fourier-transform spectrometer on a chip, 1350-2550 nm."""
    channels = np.linspace(1e7 / 2551, 1e7 / 1349, 257)
    return _Design(channels, "cm-1", np.full(channels.shape, rng.uniform(60, 90)), 10 ** rng.uniform(-3.8, -3))


def _any_grating(rng: np.random.Generator) -> _Design:
    """A grating of any range and step."""
    start = rng.uniform(350, 2000)
    channels = _regular(start, rng.uniform(start + 250, 2500), 10 ** rng.uniform(0, 1))
    return _Design(channels, "nm", np.full(channels.shape, rng.uniform(4, 16)), 10 ** rng.uniform(-5, -3.3))


def _mid_infrared(rng: np.random.Generator) -> _Design:
    """Fourier-transform spectrometer in the mid-infrared, whole range or a window of fingerprints."""
    resolution = _one_of(rng, 4, 8, 16)
    if rng.random() < 0.7:
        channels = _regular(_one_of(rng, 400, 525, 600, 650), _one_of(rng, 3800, 4000), resolution / 2)
    else:
        channels = _regular(rng.uniform(650, 1000), rng.uniform(1750, 2200), resolution / 2)
    return _Design(channels, "cm-1", np.full(channels.shape, resolution), 10 ** rng.uniform(-5, -3.5))


def _raman(rng: np.random.Generator) -> _Design:
    """Dispersive or Fourier-transform Raman spectrometer."""
    channels = _regular(rng.uniform(100, 500), _one_of(rng, 1800, 2000, 3100, 3400), _one_of(rng, 1, 2, 4))
    return _Design(channels, "cm-1", np.full(channels.shape, rng.uniform(4, 12)), 10 ** rng.uniform(-3, -1.7))


_DESIGNS: dict[str, tuple[tuple[Callable[[np.random.Generator], _Design], float], ...]] = {
    "nir": (
        (_grating, 0.25),
        (_field_array, 0.20),
        (_silicon_array, 0.08),
        (_filter_array, 0.12),
        (_micromirror, 0.08),
        (_interferometer, 0.10),
        (_chip_interferometer, 0.05),
        (_any_grating, 0.12),
    ),
    "mir": ((_mid_infrared, 1.0),),
    "raman": ((_raman, 1.0),),
}
