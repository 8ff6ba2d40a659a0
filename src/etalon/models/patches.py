"""Spectra of any grid on one number of points, cut into overlapping patches, and put together again."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from etalon.models.axis_encoding import log_wavelength
from etalon.models.encoder import GridBatch
from etalon.models.function_space import physical_axis


class Resampling:
    """Linear interpolation between a grid and `points` at equal distances on its physical axis (nm or cm-1).

    Attributes
    ----------
    axis : float64, shape (points,), strictly increasing, in the unit of the stored axis
    coordinates : float32, shape (points,), ln of the wavelength in nm: the place of a vibration whatever the modality

    Raises
    ------
    NotRunError : only channel numbers are known
    """

    def __init__(self, wavelengths: Tensor, modality: str, axis_unit: str, points: int):
        stored = wavelengths.double().numpy(force=True)
        physical = physical_axis(stored, modality, axis_unit)
        own = physical if physical[-1] > physical[0] else -physical  # interpolation wants an increasing axis
        even = np.linspace(own[0], own[-1], points)
        device = wavelengths.device
        self._to, self._from = _brackets(own, even, device), _brackets(even, own, device)
        axis = np.interp(even, own, stored)
        self.axis = torch.from_numpy(axis).to(device)
        self.coordinates = log_wavelength(self.axis, modality, axis_unit).float()

    def apply(self, values: Tensor) -> Tensor:
        """Return values on the points, shape (..., points), of values on the grid, shape (..., L)."""
        return _interpolate(values, *self._to)

    def back(self, values: Tensor) -> Tensor:
        """Return values on the grid, shape (..., L), of values on the points, shape (..., points)."""
        return _interpolate(values, *self._from)


@lru_cache(maxsize=64)
def _resampling(wavelengths: bytes, modality: str, axis_unit: str, points: int, device: torch.device) -> Resampling:
    with torch.inference_mode(False):  # what is first met while embedding may later be trained on
        return Resampling(torch.from_numpy(np.frombuffer(wavelengths).copy()).to(device), modality, axis_unit, points)


def resampling_of(batch: GridBatch, points: int) -> Resampling:
    """Return the resampling of a batch's grid; one grid is worked out once."""
    axis = batch.wavelengths.double().numpy(force=True)
    return _resampling(axis.tobytes(), batch.modality, batch.axis_unit, points, batch.intensities.device)


def _brackets(own: np.ndarray, wanted: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return for each wanted place the channel at or before it, and the weight of the next one."""
    low = np.clip(np.searchsorted(own, wanted, side="right") - 1, 0, len(own) - 2)
    weight = np.clip((wanted - own[low]) / (own[low + 1] - own[low]), 0.0, 1.0)
    return torch.from_numpy(low).to(device), torch.from_numpy(weight).float().to(device)


def _interpolate(values: Tensor, low: Tensor, weight: Tensor) -> Tensor:
    return torch.lerp(values[..., low], values[..., low + 1], weight.to(values))


def count(points: int, length: int, stride: int) -> int:
    """Return the number of patches."""
    return (points - length) // stride + 1


def cut(values: Tensor, length: int, stride: int) -> Tensor:
    """Return overlapping patches, shape (..., T, length), of values, shape (..., points)."""
    return values.unfold(-1, length, stride)


def join(patches: Tensor, points: int, stride: int) -> Tensor:
    """Return values, shape (B, points): each point the mean of the patches that cover it; 0 where none does.

    Parameters
    ----------
    patches : shape (B, T, length), as `cut` makes them
    """
    B, T, length = patches.shape
    size, kernel = (1, points), (1, length)
    summed = torch.nn.functional.fold(patches.transpose(1, 2), size, kernel, stride=(1, stride)).view(B, points)
    ones = torch.ones(1, length, T, dtype=patches.dtype, device=patches.device)
    covers = torch.nn.functional.fold(ones, size, kernel, stride=(1, stride)).view(1, points)
    return summed / covers.clamp_min(1.0)
