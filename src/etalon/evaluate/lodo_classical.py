"""Classical methods across datasets: spectra of all sets on a common grid; chosen, fitted, adapted.

Every choice is made inside the training rows: by leaving out one family at a time where at least three train, else by
specimen. Where local samples are added, choices are made by specimen: the family is no longer unknown. The PLS methods
then choose anew for every draw, the local rows with as much weight as all training rows together; ridge chooses on the
training rows once, and local ones update its coefficients in closed form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy.linalg import eigh

from etalon.chemometrics.ridge import ALPHAS, SCALE_FLOOR
from etalon.data.folds import grouped_kfold
from etalon.errors import NotRunError
from etalon.evaluate import tuning
from etalon.evaluate.baselines import STANDARD, fit
from etalon.evaluate.calibration import Choice, clip_range
from etalon.evaluate.local_adaptation import Conditioned, Prediction, linear_posterior
from etalon.evaluate.lodo import Transfer
from etalon.evaluate.lodo_grid import join, own_views
from etalon.evaluate.lodo_tasks import Contest
from etalon.evaluate.tasks import Task
from etalon.evaluate.weighted_pls import Weighted, predict_methods
from etalon.seeds import derive_seed

METHODS = ("asls_snv_pls", "tuned_pls", "tuned_ridge", "stacked_pls")
MIN_FAMILIES = 3  # with fewer, leaving one out leaves too little that differs


class ClassicalTransfer:
    """The classical methods, and the mean of the references, on one task (`Transferred`).

    Where no training set covers enough of the test set's range, only the mean and the local calibrations run.

    Parameters
    ----------
    settings : "preprocessings", "max_lv", "inner_splits", "min_overlap", and those of `lodo_grid.join`

    Attributes
    ----------
    transfer, choices, not_run : see `Transferred`
    """

    def __init__(self, transfer: Transfer, settings: Mapping[str, Any], seed: int):
        self.settings, self.member = settings, transfer.test
        self._seed = derive_seed(seed, "lodo", "inner", transfer.test.dataset, transfer.test.task.target)
        rows, y = transfer.test.rows, transfer.test.task.y
        self._place = np.full(len(y), -1)
        self._place[rows] = np.arange(len(rows))
        self._mean = float(transfer.y.mean())
        self._own = own_views(transfer.test, settings)
        self.transfer = transfer
        self.choices: dict[str, dict[str, Any]] = {}
        self.not_run: dict[str, str] = {}
        try:
            joint = join(transfer, settings["min_overlap"], settings)
        except NotRunError as error:
            self.not_run = dict.fromkeys(METHODS, error.reason)
            return
        self.transfer, self._views, self._n = joint.transfer, joint.views, joint.n_source
        specimens = self.transfer.specimens
        local = specimens.max() + 1 + transfer.test.task.groups[rows]
        self._groups = np.concatenate([specimens, local])
        self._y = np.concatenate([self.transfer.y, y[rows]])
        found = self._choose_source()
        self.choices = {method: _describe(candidate) for method, candidate in found.items()}
        self._source = {m: self._fit(c.choice, np.arange(self._n)) for m, c in found.items()}
        inner: list[tuple[np.ndarray, np.ndarray]] = []  # leaving specimens out needs none
        data = tuning.Training(self._views, np.arange(self._n), self.transfer.y, specimens, inner)
        self._ridge = self._conditioned(_choose_ridge(data, tuning.tune_ridge, settings).choice)

    def zero_shot(self, rows: np.ndarray) -> dict[str, Prediction]:
        found = {"mean": np.full(len(rows), self._mean)}
        if not self.not_run:
            at = self._n + self._place[rows]
            found |= {method: fitted.predict(self._views, at) for method, fitted in self._source.items()}
        return {method: Prediction.bare(y_hat) for method, y_hat in found.items()}

    def spiked(self, local: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
        y = self.member.task.y[local]
        found = {"mean": np.full(len(test), (self._mean + y.mean()) / 2)}
        if self.not_run:
            return found
        at, asked = self._n + self._place[local], self._n + self._place[test]
        rows = np.concatenate([np.arange(self._n), at])
        weights = np.concatenate([np.ones(self._n), np.full(len(at), self._n / len(at))])
        inner = grouped_kfold(self._groups[rows], self.settings["inner_splits"], self._seed)
        data = Weighted(self._views, rows, self._y[rows], weights, inner)
        found |= predict_methods(data, self.settings, STANDARD, asked)
        found["tuned_ridge"] = self._ridge.spiked(self._place[local], y, np.ones(len(y)))[self._place[test]]
        limits = clip_range(self._y[rows])
        return {method: np.clip(y_hat, *limits) for method, y_hat in found.items()}

    def local_only(self, local: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
        rows, y = self._place[local], self.member.task.y[local]
        if np.ptp(y) == 0:
            return {method: np.full(len(test), y[0]) for method in ("mean", *METHODS)}
        groups = self.member.task.groups[local]
        inner = grouped_kfold(groups, self.settings["inner_splits"], self._seed)
        data = tuning.Training(self._own, rows, y, groups, inner)
        candidates = _choose_pls(data, self.settings)
        candidates["tuned_ridge"] = _choose_ridge(data, tuning.tune_ridge, self.settings)
        found = {"mean": np.full(len(test), y.mean())}
        task = _task(self.member.task, self.member.task.y[self.member.rows])
        for method, candidate in candidates.items():
            found[method] = fit(candidate.choice, self._own, task, rows).predict(self._own, self._place[test])
        return found

    def _choose_source(self) -> dict[str, tuning.Candidate]:
        """Return what each method chooses in the training rows."""
        rows = np.arange(self._n)
        y, groups, families = self._y[rows], self._groups[rows], self.transfer.families
        across = families.max() + 1 >= MIN_FAMILIES
        if across:
            inner = [(np.flatnonzero(families != f), np.flatnonzero(families == f)) for f in range(families.max() + 1)]
        else:
            inner = grouped_kfold(groups, self.settings["inner_splits"], self._seed)
        data = tuning.Training(self._views, rows, y, groups, inner)
        tune = tune_ridge_by_folds if across else tuning.tune_ridge
        return _choose_pls(data, self.settings) | {"tuned_ridge": _choose_ridge(data, tune, self.settings)}

    def _fit(self, choice: Choice, rows: np.ndarray) -> Any:
        return fit(choice, self._views, _task(self.member.task, self._y), rows)

    def _conditioned(self, choice: Choice) -> Conditioned:
        """Return the ridge regression chosen in the training rows, ready for local ones."""
        source = np.arange(self._n)
        fitted = self._views.fit(choice.preprocessing, source)
        X = self._views.transform(choice.preprocessing, fitted, np.arange(len(self._y)))
        X = X - X[source].mean(axis=0)
        if choice.settings["scale"]:
            X = X / _spread(X[source])
        # The strength is relative to the mean eigenvalue, which is the mean squared norm of a row.
        X = X / np.sqrt((X[source] ** 2).sum() / self._n)
        rest = self._y[source], np.ones(self._n), choice.settings["alpha"]
        return Conditioned(linear_posterior(X[source], X[self._n :], *rest), *rest)


def tuned_pls_zero_shot(transfer: Transfer, settings: Mapping[str, Any], seed: int) -> dict[str, Prediction]:
    """Return the predictions of a test set by tuned PLS on few training sets, its inner folds by specimen.

    Raises
    ------
    NotRunError : no training set covers enough of the test set's range
    """
    joint = join(transfer, settings["min_overlap"], settings)
    rows, y, groups = np.arange(joint.n_source), joint.transfer.y, joint.transfer.specimens
    source = "+".join(source.member.dataset for source in joint.transfer.sources)
    inner_seed = derive_seed(seed, "lodo", "pair", source, transfer.test.dataset, transfer.test.task.target)
    inner = grouped_kfold(groups, settings["inner_splits"], inner_seed)
    data = tuning.Training(joint.views, rows, y, groups, inner)
    chosen = tuning.best_of([tuning.tune_pls(data, name, settings["max_lv"]) for name in settings["preprocessings"]])
    fitted = fit(chosen.choice, joint.views, _task(transfer.test.task, y), rows)
    asked = joint.n_source + np.arange(len(transfer.test.rows))
    return {"tuned_pls": Prediction.bare(fitted.predict(joint.views, asked))}


def tune_ridge_by_folds(data: tuning.Training, name: str) -> tuning.Candidate:
    """Choose the strength of ridge, and whether channels are scaled, by the pooled error of the inner folds."""
    return min((_ridge_by_folds(data, name, scale) for scale in (False, True)), key=lambda found: found.error)


def _ridge_by_folds(data: tuning.Training, name: str, scale: bool) -> tuning.Candidate:
    squared = np.zeros(len(ALPHAS))
    for inner, validate in data.inner:
        fitted = data.views.fit(name, data.rows[inner])
        X = data.views.transform(name, fitted, data.rows)
        X = X - X[inner].mean(axis=0)
        if scale:
            X = X / _spread(X[inner])
        y_mean = data.y[inner].mean()
        values, U = eigh(X[inner] @ X[inner].T, check_finite=False)
        values, unit = values.clip(min=0), values.clip(min=0).sum() / len(inner)
        projected = U.T @ (data.y[inner] - y_mean)
        shrunk = projected / (values + np.array(ALPHAS)[:, None] * unit)  # (n_alphas, n)
        y_hat = y_mean + (shrunk @ U.T) @ (X[inner] @ X[validate].T)  # (n_alphas, n_validate)
        squared += ((y_hat - data.y[validate]) ** 2).sum(axis=1)
    best = int(np.flatnonzero(squared <= squared.min() * (1 + 1e-12))[-1])
    error = float(np.sqrt(squared[best] / len(data.y)))
    return tuning.Candidate((error,), Choice(name, "ridge", {"alpha": float(ALPHAS[best]), "scale": scale}))


def _spread(X: np.ndarray) -> np.ndarray:
    """Return what channels are divided by, floored as in `LeaveSpecimenOutRidge`."""
    spread = np.maximum(X.std(axis=0), SCALE_FLOOR * X.std(axis=0).max())
    return np.where(spread == 0, 1.0, spread)


def _choose_pls(data: tuning.Training, settings: Mapping[str, Any]) -> dict[str, tuning.Candidate]:
    names: Sequence[str] = settings["preprocessings"]
    pls = {name: tuning.tune_pls(data, name, settings["max_lv"]) for name in dict.fromkeys([STANDARD, *names])}
    own = [pls[name] for name in names]
    return {"asls_snv_pls": pls[STANDARD], "tuned_pls": tuning.best_of(own), "stacked_pls": tuning.stack_pls(data, own)}


def _choose_ridge(
    data: tuning.Training, tune: Callable[[tuning.Training, str], tuning.Candidate], settings: Mapping[str, Any]
) -> tuning.Candidate:
    return tuning.best_of([tune(data, name) for name in settings["preprocessings"]])


def _task(like: Task, y: np.ndarray) -> Task:
    """Return a task of the same name whose references are those of other rows."""
    return Task(like.dataset, like.kind, like.target, y, np.arange(len(y)))


def _describe(candidate: tuning.Candidate) -> dict[str, Any]:
    return {"inner_error": candidate.error[0], "choice": asdict(candidate.choice)}


def classical_contest(settings: Mapping[str, Any], seed: int) -> Contest:
    """Return the classical methods and the mean, for `etalon.evaluate.lodo_tasks.run_tasks`."""
    return Contest(
        "method",
        ("mean", *METHODS),
        lambda transfer: ClassicalTransfer(transfer, settings, seed),
        lambda pair: tuned_pls_zero_shot(pair, settings, seed),
        ("tuned_pls",),
        {},
    )
