"""Choice of preprocessing, component numbers and strengths, inside the training rows of a fold."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from ikpls.sklearn import PLS
from scipy.optimize import nnls
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from etalon.chemometrics.classify import RidgeLogistic, indicator_probabilities
from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.data.folds import grouped_kfold, stratified_kfold
from etalon.evaluate.calibration import Choice
from etalon.evaluate.metrics import balanced_accuracy, log_loss
from etalon.evaluate.views import Views

PCS = (2, 4, 8, 16, 32, 64)
# For X whose mean squared row norm is one: from a nearly flat model to one that all but separates.
STRENGTHS = (1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6)


class Candidate(NamedTuple):
    """A choice and its error inside the training rows; the smallest tuple is the best.

    `left_out` are the predictions of the training rows by models of the inner folds that never saw them, where a stack
    needs them.
    """

    error: tuple[float, ...]
    choice: Choice
    left_out: np.ndarray = np.empty(0)


class Training(NamedTuple):
    """The training rows of a fold, split once more for the choices."""

    views: Views
    rows: np.ndarray  # row numbers in the dataset
    y: np.ndarray  # references of these rows, or class numbers
    groups: np.ndarray  # specimens of these rows
    inner: list[tuple[np.ndarray, np.ndarray]]  # positions in `rows`: fit, validate

    def splits(self, name: str) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Yield scores to fit, references to fit, scores to validate, positions to validate, for each inner fold."""
        for fit, validate in self.inner:
            scores = self.views.scores(name, self.rows[fit], self.rows)
            yield scores[fit], self.y[fit], scores[validate], validate


def training(
    views: Views, y: np.ndarray, groups: np.ndarray, rows: np.ndarray, *, n_splits: int, seed: int, stratify: bool
) -> Training:
    """Return the training rows of a fold with their inner folds. `y` and `groups` are those of all rows."""
    if stratify:
        inner = stratified_kfold(y[rows], groups[rows], n_splits, seed)
    else:
        inner = grouped_kfold(groups[rows], n_splits, seed)
    return Training(views, rows, y[rows], groups[rows], inner)


def tune_pls(data: Training, name: str, max_lv: int) -> Candidate:
    """Choose the number of latent variables by the pooled inner RMSECV."""
    n_lv = _max_components(data, max_lv)
    left_out = np.empty((n_lv, len(data.y)))
    squared = np.zeros(n_lv)
    for X, y, X_val, positions in data.splits(name):
        y_hat = PLS(n_components=n_lv, scale_X=False, scale_Y=False).fit(X, y).predict_all_components(X_val)
        left_out[:, positions] = y_hat[..., 0]
        squared += ((y_hat[..., 0] - data.y[positions]) ** 2).sum(axis=1)
    best = int(squared.argmin())
    error = float(np.sqrt(squared[best] / len(data.y)))
    return Candidate((error,), Choice(name, "pls", {"n_lv": best + 1}), left_out[best])


def stack_pls(data: Training, members: Sequence[Candidate]) -> Candidate:
    """Weigh the PLS models of several preprocessings by their predictions of left-out rows: none below zero."""
    mean = data.y.mean()
    left_out = np.column_stack([member.left_out for member in members]) - mean
    weights, residual = nnls(left_out, data.y - mean)
    chosen = [
        {"preprocessing": member.choice.preprocessing, "n_lv": member.choice.settings["n_lv"], "weight": float(weight)}
        for member, weight in zip(members, weights, strict=True)
        if weight > 0
    ]
    return Candidate((float(residual / np.sqrt(len(data.y))),), Choice("stack", "stacked_pls", {"members": chosen}))


def tune_ridge(data: Training, name: str) -> Candidate:
    """Choose the strength, and whether channels are scaled, by leave-one-specimen-out residuals."""
    candidates = []
    for scale in (False, True):
        if scale:
            X = data.views.transform(name, data.views.fit(name, data.rows), data.rows)
        else:
            X = data.views.scores(name, data.rows, data.rows)
        ridge = LeaveSpecimenOutRidge(scale=scale).fit(X, data.y, data.groups)
        settings = {"alpha": ridge.alpha_, "scale": scale}
        candidates.append(Candidate((ridge.rmsecv_,), Choice(name, "ridge", settings)))
    return min(candidates, key=_error)


