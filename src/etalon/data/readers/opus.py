"""Bruker OPUS files of one absorbance spectrum each, and laboratory values in a comma-separated table beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
from brukeropus import read_opus

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import Tables, assemble, named_columns, scans_table
from etalon.errors import BadInputError


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from one OPUS file a scan, in the order of their paths, as the table `spectra`.

    The named groups of `options.name_pattern`, found in the file names, are its further columns. Files with the
    suffix csv are tables under their names without it.
    """
    tables: Tables = {
        Path(path).stem: named_columns(pd.read_csv(file, encoding="utf-8-sig"))
        for path, file in files.items()
        if file.suffix == ".csv"
    }
    scans = ((Path(path).name, *_absorbance(files[path])) for path in sorted(files) if files[path].suffix != ".csv")
    tables["spectra"] = scans_table(scans, entry.options["name_pattern"], entry.id)
    return assemble(entry, tables)


def _absorbance(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return wavenumbers (cm-1) and absorbance of the block AB."""
    opus = read_opus(str(file))
    if not opus.is_opus or "a" not in opus.data_keys:
        raise BadInputError(file, "file", "an OPUS file with an absorbance spectrum", "none")
    return opus.a.x, opus.a.y
