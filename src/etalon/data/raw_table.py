"""A table in a text or Excel file, as the cells stand there: nothing is renamed, dropped, padded or guessed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from etalon.errors import BadInputError

# Text as it stands, without the blanks around it; numbers where the file has typed cells (Excel).
Cell = str | int | float

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
_WORKBOOK, _TEXT = "an Excel workbook", "a text table"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# The number in a column's header, with what may stand around it: "1100", "X1100", "wl_1100.5", "1100 nm", "1.1e+03".
HEADER_NUMBER = re.compile(r"(?P<prefix>\D*?)(?P<number>\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)(?P<suffix>\D.*)?")


@dataclass(frozen=True)
class Layout:
    """How a table lies in its file, where a person has to say it.

    Attributes
    ----------
    header_row : row of the columns' names as a spreadsheet program counts it; None for the first that is not blank
    transpose : one spectrum a column, one channel a row
    """

    header_row: int | None = None
    transpose: bool = False


AS_USUAL = Layout()


class Entry(NamedTuple):
    """A cell with its place, and whether its own file has a decimal comma; None leaves that to the table."""

    cell: Cell
    place: str
    decimal_comma: bool | None = None


@dataclass(frozen=True)
class RawTable:
    """Cells of one table.

    Attributes
    ----------
    path : the file as the user named it
    header_cells : cells of the first row that is not blank
    rows : cells, each row as long as the header
    row_numbers : row of each in a spreadsheet program, counted from 1; blank rows are left out but counted
    dialect : in words, for example "semicolon, UTF-8" or "sheet Data"
    decimal : "point" where commas stand between cells, else None
    units : cells of a row of units below the header, one a column; empty without such a row
    """

    path: Path
    header_cells: list[Cell]
    rows: list[list[Cell]]
    row_numbers: list[int]
    dialect: str
    decimal: str | None
    units: tuple[Cell, ...] = ()

    @property
    def files(self) -> list[Path]:
        """The files that the table was read from."""
        return [self.path]

    @property
    def first(self) -> RawTable:
        """The table itself, or the first of several that it is made of."""
        return self

    @cached_property
    def header(self) -> list[str]:
        """Names of the columns; "" where there is none."""
        return [str(cell) for cell in self.header_cells]

    def cell_name(self, row: int, column: int) -> str:
        """Return the place of a cell as a spreadsheet program shows it, with the column's header."""
        return f"{self.row_name(row)}, {self.column_name(column)}"

    def entries(self, row: int, column: int) -> list[Entry]:
        """Return what the files hold for a cell: more than one where several rows of another table belong to a row."""
        return [Entry(self.rows[row][column], self.cell_name(row, column))]

    def check_columns(self, used: Sequence[int]) -> None:
        """Raise BadInputError where one of several files lacks a column that is used."""

    def row_name(self, row: int) -> str:
        return f"row {self.row_numbers[row]}"

    def column_name(self, column: int) -> str:
        name = self.header[column]
        return self.places(column) + (f" ({name!r})" if name else "")

    def places(self, first: int, last: int | None = None) -> str:
        """Return where columns stand in the file: "column B", "columns B to D"."""
        if last is None:
            return f"column {column_letters(first)}"
        return f"columns {column_letters(first)} to {column_letters(last)}"


@dataclass(frozen=True)
class TransposedTable(RawTable):
    """A table whose rows are columns of the file: `row_numbers` count those, `line_numbers` the file's rows."""

    line_numbers: tuple[int, ...] = ()

    def cell_name(self, row: int, column: int) -> str:
        return f"{self.column_name(column)}, {self.row_name(row)}"

    def row_name(self, row: int) -> str:
        return f"column {column_letters(self.row_numbers[row] - 1)}"

    def places(self, first: int, last: int | None = None) -> str:
        if last is None:
            return f"row {self.line_numbers[first]}"
        return f"rows {self.line_numbers[first]} to {self.line_numbers[last]}"


