"""What the stages of few-shot curves share: arguments, and the loop over datasets."""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.code_digest import code_digest
from etalon.contracts import SpectraSet
from etalon.evaluate.few_shot import Predict, few_shot
from etalon.evaluate.provenance import describe
from etalon.records import METRIC_COLUMNS, as_records, concatenate
from etalon.stages.arguments import parser
from etalon.storage import save_json, save_table

COMPUTED_BY = "etalon.evaluate.few_shot_methods"


def few_shot_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a stage that draws few-shot calibrations and writes their metrics."""
    result = parser(description)
    result.add_argument("--run", required=True, help="name of the run")
    result.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    result.add_argument("--seed", type=int, required=True, help="main seed")
    result.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    result.add_argument("--out", type=Path, required=True, help="metrics to write, parquet")
    result.add_argument("--record", type=Path, required=True, help="provenance to write, JSON")
    return result


def run_few_shot(
    args: argparse.Namespace,
    column: str,
    names: Sequence[str],
    prepare: Callable[[Path, SpectraSet], Predict],
    rows_say: dict[str, Any],
    about: dict[str, Any],
) -> None:
    """Write the metrics of few-shot calibrations on every dataset, and the record of what they rest on.

    Parameters
    ----------
    column, names, prepare : see `etalon.evaluate.few_shot.few_shot`
    rows_say : columns that all rows share; about : more that the record holds
    """
    started = time.monotonic()
    content: dict[str, Any] = {"experiment": "few_shot", f"{column}s": list(names), "rows_say": rows_say}
    content |= describe(args.settings, args.seed, {}) | about | {"code": code_digest(COMPUTED_BY), "datasets": []}
    tables: list[pd.DataFrame] = []
    with threadpool_limits(args.threads):
        for folder in tqdm(args.data, desc="datasets", unit="set"):
            table, entry = few_shot(folder, column, names, prepare, args.settings, args.seed)
            tables.append(table)
            content["datasets"].append(entry)
    rows = concatenate(tables, METRIC_COLUMNS).assign(run=args.run, **rows_say)
    save_table(args.out, as_records(rows, METRIC_COLUMNS))
    save_json(args.record, content | {"seconds": round(time.monotonic() - started, 2)})
