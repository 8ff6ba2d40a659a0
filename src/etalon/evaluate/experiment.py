"""The record that lies beside a file of predictions: what ran, what did not and why, and what it was run with."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.baselines import Chosen
from etalon.evaluate.provenance import describe
from etalon.evaluate.tasks import list_tasks
from etalon.records import PREDICTION_COLUMNS, as_records
from etalon.storage import load_set, save_json, save_table


@dataclass(frozen=True)
class Outcome:
    """What an experiment gives on one dataset.

    `predictions` hold `etalon.records.PREDICTION_COLUMNS`; `conditions_not_run` maps each perturbation that does
    not apply to the reason; `gaps` are other rows that did not run, with what names them
    (`etalon.records.METRIC_COLUMNS`) and "reason".
    """

    predictions: pd.DataFrame
    chosen: Sequence[Chosen]
    conditions_not_run: Mapping[str, str] = field(default_factory=dict)
    gaps: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Job:
    """One experiment on one dataset, as its command line names it."""

    data: Path  # folder of the dataset
    folds: Path
    settings: dict[str, Any]
    seed: int
    threads: int
    out: Path  # predictions to write
    record: Path  # what they rest on, to write


def run_experiment(
    experiment: str, methods: Mapping[str, Sequence[str]], job: Job, compute: Callable[[SpectraSet], Outcome]
) -> None:
    """Compute the predictions of one experiment on one dataset; write them and the record of what they rest on.

    `methods` names those of each kind of task, so that one that did not run can be shown by name. `compute` may
    raise NotRunError.
    """
    started = time.monotonic()
    inputs = {name: job.data / name for name in ("spectra.npy", "targets.npy", "samples.parquet")}
    content: dict[str, Any] = {"experiment": experiment, "dataset": job.data.name, "methods": methods, "not_run": None}
    content |= describe(job.settings, job.seed, inputs | {"folds": job.folds}) | {"tasks": [], "choices": []}
    rows = pd.DataFrame()
    try:
        spectra = load_set(job.data)
        content["tasks"] = [{"task": t.kind, "target": t.target, "not_run": t.not_run} for t in list_tasks(spectra)]
        with threadpool_limits(job.threads):
            outcome = compute(spectra)
        rows = outcome.predictions
        content["choices"] = [choice.to_json() for choice in outcome.chosen]
        content |= {"conditions_not_run": dict(outcome.conditions_not_run), "gaps": list(outcome.gaps)}
    except NotRunError as error:
        content["not_run"] = error.reason
    content["seconds"] = round(time.monotonic() - started, 2)
    save_table(job.out, as_records(rows.assign(dataset=job.data.name), PREDICTION_COLUMNS))
    save_json(job.record, content)
