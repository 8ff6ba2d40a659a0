"""Synthetic soils: properties follow from the composition, and a laboratory's errors keep what holds for all soils."""

import numpy as np
import pytest

from etalon.synthesis.soils import COMPONENTS, KINDS, POPULATIONS, PROPERTIES, draw_soils, hygroscopic_water, properties

NUMBERS = range(400)


def streams(numbers, seed=3):
    return [np.random.default_rng([seed, number]) for number in numbers]


@pytest.fixture(scope="module")
def survey():
    return draw_soils("survey", streams(NUMBERS))


@pytest.fixture(scope="module")
def region():
    return draw_soils("region", streams(NUMBERS))


def of(table, name):
    return table[:, PROPERTIES.index(name)]


def pure(name, ph=6.0):
    """Properties of a soil of one component."""
    fractions = np.zeros((1, len(COMPONENTS)))
    fractions[0, COMPONENTS.index(name)] = 1.0
    with np.errstate(invalid="ignore"):  # humus alone has no mineral matter, hence no texture
        return dict(zip(PROPERTIES, properties(fractions, np.array([0.5]), np.array([ph]))[0], strict=True))


def test_calcite_is_twelve_per_cent_carbon_and_humus_obeys_van_bemmelen():
    # 12.011 / 100.087 (CaCO3); 1 / 1.724.
    assert pure("carbonate")["inorganic_carbon"] == pytest.approx(100 * 12.011 / 100.087, abs=0.05)
    assert pure("humus")["organic_carbon"] == pytest.approx(100 / 1.724, abs=0.1)
    assert pure("protein")["total_nitrogen"] == pytest.approx(100 / 6.25)


def test_minerals_exchange_what_textbooks_say():
    assert 1 <= pure("kaolinite")["cec"] <= 15
    assert 80 <= pure("smectite")["cec"] <= 120
    assert 20 <= pure("illite")["cec"] <= 40
    assert pure("quartz")["cec"] == 0


def test_carbonate_buffers_ph():
    assert pure("carbonate", ph=4.0)["ph"] == pytest.approx(8.2, abs=0.05)
    assert pure("quartz", ph=4.0)["ph"] == pytest.approx(4.0)


@pytest.mark.parametrize("table", ["truth", "reference"])
def test_textures_add_up_to_100_and_total_carbon_is_organic_plus_inorganic(survey, table):
    values = getattr(survey, table)
    np.testing.assert_allclose(sum(of(values, name) for name in ("clay", "silt", "sand")), 100)
    carbon = of(values, "organic_carbon") + of(values, "inorganic_carbon")
    np.testing.assert_allclose(of(values, "total_carbon"), carbon)
    assert (values > 0).all()


def test_fractions_are_shares_of_the_dry_soil(survey):
    assert (survey.fractions > 0).all()
    np.testing.assert_allclose(survey.fractions.sum(axis=1), 1)


def test_all_kinds_of_a_population_occur(survey, region):
    assert set(survey.kind) == set(KINDS)
    assert set(region.kind) == set(POPULATIONS["region"].kinds)


def test_the_laboratory_errs_little_and_without_bias(survey):
    error = survey.reference - survey.truth
    spread = survey.truth.std(axis=0)
    assert (error.std(axis=0) > 0.005 * spread).all()
    assert (error.std(axis=0) < 0.2 * spread).all()
    assert (np.abs(error.mean(axis=0)) < 0.05 * spread).all()


def test_the_region_is_richer_in_organic_matter_and_its_relations_differ(survey, region):
    assert np.median(of(region.truth, "organic_carbon")) > 1.5 * np.median(of(survey.truth, "organic_carbon"))
    slopes = [np.polyfit(of(s.truth, "clay"), of(s.truth, "cec"), 1)[0] for s in (survey, region)]
    assert abs(slopes[0] - slopes[1]) > 0.1


def test_smectite_and_humus_hold_the_water_of_air():
    water = {name: hygroscopic_water(np.eye(len(COMPONENTS)))[i] for i, name in enumerate(COMPONENTS)}
    assert water["smectite"] > 2 * water["illite"] > 2 * water["kaolinite"] > water["quartz"] == 0


def test_a_soil_depends_on_its_own_stream_alone(survey):
    few = draw_soils("survey", streams([17, 3]))
    for field in survey._fields:
        np.testing.assert_array_equal(getattr(few, field), getattr(survey, field)[[17, 3]], err_msg=field)
    other = draw_soils("survey", streams(NUMBERS, seed=4))
    assert not np.isclose(other.fractions, survey.fractions).any()
