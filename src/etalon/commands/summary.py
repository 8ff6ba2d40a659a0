"""What `etalon import` understood of a table, for a person to check."""

from collections import Counter

import numpy as np

from etalon.contracts import SpectraSet
from etalon.data.raw_table import RawTable, column_letters
from etalon.data.table_columns import Columns


def describe(spectra: SpectraSet, table: RawTable, columns: Columns) -> str:
    """Say in a few lines what was understood of a table, so that a wrong guess is seen."""
    metadata = spectra.metadata
    unit = metadata.axis_unit
    low, high = spectra.wavelengths[[0, -1]]
    first, last = (table.header[column] for column in (columns.channels[0], columns.channels[-1]))
    letters = " to ".join(column_letters(column) for column in (columns.channels[0], columns.channels[-1]))
    lowest, highest = spectra.intensities.min(), spectra.intensities.max()
    decimal = "comma" if columns.decimal_comma else "point"
    lines = [
        ("file", f"{table.path} ({table.dialect}, decimal {decimal})"),
        ("samples", f"{len(spectra)}, ids from {_column(table, columns.sample, 'the row numbers')}"),
        ("replicates", _replicates(spectra, table, columns)),
        ("channels", f"{len(spectra.wavelengths)}, columns {letters}, headed {first} to {last}"),
        ("axis", f"{low:.8g} to {high:.8g} {unit}, mean step {metadata.spectral_step:.4g} {unit}"),
        ("modality", metadata.modality),
        ("intensities", f"{lowest:.4g} to {highest:.4g}, representation {metadata.representation}"),
    ]
    if n_repeated := len(spectra) - len(np.unique(spectra.intensities, axis=0)):
        lines.append(("repeated", f"exact copies of another row's spectrum: {n_repeated}"))
    for i, target in enumerate(metadata.targets):
        values = spectra.reference[:, i]
        known = values[np.isfinite(values)]
        text = (
            f"{target.name}: {known.min():.4g} to {known.max():.4g} {target.unit}, {len(known)} of {len(values)} rows"
        )
        lines.append(("targets" if i == 0 else "", f"{text}; analyte {target.analyte}, basis {target.basis}"))
    if not metadata.targets:
        lines.append(("targets", "none"))
    if spectra.label is not None:
        lines.append(("classes", f"{_counts(spectra.label)} (column {metadata.label!r})"))
    if spectra.split is not None:
        kind = "folds" if "folds" in (metadata.published_split or {}) else "split"
        lines.append((kind, f"{_counts(spectra.split)} ({_column(table, columns.split)})"))
    if columns.left_out:
        lines.append(("left out", ", ".join(table.header[c] or column_letters(c) for c in columns.left_out)))
    return "\n".join(f"{name:<12} {text}" for name, text in lines)


def _column(table: RawTable, column: int | None, otherwise: str = "") -> str:
    return otherwise if column is None else table.column_name(column)


def _replicates(spectra: SpectraSet, table: RawTable, columns: Columns) -> str:
    if columns.specimen is None:
        return "none: every row is a specimen of its own (else --specimen-column)"
    n_specimens = len(np.unique(spectra.specimen))
    return f"{len(spectra)} scans of {n_specimens} specimens, from {table.column_name(columns.specimen)}"


def _counts(names: np.ndarray, shown: int = 6) -> str:
    counts = Counter(names.tolist()).most_common()
    more = f", and {len(counts) - shown} more" if len(counts) > shown else ""
    return ", ".join(f"{count} {name}" for name, count in counts[:shown]) + more
