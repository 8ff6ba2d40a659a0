"""Where a point lies on the physical axis, on the scale that all modalities share: the logarithm of wavelength."""

import math

import torch
from torch import Tensor, nn

from etalon.errors import NotRunError

# NIR and visible spectra lie on one continuous range, on which a modality makes no difference.
MODALITY_NUMBER = {"nir": 0, "visnir": 0, "mir": 1, "raman": 2}
SMALLEST_SHIFT_CM1 = 1.0  # a Raman axis may begin at or below the laser line, which has no logarithm
CENTRE = math.log(1000.0)
# In ln(nm): the whole axis, and 120 nm at 2000 nm. A period has to span several points of every grid: what is faster
# would depend on the sampling.
LONGEST_PERIOD, SHORTEST_PERIOD = 8.0, 0.06


def log_wavelength(wavelengths: Tensor, modality: str, axis_unit: str) -> Tensor:
    """Return ln of the wavelength in nm, float64, shape (L,); of a Raman shift, that of light of the shift's energy.

    A vibration so has one place, whether it absorbs or scatters.

    Raises
    ------
    NotRunError : only channel numbers are known
    """
    if axis_unit == "index":
        raise NotRunError("no wavelength axis")
    axis = wavelengths.double()
    return (1e7 / axis.clamp_min(SMALLEST_SHIFT_CM1)).log() if axis_unit == "cm-1" else axis.log()


def log_quadrature(coordinates: Tensor) -> Tensor:
    """Return ln of the trapezoid weight of each point of a monotonic axis, shape (L,): the length it stands for.

    Points on top of one another get -inf but for the outer two. A single point stands for all, with 0.
    """
    if len(coordinates) == 1:
        return torch.zeros_like(coordinates)
    steps = coordinates.diff().abs()
    zero = steps.new_zeros(1)
    return (0.5 * (torch.cat([steps, zero]) + torch.cat([zero, steps]))).log()


class AxisEncoding(nn.Module):
    """Sines and cosines of the coordinate at geometrically spaced periods, and the coordinate itself.

    Fourier features as in Jaegle et al. 2021, Perceiver (arXiv:2103.03206), of the physical axis, not of the index.
    `size` is odd: pairs and one.
    """

    frequencies: Tensor

    def __init__(self, size: int):
        super().__init__()
        periods = torch.logspace(math.log10(LONGEST_PERIOD), math.log10(SHORTEST_PERIOD), size // 2)
        self.register_buffer("frequencies", 2 * math.pi / periods, persistent=False)

    def forward(self, coordinates: Tensor) -> Tensor:
        """Return the encoding of coordinates in ln(nm), shape (..., size)."""
        centred = (coordinates - CENTRE).unsqueeze(-1)
        angles = centred * self.frequencies
        return torch.cat([centred / 2, angles.sin(), angles.cos()], dim=-1)
