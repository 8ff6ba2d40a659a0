"""Bands as lines on an axis of energy, in cm-1, and spectra made of them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from etalon.synthesis.bands import Band

REFERENCE_TEMPERATURE = 25.0  # degrees Celsius, of all tables


class Line(NamedTuple):
    """One band.

    Attributes
    ----------
    position, fwhm : wavenumber or Raman shift and full width at half maximum, cm-1, at 25 degrees Celsius
    height : of its maximum, in the unit of its table
    assignment : group and vibration
    warming : what one degree adds to its position, cm-1
    brightening : what one degree adds to its height, as a share of it
    lorentzian : share of a Lorentzian in its shape, the rest is Gaussian; as in `etalon.synthesis.bands`
    """

    position: float
    fwhm: float
    height: float
    assignment: str
    warming: float = 0.0
    brightening: float = 0.0
    lorentzian: float = 0.4


def from_band(band: Band) -> Line:
    """Return a band of the table in nm as a line."""
    fwhm = 1e7 * band.fwhm_nm / band.centre_nm**2
    return Line(1e7 / band.centre_nm, fwhm, band.height, band.assignment, band.warming_cm1, band.brightening)


def disturbed(lines: Iterable[Line], strength: float, broadening: float, rng: np.random.Generator) -> tuple[Line, ...]:
    """Return the lines of one matrix: hydrogen bonds, crystallinity and neighbours move, widen and scale each.

    Parameters
    ----------
    strength : 1 moves by a twentieth of the width and changes widths by 8 % and heights by 25 % (standard deviations)
    broadening : factor of all widths; areas stay. Solids are less uniform than the pure substances of the tables
    """
    return tuple(
        line._replace(
            position=line.position + 0.05 * strength * line.fwhm * rng.normal(),
            fwhm=line.fwhm * broadening * np.exp(0.08 * strength * rng.normal()),
            height=line.height / broadening * np.exp(0.25 * strength * rng.normal()),
        )
        for line in lines
    )


def spectrum(lines: Iterable[Line], axis: np.ndarray, temperature: float = REFERENCE_TEMPERATURE) -> np.ndarray:
    """Return the sum of `lines` at `temperature` (degrees Celsius), shape (n,).

    Parameters
    ----------
    axis : shape (n,), cm-1
    """
    warmer = temperature - REFERENCE_TEMPERATURE
    result = np.zeros_like(axis)
    for line in lines:
        distance = 2 * (axis - line.position - line.warming * warmer) / line.fwhm
        height = line.height * (1 + line.brightening * warmer)
        squared = distance**2
        gaussian = np.exp(-np.log(2) * squared)
        result += height * ((1 - line.lorentzian) * gaussian + line.lorentzian / (1 + squared))
    return result
