"""What `etalon import` understood of a table, for a person to check."""

import itertools
import re
from collections import Counter, defaultdict
from typing import Any

import numpy as np

from etalon.applied.laboratory import beyond, beyond_text, laboratory_of, sel_text
from etalon.contracts import SpectraSet, Target
from etalon.data.gather import GatheredTable
from etalon.data.laboratory import determined
from etalon.data.raw_table import RawTable
from etalon.data.references import JoinedTable, spectra_of
from etalon.data.stacked import StackedTable
from etalon.data.table_columns import UNIT_IN_HEADER, Columns
from etalon.data.table_numbers import is_missing, looks_numeric

# Between these a quantity is rather a percentage than an absorbance.
PERCENT = (5.0, 120.0)
# Numbers that programs write where nothing was measured.
MARKS = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0)
SCAN = re.compile(r"(?P<specimen>.+)(?P<separator>[_\-. #/])(?P<scan>\d{1,2}|[A-Za-z])")
# What tells columns of repeated determinations apart: "N 1" and "N 2", "fat_a" and "fat_b", "ash" and "ash.1".
REPEAT = re.compile(r"([\s_.\-#]?(\d{1,2}|[A-Za-z]|I{1,3}))?")
LEAST_REPEATS = 5
SHOWN = 5
MOST_SCANS, LEAST_SPECIMENS = 6, 3


def describe(spectra: SpectraSet, table: RawTable, columns: Columns) -> str:
    """Say in a few lines what was understood of a table, so that a wrong guess is seen."""
    metadata = spectra.metadata
    unit = metadata.axis_unit
    low, high = spectra.wavelengths[[0, -1]]
    lowest, highest = spectra.intensities.min(), spectra.intensities.max()
    lines = [
        *_files(table, columns),
        ("samples", f"{len(spectra)}, ids from {_samples(table, columns)}"),
        ("replicates", _replicates(spectra, table, columns)),
        ("channels", _channels(table, columns)),
        ("axis", f"{low:.8g} to {high:.8g} {unit}, mean step {metadata.spectral_step:.4g} {unit}"),
        ("modality", metadata.modality),
        ("intensities", f"{lowest:.4g} to {highest:.4g}, representation {metadata.representation}{_hint(spectra)}"),
    ]
    if n_repeated := len(spectra) - len(np.unique(spectra.intensities, axis=0)):
        lines.append(("repeated", f"exact copies of another row's spectrum: {n_repeated}"))
    if flat := spectra.sample_id[np.ptp(spectra.intensities, axis=1) == 0].tolist():
        lines.append(("no signal", f"one value in all channels: {', '.join(flat[:SHOWN])}{_more(flat)}"))
    for i, target in enumerate(metadata.targets):
        values = spectra.reference[:, i]
        known = values[np.isfinite(values)]
        text = (
            f"{target.name}: {known.min():.4g} to {known.max():.4g} {target.unit}, {len(known)} of {len(values)} rows"
            f"{_marks(known)}"
        )
        lines.append(("targets" if i == 0 else "", f"{text}; analyte {target.analyte}, basis {target.basis}"))
        lines += [("", f"  {said}") for said in _laboratory(spectra, table, columns, target)]
    if not metadata.targets:
        lines.append(("targets", "none"))
    if repeats := _like_repeats(spectra):
        lines.append(("", f"CAREFUL: {repeats}"))
    if spectra.label is not None:
        lines.append(("classes", f"{_counts(spectra.label)} (column {metadata.label!r})"))
    if spectra.split is not None:
        kind = "folds" if "folds" in (metadata.published_split or {}) else "split"
        lines.append((kind, f"{_counts(spectra.split)} ({_column(table, columns.split)})"))
    if columns.left_out:
        lines.append(("left out", ", ".join(_left_out(table, columns, column) for column in columns.left_out)))
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
        "laboratory": [
            {
                "target": one.target,
                "below": len(one.below),
                "above": len(one.above),
                "beyond_limit": one.beyond_limit,
                "sel": one.sel,
                "degrees_of_freedom": one.degrees_of_freedom,
                "sel_of_references": one.sel_of_references,
            }
            for one in metadata.laboratory
        ],
        "label": metadata.label,
        "split": None if spectra.split is None else dict(Counter(spectra.split.tolist())),
        "left_out": [table.header[column] for column in columns.left_out],
    }


