"""Sheets of Excel workbooks, as the cells stand there."""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

from etalon.data.raw_table import Cell
from etalon.errors import BadInputError

MOST_BLANK_ROWS, MOST_UNPACKED = 10_000, 2 * 2**30
MERGED = re.compile(rb'<mergeCell [^>]*ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"')


def read_sheet(path: Path, content: bytes, sheet: str | None) -> tuple[str, list[str], list[list[Cell]]]:
    """Return the name of a sheet, the names of the others, and the cells row by row.

    Cells that are merged downwards are one cell: each row gets its value.

    Parameters
    ----------
    path, content : the workbook, and its bytes
    sheet : its name; the first one with cells where None

    Raises
    ------
    BadInputError : no such sheet, a workbook that cannot be read
    """
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
    return name, [other for other in names if other != name], records


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
            with worksheet._get_source() as source:
                _fill_merged(records, source)
            break
    return name, records


def _fill_merged(records: list[list[Cell]], source: IO[bytes]) -> None:
    """Give cells that are merged downwards the value of the first. Titles merged across columns stay as they are.

    openpyxl does not tell of merged cells where it reads row by row: they are taken from the end of the sheet's XML.
    """
    from openpyxl.utils import column_index_from_string

    rest = b""
    while chunk := source.read(1 << 20):
        rest += chunk
        start = rest.find(b"<mergeCells")
        rest = rest[start:] if start >= 0 else rest[-len(b"<mergeCells") :]
    for letters, first, last_letters, last in MERGED.findall(rest):
        if letters == last_letters:
            column = column_index_from_string(letters.decode()) - 1
            above = records[int(first) - 1] if int(first) <= len(records) else []
            if column < len(above):
                for record in records[int(first) : int(last)]:
                    record += [""] * (column + 1 - len(record))
                    record[column] = record[column] or above[column]


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
