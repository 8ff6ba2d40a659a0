"""Additive baselines: a smooth random curve, a straight line."""

from dataclasses import dataclass

import torch
from torch import Tensor

from etalon.augment.transform import centred, normal, spread, uniform


@dataclass(frozen=True)
class Drift:
    r"""Add a cubic baseline.

    .. math:: d(t) = a \, u(t) / \mathrm{rms}(u), \quad u(t) = \sum_{k=1}^{3} c_k P_k(t), \quad c_k \sim N(0, 1)

    P_k are Legendre polynomials on the axis mapped to [-1, 1]: the baselines that EMSC models (Martens and Stark 1991,
    doi:10.1016/0731-7085(91)80188-F). a is uniform between 0 and `amplitude` SD of the spectrum.
    """

    amplitude: float = 0.3

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        t = centred(axis)
        polynomials = torch.stack([t, 1.5 * t**2 - 0.5, 2.5 * t**3 - 1.5 * t]).to(x)  # (3, L)
        curves = normal(x, generator, 3) @ polynomials
        curves = curves / curves.square().mean(dim=1, keepdim=True).sqrt()
        return x + uniform(x, 0.0, self.amplitude, generator) * spread(x) * curves


@dataclass(frozen=True)
class Tilt:
    """Add a straight line through 0 in the middle of the axis; its ends lie within +-`amplitude` SD, uniformly."""

    amplitude: float = 0.5

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        return x + uniform(x, -self.amplitude, self.amplitude, generator) * spread(x) * centred(axis).to(x)
