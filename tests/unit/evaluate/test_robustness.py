"""What the seven perturbations promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etalon.contracts import REPRESENTATIONS
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.robustness import FWHM_PER_SIGMA, PERTURBATIONS, amplitude_unit, broadening, perturb

ON_SIGNAL = [name for name, perturbation in PERTURBATIONS.items() if perturbation.kind != "axis"]
ON_AXIS = [name for name, perturbation in PERTURBATIONS.items() if perturbation.kind == "axis"]
NIR = {"representation": "absorbance", "modality": "nir", "axis_unit": "nm"}
AXIS = np.linspace(1100.0, 2500.0, 701)


def gaussian(axis, centre, fwhm):
    return np.exp(-0.5 * ((axis - centre) * FWHM_PER_SIGMA / fwhm) ** 2)


def spectra(n=40, axis=AXIS):
    rng = np.random.default_rng(0)
    centres, widths = rng.uniform(axis[0], axis[-1], 6), rng.uniform(60.0, 200.0, 6)
    bands = np.stack([gaussian(axis, c, w) for c, w in zip(centres, widths, strict=True)])
    return (0.3 + rng.uniform(0.0, 0.3, (n, 6)) @ bands).astype(np.float32)


def irregular_axis(rng, first=1100.0, last=1900.0, n=801):
    """Steps that differ by a factor of up to three."""
    steps = rng.uniform(0.5, 1.5, n - 1)
    return first + np.concatenate([[0.0], np.cumsum(steps)]) * (last - first) / steps.sum()


def fwhm_of(axis, band):
    above = np.flatnonzero(band >= band.max() / 2)
    left, right = above[0], above[-1]
    return np.interp(-band.max() / 2, -band[[right, right + 1]], axis[[right, right + 1]]) - np.interp(
        band.max() / 2, band[[left - 1, left]], axis[[left - 1, left]]
    )


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_amplitude_zero_changes_nothing_and_others_do(name, representation):
    x = spectra(5)
    kind = {"modality": "nir", "axis_unit": "nm", "representation": representation}
    np.testing.assert_array_equal(perturb(name, x, AXIS, amplitude=0.0, seed=1, **kind), x)
    amplitude = 50.0 if name in ON_AXIS else 0.05
    disturbed = perturb(name, x, AXIS, amplitude=amplitude, seed=1, **kind)
    assert disturbed.dtype == np.float32
    assert disturbed.shape == x.shape
    assert np.isfinite(disturbed).all()
    assert (disturbed != x).any(axis=1).all()


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_inputs_stay_as_they_are_and_a_second_call_agrees(name):
    x, axis = spectra(5), AXIS.copy()
    before = x.copy()
    x.flags.writeable = axis.flags.writeable = False
    first = perturb(name, x, axis, amplitude=20.0, seed=1, **NIR)
    np.testing.assert_array_equal(first, perturb(name, x, axis, amplitude=20.0, seed=1, **NIR))
    np.testing.assert_array_equal(x, before)
    if name != "resolution":  # the one without chance
        assert (first != perturb(name, x, axis, amplitude=20.0, seed=2, **NIR)).any()


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("representation", ["absorbance", "reflectance"])
def test_a_row_depends_on_seed_and_row_number_alone(name, representation):
    x = spectra(8)
    kind = NIR | {"representation": representation}
    amplitude = 30.0 if name in ON_AXIS else 0.1
    whole = perturb(name, x, AXIS, amplitude=amplitude, seed=3, **kind)
    np.testing.assert_allclose(perturb(name, x[:3], AXIS, amplitude=amplitude, seed=3, **kind), whole[:3], rtol=1e-6)
    others = x.copy()
    others[0] = x[1]
    np.testing.assert_allclose(perturb(name, others, AXIS, amplitude=amplitude, seed=3, **kind)[1:], whole[1:])


@pytest.mark.parametrize("name", ["baseline_drift", "additive_offset", "noise"])
def test_a_larger_amplitude_is_more_of_the_same(name):
    x = np.zeros((4, len(AXIS)))
    small = perturb(name, x, AXIS, amplitude=0.01, seed=5, **NIR)
    np.testing.assert_allclose(perturb(name, x, AXIS, amplitude=0.03, seed=5, **NIR), 3 * small, rtol=1e-5)


@given(amplitude=st.floats(1e-3, 1.0), seed=st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_drift_is_a_cubic_of_the_stated_root_mean_square(amplitude, seed):
    curve = perturb("baseline_drift", np.zeros((3, len(AXIS))), AXIS, amplitude=amplitude, seed=seed, **NIR)
    np.testing.assert_allclose(np.sqrt(np.mean(curve.astype(float) ** 2, axis=1)), amplitude, rtol=1e-5)
    fourth = np.diff(curve.astype(float), 4, axis=1)  # float32 rounding is all that is left
    assert np.abs(fourth).max() < 1e-5 * amplitude * 16


def test_snv_undoes_the_gain():
    def snv(x):
        return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)

    x = spectra().astype(float)
    disturbed = perturb("multiplicative_scatter", x, AXIS, amplitude=0.3, seed=1, **NIR).astype(float)
    np.testing.assert_allclose(snv(disturbed), snv(x), atol=1e-4)
    gains = disturbed.mean(axis=1) / x.mean(axis=1)
    assert gains.std() > 0.1


def test_gain_has_the_stated_spread_and_stays_positive():
    x = np.ones((4000, 2))
    gains = perturb("multiplicative_scatter", x, np.array([1.0, 2.0]), amplitude=0.1, seed=1, **NIR)[:, 0]
    # 4000 draws: four standard errors are 0.0063 on the mean and 0.0045 on the standard deviation.
    assert abs(gains.mean() - 1.0) < 0.0063
    assert abs(gains.std() - 0.1) < 0.0045
    assert perturb("multiplicative_scatter", x, np.array([1.0, 2.0]), amplitude=5.0, seed=1, **NIR).min() > 0


def test_a_first_derivative_removes_the_offset():
    x = spectra().astype(float)
    disturbed = perturb("additive_offset", x, AXIS, amplitude=0.2, seed=1, **NIR).astype(float)
    np.testing.assert_allclose(np.diff(disturbed, axis=1), np.diff(x, axis=1), atol=1e-6)
    assert (disturbed - x).mean(axis=1).std() == pytest.approx(0.2, rel=0.5)


@pytest.mark.parametrize(
    ("representation", "unit"), [("absorbance", "AU"), ("reflectance", "AU"), ("transmittance_percent", "AU")]
)
def test_noise_has_the_stated_standard_deviation_in_absorbance(representation, unit):
    absorbance = spectra()
    full = 100.0 if representation.endswith("percent") else 1.0
    recorded = absorbance if representation == "absorbance" else full * 10.0**-absorbance
    kind = NIR | {"representation": representation}
    disturbed = perturb("noise", recorded, AXIS, amplitude=0.01, seed=1, **kind)
    seen = disturbed if representation == "absorbance" else -np.log10(disturbed / full)
    # 28,040 draws: four standard errors of the standard deviation are 1.7 %.
    assert np.std(seen - absorbance) == pytest.approx(0.01, rel=0.017)
    assert amplitude_unit("noise", **kind) == unit


@pytest.mark.parametrize("name", ON_SIGNAL)
def test_reflectance_and_absorbance_meet_the_same_disturbance(name):
    absorbance = spectra().astype(float)
    direct = perturb(name, absorbance, AXIS, amplitude=0.05, seed=1, **NIR)
    kind = NIR | {"representation": "reflectance_percent"}
    through = perturb(name, 100 * 10**-absorbance, AXIS, amplitude=0.05, seed=1, **kind)
    np.testing.assert_allclose(-np.log10(through / 100), direct, atol=1e-6)


@pytest.mark.parametrize("name", ["baseline_drift", "additive_offset", "noise"])
@pytest.mark.parametrize("representation", ["counts", "absorbance_snv", "absorbance_derivative1", "unknown"])
def test_without_an_absorbance_scale_the_amplitude_follows_the_signal(name, representation):
    x = spectra().astype(float)
    kind = NIR | {"representation": representation}
    assert amplitude_unit(name, **kind) == "SD"
    small = perturb(name, x, AXIS, amplitude=0.1, seed=1, **kind) - x
    large = perturb(name, 5000 * x, AXIS, amplitude=0.1, seed=1, **kind) - 5000 * x
    np.testing.assert_allclose(large / 5000, small, atol=1e-6)
    if name == "noise":
        assert np.std(small) == pytest.approx(0.1 * np.median(x.std(axis=1)), rel=0.02)


def test_dark_channels_are_floored_at_four_absorbance_units():
    recorded = np.full((1, 4), 0.5)
    recorded[0, 1:3] = [0.0, -0.01]
    kind = NIR | {"representation": "reflectance"}
    disturbed = perturb("multiplicative_scatter", recorded, np.arange(4.0), amplitude=1e-9, seed=1, **kind)
    np.testing.assert_allclose(disturbed, [[0.5, 1e-4, 1e-4, 0.5]], rtol=1e-5)


@given(shift=st.floats(0.1, 20.0), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_shift_moves_a_band_by_exactly_its_amplitude(shift, seed):
    axis = irregular_axis(np.random.default_rng(seed))
    x = np.tile(gaussian(axis, 1500.0, 60.0), (6, 1))
    disturbed = perturb("wavelength_shift", x, axis, amplitude=shift, seed=seed, **NIR)
    up, down = gaussian(axis, 1500.0 + shift, 60.0), gaussian(axis, 1500.0 - shift, 60.0)
    error = np.minimum(np.abs(disturbed - up).max(axis=1), np.abs(disturbed - down).max(axis=1))
    assert error.max() < 2e-5


def test_both_directions_of_shift_are_met_equally():
    x = np.tile(np.arange(50.0), (1000, 1))
    disturbed = perturb("wavelength_shift", x, np.arange(50.0), amplitude=1.0, seed=1, **NIR)
    moved = disturbed[:, 25] - 25
    np.testing.assert_allclose(np.abs(moved), 1.0, rtol=1e-5)
    assert abs((moved > 0).mean() - 0.5) < 0.064  # four standard errors of a fair coin


def test_beyond_its_ends_a_shifted_spectrum_keeps_its_last_value():
    x = np.arange(1.0, 101.0)[None]
    disturbed = perturb("wavelength_shift", x, np.arange(100.0), amplitude=3.0, seed=1, **NIR)[0]
    assert (disturbed[:4] == 1.0).all() != (disturbed[-4:] == 100.0).all()


def test_mir_bands_move_in_wavenumbers():
    wavenumbers = np.linspace(4000.0, 600.0, 1701)
    axis = 1e7 / wavenumbers
    x = np.stack([gaussian(wavenumbers, centre, 40.0) for centre in (1000.0, 3000.0)])
    kind = {"representation": "absorbance", "modality": "mir", "axis_unit": "nm"}
    disturbed = perturb("wavelength_shift", x, axis, amplitude=8.0, seed=1, **kind)
    assert amplitude_unit("wavelength_shift", **kind) == "cm-1"
    peaks = wavenumbers[disturbed.argmax(axis=1)]
    np.testing.assert_allclose(np.abs(peaks - [1000.0, 3000.0]), 8.0)


@given(width=st.floats(40.0, 120.0), slit=st.floats(5.0, 80.0), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_resolution_adds_widths_in_quadrature_and_keeps_the_area(width, slit, seed):
    axis = irregular_axis(np.random.default_rng(seed))
    band = gaussian(axis, 1500.0, width)
    disturbed = perturb("resolution", band[None], axis, amplitude=slit, seed=seed, **NIR)[0].astype(float)
    assert np.trapezoid(disturbed, axis) == pytest.approx(np.trapezoid(band, axis), rel=2e-3)
    assert fwhm_of(axis, disturbed) == pytest.approx(np.hypot(width, slit), rel=5e-3)


def test_resolution_keeps_a_constant_and_ignores_a_slit_far_below_the_step():
    axis = irregular_axis(np.random.default_rng(0))
    np.testing.assert_allclose(broadening(axis, 30.0) @ np.ones(len(axis)), 1.0)
    np.testing.assert_allclose(broadening(axis, 0.05).toarray(), np.eye(len(axis)), atol=1e-12)


@given(width=st.floats(1.0, 900.0), seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_dropping_touches_only_its_window(width, seed):
    axis = irregular_axis(np.random.default_rng(seed), last=2100.0)
    x = np.random.default_rng(seed).normal(size=(3, len(axis)))
    disturbed = perturb("dropped_bands", x, axis, amplitude=width, seed=seed, **NIR)
    for row, original in zip(disturbed, x.astype(np.float32), strict=True):
        changed = np.flatnonzero(row != original)
        if len(changed) == 0:
            assert width < np.diff(axis).max()
            continue
        first, last = changed[0], changed[-1]
        assert axis[last] - axis[first] < width
        assert axis[last + 1] - axis[first - 1] > width - 1e-6
        window = slice(first - 1, last + 2)
        line = np.interp(axis[window], axis[[first - 1, last + 1]], original[[first - 1, last + 1]])
        np.testing.assert_allclose(row[window], line, atol=1e-5)


def test_a_window_as_wide_as_the_axis_does_not_run():
    with pytest.raises(NotRunError, match="does not fit"):
        perturb("dropped_bands", spectra(2), AXIS, amplitude=1400.0, seed=1, **NIR)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_channel_numbers_allow_only_what_needs_no_wavelength(name):
    kind = NIR | {"axis_unit": "index"}
    channels = np.arange(float(len(AXIS)))
    if name in ON_SIGNAL:
        assert np.isfinite(perturb(name, spectra(2), channels, amplitude=0.1, seed=1, **kind)).all()
    else:
        with pytest.raises(NotRunError, match="no wavelength axis"):
            perturb(name, spectra(2), channels, amplitude=0.0, seed=1, **kind)


@pytest.mark.parametrize("amplitude", [-0.1, np.nan, np.inf])
def test_impossible_amplitudes_are_refused(amplitude):
    with pytest.raises(BadInputError, match="zero or more"):
        perturb("noise", spectra(2), AXIS, amplitude=amplitude, seed=1, **NIR)


def test_an_unknown_perturbation_is_named():
    with pytest.raises(BadInputError, match="'smoke'"):
        perturb("smoke", spectra(2), AXIS, amplitude=0.1, seed=1, **NIR)
