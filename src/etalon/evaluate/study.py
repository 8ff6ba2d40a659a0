"""What the studies on one dataset share: reading it, a table of metrics, a record of what they rest on."""

import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from etalon.code_digest import code_digest
from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.provenance import describe
from etalon.evaluate.tasks import Task, list_tasks
from etalon.evaluate.transfer import Row, metric_table, not_run
from etalon.storage import load_set, save_json, save_table

Rows = Callable[[SpectraSet, Sequence[Task], pd.DataFrame], list[Row]]


def run_study(
    args: Namespace,
    experiment: str,
    computed_by: str,
    methods: Iterable[str],
    rows_of: Rows,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write the metrics of a study on one dataset, and its record; a dataset that could not be had is a row.

    Parameters
    ----------
    args : data, folds, settings, seed, threads, out, record, run: `etalon.stages.arguments.job_parser` and a run
    computed_by : module whose code counts
    methods : names that stand in the rows of a dataset that could not be had
    rows_of : from the set, its tasks and its folds to rows of `etalon.records.METRIC_COLUMNS`
    about : what the record says besides
    """
    started, name = time.monotonic(), args.data.name
    inputs: dict[str, Path] = {file: args.data / file for file in ("spectra.npy", "targets.npy", "samples.parquet")}
    content: dict[str, Any] = {"experiment": experiment, "dataset": name, "not_run": None}
    content |= describe(args.settings, args.seed, inputs | {"folds": args.folds})
    content |= {"code": code_digest(computed_by), **(about or {})}
    metadata = None
    try:
        spectra = load_set(args.data)
        metadata = spectra.metadata
        with threadpool_limits(args.threads):
            rows = rows_of(spectra, list_tasks(spectra), pd.read_parquet(args.folds))
    except NotRunError as error:
        content["not_run"] = error.reason
        rows = [{"method": name, **not_run(error.reason)} for name in methods]
    save_table(args.out, metric_table(rows, metadata, name, args.run))
    save_json(args.record, content | {"seconds": round(time.monotonic() - started, 2)})
