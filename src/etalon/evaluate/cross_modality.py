"""From one kind of spectra to another: a calibration of one modality predicts specimens measured in the other alone.

N specimens were measured both ways. A map from the other modality to the calibration's spectra is learned from them
(direct standardisation, which needs no channels in common and no references), from spectra or from what an encoder
makes of them. What it has to beat is a calibration of the other modality on the same N specimens and their references.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etalon.chemometrics.transfer import MIN_PAIRS, SourceCalibration, Transfer
from etalon.chemometrics.transfer_ds import DirectStandardisation
from etalon.chemometrics.transfer_labels import TargetOnly
from etalon.chemometrics.transfer_samples import random_samples
from etalon.contracts import SpectraSet
from etalon.data.folds import Fold
from etalon.errors import NotRunError
from etalon.evaluate import metrics, tuning
from etalon.evaluate.baselines import fit
from etalon.evaluate.calibration import Calibration, clip_range
from etalon.evaluate.cross_instrument import KIND, Pair, hold_out, tasks_of
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import Row, folds_of, not_run
from etalon.evaluate.views import Views
from etalon.seeds import derive_seed
from etalon.storage import load_set

CONDITION = "cross_modality"
METRICS = ("rmsep", "bias", "r2")
SPECTRA = "spectra"
# How transfer samples are used, by name: as pairs of spectra, or as a calibration set of the other modality.
METHODS: dict[str, type[Transfer]] = {"map": DirectStandardisation, "target_only": TargetOnly}
# Without transfer samples: the calibration on its own modality, and one of the other modality on all specimens.
SAME, OWN = "same_modality", "target_all"
TARGET_PREPROCESSING = "snv"  # of the other modality's spectra, fixed: N specimens are too few to choose by
# The one public NIR/MIR pair with references has 16, each scanned some 15 times in either modality.
MIN_SHARED = 12
COMPUTED_SPREAD = 1e-9  # relative: a feature that varies less is constant


def modality_pairs(source: SpectraSet, folders: Sequence[Path]) -> tuple[list[Pair], dict[str, str]]:
    """Return the pairs of a set with those of another modality, and why the others cannot run, by name of the pair."""
    pairs, missing = [], {}
    known = {folder.name: folder for folder in folders}
    about = source.metadata
    for name in about.paired_with:
        try:
            if name not in known:
                raise NotRunError(f"{name} is not among the datasets")
            pair = Pair(source, load_set(known[name]))
            other = pair.target.metadata
            if not about.targets or not other.targets:
                raise NotRunError("no calibration target")
            if KIND.get(about.modality, about.modality) == KIND.get(other.modality, other.modality):
                raise NotRunError(f"both are {about.modality}: see calibration transfer")
            pairs.append(pair)
        except NotRunError as error:
            missing[f"{about.dataset_id}>{name}"] = error.reason
    return pairs, missing


@dataclass(frozen=True)
class Prepared:
    """One fold of a task of a pair of modalities.

    Attributes
    ----------
    calibration : on the fold's training rows of the source modality, after its preprocessing
    source : means of the scans of each specimen that may transfer, as the calibration sees them, shape (m, p)
    target : the same specimens in the other modality, by representation, each of shape (m, q)
    y : references, shape (m,)
    test : the held-out specimens' spectra of the other modality, by representation, each of shape (n, q)
    y_test : references, shape (n,)
    fixed : predictions of the test spectra without transfer samples, by name
    limits : between which all predictions are held
    n_train : training rows of the source modality
    """

    calibration: SourceCalibration
    source: np.ndarray
    target: Mapping[str, np.ndarray]
    y: np.ndarray
    test: Mapping[str, np.ndarray]
    y_test: np.ndarray
    fixed: Mapping[str, np.ndarray]
    limits: tuple[float, float]
    n_train: int

    def predict(self, method: str, representation: str, rows: np.ndarray) -> np.ndarray:
        """Return what a method fitted to transfer samples `rows` predicts for the test spectra."""
        target, test = self.target[representation][rows], self.test[representation]
        if representation != SPECTRA:
            spread = target.std(axis=0)
            unit = np.where(spread > COMPUTED_SPREAD * max(spread.max(), np.finfo(float).tiny), spread, np.inf)
            target, test = (target - target.mean(axis=0)) / unit, (test - target.mean(axis=0)) / unit
        fitted = METHODS[method](self.calibration).fit(self.source[rows], target, self.y[rows])
        return np.clip(fitted.predict(test), *self.limits)


def prepare(
    pair: Pair,
    task: Task,
    fold: Fold,
    rows: tuple[np.ndarray, np.ndarray],
    embeddings: Mapping[str, np.ndarray],
    settings: Mapping[str, Any],
    seed: int,
) -> Prepared | None:
    """Choose preprocessing and latent variables of the source calibration; gather what a fold leaves.

    None where the other modality measured no held-out specimen, or fewer than `MIN_PAIRS` others.

    Parameters
    ----------
    rows : training and test rows of the source set
    embeddings : of the target set, by variant of the encoder, each of shape (n_target, size)
    """
    train, test = rows
    held = hold_out(pair, task, fold, train, test, len(train), seed)
    if not len(held.other) or len(held.transfer) < MIN_PAIRS:
        return None
    inner = derive_seed(seed, "inner", task.dataset, fold.condition, fold.repeat, fold.fold)
    views, y_target = _views(pair.source, settings), pair.references(task)
    best, fitted = _best(views, task, train, settings, inner)
    names = [pair.target.specimen[own[0]] for own in held.transfer]
    seen = views.transform(best.preprocessing, fitted.preprocessing_, np.arange(len(pair.source)))
    own = np.isin(np.arange(len(pair.source)), train)
    source = np.array([seen[own & (pair.source.specimen == name)].mean(axis=0) for name in names])
    target_views = _views(pair.target, settings)
    every = np.arange(len(pair.target))
    corrected = target_views.fit(TARGET_PREPROCESSING, every)  # treats each spectrum by itself
    shown = {SPECTRA: target_views.transform(TARGET_PREPROCESSING, corrected, every), **embeddings}
    limits = clip_range(task.y[train])
    other = Task(pair.target.metadata.dataset_id, "regression", task.target, y_target, pair.target_groups)
    _, best_of_target = _best(target_views, other, np.concatenate(held.transfer), settings, inner)
    fixed = {OWN: np.clip(best_of_target.predict(target_views, held.other), *limits)}
    same = {
        name: fitted.predict(views, held.own[pair.source.specimen[held.own] == name]).mean()
        for name in np.unique(pair.target.specimen[held.other])
    }
    fixed[SAME] = np.array([same[name] for name in pair.target.specimen[held.other]])
    return Prepared(
        SourceCalibration(seen[train], task.y[train], best.settings["n_lv"]),
        source,
        {name: np.array([one[own].mean(axis=0) for own in held.transfer]) for name, one in shown.items()},
        np.array([y_target[own].mean() for own in held.transfer]),
        {name: one[held.other] for name, one in shown.items()},
        y_target[held.other],
        fixed,
        limits,
        len(train),
    )


def _views(spectra: SpectraSet, settings: Mapping[str, Any]) -> Views:
    # No preprocessing of this study starts from a baseline.
    window = {"savgol_window": settings["savgol_window"], "savgol_order": settings["savgol_order"]}
    return Views(spectra.intensities, np.zeros_like(spectra.intensities), **window)


def _best(
    views: Views, task: Task, rows: np.ndarray, settings: Mapping[str, Any], seed: int
) -> tuple[Any, Calibration]:
    data = tuning.training(
        views, task.y, task.groups, rows, n_splits=settings["inner_splits"], seed=seed, stratify=False
    )
    found = [tuning.tune_pls(data, name, settings["max_lv"]) for name in settings["preprocessings"]]
    best = tuning.best_of(found).choice
    fitted = fit(best, views, task, rows)
    assert isinstance(fitted, Calibration)
    return best, fitted


def modality_rows(
    pair: Pair,
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    embeddings: Mapping[str, np.ndarray],
    settings: Mapping[str, Any],
    seed: int,
) -> list[Row]:
    """Return the metrics of every method, representation, number of transfer samples and draw.

    Parameters
    ----------
    embeddings : of the target set, by variant of the encoder
    settings : "sizes", "draws", "max_targets", and of the choices "preprocessings", "max_lv", "inner_splits",
        "savgol_window", "savgol_order"; no preprocessing may need a baseline
    """
    rows: list[Row] = []
    known = tasks_of(pair, tasks)[: settings["max_targets"]]
    if not known:
        return gaps({pair.name: "no target in common that can be judged"}, [SPECTRA, *embeddings])
    for task in known:
        place: Row = {"target": task.target, "pair": pair.name, "condition": CONDITION, "repeat": 0}
        try:
            _enough_shared(pair, task)
            found = [prepare(pair, task, *split, embeddings, settings, seed) for split in folds_of(task, folds)]
            prepared = [one for one in found if one is not None]
            if not prepared:
                raise NotRunError("no fold with specimens to transfer and to test")
        except NotRunError as error:
            rows += [place | gap for gap in gaps({pair.name: error.reason}, [SPECTRA, *embeddings])]
            continue
        rows += [place | row for row in _task_rows(pair, task, prepared, settings, seed)]
    return rows


def _enough_shared(pair: Pair, task: Task) -> None:
    own = pair.source.specimen[np.isfinite(task.y)]
    other = pair.target.specimen[np.isfinite(pair.references(task))]
    if (count := len(np.intersect1d(own, other))) < MIN_SHARED:
        raise NotRunError(f"{count} specimens in common, fewer than {MIN_SHARED}")


def gaps(missing: Mapping[str, str], representations: Sequence[str]) -> list[Row]:
    """Return one row a method and representation for pairs that cannot run."""
    names = [(SAME, SPECTRA), (OWN, SPECTRA), *((method, one) for method in METHODS for one in representations)]
    return [
        {"pair": pair, "method": method, "variant": variant, "condition": CONDITION, **not_run(reason)}
        for pair, reason in missing.items()
        for method, variant in names
    ]


def _task_rows(
    pair: Pair, task: Task, prepared: Sequence[Prepared], settings: Mapping[str, Any], seed: int
) -> Iterator[Row]:
    y = np.concatenate([one.y_test for one in prepared])
    common: Row = {"n_train": float(np.mean([one.n_train for one in prepared]))}
    for name in (SAME, OWN):
        y_hat = np.concatenate([one.fixed[name] for one in prepared])
        place = common | {"method": name, "variant": SPECTRA, "amplitude": 0.0}
        yield from (place | row for row in _measured(y, y_hat))
    most = min(len(one.y) for one in prepared)
    for size in settings["sizes"]:
        place = common | {"amplitude": float(size)}
        names = [(method, variant) for method in METHODS for variant in prepared[0].target]
        if size > most:
            reason = f"{most} specimens to choose from, fewer than {size}"
            yield from (place | {"method": m, "variant": v, **not_run(reason)} for m, v in names)
            continue
        for draw in range(settings["draws"]):
            seeds = [derive_seed(seed, "transfer", pair.name, task.target, k, draw) for k in range(len(prepared))]
            chosen = [random_samples(len(one.y), size, own) for one, own in zip(prepared, seeds, strict=True)]
            for method, variant in names:
                parts = [one.predict(method, variant, c) for one, c in zip(prepared, chosen, strict=True)]
                own = place | {"method": method, "variant": variant, "draw": draw}
                yield from (own | row for row in _measured(y, np.concatenate(parts)))


def device_shift(first: SpectraSet, second: SpectraSet) -> float:
    """Return how far apart two devices are that measured the same specimens, in units of their own scatter.

    Root mean square of the differences between the devices' means of each specimen, over that of scans about their
    device's mean, both after SNV, over channels and specimens. 1 is a shift as large as the scatter of scans.

    Raises
    ------
    NotRunError : no specimen in common, different numbers of channels, or no replicate scans
    """
    common = np.intersect1d(first.specimen, second.specimen)
    if not len(common) or first.intensities.shape[1] != second.intensities.shape[1]:
        raise NotRunError("no specimen in common on common channels")
    between, within = [], []
    for name in common:
        scans = [snv(one.intensities[one.specimen == name].astype(np.float64)) for one in (first, second)]
        between.append(np.square(scans[0].mean(axis=0) - scans[1].mean(axis=0)).mean())
        within += [np.square(own - own.mean(axis=0)).mean() for own in scans]
    if not np.mean(within) > 0:
        raise NotRunError("no replicate scans")
    return float(np.sqrt(np.mean(between) / np.mean(within)))


def shift_rows(source: SpectraSet, folders: Sequence[Path]) -> list[Row]:
    """Return the shift between devices of one modality of which neither knows a calibration target."""
    rows: list[Row] = []
    for folder in folders:
        other = load_set(folder)
        if source.metadata.targets or other.metadata.targets or source.metadata.modality != other.metadata.modality:
            continue
        place = {"pair": f"{source.metadata.dataset_id}>{folder.name}", "method": "none", "variant": SPECTRA}
        try:
            found = {"metric": "device_shift", "value": device_shift(source, other), "status": "ok"}
        except NotRunError as error:
            found = {**not_run(error.reason), "metric": "device_shift"}
        rows.append(place | {"condition": "device_shift", "amplitude": 0.0} | found)
    return rows


def snv(spectra: np.ndarray) -> np.ndarray:
    """Return spectra, shape (n, L), each of mean 0 and SD 1."""
    return (spectra - spectra.mean(axis=1, keepdims=True)) / spectra.std(axis=1, keepdims=True)


def _measured(y: np.ndarray, y_hat: np.ndarray) -> Iterator[Row]:
    for name in METRICS:
        yield {"metric": name, "value": metrics.REGRESSION[name](y, y_hat), "status": "ok"}
