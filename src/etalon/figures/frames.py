"""Tables of other columns than those of scores."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow

from etalon.errors import BadInputError


def load_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a metrics table; raises BadInputError where it is absent, no parquet, or lacks one of `columns`."""
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "a metrics table", "no such file") from error
    except pyarrow.ArrowInvalid as error:
        raise BadInputError(path, "file", "parquet", error) from error
    if missing := [name for name in columns if name not in table]:
        raise BadInputError(path, "columns", f"column {missing[0]}", f"{list(table)}")
    return table
