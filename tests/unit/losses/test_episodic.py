"""Episodes of calibration: the ridge inside, the targets made for it, the blocks it sees."""

import math

import numpy as np
import pytest
import torch

from etalon.losses.episodic import START_LOG_ALPHA, drop_blocks, episodic_ridge, make_targets
from etalon.models.function_space import BASES

LOG_ALPHA = torch.tensor(START_LOG_ALPHA)
NIR = torch.arange(1100.0, 2499.0, 2.0, dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make_blocks(n=48, sizes=(20, 5), seed=0):
    g = generator(seed)
    return [10.0**i * torch.randn(n, size, generator=g) + i for i, size in enumerate(sizes)]


def dense_loss(blocks, targets, n_support, log_alpha):
    """Return the same loss by ridge regression on columns in NumPy, one level, one target at a time."""
    losses = []
    for level in (-1.5, 1.5):
        columns = []
        for block in (block.double().numpy() for block in blocks):
            centred = block - block[:n_support].mean(axis=0)
            columns.append(centred / np.sqrt(np.mean(np.sum(centred[:n_support] ** 2, axis=1))))
        A = np.hstack(columns) / np.sqrt(len(blocks))
        for y in targets.double().numpy().T:
            centre = y[:n_support].mean()
            normal = A[:n_support].T @ A[:n_support] + np.exp(log_alpha + level) * np.eye(A.shape[1])
            coef = np.linalg.solve(normal, A[:n_support].T @ (y[:n_support] - centre))
            error = np.mean((A[n_support:] @ coef + centre - y[n_support:]) ** 2)
            losses.append(np.log(error / y.var() + 0.002))
    return np.mean(losses)


@pytest.mark.parametrize("log_alpha", [-6.2, 0.0])
def test_the_loss_is_that_of_ridge_on_columns(log_alpha):
    blocks, targets = make_blocks(), torch.randn(48, 3, generator=generator(1))
    found = episodic_ridge(blocks, targets, 32, torch.tensor(log_alpha))
    assert found.item() == pytest.approx(dense_loss(blocks, targets, 32, log_alpha), rel=1e-5)


def test_the_gradient_is_that_of_finite_differences():
    block, other = (b.double().requires_grad_() for b in make_blocks(n=12, sizes=(4, 3)))
    targets = torch.randn(12, 2, generator=generator(1), dtype=torch.float64)
    log_alpha = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)

    def loss(block, other, log_alpha):  # the loss comes back in single precision: coarse steps
        return episodic_ridge([block, other], targets, 8, log_alpha)

    assert torch.autograd.gradcheck(loss, (block, other, log_alpha), eps=1e-3, atol=2e-3)


def test_the_loss_is_small_when_a_block_holds_the_target():
    blocks = make_blocks(sizes=(200, 10))
    held = blocks[1][:, :2] @ torch.tensor([[1.0, 2.0], [-1.0, 0.5]])
    unheld = torch.randn(48, 2, generator=generator(5))
    assert episodic_ridge(blocks[1:], held, 32, LOG_ALPHA) < math.log(0.01)
    assert episodic_ridge(blocks, held, 32, LOG_ALPHA) < math.log(0.5)
    assert episodic_ridge(blocks, unheld, 32, LOG_ALPHA) > math.log(0.7)
    # No better than the noise floor, however well the target is known.
    assert episodic_ridge([held], held, 32, torch.tensor(-12.0)) == pytest.approx(math.log(0.002), abs=0.01)


def test_scales_and_offsets_of_blocks_and_targets_do_not_count():
    blocks, targets = make_blocks(), torch.randn(48, 2, generator=generator(1))
    moved = [7.0 * blocks[0] + 3.0, 0.01 * blocks[1]]
    expected = episodic_ridge(blocks, targets, 32, LOG_ALPHA)
    torch.testing.assert_close(episodic_ridge(moved, 20.0 * targets - 5.0, 32, LOG_ALPHA), expected)


def test_a_block_of_zeros_gives_finite_gradients():
    zeros, (block, _) = torch.zeros(48, 4, requires_grad=True), make_blocks()
    loss = episodic_ridge([zeros, block], torch.randn(48, 2, generator=generator(1)), 32, LOG_ALPHA)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(zeros.grad).all()


def spectra(n=48, axis=NIR, seed=0):
    g = generator(seed)
    place = torch.linspace(0, 1, len(axis))
    shapes = torch.stack([torch.sin(k * place + k) for k in range(1, 6)])
    return 5.0 + 0.1 * torch.rand(n, 5, generator=g) @ shapes


def spike(x, seed, axis=NIR, modality="nir", axis_unit="nm", concentrations=None):
    return make_targets(x, axis, modality, axis_unit, generator(seed), concentrations)


