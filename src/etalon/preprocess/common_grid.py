"""Absorbance spectra of different instruments on one grid of wavenumbers."""

import numpy as np

from etalon.errors import BadInputError, NotRunError

# Reflectances below this (0.1 %) are detector noise; their logarithm would have no bound.
LEAST_REFLECTANCE = 1e-3
FRACTION_OF = {"reflectance": 1.0, "transmittance": 1.0, "reflectance_percent": 0.01, "transmittance_percent": 0.01}


def regular_grid(first: float, last: float, step: float) -> np.ndarray:
    """Return wavenumbers from `first` to at most `last`, cm-1, increasing."""
    return first + step * np.arange(int(np.floor((last - first) / step + 1e-9)) + 1)


def absorbance(intensities: np.ndarray, representation: str, where: object = "spectra") -> np.ndarray:
    """Return log10(1/R) of reflectances (or log10(1/T)), and absorbances as they are.

    Raises
    ------
    NotRunError : what was measured is no longer known, such as after a derivative
    """
    if representation == "absorbance":
        return np.asarray(intensities, dtype=np.float64)
    if representation not in FRACTION_OF:
        raise NotRunError(f"{where}: expected absorbance or reflectance, found {representation}")
    return -np.log10(np.maximum(intensities * FRACTION_OF[representation], LEAST_REFLECTANCE))


def bin_means(wavenumbers: np.ndarray, spectra: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the mean of each spectrum over the bins around the points of a regular grid, shape (n, len(grid)).

    Spectra are taken as linear between their channels, and that is integrated exactly: a coarser grid so averages and
    does not fold fine structure or noise into other places, a finer one interpolates.

    Parameters
    ----------
    wavenumbers : shape (n_channels,), cm-1, in either order; spectra : shape (n, n_channels)
    grid : regular, cm-1, increasing

    Raises
    ------
    NotRunError : the spectra do not reach over the grid (half a bin at either end may lack)
    """
    if not covers(wavenumbers, grid):
        measured = f"{wavenumbers.min():.0f}-{wavenumbers.max():.0f}"
        raise NotRunError(f"measured at {measured} cm-1, not all of {grid[0]:.0f}-{grid[-1]:.0f} cm-1")
    steps = np.diff(grid)
    if len(grid) < 2 or not np.allclose(steps, steps[0]):
        raise BadInputError("grid", "steps", "one step, at least two points", f"{len(grid)} points")
    order = np.argsort(wavenumbers)
    x, y = np.asarray(wavenumbers, dtype=np.float64)[order], np.asarray(spectra, dtype=np.float64)[:, order]
    edges = np.clip(np.r_[grid - steps[0] / 2, grid[-1] + steps[0] / 2], x[0], x[-1])
    area = np.concatenate([np.zeros((len(y), 1)), np.cumsum(0.5 * (y[:, 1:] + y[:, :-1]) * np.diff(x), axis=1)], axis=1)
    # Within its interval the integral is a parabola: the trapezoid up to the edge.
    left = np.clip(np.searchsorted(x, edges, side="right") - 1, 0, len(x) - 2)
    part = edges - x[left]
    slope = (y[:, left + 1] - y[:, left]) / (x[left + 1] - x[left])
    up_to = area[:, left] + part * (y[:, left] + 0.5 * part * slope)
    return np.diff(up_to, axis=1) / np.diff(edges)


def covers(wavenumbers: np.ndarray, grid: np.ndarray) -> bool:
    """Say whether spectra measured at `wavenumbers` reach over the points of `grid`."""
    step = grid[1] - grid[0]
    return bool(wavenumbers.min() <= grid[0] + 0.25 * step and wavenumbers.max() >= grid[-1] - 0.25 * step)
