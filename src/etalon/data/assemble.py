"""From a reader's tables to a SpectraSet, as an entry of the catalogue describes it.

Every reader brings its format into the same form, tables by name: a `pandas.DataFrame` for each sheet, matrix or
data frame of the source, whose column names are text. A matrix without names has columns "1", "2", ... The entry's
options then say which table holds the spectra, which columns are channels, and where specimens, split and class stand.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from etalon.catalogue import Entry
from etalon.contracts import Metadata, Source, SpectraSet, Target
from etalon.data.axis import increasing, on_axis, same_axis, to_contract
from etalon.errors import BadInputError

Tables = dict[str, pd.DataFrame]
PART = "part"  # column in which the rows of each part carry its name
NUMBER = re.compile(r"^\s*([0-9]+(?:\.[0-9]*)?)\s*$")
NOT_MEASURED = ("", "NA", "NaN", "nan", "None")


def assemble(entry: Entry, tables: Tables) -> SpectraSet:
    """Return the dataset that `entry` describes, from the tables its reader found.

    Raises
    ------
    BadInputError
        For a table or column that is not there, parts on different axes, laboratory values that are not numbers, and
        a size other than `entry.expect`.
    """
    spectra, axis, samples = _stack(entry, tables)
    samples, kept = _join_laboratory(entry, tables, samples)
    spectra, axis = _drop_channels(entry.options.get("drop_channels", ()), spectra[kept], axis)
    wavelengths, axis_unit = to_contract(axis, entry.axis.unit, entry.modality, entry.id)
    wavelengths, spectra = increasing(wavelengths, spectra)
    if spectra.shape != (entry.expect.n_samples, entry.expect.n_channels):
        expected = f"{entry.expect.n_samples} samples by {entry.expect.n_channels} channels"
        raise BadInputError(entry.id, "spectra", expected, f"{spectra.shape[0]} by {spectra.shape[1]}")
    specimen = _specimen(entry, samples, spectra)
    return SpectraSet(
        metadata=metadata_of(entry, wavelengths, axis_unit),
        intensities=spectra,
        wavelengths=wavelengths,
        sample_id=_sample_id(specimen),
        specimen=specimen,
        reference=_reference(entry, samples),
        split=_category(entry, samples, "split"),
        label=_category(entry, samples, "label"),
    )


def metadata_of(entry: Entry, wavelengths: np.ndarray, axis_unit: str) -> Metadata:
    """Return what the catalogue says of a set, with the range and mean step of its axis."""
    return Metadata(
        dataset_id=entry.id,
        family=entry.family,
        title=entry.title,
        modality=entry.modality,
        representation=entry.representation,
        axis_unit=axis_unit,
        instrument=entry.instrument,
        manufacturer=entry.manufacturer,
        instrument_type=entry.instrument_type,
        mode=entry.mode,
        spectral_range=(float(wavelengths[0]), float(wavelengths[-1])),
        spectral_step=float((wavelengths[-1] - wavelengths[0]) / (len(wavelengths) - 1)),
        targets=tuple(Target(t.name, t.analyte, t.unit, t.basis) for t in entry.targets),
        label=entry.label,
        published_split=entry.published_split,
        paired_with=entry.paired_with,
        overlaps=entry.overlaps,
        licence=entry.licence,
        weights=entry.weights,
        citation=entry.citation,
        sources=tuple(Source(file.path, file.url, file.sha256) for file in entry.files),
        synthetic=entry.synthetic,
    )


def scans_table(scans: Iterable[tuple[str, np.ndarray, np.ndarray]], name_pattern: str, where: str) -> pd.DataFrame:
    """Return a table of spectra that the source keeps one to a file.

    Parameters
    ----------
    scans : (file name, axis, values) of each; all come onto the axis of the first
    name_pattern : regular expression; its named groups, found in the file name, become columns
    """
    names, rows, first = [], [], None
    for name, axis, values in scans:
        if (match := re.search(name_pattern, name)) is None:
            raise BadInputError(where, "name_pattern", f"file names that match {name_pattern}", name)
        first = axis if first is None else first
        names.append(match.groupdict())
        rows.append(on_axis(axis, values, first))
    if first is None:
        raise BadInputError(where, "files", "at least one spectrum", "none")
    channels = pd.DataFrame(np.vstack(rows), columns=[repr(float(value)) for value in first])
    return pd.concat([pd.DataFrame(names), channels], axis=1)


def matrix_table(matrix: np.ndarray, names: Iterable[Any] | None = None) -> pd.DataFrame:
    """Return a matrix, shape (n_samples, n_channels), as a table; its columns are counted where they have no names."""
    names = range(1, matrix.shape[1] + 1) if names is None else names
    return pd.DataFrame(matrix, columns=[str(name).strip() for name in names])


def named_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose column names are text without outer blanks; "column 3" where the third has none."""
    names = [str(name).strip() for name in table.columns]
    return table.set_axis(
        [f"column {n}" if not name or name.startswith("Unnamed: ") else name for n, name in enumerate(names, start=1)],
        axis=1,
    )


