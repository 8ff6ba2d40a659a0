"""Isometric log-ratios: an isometry, exactly invertible, and sums of exactly 100."""

import numpy as np
import pytest

from etalon.chemometrics.compositions import basis, close, ilr, inverse_ilr, without_zeros


@pytest.fixture
def texture():
    return np.random.default_rng(0).dirichlet([2.0, 3.0, 4.0], 200) * 100


def test_the_inverse_gives_the_parts_back(texture):
    np.testing.assert_allclose(inverse_ilr(ilr(texture)), texture, rtol=1e-12)


def test_predicted_parts_add_up_to_100_whatever_is_predicted():
    wild = np.random.default_rng(1).normal(scale=30.0, size=(1000, 2))
    parts = inverse_ilr(wild)
    np.testing.assert_allclose(parts.sum(axis=1), 100.0, rtol=1e-15)
    assert (parts >= 0).all() and np.isfinite(parts).all()


def test_distances_are_those_of_aitchison(texture):
    x, y = texture[:100], texture[100:]
    logs = [np.log(part) for part in (x, y)]
    centred = [part - part.mean(axis=1, keepdims=True) for part in logs]
    aitchison = np.linalg.norm(centred[0] - centred[1], axis=1)
    np.testing.assert_allclose(np.linalg.norm(ilr(x) - ilr(y), axis=1), aitchison, rtol=1e-12)


def test_only_ratios_count(texture):
    np.testing.assert_allclose(ilr(texture * 0.01), ilr(texture), atol=1e-12)


@pytest.mark.parametrize("n_parts", [2, 3, 5])
def test_the_basis_is_orthonormal_and_adds_up_to_zero(n_parts):
    V = basis(n_parts)
    np.testing.assert_allclose(V @ V.T, np.eye(n_parts - 1), atol=1e-15)
    np.testing.assert_allclose(V.sum(axis=1), 0.0, atol=1e-15)


def test_zeros_are_replaced_and_the_ratios_of_the_others_kept():
    parts = without_zeros(np.array([[0.0, 20.0, 80.0], [10.0, 30.0, 60.0]]))
    np.testing.assert_allclose(parts.sum(axis=1), 100.0)
    assert parts[0, 0] > 0 and parts[0, 2] / parts[0, 1] == pytest.approx(4.0)
    np.testing.assert_array_equal(parts[1], [10.0, 30.0, 60.0])
    np.testing.assert_allclose(close(np.array([[1.0, 1.0, 2.0]])), [[25.0, 25.0, 50.0]])


def test_a_part_of_zero_has_no_log_ratio():
    with pytest.raises(ValueError, match="parts above zero"):
        ilr(np.array([[0.0, 1.0, 1.0]]))
