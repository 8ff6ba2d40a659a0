"""Realism: what cannot be told apart scores 0.5, what can scores 1, and the measures are what they say."""

import numpy as np
import pytest

from etalon.errors import NotRunError
from etalon.evaluate.realism import (
    Sample,
    absorbance,
    band_shares,
    binned,
    frechet,
    realism,
    realism_of_all,
    snv,
)

AXIS = np.arange(1090.0, 2420.0, 4.0)


def sample(seed: int, n: int = 40, peak: float = 1450.0, family: str = "a", axis: np.ndarray = AXIS) -> Sample:
    """Spectra of two bands of random heights, one at `peak`, on a random slope."""
    rng = np.random.default_rng(seed)
    bands = np.exp(-0.5 * ((axis - np.array([[peak], [1940.0]])) / 50) ** 2)
    slope = rng.normal(size=(n, 1)) * np.linspace(0, 1, len(axis))
    spectra = rng.uniform(0.5, 1.5, (n, 2)) @ bands + 0.3 * slope + 0.01 * rng.normal(size=(n, len(axis)))
    return Sample(axis, spectra, "nir", "absorbance", np.arange(n), family)


def test_equal_clouds_cannot_be_told_apart():
    pool = [sample(10 + number, 4) for number in range(30)]
    found = realism(sample(0, 100), pool, seed=0, n_trees=50)
    # Standard error of an AUC of 100 against 100: about 0.04.
    assert abs(found["auc"] - 0.5) < 0.12
    assert found["pca_distance"] < 3
    assert found["n_real"] == found["n_synthetic"] == 100


def test_a_moved_band_gives_synthetic_spectra_away():
    pool = [sample(10 + number, 4, peak=1500.0) for number in range(30)]
    found = realism(sample(0, 100), pool, seed=0, n_trees=50)
    assert found["auc"] > 0.97
    same = realism(sample(0, 100), [sample(10 + number, 4) for number in range(30)], seed=0, n_trees=50)
    assert found["pca_distance"] > 3 * same["pca_distance"]
    assert found["band_ratio_distance"] > 3 * same["band_ratio_distance"]


def test_the_same_seed_gives_the_same_numbers():
    pool = [sample(10 + number, 24) for number in range(12)]
    found = realism(sample(0, 288), pool, 3, 2)
    assert found["n_real"] + found["n_synthetic"] > 500  # more rows than scikit-learn's PCA decomposes whole by itself
    assert realism(sample(0, 288), pool, 3, 2) == found


def test_families_of_their_own_shape_do_not_give_real_spectra_away():
    """Each dataset alone is told from the pool at once; together, judged on unseen families, they are not."""
    peaks = np.random.default_rng(0).uniform(1250, 1650, 60)
    reals = [sample(n, 20, peak, family=str(n)) for n, peak in enumerate(peaks[:30])]
    pool = [sample(100 + n, 20, peak) for n, peak in enumerate(peaks[30:])]
    assert realism(reals[0], pool, 0, 50)["auc"] > 0.9
    assert realism_of_all(reals, pool, "1110-2400 nm", 0, 50)["auc"] < 0.75


@pytest.mark.parametrize(
    ("real", "n_pool", "reason"),
    [
        (sample(0, 5), 12, "5 specimens"),
        (sample(0), 9, "9 sets"),
        (sample(0, axis=np.arange(900.0, 2420.0, 4.0)), 12, "0 sets"),
        (Sample(AXIS, np.ones((40, len(AXIS))), "nir", "absorbance_derivative1", np.arange(40)), 12, "derivative1"),
        (Sample(AXIS, np.ones((40, len(AXIS))), "nir", "counts", np.arange(40)), 12, "counts"),
    ],
)
def test_what_cannot_be_compared_says_why(real, n_pool, reason):
    with pytest.raises(NotRunError, match=reason):
        realism(real, [sample(10 + number, 4) for number in range(n_pool)], 0)


def test_bins_hold_the_means_of_any_grid():
    edges = np.linspace(1100, 2400, 21)
    centres = (edges[1:] + edges[:-1]) / 2
    uneven = np.sort(np.random.default_rng(0).uniform(1050, 2450, 400))
    uneven[[0, -1]] = 1050, 2450
    for axis in (np.arange(1090.0, 2420.0, 1.0), np.arange(1090.0, 2420.0, 25.0), uneven):
        np.testing.assert_allclose(binned((2 * axis + 1)[None], axis, edges)[0], 2 * centres + 1, rtol=1e-12)


def test_fractions_of_light_become_absorbance():
    np.testing.assert_allclose(absorbance(np.array([[0.1, 1.0]]), "reflectance"), [[1, 0]], atol=1e-12)
    np.testing.assert_allclose(absorbance(np.array([[10.0, 100.0]]), "reflectance_percent"), [[1, 0]], atol=1e-12)
    np.testing.assert_array_equal(absorbance(np.array([[0.1, 1.0]]), "absorbance"), [[0.1, 1.0]])


def test_frechet_distance_of_normal_clouds():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20000, 2)), rng.normal(size=(20000, 2)) * 3 + [4, 0]
    # |m|² + sum (s_a - s_b)² over both axes
    assert frechet(a, b) == pytest.approx(np.sqrt(16 + 2 * 4), rel=0.03)
    assert frechet(a, a) == pytest.approx(0, abs=1e-3)


def test_shares_ignore_gain_offset_and_slope():
    spectra = sample(0).intensities
    changed = 3 * spectra + 1 + np.linspace(0, 2, len(AXIS))
    shares = band_shares(spectra, AXIS, "nir")
    np.testing.assert_allclose(band_shares(changed, AXIS, "nir"), shares, atol=1e-9)
    np.testing.assert_allclose(np.abs(shares).sum(axis=1), 1)
    # The two bands that are there hold most of it.
    assert (shares[:, 1] + shares[:, 3] > 0.7).all()
    np.testing.assert_allclose(snv(5 * spectra + 2), snv(spectra), atol=1e-9)
