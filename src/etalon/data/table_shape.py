"""What the shape of a table tells: a row of units below the header, spectra that stand in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from etalon.data.raw_table import HEADER_NUMBER, Cell, RawTable, TransposedTable
from etalon.data.table_numbers import is_missing, is_number, parse_number
from etalon.errors import BadInputError

UNITS = {"nm": "nm", "cm-1": "cm-1", "cm^-1": "cm-1", "cm⁻¹": "cm-1", "1/cm": "cm-1"}
UNIT_WORDS = frozenset({"unit", "units", "einheit", "einheiten", "unité", "unités", "unidad", "unidades", "unità"})
# Words that head an axis.
AXIS_HEADER = re.compile(r"wave(length|number)s?|lambda|wellen(länge|zahl)|nm|cm\^?-1|cm⁻¹|1/cm", re.IGNORECASE)
# As many channels, between these ends (nm or cm-1), are an axis rather than a column of numbers of something else.
MOST_LIKELY_AXIS, LOWEST, HIGHEST = 10, 180.0, 30_000.0
CHANNELS = 3


def axis_unit(text: Cell) -> str | None:
    """Return the unit of an axis that a text is, brackets and blanks aside; None where it is none."""
    return UNITS.get("".join(str(text).casefold().split()).strip("()[]."))


def part_units(table: RawTable) -> RawTable:
    """Return a table without the row of units below its header, which is kept as `units`.

    Such a row holds no number, and one and the same text under all channels: a unit of the axis, or anything or nothing
    where the first column is empty. A row without a spectrum is none: it has a name. So it is in a table of references.
    """
    if len(table.rows) < 2:
        return table
    row = table.rows[0]
    heads = [column for column, cell in enumerate(table.header_cells) if HEADER_NUMBER.fullmatch(str(cell))]
    under = {str(row[column]) for column in heads}
    others = [cell for column, cell in enumerate(row) if column not in heads]
    if len(heads) < CHANNELS:  # a table of references
        heads, under, others = [], {""}, row
    if len(under) != 1 or any(is_number(cell) for cell in row):
        return table
    nameless = row[0] == "" or str(row[0]).casefold() in UNIT_WORDS
    text = under.pop()
    if text != "" and is_missing(text):  # "NA": a spectrum that was not measured
        return table
    if axis_unit(text) is None and not (nameless and any(cell != "" for cell in (text, *others))):
        return table
    return replace(table, rows=table.rows[1:], row_numbers=table.row_numbers[1:], units=tuple(row))


def spectra_in_columns(table: RawTable) -> str | None:
    """Return how the first column looks like an axis, in words; None where it does not."""
    if isinstance(table, TransposedTable) or len(table.rows) < MOST_LIKELY_AXIS:
        return None
    cells = [row[0] for row in table.rows]
    for comma in (False, True):
        numbers = [parse_number(cell, comma) for cell in cells if cell != ""]
        values = np.array([np.nan if number is None else number for number in numbers])
        # Some rows above the axis may hold laboratory values.
        values = values[np.isfinite(values)]
        steps = np.diff(values)
        plausible = len(values) >= MOST_LIKELY_AXIS and values.min() >= LOWEST and values.max() <= HIGHEST
        if plausible and len(values) >= 0.8 * len(cells) and ((steps > 0).all() or (steps < 0).all()):
            ends = f"{values[0]:g} to {values[-1]:g}"
            return f"{table.column_name(0)} runs from {ends} like an axis: spectra in columns? --transpose"
    return None


@contextmanager
def pointing_out_columns(table: RawTable) -> Iterator[None]:
    """Add to errors on a table that its spectra seem to stand in columns; raise one where a header says so."""
    along = spectra_in_columns(table)
    if along and is_headed_as_axis(table):
        raise BadInputError(table.path, "table", "one spectrum a row", along)
    try:
        yield
    except BadInputError as error:
        if along is None:
            raise
        raise BadInputError(error.where, error.field, error.expected, f"{error.found}; {along}") from error


def is_headed_as_axis(table: RawTable) -> bool:
    """Say whether the first column's header names an axis."""
    return AXIS_HEADER.search(table.header[0]) is not None