def test_what_is_added_is_bands_times_what_the_targets_say():
    x = spectra()
    powers = []
    for seed in range(200):
        spiked, targets = spike(x, seed)
        assert spiked.shape == x.shape
        assert targets.shape == (48, 2)
        assert (targets > 0).all()
        added = (spiked - x).double()
        left, singular, _ = torch.linalg.svd(added, full_matrices=False)
        assert singular[2] < 1e-4 * singular[0], "two analytes, whatever the number of their bands"
        for target in targets.T.double():
            # The power of the target that lies in what was added is its concentration.
            tried = torch.linspace(1 / 3, 3, 81, dtype=torch.float64)
            amounts = target[:, None] ** (1 / tried)
            unexplained = (amounts - left[:, :2] @ (left[:, :2].T @ amounts)).square().sum(
                dim=0
            ) / amounts.square().sum(dim=0)
            powers.append(tried[unexplained.argmin()].item())
    linear = np.mean(np.abs(np.array(powers) - 1.0) < 0.02)
    assert 0.63 < linear < 0.79, "70 % are the concentrations themselves; SD of the share 0.023"


def test_amplitudes_are_spread_over_the_stated_range():
    x = spectra()
    within = (x - x.mean(dim=0)).square().mean().sqrt()
    sizes = torch.tensor(
        [((spiked - x).std(dim=0).max() / within).item() for spiked, _ in (spike(x, s) for s in range(200))]
    )
    # The larger of two log-uniform draws from 0.03 to 1, or a little more where bands of both overlap.
    assert sizes.min() > 0.025
    assert sizes.max() < 2.2
    assert 0.2 < sizes.median() < 0.55
    torch.testing.assert_close(spike(10.0 * x, 3)[0], 10.0 * spike(x, 3)[0])


@pytest.mark.parametrize(
    ("modality", "axis_unit", "axis"),
    [
        ("nir", "nm", NIR),
        ("mir", "nm", 1e7 / torch.arange(3998.0, 600.0, -2.0)),
        ("raman", "cm-1", torch.arange(200.0, 3200.0, 2.0)),
    ],
)
def test_bands_are_as_wide_as_functions_of_the_basis_allow(modality, axis_unit, axis):
    axis = axis.double()
    x = spectra(8, axis)
    widths = []
    for seed in range(60):
        spiked, _ = spike(x, seed, axis, modality, axis_unit)
        added = (spiked - x)[0].double()
        physical = 1e7 / axis if modality == "mir" else axis
        above = (added > 0.5 * added.max()).double()
        # Length over which the sum of bands stands above its half, in functions of the basis: 2.355 SD of one band.
        widths.append(torch.trapezoid(above, physical).abs().item() / BASES[modality].spacing)
    low, high = (2.355 * width / BASES["nir"].spacing for width in (15.0, 60.0))
    assert 0.4 * low < min(widths), "0.4: a band cut off by the end of the range"
    assert low < np.median(widths) < 2 * high
    assert max(widths) < 6 * high


def test_known_concentrations_are_the_targets():
    x, g = spectra(), generator(2)
    concentrations = torch.rand(48, 6, generator=g)
    concentrations[:, 1] = 0.3
    drawn = set()
    for seed in range(30):
        same, targets = spike(x, seed, concentrations=concentrations)
        assert same is x
        assert targets.shape == (48, 4)
        columns = [int((concentrations == column[:, None]).all(dim=0).nonzero()) for column in targets.T]
        assert len(set(columns)) == 4
        drawn |= set(columns)
    assert drawn == {0, 2, 3, 4, 5}, "what does not vary cannot be predicted"
    assert spike(x, 0, concentrations=concentrations[:, :2])[1].shape == (48, 1)


def test_equal_spectra_and_equal_generators():
    x = spectra()
    for found, expected in zip(spike(x, 3), spike(x, 3), strict=True):
        assert torch.equal(found, expected)
    spiked, _ = spike(x[:1].expand(16, -1), 3)
    assert spiked.std(dim=0).max() > 0, "scans of one specimen get analytes, too"


def test_blocks_are_dropped_as_often_as_stated():
    g = generator()
    kept = [tuple(drop_blocks(4, g)) for _ in range(4000)]
    assert all(blocks[0] for blocks in kept)
    share = {
        name: np.mean([choose(sum(blocks[1:])) for blocks in kept])
        for name, choose in {
            "all": lambda number: number == 3,
            "alone": lambda number: number == 0,
            "some": lambda number: number in (1, 2),
        }.items()
    }
    # SD of a share over 4,000 draws: 0.008. Some of the others are sometimes all of them.
    assert share["alone"] == pytest.approx(0.2, abs=0.03)
    assert 0.57 < share["all"] < 0.70
    assert share["some"] > 0.1
    assert np.mean(kept, axis=0)[1:] == pytest.approx(np.mean(kept, axis=0)[1], abs=0.04)
    assert drop_blocks(1, g) == [True]
