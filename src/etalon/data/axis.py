"""Spectral axes: from the source's unit to that of the data contract, increasing, and equal between scans."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from etalon.errors import BadInputError

NM_TIMES_CM1 = 1.0e7  # wavelength in nm times wavenumber in cm-1
SAME_AXIS_TOLERANCE = 1.0e-6  # relative; channel positions closer than this are the same


def to_contract(values: np.ndarray, unit: str, modality: str, where: object = "axis") -> tuple[np.ndarray, str]:
    """Return an axis in the unit of the data contract, and that unit.

    Wavenumbers become wavelengths in vacuum, 1e7 / wavenumber; Raman shifts, being differences of wavenumbers, stay
    in cm-1. The order of the channels is not changed.

    Parameters
    ----------
    values : shape (n_channels,), in `unit`
    unit : "nm", "cm-1" or "index"
    modality : "nir", "visnir", "mir" or "raman"

    Raises
    ------
    BadInputError
        For wavelengths or wavenumbers that are not positive.
    """
    values = np.asarray(values, dtype=np.float64)
    if unit != "index" and not (values > 0).all():
        raise BadInputError(where, "axis", f"positive values in {unit}", f"{values.min():g}")
    if unit == "cm-1" and modality != "raman":
        return NM_TIMES_CM1 / values, "nm"
    return values, unit


def increasing(wavelengths: np.ndarray, intensities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the axis in increasing order, and the channels, shape (n_samples, n_channels), in the same order."""
    order = np.argsort(wavelengths, kind="stable")
    return wavelengths[order], intensities[:, order]


def same_axis(first: np.ndarray, second: np.ndarray) -> bool:
    """Say whether two axes name the same channels, up to rounding in the source."""
    return first.shape == second.shape and np.allclose(first, second, rtol=SAME_AXIS_TOLERANCE, atol=0.0)


def on_axis(axis: np.ndarray, values: np.ndarray, target: np.ndarray, where: object = "axis") -> np.ndarray:
    """Return one spectrum, measured at the points `axis`, on the points `target`.

    Linear between points; unchanged where the axes are the same. Scans of one instrument may differ by a fraction of
    a channel, for which linear interpolation is exact enough.

    Raises
    ------
    BadInputError
        Where `target` reaches beyond `axis` by more than one channel: that would be extrapolation.
    """
    if same_axis(axis, target):
        return values
    order = np.argsort(axis)
    step = np.abs(np.diff(axis)).max()
    if target.min() < axis.min() - step or target.max() > axis.max() + step:
        found = f"a scan from {axis.min():g} to {axis.max():g}"
        raise BadInputError(where, "range", f"scans that cover {target.min():g} to {target.max():g}", found)
    return np.interp(target, axis[order], values[order])


class Grid(NamedTuple):
    """The axis onto which a reader brings spectra that their source keeps each on its own; None for that of the first.

    Attributes
    ----------
    points : shape (n_channels,), in the unit of the entry's axis
    """

    points: np.ndarray | None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Grid":
        """Return the grid that `options.grid` (first, last, step) describes."""
        if "grid" not in options:
            return cls(None)
        first, last, step = (options["grid"][name] for name in ("first", "last", "step"))
        if last <= first:
            raise BadInputError("options", "grid", "last above first", f"{first:g} to {last:g}")
        return cls(first + step * np.arange(round((last - first) / step) + 1))

    def bring(self, axis: np.ndarray, values: np.ndarray, where: object) -> tuple[np.ndarray, np.ndarray]:
        """Return the axis and the values of one spectrum on the grid, by linear interpolation.

        Raises
        ------
        BadInputError
            Where the grid reaches beyond the spectrum by more than one channel.
        """
        if self.points is None:
            return axis, values
        return self.points, on_axis(axis, values, self.points, where)
