"""Tasks: what can be predicted in a dataset, and whether there is enough of it to be judged."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etalon.contracts import SpectraSet
from etalon.data.folds import Fold, group_specimens

MIN_ROWS = 20
MIN_GROUPS = 3
MIN_CLASS_SPECIMENS = 10


@dataclass(frozen=True)
class Task:
    """One quantity or label of a dataset.

    Attributes
    ----------
    kind : "regression" or "classification"
    y : float64, shape (n_samples,), NaN where not measured; class numbers in the order of `classes`
    groups : int, shape (n_samples,), rows that no split may separate
    schemes : the fold schemes it is judged on
    not_run : why it cannot be judged, or None
    """

    dataset: str
    kind: str
    target: str
    y: np.ndarray
    groups: np.ndarray
    classes: tuple[str, ...] = ()
    not_run: str | None = None

    @property
    def schemes(self) -> tuple[str, str]:
        return ("kfold" if self.kind == "regression" else "stratified", "published")

    def restrict(self, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
        """Return the training and test rows of `fold` in which this task was measured."""
        measured = np.isfinite(self.y)
        return fold.train[measured[fold.train]], fold.test[measured[fold.test]]


def list_tasks(spectra: SpectraSet) -> list[Task]:
    """Return every task of a dataset, those that cannot be judged included, with the reason."""
    groups = group_specimens(spectra)
    name = spectra.metadata.dataset_id
    tasks = []
    for column, target in enumerate(spectra.metadata.targets):
        y = spectra.reference[:, column]
        tasks.append(Task(name, "regression", target.name, y, groups, not_run=_too_little(y, groups)))
    if spectra.label is not None:
        classes, y = np.unique(spectra.label, return_inverse=True)
        label = spectra.metadata.label or "class"
        reason = _too_few_of_a_class(classes, y, groups)
        tasks.append(Task(name, "classification", label, y.astype(float), groups, tuple(classes.tolist()), reason))
    return tasks


def _too_little(y: np.ndarray, groups: np.ndarray) -> str | None:
    measured = np.isfinite(y)
    n_groups = len(np.unique(groups[measured]))
    if measured.sum() < MIN_ROWS:
        return f"{measured.sum()} measured samples, fewer than {MIN_ROWS}"
    if n_groups < MIN_GROUPS:
        return f"{n_groups} specimens, fewer than {MIN_GROUPS}"
    if np.ptp(y[measured]) == 0:
        return "all reference values are equal"
    return None


def _too_few_of_a_class(classes: np.ndarray, y: np.ndarray, groups: np.ndarray) -> str | None:
    if len(classes) < 2:
        return "one class only"
    specimens = [len(np.unique(groups[y == number])) for number in range(len(classes))]
    smallest = int(np.argmin(specimens))
    name = str(classes[smallest])
    if specimens[smallest] < MIN_CLASS_SPECIMENS:
        return f"class {name!r} has {specimens[smallest]} specimens, fewer than {MIN_CLASS_SPECIMENS}"
    return None


def fold_rows(task: Task, fold: Fold, rows: np.ndarray) -> pd.DataFrame:
    """Return the records of test rows, `etalon.records.PREDICTION_COLUMNS`, without what a method says of them."""
    return pd.DataFrame(
        {
            "task": task.kind,
            "target": task.target,
            "condition": fold.condition,
            "repeat": fold.repeat,
            "fold": fold.fold,
            "row": rows,
            "reference": task.y[rows],
        }
    )
