"""Small multiples by perturbation: their titles, the amplitudes below them, and a log axis of ratios."""

from dataclasses import dataclass
from itertools import zip_longest

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter


@dataclass(frozen=True)
class Panel:
    """A perturbation: its title, what its amplitude measures, and the units that may count in."""

    title: str
    amplitude: str
    units: tuple[str, ...]


PANELS = {
    "baseline_drift": Panel("Baseline drift", "RMS", ("AU", "SD")),
    "multiplicative_scatter": Panel("Multiplicative scatter", "SD of gain", ("1",)),
    "additive_offset": Panel("Additive offset", "SD", ("AU", "SD")),
    "noise": Panel("Noise", "SD", ("AU", "SD")),
    "wavelength_shift": Panel("Wavelength shift", "Shift ±", ("nm", "cm-1")),
    "resolution": Panel("Resolution", "Added FWHM", ("nm", "cm-1")),
    "dropped_bands": Panel("Dropped band", "Width", ("nm", "cm-1")),
}
UNITS = {"AU": "AU", "SD": "signal SD", "nm": "nm", "cm-1": "cm⁻¹", "1": ""}


def with_levels(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the `level` of each amplitude: its rank among those that its dataset was tested with."""
    return rows.assign(level=rows.groupby(["dataset", "condition"])["amplitude"].rank("dense"))


def label_amplitudes(axis: Axes, panel: Panel, rows: pd.DataFrame) -> None:
    """Write the amplitude of every level below the axis, one line for each unit that counts differently."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for unit in panel.units:
        own = rows[rows["amplitude_unit"] == unit]
        if len(own):
            lines.setdefault(_levels(own), []).append(unit)
    names = [" or ".join(UNITS[unit] for unit in units) for units in lines.values()]
    ticks = ["\n".join(column) for column in zip_longest(*(("0", *labels) for labels in lines), fillvalue="")]
    axis.set_xticks(range(len(ticks)), ticks)
    unit = "; below ".join(names)
    axis.set_xlabel(f"{panel.amplitude} ({unit})" if unit else panel.amplitude)


def _levels(rows: pd.DataFrame) -> tuple[str, ...]:
    amplitudes = rows.groupby("level")["amplitude"].unique()
    return tuple("\n".join(f"{value:g}" for value in sorted(values)) for values in amplitudes)


def log_scale(axis: Axes) -> None:
    """Make the vertical axis logarithmic, with ticks at round numbers written in full."""
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    axis.yaxis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0) if high > 10.0 * low else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
    )
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
