"""Ageing instruments obey their physics: energy, units, nothing at amplitude zero."""

import numpy as np
import pytest
from scipy.constants import Stefan_Boltzmann, Wien

from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.ageing import AGEINGS, LAMP_K, aged, noise_of, radiance, unit_of, water_path
from etalon.synthesis.bands import absorptivity

AXIS = np.linspace(1100.0, 2498.0, 700)
NIR = {"representation": "absorbance", "modality": "nir", "axis_unit": "nm", "seed": 3}
RAMAN = {"representation": "counts", "modality": "raman", "axis_unit": "cm-1", "seed": 3}


def flat(level: float, rows: int = 40) -> np.ndarray:
    return np.full((rows, len(AXIS)), level, dtype=np.float32)


def food(water: float, starch: float) -> np.ndarray:
    return water * absorptivity("water", AXIS) + starch * absorptivity("starch", AXIS)


@pytest.mark.parametrize("name", AGEINGS)
@pytest.mark.parametrize("representation", ["absorbance", "reflectance", "transmittance_percent"])
def test_a_new_instrument_changes_nothing_and_an_old_one_something(name, representation):
    level = {"absorbance": food(0.3, 0.4), "reflectance": 10 ** -food(0.3, 0.4)}.get(
        representation, 100 * 10 ** -food(0.3, 0.4)
    )
    spectra = np.tile(level, (3, 1)).astype(np.float32)
    spectra.flags.writeable = False
    about = NIR | {"representation": representation}
    assert np.array_equal(aged(name, spectra, AXIS, amplitude=0.0, **about), spectra)
    small = np.abs(aged(name, spectra, AXIS, amplitude=0.01, **about) - spectra).mean()
    large = np.abs(aged(name, spectra, AXIS, amplitude=0.02, **about) - spectra).mean()
    assert 0 < small < large
    assert large == pytest.approx(2 * small, rel=0.2)  # small changes are linear in the amplitude
    assert np.array_equal(
        aged(name, spectra, AXIS, amplitude=0.01, **about), aged(name, spectra, AXIS, amplitude=0.01, **about)
    )


def test_absorbance_and_reflectance_age_alike():
    absorbance = np.tile(food(0.2, 0.3), (4, 1))
    about = NIR | {"representation": "reflectance"}
    for name in AGEINGS:
        own = aged(name, absorbance, AXIS, amplitude=0.05, **NIR)
        other = aged(name, 10.0**-absorbance, AXIS, amplitude=0.05, **about)
        np.testing.assert_allclose(-np.log10(other), own, atol=2e-5)


def test_a_black_body_radiates_after_stefan_boltzmann_and_wien():
    wavelengths = np.geomspace(50.0, 3e6, 200_000)
    for kelvin in (1400.0, 2800.0):
        power = np.pi * np.trapezoid(radiance(wavelengths, kelvin), 1e-9 * wavelengths)
        assert power == pytest.approx(Stefan_Boltzmann * kelvin**4, rel=1e-4)
        assert wavelengths[radiance(wavelengths, kelvin).argmax()] == pytest.approx(1e9 * Wien / kelvin, rel=1e-3)


def test_a_weaker_lamp_keeps_its_energy_balance_and_turns_red():
    wavelengths = np.geomspace(50.0, 3e6, 200_000)
    share = 0.3
    cooled = LAMP_K["nir"] * (1 - share) ** 0.25
    total = [np.trapezoid(radiance(wavelengths, kelvin), wavelengths) for kelvin in (cooled, LAMP_K["nir"])]
    assert total[0] / total[1] == pytest.approx(1 - share, rel=1e-4)
    lost = aged("lamp_power", flat(0.0), AXIS, amplitude=share, **NIR).mean(axis=0)
    assert (np.diff(lost[::50]) < 0).all()  # the shorter the wavelength, the more absorbance it seems
    expected = -np.log10(radiance(AXIS, cooled) / radiance(AXIS, LAMP_K["nir"]))
    np.testing.assert_allclose(lost, expected, atol=3e-5)


def noisy(sd: float, rows: int = 60) -> np.ndarray:
    band = np.exp(-0.5 * ((AXIS - 1700.0) / 40.0) ** 2)
    return 0.3 + band + sd * np.random.default_rng(0).normal(size=(rows, len(AXIS)))


def test_noise_is_told_from_bands():
    assert noise_of(noisy(2e-4)).mean() == pytest.approx(2e-4, rel=0.05)
    assert noise_of(noisy(0.0)).max() < 1e-4  # what a band of 94 nm leaves in steps of 2 nm


def test_noise_of_a_weaker_lamp_grows_as_light_is_lost():
    """Independent of the absorbance: noise in the spectra already counts how dark they are."""
    spectra = noisy(1e-3, rows=300)
    left = radiance(AXIS, LAMP_K["nir"] * 0.5**0.25) / radiance(AXIS, LAMP_K["nir"])
    aged_noise = (aged("lamp_power", spectra, AXIS, amplitude=0.5, **NIR) - spectra).std(axis=0)
    total = np.sqrt(1e-3**2 + aged_noise**2)
    np.testing.assert_allclose(total.mean(), (1e-3 / left).mean(), rtol=0.05)


