"""One experiment on the embeddings of many datasets: predictions, and the record of what they rest on."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.code_digest import code_digest
from etalon.contracts import SpectraSet
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.provenance import describe, sha256
from etalon.evaluate.tasks import Task, list_tasks
from etalon.records import PREDICTION_COLUMNS, as_records
from etalon.storage import load_set, save_json, save_table

METHOD = "embedding"


@dataclass(frozen=True)
class EmbeddingJob:
    """One variant of an encoder, trained without one fold of families from one seed, on the datasets of that fold."""

    data: Sequence[Path]  # folders of the datasets
    folds: Sequence[Path]  # theirs, {dataset}.parquet
    settings: dict[str, Any]
    seed: int  # the main seed
    variant: str
    heldout: str
    encoder_seed: int
    threads: int
    out: Path  # predictions to write
    record: Path  # what they rest on, to write

    @property
    def folds_of(self) -> dict[str, Path]:
        found = {path.stem: path for path in self.folds}
        if missing := sorted({folder.name for folder in self.data} - set(found)):
            raise BadInputError("command line", "--folds", f"a file {missing[0]}.parquet", "none")
        return found


@dataclass(frozen=True)
class SetOutcome:
    """What an experiment gives on one dataset.

    `predictions` hold `etalon.records.PREDICTION_COLUMNS` without dataset, method and encoder; `choices` say what each
    head chose in each fold; `conditions_not_run` maps each perturbation that does not apply to the reason; `gaps` are
    other rows that did not run, with what names them (`etalon.records.METRIC_COLUMNS`) and "reason".
    """

    predictions: pd.DataFrame
    choices: Sequence[dict[str, Any]]
    conditions_not_run: Mapping[str, str] = field(default_factory=dict)
    gaps: Sequence[dict[str, Any]] = ()


# Gets the folder of a dataset, the set, its tasks and its folds; may raise NotRunError.
Compute = Callable[[Path, SpectraSet, list[Task], pd.DataFrame], SetOutcome]


def run_embedding_experiment(
    experiment: str, heads: Mapping[str, Sequence[str]], job: EmbeddingJob, about: dict[str, Any], compute: Compute
) -> None:
    """Compute the predictions of one experiment on many datasets; write them and the record of what they rest on.

    Parameters
    ----------
    heads : names of the heads for each kind of task, so that one that did not run can be shown by name
    about : more that the record holds; "computed_by" names the module whose code decides the numbers
    """
    started = time.monotonic()
    content: dict[str, Any] = {"experiment": experiment, "methods": {kind: [METHOD] for kind in heads}, "heads": heads}
    content |= {"embedding": {"variant": job.variant, "heldout": job.heldout, "seed": job.encoder_seed}}
    described = describe(job.settings, job.seed, {})
    packages = described["packages"] | about.get("packages", {})
    content |= described | about | {"packages": packages, "code": code_digest(about["computed_by"])}
    folds, parts, content["datasets"] = job.folds_of, [], []
    with threadpool_limits(job.threads):
        for folder in tqdm(job.data, desc="datasets", unit="set"):
            predictions, entry = _run_set(folder, folds[folder.name], compute)
            parts.append(predictions)
            content["datasets"].append(entry)
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    rows = rows.assign(method=METHOD, **content["embedding"])
    content["seconds"] = round(time.monotonic() - started, 2)
    save_table(job.out, as_records(rows, PREDICTION_COLUMNS))
    save_json(job.record, content)


def _run_set(folder: Path, folds: Path, compute: Compute) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the predictions on one dataset, and what the record says of it."""
    started = time.monotonic()
    paths = {name: folder / name for name in ("spectra.npy", "targets.npy", "samples.parquet")} | {"folds": folds}
    inputs = {name: sha256(path) for name, path in paths.items() if path.exists()}
    entry: dict[str, Any] = {"dataset": folder.name, "not_run": None, "inputs": inputs, "tasks": [], "choices": []}
    rows = pd.DataFrame()
    try:
        spectra = load_set(folder)
        tasks = list_tasks(spectra)
        entry["tasks"] = [{"task": t.kind, "target": t.target, "not_run": t.not_run} for t in tasks]
        outcome = compute(folder, spectra, tasks, pd.read_parquet(folds))
        rows = outcome.predictions
        entry |= {"choices": list(outcome.choices), "conditions_not_run": dict(outcome.conditions_not_run)}
        entry["gaps"] = list(outcome.gaps)
    except NotRunError as error:
        entry["not_run"] = error.reason
    entry["seconds"] = round(time.monotonic() - started, 2)
    return rows.assign(dataset=folder.name), entry
