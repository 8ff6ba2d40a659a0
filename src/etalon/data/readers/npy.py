"""NumPy arrays, one matrix of spectra to a file."""

from pathlib import Path

import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import assemble, matrix_table


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from arrays of shape (n_samples, n_channels); each is a table under its name without suffix."""
    return assemble(
        entry, {Path(path).stem: matrix_table(np.load(file, allow_pickle=False)) for path, file in files.items()}
    )
