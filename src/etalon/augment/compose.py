"""Transforms one after the other, by chance, and by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from etalon.augment.band import BandDropout
from etalon.augment.baseline import Drift, Tilt
from etalon.augment.noise import Noise
from etalon.augment.scatter import Scatter
from etalon.augment.shift import Resolution, Trend, WavelengthShift
from etalon.augment.transform import Transform
from etalon.errors import BadInputError

TRANSFORMS: dict[str, type[Transform]] = {
    "drift": Drift,
    "tilt": Tilt,
    "scatter": Scatter,
    "noise": Noise,
    "trend": Trend,
    "band_dropout": BandDropout,
    "shift": WavelengthShift,
    "resolution": Resolution,
}
# Each named transform meets every second spectrum, so that undisturbed ones are seen as well.
PROBABILITY = 0.5


@dataclass(frozen=True)
class Compose:
    """Apply transforms in the order given; none at all returns the spectra as they are."""

    transforms: Sequence[Transform]

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        for transform in self.transforms:
            x = transform(x, axis, generator)
        return x


@dataclass(frozen=True)
class Sometimes:
    """Apply a transform to each spectrum with probability `p`."""

    transform: Transform
    p: float = PROBABILITY

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        chosen = (torch.rand((len(x), 1), generator=generator) < self.p).to(x.device)
        return torch.where(chosen, self.transform(x, axis, generator), x)


def named(names: Iterable[str]) -> Compose:
    """Return the transforms of these short names (`TRANSFORMS`), in this order, each meeting every second spectrum.

    Raises
    ------
    BadInputError : a name is unknown
    """
    names = list(names)
    for name in names:
        if name not in TRANSFORMS:
            raise BadInputError("augmentations", "name", f"one of {', '.join(TRANSFORMS)}", repr(name))
    return Compose([Sometimes(TRANSFORMS[name]()) for name in names])
