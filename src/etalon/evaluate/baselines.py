"""The classical pipelines of phase 0, fold by fold: what is chosen, and what is predicted."""

import logging
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.data.folds import Fold, read_folds
from etalon.evaluate import tuning
from etalon.evaluate.calibration import Calibration, Choice
from etalon.evaluate.tasks import Task
from etalon.evaluate.views import Views
from etalon.seeds import derive_seed

# What chemists do by default, and so the fixed preprocessing of the methods that choose none.
STANDARD = "asls_snv"
METHODS = {
    "regression": ("asls_snv_pls", "asls_snv_ridge", "pca_ridge", "tuned_pls", "tuned_ridge"),
    "classification": ("asls_snv_plsda", "pca_logistic", "ridge_logistic", "tuned_plsda"),
}


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
    inner_error: float
    choice: Choice

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Chosen":
        return cls(**{**content, "choice": Choice(**content["choice"])})


def choose(task: Task, data: tuning.Training, settings: dict[str, Any]) -> dict[str, tuning.Candidate]:
    """Return what each method of the task's kind chooses in the training rows."""
    names, max_lv, max_pcs = settings["preprocessings"], settings["max_lv"], settings["max_pcs"]
    if task.kind == "regression":
        pls = {name: tuning.tune_pls(data, name, max_lv) for name in {STANDARD: 0, **dict.fromkeys(names)}}
        ridge = {name: tuning.tune_ridge(data, name) for name in {STANDARD: 0, **dict.fromkeys(names)}}
        return {
            "asls_snv_pls": pls[STANDARD],
            "asls_snv_ridge": ridge[STANDARD],
            "pca_ridge": tuning.tune_pca_ridge(data, STANDARD, max_pcs),
            "tuned_pls": tuning.best_of([pls[name] for name in names]),
            "tuned_ridge": tuning.best_of([ridge[name] for name in names]),
        }
    plsda = {name: tuning.tune_plsda(data, name, max_lv) for name in {STANDARD: 0, **dict.fromkeys(names)}}
    return {
        "asls_snv_plsda": plsda[STANDARD],
        "pca_logistic": tuning.tune_pca_logistic(data, STANDARD, max_pcs),
        "ridge_logistic": tuning.best_of([tuning.tune_ridge_logistic(data, name) for name in names]),
        "tuned_plsda": tuning.best_of([plsda[name] for name in names]),
    }


def run_baselines(
    tasks: Iterable[Task], folds: pd.DataFrame, views: Views, settings: dict[str, Any], seed: int
) -> tuple[pd.DataFrame, list[Chosen]]:
    """Choose, fit and predict every method on every fold of every task that can be judged.

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
            n_splits=settings["inner_splits"],
            seed=derive_seed(seed, "inner", task.dataset, fold.condition, fold.repeat, fold.fold),
            stratify=task.kind == "classification",
        )
        for method, candidate in choose(task, data, settings).items():
            calibration = fit(candidate.choice, views, task, train)
            parts.append(predict(calibration, views, task, fold, test).assign(method=method))
            chosen.append(
                Chosen(
                    task.kind,
                    task.target,
                    method,
                    fold.condition,
                    fold.repeat,
                    fold.fold,
                    len(train),
                    candidate.error[0],
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


def fit(choice: Choice, views: Views, task: Task, rows: np.ndarray) -> Calibration:
    """Fit a choice to training rows of a task."""
    with warnings.catch_warnings():
        # PLS says so where the data hold fewer latent variables than asked; it then carries the last ones forward.
        warnings.filterwarnings("ignore", message=".*[Cc]omponent.*", category=UserWarning, module="ikpls")
        return Calibration(choice).fit(views, rows, task.y[rows])


def predict(calibration: Calibration, views: Views, task: Task, fold: Fold, rows: np.ndarray) -> pd.DataFrame:
    """Return the predictions of test rows as records."""
    reference, probability = task.y[rows], np.nan
    if task.kind == "classification":
        probabilities, classes = calibration.predict_proba(views, rows), calibration.model_.classes_
        prediction = classes[probabilities.argmax(axis=1)]
        probability = tuning.truth_probability(probabilities, classes, reference)
    else:
        prediction = calibration.predict(views, rows)
    return pd.DataFrame(
        {
            "task": task.kind,
            "target": task.target,
            "condition": fold.condition,
            "repeat": fold.repeat,
            "fold": fold.fold,
            "row": rows,
            "reference": reference,
            "prediction": prediction,
            "probability": probability,
        }
    )
