"""Which points an encoder sees: masks in blocks, samples of points, parts of a range."""

from dataclasses import replace

import torch
from torch import Tensor

from etalon.augment.transform import on_device, physical_axis
from etalon.models.encoder import GridBatch

# A spectrum of fewer points would no longer show its bands.
MIN_POINTS = 32
MIN_RANGE = 0.5


def block_mask(
    n: int,
    coordinates: Tensor,
    share: float | tuple[float, float],
    generator: torch.Generator,
    n_blocks: int = 4,
) -> Tensor:
    """Return bool, shape (n, L), True where a point is masked, in blocks without a gap.

    Blocks and gaps are laid on a circle that is cut open anywhere, so that every place, the ends too, is masked
    equally often; where the cut goes through a block there is one block more.

    Parameters
    ----------
    coordinates : shape (L,), increasing or decreasing; at least 2 points
    share : of the range of `coordinates` that is masked, between 0 and 1; of two, one is drawn between them for each
        spectrum. At least one point of a spectrum is masked and one is not.
    n_blocks : on the circle. None is more than three times as wide as another; gaps are what chance leaves.
    """
    low, high = (share, share) if isinstance(share, int | float) else share
    masked = low + (high - low) * torch.rand((n, 1), generator=generator)
    blocks = 0.5 + torch.rand((n, n_blocks), generator=generator)
    blocks = masked * blocks / blocks.sum(dim=1, keepdim=True)
    gaps = -torch.rand((n, n_blocks), generator=generator).clamp(min=1e-6).log()
    gaps = (1.0 - masked) * gaps / gaps.sum(dim=1, keepdim=True)
    cut = torch.rand((n, 1), generator=generator).to(coordinates)
    flipped = torch.randint(len(coordinates), (n, 1), generator=generator).to(coordinates.device)

    edges = torch.stack([gaps, blocks], dim=2).flatten(1).cumsum(dim=1).to(coordinates)  # gap, block, gap, ...
    t = (coordinates - coordinates[0]) / (coordinates[-1] - coordinates[0])
    mask = torch.searchsorted(edges, (t + cut) % 1.0, right=True) % 2 == 1
    alike = mask.all(dim=1, keepdim=True) | ~mask.any(dim=1, keepdim=True)
    return mask.scatter(1, flipped, mask.gather(1, flipped) ^ alike)


def sample_points(mask: Tensor, n_points: int, generator: torch.Generator) -> Tensor:
    """Return indices of points where the mask is True, int64, shape (n, n_points), in random order.

    None comes twice as long as there are enough; where there are fewer, they are cycled through, so that none comes
    more than once more than another.

    Raises
    ------
    ValueError : a row of the mask is False throughout
    """
    counts = mask.sum(dim=1, keepdim=True)
    if not bool((counts > 0).all()):
        raise ValueError("no point to sample: a row of the mask is False throughout")
    keys = torch.rand(mask.shape, generator=on_device(generator, mask.device), device=mask.device)
    order = keys.masked_fill(~mask, 2.0).argsort(dim=1)
    turns = torch.arange(n_points, device=mask.device) % counts  # (n, n_points)
    return order.gather(1, turns)


def crop_and_stride(batch: GridBatch, generator: torch.Generator) -> GridBatch:
    """Return the spectra on a random part of their grid: at least half the range, every point or every second.

    At least 32 points are kept, or all where there are fewer. The range is that of the physical axis (nm, or cm-1 for
    the mid-infrared and Raman), and the same for all spectra of the batch.
    """
    width, place, stride = torch.rand(3, generator=generator).tolist()
    axis = physical_axis(batch.wavelengths)
    n_points = len(axis)
    kept = MIN_RANGE + (1.0 - MIN_RANGE) * width
    ends = torch.tensor([place * (1.0 - kept), place * (1.0 - kept) + kept], dtype=axis.dtype)
    low, high = (axis[0] + ends.to(axis.device) * (axis[-1] - axis[0])).unbind()
    first = max(int(torch.searchsorted(axis, low, right=True)) - 1, 0)
    last = min(int(torch.searchsorted(axis, high)), n_points - 1)
    if missing := max(MIN_POINTS - (last - first + 1), 0):
        first = max(first - missing, 0)
        last = min(first + MIN_POINTS, n_points) - 1
    step = 2 if stride < 0.5 and (last - first) // 2 + 1 >= MIN_POINTS else 1
    if (last - first) % step:  # every second point has to reach the end of the range
        first, last = (first, last + 1) if last + 1 < n_points else (max(first - 1, 0), last)
    part = slice(first, last + 1, step)
    return replace(
        batch,
        intensities=batch.intensities[:, part].contiguous(),
        wavelengths=batch.wavelengths[part].contiguous(),
        baseline=None if batch.baseline is None else batch.baseline[:, part].contiguous(),
    )
