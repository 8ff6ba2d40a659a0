"""Laboratory values of a table: one reference a row out of its determinations, some of them beyond a limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from etalon.contracts import BEYOND_LIMIT
from etalon.data.raw_table import Entry, RawTable
from etalon.data.table_numbers import Beyond, is_missing, not_a_number, parse_beyond, parse_number
from etalon.errors import BadInputError

MISSING, HALF, LIMIT = BEYOND_LIMIT


class Determined(NamedTuple):
    """The references of one target.

    Attributes
    ----------
    values : float64, shape (n_rows,), the mean of each row's determinations; NaN where not measured
    below, above : bool, shape (n_rows,), a determination lies beyond a limit
    measured : of each row, the determinations that are numbers
    """

    values: np.ndarray
    below: np.ndarray
    above: np.ndarray
    measured: list[list[float]]

    def duplicates(self, specimen: np.ndarray) -> list[list[float]]:
        """Return the determinations of every reference that has several; scans of one specimen share theirs."""
        found = {
            (name, *numbers): numbers for name, numbers in zip(specimen.tolist(), self.measured, strict=True) if numbers
        }
        return [numbers for numbers in found.values() if len(numbers) > 1]


def determined(
    table: RawTable, columns: Sequence[int], decimal_comma: bool, beyond_limit: str | None = None
) -> Determined:
    """Return the references of a target from its columns.

    Parameters
    ----------
    beyond_limit : what stands for a value below or above a limit, such as "<0.5": "missing", NaN for the whole
        reference, as the mean of the rest would lie too high; "half" of a limit below which it lies, and the limit
        above which it lies; the "limit". None refuses such a cell.

    Raises
    ------
    BadInputError : a cell that is neither number nor missing; no value at all
    """
    n_rows = len(table.rows)
    values, below, above = np.full(n_rows, np.nan), np.zeros(n_rows, bool), np.zeros(n_rows, bool)
    measured: list[list[float]] = [[] for _ in range(n_rows)]
    for row in range(n_rows):
        numbers = []
        for entry in (entry for column in columns for entry in table.entries(row, column)):
            if is_missing(entry.cell):
                continue
            comma = decimal_comma if entry.decimal_comma is None else entry.decimal_comma
            if (beyond := parse_beyond(entry.cell, comma)) is not None:
                numbers.append(_stand_in(table, entry, beyond, beyond_limit))
                (below if beyond.below else above)[row] = True
                continue
            number = parse_number(entry.cell, comma)
            if number is None or not np.isfinite(number):
                raise not_a_number(table, entry, comma, "a number, or an empty cell where not measured")
            numbers.append(number)
            measured[row].append(number)
        if numbers:
            values[row] = np.mean(numbers)
    if np.isnan(values).all():
        n_beyond = int((below | above).sum())
        found = f"none ({n_beyond} beyond a limit)" if n_beyond else "none"
        raise BadInputError(table.path, table.column_name(columns[0]), "laboratory values", found)
    return Determined(values, below, above, measured)


def _stand_in(table: RawTable, entry: Entry, beyond: Beyond, beyond_limit: str | None) -> float:
    """Return the number that stands for a value beyond a limit."""
    cell, place, _ = entry
    if beyond_limit is None:
        expected = f"a number (or --beyond-limit {MISSING}, {HALF} or {LIMIT}, for values below or above a limit)"
        raise BadInputError(table.path, place, expected, repr(cell))
    if beyond_limit == MISSING:
        return float("nan")
    if beyond.limit is None:
        raise BadInputError(table.path, place, f"the limit as a number (or --beyond-limit {MISSING})", repr(cell))
    if beyond_limit == HALF and beyond.below:
        if beyond.limit < 0:
            expected = f"a limit of which half is below it (or --beyond-limit {MISSING} or {LIMIT})"
            raise BadInputError(table.path, place, expected, repr(cell))
        return beyond.limit / 2
    return beyond.limit
