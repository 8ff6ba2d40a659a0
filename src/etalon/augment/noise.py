"""Noise of detectors."""

from dataclasses import dataclass

import torch
from torch import Tensor

from etalon.augment.transform import centred, on_device, spread, uniform


@dataclass(frozen=True)
class Noise:
    """Add independent normal noise whose SD grows away from one place of the axis, as a detector's does to its ends.

    At that place, which lies anywhere in the middle half of the axis, the SD is uniform between 0 and `amplitude` SD
    of the spectrum; towards the ends it grows with the square of the distance, up to some 1 + `growth` times that.
    """

    amplitude: float = 0.01
    growth: float = 3.0

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        distance = centred(axis).to(x) - uniform(x, -0.5, 0.5, generator)  # (n, L)
        profile = 1.0 + uniform(x, 0.0, self.growth, generator) * distance**2
        sd = uniform(x, 0.0, self.amplitude, generator) * spread(x) * profile
        white = torch.randn(x.shape, generator=on_device(generator, x.device), dtype=x.dtype, device=x.device)
        return x + sd * white
