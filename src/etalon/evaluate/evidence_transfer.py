"""Calibration transfer by one Gaussian process over two instruments, on the folds and samples of the classical methods.

It reads spectra as the source calibration sees them, or embeddings by an encoder of study 1. Beside it stand the same
head without any transfer, with slope and bias, and on the target instrument's samples alone: what is due to the head
and what to the transfer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from tqdm import tqdm

from etalon.chemometrics.evidence_kernels import EvidenceKernels
from etalon.chemometrics.transfer import SlopeBias
from etalon.chemometrics.transfer_evidence import EvidenceCalibration, Known, TwoInstruments
from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate import metrics
from etalon.evaluate.cross_instrument import Pair
from etalon.evaluate.embed import embed_spectra_of
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import (
    CONDITIONS,
    Row,
    at_level,
    measured,
    not_run,
    prepared_folds,
    transfer_samples,
    wanted_tasks,
)
from etalon.evaluate.transfer_methods import OWN, UNCORRECTED, Prepared, stack
from etalon.evaluate.uncertainty import conformal_quantile, coverage, fewest_scores
from etalon.models.encoder import Encoder

SPECTRA = "spectra"  # in place of an encoder: spectra under the preprocessing of the source calibration
# The process, and the head of it without transfer, with slope and bias, on transfer samples alone, on all specimens.
TRANSFER, AS_IT_IS, CORRECTED, ALONE, ALL = (
    "gp",
    "evidence",
    "evidence_sbc",
    "evidence_target_only",
    "evidence_target_all",
)
FIXED, FITTED = (AS_IT_IS, ALL), (TRANSFER, CORRECTED, ALONE)


def evidence_rows(
    pair: Pair,
    baselines: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    settings: Mapping[str, Any],
    encoder: Encoder | None,
    *,
    features: str,
    seed: int,
) -> list[Row]:
    """Return the metrics of the methods on a pair, and a row for each that did not run.

    Parameters
    ----------
    settings : those of `etalon.evaluate.transfer.transfer_rows`, and "levels" of intervals
    encoder : one that never saw the pair's family; None for `SPECTRA`
    features : what methods are named by: "gp_" + features
    """
    try:
        stacked = stack(pair, [], baselines, settings["savgol_window"], settings["savgol_order"])
        embedded = None if encoder is None else embed_pair(encoder, pair, baselines)
    except NotRunError as error:
        return gaps({pair.name: error.reason}, features)
    rows: list[Row] = []
    for task in wanted_tasks(pair, tasks, settings):
        place = {"target": task.target, "pair": pair.name}
        try:
            prepared = prepared_folds(pair, stacked, task, folds, settings, seed)
        except NotRunError as error:
            rows += [gap | place for gap in gaps({pair.name: error.reason}, features)]
            continue
        own = [EmbeddedFold.of(pair, task, one, embedded) for one in prepared]
        rows += [place | row for row in _task_rows(pair, task, own, settings, features, seed)]
    return rows


def named(method: str, features: str) -> str:
    """Return the name of a method on embeddings of one kind."""
    return f"{method}_{features}"


def gaps(missing: Mapping[str, str], features: str) -> list[Row]:
    """Return one row a method for pairs that cannot run."""
    return [
        {"pair": pair, "method": named(name, features), "condition": CONDITIONS["random"], **not_run(reason)}
        for pair, reason in missing.items()
        for name in (*FIXED, *FITTED)
    ]


def embed_pair(
    encoder: Encoder, pair: Pair, baselines: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the blocks of source and target set, float64, each cut to the range of both first.

    What one instrument alone can see would tell a head which of the two it looks at. Columns that are 0 throughout on
    one of them are left out.

    Raises
    ------
    NotRunError : they share no range, or only channel numbers are known
    """
    first = max(one.wavelengths[0] for one in (pair.source, pair.target))
    last = min(one.wavelengths[-1] for one in (pair.source, pair.target))
    found = [
        _embedded(encoder, one, baselines[one.metadata.dataset_id], first, last) for one in (pair.source, pair.target)
    ]
    source, target = found
    kept = {name: source[name].any(axis=0) & target[name].any(axis=0) for name in source}
    filled = [name for name, columns in kept.items() if columns.any()]
    if not filled:
        raise NotRunError("no function that both instruments measure")
    one, other = ({name: blocks[name][:, kept[name]] for name in filled} for blocks in found)
    return one, other


