"""Masks, samples of points and parts of a grid keep their promises for every spectrum."""

import pytest
import torch

from etalon.augment.masking import block_mask, crop_and_stride, sample_points
from etalon.models.encoder import GridBatch

NIR = torch.arange(1100.0, 2500.0, 2.0, dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def masked_share(mask, coordinates):
    """Share of the range that masked points stand for."""
    steps = coordinates.diff()
    zero = steps.new_zeros(1)
    length = 0.5 * (torch.cat([steps, zero]) + torch.cat([zero, steps]))
    return (mask * length).sum(dim=1) / length.sum()


@pytest.mark.parametrize("n_blocks", [1, 4])
@pytest.mark.parametrize("reverse", [False, True], ids=["nm", "wavenumber"])
def test_blocks_are_contiguous_and_their_share_is_within_bounds(n_blocks, reverse):
    coordinates = (1e7 / NIR.flip(0) if reverse else NIR).log()
    mask = block_mask(300, coordinates, (0.6, 0.8), generator(), n_blocks)
    share = masked_share(mask, coordinates)
    slack = n_blocks * coordinates.diff().max() / (coordinates[-1] - coordinates[0])
    assert share.min() >= 0.6 - slack
    assert share.max() <= 0.8 + slack
    assert share.max() - share.min() > 0.15
    padded = torch.nn.functional.pad(mask.int(), (1, 1))
    starts = (padded.diff(dim=1) == 1).sum(dim=1)
    assert starts.min() >= 1
    assert starts.max() <= n_blocks + 1
    assert starts.float().mean() > n_blocks - 0.1
    everywhere = mask.float().mean(dim=0)  # SD 0.026
    assert everywhere.min() > 0.58
    assert everywhere.max() < 0.82
    assert not torch.equal(mask[0], mask[1])


def test_a_single_share_and_a_seed_fix_the_mask():
    coordinates = (1e7 / NIR).log().float()  # decreasing, as of a Raman shift in ln(nm)
    mask = block_mask(20, coordinates, 0.7, generator(5), 3)
    assert torch.equal(mask, block_mask(20, coordinates, 0.7, generator(5), 3))
    assert ((masked_share(mask, coordinates) - 0.7).abs() < 0.01).all()


@pytest.mark.parametrize("share", [0.02, 0.98])
def test_every_spectrum_has_masked_and_visible_points(share):
    mask = block_mask(500, NIR[:12].log(), share, generator(), 2)
    assert mask.any(dim=1).all()
    assert (~mask).any(dim=1).all()


def test_sampled_points_are_masked_ones_and_none_comes_twice():
    mask = block_mask(50, NIR.log(), (0.6, 0.8), generator(), 4)
    points = sample_points(mask, 128, generator())
    assert points.shape == (50, 128)
    assert points.dtype == torch.int64
    assert mask.gather(1, points).all()
    assert (points.sort(dim=1).values.diff(dim=1) > 0).all()
    drawn = torch.zeros(mask.shape).scatter_add_(1, points, torch.ones(points.shape))
    assert torch.corrcoef(torch.stack([drawn.sum(0), mask.float().sum(0)]))[0, 1] > 0.2  # all along the range


def test_too_few_points_are_cycled_through_evenly():
    mask = torch.zeros((2, 40), dtype=torch.bool)
    mask[0, 5:10], mask[1, 3:] = True, True
    points = sample_points(mask, 13, generator())
    counts = torch.bincount(points[0], minlength=40)
    assert counts[5:10].min() == 2
    assert counts[5:10].max() == 3
    assert counts.sum() == counts[5:10].sum()
    assert len(points[1].unique()) == 13


def test_nothing_to_sample_is_an_error():
    with pytest.raises(ValueError, match="False throughout"):
        sample_points(torch.tensor([[True, False], [False, False]]), 1, generator())


@pytest.mark.parametrize("n_points", [20, 33, 70, 700])
def test_a_cropped_grid_keeps_half_the_range_enough_points_and_its_baseline(n_points):
    axis = NIR[:n_points]
    x = torch.rand((3, n_points), generator=generator(1))
    batch = GridBatch(x, axis, "nir", "nm", baseline=x - 1.0, categories=torch.zeros((3, 2), dtype=torch.int64))
    random, shares, strides = generator(), [], set()
    for _ in range(60):
        part = crop_and_stride(batch, random)
        shares.append(float((part.wavelengths[-1] - part.wavelengths[0]) / (axis[-1] - axis[0])))
        places = torch.searchsorted(axis, part.wavelengths)
        strides.add(int(places.diff()[0]))
        assert len(places.diff().unique()) == 1
        assert len(part.wavelengths) >= min(32, n_points)
        assert torch.equal(part.intensities, x[:, places])
        assert torch.equal(part.baseline, part.intensities - 1.0)
        assert part.categories is batch.categories
    assert min(shares) >= 0.5
    if n_points == 700:
        assert strides == {1, 2}
        assert min(shares) < 0.6
        assert max(shares) > 0.9
    if n_points <= 33:
        assert strides == {1}


def test_half_the_range_of_the_mid_infrared_is_that_of_its_wavenumbers():
    wavenumber = torch.arange(4000.0, 600.0, -4.0, dtype=torch.float64)
    batch = GridBatch(torch.rand((1, len(wavenumber))), 1e7 / wavenumber, "mir", "nm")
    random = generator()
    kept = [1e7 / crop_and_stride(batch, random).wavelengths for _ in range(40)]
    shares = [float((part[0] - part[-1]) / (wavenumber[0] - wavenumber[-1])) for part in kept]
    assert min(shares) >= 0.5
    assert max(shares) > 0.9
