"""One entry a substance: its bands stand where textbooks put the groups it holds."""

import numpy as np
import pytest

from etalon.synthesis import mid_infrared, raman
from etalon.synthesis.lines import Line, spectrum
from etalon.synthesis.products import ARCHETYPES, OTHER, random_product
from etalon.synthesis.substances import SUBSTANCES, Substance


@pytest.mark.parametrize(
    ("name", "modality", "low", "high", "expected"),
    [
        # Group frequencies, Socrates 2001.
        ("water", "mir", 1500, 1800, 1640),
        ("lipid", "mir", 1600, 1900, 1745),
        ("lipid", "mir", 2800, 3000, 2923),
        ("protein", "mir", 1600, 1750, 1655),
        ("protein", "mir", 1500, 1590, 1545),
        ("methanol", "mir", 950, 1200, 1030),
        ("clay", "mir", 3500, 3650, 3620),
        ("carbonate", "mir", 1300, 1600, 1430),
        ("starch", "raman", 400, 600, 480),
        ("protein", "raman", 950, 1020, 1003),
        ("ethanol", "raman", 800, 1000, 884),
        ("benzene", "raman", 900, 1100, 992),
        ("carbonate", "raman", 1000, 1200, 1086),
        ("lipid", "raman", 1600, 1700, 1656),
        ("water", "nir", 1e7 / 2050, 1e7 / 1850, 1e7 / 1940),
        ("clay", "visnir", 1e7 / 2260, 1e7 / 2180, 1e7 / 2207),
        ("chlorophyll", "visnir", 1e7 / 720, 1e7 / 650, 1e7 / 675),
    ],
)
def test_bands_where_they_belong(name, modality, low, high, expected):
    axis = np.arange(low, high, 0.5)
    found = axis[np.argmax(spectrum(SUBSTANCES[name].lines(modality), axis))]
    assert found == pytest.approx(expected, rel=0.006)


def test_water_absorbs_as_measured_from_the_third_overtone_to_the_fundamental():
    """Hale and Querry 1973, per cm (base e), rounded; heights are log10 per mm."""
    measured = {970: 0.45, 1190: 1.0, 1450: 29, 1940: 120, 2200: 16, 2500: 100}
    found = spectrum(SUBSTANCES["water"].lines("nir"), 1e7 / np.array(list(measured))) * 10 * np.log(10)
    np.testing.assert_allclose(found, list(measured.values()), rtol=0.2)


def test_what_has_no_such_bands():
    assert SUBSTANCES["ash"] == Substance()
    assert not SUBSTANCES["quartz"].near_infrared
    assert not SUBSTANCES["chlorophyll"].raman


@pytest.mark.parametrize(("table", "low", "high"), [(mid_infrared.LINES, 400, 4000), (raman.LINES, 100, 3700)])
def test_tables_are_of_known_substances_in_order_within_the_range(table, low, high):
    assert table.keys() <= SUBSTANCES.keys()
    for lines in table.values():
        assert [line.position for line in lines] == sorted(line.position for line in lines)
        assert all(low <= line.position <= high and 0 < line.fwhm <= 400 and line.height > 0 for line in lines)
        assert all(line.assignment for line in lines)


def test_a_new_substance_needs_no_code():
    more = SUBSTANCES | {"caffeine": Substance(near_infrared=(Line(5980.0, 90.0, 0.5, "C-H, aromatic"),))}
    rng = np.random.default_rng(0)
    assert any("caffeine" in random_product(more, rng).components for _ in range(200))


def test_archetypes_hold_known_substances():
    for amounts, diffuse, weight in ARCHETYPES.values():
        assert amounts.keys() <= {*SUBSTANCES, OTHER}
        assert 0.85 < sum(amounts.values()) <= 1
        assert 0 <= diffuse <= 1
        assert weight > 0
