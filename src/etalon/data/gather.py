"""Files of single spectra, and a table of references beside them, as one table with one spectrum a row."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from etalon.data.axis import on_axis, same_axis
from etalon.data.formats.isolated import read_files
from etalon.data.formats.recognise import SUFFIXES, TITLES, format_of
from etalon.data.formats.two_columns import is_spectrum
from etalon.data.raw_table import Cell, RawTable
from etalon.data.references import match
from etalon.data.scans import Scans
from etalon.data.table_columns import specimen_of
from etalon.errors import BadInputError

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")
SAMPLE = "sample"


@dataclass(frozen=True)
class GatheredTable(RawTable):
    """A table whose rows come from files.

    Attributes
    ----------
    origins : the file of each row
    references : the table of references that was joined
    unit, representation, modality : what the files say of themselves, as in `etalon.data.scans.Scans`
    shifted : files whose axis differs by less than a channel from the first one's: brought onto that by linear
        interpolation
    unmatched : rows of the table of references without a file
    without : rows without references
    """

    origins: list[Path] = field(default_factory=list)
    references: RawTable | None = None
    unit: str | None = None
    representation: str = "unknown"
    modality: str | None = None
    shifted: int = 0
    unmatched: int = 0
    without: int = 0

    def cell_name(self, row: int, column: int) -> str:
        return f"{self.origins[row].name}, {self.column_name(column)}"

    def column_name(self, column: int) -> str:
        return f"column {self.header[column]!r}"

    @property
    def files(self) -> list[Path]:
        return list(dict.fromkeys([*self.origins, *([self.references.path] if self.references else [])]))

    def row_name(self, row: int) -> str:
        return self.origins[row].name

    def places(self, first: int, last: int | None = None) -> str:
        return self.column_name(first) if last is None else f"{self.column_name(first)} to {self.column_name(last)}"


def spectrum_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that `paths` stand for: files, folders (the files in them) and patterns such as scans/*.spc."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
            if not inside:
                raise BadInputError(path, "folder", "files of spectra", "none")
            found += inside
        elif not path.exists() and (matches := sorted(glob.glob(str(path)))):
            found += map(Path, matches)
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def is_one_table(paths: Sequence[Path]) -> bool:
    """Say whether `paths` name one table with many spectra rather than files of single spectra."""
    if len(paths) != 1 or paths[0].is_dir() or glob.has_magic(str(paths[0])):
        return False
    if paths[0].suffix.lower() in (".xlsx", ".xlsm", ".xls") or not paths[0].exists():
        return True
    kind = format_of(paths[0])
    return kind is None or (kind == "two_columns" and not is_spectrum(paths[0]))


def gather(
    paths: Sequence[Path],
    references: RawTable | None = None,
    *,
    key: str | None = None,
    separator: str | None = None,
    progress: Callable[[Iterable, int], Iterable] = lambda steps, total: steps,
) -> GatheredTable:
    """Read files of spectra, and join the rows of a table of references to them.

    A row is joined to a file by the file's name, with or without its suffix, or by the name that the file gives a scan.

    Parameters
    ----------
    paths : files, folders or patterns
    references : table with one row a sample
    key : its column of names; without it the one whose header says so (sample, file, id, ...), else the first
    separator : between the name of a specimen and that of its scan in names of files: a row may be of a specimen
    progress : given the scans and their number, hands them on one by one

    Raises
    ------
    BadInputError : a file that cannot be read, spectra on different axes, references that fit no file
    """
    files = [path for path in spectrum_files(paths) if not references or path.resolve() != references.path.resolve()]
    kinds = _formats(files)
    read = read_files(list(kinds.items()))
    scans = dict(zip(kinds, progress(read, len(kinds)), strict=True))
    first_path, first = next(iter(scans.items()))
    origins, names, spectra, shifted = [], [], [], 0
    for path, one in scans.items():
        _same_kind(path, one, first_path, first)
        shifted += not same_axis(one.axis, first.axis)
        for number, intensities in enumerate(one.intensities):
            origins.append(path)
            names.append(one.names[number] if one.names else "")
            spectra.append(_on(first.axis, path, one.axis, intensities))
    ids = _ids(origins, names)
    columns: dict[str, list[Cell]] = {SAMPLE: [*ids]}
    columns |= _own_columns(scans)
    unmatched = without = 0
    if references is not None:
        joined, unmatched, without = _join(references, key, origins, names, ids, separator)
        columns |= joined
    header: list[Cell] = [*columns, *first.axis.tolist()]
    cells = [
        [*one, *row] for one, row in zip(zip(*columns.values(), strict=True), np.array(spectra).tolist(), strict=True)
    ]
    kinds_found = Counter(TITLES[kind] for kind in kinds.values())
    dialect = ", ".join(f"{count} file{'s' if count > 1 else ''} in {title}" for title, count in kinds_found.items())
    place = paths[0] if len(paths) == 1 else first_path.parent
    return GatheredTable(
        place,
        header,
        cells,
        list(range(1, len(cells) + 1)),
        dialect,
        None,
        _units(references, header),
        origins=origins,
        references=references,
        unit=first.unit,
        representation=first.representation,
        modality=first.modality,
        shifted=shifted,
        unmatched=unmatched,
        without=without,
    )


def _units(references: RawTable | None, header: Sequence[Cell]) -> tuple[Cell, ...]:
    if references is None or not references.units:
        return ()
    below = dict(zip(references.header, references.units, strict=True))
    return tuple(below.get(str(name), "") for name in header)


def _formats(files: Sequence[Path]) -> dict[Path, str]:
    """Return the format of each file. Beside others, text that is no two columns and unknown files are passed over."""
    kinds = {path: format_of(path) for path in files}
    binary = {path: kind for path, kind in kinds.items() if kind not in (None, "two_columns")}
    if not files:
        raise BadInputError("command line", "FILE", "files of spectra beside the table of references", "none")
    known = binary or {path: kind for path, kind in kinds.items() if kind is not None}
    if not known:
        where = files[0] if len(files) == 1 else files[0].parent
        suffixes = ", ".join(sorted(SUFFIXES))
        raise BadInputError(where, "files", f"spectra ({suffixes}, or OPUS)", ", ".join(p.name for p in files[:3]))
    return {path: kind for path, kind in known.items() if kind is not None}


def _same_kind(path: Path, one: Scans, first_path: Path, first: Scans) -> None:
    for name, own, other in (
        ("axis unit", one.unit, first.unit),
        ("quantity", one.representation, first.representation),
        ("modality", one.modality, first.modality),
    ):
        if own != other:
            raise BadInputError(path, name, f"{other or 'none stated'}, as in {first_path.name}", own or "none stated")


def _on(axis: np.ndarray, path: Path, own: np.ndarray, intensities: np.ndarray) -> np.ndarray:
    try:
        return on_axis(own, intensities, axis)
    except BadInputError as error:
        raise BadInputError(path, "axis", error.expected, error.found) from error


def _ids(origins: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Return a name for every scan: the file's without suffix where that is enough, else with it, and a number."""
    stems = [path.stem for path in origins]
    whole = [path.name for path in origins]
    for candidates in (
        stems,
        whole,
        [f"{stem} {name}" if name else stem for stem, name in zip(stems, names, strict=True)],
    ):
        if len(set(candidates)) == len(candidates):
            return candidates
    seen: Counter[str] = Counter()
    ids = []
    for name in whole:
        seen[name] += 1
        ids.append(f"{name} #{seen[name]}")
    return ids


