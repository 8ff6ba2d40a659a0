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
from etalon.data.axis import NM_TIMES_CM1, increasing, to_contract
from etalon.data.gather import GatheredTable
from etalon.data.laboratory import Determined, determined
from etalon.data.raw_table import AS_USUAL, HEADER_NUMBER, Layout, RawTable, TransposedTable, read_raw_table
from etalon.data.references import spectra_of
from etalon.data.table_columns import TEST, TRAIN, Columns, Wishes, channel_text, find_columns, specimen_of
from etalon.data.table_numbers import channel_values, parse_number
from etalon.data.table_shape import axis_unit, is_headed_as_axis, part_units, spectra_in_columns
from etalon.errors import BadInputError

ID = re.compile(r"[a-z][a-z0-9_]{0,59}")
# Where spectrometers of a kind measure, in nm (Raman: shift in cm-1), widely: an axis outside has the wrong unit.
RANGES = {"nir": (500.0, 3500.0), "visnir": (180.0, 3500.0), "mir": (1400.0, 2.0e5), "raman": (0.0, 6000.0)}
# An instrument that begins below this is called visible and near infrared (nm).
VISIBLE_END = 700.0
AXIS_UNIT = re.compile(r"\bnm\b|cm\^?-1|cm⁻¹|1/cm", re.IGNORECASE)
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
    along = None if isinstance(spectra_of(table), GatheredTable) else spectra_in_columns(table)
    if along and is_headed_as_axis(table):
        raise BadInputError(table.path, "table", "one spectrum a row", along)
    try:
        return _to_spectra(table, request)
    except BadInputError as error:
        if along is None:
            raise
        raise BadInputError(error.where, error.field, error.expected, f"{error.found}; {along}") from error


def _to_spectra(table: RawTable, request: Request) -> tuple[SpectraSet, RawTable, Columns]:
    path = table.path
    columns = find_columns(table, request.wishes, request.decimal)
    values = _axis(table, columns.channels, columns.header_comma)
    axis, axis_unit, modality = _physical_axis(table, columns.channels[0], values, request)
    wavelengths, intensities = increasing(axis, channel_values(table, columns.channels, columns.decimal_comma))
    sample_id = _sample_ids(table, columns.sample)
    specimen = _specimens(table, columns, sample_id, request.wishes.scan_separator)
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


def _axis(table: RawTable, channels: list[int], decimal_comma: bool) -> np.ndarray:
    """Return the numbers in the channels' headers, float64, strictly rising or strictly falling."""
    values = np.empty(len(channels))
    for i, column in enumerate(channels):
        number = parse_number(channel_text(table, column), decimal_comma)
        if number is None:
            expected = f"a number with a decimal {'comma' if decimal_comma else 'point'}, as in other headers"
            raise BadInputError(
                table.path, f"header, {table.column_name(column)}", expected, repr(table.header[column])
            )
        values[i] = number
    _check_order(table, channels, values)
    return values


def _check_order(table: RawTable, channels: list[int], values: np.ndarray) -> None:
    seen: dict[float, int] = {}
    for column, value in zip(channels, values.tolist(), strict=True):
        if value in seen:
            found = f"{value:.10g} in {table.places(seen[value])} and {table.places(column)}"
            raise BadInputError(table.path, "header", "channels that occur once", found)
        seen[value] = column
    steps = np.diff(values)
    rising = np.median(steps) > 0
    wrong = steps < 0 if rising else steps > 0
    if wrong.any():
        i = int(np.argmax(wrong))
        expected = f"channels that only {'rise' if rising else 'fall'}"
        found = f"{values[i + 1]:.10g} after {values[i]:.10g}"
        raise BadInputError(table.path, f"header, {table.column_name(channels[i + 1])}", expected, found)


def _physical_axis(
    table: RawTable, first_channel: int, values: np.ndarray, request: Request
) -> tuple[np.ndarray, str, str]:
    """Return the axis, shape (n_channels,), its unit in the contract and the modality."""
    modality = request.modality
    unit = _unit(table, first_channel, values, request.axis_unit)
    if isinstance(own := spectra_of(table), GatheredTable):
        modality = modality or own.modality
    if modality == "raman" and unit != "cm-1":
        raise BadInputError(table.path, "--axis-unit", "cm-1, the Raman shift", repr(unit))
    axis, axis_unit = to_contract(values, unit, modality or "", table.path)
    low, high = float(axis.min()), float(axis.max())
    if modality is None and RANGES["visnir"][0] <= low and high <= RANGES["visnir"][1]:
        modality = "visnir" if low < VISIBLE_END else "nir"
    first, last = RANGES[modality or "visnir"]
    if modality is None or low < first or high > last:
        kind = modality or "nir or visnir"
        expected = f"{kind} channels between {first:g} and {last:g} {axis_unit}"
        converted = f" = {low:.6g} to {high:.6g} {axis_unit}" if unit != axis_unit else ""
        hint = "another --axis-unit or --modality?"
        if first <= 1000 * low and 1000 * high <= last and unit == "nm":
            hint = "micrometres? The header has to be in nm"
        found = f"{values.min():.10g} to {values.max():.10g} {unit}{converted} ({hint})"
        raise BadInputError(table.path, "header", expected, found)
    return axis, axis_unit, modality


