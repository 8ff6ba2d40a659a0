"""Excel workbooks (xlsx), names in the first row of each sheet."""

from pathlib import Path

import pandas as pd

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import Tables, assemble, named_columns


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from workbooks.

    A table is the first sheet of a file, under the file's name without the suffix; or each sheet of
    `options.sheets`, under the sheet's name.
    """
    tables: Tables = {}
    for path, file in files.items():
        if sheets := entry.options.get("sheets"):
            tables |= {name: named_columns(sheet) for name, sheet in pd.read_excel(file, sheet_name=sheets).items()}
        else:
            tables[Path(path).stem] = named_columns(pd.read_excel(file))
    return assemble(entry, tables)
