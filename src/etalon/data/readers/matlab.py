"""MATLAB files: PLS_Toolbox dataset objects, or a matrix with the labels of its rows and columns beside it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import loadmat

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import Tables, assemble, matrix_table

OBJECT = "object"  # column that holds the label of each row


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from MATLAB files.

    Each dataset object is a table under its variable's name, with its axis scale or else its labels for names. The
    variables Matrix, VarLabels and ObjLabels are the table `Matrix`. Labels of rows stand in the column `object`.
    """
    tables: Tables = {}
    for path in files.values():
        variables = loadmat(path, struct_as_record=False, squeeze_me=True)
        if "VarLabels" in variables:
            tables["Matrix"] = _with_objects(
                matrix_table(variables["Matrix"], variables["VarLabels"]), variables["ObjLabels"]
            )
        else:
            tables |= {name: _dataset(value) for name, value in variables.items() if hasattr(value, "axisscale")}
    return assemble(entry, tables)


def _dataset(value: Any) -> pd.DataFrame:
    """Return a dataset object as a table; `label` and `axisscale` hold the names of rows and columns, in this order."""
    rows, columns = value.data.shape
    names = next((names for names in (value.axisscale[1, 0], value.label[1, 0]) if np.size(names) == columns), None)
    table = matrix_table(value.data, names)
    objects = value.label[0, 0]
    return _with_objects(table, objects) if np.size(objects) == rows else table


def _with_objects(table: pd.DataFrame, objects: np.ndarray) -> pd.DataFrame:
    return pd.concat([table, pd.DataFrame({OBJECT: [str(name).strip() for name in objects]})], axis=1)
