"""Scatter: what the packing of a powder does to its spectrum."""

from dataclasses import dataclass

import torch
from torch import Tensor

from etalon.augment.transform import normal, spread, uniform


@dataclass(frozen=True)
class Scatter:
    r"""Multiply by a gain that depends on the wavelength, add an offset.

    .. math:: x'(\lambda) = b + g \, (\lambda / \lambda_0)^p \, x(\lambda), \quad g = e^{a z}, \; z \sim N(0, 1)

    Gain and offset are those of MSC (Geladi, MacDougall and Martens 1985, doi:10.1366/0003702854248656); the power
    stands for a path length that changes with the wavelength, since small particles scatter short waves more.
    lambda_0 is the geometric mean of the axis.

    Attributes
    ----------
    gain : a, the SD of the gain's logarithm
    offset : b is normal with this SD, in SD of the spectrum
    power : p is uniform on +- this
    """

    gain: float = 0.15
    offset: float = 0.3
    power: float = 0.3

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        logarithm = axis.double().log()
        logarithm = (logarithm - logarithm.mean()).to(x)
        exponent = self.gain * normal(x, generator) + uniform(x, -self.power, self.power, generator) * logarithm
        return exponent.exp() * x + self.offset * spread(x) * normal(x, generator)
