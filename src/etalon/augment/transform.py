"""What every transform takes and gives, the axis it acts along, and its random numbers."""

from typing import Protocol

import torch
from torch import Tensor

# Beyond it an axis in nm is one of the mid-infrared; shifts of Raman spectra (cm-1) end below it.
LONGEST_NIR = 4000.0


class Transform(Protocol):
    """Disturbs spectra that share one axis; an amplitude of 0 changes nothing.

    Takes spectra, float, shape (n, L), their axis, float64, shape (L,), strictly increasing (nm, or Raman shift in
    cm-1, as in `etalon.contracts.SpectraSet`), and a generator on the CPU. Returns new spectra, shape (n, L), on the
    device and in the type of the old ones. Each spectrum is disturbed differently; amplitudes of intensity count in
    standard deviations (SD) of that spectrum.
    """

    def __call__(self, x: Tensor, axis: Tensor, generator: torch.Generator) -> Tensor: ...


def physical_axis(axis: Tensor) -> Tensor:
    """Return the axis along which instruments differ, float64, shape (L,), increasing.

    nm for NIR, cm-1 for Raman. The mid-infrared, which is stored as 1e7 / wavenumber, is returned as its wavenumber
    with a minus sign, so that it still increases.
    """
    axis = axis.double()
    return -1e7 / axis if axis[-1] > LONGEST_NIR else axis


def centred(axis: Tensor) -> Tensor:
    """Return the physical axis mapped to [-1, 1], float64, shape (L,)."""
    axis = physical_axis(axis)
    return 2.0 * (axis - axis[0]) / (axis[-1] - axis[0]) - 1.0


def spread(x: Tensor) -> Tensor:
    """Return the SD within each spectrum, shape (n, 1)."""
    return x.std(dim=1, keepdim=True, correction=0)


def uniform(x: Tensor, low: float, high: float, generator: torch.Generator, size: int = 1) -> Tensor:
    """Return `size` numbers a spectrum, shape (n, size), uniform on [low, high), on the device and in the type of x."""
    return (low + (high - low) * torch.rand((len(x), size), generator=generator)).to(x)


def normal(x: Tensor, generator: torch.Generator, size: int = 1) -> Tensor:
    """Return `size` standard normal numbers a spectrum, shape (n, size), on the device and in the type of x."""
    return torch.randn((len(x), size), generator=generator).to(x)


def on_device(generator: torch.Generator, device: torch.device) -> torch.Generator:
    """Return a generator on `device`: the given one, or a new one seeded by it.

    Many random numbers are drawn where they are used; a copy from the CPU would take longer than the draw.
    """
    if generator.device.type == device.type:
        return generator
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)
