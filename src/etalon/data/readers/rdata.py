"""R data files (.rda, .RData): data frames, with or without matrices inside, and lists of them."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rdata.conversion import DEFAULT_CLASS_MAP, convert
from rdata.parser import parse_file

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import Tables, assemble, matrix_table


class _Frame(dict):
    """Columns of an R data frame by name. They may be matrices, which a pandas.DataFrame cannot hold."""


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from R data files.

    An object `a` becomes the table `a`. What is inside it becomes a table of its own, `a.b`, where it is a matrix, a
    data frame or a list; so does a vector inside a list, since vectors of a list may differ in length.
    """
    tables: Tables = {}
    for path in files.values():
        for name, value in _load(path).items():
            _collect(tables, str(name), value)
    return assemble(entry, tables)


def _load(path: Path) -> dict[str, Any]:
    constructors = {
        **DEFAULT_CLASS_MAP,
        "data.frame": _frame,
        "AsIs": lambda value, attributes: value,  # I(x): x kept as it is
        "matrix": lambda value, attributes: value,
    }
    with warnings.catch_warnings():
        # Files older than R 3.0 do not state their encoding; names are ASCII in all of them.
        warnings.filterwarnings("ignore", "Unknown encoding", UserWarning)
        warnings.filterwarnings("ignore", "Missing constructor", UserWarning)  # classes of tidyverse and data.table
        return convert(parse_file(str(path)), constructor_dict=constructors)


def _frame(value: Any, attributes: Mapping[str, Any]) -> _Frame:
    columns = value.items() if isinstance(value, dict) else zip(attributes["names"], value, strict=True)
    return _Frame((str(name), column) for name, column in columns)


def _collect(tables: Tables, name: str, value: Any) -> None:
    """Add the tables of `value` to `tables`."""
    if isinstance(value, _Frame):
        columns = {key: column for key, column in value.items() if _is_vector(column)}
        if columns:
            tables[name] = pd.DataFrame({key: np.ravel(column) for key, column in columns.items()})
        value = {key: column for key, column in value.items() if key not in columns}
    if _is_list_of_rows(value):
        tables[name] = _stacked(list(value.values()))
    elif isinstance(value, dict):
        for key, column in value.items():
            _collect(tables, f"{name}.{key}", column)
    elif _is_vector(value):
        tables[name] = pd.DataFrame({name.rpartition(".")[2]: np.ravel(value)})
    elif np.ndim(value) == 2:
        tables[name] = matrix_table(np.asarray(value))


def _is_list_of_rows(value: Any) -> bool:
    """Say whether `value` is a list of data frames of one row and equal columns, as simplerspec keeps spectra."""
    rows = list(value.values()) if isinstance(value, dict) else []
    return len(rows) > 0 and all(isinstance(row, _Frame) and list(row) == list(rows[0]) for row in rows)


def _stacked(rows: list[_Frame]) -> pd.DataFrame:
    names = list(rows[0])
    return matrix_table(np.array([[np.ravel(row[name])[0] for name in names] for row in rows]), names)


def _is_vector(value: Any) -> bool:
    shape = np.shape(value)
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
