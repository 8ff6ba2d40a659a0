"""What the readers of generated sets share: checks of their options, laboratory values, and the set itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import metadata_of
from etalon.errors import BadInputError

_COUNTS = ("specimens", "scans")


def checked_options(entry: Entry, names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the options of `entry`: `specimens` and `scans`, whole numbers above 0, and those of `names`.

    Parameters
    ----------
    names : for each further option the values that it may have

    Raises
    ------
    BadInputError : for an option that is missing, unknown or out of range
    """
    if wrong := sorted(set(entry.options) ^ {*names, *_COUNTS}):
        found = "an unknown key" if wrong[0] in entry.options else "nothing"
        raise BadInputError(entry.id, f"options.{wrong[0]}", f"exactly {', '.join((*names, *_COUNTS))}", found)
    for option, known in names.items():
        if entry.options[option] not in known:
            raise BadInputError(entry.id, f"options.{option}", f"one of {', '.join(known)}", entry.options[option])
    for option in _COUNTS:
        value = entry.options[option]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise BadInputError(entry.id, f"options.{option}", "a whole number above 0", value)
    return entry.options


def laboratory_values(entry: Entry, quantities: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Return the values of the entry's targets in their units, shape (N, n_targets).

    Parameters
    ----------
    quantities : what a target's `column` may name
    values : shape (N, len(quantities)), a row a scan or specimen

    Raises
    ------
    BadInputError : a target names none of `quantities`
    """
    reference = np.empty((len(values), len(entry.targets)))
    for number, target in enumerate(entry.targets):
        if target.column not in quantities:
            raise BadInputError(entry.id, f"targets.{target.name}", f"one of {', '.join(quantities)}", target.column)
        offset, scale = target.convert
        reference[:, number] = offset + scale * values[:, quantities.index(target.column)]
    return reference


def generated_set(
    entry: Entry,
    spectra: np.ndarray,
    wavelengths: np.ndarray,
    specimen: np.ndarray,
    scan: np.ndarray,
    reference: np.ndarray,
    label: np.ndarray | None = None,
) -> SpectraSet:
    """Return generated scans in the data contract; specimens are named from "1", their several scans "1/1" and so on.

    Parameters
    ----------
    spectra : shape (N, L)
    wavelengths : nm, shape (L,)
    specimen, scan : int, shape (N,), numbers from 0
    reference : shape (N, n_targets)
    label : shape (N,)

    Raises
    ------
    BadInputError : the size is not `entry.expect`
    """
    if spectra.shape != (entry.expect.n_samples, entry.expect.n_channels):
        expected = f"{entry.expect.n_samples} samples by {entry.expect.n_channels} channels"
        raise BadInputError(entry.id, "expect", expected, f"{spectra.shape[0]} by {spectra.shape[1]}")
    names = (specimen + 1).astype(str)
    sample_id = [f"{name}/{number + 1}" for name, number in zip(names, scan, strict=True)]
    return SpectraSet(
        metadata=metadata_of(entry, wavelengths, "nm"),
        intensities=spectra,
        wavelengths=wavelengths,
        sample_id=np.array(sample_id) if entry.options["scans"] > 1 else names,
        specimen=names,
        reference=reference,
        label=label,
    )
