"""Random spectrometers: axes, slits, stray light, noise, and what they report."""

import dataclasses

import numpy as np
import pytest

from etalon.synthesis.spectrometers import Spectrometer, random_spectrometer

CHANNELS = np.arange(1400.0, 1600.0, 2.0)
ABSORBANCE = 3.0 * np.exp(-0.5 * ((CHANNELS - 1500) / 30) ** 2)


def spectrometer(**changes: object) -> Spectrometer:
    """A grating instrument without errors."""
    n = len(CHANNELS)
    ideal = Spectrometer("nir", CHANNELS, "nm", np.full(n, 4.0), 0.0, 0.0, 0.0, np.zeros(n), np.ones(n), "absorbance")
    return dataclasses.replace(ideal, **changes)


def measure(instrument: Spectrometer, centre: float = 1500.0, noise: np.ndarray | None = None) -> np.ndarray:
    absorbance = 3.0 * np.exp(-0.5 * ((instrument.grid - centre) / 30) ** 2)
    noise = np.zeros((1, len(instrument.channels))) if noise is None else noise
    return instrument.measure(np.repeat(10 ** -absorbance[:, None], len(noise), axis=1), noise)


def test_an_ideal_instrument_reports_the_absorbance():
    np.testing.assert_allclose(measure(spectrometer())[0], ABSORBANCE, atol=0.02)


@pytest.mark.parametrize("fraction", ["reflectance", "transmittance"])
def test_fractions_of_light_and_absorbance_say_the_same(fraction):
    light = measure(spectrometer(representation=fraction))
    np.testing.assert_allclose(-np.log10(light), measure(spectrometer()), rtol=1e-12)


def test_stray_light_compresses_high_absorbance():
    """A sample that lets nothing through still shows -log10(s / (1 + s)); weak absorbance hardly changes."""
    ideal, stray = measure(spectrometer())[0], measure(spectrometer(stray_light=0.01))[0]
    lost = ideal - stray
    assert lost[np.argmax(ABSORBANCE)] > 0.9
    assert np.abs(lost[ABSORBANCE < 0.05]).max() < 0.01
    dark = spectrometer(stray_light=0.01).measure(np.zeros((len(spectrometer().grid), 1)), np.zeros((1, len(CHANNELS))))
    np.testing.assert_allclose(dark, -np.log10(0.01 / 1.01), rtol=1e-9)


def test_axis_errors_move_bands():
    true = 1500.0
    for changes, expected in (({"shift": 2.0}, true - 2.0), ({"stretch": 1e-3}, true / 1.001)):
        instrument = spectrometer(**changes)
        seen = np.average(CHANNELS, weights=measure(instrument, true)[0])
        assert seen == pytest.approx(expected, abs=0.1)


def test_noise_has_the_stated_size():
    noise_sd = np.linspace(1e-4, 1e-3, len(CHANNELS))
    rng = np.random.default_rng(0)
    instrument = spectrometer(noise_sd=noise_sd, representation="reflectance", gain=np.full(len(CHANNELS), 1.1))
    seen = measure(instrument, noise=rng.normal(size=(1000, len(CHANNELS))))
    np.testing.assert_allclose(seen.std(axis=0), 1.1 * noise_sd, rtol=0.12)


def test_raman_noise_grows_as_the_square_root_of_the_signal():
    channels = np.arange(400.0, 1800.0, 2.0)
    n, rng = len(channels), np.random.default_rng(0)
    instrument = Spectrometer(
        "raman", channels, "cm-1", np.full(n, 6.0), 0.0, 0.0, 0.0, np.full(n, 0.01), np.ones(n), "counts"
    )
    signal = np.repeat(np.array([[1.0, 100.0]]), 500, axis=1)
    seen = instrument.measure(np.tile(signal, (len(instrument.grid), 1)), rng.normal(size=(1000, n)))
    dim, bright = seen[:500].std(), seen[500:].std()
    assert bright / dim == pytest.approx(10, rel=0.02)
    assert instrument.axis_unit == "cm-1"


@pytest.mark.parametrize("kind", ["nir", "mir", "raman"])
def test_random_instruments_are_sound(kind):
    rng = np.random.default_rng(1)
    for _ in range(60):
        instrument = random_spectrometer(kind, bool(rng.random() < 0.5), rng)
        assert (np.diff(instrument.wavelengths) > 0).all()
        assert instrument.grid[0] < instrument._true_channels[0]
        assert instrument.grid[-1] > instrument._true_channels[-1]
        flat = instrument.resolve(np.full((len(instrument.grid), 1), 0.3))
        np.testing.assert_allclose(flat, 0.3)
        line = instrument.resolve(instrument.grid[:, None])[:, 0]
        np.testing.assert_allclose(line, instrument._true_channels, atol=0.02 * instrument.fwhm.max())
        assert (instrument.noise_sd > 0).all()
        assert {"nir": (300, 2800), "mir": (2400, 26000), "raman": (50, 3500)}[kind][0] < instrument.wavelengths[0]