def column_letters(column: int) -> str:
    """Return the letters of a column counted from 0: A, B, ..., Z, AA, AB."""
    letters = ""
    number = column + 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def read_raw_table(
    path: Path, sheet: str | None = None, delimiter: str | None = None, layout: Layout = AS_USUAL
) -> RawTable:
    """Read the table in a text file (comma, semicolon or tab) or on a sheet of an Excel workbook.

    Parameters
    ----------
    path : the file
    sheet : name of an Excel sheet; the first one with cells where None
    delimiter : character between cells of a text file; found from the header where None
    layout : where the header stands and which way the spectra run

    Raises
    ------
    BadInputError
        Where the file is absent, empty, not what its suffix says or not readable as a table; where the sheet does
        not exist; where a row has more or fewer cells than the header.
    """
    content = _read_bytes(path)
    if path.suffix.lower() in EXCEL_SUFFIXES:
        if delimiter is not None:
            raise BadInputError(path, "--delimiter", "a text file", "an Excel workbook")
        return _read_excel(path, content, sheet, layout)
    if sheet is not None:
        raise BadInputError(path, "--sheet", f"an Excel workbook ({', '.join(EXCEL_SUFFIXES)})", "a text file")
    return _read_text(path, content, delimiter, layout)


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise BadInputError(path, "file", "a table", "a folder")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "a table", "no such file") from error
    except OSError as error:
        raise BadInputError(path, "file", "a readable file", error.strerror) from error
    if not content.strip():
        raise BadInputError(path, "file", "a table", "an empty file")
    suffix = path.suffix.lower()
    expected = _WORKBOOK if suffix in (*EXCEL_SUFFIXES, ".xls") else _TEXT
    found = _recognise(content)
    if found != expected:
        raise BadInputError(path, "file", f"{expected}, as its name ({path.suffix or 'no suffix'}) says", found)
    return content


def _recognise(content: bytes) -> str:
    """Say by its bytes what kind of file this is."""
    if content.startswith(b"PK\x03\x04"):
        return _WORKBOOK if b"xl/workbook" in content else "a zip archive or a damaged workbook"
    if content.startswith(b"\xd0\xcf\x11\xe0"):  # OLE2 container
        return "an old or a password-protected Excel workbook; save it as .xlsx without a password"
    if b"\x00" in content and not content.startswith(_UTF16_MARKS):
        return "a binary file"
    return _TEXT


def _read_text(path: Path, content: bytes, delimiter: str | None, layout: Layout) -> RawTable:
    text, encoding = _decode(path, content)
    if delimiter is None:
        delimiter = _find_delimiter(text, layout.header_row or 1)
    elif len(delimiter) != 1 or delimiter in '"\r\n':
        raise BadInputError(path, "--delimiter", "one character, or comma, semicolon, tab", repr(delimiter))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[Cell]] = []
    try:
        for record in reader:
            records.append([cell.strip() for cell in record])
    except csv.Error as error:
        raise BadInputError(path, f"row {len(records) + 1}", "cells with closed quotes", error) from error
    known = {character: name for name, character in DELIMITERS.items()}
    dialect = f"{known.get(delimiter, repr(delimiter))}, {encoding}"
    # A comma between cells leaves no comma for decimals.
    return _assemble(path, records, dialect, "point" if delimiter == "," else None, layout)


def _decode(path: Path, content: bytes) -> tuple[str, str]:
    if content.startswith(_UTF16_MARKS):  # Excel's "Unicode text"
        candidates = {"UTF-16": "utf-16"}
    else:
        # Windows-1252 is Latin-1 with printable characters where Latin-1 has control codes.
        candidates = {"UTF-8": "utf-8-sig", "Latin-1": "cp1252"}
    for name, codec in candidates.items():
        try:
            return content.decode(codec), name
        except UnicodeDecodeError:
            continue
    raise BadInputError(path, "file", "text in UTF-8 or Latin-1", "bytes that are neither")


def _find_delimiter(text: str, header_row: int) -> str:
    """Return the delimiter under which most headers are numbers, then the one that gives most columns.

    The header is the first row that is not blank, from `header_row` on; where that is one cell under every delimiter, a
    title, the first row of two cells.
    """

    def score(delimiter: str, least: int) -> tuple[int, int]:
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            rows = (record for number, record in enumerate(reader, 1) if number >= header_row)
            header = next((record for record in rows if sum(cell.strip() != "" for cell in record) >= least), [])
        except csv.Error:
            return (-1, -1)
        cells = [cell.strip() for cell in header]
        foreign = set(DELIMITERS.values()) - {delimiter, ","}
        numbers = [cell for cell in cells if HEADER_NUMBER.fullmatch(cell) and not foreign & set(cell)]
        return (len(numbers), len(cells))

    scores = {delimiter: score(delimiter, 1) for delimiter in DELIMITERS.values()}
    if max(n_cells for _, n_cells in scores.values()) < 2:
        scores = {delimiter: score(delimiter, 2) for delimiter in DELIMITERS.values()}
    return max(scores, key=lambda delimiter: scores[delimiter])


