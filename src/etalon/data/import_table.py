"""A person's own spectra, a table or files of single spectra, as a dataset in the data contract."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from etalon.contracts import (
    BEYOND_LIMIT,
    MODALITIES,
    REPRESENTATIONS,
    Laboratory,
    Metadata,
    Source,
    SpectraSet,
    Target,
)
from etalon.data.axis import increasing
from etalon.data.gather import GatheredTable
from etalon.data.laboratory import Determined, determined
from etalon.data.raw_table import AS_USUAL, Layout, RawTable, read_raw_table
from etalon.data.references import spectra_of
from etalon.data.stacked import StackedTable
from etalon.data.table_axis import header_axis, physical_axis
from etalon.data.table_columns import TEST, TRAIN, Columns, Wishes, find_columns, specimen_of
from etalon.data.table_numbers import channel_values
from etalon.data.table_shape import part_units, pointing_out_columns
from etalon.errors import BadInputError

ID = re.compile(r"[a-z][a-z0-9_]{0,59}")
FOLD = re.compile(r"(fold|segment|cv)?\W*\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """What a user says of a table. None leaves it to the file, where that says."""

    dataset_id: str
    axis_unit: str | None = None
    modality: str | None = None
    representation: str | None = None
    family: str | None = None
    sheet: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    layout: Layout = AS_USUAL
    wishes: Wishes = field(default_factory=Wishes)


def import_table(path: Path, request: Request) -> tuple[SpectraSet, RawTable, Columns]:
    """Read a text table or Excel sheet with one spectrum a row.

    Channels are the columns headed by a number; falling axes are turned round, cm-1 becomes nm except for Raman.
    Rows without a column of sample ids are called "row 2" and so on, after their row in the file.

    Returns
    -------
    the spectra, the table as it was read, and what each of its columns was taken for

    Raises
    ------
    BadInputError
        For whatever the file or the request holds that cannot be read without a guess, by row and column.
    """
    check_request(path, request)
    table = part_units(read_raw_table(path, request.sheet, request.delimiter, request.layout))
    return to_spectra(table, request)


def to_spectra(table: RawTable, request: Request) -> tuple[SpectraSet, RawTable, Columns]:
    """Return a table that was read as `import_table` does; raises what that raises."""
    if isinstance(spectra_of(table), GatheredTable):
        return _to_spectra(table, request)
    with pointing_out_columns(table):
        return _to_spectra(table, request)


def _to_spectra(table: RawTable, request: Request) -> tuple[SpectraSet, RawTable, Columns]:
    path = table.path
    columns = find_columns(table, request.wishes, request.decimal)
    values = header_axis(table, columns.channels, columns.header_comma)
    axis, axis_unit, modality = physical_axis(table, columns.channels[0], values, request.axis_unit, request.modality)
    wavelengths, intensities = increasing(axis, channel_values(table, columns.channels, columns.decimal_comma))
    prefixes = _prefixes(table, columns, request.wishes.file_in_id)
    sample_id = _sample_ids(table, columns.sample, prefixes)
    specimen = _specimens(table, columns, sample_id, prefixes, request.wishes.scan_separator)
    split = _names(table, columns.split, "the name of a part")
    label = _names(table, columns.label, "a class")
    for names, column in ((split, columns.split), (label, columns.label)):
        _check_specimens(table, specimen, names, column)
    found = references(table, columns, request.wishes.beyond_limit)
    reference = [one.values for one in found.values()]
    metadata = Metadata(
        dataset_id=request.dataset_id,
        family=request.family or request.dataset_id,
        title=request.dataset_id,
        modality=modality,
        representation=request.representation or _stated_representation(table),
        axis_unit=axis_unit,
        spectral_range=(float(wavelengths[0]), float(wavelengths[-1])),
        spectral_step=float((wavelengths[-1] - wavelengths[0]) / (len(wavelengths) - 1)),
        targets=tuple(found),
        laboratory=_laboratory(found, sample_id, request.wishes.beyond_limit),
        label=None if columns.label is None else table.header[columns.label],
        published_split=_published_split(table, columns.split, split),
        sources=tuple(Source(file.name, "", hashlib.sha256(file.read_bytes()).hexdigest()) for file in table.files),
    )
    try:
        spectra = SpectraSet(
            metadata=metadata,
            intensities=intensities,
            wavelengths=wavelengths,
            sample_id=sample_id,
            specimen=sample_id if specimen is None else specimen,
            reference=np.column_stack(reference) if reference else np.empty((len(table.rows), 0)),
            split=split,
            label=label,
        )
    except BadInputError as error:  # what the contract checks, named after the file
        raise BadInputError(path, error.field, error.expected, error.found) from error
    return spectra, table, columns


def references(table: RawTable, columns: Columns, beyond_limit: str | None) -> dict[Target, Determined]:
    """Return the references of every target; raises what `determined` does."""
    return {
        target: determined(table, there, columns.decimal_comma, beyond_limit)
        for target, there in columns.by_target().items()
    }


def _laboratory(
    found: dict[Target, Determined], sample_id: np.ndarray, beyond_limit: str | None
) -> tuple[Laboratory, ...]:
    """Return what is to be said of the targets of which some values lie beyond a limit."""
    return tuple(
        Laboratory(
            target.name,
            below=tuple(sample_id[one.below].tolist()),
            above=tuple(sample_id[one.above].tolist()),
            beyond_limit=beyond_limit,
        )
        for target, one in found.items()
        if one.below.any() or one.above.any()
    )


def check_request(path: Path, request: Request) -> None:
    """Raise BadInputError for a request that no table could meet."""
    for option, name in (("--id", request.dataset_id), ("--family", request.family)):
        if name is not None and not ID.fullmatch(name):
            expected = "at most 60 small letters, digits and underscores, a letter first"
            raise BadInputError(path, option, expected, repr(name))
    for option, value, allowed in (
        ("--axis-unit", request.axis_unit, (None, "nm", "cm-1")),
        ("--modality", request.modality, (None, *MODALITIES)),
        ("--representation", request.representation, (None, *REPRESENTATIONS)),
        ("--decimal", request.decimal, (None, "comma", "point")),
        ("--beyond-limit", request.wishes.beyond_limit, (None, *BEYOND_LIMIT)),
    ):
        if value not in allowed:
            raise BadInputError(path, option, f"one of {', '.join(filter(None, allowed))}", repr(value))


def _stated_representation(table: RawTable) -> str:
    own = spectra_of(table)
    return own.representation if isinstance(own, GatheredTable) else "unknown"


def _names(table: RawTable, column: int | None, what: str) -> np.ndarray | None:
    """Return the cells of a column as text, shape (n_rows,); None without a column."""
    if column is None:
        return None
    names = [str(row[column]) for row in table.rows]
    if "" in names:
        raise BadInputError(table.path, table.cell_name(names.index(""), column), what, "an empty cell")
    for row, name in enumerate(names):
        for cell, place, _ in table.entries(row, column):
            if str(cell) not in ("", name):
                expected = f"{name!r}, as in {table.cell_name(row, column)} of the same name"
                raise BadInputError(table.path, place, expected, repr(str(cell)))
    return np.array(names)


def _prefixes(table: RawTable, columns: Columns, file_in_id: bool) -> list[str]:
    """Return what stands before each sample's name in its id: of several tables that of the file, where asked."""
    own = spectra_of(table)
    if not isinstance(own, StackedTable):
        if file_in_id:
            found = "files of single spectra" if isinstance(own, GatheredTable) else "one table"
            raise BadInputError(table.path, "--file-in-id", "several tables of spectra", found)
        return [""] * len(table.rows)
    # Rows without a column of ids have the same numbers in every file.
    return own.prefixes() if file_in_id or columns.sample is None else [""] * len(table.rows)


