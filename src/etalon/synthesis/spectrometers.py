"""Random spectrometers: grids, slits, axis errors, stray light, noise by region, and the quantity they report."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_DARKEST = 1e-4  # fraction of light below which no instrument sees a difference
_POINTS_PER_SLIT = 4  # points of the working grid within the narrowest slit
# Bands are no narrower than this: a finer working grid would show nothing new.
_FINEST = {"nm": 2.5, "cm-1": 3.0}
_VISIBLE_NM = 780.0


@dataclass(frozen=True, eq=False)
class Spectrometer:
    """A spectrometer with its errors; it works on a regular grid in the unit in which its slit is regular.

    Attributes
    ----------
    modality : as in `etalon.contracts.Metadata`
    channels : shape (n_channels,), increasing, in `unit`: what the instrument says its channels are
    unit : "nm" or "cm-1" (Fourier-transform and Raman instruments)
    fwhm : shape (n_channels,): full width at half maximum of its Gaussian slit, in `unit`
    shift, stretch : true position = stated * (1 + stretch) + shift
    stray_light : fraction of light that reaches the detector without having met the sample
    noise_sd : shape (n_channels,): standard deviation of the noise, in fractions of light
    gain : of the detector against the reference
    representation : "absorbance", "reflectance", "transmittance" or "counts"
    """

    modality: str
    channels: np.ndarray
    unit: str
    fwhm: np.ndarray
    shift: float
    stretch: float
    stray_light: float
    noise_sd: np.ndarray
    gain: float
    representation: str

    @cached_property
    def grid(self) -> np.ndarray:
        """Working grid in `unit`: the range with the slit's wings, finer than the slit."""
        step = max(self.fwhm.min(), _FINEST[self.unit]) / _POINTS_PER_SLIT
        true = self._true_channels
        reach = 2 * max(self.fwhm.max(), _FINEST[self.unit])
        return np.arange(true[0] - reach, true[-1] + reach + step, step)

    @property
    def axis_unit(self) -> str:
        """Unit of `wavelengths`: Raman shift in cm-1, all else in nm."""
        return "cm-1" if self.modality == "raman" else "nm"

    @cached_property
    def order(self) -> slice:
        """Puts channels in the order of `wavelengths`."""
        return slice(None) if self.unit == self.axis_unit else slice(None, None, -1)

    @cached_property
    def wavelengths(self) -> np.ndarray:
        """Stated axis, float64, strictly increasing, in `axis_unit`; shape (n_channels,)."""
        axis = self.channels if self.unit == self.axis_unit else 1e7 / self.channels
        return np.ascontiguousarray(axis[self.order])

    def resolve(self, on_grid: np.ndarray) -> np.ndarray:
        """Return what the slit makes of quantities on `grid`: (n_grid, n) becomes (n_channels, n)."""
        return self._slit @ on_grid

    def measure(self, absorbance: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Return the spectra reported for samples of the given absorbance.

        Stray light s turns the light T that comes back into (T + s) / (1 + s): absorbance cannot exceed -log10(s). The
        slit mixes light, not absorbances, and the noise is that of the light.

        Parameters
        ----------
        absorbance : shape (n_grid, n), on `grid`
        noise : shape (n, n_channels): standard normal

        Returns
        -------
        shape (n, n_channels), in the order of `wavelengths`
        """
        light = np.exp(-np.log(10) * absorbance)
        light = (light + self.stray_light) / (1 + self.stray_light)
        light = self.gain * self.resolve(light).T + self.noise_sd * noise
        if self.representation == "absorbance":
            light = -np.log10(np.maximum(light, _DARKEST))
        return light[:, self.order]

    @property
    def _true_channels(self) -> np.ndarray:
        return self.channels * (1 + self.stretch) + self.shift

    @cached_property
    def _slit(self) -> csr_array:
        """Weights of the working grid in each channel, shape (n_channels, n_grid); rows sum to 1."""
        step = self.grid[1] - self.grid[0]
        fwhm = np.maximum(self.fwhm, _FINEST[self.unit])
        reach = int(np.ceil(1.5 * fwhm.max() / step))
        centre = np.rint((self._true_channels - self.grid[0]) / step).astype(int)
        columns = np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, len(self.grid) - 1)
        distance = (self.grid[columns] - self._true_channels[:, None]) / fwhm[:, None]
        weights = np.exp(-0.5 * (distance * _FWHM_PER_SIGMA) ** 2)
        weights /= weights.sum(axis=1, keepdims=True)
        rows = np.arange(0, columns.size + 1, columns.shape[1])
        return csr_array((weights.ravel(), columns.ravel(), rows), shape=(len(self.channels), len(self.grid)))


def random_near_infrared(rng: np.random.Generator) -> Spectrometer:
    """Draw a near-infrared spectrometer of a random kind."""
    kind = _KINDS[rng.choice(len(_KINDS), p=_SHARES)]
    channels, fwhm, floor = kind(rng)
    unit = "cm-1" if kind is _interferometer else "nm"
    wavelengths = channels if unit == "nm" else 1e7 / channels
    shortest = wavelengths.min()
    # A slit in cm-1 is about as wide as one in nm near 1400 nm when five times as large.
    error = 0.3 if unit == "nm" else 1.0
    return Spectrometer(
        modality="visnir" if shortest < _VISIBLE_NM else "nir",
        channels=channels,
        unit=unit,
        fwhm=fwhm,
        shift=error * rng.normal(),
        stretch=2e-4 * rng.normal(),
        stray_light=10 ** rng.uniform(-4.5, -2.0),
        noise_sd=noise_by_region(channels, floor, rng),
        gain=float(np.exp(0.03 * rng.normal())),
        representation=str(rng.choice(["absorbance", "reflectance", "transmittance"], p=[0.65, 0.25, 0.10])),
    )


def noise_by_region(channels: np.ndarray, floor: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise from `floor` in the middle of the range, steeply rising to both ends by different amounts."""
    position = np.linspace(-1, 1, len(channels))
    left, right = 10 ** rng.uniform(-0.5, 1.0, size=2)
    power = rng.uniform(3, 12)
    return floor * (1 + np.where(position < 0, left, right) * np.abs(position) ** power)


_Channels = tuple[np.ndarray, np.ndarray, float]  # channels, fwhm, noise


def _regular(start: float, stop: float, step: float) -> np.ndarray:
    return start + step * np.arange(int((stop - start) / step) + 1)


def _grating(rng: np.random.Generator) -> _Channels:
    """Scanning benchtop monochromator."""
    start, stop = [(400, 2498), (1100, 2498), (1000, 2500), (850, 1050), (700, 1900), (1100, 2250)][rng.integers(6)]
    channels = _regular(start, stop, float(rng.choice([1.0, 2.0, 2.0, 4.0])))
    return channels, np.full(channels.shape, rng.uniform(6, 12)), 10 ** rng.uniform(-5, -4)


def _field_array(rng: np.random.Generator) -> _Channels:
    """Field spectroradiometer of three detectors, the first with a narrower slit."""
    channels = _regular(
        [350, 400, 500][rng.integers(3)], [2400, 2500][rng.integers(2)], [1.0, 1.0, 2.0][rng.integers(3)]
    )
    return channels, np.where(channels < 1000, 3.0, rng.uniform(6, 12)), 10 ** rng.uniform(-4.3, -3.3)


def _silicon_array(rng: np.random.Generator) -> _Channels:
    """Handheld with a silicon array."""
    start = rng.uniform(400, 800)
    channels = _regular(start, min(start + rng.uniform(300, 600), 1140), rng.uniform(1, 4))
    return channels, np.full(channels.shape, rng.uniform(5, 15)), 10 ** rng.uniform(-4, -3)


def _filter_array(rng: np.random.Generator) -> _Channels:
    """Handheld behind a linear variable filter: about 125 pixels, not quite evenly spaced, slit in percent."""
    pixel = np.linspace(-1, 1, int(rng.integers(100, 140)))
    first, last = [(908, 1676), (1159, 2169), (933, 1659)][rng.integers(3)]
    bow = rng.uniform(-10, 10)
    channels = (first + last) / 2 + (last - first) / 2 * pixel + bow * (pixel**2 - 1)
    return channels, rng.uniform(0.009, 0.014) * channels, 10 ** rng.uniform(-4, -3)


def _micromirror(rng: np.random.Generator) -> _Channels:
    """Handheld with a micromirror array: 900-1700 nm."""
    channels = np.linspace(900, 1700, int(rng.integers(150, 420)))
    return channels, np.full(channels.shape, rng.uniform(8, 16)), 10 ** rng.uniform(-4, -3)


def _interferometer(rng: np.random.Generator) -> _Channels:
    """Fourier-transform spectrometer, benchtop or on a chip: regular in wavenumber."""
    if rng.random() < 0.6:
        first, resolution = [4000, 4000, 4500][rng.integers(3)], [4.0, 8.0, 16.0][rng.integers(3)]
        channels = _regular(first, [9000, 10000, 12000][rng.integers(3)], resolution / 2 * rng.integers(1, 4))
        return channels, np.full(channels.shape, resolution), 10 ** rng.uniform(-5, -4)
    channels = np.linspace(1e7 / 2550, 1e7 / 1350, 257)
    return channels, np.full(channels.shape, rng.uniform(60, 90)), 10 ** rng.uniform(-3.8, -3)


def _any_range(rng: np.random.Generator) -> _Channels:
    """A grating of any range and step."""
    start = rng.uniform(350, 2000)
    channels = _regular(start, rng.uniform(start + 250, 2500), 10 ** rng.uniform(0, 1))
    return channels, np.full(channels.shape, rng.uniform(4, 16)), 10 ** rng.uniform(-5, -3.3)


_KINDS = (_grating, _field_array, _silicon_array, _filter_array, _micromirror, _interferometer, _any_range)
_SHARES = (0.25, 0.20, 0.08, 0.12, 0.08, 0.15, 0.12)