def tune_pca_ridge(data: Training, name: str, max_pcs: int) -> Candidate:
    """Choose the number of principal components and the strength by leave-one-specimen-out residuals."""
    candidates = []
    scores = data.views.scores(name, data.rows, data.rows)
    components = PCA(svd_solver="full").fit_transform(scores)
    for n_pcs in _component_grid(min(max_pcs, components.shape[1] - 1)):
        ridge = LeaveSpecimenOutRidge().fit(components[:, :n_pcs], data.y, data.groups)
        settings = {"alpha": ridge.alpha_, "n_pcs": n_pcs}
        candidates.append(Candidate((ridge.rmsecv_,), Choice(name, "pca_ridge", settings)))
    return min(candidates, key=_error)


def tune_plsda(data: Training, name: str, max_lv: int) -> Candidate:
    """Choose the number of latent variables by inner balanced accuracy, ties by the error of the indicators."""
    classes, numbers = np.unique(data.y, return_inverse=True)
    indicators = np.eye(len(classes))[numbers]
    n_lv = _max_components(data, max_lv)
    predicted = np.empty((n_lv, *indicators.shape))
    for fit, validate in data.inner:
        scores = data.views.scores(name, data.rows[fit], data.rows)
        pls = PLS(n_components=n_lv, scale_X=False, scale_Y=False).fit(scores[fit], indicators[fit])
        predicted[:, validate] = pls.predict_all_components(scores[validate])
    candidates = []
    for number, y_hat in enumerate(predicted):
        wrong = 1.0 - balanced_accuracy(numbers, indicator_probabilities(y_hat).argmax(axis=-1))
        spread = float(((y_hat - indicators) ** 2).mean())
        candidates.append(Candidate((wrong, spread), Choice(name, "plsda", {"n_lv": number + 1})))
    return min(candidates, key=_error)


def tune_ridge_logistic(data: Training, name: str) -> Candidate:
    """Choose the strength by inner log loss."""
    truth = np.empty((len(STRENGTHS), len(data.y)))
    for X, y, X_val, positions in data.splits(name):
        for number, strength in enumerate(STRENGTHS):
            model = RidgeLogistic(C=strength).fit(X, y)
            truth[number, positions] = given_to_truth(model, X_val, data.y[positions])
    losses = [log_loss(p) for p in truth]
    best = int(np.argmin(losses))
    return Candidate((losses[best],), Choice(name, "ridge_logistic", {"C": STRENGTHS[best]}))


def tune_pca_logistic(data: Training, name: str, max_pcs: int) -> Candidate:
    """Choose the number of principal components by inner log loss."""
    smallest = min(len(fit) for fit, _ in data.inner)
    grid = _component_grid(min(max_pcs, smallest - 1, data.views.source(name).shape[1]))
    truth = np.empty((len(grid), len(data.y)))
    for X, y, X_val, positions in data.splits(name):
        pca = PCA(grid[-1], whiten=True, svd_solver="full").fit(X)
        components, components_val = pca.transform(X), pca.transform(X_val)
        for number, n_pcs in enumerate(grid):
            model = LogisticRegression(max_iter=1000).fit(components[:, :n_pcs], y)
            truth[number, positions] = given_to_truth(model, components_val[:, :n_pcs], data.y[positions])
    losses = [log_loss(p) for p in truth]
    best = int(np.argmin(losses))
    return Candidate((losses[best],), Choice(name, "pca_logistic", {"n_pcs": grid[best]}))


def given_to_truth(model: object, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the probability given to each row's true class; zero for a class the model was not fitted to."""
    return truth_probability(model.predict_proba(X), model.classes_, y)  # type: ignore[attr-defined]


def truth_probability(probabilities: np.ndarray, classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pick from `probabilities`, shape (n, n_classes), the column of each row's true class."""
    column = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    known = classes[column] == y
    return np.where(known, probabilities[np.arange(len(y)), column], 0.0)


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the smallest error, the first among equals."""
    return min(candidates, key=_error)


def _error(candidate: Candidate) -> tuple[float, ...]:
    return candidate.error


def _max_components(data: Training, max_lv: int) -> int:
    smallest = min(len(fit) for fit, _ in data.inner)
    return max(1, min(max_lv, smallest - 1, data.views.source("none").shape[1]))


def _component_grid(most: int) -> tuple[int, ...]:
    return (*(n for n in PCS if n < most), max(most, 1))
