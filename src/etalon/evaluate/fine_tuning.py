"""Fine-tuned encoders, judged fold by fold: what a ridge on the embedding gains when the encoder may move."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.data.folds import Fold, grouped_kfold, read_folds
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.baselines import cannot_fit
from etalon.evaluate.embedding_experiment import SetOutcome
from etalon.evaluate.embedding_heads import HEADS, RegressionHead, describe_choice, regression_rows, rows_of
from etalon.evaluate.tasks import Task
from etalon.models.encoder import Encoder, GridBatch, embed_grid
from etalon.seeds import derive_seed
from etalon.train.fine_tune import BLOCKS, FineTuning, Plan

METHODS = {"full": "full_fine_tuning", "lora": "lora_fine_tuning"}
VALIDATED = 5  # one in so many of the training specimens judges the number of steps and nothing else
STOPS = 5  # numbers of steps to choose from, evenly spread; none at all is one more


@dataclass(frozen=True)
class Calibration:
    """A fine-tuned encoder and the ridge on its embedding of each task.

    Attributes
    ----------
    heads : one a task, in the order given
    steps : taken; validation : mean squared error after each number of steps that could be chosen, the first 0, in
        units of the variance of the references
    """

    encoder: Encoder
    heads: tuple[RegressionHead, ...]
    steps: int
    validation: tuple[float, ...]


def batch_of(spectra: SpectraSet) -> GridBatch:
    """Return all spectra of a set. The encoders that can be fine-tuned do not read the baseline."""
    intensities, wavelengths = torch.tensor(spectra.intensities), torch.tensor(spectra.wavelengths)
    return GridBatch(intensities.float(), wavelengths.double(), spectra.metadata.modality, spectra.metadata.axis_unit)


def fine_tune_set(
    encoder: Encoder,
    spectra: SpectraSet,
    tasks: Iterable[Task],
    folds: pd.DataFrame,
    settings: Mapping[str, Any],
    *,
    seed: int,
    encoder_seed: int,
) -> SetOutcome:
    """Fine-tune on the training rows of each fold of the cross-validation, all regression targets together.

    Parameters
    ----------
    settings : "methods" (keys of `METHODS`), "repeats" of the cross-validation, "max_spectra", and those of a
        `etalon.train.fine_tune.Plan`: "rank", "steps", "batch", "learning_rate"
    seed : the main seed; encoder_seed : that of the encoder's training

    Raises
    ------
    NotRunError : no wavelength axis, or more than "max_spectra" spectra with a reference value
    BadInputError : the encoder has no weights
    """
    if "learned" not in encoder.blocks:
        raise BadInputError("command line", "--encoder", "an encoder with weights", type(encoder).__name__)
    tasks = [task for task in tasks if task.kind == "regression" and task.not_run is None]
    used = np.any([np.isfinite(task.y) for task in tasks], axis=0).sum() if tasks else 0
    if used > settings["max_spectra"]:
        raise NotRunError(f"more than {settings['max_spectra']} spectra")
    batch, parts, choices = batch_of(spectra), [], []
    for fold in read_folds(folds, ("kfold",)) if tasks else ():
        fitted = [task for task in tasks if not cannot_fit(task, *task.restrict(fold))]
        if fold.repeat >= settings["repeats"] or not fitted:
            continue
        for method in settings["methods"]:
            started = time.monotonic()
            calibration = calibrate(encoder, batch, fitted, fold, plan_of(method, settings), seed, encoder_seed)
            rows = predict(calibration, batch, fitted, fold)
            seconds = round(time.monotonic() - started, 2)
            parts.append(rows.assign(head=METHODS[method]))
            for task, head in zip(fitted, calibration.heads, strict=True):
                choice = head.choice() | {"steps": calibration.steps, "validation": calibration.validation}
                n_train = len(task.restrict(fold)[0])
                choices.append(describe_choice(task, METHODS[method], fold, n_train, choice | {"seconds": seconds}))
    return SetOutcome(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), choices)


def plan_of(method: str, settings: Mapping[str, Any]) -> Plan:
    """Return the plan of a method from the settings of the experiment."""
    return Plan(method=method, **{name: settings[name] for name in ("rank", "steps", "batch", "learning_rate")})


def calibrate(
    encoder: Encoder, batch: GridBatch, tasks: Sequence[Task], fold: Fold, plan: Plan, seed: int, encoder_seed: int
) -> Calibration:
    """Fine-tune on the training rows of a fold in which any of the tasks was measured, and fit the heads.

    The number of steps is chosen by a part of the training specimens, on which nothing is fitted meanwhile. The encoder
    is then trained anew on all of them, for as many steps of the same schedule.
    """
    reference = np.column_stack([task.y for task in tasks])
    rows = fold.train[np.isfinite(reference[fold.train]).any(axis=1)]
    y = (reference - np.nanmean(reference[rows], axis=0)) / np.nanstd(reference[rows], axis=0)
    groups, place = tasks[0].groups, (tasks[0].dataset, fold.condition, fold.repeat, fold.fold)
    own_seed = derive_seed(seed, "fine_tuning", encoder_seed, plan.method, *place)
    fit, validate = (
        rows[part] for part in grouped_kfold(groups[rows], VALIDATED, derive_seed(seed, "inner", *place))[0]
    )
    frozen = embed_rows(encoder, batch, rows)

    def training(chosen: np.ndarray) -> FineTuning:
        heads = fit_heads(frozen, y, groups, chosen)
        alpha = np.array([1.0 if head is None else head.choice()["alpha"] for head in heads])
        known = np.where([head is not None for head in heads], y[chosen], np.nan)
        return FineTuning(encoder, batch.rows(torch.tensor(chosen)), known, groups[chosen], alpha, plan, own_seed)

    stops = np.unique(np.linspace(0, plan.steps, STOPS + 1).round().astype(int))
    search, validation = training(fit), []
    for stop in stops:
        blocks = embed_rows(search.advance(stop), batch, rows)
        validation.append(_error(fit_heads(blocks, y, groups, fit), blocks, y, validate))
    steps = int(stops[np.argmin(validation)])
    tuned = training(rows).advance(steps)
    heads = fit_heads(embed_rows(tuned, batch, rows), reference, groups, rows)
    assert all(heads), "every task can be fitted on this fold"
    return Calibration(tuned, tuple(head for head in heads if head), steps, tuple(validation))


def predict(calibration: Calibration, batch: GridBatch, tasks: Sequence[Task], fold: Fold) -> pd.DataFrame:
    """Return the predictions of the test rows of every task as records."""
    blocks = embed_rows(calibration.encoder, batch, fold.test)
    parts = []
    for task, head in zip(tasks, calibration.heads, strict=True):
        test = task.restrict(fold)[1]
        parts.append(regression_rows(head, task, fold, test, rows_of(blocks, test)))
    return pd.concat(parts, ignore_index=True)


def embed_rows(encoder: Encoder, batch: GridBatch, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the blocks that heads read, shape (n_samples, size), NaN in rows that were not asked for."""
    found = embed_grid(encoder, batch.rows(torch.tensor(rows)))
    blocks = {name: np.full((len(batch), found[name].shape[1]), np.nan, np.float32) for name in BLOCKS}
    for name, block in blocks.items():
        block[rows] = found[name]
    return blocks


def fit_heads(
    blocks: Mapping[str, np.ndarray], y: np.ndarray, groups: np.ndarray, rows: np.ndarray
) -> list[RegressionHead | None]:
    """Return the head "ridge" of each column of `y`, fitted to `rows`; None for one that is hardly measured there."""
    heads: list[RegressionHead | None] = []
    for values in y.T:
        known = rows[np.isfinite(values[rows])]
        enough = len(np.unique(groups[known])) >= 3 and np.ptp(values[known]) > 0
        head = RegressionHead(HEADS["ridge"], BLOCKS, len(known))
        heads.append(head.fit(rows_of(blocks, known), values[known], groups[known]) if enough else None)
    return heads


def _error(
    heads: Sequence[RegressionHead | None], blocks: Mapping[str, np.ndarray], y: np.ndarray, rows: np.ndarray
) -> float:
    """Return the mean squared error over rows and tasks; a task that is not measured there does not count."""
    errors = []
    for head, values in zip(heads, y.T, strict=True):
        known = rows[np.isfinite(values[rows])]
        if head is not None and len(known):
            errors.append(float(((head.predict(rows_of(blocks, known))[0] - values[known]) ** 2).mean()))
    return float(np.mean(errors)) if errors else 0.0
