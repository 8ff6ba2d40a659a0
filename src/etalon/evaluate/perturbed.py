"""Robustness: calibrations fitted on spectra as measured, tested on disturbed ones."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.contracts import SpectraSet
from etalon.data.folds import Fold, read_folds
from etalon.errors import NotRunError
from etalon.evaluate.baselines import Chosen, fit, predict
from etalon.evaluate.calibration import Calibration, Stack
from etalon.evaluate.experiment import Outcome
from etalon.evaluate.robustness import PERTURBATIONS, amplitude_unit, perturb
from etalon.evaluate.tasks import Task, list_tasks
from etalon.evaluate.views import Views
from etalon.preprocess.asls import asls
from etalon.seeds import derive_seed

# Amplitudes of a perturbation by the unit they count in: AU, SD, 1, nm, cm-1 (see `robustness.amplitude_unit`).
Amplitudes = dict[str, dict[str, Sequence[float]]]


def retest(
    spectra: SpectraSet, baselines: dict[str, Any], folds: pd.DataFrame, settings: dict[str, Any], seed: int
) -> Outcome:
    """Test the calibrations that `baselines`, the record of an experiment, describes on disturbed spectra.

    Every disturbed spectrum gets an AsLS baseline of its own (`settings["asls"]`).
    """
    if baselines["not_run"]:
        raise NotRunError(baselines["not_run"])
    chosen = [Chosen.from_json(c) for c in baselines["choices"]]
    savgol = {name: baselines["settings"][name] for name in ("savgol_window", "savgol_order")}
    kind = {name: getattr(spectra.metadata, name) for name in ("axis_unit", "modality")}

    tasks = list_tasks(spectra)
    # Of an on-line series few spectra have a reference value; the others are neither fitted nor tested.
    used = np.any([np.isfinite(task.y) for task in tasks], axis=0)

    def views_of(X: np.ndarray) -> Views:
        baseline = np.zeros_like(X)
        baseline[used] = asls(X[used], spectra.wavelengths, **kind, **settings["asls"])
        return Views(X, baseline, **savgol)

    predictions, not_run = run_perturbed(
        spectra,
        tasks,
        folds,
        chosen,
        views_of,
        amplitudes=settings["amplitudes"],
        repeats=settings["repeats"],
        seed=seed,
    )
    return Outcome(predictions, chosen, not_run)


def run_perturbed(
    spectra: SpectraSet,
    tasks: Iterable[Task],
    folds: pd.DataFrame,
    chosen: Sequence[Chosen],
    views_of: Callable[[np.ndarray], Views],
    *,
    amplitudes: Amplitudes,
    repeats: int,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Fit what was chosen on the training rows of each fold; predict the test rows under every disturbance.

    Parameters
    ----------
    chosen : the choices of the baselines; nothing is chosen anew
    views_of : makes the preprocessed views of spectra, shape (n_samples, n_channels), their AsLS baseline included
    repeats : how many repeats of the cross-validation are used

    Returns
    -------
    predictions, and for each perturbation that does not apply to this set the reason
    """
    fitted = _fit_all(tasks, folds, chosen, views_of(spectra.intensities), repeats)
    kind = {name: getattr(spectra.metadata, name) for name in ("representation", "modality", "axis_unit")}
    row_seed = derive_seed(seed, "robustness", spectra.metadata.dataset_id)
    parts: list[pd.DataFrame] = []
    not_run: dict[str, str] = {}
    for name in tqdm(PERTURBATIONS, desc="perturbations", unit="kind"):
        try:
            unit = amplitude_unit(name, **kind)
            for amplitude in amplitudes[name][unit]:
                disturbed = perturb(
                    name, spectra.intensities, spectra.wavelengths, amplitude=amplitude, seed=row_seed, **kind
                )
                views = views_of(disturbed)
                for task, fold, test, method, calibration in fitted:
                    rows = predict(calibration, views, task, fold, test)
                    parts.append(rows.assign(method=method, condition=name, amplitude=amplitude, amplitude_unit=unit))
        except NotRunError as error:
            not_run[name] = error.reason
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), not_run


def _fit_all(
    tasks: Iterable[Task], folds: pd.DataFrame, chosen: Sequence[Chosen], views: Views, repeats: int
) -> list[tuple[Task, Fold, np.ndarray, str, Calibration | Stack]]:
    by_fold: dict[tuple[str, str, int, int], list[Chosen]] = {}
    for c in chosen:
        if c.condition == "cv" and c.repeat < repeats:
            by_fold.setdefault((c.task, c.target, c.repeat, c.fold), []).append(c)
    fitted = []
    for task in tasks:
        for fold in read_folds(folds, task.schemes[:1]):
            train, test = task.restrict(fold)
            for c in by_fold.get((task.kind, task.target, fold.repeat, fold.fold), []):
                fitted.append((task, fold, test, c.method, fit(c.choice, views, task, train)))
    return fitted
