"""A table in a text or Excel file, as the cells stand there: nothing is renamed, dropped, padded or guessed."""

from __future__ import annotations

import csv
import datetime
import io
import re
import warnings
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from etalon.errors import BadInputError

# Text as it stands, without the blanks around it; numbers where the file has typed cells (Excel).
Cell = str | int | float

MOST_BLANK_ROWS, MOST_UNPACKED = 10_000, 2 * 2**30
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
_WORKBOOK, _TEXT = "an Excel workbook", "a text table"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# The number in a column's header, with what may stand around it: "1100", "X1100", "wl_1100.5", "1100 nm", "1.1e+03".
HEADER_NUMBER = re.compile(r"(?P<prefix>\D*?)(?P<number>\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)(?P<suffix>\D.*)?")


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
    """

    path: Path
    header_cells: list[Cell]
    rows: list[list[Cell]]
    row_numbers: list[int]
    dialect: str
    decimal: str | None

    @property
    def files(self) -> list[Path]:
        """The files that the table was read from."""
        return [self.path]

    @cached_property
    def header(self) -> list[str]:
        """Names of the columns; "" where there is none."""
        return [str(cell) for cell in self.header_cells]

    def cell_name(self, row: int, column: int) -> str:
        """Return the place of a cell as a spreadsheet program shows it, with the column's header."""
        return f"row {self.row_numbers[row]}, {self.column_name(column)}"

    def column_name(self, column: int) -> str:
        name = self.header[column]
        return f"column {column_letters(column)}" + (f" ({name!r})" if name else "")


def column_letters(column: int) -> str:
    """Return the letters of a column counted from 0: A, B, ..., Z, AA, AB."""
    letters = ""
    number = column + 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def read_raw_table(path: Path, sheet: str | None = None, delimiter: str | None = None) -> RawTable:
    """Read the table in a text file (comma, semicolon or tab) or on a sheet of an Excel workbook.

    Parameters
    ----------
    path : the file
    sheet : name of an Excel sheet; the first one with cells where None
    delimiter : character between cells of a text file; found from the header where None

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
        return _read_excel(path, content, sheet)
    if sheet is not None:
        raise BadInputError(path, "--sheet", f"an Excel workbook ({', '.join(EXCEL_SUFFIXES)})", "a text file")
    return _read_text(path, content, delimiter)


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


def _read_text(path: Path, content: bytes, delimiter: str | None) -> RawTable:
    text, encoding = _decode(path, content)
    if delimiter is None:
        delimiter = _find_delimiter(text)
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
    return _assemble(path, records, dialect, "point" if delimiter == "," else None)


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


def _find_delimiter(text: str) -> str:
    """Return the delimiter under which most headers are numbers, then the one that gives most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            header = next((record for record in reader if any(cell.strip() for cell in record)), [])
        except csv.Error:
            return (-1, -1)
        cells = [cell.strip() for cell in header]
        foreign = set(DELIMITERS.values()) - {delimiter, ","}
        numbers = [cell for cell in cells if HEADER_NUMBER.fullmatch(cell) and not foreign & set(cell)]
        return (len(numbers), len(cells))

    return max(DELIMITERS.values(), key=score)


def _read_excel(path: Path, content: bytes, sheet: str | None) -> RawTable:
    import openpyxl

    with warnings.catch_warnings():
        # openpyxl tells of styles, validation and extensions that it does not keep; cells are all we read.
        warnings.simplefilter("ignore", UserWarning)
        try:
            _check_members(content)
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            names = [worksheet.title for worksheet in workbook.worksheets]
            name, records = _first_filled_sheet(workbook, [one for one in names if sheet in (None, one)])
        except Exception as error:  # openpyxl lets through whatever zip, XML and its own parts raise
            raise BadInputError(path, "file", "an Excel workbook", f"a damaged one ({error!r})") from error
    if not names or (sheet is not None and sheet not in names):
        found = "a workbook without sheets" if sheet is None else repr(sheet)
        raise BadInputError(path, "--sheet", f"one of {', '.join(map(repr, names))}", found)
    others = [repr(other) for other in names if other != name]
    dialect = f"sheet {name!r}" + (f"; not read: {', '.join(others)}" if others else "")
    return _assemble(path, records, dialect, decimal=None, pad=True)


def _check_members(content: bytes) -> None:
    """Raise ValueError for a workbook whose members would fill the memory; zipfile reads no more than they announce."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MOST_UNPACKED:
        raise ValueError(f"{unpacked / 2**20:.0f} MiB unpacked, more than {MOST_UNPACKED / 2**20:.0f}")


def _first_filled_sheet(workbook: Any, names: list[str]) -> tuple[str, list[list[Cell]]]:
    """Return name and cells of the first sheet that has any; of the last one where none has."""
    name, records = "", list[list[Cell]]()
    for name in names:
        worksheet = workbook[name]
        worksheet.reset_dimensions()  # some programs write a wrong extent, which would cut the table
        records, filled = [], 0
        for number, row in enumerate(worksheet.iter_rows(values_only=True), start=1):
            records.append([_excel_cell(value) for value in row])
            filled = number if any(cell != "" for cell in records[-1]) else filled
            # A damaged file may put a cell into row 50 million; what lies between would fill the memory.
            if number - filled > MOST_BLANK_ROWS:
                raise ValueError(f"more than {MOST_BLANK_ROWS} blank rows in sheet {name!r}")
        if any(cell != "" for record in records for cell in record):
            break
    return name, records


def _excel_cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value).strip()


def _assemble(path: Path, records: list[list[Cell]], dialect: str, decimal: str | None, pad: bool = False) -> RawTable:
    """Part header and rows. Blank rows go, and so do blank columns at the right end (trailing delimiters).

    `pad` fills rows up to the header: a workbook does not store the empty cells at the end of a row.
    """
    filled = [(number, cells) for number, cells in enumerate(records, start=1) if any(cell != "" for cell in cells)]
    if not filled:
        raise BadInputError(path, "file", "a table", f"no filled cell ({dialect.partition(';')[0]})")
    (header_number, header), body = filled[0], filled[1:]
    if _n_used(header) == 1:
        found = f"one cell, {str(next(filter(None, header)))[:40]!r} ({dialect.partition(';')[0]})"
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
            hint = " (has the first column no header?)" if min(used) == max(used) == width + 1 else ""
            raise BadInputError(path, f"row {number}", f"{width} cells, as in the header", f"{len(cells)}{hint}")
        rows.append(cells)
    return RawTable(path, header[:width], rows, [number for number, _ in body], dialect, decimal)


def _n_used(cells: list[Cell]) -> int:
    """Return the number of cells up to the last filled one."""
    return max(i + 1 for i, cell in enumerate(cells) if cell != "")