def _embedded(
    encoder: Encoder, spectra: SpectraSet, baseline: np.ndarray, first: float, last: float
) -> dict[str, np.ndarray]:
    channels = (spectra.wavelengths >= first) & (spectra.wavelengths <= last)
    if channels.sum() < 2:
        raise NotRunError(f"{channels.sum()} channels in the range that both cover")
    blocks = embed_spectra_of(
        encoder,
        spectra.metadata,
        spectra.intensities[:, channels],
        spectra.wavelengths[channels],
        baseline[:, channels],
    )
    return {name: np.asarray(block, dtype=np.float64) for name, block in blocks.items()}


@dataclass(frozen=True)
class EmbeddedFold:
    """One fold as the head sees it.

    Attributes
    ----------
    source, target : the specimens that may transfer, shape (m, p); test : shape (n, p)
    everything : spectra, references and specimens of all that may transfer, on the target instrument
    """

    prepared: Prepared
    calibration: EvidenceCalibration
    source: np.ndarray
    target: np.ndarray
    test: np.ndarray
    everything: tuple[np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def of(
        cls,
        pair: Pair,
        task: Task,
        prepared: Prepared,
        embedded: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] | None,
    ) -> "EmbeddedFold":
        """Return the fold on embeddings of source and target set, or on spectra."""
        own, rows = prepared.calibration, prepared.rows
        scans = np.concatenate(rows.transfer)
        of_scans = (
            pair.references(task)[scans],
            np.repeat(np.arange(len(rows.transfer)), [len(r) for r in rows.transfer]),
        )
        if embedded is None:
            calibration = EvidenceCalibration(own.spectra, own.y, groups=own.groups)
            target = prepared.target
            everything = (target, prepared.y, np.arange(len(target)))
            return cls(prepared, calibration, prepared.source, target, prepared.test, everything)
        source, other = (np.concatenate(list(blocks.values()), axis=1) for blocks in embedded)
        sizes = {name: block.shape[1] for name, block in embedded[0].items()}
        calibration = EvidenceCalibration(source[rows.train], own.y, groups=own.groups, blocks=sizes)
        known = calibration.spectra
        means = np.array([known[own.groups == name].mean(axis=0) for name in prepared.specimens])
        target = np.array([other[scans].mean(axis=0) for scans in rows.transfer])
        return cls(prepared, calibration, means, target, other[rows.test], (other[scans], *of_scans))

    @cached_property
    def known(self) -> Known:
        """Of all specimens that may transfer, then of those tested."""
        return Known(self.calibration, np.concatenate([self.target, self.test]))

    @property
    def tested(self) -> np.ndarray:
        """Rows of `known`, shape (n,)."""
        return np.arange(len(self.target), len(self.known.says))

    def clipped(self, y_hat: ArrayLike) -> np.ndarray:
        return np.clip(np.asarray(y_hat), *self.prepared.limits)

    def fixed(self, name: str) -> np.ndarray:
        """Return the predictions of the test spectra by a method that uses no transfer sample."""
        if name == AS_IT_IS:
            return self.clipped(self.calibration.predict(self.test))
        spectra, y, specimens = self.everything
        return self.clipped(EvidenceKernels(self.calibration.blocks).fit(spectra, y, specimens).predict(self.test))

    def fitted(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return the predictions of the test spectra by a method that is given the transfer samples `rows`."""
        y = self.prepared.y[rows]
        if name == CORRECTED:
            sbc = SlopeBias(self.calibration).fit(self.source[rows], self.target[rows], y)
            return self.clipped(sbc.predict(self.test))
        return self.clipped(EvidenceKernels(self.calibration.blocks).fit(self.target[rows], y).predict(self.test))

    def joint(
        self, rows: np.ndarray, levels: Sequence[float]
    ) -> tuple[np.ndarray, dict[float, tuple[np.ndarray, np.ndarray]]]:
        """Return the predictions of the process for the test spectra, and the ends of their intervals by level.

        An interval reaches as many of the prediction's SD as that share of the transfer samples, each left out, needs
        (`etalon.evaluate.uncertainty.conformal_quantile`).
        """
        y = self.prepared.y[rows]
        process = TwoInstruments(self.calibration, self.prepared.specimens[rows]).fit_known(self.known, rows, y)
        found = process.predict_known(self.known, rows, self.tested)
        scores = np.abs(y - process.left_out_.y_hat) / process.left_out_.sd
        reach = {level: conformal_quantile(scores, level) * found.sd for level in levels}
        ends = {level: (found.y_hat - width, found.y_hat + width) for level, width in reach.items()}
        return self.clipped(found.y_hat), ends


def _task_rows(
    pair: Pair, task: Task, folds: Sequence[EmbeddedFold], settings: Mapping[str, Any], features: str, seed: int
) -> Iterator[Row]:
    prepared = [fold.prepared for fold in folds]
    y = np.concatenate([one.y_test for one in prepared])
    none, own = (metrics.rmsep(y, np.concatenate([one.fixed[name] for one in prepared])) for name in (UNCORRECTED, OWN))
    common = {"n_train": float(np.mean([one.n_train for one in prepared])), "repeat": 0}
    for name in FIXED:
        place = common | {"method": named(name, features), "condition": CONDITIONS["random"], "amplitude": 0.0}
        y_hat = np.concatenate([fold.fixed(name) for fold in folds])
        yield from (place | row for row in measured(y, y_hat, none, own))
    most = min(len(one.y) for one in prepared)
    for way, count in settings["choices"].items():
        for size in tqdm(settings["sizes"], desc=f"{pair.name} {task.target} {way}", unit="size", leave=False):
            place = common | {"condition": CONDITIONS[way], "amplitude": float(size)}
            if size > most:
                reason = f"{most} specimens to choose from, fewer than {size}"
                yield from (place | {"method": named(name, features), **not_run(reason)} for name in FITTED)
                continue
            for draw in range(count):
                chosen = transfer_samples(way, pair, task, prepared, size, draw, seed)
                for name, rows in _draw(folds, chosen, settings["levels"], y, none, own):
                    yield from (place | {"method": named(name, features), "draw": draw, **row} for row in rows)


def _draw(
    folds: Sequence[EmbeddedFold],
    chosen: Sequence[np.ndarray],
    levels: Sequence[float],
    y: np.ndarray,
    none: float,
    own: float,
) -> Iterator[tuple[str, list[Row]]]:
    """Yield the metrics of each method on one draw; `y` are the references of the test rows of all folds."""
    outcomes = [fold.joint(rows, levels) for fold, rows in zip(folds, chosen, strict=True)]
    rows = list(measured(y, np.concatenate([y_hat for y_hat, _ in outcomes]), none, own))
    for level in levels:
        if len(chosen[0]) < fewest_scores(level):
            wanted = f"the {fewest_scores(level)} of an interval of {level:.0%}"
            reason = f"{len(chosen[0])} transfer samples, fewer than {wanted}"
            rows.append({**not_run(reason), "metric": at_level("coverage", level)})
            continue
        lower, upper = (np.concatenate([ends[level][end] for _, ends in outcomes]) for end in (0, 1))
        rows.append({"metric": at_level("coverage", level), "value": coverage(y, lower, upper), "status": "ok"})
        width = float(np.mean(upper - lower))
        rows.append({"metric": at_level("interval_width", level), "value": width, "status": "ok"})
    yield TRANSFER, rows
    for name in (CORRECTED, ALONE):
        y_hat = np.concatenate([fold.fitted(name, rows) for fold, rows in zip(folds, chosen, strict=True)])
        yield name, list(measured(y, y_hat, none, own))
