r"""What holds a decoder to the bands of spectra: more weight within some, or the areas of named vibrations."""

from collections.abc import Sequence

import torch
from torch import Tensor

# Bands of soils in diffuse reflection, cm-1, and what absorbs there (Nguyen, Janik and Raupach 1991, Aust. J. Soil Res.
# 29, 49; Farmer 1974, The Infrared Spectra of Minerals).
ASSIGNED = {
    "O-H of clay minerals and water": (3000.0, 3750.0),
    "C-H of organic matter": (2820.0, 2960.0),
    "carbonate, overtones": (2420.0, 2620.0),
    "quartz, overtones": (1750.0, 2060.0),
    "C=O, amide I, water": (1550.0, 1750.0),
    "carbonate v3, carboxylate": (1330.0, 1530.0),
    "Si-O stretching": (950.0, 1270.0),
    "carbonate v2": (855.0, 895.0),
    "quartz doublet": (760.0, 820.0),
}


def within(grid: Tensor, band: tuple[float, float]) -> Tensor:
    """Return which points of a grid lie in a band, bool, shape (C,)."""
    return (grid >= band[0]) & (grid <= band[1])


def band_weights(grid: Tensor, bands: Sequence[tuple[float, float]], factor: float) -> Tensor:
    """Return a weight of each channel, mean 1: `factor` times as much inside any of `bands`; shape (C,)."""
    inside = torch.stack([within(grid, band) for band in bands]).any(dim=0)
    weight = torch.where(inside, factor, 1.0)
    return weight / weight.mean()


def area_error(pred: Tensor, true: Tensor, grid: Tensor, bands: Sequence[tuple[float, float]]) -> Tensor:
    r"""Return the mean squared error of band areas, each over the width of its band; shape (B,).

    .. math:: \frac{1}{N} \sum_{n=1}^N \left( \frac{1}{|n|} \sum_{c \in n} \hat x_{bc} - x_{bc} \right)^2

    By the law of Beer and Lambert the area of a vibration's band is proportional to the amount of what vibrates,
    whatever its shape: an error that keeps one sign over a band is an error of amount, one that changes it is not.

    Parameters
    ----------
    pred, true : shape (B, C); grid : shape (C,), cm-1; bands : N ranges, cm-1
    """
    error = pred - true
    areas = [error[:, inside].mean(dim=1) for band in bands if (inside := within(grid, band)).any()]
    return torch.stack(areas, dim=1).square().mean(dim=1)
