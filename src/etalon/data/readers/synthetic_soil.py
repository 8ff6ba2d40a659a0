"""Synthetic soils with nine properties, measured by a synthetic instrument when the dataset is imported.

Options: `population` (`etalon.synthesis.soils.POPULATIONS`), `instrument` and its `state`
(`etalon.synthesis.soil_scans.INSTRUMENTS`, `STATES`), `specimens` and `scans`, the number of each and of scans of each.
A target's column is one of `etalon.synthesis.soils.PROPERTIES`. Entries of one population measure the same soils under
the same names.
"""

from pathlib import Path
from typing import Any

import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import metadata_of
from etalon.errors import BadInputError
from etalon.seeds import derive_seed
from etalon.synthesis.soil_scans import INSTRUMENTS, STATES, scan_soils
from etalon.synthesis.soils import POPULATIONS, PROPERTIES

_NAMES = {"population": tuple(POPULATIONS), "instrument": tuple(INSTRUMENTS), "state": STATES}
_COUNTS = ("specimens", "scans")


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Generate the dataset of `entry`.

    Raises
    ------
    BadInputError
        For an option that is missing, unknown or out of range, a target that is no property, a representation other
        than absorbance, and a size other than `entry.expect`.
    """
    options = _options(entry)
    if entry.representation != "absorbance":
        raise BadInputError(entry.id, "representation", "absorbance", entry.representation)
    scans = scan_soils(
        options["population"],
        options["instrument"],
        options["state"],
        range(options["specimens"]),
        options["scans"],
        derive_seed(seed, "synthetic_soil"),
    )
    if scans.spectra.shape != (entry.expect.n_samples, entry.expect.n_channels):
        expected = f"{entry.expect.n_samples} samples by {entry.expect.n_channels} channels"
        raise BadInputError(entry.id, "expect", expected, f"{scans.spectra.shape[0]} by {scans.spectra.shape[1]}")
    specimen = (scans.specimen + 1).astype(str)
    sample_id = [f"{name}/{scan + 1}" for name, scan in zip(specimen, scans.scan, strict=True)]
    return SpectraSet(
        metadata=metadata_of(entry, scans.wavelengths, "nm"),
        intensities=scans.spectra,
        wavelengths=scans.wavelengths,
        sample_id=np.array(sample_id) if options["scans"] > 1 else specimen,
        specimen=specimen,
        reference=np.repeat(_reference(entry, scans.soils.reference), options["scans"], axis=0),
    )


def _options(entry: Entry) -> dict[str, Any]:
    """Return the checked options."""
    if wrong := sorted(set(entry.options) ^ {*_NAMES, *_COUNTS}):
        found = "an unknown key" if wrong[0] in entry.options else "nothing"
        raise BadInputError(entry.id, f"options.{wrong[0]}", f"exactly {', '.join((*_NAMES, *_COUNTS))}", found)
    for option, names in _NAMES.items():
        if entry.options[option] not in names:
            raise BadInputError(entry.id, f"options.{option}", f"one of {', '.join(names)}", entry.options[option])
    for option in _COUNTS:
        value = entry.options[option]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise BadInputError(entry.id, f"options.{option}", "a whole number above 0", value)
    return entry.options


def _reference(entry: Entry, found: np.ndarray) -> np.ndarray:
    """Return the laboratory values of the entry's targets, shape (n_specimens, n_targets)."""
    reference = np.empty((len(found), len(entry.targets)))
    for number, target in enumerate(entry.targets):
        if target.column not in PROPERTIES:
            raise BadInputError(entry.id, f"targets.{target.name}", f"one of {', '.join(PROPERTIES)}", target.column)
        offset, scale = target.convert
        reference[:, number] = offset + scale * found[:, PROPERTIES.index(target.column)]
    return reference
