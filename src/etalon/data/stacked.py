"""Several tables of spectra, such as one a month, as one table with the rows of all."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from etalon.data.axis import on_axis, same_axis
from etalon.data.raw_table import Cell, Entry, RawTable
from etalon.data.table_axis import header_axis, stated_unit
from etalon.data.table_columns import Columns, Wishes, find_columns, named_in
from etalon.data.table_numbers import channel_values, is_missing
from etalon.data.table_shape import pointing_out_columns
from etalon.errors import BadInputError


@dataclass(frozen=True)
class StackedTable(RawTable):
    """Tables one below the other: columns are those of the first, then those that it lacks; channels are numbers.

    Attributes
    ----------
    parts : the tables
    columns : of each part, the column there of a column here
    commas : whether the numbers of each part have a decimal comma
    shifted : whether the axis of each part differs from that of the first, by less than a channel: its spectra were
        brought onto that by linear interpolation
    places_of_rows : of each row, the number of its part and of its row there
    """

    parts: tuple[RawTable, ...] = ()
    columns: tuple[dict[int, int], ...] = ()
    commas: tuple[bool, ...] = ()
    shifted: tuple[bool, ...] = ()
    places_of_rows: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of(
        cls, parts: Sequence[RawTable], wishes: Wishes, decimal: str | None = None, axis_unit: str | None = None
    ) -> StackedTable:
        """Stack tables; `wishes` and `decimal` as in `find_columns`.

        Parameters
        ----------
        axis_unit : of the channels, "nm" or "cm-1", as a user says

        Raises
        ------
        BadInputError : naming the file; a part that is no table of spectra, whose channels do not cover those of the
            first or have another unit
        """
        found = [_columns(part, wishes, decimal) for part in parts]
        header, columns = _common_header(parts, found)
        axis = header_axis(parts[0], found[0].channels, found[0].header_comma)
        rows: list[list[Cell]] = []
        shifted = []
        for part, own, there in zip(parts, found, columns, strict=True):
            _check_unit(part, own, axis_unit, parts[0], found[0])
            own_axis = header_axis(part, own.channels, own.header_comma)
            values = channel_values(part, own.channels, own.decimal_comma).astype(np.float64)
            shifted.append(not same_axis(own_axis, axis))
            spectra = np.array([on_axis(own_axis, one, axis, part.path) for one in values])
            for row, spectrum in zip(part.rows, spectra.tolist(), strict=True):
                cells: list[Cell] = [row[there[column]] if column in there else "" for column in range(len(header))]
                for column, value in zip(found[0].channels, spectrum, strict=True):
                    cells[column] = value
                rows.append(cells)
        names = _titles(parts)
        others = names[1] if len(names) == 2 else f"{len(names) - 1} more"
        return cls(
            path=Path(f"{names[0]} and {others}"),
            header_cells=header,
            rows=rows,
            row_numbers=list(range(1, len(rows) + 1)),
            dialect=f"{len(parts)} tables",
            decimal="comma" if found[0].decimal_comma else "point",
            units=_units(parts, columns, len(header)),
            parts=tuple(parts),
            columns=tuple(columns),
            commas=tuple(own.decimal_comma for own in found),
            shifted=tuple(shifted),
            places_of_rows=[(number, row) for number, part in enumerate(parts) for row in range(len(part.rows))],
        )

    @property
    def first(self) -> RawTable:
        return self.parts[0]

    @property
    def files(self) -> list[Path]:
        return [part.path for part in self.parts]

    @cached_property
    def titles(self) -> list[str]:
        """Return a name of each part's file that no other has."""
        return _titles(self.parts)

    def prefixes(self) -> list[str]:
        """Return what tells the samples of the files apart, one a row: "jan/"."""
        titles = self.titles
        stems = [title.removesuffix(part.path.suffix) for title, part in zip(titles, self.parts, strict=True)]
        known = Counter(stems)
        own = [stem if known[stem] == 1 else title for stem, title in zip(stems, titles, strict=True)]
        return [f"{own[part]}/" for part, _ in self.places_of_rows]

    def rows_in_files(self) -> list[str]:
        """Return the name of each row in its own file."""
        return [self.parts[part].row_name(row) for part, row in self.places_of_rows]

    def entries(self, row: int, column: int) -> list[Entry]:
        number, own_row = self.places_of_rows[row]
        there = self.columns[number].get(column)
        if there is None:  # a channel, or a column that this file lacks
            return super().entries(row, column)
        part = self.parts[number]
        place = f"{self.titles[number]}, {part.cell_name(own_row, there)}"
        return [Entry(part.rows[own_row][there], place, self.commas[number])]

    def cell_name(self, row: int, column: int) -> str:
        number, own_row = self.places_of_rows[row]
        there = self.columns[number].get(column)
        if there is None:
            return self.row_name(row)
        return f"{self.titles[number]}, {self.parts[number].cell_name(own_row, there)}"

    def row_name(self, row: int) -> str:
        number, own_row = self.places_of_rows[row]
        return f"{self.titles[number]}, {self.parts[number].row_name(own_row)}"

    def places(self, first: int, last: int | None = None) -> str:
        if first < len(self.parts[0].header):
            return self.parts[0].places(first, last)
        number = next(number for number, there in enumerate(self.columns) if first in there)
        return f"{self.titles[number]}, {self.parts[number].places(self.columns[number][first])}"

    def lacking(self, column: int) -> list[str]:
        """Return the files that do not have a column."""
        return [title for title, there in zip(self.titles, self.columns, strict=True) if column not in there]

    def check_columns(self, used: Sequence[int]) -> None:
        """Raise BadInputError where a file lacks a column that is used, or has it in another unit."""
        for column in used:
            has = [number for number, there in enumerate(self.columns) if column in there]
            for number, (part, there) in enumerate(zip(self.parts, self.columns, strict=True)):
                if column not in there:
                    near = difflib.get_close_matches(self.header[column], filter(None, part.header), n=1)
                    expected = f"a column {self.header[column]!r}, as in {self.titles[has[0]]}"
                    found = f"none, but {near[0]!r}" if near else "none"
                    raise BadInputError(part.path, "header", expected, found)
                if number and part.units and self.units and not _same(part.units[there[column]], self.units[column]):
                    field = f"row of units, {part.column_name(there[column])}"
                    expected = f"{str(self.units[column])!r}, as in {self.titles[has[0]]}"
                    raise BadInputError(part.path, field, expected, repr(str(part.units[there[column]])))


