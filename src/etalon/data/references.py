"""A table of laboratory values joined to spectra by the names of samples, files or specimens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from etalon.data.raw_table import Cell, RawTable
from etalon.data.table_columns import find_column, find_sample_column, specimen_of
from etalon.data.table_numbers import decimal_notation, parse_number
from etalon.errors import BadInputError


@dataclass(frozen=True)
class Matches:
    """Which row of a table of references belongs to each spectrum; None where none does.

    Attributes
    ----------
    columns : of the table, all that have a header but that of the names
    unmatched : rows of the table without a spectrum
    without : spectra without a row
    """

    rows: tuple[int | None, ...]
    columns: tuple[int, ...]
    unmatched: int
    without: int


def match(references: RawTable, key: str | None, names: Sequence[Sequence[str]]) -> Matches:
    """Find the row of each spectrum.

    Parameters
    ----------
    key : the table's column of names; without it the one whose header says so (sample, file, id, ...), else the first
    names : of each spectrum, those by which it may stand in the table; the first that does counts

    Raises
    ------
    BadInputError : a name that stands in the table twice, none that any spectrum has
    """
    column = find_sample_column(references, key)
    rows: dict[str, int] = {}
    for number, row in enumerate(references.rows):
        name = str(row[column])
        if name == "":
            raise BadInputError(references.path, references.cell_name(number, column), "a name", "an empty cell")
        if name in rows:
            found = f"{name!r}, as in {references.row_name(rows[name])}"
            raise BadInputError(references.path, references.cell_name(number, column), "names that occur once", found)
        rows[name] = number
    found_rows = tuple(next((rows[name] for name in candidates if name in rows), None) for candidates in names)
    used = {row for row in found_rows if row is not None}
    if not used:
        expected = f"names of the spectra, such as {names[0][0]!r}"
        raise BadInputError(
            references.path, references.column_name(column), expected, repr(str(references.rows[0][column]))
        )
    columns = tuple(other for other in range(len(references.header)) if other != column and references.header[other])
    return Matches(found_rows, columns, len(references.rows) - len(used), found_rows.count(None))


@dataclass(frozen=True)
class JoinedTable(RawTable):
    """A table of spectra with the columns of a table of references at its right end; places are those of either file.

    Attributes
    ----------
    spectra, references : the two
    matches : of their rows
    """

    spectra: RawTable | None = None
    references: RawTable | None = None
    matches: Matches | None = None

    @classmethod
    def of(
        cls, spectra: RawTable, references: RawTable, names: Sequence[Sequence[str]], key: str | None
    ) -> JoinedTable:
        """Join the tables; `names` and `key` as in `match`, whose errors this raises."""
        found = match(references, key, names)
        cells = _in_numbers(references)
        header = [*spectra.header_cells, *(references.header_cells[column] for column in found.columns)]
        rows = [
            [*row, *("" if other is None else cells[other][column] for column in found.columns)]
            for row, other in zip(spectra.rows, found.rows, strict=True)
        ]
        units: tuple[Cell, ...] = ()
        if spectra.units or references.units:
            own = spectra.units or ("",) * len(spectra.header)
            units = (*own, *((references.units[column] if references.units else "") for column in found.columns))
        about = (spectra.path, header, rows, spectra.row_numbers, spectra.dialect, spectra.decimal, units)
        return cls(*about, spectra=spectra, references=references, matches=found)

    def _parts(self) -> tuple[RawTable, RawTable, Matches]:
        assert self.spectra is not None
        assert self.references is not None
        assert self.matches is not None
        return self.spectra, self.references, self.matches

    @property
    def files(self) -> list[Path]:
        own, other, _ = self._parts()
        return list(dict.fromkeys([own.path, other.path]))

    def row_name(self, row: int) -> str:
        return self._parts()[0].row_name(row)

    def cell_name(self, row: int, column: int) -> str:
        own, other, found = self._parts()
        there = found.rows[row]
        if column < len(own.header) or there is None:
            return own.cell_name(row, column) if column < len(own.header) else self.row_name(row)
        return f"{other.path.name}, {other.cell_name(there, found.columns[column - len(own.header)])}"

    def column_name(self, column: int) -> str:
        own, other, found = self._parts()
        if column < len(own.header):
            return own.column_name(column)
        return f"{other.path.name}, {other.column_name(found.columns[column - len(own.header)])}"

    def places(self, first: int, last: int | None = None) -> str:
        own, other, found = self._parts()
        if first < len(own.header):
            return own.places(first, last)
        return f"{other.path.name}, {other.places(found.columns[first - len(own.header)])}"


def _in_numbers(table: RawTable) -> list[list[Cell]]:
    """Return the cells with those that have a decimal mark as numbers: the spectra's file may be written otherwise."""
    notation = table.decimal or decimal_notation(cell for row in table.rows for cell in row)
    if notation == "open":
        expected = "a comma for decimals or for thousands, told by one number such as 12,5 or 1,234,567"
        raise BadInputError(table.path, "numbers", expected, "commas that may be either, as in 1,234")

    def cell_of(cell: Cell) -> Cell:
        if not isinstance(cell, str) or not {",", "."} & set(cell):
            return cell
        number = parse_number(cell, notation == "comma")
        return cell if number is None else number

    return [[cell_of(cell) for cell in row] for row in table.rows]


def names_of(table: RawTable, sample: str | None, specimen: str | None, separator: str | None) -> list[list[str]]:
    """Return by which names each spectrum of a table may stand in a table of references: its own, its specimen's."""
    column = find_sample_column(table, sample)
    names = [[str(row[column])] for row in table.rows]
    if specimen is not None:
        of_specimen = find_column(table, specimen, "--specimen-column")
        names = [[*own, str(row[of_specimen])] for own, row in zip(names, table.rows, strict=True)]
    if separator is not None:
        names = [[*own, specimen_of(own[0], separator)] for own in names]
    return names
