"""Numbers in the cells of a table, in one decimal notation, each refusal with its row and column."""

import re
from collections.abc import Iterable
from typing import Literal

import numpy as np

from etalon.data.raw_table import Cell, RawTable
from etalon.errors import BadInputError

Notation = Literal["comma", "point", "open", "none"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d*([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
# What laboratories write where nothing was measured; not "nd", which may mean not detected: a result.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--", "."})
LIMITS = ("<", ">", "≤", "≥")
_LARGEST = float(np.finfo(np.float32).max)


def parse_number(cell: Cell, decimal_comma: bool) -> float | None:
    """Return the number in a cell, or None where it holds anything else: text, NaN, separated thousands."""
    if not isinstance(cell, str):
        return float(cell)
    if decimal_comma:
        if "." in cell:
            return None
        cell = cell.replace(",", ".")
    return float(cell) if _NUMBER.fullmatch(cell) else None


def is_number(cell: Cell) -> bool:
    """Say whether a cell holds a number, with a decimal point or comma."""
    return any(parse_number(cell, comma) is not None for comma in (False, True))


def is_missing(cell: Cell) -> bool:
    return isinstance(cell, str) and cell.casefold() in MISSING


def decimal_notation(cells: Iterable[Cell]) -> Notation:
    """Say how most of the numbers among `cells` are written.

    Most, and not all, so that one odd cell is refused later by its row and column. "open" where every comma may
    part thousands as well (1,234), "none" where no number has a decimal mark.
    """
    texts = [cell for cell in cells if isinstance(cell, str)]
    with_comma = [text for text in texts if "," in text and _DECIMAL_COMMA.fullmatch(text)]
    n_points = sum("." in text and _NUMBER.fullmatch(text) is not None for text in texts)
    if len(with_comma) > n_points:
        return "open" if all(_THOUSANDS.fullmatch(text) for text in with_comma) else "comma"
    return "point" if n_points else "none"


def channel_values(table: RawTable, columns: list[int], decimal_comma: bool) -> np.ndarray:
    """Return the intensities in `columns`, float32, shape (n_rows, n_columns); BadInputError where one is no number."""
    values = np.empty((len(table.rows), len(columns)), dtype=np.float64)
    for i, row in enumerate(table.rows):
        for j, column in enumerate(columns):
            number = parse_number(row[column], decimal_comma)
            if number is None or not abs(number) <= _LARGEST:
                raise not_a_number(table, i, column, decimal_comma)
            values[i, j] = number
    return values.astype(np.float32)


def target_values(table: RawTable, column: int, decimal_comma: bool) -> np.ndarray:
    """Return the laboratory values in one column, float64, shape (n_rows,), NaN where not measured."""
    values = np.full(len(table.rows), np.nan)
    for i, row in enumerate(table.rows):
        if not is_missing(row[column]):
            number = parse_number(row[column], decimal_comma)
            if number is None or not np.isfinite(number):
                expected = "a number, or an empty cell where not measured"
                if str(row[column])[:1] in LIMITS:
                    expected += " (beyond a limit it is for you to decide: empty, the limit, or half of it)"
                raise not_a_number(table, i, column, decimal_comma, expected)
            values[i] = number
    if np.isnan(values).all():
        raise BadInputError(table.path, table.column_name(column), "laboratory values", "none")
    return values


def looks_numeric(table: RawTable, column: int, decimal_comma: bool) -> bool:
    """Say whether at least half of the filled cells are numbers, so that a stray "<0.5" hides no target."""
    filled = [row[column] for row in table.rows if not is_missing(row[column])]
    numbers = sum(parse_number(cell, decimal_comma) is not None for cell in filled)
    return numbers > 0 and 2 * numbers >= len(filled)


def not_a_number(
    table: RawTable, row: int, column: int, decimal_comma: bool, expected: str = "a finite number"
) -> BadInputError:
    cell = table.rows[row][column]
    if isinstance(cell, str) and re.fullmatch(r"[+-]?[\d.,' ]*\d[\d.,' ]*([eE][+-]?\d+)?", cell):
        expected += f" with a decimal {'comma' if decimal_comma else 'point'} and thousands together"
    found = "an empty cell" if cell == "" else repr(cell)
    return BadInputError(table.path, table.cell_name(row, column), expected, found)
