"""Synthetic soils with nine properties, measured by a synthetic instrument when the dataset is imported.

Options: `population` (`etalon.synthesis.soils.POPULATIONS`), `instrument` and its `state`
(`etalon.synthesis.soil_scans.INSTRUMENTS`, `STATES`), `specimens` and `scans`, the number of each and of scans of each.
A target's column is one of `etalon.synthesis.soils.PROPERTIES`. Entries of one population measure the same soils under
the same names.
"""

from pathlib import Path

import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.generated import checked_options, generated_set, laboratory_values
from etalon.errors import BadInputError
from etalon.seeds import derive_seed
from etalon.synthesis.soil_scans import INSTRUMENTS, STATES, scan_soils
from etalon.synthesis.soils import POPULATIONS, PROPERTIES

_NAMES = {"population": tuple(POPULATIONS), "instrument": tuple(INSTRUMENTS), "state": STATES}


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Generate the dataset of `entry`.

    Raises
    ------
    BadInputError
        For an option that is missing, unknown or out of range, a target that is no property, a representation other
        than absorbance, and a size other than `entry.expect`.
    """
    options = checked_options(entry, _NAMES)
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
    of_soils = laboratory_values(entry, PROPERTIES, scans.soils.reference)
    reference = np.repeat(of_soils, options["scans"], axis=0)
    return generated_set(entry, scans.spectra, scans.wavelengths, scans.specimen, scans.scan, reference)