def _unit(table: RawTable, first_channel: int, values: np.ndarray, said: str | None) -> str:
    """Return the unit of the channels: what the user says, else what the file states. A guess is only suggested."""
    stated, where = _stated_unit(table, first_channel)
    if said is not None and stated not in (None, said):
        raise BadInputError(table.path, "--axis-unit", f"{stated}, as {where}", repr(said))
    if (unit := said or stated) is not None:
        return unit
    low, high = float(values.min()), float(values.max())
    fits = [unit for unit, ends in (("nm", (low, high)), ("cm-1", (_nm(high), _nm(low)))) if _near_infrared(*ends)]
    hint = f"; {fits[0]} would be near infrared" if len(fits) == 1 else ""
    found = f"none, and channels from {low:.6g} to {high:.6g}{hint}"
    raise BadInputError(table.path, "--axis-unit", "nm or cm-1, which the file does not say", found)


def _nm(wavenumber: float) -> float:
    return NM_TIMES_CM1 / wavenumber if wavenumber > 0 else np.inf


def _near_infrared(low: float, high: float) -> bool:
    return RANGES["visnir"][0] <= low and high <= RANGES["visnir"][1]


def _stated_representation(table: RawTable) -> str:
    own = spectra_of(table)
    return own.representation if isinstance(own, GatheredTable) else "unknown"


def _stated_unit(table: RawTable, channel: int) -> tuple[str | None, str]:
    """Return the unit that a file states for its channels, None for none, and where it does."""
    own = spectra_of(table)
    if isinstance(own, GatheredTable):
        return own.unit, "in the files"
    if table.units and (stated := axis_unit(table.units[channel])):
        return stated, "in the row of units"
    if isinstance(own, TransposedTable) and (match := AXIS_UNIT.search(table.header[0])):
        return axis_unit(match[0]), f"in the header {table.header[0]!r}"
    match = HEADER_NUMBER.fullmatch(table.header[channel])
    return axis_unit((match and match["suffix"]) or ""), f"in the header {table.header[channel]!r}"


def _names(table: RawTable, column: int | None, what: str) -> np.ndarray | None:
    """Return the cells of a column as text, shape (n_rows,); None without a column."""
    if column is None:
        return None
    names = [str(row[column]) for row in table.rows]
    if "" in names:
        raise BadInputError(table.path, table.cell_name(names.index(""), column), what, "an empty cell")
    for row, name in enumerate(names):
        for cell, place in table.entries(row, column):
            if str(cell) not in ("", name):
                expected = f"{name!r}, as in {table.cell_name(row, column)} of the same name"
                raise BadInputError(table.path, place, expected, repr(str(cell)))
    return np.array(names)


def _sample_ids(table: RawTable, column: int | None) -> np.ndarray:
    names = _names(table, column, "a sample id")
    if column is None or names is None:
        return np.array([table.row_name(row) for row in range(len(table.rows))])
    first_row: dict[str, int] = {}
    for i, name in enumerate(names.tolist()):
        if name in first_row:
            option = repr(table.header[column]) if table.header[column] else "NAME"
            expected = f"ids that occur once (scans of one specimen: --specimen-column {option})"
            found = f"{name!r}, as in {table.row_name(first_row[name])}"
            raise BadInputError(table.path, table.cell_name(i, column), expected, found)
        first_row[name] = i
    return names


def _specimens(table: RawTable, columns: Columns, sample_id: np.ndarray, separator: str | None) -> np.ndarray | None:
    """Return the specimen of each row, by its column or by the sample's name up to the last separator, or None."""
    if separator is None:
        return _names(table, columns.specimen, "a specimen, for every row")
    if columns.specimen is not None:
        found = f"{table.column_name(columns.specimen)} as well"
        raise BadInputError(table.path, "--scan-separator", "specimens named in one place", found)
    if columns.sample is None:
        raise BadInputError(table.path, "--scan-separator", "a column of sample ids", "rows without names")
    specimen = np.array([specimen_of(name, separator) for name in sample_id.tolist()])
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
