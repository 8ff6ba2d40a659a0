"""What an encoder makes of metadata that are given, never given, missing at the test, or wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from etalon.contracts import SpectraSet
from etalon.data.folds import Fold, stratified_kfold
from etalon.evaluate.embed import embed_spectra_of
from etalon.evaluate.embedding_experiment import SetOutcome
from etalon.evaluate.embedding_heads import (
    HEADS,
    LogisticHead,
    RegressionHead,
    describe_choice,
    regression_rows,
    rows_of,
    usable_folds,
)
from etalon.evaluate.tasks import Task, fold_rows
from etalon.evaluate.tuning import truth_probability
from etalon.models.encoder import Encoder
from etalon.models.metadata_embedding import FIELDS, categories_of
from etalon.seeds import derive_seed

GIVEN, ABSENT, WRONG = "given", "absent", "wrong"
# What the training rows of a head are embedded with, and the test rows under each condition.
CONDITIONS = {
    GIVEN: {"cv": GIVEN, "metadata_missing": ABSENT, "metadata_wrong": WRONG},
    ABSENT: {"metadata_never": ABSENT},
}

Blocks = dict[str, np.ndarray]  # each of shape (n_samples, size)
# Gets blocks of test rows; returns their predictions as records.
Predict = Callable[[Blocks], pd.DataFrame]


def takes_metadata(encoder: Encoder) -> bool:
    """Return whether an encoder listens to the categories it is given."""
    return getattr(encoder, "metadata", None) is not None


def wrong_categories(known: Tensor, seed: int) -> Tensor:
    """Return categories, int64, shape (n_fields,), each another value of its vocabulary than the known one.

    A field that is not known gets any value.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for value, names in zip(known.tolist(), FIELDS.values(), strict=True):
        others = [number for number in range(1, len(names) + 1) if number != value]
        drawn.append(int(rng.choice(others)))
    return torch.tensor(drawn)


def embed_told(encoder: Encoder, spectra: SpectraSet, baseline: np.ndarray, seed: int) -> dict[str, Blocks]:
    """Return the blocks of a dataset with its own metadata, without and with wrong ones; for an encoder that does not
    listen to them, the first alone.

    Parameters
    ----------
    baseline : float32, shape (n_samples, n_channels), of AsLS
    seed : the main seed; which metadata are wrong depends on it and the dataset, not on the encoder

    Raises
    ------
    NotRunError : no wavelength axis
    """
    metadata = spectra.metadata
    known = categories_of(metadata)
    told: dict[str, Tensor | None] = {GIVEN: known}
    if takes_metadata(encoder):
        told |= {ABSENT: None, WRONG: wrong_categories(known, derive_seed(seed, "wrong metadata", metadata.dataset_id))}
    return {
        name: embed_spectra_of(encoder, metadata, spectra.intensities, spectra.wavelengths, baseline, categories)
        for name, categories in told.items()
    }


def run_conditions(
    told: Mapping[str, Blocks],
    tasks: Iterable[Task],
    folds: pd.DataFrame,
    heads: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
    seed: int,
) -> SetOutcome:
    """Fit every head on every fold of the cross-validation; predict the test rows under every condition.

    Parameters
    ----------
    told : output of `embed_told`
    heads : names of heads, each with the names of its blocks, see `etalon.evaluate.embedding_heads.applicable`
    settings : "repeats" of the cross-validation that are used, "max_rows" of the evidence head, "inner_splits" for the
        strength of classifiers
    seed : the main seed; inner folds are those of `etalon.evaluate.embedding_heads.run_heads`
    """
    parts, choices = [], []
    for task in tasks:
        for fold, train, test in usable_folds(task, folds, settings["repeats"]):
            if fold.condition != "cv":
                continue
            for name, names in heads.items():
                if HEADS[name].kind != task.kind:
                    continue
                for fitted_with in (kind for kind in CONDITIONS if kind in told):
                    predict, choice = _fit(name, names, told[fitted_with], task, fold, train, test, settings, seed)
                    conditions = {c: kind for c, kind in CONDITIONS[fitted_with].items() if kind in told}
                    for condition, kind in conditions.items():
                        rows = predict(rows_of({block: told[kind][block] for block in names}, test))
                        parts.append(rows.assign(head=name, condition=condition))
                    described = describe_choice(task, name, fold, len(train), choice)
                    choices.append(described | {"condition": next(iter(conditions))})
    return SetOutcome(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), choices)


def _fit(
    name: str,
    names: Sequence[str],
    blocks: Blocks,
    task: Task,
    fold: Fold,
    train: np.ndarray,
    test: np.ndarray,
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[Predict, dict[str, Any]]:
    """Return what predicts the test rows from their blocks, and what a head chose inside the training rows."""
    known = rows_of({block: blocks[block] for block in names}, train)
    if task.kind == "regression":
        head = RegressionHead(HEADS[name], names, settings["max_rows"]).fit(known, task.y[train], task.groups[train])
        return lambda asked: regression_rows(head, task, fold, test, asked), head.choice()
    inner_seed = derive_seed(seed, "inner", task.dataset, fold.condition, fold.repeat, fold.fold)
    inner = stratified_kfold(task.y[train], task.groups[train], settings["inner_splits"], inner_seed)
    classifier = LogisticHead(names).fit(known, task.y[train], inner)

    def classify(asked: Blocks) -> pd.DataFrame:
        probabilities, classes = classifier.predict_proba(asked), classifier.model_.classes_
        return fold_rows(task, fold, test).assign(
            prediction=classes[probabilities.argmax(axis=1)],
            probability=truth_probability(probabilities, classes, task.y[test]),
        )

    return classify, classifier.choice()