def _own_columns(scans: dict[Path, Scans]) -> dict[str, list[Cell]]:
    """Return what every file holds of its scans."""
    common = set.intersection(*(set(one.columns) for one in scans.values()))
    found: dict[str, list[Cell]] = {}
    for name in (name for name in next(iter(scans.values())).columns if name in common):
        values = [value for one in scans.values() for value in one.columns[name].tolist()]
        found[name] = ["" if isinstance(value, float) and np.isnan(value) else value for value in values]
    return found


def _join(
    table: RawTable,
    key: str | None,
    origins: Sequence[Path],
    names: Sequence[str],
    ids: Sequence[str],
    separator: str | None,
) -> tuple[dict[str, list[Cell]], int, int]:
    """Return the columns of a table of references in the order of the scans, and how many rows on either side lack."""
    candidates = [[own, path.name, path.stem, scan] for own, path, scan in zip(ids, origins, names, strict=True)]
    if separator is not None:
        candidates = [[*own, specimen_of(own[0], separator), specimen_of(own[2], separator)] for own in candidates]
    found = match(table, key, candidates)
    joined: dict[str, list[Cell]] = {
        table.header[other]: ["" if row is None else table.rows[row][other] for row in found.rows]
        for other in found.columns
        if table.header[other] != SAMPLE
    }
    return joined, found.unmatched, found.without
