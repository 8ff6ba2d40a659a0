"""Scans of synthetic soils: bands where minerals have them, the same soils on every instrument, determinism."""

import numpy as np
import pytest

from etalon.synthesis.lines import spectrum
from etalon.synthesis.soil_minerals import MID_INFRARED, NEAR_INFRARED
from etalon.synthesis.soil_scans import INSTRUMENTS, STATES, scan_soils
from etalon.synthesis.soils import COMPONENTS, PROPERTIES

N = 150


@pytest.fixture(scope="module")
def scans():
    return {name: scan_soils("survey", name, "first", range(N), 1, seed=1) for name in INSTRUMENTS}


def positions(table, name, axis):
    """Local maxima of the spectrum of a pure constituent."""
    values = spectrum(table[name], axis)
    return axis[1:-1][(values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # cm-1; Farmer 1974, Madejova 2003, and for the overtones of soils Nguyen et al. 1991.
        ("carbonate", (2515, 1795, 1430, 875, 712)),
        ("kaolinite", (3695, 3620, 1032, 1008, 912)),
        ("smectite", (3625, 1035, 917)),
        ("illite", (3622, 1026)),
        ("fine quartz", (1995, 1870, 1792, 798, 779)),
        ("goethite", (3150, 892, 797)),
        ("humus", (2922, 2852, 1620)),
        ("protein", (1655, 1545)),
        ("water", (3400, 1640)),
    ],
)
def test_fundamentals(name, expected):
    found = positions(MID_INFRARED, name, np.arange(400.0, 4000.0, 0.5))
    for position in expected:
        assert np.abs(found - position).min() < 6, position  # neighbours pull maxima together


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # nm; Clark et al. 1990: the doublets of kaolinite, the single band of smectite and illite near 2205 nm.
        ("kaolinite", (1395, 1414, 2162, 2206)),
        ("smectite", (1412, 2206)),
        ("illite", (1412, 2204, 2346)),
        ("carbonate", (2338,)),
        ("water", (1450, 1940)),
    ],
)
def test_overtones_and_combinations(name, expected):
    wavelengths = np.arange(1300.0, 2550.0, 0.25)
    values = spectrum(NEAR_INFRARED[name], 1e7 / wavelengths)
    found = wavelengths[1:-1][(values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])]
    for position in expected:
        assert np.abs(found - position).min() < 4, position


def test_only_constituents_have_lines():
    granular = {f"{size} {name}" for size in ("fine", "coarse") for name in ("quartz", "feldspar")}
    names = {name for name in COMPONENTS if name not in ("quartz", "feldspar")} | granular | {"water"}
    assert set(MID_INFRARED) == set(NEAR_INFRARED) == names


def band_depth(scans, centre, left, right, in_cm1):
    """Height above the line between two feet, which neither offset nor slope changes."""
    axis = 1e7 / scans.wavelengths if in_cm1 else scans.wavelengths
    at = [scans.spectra[:, np.abs(axis - position).argmin()] for position in (centre, left, right)]
    weight = (centre - left) / (right - left)
    return at[0] - (1 - weight) * at[1] - weight * at[2]


def rank_correlation(a, b):
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return np.corrcoef(*ranks)[0, 1]


def test_bands_of_scans_follow_what_the_soils_hold(scans):
    soils, mir, nir = scans["mir_bench"].soils, scans["mir_bench"], scans["nir_bench"]
    carbonate = soils.fractions[:, COMPONENTS.index("carbonate")]
    clay = soils.truth[:, PROPERTIES.index("clay")]
    kaolinite = soils.fractions[:, COMPONENTS.index("kaolinite")]
    coarse = soils.fractions[:, COMPONENTS.index("quartz")] * (1 - soils.silt)
    assert rank_correlation(band_depth(mir, 2515, 2420, 2620, True), carbonate) > 0.85
    assert rank_correlation(band_depth(mir, 3620, 3560, 3760, True), clay) > 0.85
    assert rank_correlation(band_depth(mir, 3695, 3660, 3760, True), kaolinite) > 0.8
    assert rank_correlation(band_depth(mir, 1870, 1830, 1930, True), coarse) > 0.6
    assert rank_correlation(band_depth(nir, 2206, 2120, 2250, False), clay) > 0.8
    assert rank_correlation(band_depth(nir, 1940, 1850, 2120, False), soils.truth[:, PROPERTIES.index("cec")]) > 0.75


def test_the_same_soils_on_every_instrument_and_in_every_state(scans):
    first = scans["mir_bench"].soils
    for name in INSTRUMENTS:
        for state in STATES:
            other = scan_soils("survey", name, state, range(20), 1, seed=1)
            for field in first._fields:
                np.testing.assert_array_equal(getattr(other.soils, field), getattr(first, field)[:20])


def test_ranges_of_the_instruments(scans):
    mir, bench, scanner = (scans[name] for name in ("mir_bench", "nir_bench", "nir_scanner"))
    np.testing.assert_allclose(1e7 / mir.wavelengths[[0, -1]], [4000, 600])
    np.testing.assert_allclose(bench.wavelengths[[0, -1]], [1100, 2498])
    np.testing.assert_allclose(scanner.wavelengths[[0, -1]], [1350, 2550])
    for one in scans.values():
        assert (np.diff(one.wavelengths) > 0).all()
        assert np.isfinite(one.spectra).all()
        assert (one.spectra > 0).all()
        assert (one.spectra < 3).all()


def test_the_scanner_is_noisier_than_the_bench(scans):
    def noise(one):
        inner = one.spectra[:, 20:-20]
        return np.abs(np.diff(inner, n=3, axis=1)).mean()

    assert noise(scans["nir_scanner"]) > 3 * noise(scans["nir_bench"])


def test_a_scan_depends_on_its_own_numbers_alone(scans):
    for name, many in scans.items():
        few = scan_soils("survey", name, "first", [31, 4], 1, seed=1)
        np.testing.assert_array_equal(few.spectra, many.spectra[[31, 4]], err_msg=name)
    twice = scan_soils("survey", "mir_bench", "first", range(5), 2, seed=1)
    np.testing.assert_array_equal(twice.spectra[::2], scans["mir_bench"].spectra[:5])
    assert twice.specimen.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert twice.scan.tolist() == [0, 1] * 5


def test_replicates_differ_less_than_soils_and_states_differ_systematically():
    one, other = (scan_soils("survey", "nir_scanner", state, range(60), 2, seed=1) for state in STATES)
    spectra = one.spectra.reshape(60, 2, -1)
    within = np.abs(spectra[:, 0] - spectra[:, 1]).mean()
    assert within < 0.5 * np.abs(np.diff(spectra[:, 0], axis=0)).mean()
    shift = other.spectra.mean(axis=0) - one.spectra.mean(axis=0)
    error_of_mean = one.spectra.std(axis=0) / np.sqrt(60)
    assert np.abs(shift).max() > 2 * error_of_mean.max()
    assert not np.array_equal(one.spectra, scan_soils("survey", "nir_scanner", "first", range(60), 2, seed=2).spectra)