def _titles(parts: Sequence[RawTable]) -> list[str]:
    names = [part.path.name for part in parts]
    return names if len(set(names)) == len(names) else [str(part.path) for part in parts]


def _columns(part: RawTable, wishes: Wishes, decimal: str | None) -> Columns:
    """Return the columns of one table. What it lacks is said of all tables: it may stand in one of references."""
    with pointing_out_columns(part):
        return find_columns(part, named_in(part, wishes), decimal)


def _common_header(parts: Sequence[RawTable], found: Sequence[Columns]) -> tuple[list[Cell], list[dict[int, int]]]:
    """Return the header of all, and of each part the column there of every column here, channels aside."""
    header = list(parts[0].header_cells)
    channels = set(found[0].channels)
    here: dict[tuple[str, int], int] = {}
    columns = []
    for number, (part, own) in enumerate(zip(parts, found, strict=True)):
        seen: Counter[str] = Counter()
        there: dict[int, int] = {}
        for column in (one for one in range(len(part.header)) if one not in own.channels):
            name = part.header[column]
            key = (name, seen[name])  # columns of one header are taken in their order
            seen[name] += 1
            if number == 0:
                here[key] = column
            elif key not in here and name != "":
                here[key] = len(header)
                header.append(part.header_cells[column])
            if key in here and here[key] not in channels:
                there[here[key]] = column
        columns.append(there)
    return header, columns


def _units(parts: Sequence[RawTable], columns: Sequence[dict[int, int]], n_columns: int) -> tuple[Cell, ...]:
    """Return the units below the headers, of each column those of the first part that has any."""
    if not any(part.units for part in parts):
        return ()
    units: list[Cell] = list(parts[0].units) or [""] * len(parts[0].header)
    units += [""] * (n_columns - len(units))
    for part, there in zip(parts, columns, strict=True):
        for column, own in there.items():
            if part.units and is_missing(units[column]):
                units[column] = part.units[own]
    return tuple(units)


def _check_unit(part: RawTable, own: Columns, said: str | None, first: RawTable, of_first: Columns) -> None:
    """Raise BadInputError where a table states another unit of its channels than the user or the first one."""
    unit, where = stated_unit(part, own.channels[0])
    stated, _ = stated_unit(first, of_first.channels[0])
    for expected, whose in ((said, "--axis-unit"), (stated, first.path.name)):
        if None not in (unit, expected) and unit != expected:
            raise BadInputError(part.path, "axis unit", f"{expected}, as in {whose}", f"{unit} {where}")


def _same(unit: Cell, other: Cell) -> bool:
    return is_missing(unit) or is_missing(other) or str(unit).strip("()[] ") == str(other).strip("()[] ")
