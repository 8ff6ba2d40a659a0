"""The calibration methods that a person's spectra are tried with; each ends as features and one line through them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from ikpls.sklearn import PLS

from etalon.applied.features import ChannelFeatures, EmbeddingFeatures, Grid, baselines, blocks_of
from etalon.applied.monitor import Subspace
from etalon.evaluate import tuning
from etalon.evaluate.calibration import Calibration
from etalon.evaluate.embedding_heads import HEADS, RegressionHead, rows_of
from etalon.evaluate.views import Views
from etalon.preprocess.standard import CHOICES, MAX_ROWS, SAVGOL

# In the order in which they are shown; the first is what the others have to beat.
TITLES = {
    "tuned_pls": "PLS, preprocessing and latent variables chosen",
    "tuned_ridge": "Ridge, preprocessing and strength chosen",
    "fs_ridge": "Ridge on fs, fixed inner products",
    "fs_evidence": "Evidence head on fs",
    "embedding_ridge": "Ridge on the embedding",
}
REFERENCE = "tuned_pls"


@dataclass(frozen=True)
class Bench:
    """What all methods work on.

    Attributes
    ----------
    spectra : float64, shape (n, n_channels), on `grid`
    y : shape (n,), reference values; groups : shape (n,), specimens
    checkpoint : weights of the embedding
    """

    grid: Grid
    spectra: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    views: Views
    blocks: Mapping[str, Mapping[str, np.ndarray]]
    checkpoint: Path | None

    @classmethod
    def prepare(
        cls,
        grid: Grid,
        spectra: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray,
        checkpoint: Path | None,
        methods: Sequence[str],
    ) -> Bench:
        """Compute baselines and embeddings, which look at each spectrum alone, once for all folds."""
        spectra = np.asarray(spectra, dtype=np.float64)
        blocks = {}
        if {"fs_ridge", "fs_evidence"} & set(methods):
            blocks["fs"] = blocks_of(spectra, grid, None)
        if "embedding_ridge" in methods:
            blocks["embedding"] = blocks_of(spectra, grid, checkpoint)
        return cls(grid, spectra, y, groups, Views(spectra, baselines(spectra, grid), **SAVGOL), blocks, checkpoint)


class Fitted(Protocol):
    """A method with its choices made and fitted to some rows of a `Bench`."""

    choice: dict[str, Any]

    def predict(self, rows: np.ndarray) -> np.ndarray: ...

    def refit(self, rows: np.ndarray) -> Fitted:
        """Return the same choices fitted to other rows."""
        ...

    def features(self) -> ChannelFeatures | EmbeddingFeatures: ...

    def line(self) -> tuple[np.ndarray, float]:
        """Return coefficients of the features, shape (p,), and the intercept."""
        ...

    def subspace(self, X: np.ndarray, n_components: int) -> Subspace:
        """Return the space that features X, shape (n, p), of the rows fitted to span."""
        ...


@contextlib.contextmanager
def quiet_pls() -> Iterator[None]:
    """Silence PLS where the rows hold fewer latent variables than asked: it then carries the last ones forward."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]omponent.*", category=UserWarning, module="ikpls")
        yield


def fit(name: str, bench: Bench, rows: np.ndarray, seed: int) -> Fitted:
    """Make a method's choices inside `rows` and fit it to them."""
    if name in ("tuned_pls", "tuned_ridge"):
        return _fit_classical(name, bench, rows, seed)
    kind, model = {
        "fs_ridge": ("fs", "ridge"),
        "fs_evidence": ("fs", "evidence"),
        "embedding_ridge": ("embedding", "ridge"),
    }[name]
    blocks = bench.blocks[kind]
    head = RegressionHead(HEADS[model], list(blocks), MAX_ROWS, seed=seed)
    head.fit(rows_of(blocks, rows), bench.y[rows], bench.groups[rows])
    return FittedHead(bench, head, None if kind == "fs" else bench.checkpoint, blocks)


def _fit_classical(name: str, bench: Bench, rows: np.ndarray, seed: int) -> FittedClassical:
    splits = CHOICES["inner_splits"]
    with quiet_pls():
        data = tuning.training(bench.views, bench.y, bench.groups, rows, n_splits=splits, seed=seed, stratify=False)
        if name == "tuned_pls":
            candidates = [tuning.tune_pls(data, one, CHOICES["max_lv"]) for one in CHOICES["preprocessings"]]
        else:
            candidates = [tuning.tune_ridge(data, one) for one in CHOICES["preprocessings"]]
        best = tuning.best_of(candidates)
        return FittedClassical(
            bench, Calibration(best.choice).fit(bench.views, rows, bench.y[rows]), rows, best.error[0]
        )


class FittedClassical:
    """PLS or ridge on preprocessed channels."""

    def __init__(self, bench: Bench, calibration: Calibration, rows: np.ndarray, inner_rmsecv: float):
        self.bench, self.calibration, self.rows = bench, calibration, rows
        chosen = calibration.choice
        self.choice = {"preprocessing": chosen.preprocessing, **chosen.settings, "inner_rmsecv": inner_rmsecv}

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.calibration.predict(self.bench.views, rows)

    def refit(self, rows: np.ndarray) -> FittedClassical:
        with quiet_pls():
            calibration = Calibration(self.calibration.choice).fit(self.bench.views, rows, self.bench.y[rows])
        return FittedClassical(self.bench, calibration, rows, self.choice["inner_rmsecv"])

    def features(self) -> ChannelFeatures:
        name, bench = self.calibration.choice.preprocessing, self.bench
        return ChannelFeatures.fit(name, bench.grid, bench.views.source(name)[self.rows])

    def line(self) -> tuple[np.ndarray, float]:
        model, p = self.calibration.model_, self.bench.spectra.shape[1]
        intercept = float(np.ravel(model.predict(np.zeros((1, p))))[0])
        return np.ravel(model.predict(np.eye(p))) - intercept, intercept

    def subspace(self, X: np.ndarray, n_components: int) -> Subspace:
        model = self.calibration.model_
        if isinstance(model, PLS):
            return Subspace.of(X, X.mean(axis=0), model.x_rotations_, model.x_loadings_)
        return Subspace.principal(X, n_components)


class FittedHead:
    """A linear head on blocks of an embedding."""

    def __init__(self, bench: Bench, head: RegressionHead, checkpoint: Path | None, blocks: Mapping[str, np.ndarray]):
        self.bench, self.head, self.checkpoint, self.blocks = bench, head, checkpoint, blocks
        self.choice = head.choice()

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.head.predict(rows_of(self.blocks, rows))[0]

    def refit(self, rows: np.ndarray) -> FittedHead:
        head = RegressionHead(self.head.head, self.head.names, MAX_ROWS, seed=self.head.seed)
        head.fit(rows_of(self.blocks, rows), self.bench.y[rows], self.bench.groups[rows])
        return FittedHead(self.bench, head, self.checkpoint, self.blocks)

    def features(self) -> EmbeddingFeatures:
        scaler = self.head.scaler_
        factors = [np.full(len(mean), factor) for mean, factor in zip(scaler.means_, scaler.factors_, strict=True)]
        return EmbeddingFeatures(
            self.checkpoint, self.bench.grid, np.concatenate(scaler.means_), np.concatenate(factors)
        )

    def line(self) -> tuple[np.ndarray, float]:
        return np.asarray(self.head.model_.coef_), float(self.head.model_.intercept_)  # type: ignore[union-attr]

    def subspace(self, X: np.ndarray, n_components: int) -> Subspace:
        return Subspace.principal(X, n_components)
