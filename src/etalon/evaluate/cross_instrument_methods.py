"""Calibrations of one instrument on spectra of another: heads on embeddings, and classical ones on a common range."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from etalon.data.folds import Fold
from etalon.errors import NotRunError
from etalon.evaluate import tuning
from etalon.evaluate.baselines import Chosen, fit
from etalon.evaluate.calibration import Calibration, Stack
from etalon.evaluate.cross_instrument import Pair, enough_shared, gaps_of, hold_out, pair_records, tasks_of
from etalon.evaluate.embedding_experiment import METHOD, SetOutcome
from etalon.evaluate.embedding_heads import HEADS, RegressionHead, describe_choice, rows_of, usable_folds
from etalon.evaluate.experiment import Outcome
from etalon.evaluate.tasks import Task
from etalon.evaluate.views import Views
from etalon.seeds import derive_seed

CLASSICAL = ("tuned_pls", "tuned_ridge", "stacked_pls")
MIN_CHANNELS = 20  # of the source instrument within the range that both cover

Blocks = Mapping[str, np.ndarray]


def cv_folds(task: Task, folds: pd.DataFrame, repeats: int) -> list[tuple[Fold, np.ndarray, np.ndarray]]:
    """Return the folds of the first repeats of the cross-validation that can be fitted."""
    return [found for found in usable_folds(task, folds, repeats) if found[0].condition == "cv"]


def heads_across(
    pairs: Sequence[tuple[Pair, Blocks]],
    own: Blocks,
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    heads: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
    seed: int,
) -> SetOutcome:
    """Fit every head on the folds of the source set; predict the held-out specimens of every paired set.

    Parameters
    ----------
    pairs : with the blocks of their target sets; own : blocks of the source set, each of shape (n, size)
    heads : of regression, each with the names of its blocks
    settings : "repeats", "transfer" (specimens by which the mean error is estimated), "max_rows" of the evidence head
    """
    parts, choices, gaps = [], [], []
    labels = [{"method": METHOD, "head": name} for name in heads]
    for task in tasks:
        usable, missing = _usable(pairs, task)
        gaps += gaps_of(missing, labels, task.target)
        for fold, train, test in cv_folds(task, folds, settings["repeats"]) if usable else ():
            held = [hold_out(pair, task, fold, train, test, settings["transfer"], seed) for pair, _ in usable]
            for name, names in heads.items():
                head = RegressionHead(HEADS[name], names, settings["max_rows"])
                head.fit(_rows(own, names, train), task.y[train], task.groups[train])
                choices.append(describe_choice(task, name, fold, len(train), head.choice()))
                mine = partial(_predict, head, own)
                for (pair, blocks), rows in zip(usable, held, strict=True):
                    if len(rows.other):
                        theirs = partial(_predict, head, blocks)
                        found = pair_records(pair, task, fold, rows, mine, theirs, head.range_)
                        parts.append(found.assign(head=name))
    return SetOutcome(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), choices, gaps=gaps)


def _usable(pairs: Sequence[tuple[Pair, Blocks]], task: Task) -> tuple[list[tuple[Pair, Blocks]], dict[str, str]]:
    """Return the pairs on which a task can be tested, and why the others that share it cannot."""
    usable, missing = [], {}
    for pair, blocks in pairs:
        if not tasks_of(pair, [task]):
            continue
        try:
            enough_shared(pair, task)
            usable.append((pair, blocks))
        except NotRunError as error:
            missing[pair.name] = error.reason
    return usable, missing


def _rows(blocks: Blocks, names: Sequence[str], rows: np.ndarray) -> dict[str, np.ndarray]:
    return rows_of({name: blocks[name] for name in names}, rows)


def _predict(head: RegressionHead, blocks: Blocks, rows: np.ndarray) -> np.ndarray:
    return head.unclipped(_rows(blocks, head.names, rows))[0]


def classical_across(
    pair: Pair,
    baselines: tuple[np.ndarray, np.ndarray],
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    settings: Mapping[str, Any],
    seed: int,
) -> Outcome:
    """Tune and fit the `CLASSICAL` methods on the source set, on the range that both instruments cover.

    Parameters
    ----------
    baselines : AsLS baselines of source and target set
    settings : "repeats", "transfer", "preprocessings", "max_lv", "inner_splits", "savgol_window", "savgol_order"
    """
    labels = [{"method": name} for name in CLASSICAL]
    parts, chosen, gaps = [], [], []
    try:
        views = common_views(pair, baselines, settings["savgol_window"], settings["savgol_order"])
    except NotRunError as error:
        return Outcome(pd.DataFrame(), [], gaps=gaps_of({pair.name: error.reason}, labels))
    n_own = len(pair.source)
    for task in tasks_of(pair, tasks):
        try:
            enough_shared(pair, task)
        except NotRunError as error:
            gaps += gaps_of({pair.name: error.reason}, labels, task.target)
            continue
        both = replace(task, y=np.r_[task.y, pair.references(task)])
        for fold, train, test in cv_folds(task, folds, settings["repeats"]):
            rows = hold_out(pair, task, fold, train, test, settings["transfer"], seed)
            if not len(rows.other):
                continue
            for name, candidate in _choose(views, task, fold, train, settings, seed).items():
                fitted = fit(candidate.choice, views, both, train)
                mine = partial(fitted.unclipped, views)
                theirs = partial(_shifted, fitted, views, n_own)
                found = pair_records(pair, task, fold, rows, mine, theirs, fitted.range_)
                parts.append(found.assign(method=name))
                chosen.append(_describe(pair, task, fold, name, candidate, len(train)))
    return Outcome(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), chosen, gaps=gaps)


def _shifted(fitted: Calibration | Stack, views: Views, n_own: int, rows: np.ndarray) -> np.ndarray:
    return fitted.unclipped(views, n_own + rows)


def common_views(pair: Pair, baselines: tuple[np.ndarray, np.ndarray], window: int, order: int) -> Views:
    """Return the rows of the source set and then those of the target set, on the source's channels that both cover.

    Spectra and baselines of the target set are interpolated linearly.

    Raises
    ------
    NotRunError : fewer than `MIN_CHANNELS` channels
    """
    own, other = pair.source.wavelengths, pair.target.wavelengths
    common = (own >= other[0]) & (own <= other[-1])
    if common.sum() < MIN_CHANNELS:
        raise NotRunError(f"{common.sum()} channels in the range that both cover, fewer than {MIN_CHANNELS}")

    def stacked(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        interpolated = [np.interp(own[common], other, row) for row in theirs]
        return np.concatenate([mine[:, common], np.array(interpolated)])

    intensities = stacked(pair.source.intensities, pair.target.intensities)
    return Views(intensities, stacked(*baselines), savgol_window=window, savgol_order=order)


def _choose(
    views: Views, task: Task, fold: Fold, train: np.ndarray, settings: Mapping[str, Any], seed: int
) -> dict[str, tuning.Candidate]:
    inner_seed = derive_seed(seed, "inner", task.dataset, fold.condition, fold.repeat, fold.fold)
    splits = settings["inner_splits"]
    data = tuning.training(views, task.y, task.groups, train, n_splits=splits, seed=inner_seed, stratify=False)
    names = settings["preprocessings"]
    pls = [tuning.tune_pls(data, name, settings["max_lv"]) for name in names]
    return {
        "tuned_pls": tuning.best_of(pls),
        "tuned_ridge": tuning.best_of([tuning.tune_ridge(data, name) for name in names]),
        "stacked_pls": tuning.stack_pls(data, pls),
    }


def _describe(pair: Pair, task: Task, fold: Fold, method: str, candidate: tuning.Candidate, n_train: int) -> Chosen:
    choice = replace(candidate.choice, settings=candidate.choice.settings | {"pair": pair.name})
    place = (task.kind, task.target, method, fold.condition, fold.repeat, fold.fold)
    return Chosen(*place, n_train, candidate.error[0], choice)