def _laboratory(spectra: SpectraSet, table: RawTable, columns: Columns, target: Target) -> list[str]:
    """Return what is to be said of a target's references besides their values."""
    one = laboratory_of(spectra, target)
    if one is None:
        return []
    lines = []
    if one.beyond_limit is not None:
        known = np.isfinite(spectra.reference[:, spectra.metadata.targets.index(target)])
        n_references = int(np.logical_or.reduce([known, *beyond(spectra, target)]).sum())
        lines.append(beyond_text(len(one.below), len(one.above), n_references, one.beyond_limit))
    if one.sel is not None and one.sel_of_references is not None:
        lines.append(f"SEL {sel_text(one.sel, one.degrees_of_freedom, one.sel_of_references, target.unit)}")
        found = determined(table, columns.by_target()[target], columns.decimal_comma, one.beyond_limit)
        widest = max(range(len(spectra)), key=lambda row: np.ptp(found.measured[row]) if found.measured[row] else 0.0)
        numbers = ", ".join(f"{number:.6g}" for number in found.measured[widest])
        if one.sel > 0:
            lines.append(f"determinations that differ most: {numbers} of {str(spectra.specimen[widest])!r}")
    return lines


def _like_repeats(spectra: SpectraSet) -> str:
    """Return which targets look like repeated determinations of one, and how to say so; "" where none do."""
    targets = spectra.metadata.targets
    for (i, one), (j, other) in itertools.combinations(enumerate(targets), 2):
        both = zip(one.name, other.name, strict=False)
        start = "".join(sign for sign, _ in itertools.takewhile(lambda signs: signs[0] == signs[1], both))
        ends = [target.name[len(start) :] for target in (one, other)]
        if one.unit == other.unit and start.strip() and all(map(REPEAT.fullmatch, ends)):
            pairs = spectra.reference[:, [i, j]]
            pairs = pairs[np.isfinite(pairs).all(axis=1)]
            # Quantities of like names differ by about as much as samples do.
            if len(pairs) >= LEAST_REPEATS and np.abs(np.diff(pairs)).mean() < pairs.std() / 4:
                wish = f"--target {f'{start}*:{one.unit}'!r} --average-duplicates"
                return f"{one.name!r} and {other.name!r} look like determinations of one quantity (then {wish})"
    return ""


def _hint(spectra: SpectraSet) -> str:
    """Return what a quantity that nobody named looks like."""
    if spectra.metadata.representation != "unknown" or spectra.metadata.modality == "raman":
        return ""
    low, high = np.percentile(spectra.intensities, [1, 99])
    if low >= 0 and PERCENT[0] < high <= PERCENT[1]:
        return " (percent? then --representation reflectance_percent or transmittance_percent)"
    return ""


def _files(table: RawTable, columns: Columns) -> list[tuple[str, str]]:
    """Return a line for the file, or for each of several tables."""
    own = spectra_of(table)
    notes = _notes(table)
    if not isinstance(own, StackedTable):
        decimal = "" if isinstance(own, GatheredTable) else f", decimal {_decimal(columns.decimal_comma)}"
        return [("file", "; ".join([f"{table.path} ({table.dialect}{decimal})", *notes]))]
    lines = [
        f"{part.path} ({part.dialect}, decimal {_decimal(comma)}): {len(part.rows)} rows"
        + (", brought onto the axis of the first" if shifted else "")
        for part, comma, shifted in zip(own.parts, own.commas, own.shifted, strict=True)
    ]
    lines = [*lines, *notes]
    return [("" if number else "files", line) for number, line in enumerate(lines)]


def _decimal(comma: bool) -> str:
    return "comma" if comma else "point"


def _notes(table: RawTable) -> list[str]:
    """Return what else is to be said of the files."""
    own = spectra_of(table)
    notes = ["a row of units below the header"] if table.units else []
    if isinstance(own, GatheredTable) and own.shifted:
        notes.append(f"{own.shifted} brought onto the axis of the first")
    if isinstance(own, GatheredTable) and (passed_over := [path.name for path in own.passed_over]):
        notes.append(f"passed over: {', '.join(passed_over[:SHOWN])}{_more(passed_over)}")
    if isinstance(table, JoinedTable) and table.references is not None:
        repeats = sum(len(rows) > 1 for rows in table.matches.rows) if table.matches is not None else 0
        several = f", several rows for {repeats} spectra" if repeats else ""
        notes.append(f"references from {table.references.path} ({table.references.dialect}{several})")
    without, unmatched = _unpaired(table)
    if without:
        notes.append(f"spectra without a row of references: {without}")
    if unmatched:
        notes.append(f"rows of references without a spectrum: {unmatched}")
    return notes


