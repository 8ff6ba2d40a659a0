"""Calibration transfer between instruments: every method, number of transfer samples and draw, scored at once.

A source calibration rests on all training specimens of one instrument. N of those that the other instrument measured
too are transfer samples. What is scored are held-out specimens on that other instrument, the folds of a draw pooled.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.chemometrics.transfer_samples import clustered_samples, kennard_stone, random_samples
from etalon.contracts import Metadata, SpectraSet
from etalon.data.folds import Fold, read_folds
from etalon.errors import NotRunError
from etalon.evaluate import metrics
from etalon.evaluate.baselines import cannot_fit
from etalon.evaluate.cross_instrument import Pair, enough_shared, tasks_of
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer_methods import METHODS, OWN, UNCORRECTED, Prepared, Stacked, alone, prepare, stack
from etalon.records import METRIC_COLUMNS, as_records
from etalon.seeds import derive_seed

METRICS = ("rmsep", "bias", "r2")
# How transfer samples are chosen, and the condition that says so.
CONDITIONS = {
    "random": "transfer",
    "kennard_stone": "transfer_kennard_stone",
    "clustered": "transfer_clustered",
}

Row = dict[str, Any]


def folds_of(task: Task, folds: pd.DataFrame) -> list[tuple[Fold, tuple[np.ndarray, np.ndarray]]]:
    """Return the published split of a task, or else the folds of the first repeat, with training and test rows."""
    known = read_folds(folds, task.schemes)
    published = [fold for fold in known if fold.condition == "published"]
    wanted = published or [fold for fold in known if fold.repeat == 0]
    found = [(fold, task.restrict(fold)) for fold in wanted]
    return [(fold, rows) for fold, rows in found if cannot_fit(task, *rows) is None]


def transfer_rows(
    pair: Pair,
    others: Sequence[SpectraSet],
    baselines: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    settings: Mapping[str, Any],
    seed: int,
) -> list[Row]:
    """Return the metrics of every method on a pair, and a row for each that did not run.

    Parameters
    ----------
    others : sets of further instruments, for methods that use several
    baselines : AsLS baselines by dataset
    settings : "sizes" (numbers of transfer samples), "choices" (number of draws by way of choosing, see `CONDITIONS`),
        "max_targets" and "targets" (see `wanted_tasks`), "preprocessings", "max_lv", "inner_splits", "savgol_window",
        "savgol_order"
    """
    rows: list[Row] = []
    try:
        stacked = stack(pair, others, baselines, settings["savgol_window"], settings["savgol_order"])
    except NotRunError as error:
        return gaps({pair.name: error.reason}, settings)
    for task in wanted_tasks(pair, tasks, settings):
        place = {"target": task.target, "pair": pair.name}
        try:
            prepared = prepared_folds(pair, stacked, task, folds, settings, seed)
        except NotRunError as error:
            rows += [place | gap for gap in gaps({pair.name: error.reason}, settings)]
            continue
        rows += [place | row for row in _task_rows(pair, task, prepared, settings, seed)]
    return rows


def prepared_folds(
    pair: Pair, stacked: Stacked, task: Task, folds: pd.DataFrame, settings: Mapping[str, Any], seed: int
) -> list[Prepared]:
    """Return what each fold of a task leaves to methods; raises NotRunError where none leaves anything.

    Parameters
    ----------
    settings : see `etalon.evaluate.transfer_methods.prepare`
    """
    enough_shared(pair, task)
    found = [prepare(pair, stacked, task, *split, settings, seed) for split in folds_of(task, folds)]
    prepared = [one for one in found if one is not None]
    if not prepared:
        raise NotRunError("no fold with specimens to transfer and to test")
    return prepared


def wanted_tasks(pair: Pair, tasks: Sequence[Task], settings: Mapping[str, Any]) -> list[Task]:
    """Return the tasks of those "targets" of the settings that the pair has, of the first "max_targets" without any."""
    found = tasks_of(pair, tasks)
    named = [task for task in found if task.target in settings.get("targets", ())]
    return (named or found)[: settings["max_targets"]]


def gaps(missing: Mapping[str, str], settings: Mapping[str, Any]) -> list[Row]:
    """Return one row a method for pairs that cannot run."""
    names = [*_fixed(settings), *METHODS]
    return [
        {"pair": pair, "method": name, "condition": CONDITIONS["random"], **not_run(reason)}
        for pair, reason in missing.items()
        for name in names
    ]


def _fixed(settings: Mapping[str, Any]) -> list[str]:
    return [UNCORRECTED, *map(alone, settings["preprocessings"]), OWN]


def not_run(reason: str) -> Row:
    """Return what stands in place of the metrics of something that did not run."""
    return {"metric": METRICS[0], "value": np.nan, "status": f"not run: {reason}"}


def _task_rows(
    pair: Pair, task: Task, prepared: Sequence[Prepared], settings: Mapping[str, Any], seed: int
) -> Iterator[Row]:
    y = np.concatenate([one.y_test for one in prepared])
    n_train = float(np.mean([one.n_train for one in prepared]))
    fixed = {name: np.concatenate([one.fixed[name] for one in prepared]) for name in _fixed(settings)}
    none, own = (metrics.rmsep(y, fixed[name]) for name in (UNCORRECTED, OWN))
    common = {"n_train": n_train, "repeat": 0}
    for name, y_hat in fixed.items():
        place = {"method": name, "condition": CONDITIONS["random"], "amplitude": 0.0}
        yield from ({**common, **place, **row} for row in measured(y, y_hat, none, own))
    most = min(len(one.y) for one in prepared)
    for way, count in settings["choices"].items():
        for size in tqdm(settings["sizes"], desc=f"{pair.name} {task.target} {way}", unit="size", leave=False):
            place = common | {"condition": CONDITIONS[way], "amplitude": float(size)}
            if size > most:
                reason = f"{most} specimens to choose from, fewer than {size}"
                yield from (place | {"method": name, **not_run(reason)} for name in METHODS)
                continue
            unable: dict[str, str] = {}
            for draw in range(count):
                chosen = transfer_samples(way, pair, task, prepared, size, draw, seed)
                for name in [name for name in METHODS if name not in unable]:
                    try:
                        parts = [one.predict(name, c) for one, c in zip(prepared, chosen, strict=True)]
                    except NotRunError as error:
                        unable[name] = error.reason
                        yield place | {"method": name, **not_run(error.reason)}
                        continue
                    for row in measured(y, np.concatenate(parts), none, own):
                        yield place | {"method": name, "draw": draw, **row}


def transfer_samples(
    way: str, pair: Pair, task: Task, prepared: Sequence[Prepared], size: int, draw: int, seed: int
) -> list[np.ndarray]:
    """Return the transfer samples of each fold; every method gets the same ones."""
    seeds = [derive_seed(seed, "transfer", pair.name, task.target, k, draw) for k in range(len(prepared))]
    return [_choose(way, one, size, own) for one, own in zip(prepared, seeds, strict=True)]


def _choose(way: str, prepared: Prepared, size: int, seed: int) -> np.ndarray:
    """Return the transfer samples of one fold, by source spectra: these are known before any is measured again."""
    if way == "kennard_stone":
        return kennard_stone(prepared.source, size)
    if way == "clustered":
        return clustered_samples(prepared.source, size, seed)
    return random_samples(len(prepared.y), size, seed)


def measured(y: np.ndarray, y_hat: np.ndarray, none: float, own: float) -> Iterator[Row]:
    """Yield the metrics of predictions, given the RMSEP without transfer and of the target's own calibration."""
    for name in METRICS:
        yield {"metric": name, "value": metrics.REGRESSION[name](y, y_hat), "status": "ok"}
    yield efficiency(metrics.rmsep(y, y_hat), none, own)


