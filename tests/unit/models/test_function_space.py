"""fs: one embedding for every grid."""

import numpy as np
import pytest

from etalon.errors import NotRunError
from etalon.models.function_space import (
    BASES,
    N_FUNCTIONS,
    _first_derivative,
    _second_derivative,
    embed,
    functionals,
    quadrature,
)

NORMALISED = ("snv", "d1", "d2", "asls", "lsnv")


def spectra(wavelengths, n=12, seed=0):
    """Smooth functions of wavelength, sampled: broad bands on a slope."""
    rng = np.random.default_rng(seed)
    centres, widths = rng.uniform(1150, 2400, (n, 8)), rng.uniform(30, 90, (n, 8))
    heights = rng.uniform(0.1, 1.0, (n, 8))
    bands = heights[..., None] * np.exp(-0.5 * ((wavelengths - centres[..., None]) / widths[..., None]) ** 2)
    slope = rng.uniform(0, 3e-4, (n, 1)) * (wavelengths - 1100)
    return bands.sum(axis=1) + slope + 0.3, np.broadcast_to(slope + 0.3, (n, len(wavelengths)))


def blocks(wavelengths, **changes):
    X, baseline = spectra(wavelengths)
    return embed(X, baseline, wavelengths, **{"modality": "nir", "axis_unit": "nm"} | changes)


@pytest.mark.parametrize("name", ["raw", *NORMALISED])
def test_twice_the_sampling_changes_little(name):
    coarse, fine = blocks(np.arange(1100, 2500, 4.0))[name], blocks(np.arange(1100, 2499, 2.0))[name]
    spread = np.sqrt(np.mean((coarse - coarse.mean(axis=0)) ** 2))
    assert np.sqrt(np.mean((fine - coarse) ** 2)) < 0.02 * spread


def test_an_uneven_grid_gives_the_same_embedding():
    rng = np.random.default_rng(1)
    uneven = np.sort(np.r_[1100.0, rng.uniform(1100, 2498, 900), 2498.0])
    even = np.arange(1100, 2499, 2.0)
    for name, expected in blocks(even).items():
        spread = np.sqrt(np.mean((expected - expected.mean(axis=0)) ** 2))
        # SNV weighs channels, not wavelengths: an uneven grid moves its mean and SD a little.
        assert np.sqrt(np.mean((blocks(uneven)[name] - expected) ** 2)) < 0.15 * spread, name


@pytest.mark.parametrize("name", NORMALISED)
def test_scatter_leaves_the_normalised_blocks_alone(name):
    wavelengths = np.arange(1100, 2499, 2.0)
    X, baseline = spectra(wavelengths)
    plain = embed(X, baseline, wavelengths, modality="nir", axis_unit="nm")
    gain, offset = np.linspace(0.5, 2.0, len(X))[:, None], 0.2
    scattered = embed(gain * X + offset, gain * baseline + offset, wavelengths, modality="nir", axis_unit="nm")
    np.testing.assert_allclose(scattered[name], plain[name], atol=1e-9)
    assert not np.allclose(scattered["raw"], plain["raw"])


@pytest.mark.parametrize(("shape", "degree"), [(_first_derivative, 0), (_second_derivative, 1)])
def test_derivatives_do_not_respond_to_constants_and_lines(shape, degree):
    axis = np.sort(np.random.default_rng(0).uniform(1200, 1900, 300))
    weights = functionals(axis, quadrature(axis), BASES["nir"], 1.5, shape)
    assert np.abs(weights).max() > 0
    for power in range(degree + 1):
        assert np.abs(((axis - 1500) / 500) ** power @ weights).max() < 1e-9


def test_functions_outside_the_measured_range_are_zero():
    found = blocks(np.arange(1100, 1701, 2.0))
    outside = (BASES["nir"].centres < 1090) | (BASES["nir"].centres > 1710)
    for values in found.values():
        assert values.shape == (12, N_FUNCTIONS)
        assert not values[:, outside].any()
        assert np.isfinite(values).all()


def test_a_spectrum_is_embedded_by_itself():
    wavelengths = np.arange(1100, 2499, 2.0)
    X, baseline = spectra(wavelengths)
    together = embed(X, baseline, wavelengths, modality="nir", axis_unit="nm")
    alone = embed(X[3:4], baseline[3:4], wavelengths, modality="nir", axis_unit="nm")
    for name, values in together.items():
        np.testing.assert_allclose(alone[name][0], values[3], atol=1e-10)


def test_mir_is_embedded_on_wavenumbers_whichever_way_it_is_stored():
    wavenumbers = np.arange(3999.0, 600.0, -2.0)
    X, baseline = np.random.default_rng(0).normal(size=(3, len(wavenumbers))).cumsum(axis=1), np.zeros((3, 1))
    stored = 1e7 / wavenumbers
    first = embed(X, baseline, stored, modality="mir", axis_unit="nm")
    second = embed(X[:, ::-1], baseline, wavenumbers[::-1], modality="mir", axis_unit="cm-1")
    for name, values in first.items():
        np.testing.assert_allclose(second[name], values, atol=1e-8)


def test_without_an_axis_there_is_no_embedding():
    with pytest.raises(NotRunError, match="no wavelength axis"):
        blocks(np.arange(100.0), axis_unit="index")
