"""Learned calibration transfer, on the transfer samples and folds of the classical methods."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from etalon.chemometrics.transfer import SourceCalibration
from etalon.errors import NotRunError
from etalon.evaluate import metrics
from etalon.evaluate.cross_instrument import Pair
from etalon.evaluate.outliers import OutlierLimits
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
from etalon.evaluate.uncertainty import conformal_quantile, coverage, fewest_scores, jackknife_plus
from etalon.models.encoder import GridBatch
from etalon.models.metadata_embedding import categories_of
from etalon.models.patch_transformer import PatchTransformer
from etalon.seeds import derive_seed
from etalon.train.learned_transfer import LearnedTransfer, fit_together
from etalon.train.pair_network import make_network
from etalon.train.transfer_member import Plan

Networks = Mapping[str, tuple[nn.Module, Plan]]


@dataclass(frozen=True)
class Outcome:
    """Predictions of held-out spectra with intervals, shape (n,), and transferred spectra with theirs, shape (n, p).

    Attributes
    ----------
    ends : of the intervals of predictions, by level; infinite where transfer samples are too few
    reach : half the width of a channel's interval, by level; infinite likewise
    outlying : which transferred spectra lie beyond the source calibration's own, bool, shape (n,)
    """

    prediction: np.ndarray
    ends: Mapping[float, tuple[np.ndarray, np.ndarray]]
    spectra: np.ndarray
    reach: Mapping[float, np.ndarray]
    outlying: np.ndarray


def limits_of(calibration: SourceCalibration) -> OutlierLimits:
    """Return the limits of a source calibration; replicate scans of a specimen are left out together."""
    return OutlierLimits(calibration.spectra, calibration.y, calibration.n_lv, calibration.groups)


def apply(fitted: LearnedTransfer, spectra: np.ndarray, levels: Sequence[float], limits: OutlierLimits) -> Outcome:
    """Return what a fitted transfer makes of target spectra, shape (n, p), with intervals of each level.

    Parameters
    ----------
    limits : of the source calibration
    """
    found = fitted.transferred(spectra)
    members = zip(fitted.calibrations_, found.members(fitted.share_), strict=True)
    predictions = np.stack([calibration.predict(one) for calibration, one in members])
    difficulty, channels = fitted.difficulty(found)
    own = predictions[fitted.fold_]
    ends = {level: jackknife_plus(fitted.scores_, own, difficulty, level) for level in levels}
    transferred = found.spectra(fitted.share_)
    reach = {level: conformal_quantile(fitted.channel_scores_, level) * channels for level in levels}
    return Outcome(fitted.calibration.predict(transferred), ends, transferred, reach, limits.flagged(transferred))


def learned_rows(
    pair: Pair,
    baselines: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    settings: Mapping[str, Any],
    start: PatchTransformer,
    *,
    seed: int,
    encoder_seed: int,
) -> tuple[list[Row], list[pd.DataFrame]]:
    """Return the metrics of every learned method on a pair, and its predictions with intervals.

    Parameters
    ----------
    settings : those of `etalon.evaluate.transfer.transfer_rows`, "levels" of intervals, the last of which predictions
        carry, and "methods": for each name the arguments of a `Plan`, "network", "rank" and "dropout" of
        `etalon.train.pair_network.make_network`, and "draws", the most of each number of samples
    start : what fine-tuning starts from; all is computed on its device
    seed : the main seed, which draws transfer samples; encoder_seed : that of the pretraining
    """
    rows: list[Row] = []
    tables: list[pd.DataFrame] = []
    try:
        stacked = stack(pair, [], baselines, settings["savgol_window"], settings["savgol_order"])
    except NotRunError as error:
        return gaps({pair.name: error.reason}, settings, encoder_seed), []
    place = place_of(pair, stacked.wavelengths, next(start.parameters()).device)
    networks = networks_of(place, start, settings["methods"], derive_seed(seed, "init", encoder_seed))
    for task in wanted_tasks(pair, tasks, settings):
        common: Row = {"target": task.target, "pair": pair.name, "seed": encoder_seed}
        try:
            prepared = prepared_folds(pair, stacked, task, folds, settings, seed)
        except NotRunError as error:
            rows += [gap | common for gap in gaps({pair.name: error.reason}, settings, encoder_seed)]
            continue
        experiment = _Experiment(pair, task, prepared, networks, place, start.points, settings, seed, encoder_seed)
        for scores, predictions in experiment.run():
            rows += [common | row for row in scores]
            if predictions is not None:
                tables.append(predictions.assign(**common))
    return rows, tables


def gaps(missing: Mapping[str, str], settings: Mapping[str, Any], encoder_seed: int) -> list[Row]:
    """Return one row a method for pairs that cannot run."""
    common = {"condition": CONDITIONS["random"], "seed": encoder_seed}
    return [
        common | {"pair": pair, "method": name, **not_run(why)}
        for pair, why in missing.items()
        for name in settings["methods"]
    ]


def place_of(pair: Pair, wavelengths: np.ndarray, device: torch.device) -> GridBatch:
    """Return where the spectra of a pair lie, and what is known of the instrument whose spectra are corrected."""
    about = pair.target.metadata
    zero, axis = torch.zeros(1, len(wavelengths), device=device), torch.tensor(wavelengths, device=device)
    return GridBatch(zero, axis, about.modality, about.axis_unit, None, categories_of(about)[None].to(device))


def networks_of(
    place: GridBatch, start: PatchTransformer, methods: Mapping[str, Mapping[str, Any]], seed: int
) -> Networks:
    """Return the untrained network and the plan of each method: they are the same for every draw."""
    networks = {}
    for name, options in methods.items():
        given = dict(options)
        kind, rank, dropout = given.pop("network"), given.pop("rank"), given.pop("dropout")
        given.pop("draws", None)
        plan = Plan(**given)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = make_network(kind, start, place, n_inputs=len(plan.inputs), rank=rank, dropout=dropout)
        networks[name] = network.to(place.intensities.device), plan
    return networks


@dataclass(frozen=True)
class _Experiment:
    """Every method, number of transfer samples and draw for one task of a pair."""

    pair: Pair
    task: Task
    prepared: Sequence[Prepared]
    networks: Networks
    place: GridBatch
    points: int
    settings: Mapping[str, Any]
    seed: int
    encoder_seed: int

    @cached_property
    def limits(self) -> list[OutlierLimits]:
        """Limits of each fold's source calibration."""
        return [limits_of(one.calibration) for one in self.prepared]

    def run(self) -> Iterator[tuple[list[Row], pd.DataFrame | None]]:
        """Yield the metrics of one draw and method, with the predictions."""
        most = min(len(one.y) for one in self.prepared)
        n_train = float(np.mean([one.n_train for one in self.prepared]))
        for way, count in self.settings["choices"].items():
            label = f"{self.pair.name} {self.task.target} {way}"
            for size in tqdm(self.settings["sizes"], desc=label, unit="size", leave=False):
                place: Row = {"condition": CONDITIONS[way], "amplitude": float(size), "n_train": n_train, "repeat": 0}
                if size > most:
                    reason = f"{most} specimens to choose from, fewer than {size}"
                    yield [place | {"method": name, **not_run(reason)} for name in self.networks], None
                    continue
                for draw in range(count):
                    chosen = transfer_samples(way, self.pair, self.task, self.prepared, size, draw, self.seed)
                    for name in self.networks:
                        if draw >= self.settings["methods"][name].get("draws", count):
                            continue
                        outcomes = self._fit(name, chosen, draw)
                        own: Row = {"method": name, "draw": draw}
                        scores = [place | own | row for row in self._measured(outcomes, size)]
                        where: Row = {key: place[key] for key in ("condition", "amplitude", "repeat")}
                        yield scores, self._table(outcomes).assign(**where, **own)

    def _fit(self, name: str, chosen: Sequence[np.ndarray], draw: int) -> list[Outcome]:
        network, plan = self.networks[name]
        transfers = [
            LearnedTransfer(
                one.calibration,
                self.place,
                network,
                self.points,
                plan,
                derive_seed(self.seed, "fit", self.encoder_seed, name, draw, fold),
                one.specimens[rows],
            )
            for fold, (one, rows) in enumerate(zip(self.prepared, chosen, strict=True))
        ]
        samples = [
            (one.source[rows], one.target[rows], one.y[rows]) for one, rows in zip(self.prepared, chosen, strict=True)
        ]
        fit_together(transfers, samples)
        levels = self.settings["levels"]
        return [
            apply(fitted, one.test, levels, limits)
            for fitted, one, limits in zip(transfers, self.prepared, self.limits, strict=True)
        ]

    def _measured(self, outcomes: Sequence[Outcome], size: int) -> Iterator[Row]:
        one = self.prepared
        y = np.concatenate([part.y_test for part in one])
        y_hat = np.concatenate([self._clipped(k, found.prediction) for k, found in enumerate(outcomes)])
        none, own = (
            metrics.rmsep(y, np.concatenate([part.fixed[name] for part in one])) for name in (UNCORRECTED, OWN)
        )
        yield from measured(y, y_hat, none, own)
        yield _ok("spectrum_ratio", _spectrum_ratio(one, outcomes))
        yield _ok("outlying", float(np.concatenate([found.outlying for found in outcomes]).mean()))
        for level in self.settings["levels"]:
            if size < fewest_scores(level):
                reason = f"{size} transfer samples, fewer than the {fewest_scores(level)} of an interval of {level:.0%}"
                yield {**not_run(reason), "metric": at_level("coverage", level)}
                continue
            yield from self._intervals(outcomes, y, level)

    def _intervals(self, outcomes: Sequence[Outcome], y: np.ndarray, level: float) -> Iterator[Row]:
        """Yield coverage and mean width of intervals, of predictions and of channels, these in the channels' SD."""
        lower, upper = (np.concatenate([found.ends[level][end] for found in outcomes]) for end in (0, 1))
        pairs = list(zip(outcomes, self.prepared, strict=True))
        inside = [np.abs(found.spectra - part.test_source) <= found.reach[level] for found, part in pairs]
        widths = [2.0 * found.reach[level] / _channel_sd(part) for found, part in pairs]
        yield _ok(at_level("coverage", level), coverage(y, lower, upper))
        yield _ok(at_level("interval_width", level), float(np.mean(upper - lower)))
        yield _ok(at_level("spectrum_coverage", level), float(np.mean([part.mean() for part in inside])))
        yield _ok(at_level("spectrum_width", level), float(np.mean([part.mean() for part in widths])))

    def _clipped(self, fold: int, prediction: np.ndarray) -> np.ndarray:
        return np.clip(prediction, *self.prepared[fold].limits)

    def _table(self, outcomes: Sequence[Outcome]) -> pd.DataFrame:
        parts = []
        for k, (one, found) in enumerate(zip(self.prepared, outcomes, strict=True)):
            columns = {"row": np.arange(len(one.y_test)), "reference": one.y_test, "fold": k}
            ends = dict(zip(("lower", "upper"), found.ends[self.settings["levels"][-1]], strict=True))
            parts.append(pd.DataFrame(columns | {"prediction": self._clipped(k, found.prediction)} | ends))
        return pd.concat(parts, ignore_index=True)


def _channel_sd(prepared: Prepared) -> np.ndarray:
    """Return the SD of the source instrument's channels, none of them 0, shape (p,)."""
    sd = prepared.calibration.spectra.std(axis=0)
    return np.maximum(sd, np.finfo(float).tiny)


def _ok(metric: str, value: float) -> Row:
    return {"metric": metric, "value": value, "status": "ok"}


def _spectrum_ratio(prepared: Sequence[Prepared], outcomes: Sequence[Outcome]) -> float:
    """Return the error of transferred spectra over that of spectra as the target instrument gave them.

    Both are root mean squares of the difference from what the source instrument measured of the same specimens.
    """
    after = sum(float(((f.spectra - p.test_source) ** 2).sum()) for f, p in zip(outcomes, prepared, strict=True))
    before = sum(float(((p.test - p.test_source) ** 2).sum()) for p in prepared)
    return float(np.sqrt(after / before)) if before > 0 else float("nan")
