"""Files of single spectra as one table with one spectrum a row."""

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
    scan_names : what that file calls the spectrum; "" where it does not name it
    unit, representation, modality : what the files say of themselves, as in `etalon.data.scans.Scans`
    shifted : files whose axis differs by less than a channel from the first one's: brought onto that by linear
        interpolation
    passed_over : files that were named, or stood there, and hold no spectra in the format of the others
    """

    origins: list[Path] = field(default_factory=list)
    scan_names: list[str] = field(default_factory=list)
    unit: str | None = None
    representation: str = "unknown"
    modality: str | None = None
    shifted: int = 0
    passed_over: tuple[Path, ...] = ()

    def names(self, separator: str | None = None) -> list[list[str]]:
        """Return by which names each spectrum may stand in a table of references.

        Its file's, with or without suffix; the one that the file gives it; what stands before the last `separator`.
        """
        rows = zip(self.rows, self.origins, self.scan_names, strict=True)
        names = [[str(row[0]), path.name, path.stem, scan] for row, path, scan in rows]
        if separator is not None:
            names = [[*own, specimen_of(own[0], separator), specimen_of(own[2], separator)] for own in names]
        return names

    def cell_name(self, row: int, column: int) -> str:
        return f"{self.origins[row].name}, {self.column_name(column)}"

    def column_name(self, column: int) -> str:
        return f"column {self.header[column]!r}"

    @property
    def files(self) -> list[Path]:
        return list(dict.fromkeys(self.origins))

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


def tables_of(paths: Sequence[Path], references: Path | None = None) -> list[Path]:
    """Return the files where each is a table with many spectra; none where some are files of single spectra.

    Parameters
    ----------
    paths : files, folders or patterns
    references : a table of laboratory values, which may be among them
    """
    named = {path.resolve() for path in paths}
    aside = set() if references is None or references.resolve() in named else {references.resolve()}
    files = [path for path in spectrum_files(paths) if path.resolve() not in aside]
    return files if all(map(_is_table, files)) else []


def _is_table(path: Path) -> bool:
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls") or not path.exists():
        return not glob.has_magic(str(path))
    kind = format_of(path)
    return kind is None or (kind == "two_columns" and not is_spectrum(path))


def gather(
    paths: Sequence[Path],
    references: Path | None = None,
    progress: Callable[[Iterable, int], Iterable] = lambda steps, total: steps,
) -> GatheredTable:
    """Read files of spectra.

    Parameters
    ----------
    paths : files, folders or patterns
    references : a table among them that holds none
    progress : given the scans and their number, hands them on one by one

    Raises
    ------
    BadInputError : a file that cannot be read, spectra on different axes
    """
    files = [path for path in spectrum_files(paths) if not references or path.resolve() != references.resolve()]
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
        origins=origins,
        scan_names=names,
        unit=first.unit,
        representation=first.representation,
        modality=first.modality,
        shifted=shifted,
        passed_over=tuple(path for path in files if path not in kinds),
    )


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
