"""Linear heads of study 3, and the table of predictions that all heads write. No head needs torch here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from etalon.chemometrics.evidence import EvidenceRidge
from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.evaluate.downstream_heads import GroupedPLS
from etalon.evaluate.soil_responses import Responses, comparable
from etalon.evaluate.soil_sets import INDEPENDENT, Soils, Study
from etalon.seeds import derive_seed

Row = dict[str, Any]


class Regressor(Protocol):
    """Several properties from rows of numbers; NaN where one was not measured."""

    def fit(self, X: np.ndarray, Y: np.ndarray, groups: np.ndarray) -> "Regressor": ...

    def predict(self, X: np.ndarray) -> np.ndarray: ...


class Columnwise:
    """One single-property model for each column of Y, on the rows in which it was measured."""

    def __init__(self, make: Callable[[], Any]):
        self.make = make

    def fit(self, X: np.ndarray, Y: np.ndarray, groups: np.ndarray) -> "Columnwise":
        self.models_ = []
        for y in Y.T:
            known = np.isfinite(y)
            self.models_.append(self.make().fit(X[known], y[known], groups[known]))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions, shape (n, m)."""
        return np.column_stack([_predicted(model, X) for model in self.models_])


def _predicted(model: Any, X: np.ndarray) -> np.ndarray:
    return model.predict_with_sd(X)[0] if isinstance(model, GroupedPLS) else model.predict(X)


def linear(head: str, settings: Mapping[str, Any], blocks: list[int] | None, seed: int) -> Columnwise:
    """Return an unfitted linear head: "plsr", "ridge" or "evidence".

    Parameters
    ----------
    settings : "max_lv", "inner_splits"; blocks : numbers of columns of each block of inputs, for "evidence"
    """
    if head == "plsr":
        return Columnwise(lambda: GroupedPLS(settings["max_lv"], settings["inner_splits"], seed))
    if head == "ridge":
        return Columnwise(LeaveSpecimenOutRidge)
    if head == "evidence":
        return Columnwise(lambda: EvidenceRidge(blocks=blocks))
    raise ValueError(f"head: expected plsr, ridge or evidence, found {head!r}")


@dataclass(frozen=True)
class Inputs:
    """What a model reads, of training and tested scans: shapes (n, p) and (m, p).

    `name` is the method's name less its head: "mir", "nir", "mir_latent", "nir_to_mir", "nir_to_mir_latent", ...
    """

    name: str
    variant: str
    train: np.ndarray
    test: np.ndarray
    blocks: list[int] | None = None


@dataclass(frozen=True)
class Trial:
    """A training set and a tested set of one split; the same set in cross-validation.

    Attributes
    ----------
    train_rows, test_rows : scans of each
    """

    split: str
    train: Soils
    test: Soils
    train_rows: np.ndarray
    test_rows: np.ndarray

    @property
    def pair(self) -> str:
        return f"{self.train.name}>{self.test.name}" if self.split == INDEPENDENT else ""

    def spectra(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return absorbances of the training and the tested scans."""
        return self.train.spectra[kind][self.train_rows], self.test.spectra[kind][self.test_rows]

    def has(self, kind: str) -> bool:
        """Say whether both sets have spectra of this range, be it those of a set of the same specimens."""
        return kind in self.train.spectra and kind in self.test.spectra

    def measures(self, kind: str) -> bool:
        """Say whether both sets measured this range themselves: the MIR spectra of a NIR set are another set's."""
        own = self.train.metadata.modality == self.test.metadata.modality == "mir"
        return self.has(kind) and (kind != "mir" or own)


def trials(study: Study, split: str, independent: Mapping[str, list[str]]) -> Iterator[Trial]:
    """Yield what is predicted in a split. With several sets that train independently, each is one of its own."""
    train, test = study.training(split, independent), study.testing(split, independent)
    for name in train:
        for other in test if split == INDEPENDENT else [name]:
            if other not in test or not (len(train[name]) and len(test[other])):
                continue
            trial = Trial(split, study.sets[name], study.sets[other], train[name], test[other])
            if name == other or (split == INDEPENDENT and any(map(trial.measures, ("mir", "nir")))):
                yield trial


class Bench:
    """Fits heads on a trial and collects their predictions, one row a soil and property.

    Rows are `etalon.records.PREDICTION_COLUMNS`; `row` is the first scan of the soil, and predictions of its scans are
    averaged.
    """

    def __init__(self, trial: Trial, seed: int, number: int = -1):
        self.trial, self.seed, self.number = trial, seed, number
        own = {name: values[trial.train_rows] for name, values in trial.train.properties.items()}
        self.responses = Responses().fit(own)
        self.tables: list[pd.DataFrame] = []
        self.not_run: list[Row] = []
        self.names = []
        for name in self.responses.names_:
            why = self._why_not(name)
            if why is None:
                self.names.append(name)
            elif name in trial.test.properties:
                self.not_run.append({"dataset": trial.test.name, "analyte": name, "pair": trial.pair, "reason": why})

    def _why_not(self, name: str) -> str | None:
        if name not in self.trial.test.properties:
            return "not measured"
        return comparable(self.trial.train.units[name], self.trial.test.units[name])

    def run(self, inputs: Inputs, head: str, model: Callable[[], Regressor]) -> None:
        """Fit `model` and keep what it predicts."""
        if not self.names or not self.responses.columns_:
            return
        trial = self.trial
        Y = self.responses.transform({n: v[trial.train_rows] for n, v in trial.train.properties.items()})
        used = np.isfinite(Y).any(axis=1)
        fitted = model().fit(inputs.train[used], Y[used], trial.train.groups[trial.train_rows][used])
        predicted = self.responses.inverse(fitted.predict(inputs.test))
        apart = trial.split == INDEPENDENT
        common: dict[str, Any] = {
            "dataset": trial.test.name,
            "task": "regression",
            "pair": trial.pair,
            "seed": self.number,
            "repeat": 0,
        }
        common |= {"method": f"{inputs.name}_{head}", "variant": inputs.variant, "head": head}
        common |= {"condition": INDEPENDENT if apart else "cv"}
        common |= {"fold": 0 if apart else int(trial.split.removeprefix("fold"))}
        for name in self.names:
            table = by_soil(trial.test, trial.test_rows, name, predicted[name])
            self.tables.append(table.assign(target=name, **common))

    def seed_of(self, *axes: object) -> int:
        return derive_seed(self.seed, "soil", self.trial.split, self.trial.train.name, self.number, *axes)


def by_soil(soils: Soils, rows: np.ndarray, name: str, predicted: np.ndarray) -> pd.DataFrame:
    """Return the mean over the scans of each soil with a reference: row, reference, prediction."""
    table = pd.DataFrame(
        {"group": soils.groups[rows], "row": rows, "reference": soils.properties[name][rows], "prediction": predicted}
    ).dropna(subset="reference")
    ways = {"row": "first", "reference": "mean", "prediction": "mean"}
    return table.groupby("group", sort=True).agg(ways).reset_index(drop=True)