def _stack(entry: Entry, tables: Tables) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Return spectra, axis (in the source's unit) and all other columns of the parts, one after the other."""
    spectra, axes, samples = [], [], []
    for part in entry.options["parts"]:
        table = _table(entry, tables, part["spectra"])
        channels, values = _channels(entry, table)
        spectra.append(table[channels].to_numpy(dtype=np.float64))
        axes.append(values)
        beside = [_table(entry, tables, name) for name in part.get("samples", [part["spectra"]])]
        rest = pd.concat([one.drop(columns=channels, errors="ignore") for one in beside], axis=1)
        if len(rest) != len(table):
            raise BadInputError(entry.id, f"table {part['samples']}", f"{len(table)} rows", len(rest))
        samples.append(rest.rename(columns=part.get("rename", {})).assign(**{PART: part.get("name", "")}))
    for part, values in zip(entry.options["parts"], axes, strict=True):
        if not same_axis(axes[0], values):
            expected = f"the axis of the first part, {axes[0][0]:g} to {axes[0][-1]:g}, {len(axes[0])} channels"
            found = f"{values[0]:g} to {values[-1]:g}, {len(values)} channels"
            raise BadInputError(entry.id, f"table {part['spectra']}", expected, found)
    return np.vstack(spectra), axes[0], pd.concat(samples, ignore_index=True)


def _table(entry: Entry, tables: Tables, name: str) -> pd.DataFrame:
    if name not in tables:
        raise BadInputError(entry.id, f"table {name}", f"one of {', '.join(tables)}", "no such table")
    return tables[name].reset_index(drop=True)


def _channels(entry: Entry, table: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return the columns that are channels, and the axis in the source's unit."""
    pattern = re.compile(entry.options["channels"]) if "channels" in entry.options else NUMBER
    found = [(column, match) for column in table.columns if (match := pattern.search(column))]
    if len(found) < 2:
        raise BadInputError(entry.id, "channels", f"columns named like {pattern.pattern}", list(table.columns[:5]))
    columns = [column for column, _ in found]
    if entry.axis.first is not None:
        return columns, np.linspace(entry.axis.first, float(entry.axis.last or 0.0), len(columns))
    return columns, np.array([float(match[1]) for _, match in found])


def _join_laboratory(entry: Entry, tables: Tables, samples: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the samples with the columns of the laboratory table beside them, and which rows are kept.

    Repeated determinations of one specimen are averaged. Scans without a laboratory value are left out, where the
    entry says so; else they are an error.
    """
    join = entry.options.get("laboratory")
    if join is None:
        return samples, np.arange(len(samples))
    table = _table(entry, tables, join["table"])
    columns = [target.column for target in entry.targets]
    numbers = pd.DataFrame({name: _numbers(entry, table, name) for name in columns})
    known = numbers.groupby(_text(entry, table, [join["key"]])).mean()
    key = _specimen_text(entry, samples)
    kept = np.flatnonzero(key.isin(known.index))
    if len(kept) < len(samples) and not join.get("drop_unmatched", False):
        missing = key[~key.isin(known.index)].iloc[0]
        raise BadInputError(entry.id, f"table {join['table']}", f"a row for every {join['key']}", f"none for {missing}")
    samples = samples.drop(columns=columns, errors="ignore").iloc[kept].reset_index(drop=True)
    return pd.concat([samples, known.loc[key.iloc[kept]].reset_index(drop=True)], axis=1), kept


def _drop_channels(what: Iterable[str], spectra: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave out channels that are "missing" (not a number) or exactly "zero" in any sample."""
    keep = np.ones(spectra.shape[1], dtype=bool)
    if "missing" in what:
        keep &= np.isfinite(spectra).all(axis=0)
    if "zero" in what:
        keep &= (spectra != 0).all(axis=0)
    return spectra[:, keep], axis[keep]


def _specimen(entry: Entry, samples: pd.DataFrame, spectra: np.ndarray) -> np.ndarray:
    """Return the name of each sample's specimen; without options, every row is one and is named by its number."""
    rule = entry.options.get("specimen", {})
    if "columns" in rule:
        return _specimen_text(entry, samples).to_numpy(str)
    if "repeats" in rule:
        n_specimens, left_over = divmod(len(samples), rule["repeats"])
        if left_over:
            expected = f"a multiple of {rule['repeats']} rows"
            raise BadInputError(entry.id, "specimen.repeats", expected, len(samples))
        unmeasured = rule.get("unmeasured", [])
        numbers = [n for n in range(1, n_specimens + len(unmeasured) + 1) if n not in unmeasured]
        return np.repeat(numbers, rule["repeats"]).astype(str)
    if rule.get("identical_spectra", False):
        _, first, group = np.unique(spectra, axis=0, return_index=True, return_inverse=True)
        return (first[group.ravel()] + 1).astype(str)
    return np.arange(1, len(samples) + 1).astype(str)


def _specimen_text(entry: Entry, samples: pd.DataFrame) -> pd.Series:
    """Return the columns that name a specimen, joined, each reduced by the entry's pattern and renaming."""
    rule = entry.options["specimen"]
    names = _text(entry, samples, rule["columns"])
    if "pattern" in rule:
        names = names.str.extract(f"({rule['pattern']})", expand=False)
        if names.isna().any():
            expected = f"values with {rule['pattern']}"
            raise BadInputError(entry.id, f"column {rule['columns'][0]}", expected, "a value without it")
    return names.replace(rule.get("rename", {}))


def _sample_id(specimen: np.ndarray) -> np.ndarray:
    """Return unique ids: the specimen, and the number of the scan where it was scanned repeatedly."""
    names = pd.Series(specimen)
    if names.is_unique:
        return specimen
    return (names + "/" + (names.groupby(names).cumcount() + 1).astype(str)).to_numpy(str)


def _reference(entry: Entry, samples: pd.DataFrame) -> np.ndarray:
    """Return the laboratory values after conversion, shape (n_samples, n_targets)."""
    reference = np.empty((len(samples), len(entry.targets)))
    for column, target in enumerate(entry.targets):
        offset, scale = target.convert
        reference[:, column] = offset + scale * _numbers(entry, samples, target.column)
    return reference


def _category(entry: Entry, samples: pd.DataFrame, key: str) -> np.ndarray | None:
    """Return the published split or the class of each sample; None where the entry gives none."""
    rule = entry.options.get(key)
    if rule is None:
        return None
    if "rows" in rule:
        if sum(rule["rows"].values()) != len(samples):
            raise BadInputError(entry.id, f"{key}.rows", f"{len(samples)} rows in all", sum(rule["rows"].values()))
        return np.repeat(list(rule["rows"]), list(rule["rows"].values()))
    values = _text(entry, samples, [rule["column"]])
    if "names" not in rule:
        return values.to_numpy(str)
    unknown = values[~values.isin(rule["names"])]
    if len(unknown):
        expected = f"one of {', '.join(rule['names'])}"
        raise BadInputError(entry.id, f"column {rule['column']}", expected, repr(unknown.iloc[0]))
    return values.map(rule["names"]).to_numpy(str)


def _column(entry: Entry, table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table:
        known = ", ".join(list(table.columns)[:12])
        raise BadInputError(entry.id, f"column {name}", f"one of {known}", "no such column")
    column = table[name]
    return column.iloc[:, 0] if isinstance(column, pd.DataFrame) else column


def _text(entry: Entry, table: pd.DataFrame, names: list[str]) -> pd.Series:
    """Return columns as text joined by underscores; a whole number is written without a decimal point."""
    parts = []
    for name in names:
        column = _column(entry, table, name)
        if pd.api.types.is_float_dtype(column) and (column == column.round()).all():
            column = column.astype(np.int64)
        parts.append(column.astype(str).str.strip())
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "_" + part
    return joined


def _numbers(entry: Entry, table: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column as float64, NaN where not measured; anything else that is no number is an error."""
    column = _column(entry, table, name)
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isnan(numbers), np.nan, numbers)  # the NA of R is a signalling NaN, at which sums warn
    text = column.astype(str).str.strip()
    empty = column.isna() | text.isin(NOT_MEASURED)
    parsed = pd.to_numeric(text.where(~empty), errors="coerce")
    wrong = parsed.isna() & ~empty
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BadInputError(entry.id, f"column {name}", "a number or nothing", f"{text.iloc[row]!r} in row {row + 1}")
    return parsed.to_numpy(dtype=np.float64)
