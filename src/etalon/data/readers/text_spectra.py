"""Text files of one spectrum each: two columns, axis and intensity, with a comma between them."""

from pathlib import Path

import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import assemble, scans_table


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from one file a scan, in the order of their paths, as the table `spectra`.

    The named groups of `options.name_pattern`, found in the file names, are its further columns.
    """
    scans = ((Path(path).name, *np.loadtxt(files[path], delimiter=",", unpack=True)) for path in sorted(files))
    return assemble(entry, {"spectra": scans_table(scans, entry.options["name_pattern"], entry.id)})
