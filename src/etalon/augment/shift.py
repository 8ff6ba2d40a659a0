"""Differences between instruments: where a wavelength is read, how wide the slit is."""

from dataclasses import dataclass
from math import log, sqrt

import torch
from torch import Tensor

from etalon.augment.transform import centred, physical_axis, spread, uniform

FWHM_PER_SIGMA = sqrt(8.0 * log(2.0))
TRUNCATION = 4.0  # SD at which the Gaussian slit ends (6e-5 of its area lies beyond)


@dataclass(frozen=True)
class WavelengthShift:
    """Shift and stretch the axis under a spectrum; between points it is interpolated linearly.

    Both count in nm for NIR and in cm-1 for the mid-infrared and Raman.

    Attributes
    ----------
    shift : every point moves by a number uniform on +- this
    stretch : the ends move by a number uniform on +- this, one against the other, the middle stays
    """

    shift: float = 1.0
    stretch: float = 0.5

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        displacement = uniform(x, -self.shift, self.shift, generator).double()
        stretch = uniform(x, -self.stretch, self.stretch, generator).double()
        return displace(x, physical_axis(axis), displacement + stretch * centred(axis))


def displace(x: Tensor, axis: Tensor, displacement: Tensor) -> Tensor:
    r"""Return spectra moved along the axis, :math:`x'(\lambda) = x(\lambda - \delta(\lambda))`, interpolated linearly.

    Beyond its ends a spectrum keeps its last value.

    Parameters
    ----------
    x : shape (n, L); axis : float64, shape (L,), increasing
    displacement : float64, shape (n, 1) or (n, L), in units of the axis
    """
    places = (axis - displacement).clamp(axis[0], axis[-1]).expand(len(x), -1).contiguous()
    right = torch.searchsorted(axis, places).clamp(1, len(axis) - 1)
    left = right - 1
    share = (places - axis[left]) / (axis[right] - axis[left])
    return torch.lerp(x.gather(1, left), x.gather(1, right), share.to(x))


@dataclass(frozen=True)
class Resolution:
    """Broaden by a Gaussian slit, its full width at half maximum uniform between 0 and `fwhm`.

    `fwhm` counts in nm for NIR and in cm-1 for the mid-infrared and Raman. The slit comes on top of the instrument's.
    """

    fwhm: float = 8.0

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        fwhm = uniform(x, 0.0, self.fwhm, generator).double()
        return broaden(x, physical_axis(axis), fwhm, largest=self.fwhm)


def broaden(x: Tensor, axis: Tensor, fwhm: Tensor, largest: float) -> Tensor:
    """Return spectra broadened by a Gaussian: a band of width w becomes sqrt(w² + fwhm²) wide and keeps its area.

    Weights hold the length of axis that each point stands for, and sum to one, so that a constant stays constant up to
    the ends. Memory is that of a few tables of x's shape, whatever the width.

    Parameters
    ----------
    x : shape (n, L); axis : float64, shape (L,), increasing
    fwhm : float64, shape (n, 1), in units of the axis; 0 changes nothing
    largest : at least the largest of `fwhm`
    """
    steps = axis.diff()
    reach = min(int(TRUNCATION * largest / FWHM_PER_SIGMA / float(steps.min())) + 1, len(axis) - 1)
    nothing = steps.new_zeros(1)
    length = (0.5 * (torch.cat([steps, nothing]) + torch.cat([nothing, steps]))).to(x)
    rate = -0.5 * (FWHM_PER_SIGMA / fwhm) ** 2  # -inf for no width: its weights are 0
    change, weight = torch.zeros_like(x), length.expand_as(x).clone()
    for offset in range(1, reach + 1):  # both neighbours at that distance in points
        kernel = (rate * (axis[offset:] - axis[:-offset]) ** 2).exp().to(x)  # (n, L - offset)
        from_left, from_right = kernel * length[:-offset], kernel * length[offset:]
        step = x[:, offset:] - x[:, :-offset]
        change[:, offset:] -= from_left * step
        change[:, :-offset] += from_right * step
        weight[:, offset:] += from_left
        weight[:, :-offset] += from_right
    return x + change / weight


@dataclass(frozen=True)
class Trend:
    """Add a slow wave and smooth mildly: slow and fast parts of a spectrum change, its bands stay.

    For encoders that learn from spectra as measured instead of from their derivatives.

    Attributes
    ----------
    amplitude : the wave's amplitude is uniform between 0 and this, in SD of the spectrum; half a period to one and a
        half fit on the axis, at any phase
    smoothing : share of a point's value that its two neighbours take over, uniform between 0 and this
    """

    amplitude: float = 0.2
    smoothing: float = 0.5

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor:
        share = uniform(x, 0.0, self.smoothing, generator)
        neighbours = torch.cat([x[:, :1], x, x[:, -1:]], dim=1)
        smooth = (1.0 - share) * x + 0.5 * share * (neighbours[:, :-2] + neighbours[:, 2:])
        periods, phase = uniform(x, 0.5, 1.5, generator), uniform(x, 0.0, 2.0 * torch.pi, generator)
        wave = torch.sin(torch.pi * periods * centred(axis).to(x) + phase)
        return smooth + uniform(x, 0.0, self.amplitude, generator) * spread(x) * wave
