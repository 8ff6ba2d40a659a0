"""The classical methods of calibration transfer by name, and what one fold of a pair gives them to work on."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from etalon.chemometrics.transfer import MIN_PAIRS, SlopeBias, SourceCalibration, Transfer
from etalon.chemometrics.transfer_dipls import DomainInvariantPLS
from etalon.chemometrics.transfer_ds import DirectStandardisation
from etalon.chemometrics.transfer_labels import Spiking, TargetOnly
from etalon.chemometrics.transfer_pds import PiecewiseDirectStandardisation
from etalon.contracts import SpectraSet
from etalon.data.folds import Fold
from etalon.errors import NotRunError
from etalon.evaluate import tuning
from etalon.evaluate.baselines import fit
from etalon.evaluate.calibration import Calibration, clip_range
from etalon.evaluate.cross_instrument import Pair, hold_out
from etalon.evaluate.cross_instrument_methods import MIN_CHANNELS
from etalon.evaluate.tasks import Task
from etalon.evaluate.views import Views
from etalon.seeds import derive_seed

Make = Callable[[SourceCalibration, Sequence[np.ndarray]], Transfer]


def _mdi_pls(calibration: SourceCalibration, others: Sequence[np.ndarray]) -> Transfer:
    if not others:
        raise NotRunError("no third instrument measured these samples in this range")
    return DomainInvariantPLS(calibration, others=others)


# The second argument holds the transfer samples as further instruments measured them.
METHODS: dict[str, Make] = {
    "bias": lambda calibration, _: SlopeBias(calibration, slope=False),
    "sbc": lambda calibration, _: SlopeBias(calibration),
    "sbc_reference": lambda calibration, _: SlopeBias(calibration, onto="reference"),
    "ds": lambda calibration, _: DirectStandardisation(calibration),
    "ds_residual": lambda calibration, _: DirectStandardisation(calibration, keep_rest=True),
    "pds": lambda calibration, _: PiecewiseDirectStandardisation(calibration),
    "spiking": lambda calibration, _: Spiking(calibration),
    "target_only": lambda calibration, _: TargetOnly(calibration),
    "di_pls": lambda calibration, _: DomainInvariantPLS(calibration),
    "mdi_pls": _mdi_pls,
}
# No transfer sample takes part: the calibration as it is, and one of the target instrument on all training specimens.
UNCORRECTED, OWN = "none", "target_all"


def alone(preprocessing: str) -> str:
    """Return the name of the uncorrected calibration on spectra under one preprocessing."""
    return f"alone_{preprocessing}"


class Stacked(NamedTuple):
    """Spectra of several instruments on common channels of the source's, one set after the other.

    Attributes
    ----------
    wavelengths : of the channels, shape (p,)
    starts : first row of the source set, the target set and the others
    others : sets of further instruments
    """

    views: Views
    wavelengths: np.ndarray
    starts: tuple[int, ...]
    others: tuple[SpectraSet, ...]


class Rows(NamedTuple):
    """Rows of the source set that train, and of the target set: those of each transfer specimen, and those tested."""

    train: np.ndarray
    transfer: list[np.ndarray]
    test: np.ndarray


@dataclass(frozen=True)
class Prepared:
    """One fold of a task of a pair, in spectra as its source calibration sees them.

    Attributes
    ----------
    calibration : on the fold's training rows of the source instrument
    source, target : the specimens that may transfer, shape (m, p): means of their scans; y : references, shape (m,)
    specimens : their numbers in the groups of `calibration`, shape (m,)
    others : the same specimens on further instruments, each of shape (m, p)
    test : spectra of held-out specimens on the target instrument, shape (n, p); y_test : references, shape (n,)
    test_source : what the source instrument measured of the specimens of `test`, shape (n, p)
    rows : where all of this stands in the two sets
    fixed : predictions of the test spectra by calibrations that use no transfer sample, by name
    limits : between which all predictions are held
    n_train : training rows of the source instrument
    """

    calibration: SourceCalibration
    source: np.ndarray
    target: np.ndarray
    y: np.ndarray
    specimens: np.ndarray
    others: tuple[np.ndarray, ...]
    test: np.ndarray
    test_source: np.ndarray
    y_test: np.ndarray
    rows: Rows
    fixed: Mapping[str, np.ndarray]
    limits: tuple[float, float]
    n_train: int

    def predict(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return what a method fitted to transfer samples `rows` predicts for the test spectra. Raises NotRunError."""
        others = [other[rows] for other in self.others]
        fitted = METHODS[name](self.calibration, others).fit(self.source[rows], self.target[rows], self.y[rows])
        return np.clip(fitted.predict(self.test), *self.limits)


