"""The routes from the files of a dataset to predictions whose seconds are measured, and the choices each asks for."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from etalon.chemometrics.evidence_kernels import kernels_on
from etalon.chemometrics.ridge import ALPHAS
from etalon.contracts import SpectraSet
from etalon.data.folds import Fold, read_folds
from etalon.errors import NotRunError
from etalon.evaluate import baselines, fine_tuning, tuning
from etalon.evaluate.embed import open_encoder
from etalon.evaluate.embedding_heads import HEADS, RegressionHead, rows_of
from etalon.evaluate.heads import tabpfn_checkpoint
from etalon.evaluate.tasks import Task, list_tasks
from etalon.evaluate.views import Views
from etalon.models.encoder import embed_grid
from etalon.models.function_space import BLOCKS as FS_BLOCKS
from etalon.preprocess.asls import asls
from etalon.preprocess.chain import ON_CORRECTED
from etalon.storage import load_set

SCALED = (False, True)  # what `etalon.evaluate.tuning.tune_ridge` tries for every preprocessing
ASLS_CHOICES = ("asls.lam", "asls.p")
VIEW_CHOICES = ("phase_0.preprocessings", "phase_0.savgol_window", "phase_0.savgol_order", *ASLS_CHOICES)
PLS_CHOICES = (*VIEW_CHOICES, "phase_0.max_lv", "phase_0.inner_splits")
ON_NAMED = ("kernels",)  # heads on the blocks of an encoder without weights
IN_CONTEXT = {"tabpfn": "weights of TabPFN", "tabicl": "weights of TabICL"}
IN_CONTEXT_CHOICES = ("downstream.n_pcs", "downstream.n_estimators", "downstream.in_context_rows")


class Clock:
    """Adds up the seconds of named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - started


@dataclass(frozen=True)
class Problem:
    """A dataset on disk and one split of it.

    Attributes
    ----------
    folder, folds : the dataset and its folds
    settings : see `etalon.evaluate.cost.measure`; seed : the main seed
    """

    folder: Path
    folds: Path
    settings: Mapping[str, Any]
    seed: int

    def load(self) -> tuple[SpectraSet, Task, Fold]:
        """Return the set, its first regression task that can be judged, and the first fold of the cross-validation.

        Raises
        ------
        NotRunError : there is no such task
        """
        spectra = load_set(self.folder)
        first = next(iter(read_folds(pd.read_parquet(self.folds), ("kfold",))))
        for task in list_tasks(spectra):
            if task.kind == "regression" and not task.not_run and not baselines.cannot_fit(task, *task.restrict(first)):
                return spectra, task, first
        raise NotRunError("no regression task")

    def baseline(self, spectra: SpectraSet) -> np.ndarray:
        """Return the AsLS baselines of all spectra."""
        kind: dict[str, Any] = {"axis_unit": spectra.metadata.axis_unit, "modality": spectra.metadata.modality}
        return asls(spectra.intensities, spectra.wavelengths, **kind, **self.settings["asls"])


@dataclass(frozen=True)
class Route:
    """One way from files to predictions.

    Attributes
    ----------
    run : computes the predictions of the test rows, shape (n_test,), and tells the clock of its steps
    searched : settings compared inside the training rows, at most
    optimised : numbers fitted to a criterion inside the training rows besides the coefficients
    by_hand : settings that somebody has to give a value before, by their names in the configuration of this experiment
    needs : what has to be at hand besides the dataset
    """

    method: str
    run: Callable[[Problem, Clock], np.ndarray]
    searched: int
    optimised: int
    by_hand: tuple[str, ...]
    needs: str = ""
    variant: str = ""
    head: str = ""


@dataclass(frozen=True)
class Given:
    """An encoder: its variant, its name and its weights, None for one without."""

    variant: str
    encoder: str
    checkpoint: Path | None = field(default=None)

    @property
    def needs(self) -> str:
        return "" if self.checkpoint is None else "weights of the encoder"


def routes(settings: Mapping[str, Any], given: Sequence[Given]) -> list[Route]:
    """Return every route: classical methods, each encoder with each head, fine-tuned where it has weights."""
    return [
        *_classical(settings),
        _pca_tabpfn(),
        *(
            _head(of, name)
            for of in given
            for name in settings["heads"]
            if of.checkpoint is None or name not in ON_NAMED
        ),
        *(_fine_tuned(of, name) for of in given if of.checkpoint for name in settings["fine_tuning"]["methods"]),
    ]


def _classical(settings: Mapping[str, Any]) -> list[Route]:
    names, max_lv = settings["phase_0"]["preprocessings"], settings["phase_0"]["max_lv"]

    def tuned_pls(data: tuning.Training) -> tuning.Candidate:
        return tuning.best_of([tuning.tune_pls(data, name, max_lv) for name in names])

    def stacked_pls(data: tuning.Training) -> tuning.Candidate:
        return tuning.stack_pls(data, [tuning.tune_pls(data, name, max_lv) for name in names])

    def tuned_ridge(data: tuning.Training) -> tuning.Candidate:
        return tuning.best_of([tuning.tune_ridge(data, name) for name in names])

    return [
        Route("tuned_pls", _linear(tuned_pls), len(names) * max_lv, 0, PLS_CHOICES),
        Route("stacked_pls", _linear(stacked_pls), len(names) * max_lv, len(names), PLS_CHOICES),
        Route("tuned_ridge", _linear(tuned_ridge), len(names) * len(SCALED) * len(ALPHAS), 0, VIEW_CHOICES),
    ]


