"""Synthetic specimens, measured by a synthetic instrument when the dataset is imported.

Options: `recipe` (`etalon.synthesis.mixtures.RECIPES`), `instrument` (`etalon.synthesis.instruments.INSTRUMENTS`),
`specimens` and `scans`, the number of each and of scans of each. A target's column is a component of the recipe.
Entries of one family and recipe measure the same specimens under the same names.
"""

from pathlib import Path
from typing import Any

import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import metadata_of
from etalon.errors import BadInputError
from etalon.seeds import derive_seed
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import INSTRUMENTS
from etalon.synthesis.mixtures import RECIPES

_NAMES = {"recipe": tuple(RECIPES), "instrument": tuple(INSTRUMENTS)}
_COUNTS = ("specimens", "scans")


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Generate the dataset of `entry`.

    Raises
    ------
    BadInputError
        For an option that is missing, unknown or out of range, a target that is no component of the recipe, a
        representation other than the instrument's, and a size other than `entry.expect`.
    """
    options = _options(entry)
    recipe, instrument = RECIPES[options["recipe"]], INSTRUMENTS[options["instrument"]]
    if entry.representation != instrument.representation:
        raise BadInputError(entry.id, "representation", instrument.representation, entry.representation)
    generator = Generator(recipe, instrument, derive_seed(seed, "synthetic", entry.family))
    scans = generator.scans(range(options["specimens"]), options["scans"])
    if scans.spectra.shape != (entry.expect.n_samples, entry.expect.n_channels):
        expected = f"{entry.expect.n_samples} samples by {entry.expect.n_channels} channels"
        raise BadInputError(entry.id, "expect", expected, f"{scans.spectra.shape[0]} by {scans.spectra.shape[1]}")
    specimen = (scans.specimen + 1).astype(str)
    sample_id = [f"{name}/{scan + 1}" for name, scan in zip(specimen, scans.scan, strict=True)]
    return SpectraSet(
        metadata=metadata_of(entry, instrument.wavelengths, "nm"),
        intensities=scans.spectra,
        wavelengths=instrument.wavelengths,
        sample_id=np.array(sample_id) if options["scans"] > 1 else specimen,
        specimen=specimen,
        reference=_reference(entry, recipe.components, scans.reference),
        label=None if entry.label is None else scans.kind,
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


def _reference(entry: Entry, components: tuple[str, ...], contents: np.ndarray) -> np.ndarray:
    """Return the laboratory values of the entry's targets, shape (n_samples, n_targets)."""
    reference = np.empty((len(contents), len(entry.targets)))
    for number, target in enumerate(entry.targets):
        if target.column not in components:
            raise BadInputError(entry.id, f"targets.{target.name}", f"one of {', '.join(components)}", target.column)
        offset, scale = target.convert
        reference[:, number] = offset + scale * contents[:, components.index(target.column)]
    return reference
