"""A calibration carried to another instrument: every method judged inside the transfer samples, one recommended.

`source` is the instrument of the calibration, `target` the other. Transfer samples are the specimens that both
measured and whose reference is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from etalon.applied.bridge import Bridge, means_of
from etalon.applied.features import ChannelFeatures, EmbeddingFeatures, baselines
from etalon.applied.judging import error_ratio
from etalon.applied.methods import quiet_pls
from etalon.applied.monitor import Subspace
from etalon.chemometrics.marginal_likelihood import spread_rows
from etalon.chemometrics.transfer import SourceCalibration, Transfer, left_out
from etalon.chemometrics.transfer_ds import DirectStandardisation
from etalon.chemometrics.transfer_evidence import EvidenceCalibration, TwoInstruments
from etalon.chemometrics.transfer_pds import PiecewiseDirectStandardisation
from etalon.contracts import Metadata, SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate import metrics, tuning
from etalon.evaluate.calibration import Calibration, clip_range
from etalon.evaluate.embedding_heads import BlockScaler
from etalon.evaluate.transfer_methods import METHODS
from etalon.evaluate.views import Views
from etalon.preprocess.standard import CHOICES, SAVGOL
from etalon.seeds import derive_seed

NONE = "none"
# One Gaussian process over both instruments, on fs; linear, as a model of the target instrument has to be.
PROCESS = "gp"
# mdi-PLS wants a third instrument.
NAMES = (NONE, *(name for name in METHODS if name != "mdi_pls"), PROCESS)
MAX_ROWS = 1000  # of the source's, beside those of transfer samples, in the process: it takes their cube in time
# Those that turn spectra of the target into spectra of the source as they were measured.
STANDARDISATIONS: dict[str, Callable[[SourceCalibration], Transfer]] = {
    "ds": DirectStandardisation,
    "ds_residual": lambda calibration: DirectStandardisation(calibration, keep_rest=True),
    "pds": PiecewiseDirectStandardisation,
}
AS_MEASURED = "none"  # the preprocessing of that name

Progress = Callable[[Iterable, int], Iterable]


@dataclass(frozen=True)
class Setting:
    """A source calibration and transfer samples, in spectra as the calibration sees them.

    Attributes
    ----------
    rows : of the source's set, in the calibration
    fitted : the calibration; calibration : the same as transfer methods take it
    raw : PLS on spectra as measured, for standardisations whose result is to be spectra
    names : of the transfer samples; source, target : means of their scans, shape (n, p); y : references
    limits : to which predictions are held
    """

    bridge: Bridge
    rows: np.ndarray
    fitted: Calibration
    calibration: SourceCalibration
    raw: SourceCalibration
    names: np.ndarray
    source: np.ndarray
    target: np.ndarray
    y: np.ndarray
    limits: tuple[float, float]

    def seen(self, rows: np.ndarray) -> np.ndarray:
        return self.bridge.views.transform(self.fitted.choice.preprocessing, self.fitted.preprocessing_, rows)

    def scans(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return every scan of the transfer samples on the target instrument, and the place of each in `names`.

        Scans are as the model of a method sees them, see `carried`.
        """
        rows = self.bridge.rows_of(self.names, target=True)
        seen = self.process.features_of(rows) if name == PROCESS else self.seen(rows)
        return seen, np.searchsorted(self.names, self.bridge.target.specimen[rows - len(self.bridge.source)])

    def predict(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return what a method predicts of rows of the target instrument. Raises NotRunError."""
        if name == NONE:
            return self.fitted.predict(self.bridge.views, rows)
        if name == PROCESS:
            return np.clip(self.process.fitted.predict(self.process.features_of(rows)), *self.limits)
        return np.clip(self.method(name).predict(self.seen(rows)), *self.limits)

    @cached_property
    def process(self) -> Process:
        return Process.of(self)

    def method(self, name: str) -> Transfer:
        with quiet_pls():
            return METHODS[name](self.calibration, ()).fit(self.source, self.target, self.y)

    def standardise(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return spectra of the target instrument as the source would have measured them, shape (n, p)."""
        values = self.bridge.values
        source, target = (means_of(self.bridge, self.names, values, on) for on in (False, True))
        return STANDARDISATIONS[name](self.raw).fit(source, target, self.y).transform(values[rows])

    def predict_standardised(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return what the unchanged calibration predicts of standardised spectra."""
        spectra = self.standardise(name, rows)
        views = Views(spectra, baselines(spectra, self.bridge.grid), **SAVGOL)
        return self.fitted.predict(views, np.arange(len(rows)))


@dataclass(frozen=True)
class Process:
    """The process over both instruments, fitted in scaled blocks of fs.

    Attributes
    ----------
    features : from spectra on the channels of both to what the process reads
    """

    bridge: Bridge
    features: EmbeddingFeatures
    fitted: TwoInstruments

    @classmethod
    def of(cls, setting: Setting) -> Process:
        """Fit to the calibration and transfer samples of a setting. Raises NotRunError."""
        bridge, blocks = setting.bridge, setting.bridge.embedded
        own = np.isin(bridge.source.specimen[setting.rows], setting.names)
        others = np.flatnonzero(~own)
        others = others[spread_rows(bridge.groups[setting.rows][others], MAX_ROWS)] if len(others) else others
        rows = setting.rows[np.sort(np.r_[np.flatnonzero(own), others])]
        scaler = BlockScaler().fit([block[rows] for block in blocks.values()])
        factors = [np.full(len(mean), factor) for mean, factor in zip(scaler.means_, scaler.factors_, strict=True)]
        features = EmbeddingFeatures(None, bridge.grid, np.concatenate(scaler.means_), np.concatenate(factors))
        sizes = {name: block.shape[1] for name, block in blocks.items()}
        everything = (np.concatenate(list(blocks.values()), axis=1) - features.means) * features.factors
        calibration = EvidenceCalibration(
            everything[rows], bridge.y[rows], groups=bridge.groups[rows], blocks=sizes, curved=False
        )
        source, target = (means_of(bridge, setting.names, everything, on) for on in (False, True))
        specimens = [bridge.groups[bridge.rows_of(np.array([name]), False)[0]] for name in setting.names]
        fitted = TwoInstruments(calibration, np.array(specimens)).fit(source, target, setting.y)
        return cls(bridge, features, fitted)

    def features_of(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of `Bridge.values` as the process reads them, shape (n, p)."""
        chosen = np.concatenate([block[rows] for block in self.bridge.embedded.values()], axis=1)
        return (chosen - self.features.means) * self.features.factors


def settle(bridge: Bridge, names: np.ndarray, without: np.ndarray, seed: int) -> Setting:
    """Choose and fit the source calibration without the rows of specimens `without`; take `names` to transfer."""
    held = np.isin(bridge.source.specimen, without)
    rows = np.flatnonzero(np.isfinite(bridge.y) & ~np.isin(bridge.groups, bridge.groups[held]))
    y, views = bridge.y, bridge.views
    splits = CHOICES["inner_splits"]
    with quiet_pls():
        n_target = len(views.source(AS_MEASURED)) - len(y)
        groups = np.r_[bridge.groups, bridge.groups.max() + 1 + np.arange(n_target)]
        data = tuning.training(
            views, np.r_[y, np.full(n_target, np.nan)], groups, rows, n_splits=splits, seed=seed, stratify=False
        )
        tuned = {name: tuning.tune_pls(data, name, CHOICES["max_lv"]) for name in CHOICES["preprocessings"]}
        best = tuning.best_of(list(tuned.values())).choice
        fitted = Calibration(best).fit(views, rows, y[rows])
    seen = views.transform(best.preprocessing, fitted.preprocessing_, np.arange(len(bridge.values)))
    return Setting(
        bridge,
        rows,
        fitted,
        SourceCalibration(seen[rows], y[rows], best.settings["n_lv"]),
        SourceCalibration(bridge.values[rows], y[rows], tuned[AS_MEASURED].choice.settings["n_lv"]),
        names,
        means_of(bridge, names, seen, False),
        means_of(bridge, names, seen, True),
        bridge.y_shared[np.isin(bridge.shared, names)],
        clip_range(y[rows]),
    )


@dataclass(frozen=True)
class Candidate:
    """A method under cross-validation inside the transfer samples.

    Attributes
    ----------
    errors : predictions of the target's scans less reference, by models that saw neither of the specimen's spectra
    ratio : root mean squared error over that of the uncorrected calibration, with its 95 % interval
    """

    name: str
    errors: np.ndarray
    rmse: float
    ratio: tuple[float, float, float]
    not_run: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What the transfer samples say of the methods.

    Attributes
    ----------
    candidates : by predictions; standardised : of spectra handed to the unchanged calibration
    recommended : name of a candidate; why : a sentence
    choosing : errors of choosing by this very comparison, shape (n_scans,): each fold's of the method that the others
        recommend
    specimens, rows : of the errors, shape (n_scans,): names, and rows of the target's set
    """

    candidates: tuple[Candidate, ...]
    standardised: tuple[Candidate, ...]
    recommended: Candidate
    why: str
    choosing: np.ndarray
    specimens: np.ndarray
    rows: np.ndarray

    @property
    def honest(self) -> float:
        """Root mean squared error of choosing."""
        return float(np.sqrt(np.mean(self.choosing**2)))

    def errors_of(self, kept: Candidate) -> np.ndarray:
        """Return errors that did not choose `kept`: those of choosing where it is recommended, else its own."""
        return self.choosing if kept.name == self.recommended.name else kept.errors


def compare(
    bridge: Bridge, seed: int, progress: Progress = lambda steps, total: steps, names: Sequence[str] = NAMES
) -> Comparison:
    """Judge every method by leaving out transfer samples, a fold at a time, from all that is fitted."""
    order = np.random.default_rng(derive_seed(seed, "transfer")).permutation(len(bridge.shared))
    masks = [np.isin(np.arange(len(order)), order[left]) for left in left_out(len(order))]
    predictions: dict[str, list[np.ndarray]] = {name: [] for name in names}
    spectra: dict[str, list[np.ndarray]] = {name: [] for name in STANDARDISATIONS}
    missing: dict[str, str] = {}
    tested, folds = [], []
    for number, left in enumerate(progress(masks, len(masks))):
        setting = settle(bridge, bridge.shared[~left], bridge.shared[left], derive_seed(seed, "inner", number))
        rows = bridge.rows_of(bridge.shared[left], target=True)
        tested.append(rows)
        folds += [number] * len(rows)
        for name in names:
            if name not in missing:
                try:
                    predictions[name].append(setting.predict(name, rows))
                except NotRunError as error:
                    missing[name] = error.reason
        for name in STANDARDISATIONS:
            spectra[name].append(setting.predict_standardised(name, rows))
    places = np.concatenate(tested) - len(bridge.source)
    specimens = bridge.target.specimen[places]
    y = bridge.y_shared[np.searchsorted(bridge.shared, specimens)]
    base, bootstrap = np.concatenate(predictions[NONE]), derive_seed(seed, "bootstrap")

    def judged(name: str, parts: list[np.ndarray]) -> Candidate:
        if name in missing:
            return Candidate(name, np.empty(0), float("nan"), (float("nan"),) * 3, missing[name])
        y_hat = np.concatenate(parts)
        ratio = error_ratio(y, y_hat, base, specimens, bootstrap)
        return Candidate(name, y_hat - y, metrics.rmsep(y, y_hat), ratio)

    candidates = tuple(judged(name, parts) for name, parts in predictions.items())
    standardised = tuple(judged(name, parts) for name, parts in spectra.items())
    recommended, why = _recommend(candidates)
    choosing = _choosing(candidates, specimens, np.array(folds), bootstrap)
    return Comparison(candidates, standardised, recommended, why, choosing, specimens, places)


def _recommend(candidates: Sequence[Candidate]) -> tuple[Candidate, str]:
    by_name = {one.name: one for one in candidates}
    ran = [one for one in candidates if one.not_run is None]
    best = min(ran, key=lambda one: one.rmse)
    if best.name == NONE:
        return best, "No correction has a smaller error than the calibration as it is."
    ratio, low, high = best.ratio
    said = f"{ratio:.2f} times the uncorrected error (95 % interval {low:.2f} to {high:.2f})"
    if high >= 1:
        return by_name[NONE], f"The best correction, {best.name}, has {said}: not better beyond chance."
    return best, f"It has {said}, the smallest of {len(ran)} methods."


def _choosing(candidates: Sequence[Candidate], specimens: np.ndarray, folds: np.ndarray, seed: int) -> np.ndarray:
    """Return the errors where every fold is predicted by the method that `_recommend` takes on the other folds."""
    ran = {one.name: one.errors for one in candidates if one.not_run is None}
    found = np.empty(len(folds))
    for fold in np.unique(folds):
        others = folds != fold
        name = min(ran, key=lambda name: float((ran[name][others] ** 2).sum()))
        y, base = np.zeros(others.sum()), ran[NONE][others]
        if name != NONE and error_ratio(y, ran[name][others], base, specimens[others], seed)[2] >= 1:
            name = NONE
        found[~others] = ran[name][~others]
    return found


def carried(setting: Setting, name: str) -> tuple[ChannelFeatures | EmbeddingFeatures, np.ndarray, float, Subspace]:
    """Return what makes a model of the target instrument: features of its spectra, a line through them, their space."""
    bridge, choice = setting.bridge, setting.fitted.choice
    features: ChannelFeatures | EmbeddingFeatures
    if name == PROCESS:
        features, predict = setting.process.features, setting.process.fitted.predict
        p = len(features.means)
    else:
        held = bridge.views.source(choice.preprocessing)[: len(bridge.source)]
        known = np.flatnonzero(np.isfinite(bridge.y))
        features = ChannelFeatures.fit(choice.preprocessing, bridge.grid, held[known])
        predict = setting.calibration.predict if name == NONE else setting.method(name).predict
        p = len(bridge.grid.wavelengths)
    intercept = float(predict(np.zeros((1, p)))[0])
    coefficients = predict(np.eye(p)) - intercept
    # Of scans, as the model will meet them: means of several hold less noise.
    subspace = Subspace.principal(setting.scans(name)[0], max(1, min(5, len(setting.names) // 3)))
    return features, coefficients, intercept, subspace


def transferred_id(source: Metadata, target: Metadata) -> str:
    """Return the id of the dataset of transferred spectra."""
    return f"{target.dataset_id}_as_{source.dataset_id}"[:60]


def transferred(setting: Setting, name: str) -> SpectraSet:
    """Return all spectra of the target instrument as the source would have measured them, as a dataset."""
    bridge = setting.bridge
    rows = np.arange(len(bridge.source), len(bridge.values))
    own, other = bridge.target.metadata, bridge.source.metadata
    channels = bridge.grid.wavelengths
    metadata = replace(
        own,
        dataset_id=transferred_id(other, own),
        title=f"{own.title}, carried to {other.dataset_id} by {name}",
        modality=other.modality,
        representation=other.representation,
        instrument=other.instrument,
        manufacturer=other.manufacturer,
        instrument_type=other.instrument_type,
        spectral_range=(float(channels[0]), float(channels[-1])),
        spectral_step=float((channels[-1] - channels[0]) / (len(channels) - 1)),
        paired_with=(own.dataset_id, other.dataset_id),
        weights=False,
    )
    return replace(bridge.target, metadata=metadata, intensities=setting.standardise(name, rows), wavelengths=channels)
