"""Kernels on blocks: what each promises, and cross kernels that agree with those of the training rows."""

import numpy as np
import pytest

from etalon.chemometrics.block_kernels import N_WINDOWS, Flattened, InnerProducts, Linear, Matern, Window

KERNELS = [Linear("a"), Window("a", 3), Flattened("a"), Flattened("b"), Matern(["a", "b"])]


def blocks(n, seed=0):
    rng = np.random.default_rng(seed)
    found = {"a": rng.normal(size=(n, 40)), "b": rng.normal(size=(n, 9)) @ rng.normal(size=(9, 60))}
    return {name: X / np.sqrt((X**2).sum() / n) for name, X in found.items()}


def centred(n):
    X = blocks(n)
    means = {name: part.mean(axis=0) for name, part in X.items()}
    return {name: part - means[name] for name, part in X.items()}, means


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_training_rows_entered_as_new_ones_have_the_kernel_they_were_fitted_with(kernel):
    training, _ = centred(30)
    K = kernel.fit(InnerProducts(training, training))
    cross, own = kernel.cross(InnerProducts(training, training))
    np.testing.assert_allclose(cross, K, atol=1e-9)
    np.testing.assert_allclose(own, np.diag(K), rtol=1e-9)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_new_rows_have_one_kernel_with_each_other_and_with_themselves(kernel):
    training, means = centred(30)
    K = kernel.fit(InnerProducts(training, training))
    again = InnerProducts(training, training)
    np.testing.assert_allclose(kernel.among(again, again), K, atol=1e-9)
    new = {name: part - means[name] for name, part in blocks(9, seed=1).items()}
    inner = InnerProducts(new, training)
    among = kernel.among(inner, InnerProducts(new, new))
    np.testing.assert_allclose(np.diag(among), kernel.cross(inner)[1], rtol=1e-9)
    cross = kernel.cross(inner)[0]
    assert np.linalg.eigvalsh(np.block([[K, cross.T], [cross, among]])).min() > -1e-9


@pytest.mark.parametrize("kernel", KERNELS[1:], ids=lambda kernel: type(kernel).__name__)
def test_kernels_are_positive_and_centred_with_a_mean_diagonal_of_one(kernel):
    training, _ = centred(30)
    K = kernel.fit(InnerProducts(training, training))
    assert np.linalg.eigvalsh(K).min() > -1e-9
    assert np.trace(K) == pytest.approx(30.0)
    np.testing.assert_allclose(K.sum(axis=0), 0.0, atol=1e-6)


def test_windows_of_a_block_add_up_to_its_linear_kernel():
    training, _ = centred(20)
    inner = InnerProducts(training, training)
    windows = [Window("a", number) for number in range(N_WINDOWS)]
    total = sum(window.fit(inner) / window.scale_ for window in windows)
    np.testing.assert_allclose(total, Linear("a").fit(inner), atol=1e-10)


def test_flattening_takes_the_square_root_of_every_eigenvalue():
    training, _ = centred(25)
    inner = InnerProducts(training, training)
    before, after = (np.linalg.eigvalsh(kernel("b").fit(inner))[-8:] for kernel in (Linear, Flattened))
    np.testing.assert_allclose(after / after[-1], np.sqrt(before / before[-1]), rtol=1e-4)


def test_matern_is_that_of_the_mean_distance_over_blocks():
    training, means = centred(12)
    new = {name: part - means[name] for name, part in blocks(5, seed=1).items()}
    kernel = Matern(["a", "b"])
    kernel.fit(InnerProducts(training, training))

    def squared(A, B):
        return np.mean([((A[b][:, None] - B[b][None]) ** 2).sum(axis=2) for b in ("a", "b")], axis=0)

    length = 4.0 * np.median(squared(training, training)[np.triu_indices(12, 1)])

    def matern(A, B):
        u = np.sqrt(3.0 * squared(A, B) / length)
        return (1 + u) * np.exp(-u)

    K, cross = matern(training, training), matern(new, training)
    centring = np.eye(12) - 1 / 12
    scale = 12 / np.trace(centring @ K @ centring)
    expected = scale * (cross - K.mean(axis=0)) @ centring
    np.testing.assert_allclose(kernel.cross(InnerProducts(new, training))[0], expected, atol=1e-10)


@pytest.mark.parametrize("kernel", [Window("flat", 0), Flattened("flat"), Matern(["flat"])])
def test_a_block_that_does_not_vary_gives_zeros(kernel):
    training = {"flat": np.zeros((6, 20))}
    inner = InnerProducts(training, training)
    assert not kernel.fit(inner).any()
    assert all(np.isfinite(part).all() and not part.any() for part in kernel.cross(inner))
