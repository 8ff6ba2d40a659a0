"""What instruments do to light: resolution, wavelength error, noise, channels."""

import dataclasses

import numpy as np
import pytest

from etalon.synthesis.instruments import INSTRUMENTS


@pytest.fixture(params=INSTRUMENTS)
def instrument(request):
    return INSTRUMENTS[request.param]


def band(grid: np.ndarray, centre: float, fwhm: float) -> np.ndarray:
    return np.exp(-4 * np.log(2) * ((grid - centre) / fwhm) ** 2)


def test_what_is_flat_stays_flat(instrument):
    np.testing.assert_allclose(instrument.resolve(np.full(instrument.grid.shape, 0.3)), 0.3)


def test_a_straight_line_keeps_its_values_at_the_true_wavelengths(instrument):
    # The grid's step, a fifth of the narrowest slit, limits how well a slit is centred.
    seen = instrument.resolve(instrument.grid)
    np.testing.assert_allclose(seen, instrument.wavelengths + instrument.shift_nm, atol=0.02 * instrument.fwhm_nm.min())


def test_a_line_is_seen_as_wide_as_the_slit():
    instrument = INSTRUMENTS["benchtop"]
    line = band(instrument.grid, 1800.0, 1e-3)
    line[np.argmin(np.abs(instrument.grid - 1800))] = 1.0
    seen = instrument.resolve(line)
    fine = np.interp(np.arange(1780, 1820, 0.1), instrument.wavelengths, seen)
    assert (fine > seen.max() / 2).sum() * 0.1 == pytest.approx(10.0, rel=0.1)


def test_widths_of_band_and_slit_add_as_squares():
    instrument = INSTRUMENTS["benchtop"]
    seen = instrument.resolve(band(instrument.grid, 1800.0, 30.0))
    fine = np.arange(1750, 1850, 0.01)
    height = np.interp(fine, instrument.wavelengths, seen)
    assert (height > seen.max() / 2).sum() * 0.01 == pytest.approx(np.hypot(30, 10), rel=0.01)


def test_a_wavelength_error_moves_bands():
    handheld = INSTRUMENTS["handheld"]
    true = dataclasses.replace(handheld, shift_nm=0.0)

    def centroid(instrument):
        seen = instrument.resolve(band(instrument.grid, 1300.0, 60.0))
        # Channels are uneven: each counts with the width it stands for.
        weights = seen * np.gradient(instrument.wavelengths)
        return np.average(instrument.wavelengths, weights=weights)

    assert centroid(handheld) - centroid(true) == pytest.approx(-handheld.shift_nm, abs=0.05)


def test_noise_has_the_stated_size_and_grows_towards_the_edges(instrument):
    dark_free = dataclasses.replace(instrument, representation="reflectance")
    rng = np.random.default_rng(0)
    absorbance = np.full(instrument.grid.shape, 0.2)
    scans = np.array([dark_free.measure(absorbance, rng) for _ in range(1000)])
    np.testing.assert_allclose(scans.std(axis=0), instrument.noise_sd, rtol=5 / np.sqrt(2000))
    middle = len(instrument.wavelengths) // 2
    assert instrument.noise_sd[0] > 2 * instrument.noise_sd[middle]
    assert instrument.noise_sd[-1] > 2 * instrument.noise_sd[middle]


def test_strong_bands_come_out_lower_because_the_slit_mixes_light():
    instrument = INSTRUMENTS["benchtop"]
    quiet = dataclasses.replace(instrument, noise_sd=np.zeros_like(instrument.noise_sd))
    strong = 3.0 * band(instrument.grid, 1800.0, 20.0)
    peak = quiet.measure(strong, np.random.default_rng(0)).max()
    assert peak < quiet.resolve(strong).max() < 3.0


def test_light_that_is_lost_in_noise_gives_finite_absorbance():
    instrument = INSTRUMENTS["benchtop"]
    spectrum = instrument.measure(np.full(instrument.grid.shape, 9.0), np.random.default_rng(0))
    assert np.isfinite(spectrum).all()


def test_channels():
    benchtop, handheld, ft = (INSTRUMENTS[name].wavelengths for name in ("benchtop", "handheld", "fourier_transform"))
    assert (len(benchtop), benchtop[0], benchtop[-1]) == (700, 1100, 2498)
    assert len(handheld) == 125
    assert 5.8 < np.diff(handheld).min() < np.diff(handheld).max() < 6.6
    assert not np.allclose(np.diff(handheld), np.diff(handheld)[0])
    np.testing.assert_allclose(np.diff(1e7 / ft), -8.0)
    for instrument in INSTRUMENTS.values():
        assert (np.diff(instrument.wavelengths) > 0).all()
        assert instrument.grid[0] < instrument.wavelengths[0] < instrument.wavelengths[-1] < instrument.grid[-1]
