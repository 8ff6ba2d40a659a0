"""The axis of a table: the numbers in its headers, their unit, and whether an instrument may have measured there."""

import re

import numpy as np

from etalon.data.axis import NM_TIMES_CM1, to_contract
from etalon.data.gather import GatheredTable
from etalon.data.raw_table import HEADER_NUMBER, RawTable, TransposedTable
from etalon.data.references import spectra_of
from etalon.data.table_columns import channel_text
from etalon.data.table_numbers import parse_number
from etalon.data.table_shape import axis_unit
from etalon.errors import BadInputError

# Where spectrometers of a kind measure, in nm (Raman: shift in cm-1), widely: an axis outside has the wrong unit.
RANGES = {"nir": (500.0, 3500.0), "visnir": (180.0, 3500.0), "mir": (1400.0, 2.0e5), "raman": (0.0, 6000.0)}
# An instrument that begins below this is called visible and near infrared (nm).
VISIBLE_END = 700.0
AXIS_UNIT = re.compile(r"\bnm\b|cm\^?-1|cm⁻¹|1/cm", re.IGNORECASE)


def header_axis(table: RawTable, channels: list[int], decimal_comma: bool) -> np.ndarray:
    """Return the numbers in the channels' headers, float64, strictly rising or strictly falling."""
    values = np.empty(len(channels))
    for i, column in enumerate(channels):
        number = parse_number(channel_text(table, column), decimal_comma)
        if number is None:
            expected = f"a number with a decimal {'comma' if decimal_comma else 'point'}, as in other headers"
            raise BadInputError(
                table.path, f"header, {table.column_name(column)}", expected, repr(table.header[column])
            )
        values[i] = number
    _check_order(table, channels, values)
    return values


def _check_order(table: RawTable, channels: list[int], values: np.ndarray) -> None:
    seen: dict[float, int] = {}
    for column, value in zip(channels, values.tolist(), strict=True):
        if value in seen:
            found = f"{value:.10g} in {table.places(seen[value])} and {table.places(column)}"
            raise BadInputError(table.path, "header", "channels that occur once", found)
        seen[value] = column
    steps = np.diff(values)
    rising = np.median(steps) > 0
    wrong = steps < 0 if rising else steps > 0
    if wrong.any():
        i = int(np.argmax(wrong))
        expected = f"channels that only {'rise' if rising else 'fall'}"
        found = f"{values[i + 1]:.10g} after {values[i]:.10g}"
        raise BadInputError(table.path, f"header, {table.column_name(channels[i + 1])}", expected, found)


def physical_axis(
    table: RawTable, first_channel: int, values: np.ndarray, said_unit: str | None, modality: str | None
) -> tuple[np.ndarray, str, str]:
    """Return the axis, shape (n_channels,), its unit in the contract and the modality.

    Parameters
    ----------
    values : of the channels, as in the headers
    said_unit, modality : what the user says; None leaves it to the file, and the modality to the first channel

    Raises
    ------
    BadInputError : a unit that nobody states, or other than stated; an axis where no such instrument measures
    """
    unit = _unit(table, first_channel, values, said_unit)
    if isinstance(own := spectra_of(table), GatheredTable):
        modality = modality or own.modality
    if modality == "raman" and unit != "cm-1":
        raise BadInputError(table.path, "--axis-unit", "cm-1, the Raman shift", repr(unit))
    axis, axis_unit = to_contract(values, unit, modality or "", table.path)
    low, high = float(axis.min()), float(axis.max())
    if modality is None and RANGES["visnir"][0] <= low and high <= RANGES["visnir"][1]:
        modality = "visnir" if low < VISIBLE_END else "nir"
    first, last = RANGES[modality or "visnir"]
    if modality is None or low < first or high > last:
        kind = modality or "nir or visnir"
        expected = f"{kind} channels between {first:g} and {last:g} {axis_unit}"
        converted = f" = {low:.6g} to {high:.6g} {axis_unit}" if unit != axis_unit else ""
        hint = "another --axis-unit or --modality?"
        if first <= 1000 * low and 1000 * high <= last and unit == "nm":
            hint = "micrometres? The header has to be in nm"
        found = f"{values.min():.10g} to {values.max():.10g} {unit}{converted} ({hint})"
        raise BadInputError(table.path, "header", expected, found)
    return axis, axis_unit, modality


def _unit(table: RawTable, first_channel: int, values: np.ndarray, said: str | None) -> str:
    """Return the unit of the channels: what the user says, else what the file states. A guess is only suggested."""
    stated, where = stated_unit(table, first_channel)
    if said is not None and stated not in (None, said):
        raise BadInputError(table.path, "--axis-unit", f"{stated}, as {where}", repr(said))
    if (unit := said or stated) is not None:
        return unit
    low, high = float(values.min()), float(values.max())
    fits = [unit for unit, ends in (("nm", (low, high)), ("cm-1", (_nm(high), _nm(low)))) if _near_infrared(*ends)]
    hint = f"; {fits[0]} would be near infrared" if len(fits) == 1 else ""
    found = f"none, and channels from {low:.6g} to {high:.6g}{hint}"
    raise BadInputError(table.path, "--axis-unit", "nm or cm-1, which the file does not say", found)


def _nm(wavenumber: float) -> float:
    return NM_TIMES_CM1 / wavenumber if wavenumber > 0 else np.inf


def _near_infrared(low: float, high: float) -> bool:
    return RANGES["visnir"][0] <= low and high <= RANGES["visnir"][1]


def stated_unit(table: RawTable, channel: int) -> tuple[str | None, str]:
    """Return the unit that a file states for its channels, None for none, and where it does."""
    own = spectra_of(table).first
    if isinstance(own, GatheredTable):
        return own.unit, "in the files"
    if table.units and (stated := axis_unit(table.units[channel])):
        return stated, "in the row of units"
    if isinstance(own, TransposedTable) and (match := AXIS_UNIT.search(table.header[0])):
        return axis_unit(match[0]), f"in the header {table.header[0]!r}"
    match = HEADER_NUMBER.fullmatch(table.header[channel])
    return axis_unit((match and match["suffix"]) or ""), f"in the header {table.header[channel]!r}"