def _linear(choose: Callable[[tuning.Training], tuning.Candidate]) -> Callable[[Problem, Clock], np.ndarray]:
    def run(problem: Problem, clock: Clock) -> np.ndarray:
        s = problem.settings["phase_0"]
        with clock("load"):
            spectra, task, fold = problem.load()
            train, test = task.restrict(fold)
        with clock("baseline"):
            corrected = ON_CORRECTED & set(s["preprocessings"])
            baseline = problem.baseline(spectra) if corrected else np.zeros_like(spectra.intensities)
        with clock("fit"):
            views = _views(spectra, baseline, s)
            inner = {"n_splits": s["inner_splits"], "seed": problem.seed, "stratify": False}
            data = tuning.training(views, task.y, task.groups, train, **inner)
            fitted = baselines.fit(choose(data).choice, views, task, train)
        with clock("predict"):
            return fitted.predict(views, test)

    return run


def _views(spectra: SpectraSet, baseline: np.ndarray, settings: Mapping[str, Any]) -> Views:
    window = {name: settings[name] for name in ("savgol_window", "savgol_order")}
    return Views(spectra.intensities, baseline, **window)


def _pca_tabpfn() -> Route:
    def run(problem: Problem, clock: Clock) -> np.ndarray:
        s = problem.settings["phase_0"]["tabpfn"]
        path = str(tabpfn_checkpoint("regression", s["checkpoint_regressor"]))
        with clock("load"):
            spectra, task, fold = problem.load()
            train, test = task.restrict(fold)
        with clock("baseline"):
            baseline = problem.baseline(spectra)
        with clock("fit"):
            views = _views(spectra, baseline, problem.settings["phase_0"])
            data = tuning.Training(views, train, task.y[train], task.groups[train], [])
            limits = {"n_pcs": s["n_pcs"], "n_estimators": s["n_estimators"], "seed": problem.seed}
            chosen = baselines.choose_tabpfn(task, data, checkpoints={"regression": path}, **limits)
            fitted = baselines.fit(chosen["pca_tabpfn"].choice, views, task, train)
        with clock("predict"):
            return fitted.predict(views, test)

    by_hand = (*ASLS_CHOICES, "phase_0.tabpfn.n_pcs", "phase_0.tabpfn.n_estimators")
    return Route("pca_tabpfn", run, 0, 0, by_hand, IN_CONTEXT["tabpfn"])


def _head(given: Given, name: str) -> Route:
    def run(problem: Problem, clock: Clock) -> np.ndarray:
        with clock("load"):
            spectra, task, fold = problem.load()
            encoder, _ = open_encoder(given.checkpoint, given.encoder)
            train, test = task.restrict(fold)
        batch = fine_tuning.batch_of(spectra)
        if given.checkpoint is None:
            with clock("baseline"):
                batch = replace(batch, baseline=torch.tensor(problem.baseline(spectra)))
        with clock("embed"):
            blocks = embed_grid(encoder, batch)
        names = HEADS[name].blocks(blocks, ())
        assert names is not None
        own = problem.settings["embedding"] | problem.settings["downstream"]
        head = RegressionHead(HEADS[name], names, own["max_rows"], own, problem.seed)
        with clock("fit"):
            head.fit(rows_of(blocks, train), task.y[train], task.groups[train])
        with clock("predict"):
            return head.predict(rows_of(blocks, test))[0]

    searched = len(ALPHAS) if name == "ridge" else 0
    optimised = 0
    by_hand = ASLS_CHOICES if given.checkpoint is None else ()
    needs = [given.needs] if given.needs else []
    if name == "evidence":
        n_blocks = len(FS_BLOCKS) if given.checkpoint is None else len(fine_tuning.BLOCKS)
        optimised, by_hand = n_blocks + 1, (*by_hand, "embedding.max_rows")
    elif name == "kernels":
        # Strengths and a noise of both of its members.
        optimised, by_hand = len(FS_BLOCKS) + len(kernels_on([*FS_BLOCKS])) + 2, (*by_hand, "embedding.max_rows")
    elif name in IN_CONTEXT:
        by_hand = (*by_hand, *IN_CONTEXT_CHOICES)
        needs.append(IN_CONTEXT[name])
    return Route("embedding", run, searched, optimised, by_hand, ", ".join(needs), given.variant, name)


def _fine_tuned(given: Given, method: str) -> Route:
    def run(problem: Problem, clock: Clock) -> np.ndarray:
        with clock("load"):
            spectra, task, fold = problem.load()
            encoder, _ = open_encoder(given.checkpoint, given.encoder)
        batch = fine_tuning.batch_of(spectra)
        with clock("fit"):
            plan = fine_tuning.plan_of(method, problem.settings["fine_tuning"])
            calibration = fine_tuning.calibrate(encoder, batch, [task], fold, plan, problem.seed, 0)
        with clock("predict"):
            return fine_tuning.predict(calibration, batch, [task], fold)["prediction"].to_numpy()

    own = ("steps", "batch", "learning_rate", *(("rank",) if method == "lora" else ()))
    by_hand = tuple(f"fine_tuning.{name}" for name in own)
    searched = (fine_tuning.STOPS + 1) * len(ALPHAS)
    return Route("embedding", run, searched, 0, by_hand, given.needs, given.variant, fine_tuning.METHODS[method])
