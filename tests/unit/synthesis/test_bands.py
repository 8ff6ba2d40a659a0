"""Bands stand where the table puts them, as wide and as high as it says."""

import numpy as np
import pytest

from etalon.synthesis.bands import COMPONENTS, absorptivity

WAVELENGTHS = np.arange(880.0, 2560.0, 0.25)


@pytest.mark.parametrize(
    ("component", "number"), [("water", 2), ("water", 4), ("lipid", 1), ("protein", 0), ("starch", 6)]
)
def test_a_band_that_stands_alone(component, number):
    band = COMPONENTS[component][number]
    around = np.abs(WAVELENGTHS - band.centre_nm) < band.fwhm_nm
    wavelengths, absorbance = WAVELENGTHS[around], absorptivity(component, WAVELENGTHS)[around]
    peak = wavelengths[np.argmax(absorbance)]
    assert abs(peak - band.centre_nm) < 0.08 * band.fwhm_nm
    # Wings of the neighbours lie below it.
    assert band.height <= absorbance.max() < 1.3 * band.height


def test_width_at_half_height():
    band = COMPONENTS["water"][4]
    absorbance = absorptivity("water", WAVELENGTHS)
    above = WAVELENGTHS[(absorbance > absorbance.max() / 2) & (WAVELENGTHS > 1800)]
    assert np.ptp(above) == pytest.approx(band.fwhm_nm, rel=0.05)


def test_overtones_are_weaker_than_combinations_by_the_measured_orders():
    """Hale and Querry 1973: 0.45, 1.0, 29 and 120 per cm at 970, 1190, 1450 and 1940 nm, here in log10 per mm."""
    found = absorptivity("water", np.array([970.0, 1190.0, 1450.0, 1940.0]))
    np.testing.assert_allclose(found * 10 * np.log(10), [0.45, 1.0, 29, 120], rtol=0.1)


@pytest.mark.parametrize("component", COMPONENTS)
def test_absorbs_nothing_negative(component):
    absorbance = absorptivity(component, WAVELENGTHS)
    assert absorbance.shape == WAVELENGTHS.shape
    assert (absorbance >= 0).all()
    assert (absorbance.max() > 0) == (component not in ("ash", "quartz"))


def test_bands_lie_in_the_near_infrared_or_visible_and_say_what_they_are():
    coloured = {"iron oxide", "humus", "chlorophyll"}
    for name, bands in COMPONENTS.items():
        assert [band.centre_nm for band in bands] == sorted(band.centre_nm for band in bands)
        for band in bands:
            assert (250 if name in coloured else 780) < band.centre_nm <= 2500
            assert 10 < band.fwhm_nm <= (700 if name in coloured else 150)
            assert band.height > 0
            assert band.assignment


@pytest.mark.parametrize("component", sorted(COMPONENTS.keys() - {"iron oxide", "humus", "chlorophyll"}))
def test_higher_overtones_are_weaker(component):
    """By about ten a step: what lies below 1100 nm is at most a twentieth of what lies above 1600 nm."""
    heights = {
        far: max(
            (b.height for b in COMPONENTS[component] if (b.centre_nm > 1600) == far and (far or b.centre_nm < 1100)),
            default=0,
        )
        for far in (False, True)
    }
    assert heights[False] <= heights[True] / 20
