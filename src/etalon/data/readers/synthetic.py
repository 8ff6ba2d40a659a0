"""Synthetic specimens, measured by a synthetic instrument when the dataset is imported.

Options: `recipe` (`etalon.synthesis.mixtures.RECIPES`), `instrument` (`etalon.synthesis.instruments.INSTRUMENTS`),
`specimens` and `scans`, the number of each and of scans of each. A target's column is a component of the recipe.
Entries of one family and recipe measure the same specimens under the same names.
"""

from pathlib import Path

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.generated import checked_options, generated_set, laboratory_values
from etalon.errors import BadInputError
from etalon.seeds import derive_seed
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import INSTRUMENTS
from etalon.synthesis.mixtures import RECIPES


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Generate the dataset of `entry`.

    Raises
    ------
    BadInputError
        For an option that is missing, unknown or out of range, a target that is no component of the recipe, a
        representation other than the instrument's, and a size other than `entry.expect`.
    """
    options = checked_options(entry, {"recipe": tuple(RECIPES), "instrument": tuple(INSTRUMENTS)})
    recipe, instrument = RECIPES[options["recipe"]], INSTRUMENTS[options["instrument"]]
    if entry.representation != instrument.representation:
        raise BadInputError(entry.id, "representation", instrument.representation, entry.representation)
    generator = Generator(recipe, instrument, derive_seed(seed, "synthetic", entry.family))
    scans = generator.scans(range(options["specimens"]), options["scans"])
    reference = laboratory_values(entry, recipe.components, scans.reference)
    label = None if entry.label is None else scans.kind
    return generated_set(entry, scans.spectra, instrument.wavelengths, scans.specimen, scans.scan, reference, label)
