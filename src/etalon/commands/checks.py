"""Comparison of datasets with the data contract and with the catalogue."""

import importlib
from dataclasses import fields
from pathlib import Path

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import metadata_of
from etalon.data.fetch import locate
from etalon.errors import BadInputError, NotRunError
from etalon.storage import METADATA, load_json, load_set

# Generated datasets have the same size with any seed; this one reads them, it decides nothing.
SEED = 1


def folder_of(entry: Entry, data: Path) -> Path:
    return data / ("synthetic" if entry.synthetic else "real") / entry.id


def check_entry(entry: Entry, data: Path, mirror: Path | None) -> str:
    """Check a dataset of the catalogue where it was imported, else as its raw files hold it, and describe it.

    Raises
    ------
    BadInputError
        Where it breaks the contract, or is not what the catalogue says.
    NotRunError
        Where neither it nor its raw files are there.
    """
    folder = folder_of(entry, data)
    if (folder / METADATA).exists():
        spectra = load_set(folder)
        _compare(entry, spectra, folder)
        return f"{describe(spectra)}; {folder}"
    places = [root for root in (mirror, data / "raw") if root is not None]
    if missing := [file.path for file in entry.files if not any((root / file.path).exists() for root in places)]:
        raise NotRunError(f"neither imported nor fetched: {len(missing)} of {len(entry.files)} raw files missing")
    files = locate(entry, data / "raw", mirror)
    spectra = importlib.import_module(f"etalon.data.readers.{entry.reader}").read(entry, files, SEED)
    _compare(entry, spectra, entry.id)
    return f"{describe(spectra)}; {'raw files' if entry.files else 'needs no raw files'}"


def check_own(folder: Path) -> str:
    """Check a dataset that a person imported, and describe it; raises BadInputError where it breaks the contract."""
    spectra = load_set(folder)
    if spectra.metadata.dataset_id != folder.name:
        raise BadInputError(folder / METADATA, "dataset_id", folder.name, spectra.metadata.dataset_id)
    return f"{describe(spectra)}; {folder}, not in the catalogue"


def describe(spectra: SpectraSet) -> str:
    n_samples, n_channels = spectra.intensities.shape
    unit = "" if spectra.metadata.axis_unit == "index" else f" {spectra.metadata.axis_unit}"
    parts = [
        f"{n_samples} x {n_channels}",
        f"{spectra.wavelengths[0]:.6g} to {spectra.wavelengths[-1]:.6g}{unit}",
        _count(len(spectra.metadata.targets), "target"),
    ]
    n_specimens = len(set(spectra.specimen.tolist()))
    if n_specimens < n_samples:
        parts.insert(1, _count(n_specimens, "specimen"))
    if spectra.label is not None:
        parts.append(_count(len(set(spectra.label.tolist())), "class", "classes"))
    return ", ".join(parts)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _compare(entry: Entry, spectra: SpectraSet, where: object) -> None:
    expected, found = (entry.expect.n_samples, entry.expect.n_channels), spectra.intensities.shape
    if found != expected:
        raise BadInputError(where, "spectra", f"{expected[0]} x {expected[1]}", f"{found[0]} x {found[1]}")
    said = metadata_of(entry, spectra.wavelengths, spectra.metadata.axis_unit)
    for field in fields(said):
        expected, found = getattr(said, field.name), getattr(spectra.metadata, field.name)
        if expected != found:
            raise BadInputError(where, field.name, f"{expected!r}, as in the catalogue", repr(found))


def forget_failure(entry: Entry, data: Path) -> None:
    """Remove the records that `entry` could not be had, so that the next run of the workflow tries it again."""
    status = data / "raw" / "status" / f"{entry.id}.json"
    if status.exists() and load_json(status).get("available") is False:
        status.unlink()
    metadata = folder_of(entry, data) / METADATA
    if metadata.exists() and "not_run" in load_json(metadata):
        metadata.unlink()
