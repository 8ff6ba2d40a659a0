"""A table of laboratory values joined to spectra by the names of samples, files or specimens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from etalon.data.raw_table import Cell, Entry, RawTable
from etalon.data.table_columns import find_column, find_sample_column, specimen_of
from etalon.data.table_numbers import decimal_notation
from etalon.errors import BadInputError


@dataclass(frozen=True)
class Matches:
    """Which rows of a table of references belong to each spectrum: one, several repeats of it, or none.

    Attributes
    ----------
    columns : of the table, all that have a header but that of the names
    unmatched : rows of the table without a spectrum
    without : spectra without a row
    """

    rows: tuple[tuple[int, ...], ...]
    columns: tuple[int, ...]
    unmatched: int
    without: int


def match(references: RawTable, key: str | None, names: Sequence[Sequence[str]], repeats: bool = False) -> Matches:
    """Find the rows of each spectrum.

    Parameters
    ----------
    key : the table's column of names; without it the one whose header says so (sample, file, id, ...), else the first
    names : of each spectrum, those by which it may stand in the table; the first that does counts
    repeats : a name may stand in several rows

    Raises
    ------
    BadInputError : a name that stands in the table twice unless it may, none that any spectrum has
    """
    column = find_sample_column(references, key)
    rows: dict[str, list[int]] = {}
    for number, row in enumerate(references.rows):
        name = str(row[column])
        if name == "":
            raise BadInputError(references.path, references.cell_name(number, column), "a name", "an empty cell")
        if name in rows and not repeats:
            found = f"{name!r}, as in {references.row_name(rows[name][0])}"
            expected = "names that occur once (--average-duplicates takes the mean of repeated determinations)"
            raise BadInputError(references.path, references.cell_name(number, column), expected, found)
        rows.setdefault(name, []).append(number)
    found_rows = tuple(next((tuple(rows[name]) for name in own if name in rows), ()) for own in names)
    used = {row for found in found_rows for row in found}
    if not used:
        expected = f"names of the spectra, such as {names[0][0]!r}"
        raise BadInputError(
            references.path, references.column_name(column), expected, repr(str(references.rows[0][column]))
        )
    columns = tuple(other for other in range(len(references.header)) if other != column and references.header[other])
    return Matches(found_rows, columns, len(references.rows) - len(used), found_rows.count(()))


@dataclass(frozen=True)
class JoinedTable(RawTable):
    """A table of spectra with the columns of a table of references at its right end; places are those of either file.

    Attributes
    ----------
    spectra, references : the two
    matches : of their rows
    comma : whether the numbers of the references have a decimal comma
    """

    spectra: RawTable | None = None
    references: RawTable | None = None
    matches: Matches | None = None

    comma: bool = False

    @classmethod
    def of(
        cls,
        spectra: RawTable,
        references: RawTable,
        names: Sequence[Sequence[str]],
        key: str | None,
        *,
        repeats: bool = False,
        decimal: str | None = None,
        hidden: Collection[str] = (),
    ) -> JoinedTable:
        """Join the tables; `names`, `key` and `repeats` as in `match`, whose errors this raises.

        Parameters
        ----------
        decimal : "comma" or "point", where the numbers of the references do not tell
        hidden : headers of columns of the references that are left out
        """
        found = match(references, key, names, repeats)
        columns = tuple(column for column in found.columns if references.header[column] not in hidden)
        found = replace(found, columns=columns)
        comma = _decimal_comma(references, decimal)
        header = [*spectra.header_cells, *(references.header_cells[column] for column in found.columns)]
        rows = [
            [*row, *(_first([references.rows[other][column] for other in others]) for column in found.columns)]
            for row, others in zip(spectra.rows, found.rows, strict=True)
        ]
        units: tuple[Cell, ...] = ()
        if spectra.units or references.units:
            own = spectra.units or ("",) * len(spectra.header)
            units = (*own, *((references.units[column] if references.units else "") for column in found.columns))
        about = (spectra.path, header, rows, spectra.row_numbers, spectra.dialect, spectra.decimal, units)
        return cls(*about, spectra=spectra, references=references, matches=found, comma=comma)

    def _parts(self) -> tuple[RawTable, RawTable, Matches]:
        assert self.spectra is not None
        assert self.references is not None
        assert self.matches is not None
        return self.spectra, self.references, self.matches

    @property
    def files(self) -> list[Path]:
        own, other, _ = self._parts()
        return list(dict.fromkeys([*own.files, other.path]))

    def row_name(self, row: int) -> str:
        return self._parts()[0].row_name(row)

    def cell_name(self, row: int, column: int) -> str:
        own, other, found = self._parts()
        if column < len(own.header):
            return own.cell_name(row, column)
        if not found.rows[row]:
            return self.row_name(row)
        return f"{other.path.name}, {other.cell_name(found.rows[row][0], found.columns[column - len(own.header)])}"

    def entries(self, row: int, column: int) -> list[Entry]:
        own, other, found = self._parts()
        if column < len(own.header):
            return own.entries(row, column)
        there = found.columns[column - len(own.header)]
        return [
            Entry(other.rows[n][there], f"{other.path.name}, {other.cell_name(n, there)}", self.comma)
            for n in found.rows[row]
        ]

    def check_columns(self, used: Sequence[int]) -> None:
        own, _, _ = self._parts()
        own.check_columns([column for column in used if column < len(own.header)])

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


def _first(cells: Sequence[Cell]) -> Cell:
    """Return the first cell that is not empty."""
    return next((cell for cell in cells if cell != ""), "")


def _decimal_comma(table: RawTable, decimal: str | None) -> bool:
    """Say whether the numbers of references have a decimal comma: the spectra's file may be written otherwise."""
    notation = table.decimal or decimal_notation(cell for row in table.rows for cell in row)
    if notation == "open" and decimal is not None:
        notation = "comma" if decimal == "comma" else "point"
    if notation == "open":
        expected = "a comma for decimals or for thousands, told by one number such as 12,5 or 1,234,567"
        raise BadInputError(table.path, "numbers", expected, "commas that may be either, as in 1,234")
    return notation == "comma"


def spectra_of(table: RawTable) -> RawTable:
    """Return the table of spectra alone, where a table of references was joined to it."""
    return table.spectra if isinstance(table, JoinedTable) and table.spectra is not None else table


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