def _unpaired(table: RawTable) -> tuple[int, int]:
    """Return how many spectra have no row of references, and how many rows no spectrum."""
    if isinstance(table, JoinedTable) and table.matches is not None:
        return table.matches.without, table.matches.unmatched
    return 0, 0


def _samples(table: RawTable, columns: Columns) -> str:
    if isinstance(spectra_of(table), GatheredTable):
        return "the names of the files"
    hint = f" (else --sample-column {table.header[0]!r})" if 0 in columns.left_out and table.header[0] else ""
    return _column(table, columns.sample, f"the row numbers{hint}")


def _channels(table: RawTable, columns: Columns) -> str:
    ends = (columns.channels[0], columns.channels[-1])
    if isinstance(own := spectra_of(table), GatheredTable):
        unit = "" if own.unit is None else f" {own.unit}"
        low, high = (f"{float(table.header[end]):.8g}" for end in ends)
        return f"{len(columns.channels)}, {low} to {high}{unit} in the files"
    first, last = (table.header[column] for column in ends)
    return f"{len(columns.channels)}, {table.places(*ends)}, headed {first} to {last}"


def _column(table: RawTable, column: int | None, otherwise: str = "") -> str:
    return otherwise if column is None else table.column_name(column)


def _replicates(spectra: SpectraSet, table: RawTable, columns: Columns) -> str:
    n_specimens = len(np.unique(spectra.specimen))
    if columns.specimen is not None:
        return f"{len(spectra)} scans of {n_specimens} specimens, from {table.column_name(columns.specimen)}"
    if n_specimens < len(spectra):
        return f"{len(spectra)} scans of {n_specimens} specimens, from the sample ids, such as {spectra.specimen[0]!s}"
    if scans := _like_scans(spectra):
        return f"none: every row is a specimen of its own. CAREFUL: {scans}"
    return "none: every row is a specimen of its own (else --specimen-column)"


def _like_scans(spectra: SpectraSet) -> str:
    """Return which sample ids look like scans of one specimen, and how to say so; "" where none do."""
    found = [SCAN.fullmatch(name) for name in spectra.sample_id.tolist()]
    for separator, _ in Counter(match["separator"] for match in found if match).most_common():
        rows: dict[str, list[int]] = defaultdict(list)
        for row, match in enumerate(found):
            if match and match["separator"] == separator:
                rows[match["specimen"]].append(row)
        several = [group for group in rows.values() if 1 < len(group) <= MOST_SCANS]
        of_one = [group for group in several if np.array_equal(*_ends(spectra.reference[group]), equal_nan=True)]
        if len(several) >= LEAST_SPECIMENS and 2 * len(several) > len(rows) and 2 * len(of_one) > len(several):
            names = " and ".join(repr(str(spectra.sample_id[row])) for row in several[0][:2])
            return f"{names} look like scans of one (then --scan-separator {separator!r})"
    return ""


def _ends(reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return reference.min(axis=0), reference.max(axis=0)


def _marks(known: np.ndarray) -> str:
    """Return a doubt about numbers that may stand for "not measured": they lie far outside all others."""
    others = known[~np.isin(known, MARKS)]
    if not 0 < len(others) < len(known):
        return ""
    doubtful = [mark for mark in MARKS if mark in known and not others.min() < mark < 3 * others.max()]
    said = ", ".join(f"{mark:g}" for mark in doubtful if mark > 0 or others.min() >= 0)
    return f" (does {said} stand for not measured? then leave the cell empty)" if said else ""


def _left_out(table: RawTable, columns: Columns, column: int) -> str:
    """Return the name of a column that is not used; one with a unit in its header was meant to hold numbers."""
    name = table.header[column] or table.places(column).removeprefix("column ")
    own = spectra_of(table)
    if isinstance(own, StackedTable) and column < len(own.header) and (lacking := own.lacking(column)):
        return f"{name} (not in {', '.join(lacking[:SHOWN])}{_more(lacking)})"
    if not UNIT_IN_HEADER.fullmatch(name) or looks_numeric(table, column, columns.decimal_comma):
        return name
    filled = [row[column] for row in table.rows if not is_missing(row[column])]
    return f"{name} (no numbers{f', such as {filled[0]!r}' if filled else ': all cells empty'})"


def _more(names: list[str]) -> str:
    return f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""


def _counts(names: np.ndarray, shown: int = 6) -> str:
    counts = Counter(names.tolist()).most_common()
    more = f", and {len(counts) - shown} more" if len(counts) > shown else ""
    return ", ".join(f"{count} {name}" for name, count in counts[:shown]) + more
