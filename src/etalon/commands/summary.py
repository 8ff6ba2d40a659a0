"""What `etalon import` understood of a table, for a person to check."""

from collections import Counter
from typing import Any

import numpy as np

from etalon.contracts import SpectraSet
from etalon.data.gather import GatheredTable
from etalon.data.raw_table import RawTable, column_letters
from etalon.data.table_columns import Columns

# Between these a quantity is rather a percentage than an absorbance.
PERCENT = (5.0, 120.0)


def describe(spectra: SpectraSet, table: RawTable, columns: Columns) -> str:
    """Say in a few lines what was understood of a table, so that a wrong guess is seen."""
    metadata = spectra.metadata
    unit = metadata.axis_unit
    low, high = spectra.wavelengths[[0, -1]]
    lowest, highest = spectra.intensities.min(), spectra.intensities.max()
    lines = [
        ("file", _file(table, columns)),
        ("samples", f"{len(spectra)}, ids from {_samples(table, columns)}"),
        ("replicates", _replicates(spectra, table, columns)),
        ("channels", _channels(table, columns)),
        ("axis", f"{low:.8g} to {high:.8g} {unit}, mean step {metadata.spectral_step:.4g} {unit}"),
        ("modality", metadata.modality),
        ("intensities", f"{lowest:.4g} to {highest:.4g}, representation {metadata.representation}{_hint(spectra)}"),
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


def as_content(spectra: SpectraSet, table: RawTable, columns: Columns) -> dict[str, Any]:
    """Return what was understood of a table, for programs."""
    metadata = spectra.metadata
    return {
        "dataset": metadata.dataset_id,
        "files": [str(file) for file in table.files],
        "samples": len(spectra),
        "specimens": len(np.unique(spectra.specimen)),
        "channels": len(spectra.wavelengths),
        "axis": [float(spectra.wavelengths[0]), float(spectra.wavelengths[-1])],
        "axis_unit": metadata.axis_unit,
        "modality": metadata.modality,
        "representation": metadata.representation,
        "targets": [
            {
                "name": t.name,
                "unit": t.unit,
                "analyte": t.analyte,
                "basis": t.basis,
                "measured": int(np.isfinite(y).sum()),
            }
            for t, y in zip(metadata.targets, spectra.reference.T, strict=True)
        ],
        "label": metadata.label,
        "split": None if spectra.split is None else dict(Counter(spectra.split.tolist())),
        "left_out": [table.header[column] for column in columns.left_out],
    }


def _hint(spectra: SpectraSet) -> str:
    """Return what a quantity that nobody named looks like."""
    if spectra.metadata.representation != "unknown" or spectra.metadata.modality == "raman":
        return ""
    low, high = np.percentile(spectra.intensities, [1, 99])
    if low >= 0 and PERCENT[0] < high <= PERCENT[1]:
        return " (percent? then --representation reflectance_percent or transmittance_percent)"
    return ""


def _file(table: RawTable, columns: Columns) -> str:
    if not isinstance(table, GatheredTable):
        return f"{table.path} ({table.dialect}, decimal {'comma' if columns.decimal_comma else 'point'})"
    notes = [f"{table.shifted} brought onto the axis of the first"] if table.shifted else []
    if table.without:
        notes.append(f"spectra without a row of references: {table.without}")
    if table.unmatched:
        notes.append(f"rows of references without a spectrum: {table.unmatched}")
    return "; ".join([f"{table.path} ({table.dialect})", *notes])


def _samples(table: RawTable, columns: Columns) -> str:
    if isinstance(table, GatheredTable):
        return "the names of the files"
    return _column(table, columns.sample, "the row numbers")


def _channels(table: RawTable, columns: Columns) -> str:
    ends = (columns.channels[0], columns.channels[-1])
    if isinstance(table, GatheredTable):
        unit = "" if table.unit is None else f" {table.unit}"
        low, high = (f"{float(table.header[end]):.8g}" for end in ends)
        return f"{len(columns.channels)}, {low} to {high}{unit} in the files"
    first, last = (table.header[column] for column in ends)
    return f"{len(columns.channels)}, columns {' to '.join(map(column_letters, ends))}, headed {first} to {last}"


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
