"""Bands that a detector lost."""

from dataclasses import dataclass

import torch
from torch import Tensor

from etalon.augment.transform import physical_axis, uniform


@dataclass(frozen=True)
class BandDropout:
    """Replace one window by the straight line between the points at its edges.

    The window's width is uniform between 0 and `width` of the axis's range, and it lies anywhere inside.
    """

    width: float = 0.1

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        axis = physical_axis(axis)
        share = uniform(x, 0.0, self.width, generator).double()
        start = axis[0] + uniform(x, 0.0, 1.0, generator).double() * (1.0 - share) * (axis[-1] - axis[0])  # (n, 1)
        return straighten(x, axis, start, start + share * (axis[-1] - axis[0]))


def straighten(x: Tensor, axis: Tensor, start: Tensor, stop: Tensor) -> Tensor:
    """Return spectra that are straight between the last point up to `start` and the first from `stop` on.

    Parameters
    ----------
    x : shape (n, L); axis : float64, shape (L,), increasing
    start, stop : float64, shape (n, 1), within the axis
    """
    last = len(axis) - 1
    left = (torch.searchsorted(axis, start, right=True) - 1).clamp(0, last)
    right = torch.searchsorted(axis, stop).clamp(0, last)
    low, high = axis[left], axis[right]
    share = (axis - low) / (high - low).clamp(min=torch.finfo(axis.dtype).tiny)  # (n, L)
    line = torch.lerp(x.gather(1, left), x.gather(1, right), share.clamp(0.0, 1.0).to(x))
    return torch.where((axis > low) & (axis < high), line, x)
