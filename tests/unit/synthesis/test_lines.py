"""Spectra made of lines: the same as those of the table in nm, warmer water, disturbed matrices."""

import numpy as np
import pytest

from etalon.synthesis.bands import COMPONENTS, absorptivity
from etalon.synthesis.lines import Line, disturbed, from_band, spectrum

WAVELENGTHS = np.arange(900.0, 2550.0, 0.5)


@pytest.mark.parametrize("component", COMPONENTS)
def test_bands_in_nm_and_lines_are_one_table(component):
    lines = [from_band(band) for band in COMPONENTS[component]]
    np.testing.assert_allclose(spectrum(lines, 1e7 / WAVELENGTHS), absorptivity(component, WAVELENGTHS), rtol=1e-9)


def peak(lines, low, high, temperature):
    axis = 1e7 / np.arange(low, high, 0.05)
    values = spectrum(lines, axis, temperature)
    return 1e7 / axis[np.argmax(values)], values.max()


def test_warm_water_absorbs_at_shorter_wavelengths():
    """First overtone: about 0.2 nm a degree (Maeda et al. 1995); the combination near 1940 nm moves the same way."""
    water = [from_band(band) for band in COMPONENTS["water"]]
    (cold_1450, low), (warm_1450, high) = (peak(water, 1400, 1500, t) for t in (20, 40))
    assert -0.3 < (warm_1450 - cold_1450) / 20 < -0.1
    assert low < high < 1.1 * low
    (cold_1940, _), (warm_1940, _) = (peak(water, 1900, 1980, t) for t in (20, 40))
    assert warm_1940 < cold_1940


def test_dry_matter_ignores_temperature():
    for name in ("lipid", "starch", "alkane"):
        lines = [from_band(band) for band in COMPONENTS[name]]
        axis = 1e7 / WAVELENGTHS
        np.testing.assert_array_equal(spectrum(lines, axis, 10), spectrum(lines, axis, 60))


def test_a_matrix_disturbs_by_the_stated_amounts():
    line, rng = Line(6000.0, 100.0, 1.0, ""), np.random.default_rng(0)
    drawn = disturbed([line] * 4000, 1.0, 1.0, rng)
    positions, widths, heights = (np.array([getattr(d, f) for d in drawn]) for f in ("position", "fwhm", "height"))
    assert positions.std() == pytest.approx(5, rel=0.06)
    assert np.log(widths / 100).std() == pytest.approx(0.08, rel=0.06)
    assert np.log(heights).std() == pytest.approx(0.25, rel=0.06)
    assert disturbed([line], 0.0, 1.0, rng) == (line,)
