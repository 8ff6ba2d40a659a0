"""Bin means against integrals that are known, and absorbance."""

import numpy as np
import pytest

from etalon.errors import BadInputError, NotRunError
from etalon.preprocess.common_grid import absorbance, bin_means, regular_grid


def test_means_of_a_straight_line_are_the_line():
    axis = np.linspace(500.0, 4000.0, 1716)
    grid = regular_grid(620, 3780, 8)
    found = bin_means(axis, np.array([0.3 + 2e-4 * axis, -1e-3 * axis]), grid)
    np.testing.assert_allclose(found, [0.3 + 2e-4 * grid, -1e-3 * grid], rtol=1e-12)


def test_the_order_of_the_axis_and_its_grid_do_not_matter_where_both_are_fine():
    grid = regular_grid(1000, 2000, 10)

    def band(x):
        return np.exp(-(((x - 1500) / 60) ** 2))[None]

    coarse, fine = np.linspace(900, 2100, 801), np.linspace(2100, 900, 1500)
    np.testing.assert_allclose(bin_means(coarse, band(coarse), grid), bin_means(fine, band(fine), grid), atol=1e-4)


def test_bins_of_an_uneven_axis_are_the_integral_of_its_segments():
    rng = np.random.default_rng(0)
    axis, values = np.sort(np.r_[0.0, rng.uniform(0, 100, 60), 100.0]), rng.normal(size=62)
    grid = regular_grid(10, 90, 5)
    points = np.linspace(0, 100, 400001)
    dense = np.interp(points, axis, values)
    expected = [dense[(points >= g - 2.5) & (points <= g + 2.5)].mean() for g in grid]
    np.testing.assert_allclose(bin_means(axis, values[None], grid)[0], expected, atol=1e-3)


def test_fine_noise_is_averaged_and_not_folded():
    rng = np.random.default_rng(0)
    axis, grid = np.arange(600.0, 4000.0, 0.5), regular_grid(700, 3900, 10)
    noise = rng.normal(size=(20, len(axis)))
    assert bin_means(axis, noise, grid).std() == pytest.approx(1 / np.sqrt(20), rel=0.05)


def test_a_grid_ends_where_it_says():
    np.testing.assert_array_equal(regular_grid(620, 3780, 8)[[0, -1]], [620, 3780])
    assert len(regular_grid(0.1, 0.7, 0.2)) == 4, "rounding loses no point"


def test_spectra_that_do_not_reach_are_not_extrapolated():
    axis = np.linspace(1000.0, 3000.0, 500)
    with pytest.raises(NotRunError, match="measured at 1000-3000 cm-1, not all of 900-2000 cm-1"):
        bin_means(axis, np.ones((1, 500)), regular_grid(900, 2000, 10))
    with pytest.raises(BadInputError, match="one step"):
        bin_means(axis, np.ones((1, 500)), np.array([1100.0, 1110.0, 1130.0]))


def test_reflectance_becomes_absorbance():
    np.testing.assert_allclose(absorbance(np.array([[10.0, 100.0]]), "reflectance_percent"), [[1.0, 0.0]])
    np.testing.assert_allclose(absorbance(np.array([[0.01, 0.0]]), "reflectance"), [[2.0, 3.0]])
    np.testing.assert_array_equal(absorbance(np.array([[0.5]]), "absorbance"), [[0.5]])
    with pytest.raises(NotRunError, match="found absorbance_derivative1"):
        absorbance(np.array([[0.5]]), "absorbance_derivative1")