def _read_excel(path: Path, content: bytes, sheet: str | None, layout: Layout) -> RawTable:
    from etalon.data.workbook import read_sheet

    name, others, records = read_sheet(path, content, sheet)
    dialect = f"sheet {name!r}" + (f"; not read: {', '.join(map(repr, others))}" if others else "")
    return _assemble(path, records, dialect, None, layout, pad=True)


def _assemble(
    path: Path, records: list[list[Cell]], dialect: str, decimal: str | None, layout: Layout, pad: bool = False
) -> RawTable:
    """Part header and rows. Blank rows go, and so do blank columns at the right end (trailing delimiters).

    `pad` fills rows up to the header: a workbook does not store the empty cells at the end of a row.
    """
    filled = _filled(path, records, dialect, layout)
    if layout.transpose:
        return _transposed(path, filled, dialect, decimal)
    (header_number, header), body = filled[0], filled[1:]
    if _n_used(header) == 1:
        found = (
            f"one cell, {str(next(filter(None, header)))[:40]!r} ({dialect.partition(';')[0]}){_header_hint(filled)}"
        )
        raise BadInputError(path, f"row {header_number}", "the columns' names", found)
    if not body:
        raise BadInputError(path, "file", "rows below the header", f"nothing below row {header_number}")
    used = [_n_used(cells) for _, cells in body]
    width = max(_n_used(header), min(max(used), len(header)))
    rows = []
    for (number, cells), n_used in zip(body, used, strict=True):
        cells = cells[: max(width, n_used)]
        if pad:
            cells = cells + [""] * (width - len(cells))
        if len(cells) != width:
            shifted = min(used) == max(used) == width + 1
            hint = "; has the first column no header?" if shifted else _header_hint(filled)
            raise BadInputError(path, f"row {number}", f"{width} cells, as in the header", f"{len(cells)}{hint}")
        rows.append(cells)
    return RawTable(path, header[:width], rows, [number for number, _ in body], dialect, decimal)


def _filled(path: Path, records: list[list[Cell]], dialect: str, layout: Layout) -> list[tuple[int, list[Cell]]]:
    """Return the rows that are not blank, from the header on, each with its number."""
    first = 1 if layout.header_row is None else layout.header_row
    if not 1 <= first <= max(1, len(records)):
        raise BadInputError(path, "--header-row", f"a row from 1 to {len(records)}", first)
    filled = [(n, cells) for n, cells in enumerate(records, 1) if n >= first and any(cell != "" for cell in cells)]
    if layout.header_row is not None and (not filled or filled[0][0] != first):
        raise BadInputError(path, "--header-row", "the row of the columns' names", f"row {first}, which is blank")
    if not filled:
        raise BadInputError(path, "file", "a table", f"no filled cell ({dialect.partition(';')[0]})")
    return filled


def _header_hint(filled: list[tuple[int, list[Cell]]]) -> str:
    """Return which row may be the header where lines of text stand above it; "" where none looks like one."""
    most = max(_n_used(cells) for _, cells in filled)
    number, cells = next((number, cells) for number, cells in filled if _n_used(cells) == most)
    first, heads = (sum(HEADER_NUMBER.fullmatch(str(c)) is not None for c in row) for row in (filled[0][1], cells))
    return f"; is row {number} the header? --header-row {number}" if first < 3 <= heads else ""


def _transposed(path: Path, filled: list[tuple[int, list[Cell]]], dialect: str, decimal: str | None) -> RawTable:
    """Return a table whose first column holds the names; blank columns go."""
    width = max(_n_used(cells) for _, cells in filled)
    lines = [cells[:width] + [""] * (width - len(cells)) for _, cells in filled]
    header, *columns = (list(column) for column in zip(*lines, strict=True))
    rows = {number: column for number, column in enumerate(columns, 2) if any(cell != "" for cell in column)}
    if not rows:
        raise BadInputError(path, "--transpose", "spectra in the columns", "one column")
    numbers = tuple(number for number, _ in filled)
    said = f"{dialect}, transposed"
    return TransposedTable(path, header, list(rows.values()), list(rows), said, decimal, line_numbers=numbers)


def _n_used(cells: list[Cell]) -> int:
    """Return the number of cells up to the last filled one."""
    return max(i + 1 for i, cell in enumerate(cells) if cell != "")
