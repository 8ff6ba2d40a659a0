"""Pairs of datasets that measured the same specimens: who trains, who is tested, and what is recorded.

A calibration of one instrument is tested on specimens that it never saw, measured with the other. Some pairs of the
catalogue are one instrument on two preparations (dry and wet, intact and mashed); they are treated alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from etalon.contracts import Metadata, SpectraSet
from etalon.data.folds import Fold, group_specimens
from etalon.errors import NotRunError
from etalon.evaluate.tasks import Task
from etalon.seeds import derive_seed
from etalon.storage import load_set

SAME, CROSS, CORRECTED = "same_instrument", "cross_instrument", "cross_instrument_bias"
MIN_SHARED = 20  # specimens that both sets measured
# Spectra of one kind share a physical axis; visible light is the near infrared's neighbour.
KIND = {"visnir": "nir"}

# Returns unclipped predictions of rows, shape (n,).
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Pair:
    """The dataset that trains and the one that is tested."""

    source: SpectraSet
    target: SpectraSet

    @cached_property
    def target_groups(self) -> np.ndarray:
        """Rows of the target set that no split may separate, shape (n_target,)."""
        return group_specimens(self.target)

    @property
    def name(self) -> str:
        return f"{self.source.metadata.dataset_id}>{self.target.metadata.dataset_id}"

    def references(self, task: Task) -> np.ndarray:
        """Return the target set's references for a task of the source set, shape (n_target,)."""
        names = [target.name for target in self.target.metadata.targets]
        return self.target.reference[:, names.index(task.target)]


class HeldOut(NamedTuple):
    """What a fold of the source set leaves for a pair.

    Attributes
    ----------
    own : rows of the source set, of test specimens that the other set measured too
    other : rows of the target set, of the same specimens
    transfer : for each transfer specimen, which may train, its rows of the target set
    """

    own: np.ndarray
    other: np.ndarray
    transfer: list[np.ndarray]


def find_pairs(source: SpectraSet, folders: Sequence[Path]) -> tuple[list[Pair], dict[str, str]]:
    """Return the pairs that a set trains for, and for the others, by name, why they cannot run.

    Parameters
    ----------
    folders : of the datasets of this run
    """
    known = {folder.name: folder for folder in folders}
    pairs, missing = [], {}
    for name in source.metadata.paired_with:
        try:
            if name not in known:
                raise NotRunError(f"{name} is not among the datasets")
            pair = Pair(source, load_set(known[name]))
            _check(source.metadata, pair.target.metadata)
            pairs.append(pair)
        except NotRunError as error:
            missing[f"{source.metadata.dataset_id}>{name}"] = error.reason
    return pairs, missing


def _check(source: Metadata, target: Metadata) -> None:
    """Raise NotRunError where spectra of one set mean nothing to a calibration of the other."""
    if not source.targets or not target.targets:
        raise NotRunError("no calibration target")
    if "index" in (source.axis_unit, target.axis_unit):
        raise NotRunError("no wavelength axis")
    for name in ("modality", "representation"):
        kinds = sorted(KIND.get(value, value) for value in (getattr(source, name), getattr(target, name)))
        if kinds[0] != kinds[1]:
            raise NotRunError(f"different {name}: {kinds[0]} and {kinds[1]}")
    if not set(source.targets) & set(target.targets):
        raise NotRunError("no target in common")


def tasks_of(pair: Pair, tasks: Sequence[Task]) -> list[Task]:
    """Return the regression tasks of the source set that can be judged and whose target the other set has as well.

    Its name, analyte, unit and basis are equal.
    """
    known = {target.name for target in set(pair.source.metadata.targets) & set(pair.target.metadata.targets)}
    return [task for task in tasks if task.kind == "regression" and task.target in known and task.not_run is None]


def enough_shared(pair: Pair, task: Task) -> None:
    """Raise NotRunError where fewer than `MIN_SHARED` specimens have a reference in both sets."""
    own = pair.source.specimen[np.isfinite(task.y)]
    other = pair.target.specimen[np.isfinite(pair.references(task))]
    if (count := len(np.intersect1d(own, other))) < MIN_SHARED:
        raise NotRunError(f"{count} specimens in common, fewer than {MIN_SHARED}")


def hold_out(
    pair: Pair, task: Task, fold: Fold, train: np.ndarray, test: np.ndarray, transfer: int, seed: int
) -> HeldOut:
    """Return the rows of a pair that a fold of the source set leaves to be tested, and those of transfer specimens.

    A specimen of the target set is tested if the source set tests it, and if no spectrum of the target set equals it
    that belongs to a training specimen (see `etalon.data.folds.group_specimens`). Transfer specimens are drawn from
    the training specimens that both sets measured.
    """
    measured = np.isfinite(pair.references(task))
    specimen, groups = pair.target.specimen, pair.target_groups
    trained = np.isin(specimen, pair.source.specimen[fold.train])
    leaked = np.isin(groups, groups[trained])
    tested = measured & np.isin(specimen, pair.source.specimen[test]) & ~leaked
    own = test[np.isin(pair.source.specimen[test], specimen[tested])]
    known = np.intersect1d(pair.source.specimen[train], specimen[measured & trained])
    rng = np.random.default_rng(derive_seed(seed, "transfer", pair.name, task.target, fold.repeat, fold.fold))
    drawn = rng.choice(known, min(transfer, len(known)), replace=False)
    rows = [np.flatnonzero(measured & (specimen == name)) for name in drawn]
    return HeldOut(own, np.flatnonzero(tested), rows)


def pair_records(
    pair: Pair, task: Task, fold: Fold, held: HeldOut, own: Predict, other: Predict, limits: tuple[float, float]
) -> pd.DataFrame:
    """Return the predictions of one calibration on both instruments as records.

    The mean error on the transfer specimens, each counted once, is removed before predictions are held to `limits`.
    Rows of `CROSS` and `CORRECTED` are those of the target set.
    """
    y = pair.references(task)
    errors = [np.mean(other(rows) - y[rows]) for rows in held.transfer]
    y_hat = other(held.other)
    parts = [(SAME, held.own, task.y[held.own], own(held.own)), (CROSS, held.other, y[held.other], y_hat)]
    if errors:
        parts.append((CORRECTED, held.other, y[held.other], y_hat - np.mean(errors)))
    frames = []
    for condition, rows, reference, prediction in parts:
        found = {"condition": condition, "row": rows, "reference": reference}
        frames.append(pd.DataFrame(found | {"prediction": np.clip(prediction, *limits)}))
        if condition == CORRECTED:
            frames[-1] = frames[-1].assign(amplitude=float(len(errors)), amplitude_unit="samples")
    return pd.concat(frames, ignore_index=True).assign(
        task=task.kind, target=task.target, pair=pair.name, repeat=fold.repeat, fold=fold.fold
    )


def gaps_of(missing: Mapping[str, str], rows: Sequence[Mapping[str, str]], target: str = "") -> list[dict[str, Any]]:
    """Return one row a pair that cannot run and a method, "rows" naming them; target "" stands for all."""
    place = {"task": "regression", "target": target, "condition": CROSS}
    return [place | {"pair": pair, "reason": why} | dict(row) for pair, why in missing.items() for row in rows]
