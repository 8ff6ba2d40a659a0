"""What another laboratory costs: parts that add up, and causes that are put in and found."""

import numpy as np
import pandas as pd
import pytest

from etalon.evaluate.soil_shift import METHODS, PARTS, decomposition, rows


def side(y, error):
    return y, error**2, error


def soils(rng, n=400, low=0.0, high=10.0):
    return rng.uniform(low, high, n)


def test_the_parts_add_up_exactly():
    rng = np.random.default_rng(0)
    a, b = soils(rng), soils(rng, 150, 2.0, 14.0)
    found = decomposition(side(a, rng.normal(size=400)), side(b, rng.normal(1.0, 2.0, 150)))
    assert found["rmse_train"] + sum(found[name] for name in PARTS) == pytest.approx(found["rmse_test"])


def test_equal_laboratories_differ_in_nothing():
    rng = np.random.default_rng(1)
    a, b = soils(rng, 3000), soils(rng, 3000)
    found = decomposition(side(a, rng.normal(size=3000)), side(b, rng.normal(size=3000)))
    for name in PARTS:
        assert abs(found[name]) < 0.06
    assert found["matched"] > 0.99


def test_an_error_that_grows_with_the_property_is_range():
    """Equal spectra: the error depends on the property alone, and the other laboratory has more of it."""
    rng = np.random.default_rng(2)
    a, b = soils(rng, 3000), soils(rng, 3000, 6.0, 10.0)
    found = decomposition(side(a, a * rng.normal(size=3000)), side(b, b * rng.normal(size=3000)))
    expected = np.sqrt(np.mean(b**2)) - np.sqrt(np.mean(a**2))
    assert found["range"] == pytest.approx(expected, abs=0.3)
    assert abs(found["spectra"]) < 0.3
    assert abs(found["beyond"]) < 0.05


def test_an_offset_of_the_other_instrument_is_spectra_and_a_constant_takes_it_away():
    rng = np.random.default_rng(3)
    a, b = soils(rng, 3000), soils(rng, 3000)
    found = decomposition(side(a, rng.normal(size=3000)), side(b, 3 + rng.normal(size=3000)))
    assert found["spectra"] == pytest.approx(np.sqrt(10) - 1, abs=0.1)
    assert found["offset"] == pytest.approx(np.sqrt(10) - 1, abs=0.1)
    assert abs(found["range"]) < 0.06


def test_soils_outside_the_training_range_are_beyond():
    rng = np.random.default_rng(4)
    a, b = soils(rng, 1000), np.r_[soils(rng, 500), soils(rng, 500, 20.0, 30.0)]
    error = np.r_[rng.normal(size=500), 10 + rng.normal(size=500)]
    found = decomposition(side(a, rng.normal(size=1000)), side(b, error))
    assert found["matched"] == pytest.approx(0.5, abs=0.01)
    assert found["beyond"] == pytest.approx(np.sqrt((1 + 101) / 2) - 1, abs=0.2)
    assert abs(found["spectra"]) < 0.15


def test_laboratories_without_common_properties_are_not_decomposed():
    rng = np.random.default_rng(5)
    assert decomposition(side(soils(rng), np.ones(400)), side(soils(rng, 50, 30.0, 40.0), np.ones(50))) is None


def table(rng):
    """Predictions of one model: A in cross-validation, B by A's model, B in cross-validation, C out of reach."""
    parts = []
    for dataset, pair, condition, n, low, sd in (
        ("a", "", "cv", 300, 0.0, 1.0),
        ("b", "", "cv", 100, 2.0, 0.7),
        ("b", "a>b", "independent", 100, 2.0, 2.0),
        ("c", "a>c", "independent", 60, 90.0, 2.0),
    ):
        y = rng.uniform(low, low + 10, n)
        own = pd.DataFrame({"row": np.arange(n), "reference": y, "prediction": y + sd * rng.normal(size=n)})
        parts.append(
            own.assign(
                dataset=dataset, pair=pair, condition=condition, method=METHODS[0], variant="", target="clay", seed=-1
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_rows_have_intervals_the_attainable_error_and_reasons():
    found = pd.DataFrame(rows(table(np.random.default_rng(6)), 100, seed=0))
    ok = found[found["status"] == "ok"].set_index("quantity")
    assert set(ok["pair"]) == {"a>b"}
    assert ok.loc["rmse_own", "value"] == pytest.approx(0.7, abs=0.15)
    part = ok.loc["spectra"]
    assert part["low"] < part["value"] < part["high"]
    assert part["low"] > 0
    missing = found[found["status"] != "ok"]
    assert missing["pair"].tolist() == ["a>c"]
    assert "with a like in a" in missing["status"].iloc[0]


def test_seeds_of_a_soil_are_averaged_and_the_answer_is_the_same_again():
    once = table(np.random.default_rng(7))
    twice = pd.concat([once.assign(seed=0), once.assign(seed=1)], ignore_index=True)
    first, second = (pd.DataFrame(rows(one, 50, seed=3)) for one in (once, twice))
    pd.testing.assert_frame_equal(first, second)
