"""What the command lines of figures and tables share: reading the metrics, and errors of one line."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from etalon.errors import BadInputError, EtalonError
from etalon.records import METRIC_COLUMNS, concatenate


def parse_args(
    description: str | None, outputs: tuple[str, ...], argv: list[str] | None, several: bool = False
) -> argparse.Namespace:
    """Return the arguments of a figure: `metrics`, and one path for each of `outputs`, such as "out_pdf".

    With `several`, `--metrics` may be repeated and `metrics` is a list of paths.
    """
    parser = argparse.ArgumentParser(description=description)
    how: dict[str, Any] = {"action": "append"} if several else {}
    text = "metrics table, parquet" + ("; may be repeated" if several else "")
    parser.add_argument("--metrics", type=Path, required=True, help=text, **how)
    for name in outputs:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True, help="file to write")
    return parser.parse_args(argv)


def load_metrics(path: Path) -> pd.DataFrame:
    """Read a metrics table; raises BadInputError where it is absent, no parquet, or lacks a column."""
    return load_table(path, list(METRIC_COLUMNS))


def load_union(paths: Sequence[Path]) -> pd.DataFrame:
    """Read several metrics tables as one; a row that more than one of them holds is taken from the first."""
    rows = concatenate([load_metrics(path) for path in paths], METRIC_COLUMNS)
    return rows.drop_duplicates([name for name in METRIC_COLUMNS if name not in ("value", "n_train")])


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


def plain(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return `metrics` with text for categories, whose groups would list combinations that do not occur."""
    return metrics.astype({name: str for name, dtype in metrics.dtypes.items() if dtype == "category"})


def run(main: Callable[[], None]) -> None:
    """Run a figure's `main`. An error that a user can act on is logged as one line; the exit status is then 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph it embeds
    try:
        main()
    except EtalonError as error:
        logging.error("%s", error)
        sys.exit(1)
