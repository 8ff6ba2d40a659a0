"""How far a calibration falls as its instrument ages, and what N standards measured again give back.

Source and target are one instrument, new and aged: the specimens, folds and methods are those of calibration transfer
(`etalon.evaluate.transfer`), the standards its transfer samples.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate import metrics
from etalon.evaluate.ageing import aged, unit_of
from etalon.evaluate.cross_instrument import Pair, tasks_of
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import Row, folds_of, not_run, transfer_samples
from etalon.evaluate.transfer_methods import OWN, UNCORRECTED, Prepared, prepare, stack

METRICS = ("rmsep", "bias")

# Predictions of the test spectra of a fold by a method, given its standards, its number and that of the draw.
Predict = Callable[[Prepared, np.ndarray, int, int], np.ndarray]


def ageing_rows(
    spectra: SpectraSet,
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    settings: Mapping[str, Any],
    methods: Mapping[str, Predict],
    seed: int,
    *,
    fixed: bool = True,
) -> list[Row]:
    """Return the metrics of every method on every ageing of a set, and a row for each that did not run.

    Parameters
    ----------
    settings : "amplitudes" (of each ageing), "standards" (how many), "draws", "max_targets", "max_folds", and what
        `etalon.evaluate.transfer_methods.prepare` takes; none of the preprocessings may need a baseline
    methods : those that use standards, by name
    fixed : whether to score the calibration left as it is, and one made anew on all training specimens, too
    """
    names = [*methods, *((UNCORRECTED, OWN) if fixed else ())]
    own = tasks_of(Pair(spectra, spectra), tasks)[: settings["max_targets"]]
    rows: list[Row] = []
    for kind, amplitudes in settings["amplitudes"].items():
        unit = unit_of(kind, spectra.metadata.modality)
        common: Row = {"condition": kind, "amplitude_unit": unit}
        try:
            if not own:
                raise NotRunError("no target that can be judged")
            for amplitude in (0.0, *amplitudes):
                old = _grown_old(spectra, kind, amplitude, seed)
                for task in own:
                    case = Case(amplitude, Pair(spectra, old), task, folds, settings, seed)
                    rows += [common | row for row in case.rows(methods, fixed)]
        except NotRunError as error:
            rows += [common | {"method": name, **not_run(error.reason)} for name in names]
    return rows


def _grown_old(spectra: SpectraSet, kind: str, amplitude: float, seed: int) -> SpectraSet:
    about = spectra.metadata
    known = {name: getattr(about, name) for name in ("representation", "modality", "axis_unit")}
    found = aged(kind, spectra.intensities, spectra.wavelengths, **known, amplitude=amplitude, seed=seed)
    return replace(spectra, intensities=found)


@dataclass(frozen=True)
class Case:
    """One task on one ageing of one amplitude."""

    amplitude: float
    pair: Pair
    task: Task
    folds: pd.DataFrame
    settings: Mapping[str, Any]
    seed: int

    def rows(self, methods: Mapping[str, Predict], fixed: bool) -> Iterator[Row]:
        """Yield the metrics, those of standards of every draw."""
        place: Row = {"target": self.task.target, "pair": self.pair.name, "amplitude": self.amplitude, "repeat": 0}
        prepared, size = self._prepared(), self.settings["standards"]
        y = np.concatenate([one.y_test for one in prepared])
        if fixed:
            n_train = float(np.mean([one.n_train for one in prepared]))
            for name in (UNCORRECTED, OWN):
                y_hat = np.concatenate([one.fixed[name] for one in prepared])
                yield from (place | {"method": name, "n_train": n_train} | row for row in _measured(y, y_hat))
        for draw in range(self.settings["draws"]):
            chosen = transfer_samples("random", self.pair, self.task, prepared, size, draw, self.seed)
            cases = list(enumerate(zip(prepared, chosen, strict=True)))
            for name, predict in methods.items():
                y_hat = np.concatenate([predict(one, rows, draw, number) for number, (one, rows) in cases])
                common = place | {"method": name, "draw": draw, "n_train": float(size)}
                yield from (common | row for row in _measured(y, y_hat))

    def _prepared(self) -> list[Prepared]:
        """Return the folds that leave enough standards.

        Raises
        ------
        NotRunError : none does
        """
        settings, spectra = self.settings, self.pair.source
        # No preprocessing of this study starts from a baseline.
        none = {spectra.metadata.dataset_id: np.zeros_like(spectra.intensities)}
        stacked = stack(self.pair, [], none, settings["savgol_window"], settings["savgol_order"])
        folds = folds_of(self.task, self.folds)[: settings["max_folds"]]
        found = [prepare(self.pair, stacked, self.task, *fold, settings, self.seed) for fold in folds]
        prepared = [one for one in found if one is not None and len(one.y) >= settings["standards"]]
        if not prepared:
            raise NotRunError(f"no fold with {settings['standards']} specimens to measure again")
        return prepared


def classical(names: Sequence[str]) -> dict[str, Predict]:
    """Return the methods of `etalon.evaluate.transfer_methods.METHODS` by name."""

    def of(name: str) -> Predict:
        return lambda prepared, rows, draw, fold: prepared.predict(name, rows)

    return {name: of(name) for name in names}


def _measured(y: np.ndarray, y_hat: np.ndarray) -> Iterator[Row]:
    for name in METRICS:
        yield {"metric": name, "value": metrics.REGRESSION[name](y, y_hat), "status": "ok"}