def test_photons_of_a_weaker_laser_are_a_binomial_share():
    counts = np.full((2000, 50), 10_000.0, dtype=np.float32)
    axis = np.linspace(200.0, 1800.0, 50)
    left = aged("lamp_power", counts, axis, amplitude=0.3, **RAMAN).astype(float)
    assert left.mean() == pytest.approx(7000.0, rel=1e-3)
    assert left.var() == pytest.approx(10_000 * 0.3 * 0.7, rel=0.05)


def test_detector_noise_has_its_amplitude_and_is_constant_in_power():
    half = len(AXIS) // 2
    spectra = np.tile(np.r_[np.full(half, 0.2), np.full(len(AXIS) - half, 1.2)], (300, 1))
    noise = aged("detector_noise", spectra, AXIS, amplitude=1e-3, **NIR) - spectra
    assert noise.std() == pytest.approx(1e-3, rel=0.02)
    assert noise[:, half:].std() == pytest.approx(10 * noise[:, :half].std(), rel=0.03)


def test_saturation_and_stray_light_leave_the_reference_and_hit_the_ends():
    for name in ("detector_saturation", "stray_light"):
        assert aged(name, flat(0.0), AXIS, amplitude=0.1, **NIR) == pytest.approx(0.0, abs=1e-6)
    dark = aged("stray_light", flat(6.0), AXIS, amplitude=0.01, **NIR)
    assert dark == pytest.approx(-np.log10(0.01 / 1.01), abs=0.001)  # no darker than the stray light
    # The response bends where light is strong: against the reference a faint sample looks brighter by 1 / (1 - a).
    faint = aged("detector_saturation", flat(3.0), AXIS, amplitude=0.1, **NIR)
    assert faint == pytest.approx(3.0 + np.log10(0.9), abs=1e-3)


def test_dust_has_its_amplitude_in_the_middle_of_the_axis():
    dust = aged("fouling", flat(0.2), AXIS, amplitude=0.05, **NIR)[0] - 0.2
    assert np.interp(AXIS.mean(), AXIS, dust) == pytest.approx(0.05, abs=1e-6)
    assert dust * AXIS == pytest.approx(0.05 * AXIS.mean(), rel=1e-4)


def test_drift_moves_a_band_by_its_amplitude():
    band = np.exp(-0.5 * ((AXIS - 1700.0) / 20.0) ** 2)[None]
    drifted = aged("wavelength_drift", band, AXIS, amplitude=3.7, **NIR)[0]
    assert np.average(AXIS, weights=drifted) - np.average(AXIS, weights=band[0]) == pytest.approx(3.7, abs=0.02)
    assert unit_of("wavelength_drift", "nir") == "nm"
    assert unit_of("wavelength_drift", "raman") == "cm-1"


def test_water_is_told_from_starch_and_scatter():
    tilt = 0.3 + 0.1 * np.linspace(-1, 1, len(AXIS)) ** 2
    spectra = np.stack([food(0.0, 0.5), food(0.4, 0.5) + tilt, food(0.8, 0.1) - 0.1])
    assert water_path(spectra, AXIS) == pytest.approx([0.0, 0.4, 0.8], abs=1e-6)


def test_warming_moves_water_to_shorter_wavelengths_and_leaves_dry_samples():
    dry, wet = food(0.0, 0.5)[None], food(0.5, 0.0)[None]
    np.testing.assert_allclose(aged("temperature", dry, AXIS, amplitude=20.0, **NIR), dry, atol=1e-5)
    warm = aged("temperature", wet, AXIS, amplitude=20.0, **NIR)[0]
    window = (AXIS > 1350) & (AXIS < 1550)
    # One reciprocal centimetre a degree at the first overtone: 20 cm-1, about 4.2 nm.
    moved = AXIS[window][wet[0][window].argmax()] - AXIS[window][warm[window].argmax()]
    assert moved == pytest.approx(4.2, abs=2.1)


@pytest.mark.parametrize(
    ("name", "about", "reason"),
    [
        ("fouling", RAMAN, "absorbance"),
        ("lamp_power", RAMAN | {"representation": "normalised"}, "photons"),
        ("stray_light", NIR | {"representation": "derivative1"}, "absorbance"),
        ("wavelength_drift", NIR | {"axis_unit": "index"}, "axis"),
        ("temperature", NIR | {"modality": "mir"}, "near infrared"),
    ],
)
def test_what_is_not_known_of_spectra_is_not_run(name, about, reason):
    with pytest.raises(NotRunError, match=reason):
        aged(name, flat(0.3), AXIS, amplitude=0.1, **about)


def test_warming_needs_a_band_of_water():
    with pytest.raises(NotRunError, match="water"):
        aged("temperature", np.ones((2, 50)), np.linspace(500.0, 800.0, 50), amplitude=5.0, **NIR)


@pytest.mark.parametrize(("name", "amplitude"), [("lamp_power", 1.0), ("fouling", -0.1), ("fouling", np.nan)])
def test_impossible_amplitudes_are_refused(name, amplitude):
    with pytest.raises(BadInputError, match=f"{name} amplitude"):
        aged(name, flat(0.3), AXIS, amplitude=amplitude, **NIR)