def _sample_ids(table: RawTable, column: int | None, prefixes: list[str]) -> np.ndarray:
    names = _names(table, column, "a sample id")
    if column is None or names is None:
        own = spectra_of(table)
        rows = own.rows_in_files() if isinstance(own, StackedTable) else map(table.row_name, range(len(table.rows)))
        return np.array([prefix + row for prefix, row in zip(prefixes, rows, strict=True)])
    names = np.array([prefix + name for prefix, name in zip(prefixes, names.tolist(), strict=True)])
    first_row: dict[str, int] = {}
    for i, name in enumerate(names.tolist()):
        if name in first_row:
            option = repr(table.header[column]) if table.header[column] else "NAME"
            expected = f"ids that occur once (scans of one specimen: --specimen-column {option}"
            expected += "; --file-in-id tells files apart)" if isinstance(spectra_of(table), StackedTable) else ")"
            found = f"{name!r}, as in {table.row_name(first_row[name])}"
            raise BadInputError(table.path, table.cell_name(i, column), expected, found)
        first_row[name] = i
    return names


def _specimens(
    table: RawTable, columns: Columns, sample_id: np.ndarray, prefixes: list[str], separator: str | None
) -> np.ndarray | None:
    """Return the specimen of each row, by its column or by the sample's name up to the last separator, or None."""
    if separator is None:
        return _names(table, columns.specimen, "a specimen, for every row")
    if columns.specimen is not None:
        found = f"{table.column_name(columns.specimen)} as well"
        raise BadInputError(table.path, "--scan-separator", "specimens named in one place", found)
    if columns.sample is None:
        raise BadInputError(table.path, "--scan-separator", "a column of sample ids", "rows without names")
    names = [(prefix, name.removeprefix(prefix)) for prefix, name in zip(prefixes, sample_id.tolist(), strict=True)]
    specimen = np.array([prefix + specimen_of(name, separator) for prefix, name in names])
    if (specimen == sample_id).all():
        expected = f"sample ids with {separator!r} before the name of the scan"
        raise BadInputError(table.path, "--scan-separator", expected, f"none, such as {sample_id[0].item()!r}")
    return specimen


def _check_specimens(
    table: RawTable, specimen: np.ndarray | None, names: np.ndarray | None, column: int | None
) -> None:
    """Raise BadInputError where scans of one specimen have two classes or stand in two parts of a split."""
    if specimen is None or names is None or column is None:
        return
    first_row: dict[str, int] = {}
    for i, (one, name) in enumerate(zip(specimen.tolist(), names.tolist(), strict=True)):
        first = first_row.setdefault(one, i)
        if names[first] != name:
            expected = f"{names[first].item()!r}, as in {table.row_name(first)} of the same specimen {one!r}"
            raise BadInputError(table.path, table.cell_name(i, column), expected, repr(name))


def _published_split(table: RawTable, column: int | None, split: np.ndarray | None) -> dict[str, Any] | None:
    """Say which names mean training and test: by their words, or every name a fold where all are numbered."""
    if column is None or split is None:
        return None
    names = sorted(set(split.tolist()))
    train = [name for name in names if name.casefold() in TRAIN]
    test = [name for name in names if name.casefold() in TEST]
    if train and test:
        return {"train": train, "test": test}
    if len(names) > 1 and all(FOLD.fullmatch(name) for name in names):
        return {"folds": True}
    expected = "train and test (or cal, val), or numbered folds"
    raise BadInputError(table.path, table.column_name(column), expected, ", ".join(map(repr, names[:5])))
