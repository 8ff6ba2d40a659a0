"""Few-shot calibrations: fitted to a handful of specimens drawn at random, judged on others.

Thirty draws of every size make too many predictions to be kept, so that each draw is scored at once. Specimens are
drawn from the whole set and not from the training rows of one fold: draws then differ in what they are tested on as
well, and sets that are too small for five folds of 80 specimens take part.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.errors import NotRunError
from etalon.evaluate import metrics
from etalon.evaluate.provenance import sha256
from etalon.evaluate.tasks import Task, list_tasks
from etalon.records import METRIC_COLUMNS, as_records
from etalon.seeds import derive_seed
from etalon.storage import load_metadata, load_set

METRICS = ("rmsep", "bias", "r2")
SPARE = 20  # specimens that must be left to be tested on


class Draw(NamedTuple):
    """One random choice of specimens of a task, as row numbers of the dataset."""

    size: int  # training specimens
    number: int
    train: np.ndarray
    test: np.ndarray


# Fits every method to the training rows of a draw and returns the predictions of its test rows by name.
Predict = Callable[[Task, Draw], Mapping[str, np.ndarray]]


def draws(task: Task, size: int, count: int, max_test: int, seed: int) -> list[Draw]:
    """Return random draws of `size` training specimens, all their scans, and at most `max_test` test rows of the rest.

    They depend on the seed, the dataset, the target, the size and their number alone, so that every method meets the
    same.

    Raises
    ------
    NotRunError : fewer than `size` + `SPARE` specimens, or references so equal that draws do not vary
    """
    rows = np.flatnonzero(np.isfinite(task.y))
    specimens = np.unique(task.groups[rows])
    if len(specimens) < size + SPARE:
        raise NotRunError(f"{len(specimens)} specimens, fewer than {size} + {SPARE}")
    return [_draw(task, rows, specimens, size, number, max_test, seed) for number in range(count)]


def _draw(
    task: Task, rows: np.ndarray, specimens: np.ndarray, size: int, number: int, max_test: int, seed: int
) -> Draw:
    rng = np.random.default_rng(derive_seed(seed, "few_shot", task.dataset, task.target, size, number))
    for _ in range(100):
        chosen = np.isin(task.groups[rows], rng.choice(specimens, size, replace=False))
        train, rest = rows[chosen], rows[~chosen]
        test = np.sort(rng.choice(rest, min(max_test, len(rest)), replace=False))
        if np.ptp(task.y[train]) > 0 and np.ptp(task.y[test]) > 0:
            return Draw(size, number, train, test)
    raise NotRunError("references of most specimens are equal")


def few_shot(
    folder: Path,
    column: str,
    names: Sequence[str],
    prepare: Callable[[Path, SpectraSet], Predict],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the metrics of every draw on one dataset, and what the record says of it.

    Parameters
    ----------
    column : "method" or "head", the column that `names` fill
    prepare : gives what fits and predicts; may raise NotRunError
    settings : "sizes" (training specimens), "draws" of each, "max_targets" (the first regression targets of the set)
        and "max_test" (test rows of a draw)
    """
    started = time.monotonic()
    inputs = {name: folder / name for name in ("spectra.npy", "targets.npy", "samples.parquet")}
    entry: dict[str, Any] = {"dataset": folder.name, "not_run": None, "targets": []}
    entry["inputs"] = {name: sha256(path) for name, path in inputs.items() if path.exists()}
    rows: list[dict[str, Any]] = []
    metadata: Metadata | None = None
    blank = {"task": "regression", "condition": "few_shot", "amplitude_unit": "samples", "metric": METRICS[0]}
    try:
        metadata = load_metadata(folder)
        if metadata.overlaps:
            raise NotRunError(f"the specimens are those of {metadata.overlaps}")
        spectra = load_set(folder)
        tasks = [task for task in list_tasks(spectra) if task.kind == "regression"][: settings["max_targets"]]
        entry["targets"] = [task.target for task in tasks]
        predict = prepare(folder, spectra) if tasks else None
        for task in tasks:
            for row in _task_rows(task, column, names, predict, settings, seed):
                rows.append(blank | row)
    except NotRunError as error:
        entry["not_run"] = error.reason
        rows = [blank | {column: name, "status": f"not run: {error.reason}"} for name in names]
    entry["seconds"] = round(time.monotonic() - started, 2)
    return _table(rows, folder.name, metadata), entry


def _task_rows(
    task: Task, column: str, names: Sequence[str], predict: Predict | None, settings: Mapping[str, Any], seed: int
) -> Iterator[dict[str, Any]]:
    for size in tqdm(settings["sizes"], desc=f"{task.dataset} {task.target}", unit="size", leave=False):
        place = {"target": task.target, "amplitude": float(size)}
        try:
            if task.not_run:
                raise NotRunError(task.not_run)
            drawn = draws(task, size, settings["draws"], settings["max_test"], seed)
        except NotRunError as error:
            for name in names:
                yield place | {column: name, "status": f"not run: {error.reason}"}
            continue
        for draw in drawn:
            assert predict is not None
            common = place | {"draw": draw.number, "repeat": 0, "n_train": len(draw.train), "status": "ok"}
            for name, y_hat in predict(task, draw).items():
                for metric in METRICS:
                    value = metrics.REGRESSION[metric](task.y[draw.test], y_hat)
                    yield common | {column: name, "metric": metric, "value": value}


def _table(rows: list[dict[str, Any]], dataset: str, metadata: Metadata | None) -> pd.DataFrame:
    """Return the rows as metrics, with what the metadata say of the dataset and its targets."""
    table = pd.DataFrame(rows).assign(dataset=dataset)
    if metadata is not None and len(table):
        targets = {target.name: target for target in metadata.targets}
        known = table["target"].map(targets) if "target" in table else pd.Series(None, table.index)
        table["analyte"] = [target.analyte if isinstance(target, Target) else None for target in known]
        table["unit"] = [target.unit if isinstance(target, Target) else None for target in known]
        table = table.assign(family=metadata.family, synthetic=metadata.synthetic, overlaps=metadata.overlaps or "")
    return as_records(table, METRIC_COLUMNS)