def efficiency(rmsep: float, none: float, own: float) -> Row:
    r"""Return the transfer efficiency as a metric: 0 is no correction, 1 the target instrument's own calibration.

    .. math:: \eta = (RMSEP_{none} - RMSEP) / (RMSEP_{none} - RMSEP_{target})
    """
    if none <= own:
        return {"metric": "eta", "value": np.nan, "status": "not run: uncorrected is no worse than an own calibration"}
    return {"metric": "eta", "value": (none - rmsep) / (none - own), "status": "ok"}


def at_level(metric: str, level: float) -> str:
    """Return the name of a metric of intervals: "coverage_90"."""
    return f"{metric}_{100 * level:g}"


def metric_table(rows: Sequence[Row], metadata: Metadata | None, dataset: str, run: str) -> pd.DataFrame:
    """Return rows as `etalon.records.METRIC_COLUMNS`, with what the source set's metadata say of its targets."""
    about: Row = {"run": run, "dataset": dataset, "task": "regression", "amplitude_unit": "samples"}
    targets = {}
    if metadata is not None:
        about |= {"family": metadata.family, "synthetic": metadata.synthetic, "overlaps": metadata.overlaps or ""}
        targets = {target.name: {"analyte": target.analyte, "unit": target.unit} for target in metadata.targets}
    complete = [about | targets.get(row.get("target", ""), {}) | row for row in rows]
    return as_records(pd.DataFrame(complete, columns=None if complete else list(METRIC_COLUMNS)), METRIC_COLUMNS)
