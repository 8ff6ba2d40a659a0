"""JLD2, the HDF5 layout of Julia: one struct `dat` whose fields are data frames or matrices."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import Tables, assemble, matrix_table
from etalon.errors import BadInputError


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from JLD2 files; each field of the struct `dat` is a table under its name."""
    tables: Tables = {}
    for path in files.values():
        with h5py.File(path, "r") as file:
            if "dat" not in file:
                raise BadInputError(path, "dat", "a struct of that name", f"{', '.join(file)}")
            struct = file["dat"][()]
            tables |= {name: _table(file, struct[name]) for name in struct.dtype.names}
    return assemble(entry, tables)


def _follow(file: h5py.File, value: Any) -> Any:
    return file[value][()] if isinstance(value, h5py.Reference) else value


def _table(file: h5py.File, field: Any) -> pd.DataFrame:
    value = _follow(file, field)
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return matrix_table(value.T)  # Julia stores columns first
    index = _follow(file, value["colindex"])
    names = [_text(file, name) for name in _follow(file, index["names"])]
    columns = zip(names, _follow(file, value["columns"]), strict=True)
    return pd.DataFrame({name: column for name, link in columns if (column := _column(file, link)) is not None})


def _column(file: h5py.File, link: Any) -> np.ndarray | None:
    """Return one column; None for Julia's packed short strings, which HDF5 holds as opaque bytes."""
    values = _follow(file, link)
    if values.dtype.kind == "V":
        return None
    return np.array([_text(file, value) for value in values]) if values.dtype == object else values


def _text(file: h5py.File, value: Any) -> str:
    value = _follow(file, value)
    while isinstance(value, np.void) and value.dtype.names:  # a Symbol is a struct around its text
        value = value[0]
    return value.decode() if isinstance(value, bytes) else str(value)
