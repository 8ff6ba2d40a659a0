"""Numbers in the cells of a table, in one decimal notation, each refusal with its row and column."""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

from etalon.data.raw_table import Cell, Entry, RawTable
from etalon.errors import BadInputError

Notation = Literal["comma", "point", "open", "none"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d*([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
# What laboratories write where nothing was measured; not "nd", which may mean not detected: a result.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--", "."})
# A result beyond a limit of the method: "<0.5", "> 100", "<=0,5", "<LOQ".
_BEYOND = re.compile(r"(?P<sign>[<>≤≥])\s*=?\s*(?P<number>.*)")
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


class Beyond(NamedTuple):
    """A result beyond a limit: which side of it, and the limit, None where the cell gives no number."""

    below: bool
    limit: float | None


def parse_beyond(cell: Cell, decimal_comma: bool) -> Beyond | None:
    """Return what a cell such as "<0.5" says, or None where it is no such cell.

    It is text where numbers may be typed cells, and written by hand: the other decimal mark is read too, unless it may
    part thousands.
    """
    match = _BEYOND.fullmatch(cell) if isinstance(cell, str) else None
    if match is None:
        return None
    limit = parse_number(match["number"], decimal_comma)
    if limit is None and not _THOUSANDS.fullmatch(match["number"].replace(".", ",")):
        limit = parse_number(match["number"], not decimal_comma)
    return Beyond(match["sign"] in "<≤", limit if limit is None or np.isfinite(limit) else None)


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
                raise not_a_number(table, Entry(row[column], table.cell_name(i, column)), decimal_comma)
            values[i, j] = number
    return values.astype(np.float32)


def looks_numeric(table: RawTable, column: int, decimal_comma: bool) -> bool:
    """Say whether some filled cells are numbers, and with those beyond a limit ("<0.5") at least half of them."""
    entries = [entry for row in range(len(table.rows)) for entry in table.entries(row, column)]
    filled = [(cell, decimal_comma if own is None else own) for cell, _, own in entries if not is_missing(cell)]
    numbers = sum(parse_number(*one) is not None for one in filled)
    beyond = sum(parse_beyond(*one) is not None for one in filled)
    return numbers > 0 and 2 * (numbers + beyond) >= len(filled)


def not_a_number(
    table: RawTable, entry: Entry, decimal_comma: bool, expected: str = "a finite number"
) -> BadInputError:
    """Return the error for an entry that should hold a number."""
    cell, place, _ = entry
    if isinstance(cell, str) and re.fullmatch(r"[+-]?[\d.,' ]*\d[\d.,' ]*([eE][+-]?\d+)?", cell):
        expected += f" with a decimal {'comma' if decimal_comma else 'point'} and thousands together"
    found = "an empty cell" if cell == "" else repr(cell)
    return BadInputError(table.path, place, expected, found)
