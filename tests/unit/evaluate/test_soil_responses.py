"""Properties in the coordinates in which they are modelled."""

import numpy as np
import pytest

from etalon.evaluate.soil_responses import Responses, comparable


@pytest.fixture
def properties():
    rng = np.random.default_rng(0)
    texture = rng.dirichlet([3.0, 2.0, 4.0], 60) * 100
    texture[0] = [0.0, 40.0, 60.0]
    found = {"organic_carbon": rng.lognormal(0.5, 1.0, 60), "ph": rng.normal(6.5, 0.8, 60)}
    return found | dict(zip(("clay", "silt", "sand"), texture.T, strict=True))


def test_predicted_texture_adds_up_to_100_exactly_however_far_off(properties):
    responses = Responses().fit(properties)
    wild = np.random.default_rng(1).normal(scale=50.0, size=(200, len(responses.columns_)))
    found = responses.inverse(wild)
    total = found["clay"] + found["silt"] + found["sand"]
    np.testing.assert_allclose(total, 100.0, rtol=1e-14)


def test_what_is_transformed_comes_back(properties):
    responses = Responses().fit(properties)
    again = responses.inverse(responses.transform(properties))
    for name, values in properties.items():
        rows = slice(1, None) if name in ("clay", "silt", "sand") else slice(None)  # the zero was replaced
        np.testing.assert_allclose(again[name][rows], values[rows], rtol=1e-9)


def test_only_skewed_properties_are_logged_and_predictions_held_to_the_range(properties):
    responses = Responses().fit(properties)
    assert responses.logged_ == ("organic_carbon",)
    assert responses.columns_ == ("organic_carbon", "ph", "ilr1", "ilr2")
    found = responses.inverse(np.full((1, 4), 900.0))
    carbon = properties["organic_carbon"]
    assert found["organic_carbon"][0] == pytest.approx(carbon.max() + 0.25 * np.ptp(carbon))


def test_a_property_with_zeros_is_not_logged(properties):
    responses = Responses().fit({"organic_carbon": np.r_[0.0, properties["organic_carbon"]]})
    assert responses.logged_ == ()


def test_clay_alone_is_modelled_by_itself(properties):
    responses = Responses().fit({name: properties[name] for name in ("clay", "ph")})
    assert responses.columns_ == ("clay", "ph") and not responses.texture_


def test_too_few_values_train_nothing(properties):
    few = np.full(60, np.nan)
    few[:19] = np.arange(19)
    responses = Responses().fit({"ph": few, "organic_carbon": properties["organic_carbon"]})
    assert responses.names_ == ("organic_carbon",)


def test_missing_values_stay_missing(properties):
    properties["silt"] = properties["silt"].copy()
    properties["silt"][5] = np.nan
    responses = Responses().fit(properties)
    assert np.isnan(responses.transform(properties)[5, -2:]).all()
    assert np.isfinite(responses.transform(properties)[6]).all()


def test_laboratories_are_compared_in_equal_units_and_bases():
    assert comparable(("%", "dry"), ("%", "unknown")) is None
    assert comparable(("%", "unknown"), ("g/kg", "unknown")) == "units differ, % and g/kg"
    assert comparable(("%", "dry"), ("%", "as_is")) == "bases differ, dry and as_is"
