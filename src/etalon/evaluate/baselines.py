"""The classical pipelines of phase 0, fold by fold: what is chosen, and what is predicted."""

import logging
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.data.folds import Fold, read_folds
from etalon.evaluate import tuning
from etalon.evaluate.calibration import Calibration, Choice, Stack, calibration
from etalon.evaluate.tasks import Task, fold_rows
from etalon.evaluate.views import Views
from etalon.seeds import derive_seed

# What chemists do by default, and so the fixed preprocessing of the methods that choose none.
STANDARD = "asls_snv"
METHODS = {
    "regression": ("asls_snv_pls", "asls_snv_ridge", "pca_ridge", "tuned_pls", "tuned_ridge", "stacked_pls"),
    "classification": ("asls_snv_plsda", "pca_logistic", "ridge_logistic", "tuned_plsda"),
}
TABPFN_METHODS = {"regression": ("pca_tabpfn",), "classification": ("pca_tabpfn",)}


@dataclass(frozen=True)
class Chosen:
    """What one method chose in one fold of one task."""

    task: str
    target: str
    method: str
    condition: str
    repeat: int
    fold: int
    n_train: int
    inner_error: float | None
    choice: Choice

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Chosen":
        return cls(**{**content, "choice": Choice(**content["choice"])})


# Returns what each method chooses in the training rows of a fold of a task.
Chooser = Callable[[Task, tuning.Training], dict[str, tuning.Candidate]]


def choose_classical(
    task: Task, data: tuning.Training, *, preprocessings: Sequence[str], max_lv: int, max_pcs: int
) -> dict[str, tuning.Candidate]:
    """Return what each classical method of the task's kind chooses in the training rows.

    The fixed pipelines choose component numbers and strengths, the tuned ones the preprocessing as well.
    """
    every = dict.fromkeys([STANDARD, *preprocessings])
    if task.kind == "regression":
        pls = {name: tuning.tune_pls(data, name, max_lv) for name in every}
        ridge = {name: tuning.tune_ridge(data, name) for name in every}
        return {
            "asls_snv_pls": pls[STANDARD],
            "asls_snv_ridge": ridge[STANDARD],
            "pca_ridge": tuning.tune_pca_ridge(data, STANDARD, max_pcs),
            "tuned_pls": tuning.best_of([pls[name] for name in preprocessings]),
            "tuned_ridge": tuning.best_of([ridge[name] for name in preprocessings]),
            "stacked_pls": tuning.stack_pls(data, [pls[name] for name in preprocessings]),
        }
    plsda = {name: tuning.tune_plsda(data, name, max_lv) for name in every}
    return {
        "asls_snv_plsda": plsda[STANDARD],
        "pca_logistic": tuning.tune_pca_logistic(data, STANDARD, max_pcs),
        "ridge_logistic": tuning.best_of([tuning.tune_ridge_logistic(data, name) for name in preprocessings]),
        "tuned_plsda": tuning.best_of([plsda[name] for name in preprocessings]),
    }


def choose_tabpfn(
    task: Task, data: tuning.Training, *, checkpoints: dict[str, str], n_pcs: int, n_estimators: int, seed: int
) -> dict[str, tuning.Candidate]:
    """Return the fixed settings of PCA + TabPFN; nothing is chosen, so its inner error is unknown."""
    most = min(n_pcs, len(data.rows) - 1, data.views.source(STANDARD).shape[1])
    settings = {"kind": task.kind, "checkpoint": checkpoints[task.kind], "n_pcs": most, "seed": seed}
    choice = Choice(STANDARD, "pca_tabpfn", settings | {"n_estimators": n_estimators})
    return {"pca_tabpfn": tuning.Candidate((float("nan"),), choice)}


def run_baselines(
    tasks: Iterable[Task], folds: pd.DataFrame, views: Views, chooser: Chooser, *, inner_splits: int, seed: int
) -> tuple[pd.DataFrame, list[Chosen]]:
    """Choose, fit and predict on every fold of every task that can be judged.

    Returns the predictions (`etalon.records.PREDICTION_COLUMNS` without the dataset) and the choices.
    """
    parts, chosen = [], []
    work = [(task, fold) for task in tasks if task.not_run is None for fold in read_folds(folds, task.schemes)]
    for task, fold in tqdm(work, desc="folds", unit="fold"):
        train, test = task.restrict(fold)
        if reason := cannot_fit(task, train, test):
            logging.warning("%s %s %d.%d: %s", task.target, fold.condition, fold.repeat, fold.fold, reason)
            continue
        data = tuning.training(
            views,
            task.y,
            task.groups,
            train,
            n_splits=inner_splits,
            seed=derive_seed(seed, "inner", task.dataset, fold.condition, fold.repeat, fold.fold),
            stratify=task.kind == "classification",
        )
        for method, candidate in chooser(task, data).items():
            fitted = fit(candidate.choice, views, task, train)
            parts.append(predict(fitted, views, task, fold, test).assign(method=method))
            chosen.append(
                Chosen(
                    task.kind,
                    task.target,
                    method,
                    fold.condition,
                    fold.repeat,
                    fold.fold,
                    len(train),
                    candidate.error[0] if np.isfinite(candidate.error[0]) else None,
                    candidate.choice,
                )
            )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), chosen


def cannot_fit(task: Task, train: np.ndarray, test: np.ndarray) -> str | None:
    """Return why a fold of a task cannot be fitted or judged, or None."""
    if not len(test):
        return "no measured test rows"
    if len(np.unique(task.groups[train])) < 3:
        return "fewer than 3 training specimens"
    if len(np.unique(task.y[train])) < 2:
        return "training references do not vary"
    return None


def fit(choice: Choice, views: Views, task: Task, rows: np.ndarray) -> Calibration | Stack:
    """Fit a choice to training rows of a task."""
    with warnings.catch_warnings():
        # PLS says so where the data hold fewer latent variables than asked; it then carries the last ones forward.
        warnings.filterwarnings("ignore", message=".*[Cc]omponent.*", category=UserWarning, module="ikpls")
        return calibration(choice).fit(views, rows, task.y[rows])


def predict(fitted: Calibration | Stack, views: Views, task: Task, fold: Fold, rows: np.ndarray) -> pd.DataFrame:
    """Return the predictions of test rows as records."""
    reference, probability = task.y[rows], np.full(len(rows), np.nan)
    if isinstance(fitted, Calibration) and task.kind == "classification":
        probabilities, classes = fitted.predict_proba(views, rows), fitted.model_.classes_
        prediction = classes[probabilities.argmax(axis=1)]
        probability = tuning.truth_probability(probabilities, classes, reference)
    else:
        prediction = fitted.predict(views, rows)
    return fold_rows(task, fold, rows).assign(prediction=prediction, probability=probability)