def stack(
    pair: Pair, others: Sequence[SpectraSet], baselines: Mapping[str, np.ndarray], window: int, order: int
) -> Stacked:
    """Return the spectra of a pair, and of other sets that cover its range, on the source's channels that both cover.

    Parameters
    ----------
    others : sets that share specimens with the pair
    baselines : AsLS baselines by dataset

    Raises
    ------
    NotRunError : fewer than `MIN_CHANNELS` channels
    """
    own, other = pair.source.wavelengths, pair.target.wavelengths
    grid = own[(own >= other[0]) & (own <= other[-1])]
    if len(grid) < MIN_CHANNELS:
        raise NotRunError(f"{len(grid)} channels in the range that both cover, fewer than {MIN_CHANNELS}")
    covering = tuple(s for s in others if s.wavelengths[0] <= grid[0] and grid[-1] <= s.wavelengths[-1])
    sets = (pair.source, pair.target, *covering)

    def on_grid(spectra: SpectraSet, rows: np.ndarray) -> np.ndarray:
        return np.array([np.interp(grid, spectra.wavelengths, row) for row in rows])

    intensities = np.concatenate([on_grid(s, s.intensities) for s in sets])
    baseline = np.concatenate([on_grid(s, baselines[s.metadata.dataset_id]) for s in sets])
    starts = np.cumsum([0, *(len(s) for s in sets)])[:-1]
    return Stacked(
        Views(intensities, baseline, savgol_window=window, savgol_order=order), grid, tuple(map(int, starts)), covering
    )


def prepare(
    pair: Pair,
    stacked: Stacked,
    task: Task,
    fold: Fold,
    rows: tuple[np.ndarray, np.ndarray],
    settings: Mapping[str, Any],
    seed: int,
) -> Prepared | None:
    """Choose preprocessing and latent variables on the source instrument; gather what a fold leaves to methods.

    None where the other instrument measured no held-out specimen, or fewer than `MIN_PAIRS` others.

    Parameters
    ----------
    rows : training and test rows of the source set
    settings : "preprocessings", "max_lv", "inner_splits"
    """
    train, test = rows
    held = hold_out(pair, task, fold, train, test, len(train), seed)
    if not len(held.other) or len(held.transfer) < MIN_PAIRS:
        return None
    names = np.array([pair.target.specimen[own[0]] for own in held.transfer])
    views, n_own = stacked.views, len(pair.source)
    y_target = pair.references(task)
    groups = np.r_[task.groups, task.groups.max() + 1 + pair.target_groups]
    both = replace(task, y=np.r_[task.y, y_target], groups=groups)
    inner_seed = derive_seed(seed, "inner", task.dataset, fold.condition, fold.repeat, fold.fold)
    tuned = _tune(views, both, train, settings, inner_seed)
    best = tuning.best_of(list(tuned.values())).choice
    fitted = fit(best, views, both, train)
    assert isinstance(fitted, Calibration)
    limits, asked = clip_range(task.y[train]), n_own + held.other

    def seen(wanted: np.ndarray) -> np.ndarray:
        return views.transform(best.preprocessing, fitted.preprocessing_, wanted)

    def means(specimens: np.ndarray, start: int, allowed: np.ndarray, wanted: np.ndarray = names) -> np.ndarray:
        spectra, own = seen(start + allowed), specimens[allowed]
        return np.array([spectra[own == name].mean(axis=0) for name in wanted])

    fixed = {UNCORRECTED: fitted.predict(views, asked)}
    for name, candidate in tuned.items():
        fixed[alone(name)] = fit(candidate.choice, views, both, train).predict(views, asked)
    own = n_own + np.concatenate(held.transfer)
    own_best = tuning.best_of(list(_tune(views, both, own, settings, inner_seed).values())).choice
    fixed[OWN] = np.clip(fit(own_best, views, both, own).predict(views, asked), *limits)
    return Prepared(
        SourceCalibration(seen(train), task.y[train], best.settings["n_lv"], task.groups[train]),
        means(pair.source.specimen, 0, train),
        means(pair.target.specimen, n_own, np.concatenate(held.transfer)),
        np.array([y_target[own].mean() for own in held.transfer]),
        np.array([task.groups[train][pair.source.specimen[train] == name][0] for name in names]),
        tuple(
            means(other.specimen, start, np.arange(len(other)))
            for other, start in zip(stacked.others, stacked.starts[2:], strict=True)
            if set(names) <= set(other.specimen)
        ),
        seen(asked),
        means(pair.source.specimen, 0, held.own, pair.target.specimen[held.other]),
        y_target[held.other],
        Rows(train, held.transfer, held.other),
        fixed,
        limits,
        len(train),
    )


def _tune(
    views: Views, task: Task, rows: np.ndarray, settings: Mapping[str, Any], seed: int
) -> dict[str, tuning.Candidate]:
    """Return the best PLS model under each preprocessing, chosen inside `rows`."""
    splits = settings["inner_splits"]
    data = tuning.training(views, task.y, task.groups, rows, n_splits=splits, seed=seed, stratify=False)
    with warnings.catch_warnings():
        # PLS says so where the rows hold fewer latent variables than asked; it then carries the last ones forward.
        warnings.filterwarnings("ignore", message=".*[Cc]omponent.*", category=UserWarning, module="ikpls")
        return {name: tuning.tune_pls(data, name, settings["max_lv"]) for name in settings["preprocessings"]}
