"""Delimited text: comma, semicolon or tab between the columns, names in the first line."""

from pathlib import Path

import pandas as pd

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import assemble, named_columns


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from text files; each is a table under its name without the suffix."""
    return assemble(entry, {Path(path).stem: _read_table(file, entry) for path, file in files.items()})


def _read_table(file: Path, entry: Entry) -> pd.DataFrame:
    # utf-8-sig also reads plain UTF-8; spreadsheets write the mark, and it would become part of the first name.
    table = pd.read_csv(
        file,
        sep=entry.options.get("separator", ","),
        decimal=entry.options.get("decimal", "."),
        encoding="utf-8-sig",
        low_memory=False,
        nrows=entry.options.get("rows"),
    )
    return named_columns(table)
