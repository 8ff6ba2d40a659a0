"""Axes: units, order, and scans that were measured on slightly different points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from etalon.data.axis import increasing, on_axis, same_axis, to_contract
from etalon.errors import BadInputError

positive = st.floats(50.0, 20000.0)


@given(arrays(float, st.integers(1, 30), elements=positive), st.sampled_from(["nir", "visnir", "mir"]))
def test_wavenumbers_become_wavelengths_and_twice_gives_them_back(wavenumbers, modality):
    wavelengths, unit = to_contract(wavenumbers, "cm-1", modality)
    assert unit == "nm"
    np.testing.assert_allclose(wavelengths * wavenumbers, 1e7, rtol=1e-12)
    np.testing.assert_allclose(to_contract(wavelengths, "cm-1", modality)[0], wavenumbers, rtol=1e-12)


def test_4000_wavenumbers_are_2500_nm():
    assert to_contract(np.array([4000.0, 10000.0]), "cm-1", "nir")[0].tolist() == [2500.0, 1000.0]


@pytest.mark.parametrize(("unit", "modality"), [("cm-1", "raman"), ("nm", "nir"), ("index", "mir"), ("index", "raman")])
def test_raman_shifts_wavelengths_and_indices_stay(unit, modality):
    values = np.array([3.0, 1.0, 2.0])
    result, result_unit = to_contract(values, unit, modality)
    assert np.array_equal(result, values)
    assert result_unit == unit


def test_an_index_may_begin_with_zero_and_a_wavenumber_may_not():
    assert to_contract(np.array([0.0, 1.0]), "index", "mir")[1] == "index"
    with pytest.raises(BadInputError, match="positive values in cm-1"):
        to_contract(np.array([0.0, 1.0]), "cm-1", "nir")


@given(st.lists(positive, min_size=2, max_size=20, unique=True), st.randoms())
def test_channels_keep_their_values_when_they_are_put_in_order(values, random):
    axis = np.array(values)
    spectra = np.vstack([axis, -axis])
    ordered, moved = increasing(axis, spectra)
    assert (np.diff(ordered) > 0).all()
    assert np.array_equal(moved, np.vstack([ordered, -ordered]))


def test_a_scan_on_the_same_axis_is_not_touched():
    axis, values = np.linspace(9000.0, 4000.0, 50), np.random.default_rng(0).normal(size=50)
    assert on_axis(axis * (1 + 1e-9), values, axis) is values
    assert not same_axis(axis[:-1], axis)


def test_a_shifted_scan_of_a_straight_line_stays_on_the_line():
    target = np.linspace(9000.0, 4000.0, 501)
    axis = target[1:-1] + 3.7
    interpolated = on_axis(axis, 2.0 * axis + 1.0, target[2:-2])
    np.testing.assert_allclose(interpolated, 2.0 * target[2:-2] + 1.0)


def test_a_scan_that_does_not_cover_the_axis_is_refused():
    target = np.linspace(9000.0, 4000.0, 501)
    with pytest.raises(BadInputError, match="scans that cover 4000 to 9000"):
        on_axis(target[5:], target[5:], target)
