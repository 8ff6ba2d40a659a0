"""Heads: linear models on frozen embeddings, fitted to the training rows of a fold."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import qr

from etalon.chemometrics.classify import RidgeLogistic
from etalon.chemometrics.evidence import EvidenceRidge
from etalon.chemometrics.evidence_kernels import AveragedEvidence
from etalon.chemometrics.pooled_prior import PooledPrior
from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.data.folds import Fold, read_folds, stratified_kfold
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.baselines import cannot_fit
from etalon.evaluate.calibration import clip_range
from etalon.evaluate.downstream_heads import MODELS, Model, make_model
from etalon.evaluate.embedding_experiment import METHOD, SetOutcome
from etalon.evaluate.embeddings import read_embedding
from etalon.evaluate.metrics import log_loss
from etalon.evaluate.tasks import Task, fold_rows
from etalon.evaluate.tuning import STRENGTHS, given_to_truth, truth_probability
from etalon.seeds import derive_seed

PRETRAINED = "pretrained_kernels"  # the kernel head under a prior that was pooled over other families
FS = "fs_"  # before the names of the blocks of `fs` where they join those of another encoder
NORMAL_95 = 1.959964  # half the width of a 95 % interval, in SD
# A block whose columns vary by less than this share of their size does not vary: the rest is rounding of float32.
CONSTANT = 1e-6


@dataclass(frozen=True)
class Head:
    """A model and the blocks it is given.

    Attributes
    ----------
    kind : of the task, "regression" or "classification"
    model : "ridge", "evidence", "kernels", "pretrained_kernels", "logistic" or one of
        `etalon.evaluate.downstream_heads.MODELS`
    block : the read-out of the encoder; the statistics of the spectrum as measured always go with it. "named": the
        blocks of an encoder without a learned one
    with_fs : it is given the blocks of `fs` as well
    """

    kind: str
    model: str
    block: str = "learned"
    with_fs: bool = False

    def blocks(self, own: Iterable[str], fs: Iterable[str]) -> list[str] | None:
        """Return the names of the blocks it takes of those an encoder has; None where it does not apply.

        An encoder without a learned block, `fs`, gives all that it has.
        """
        own = list(own)
        if "learned" not in own:
            return own if self.block in ("learned", "named") and not self.with_fs else None
        if self.block not in own:
            return None
        return [*(FS + name for name in fs if self.with_fs), self.block, "stats"]


HEADS = {
    "ridge": Head("regression", "ridge"),
    "evidence": Head("regression", "evidence"),
    "fs_evidence": Head("regression", "evidence", with_fs=True),
    "kernels": Head("regression", "kernels", "named"),
    PRETRAINED: Head("regression", PRETRAINED, "named"),
    "ridge_mean": Head("regression", "ridge", "mean"),
    "ridge_cls": Head("regression", "ridge", "cls"),
    "ridge_patches": Head("regression", "ridge", "patches"),
    **{name: Head("regression", name) for name in MODELS},
    "logistic": Head("classification", "logistic"),
    "fs_logistic": Head("classification", "logistic", with_fs=True),
}


def applicable(names: Sequence[str], own: Iterable[str], fs: Iterable[str] | None) -> dict[str, list[str]]:
    """Return the heads among `names` that an encoder's blocks allow, each with the blocks it takes.

    Parameters
    ----------
    own : names of the encoder's blocks; fs : those of `fs`, None where its embeddings are not at hand

    Raises
    ------
    BadInputError : an unknown head, or one that needs the embeddings of `fs`
    """
    if unknown := sorted(set(names) - set(HEADS)):
        raise BadInputError("settings", "heads", f"some of {', '.join(HEADS)}", unknown[0])
    own = list(own)
    found = {name: HEADS[name].blocks(own, fs or ()) for name in names}
    wanting = [name for name, blocks in found.items() if blocks is not None and HEADS[name].with_fs and fs is None]
    if wanting:
        raise BadInputError("command line", "--fs-index", f"the embeddings of fs, for {wanting[0]}", "none")
    return {name: blocks for name, blocks in found.items() if blocks is not None}


def by_kind(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the heads of each kind of task."""
    names = list(names)
    return {k: [n for n in names if HEADS[n].kind == k] for k in ("regression", "classification")}


class BlockScaler:
    """Centres blocks and scales them so that all have one mean squared row norm, by the rows it is fitted to."""

    def fit(self, blocks: Sequence[np.ndarray]) -> "BlockScaler":
        """Fit to blocks, each of shape (n, size)."""
        self.means_ = [block.mean(axis=0, dtype=np.float64) for block in blocks]
        self.factors_ = []
        for block, mean in zip(blocks, self.means_, strict=True):
            spread = np.sqrt(((block - mean) ** 2).sum() / len(block))
            size = np.sqrt((mean**2).sum())
            self.factors_.append(1.0 / spread if spread > CONSTANT * size else 0.0)
        return self

    def transform(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """Return the blocks side by side, float64, shape (n, sum of sizes)."""
        parts = zip(blocks, self.means_, self.factors_, strict=True)
        return np.concatenate([(block - mean) * factor for block, mean, factor in parts], axis=1)


class RegressionHead:
    """A regression on scaled blocks, its predictions clipped like those of every method.

    Parameters
    ----------
    names : of the blocks it is given
    max_rows : see `etalon.chemometrics.evidence.EvidenceRidge`
    settings, seed : of the models of `etalon.evaluate.downstream_heads`; "prior": the `PooledPrior` of the
        pretrained kernel head
    """

    def __init__(
        self, head: Head, names: Sequence[str], max_rows: int, settings: Mapping[str, Any] | None = None, seed: int = 0
    ):
        self.head, self.names, self.max_rows = head, names, max_rows
        self.settings, self.seed = settings or {}, seed

    def _make_model(self, sizes: Sequence[int]) -> "LeaveSpecimenOutRidge | EvidenceRidge | AveragedEvidence | Model":
        if self.head.model == "ridge":
            return LeaveSpecimenOutRidge()
        if self.head.model == "evidence":
            return EvidenceRidge(blocks=sizes, max_rows=self.max_rows)
        if self.head.model in ("kernels", PRETRAINED):
            prior = self._pooled_prior() if self.head.model == PRETRAINED else None
            return AveragedEvidence(dict(zip(self.names, sizes, strict=True)), self.max_rows, prior)
        return make_model(self.head.model, self.settings, self.seed)

    def _pooled_prior(self) -> PooledPrior:
        prior = self.settings.get("prior")
        if prior is None:
            raise NotRunError("no task of other families to pretrain the head on")
        return prior

    def fit(self, blocks: Mapping[str, np.ndarray], y: np.ndarray, groups: np.ndarray) -> "RegressionHead":
        """Fit to the training rows: blocks of shape (n, size), references and specimens of shape (n,)."""
        parts = [blocks[name] for name in self.names]
        self.model_ = self._make_model([part.shape[1] for part in parts])
        self.scaler_ = BlockScaler().fit(parts)
        self.model_.fit(self.scaler_.transform(parts), y, groups)
        self.range_ = clip_range(y)
        return self

    def predict(self, blocks: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions and the SD of the references to be expected, NaN where the head gives none; shape (n,)."""
        y_hat, sd = self.unclipped(blocks)
        return np.clip(y_hat, *self.range_), sd

    def unclipped(self, blocks: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """As `predict`, the predictions not yet held to the range of the training references."""
        X = self.scaler_.transform([blocks[name] for name in self.names])
        if isinstance(self.model_, EvidenceRidge | AveragedEvidence):
            y_hat, sd = self.model_.predict(X, return_std=True)
            return y_hat, sd
        if isinstance(self.model_, LeaveSpecimenOutRidge):
            return self.model_.predict(X), np.full(len(X), np.nan)
        return self.model_.predict_with_sd(X)

    def choice(self) -> dict[str, Any]:
        """Return what was chosen inside the training rows."""
        if isinstance(self.model_, LeaveSpecimenOutRidge):
            return {"alpha": self.model_.alpha_, "rmsecv": self.model_.rmsecv_}
        if isinstance(self.model_, AveragedEvidence):
            kernels = self.model_.kernels_
            return {"strengths": kernels.strengths_, "noise": kernels.noise_, "log_evidence": kernels.log_evidence_}
        if not isinstance(self.model_, EvidenceRidge):
            return self.model_.choice()
        strengths = dict(zip(self.names, self.model_.strengths_.tolist(), strict=True))
        return {"strengths": strengths, "noise": self.model_.noise_, "log_evidence": self.model_.log_evidence_}


class LogisticHead:
    """Logistic regression on scaled blocks, its strength chosen by the log loss of inner folds."""

    def __init__(self, names: Sequence[str]):
        self.names = names

    def fit(
        self, blocks: Mapping[str, np.ndarray], y: np.ndarray, inner: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> "LogisticHead":
        """Fit to the training rows; `inner` holds positions among them to fit and to validate."""
        parts = [blocks[name] for name in self.names]
        self.scaler_ = BlockScaler().fit(parts)
        X = self.scaler_.transform(parts)
        # The model knows spectra only through inner products with training rows: their span is enough.
        self.basis_ = qr(X.T, mode="economic", check_finite=False)[0] if len(X) < X.shape[1] else np.eye(X.shape[1])
        X = X @ self.basis_
        truth = np.empty((len(STRENGTHS), len(y)))
        for fit, validate in inner:
            for number, strength in enumerate(STRENGTHS):
                model = RidgeLogistic(C=strength).fit(X[fit], y[fit])
                truth[number, validate] = given_to_truth(model, X[validate], y[validate])
        losses = [log_loss(p) for p in truth]
        best = int(np.argmin(losses))
        self.C_, self.inner_error_ = STRENGTHS[best], losses[best]
        self.model_ = RidgeLogistic(C=self.C_).fit(X, y)
        return self

    def predict_proba(self, blocks: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return class probabilities, shape (n, n_classes), columns in the order of `model_.classes_`."""
        X = self.scaler_.transform([blocks[name] for name in self.names])
        return self.model_.predict_proba(X @ self.basis_)

    def choice(self) -> dict[str, Any]:
        """Return what was chosen inside the training rows."""
        return {"C": self.C_, "log_loss": self.inner_error_}


def rows_of(blocks: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return some rows of every block."""
    return {name: block[rows] for name, block in blocks.items()}


def read_blocks(index: Path, fs_index: Path | None, dataset: str, n_rows: int) -> dict[str, np.ndarray]:
    """Return the blocks of a dataset from an index of embeddings, with those of `fs` from another one where given.

    Raises
    ------
    NotRunError : the dataset is recorded as not embedded
    BadInputError : it is in no index, or has another number of rows than `n_rows`
    """
    found = read_embedding(index, dataset).named()
    if fs_index is not None:
        found |= {FS + name: block for name, block in read_embedding(fs_index, dataset).named().items()}
    for name, block in found.items():
        if len(block) != n_rows:
            raise BadInputError(dataset, f"embedding, block {name}", f"{n_rows} rows", len(block))
    return found


def usable_folds(task: Task, folds: pd.DataFrame, repeats: int) -> list[tuple[Fold, np.ndarray, np.ndarray]]:
    """Return the folds on which a task can be fitted, with its training and test rows.

    The first `repeats` of the cross-validation, and the published split.
    """
    found = []
    for fold in read_folds(folds, task.schemes) if task.not_run is None else []:
        train, test = task.restrict(fold)
        if fold.condition == "cv" and fold.repeat >= repeats:
            continue
        if reason := cannot_fit(task, train, test):
            logging.warning(
                "%s %s %s %d.%d: %s", task.dataset, task.target, fold.condition, fold.repeat, fold.fold, reason
            )
        else:
            found.append((fold, train, test))
    return found


def run_heads(
    blocks: Mapping[str, np.ndarray],
    tasks: Iterable[Task],
    folds: pd.DataFrame,
    heads: Mapping[str, Sequence[str]],
    *,
    repeats: int,
    max_rows: int,
    inner_splits: int,
    seed: int,
    settings: Mapping[str, Any] | None = None,
) -> SetOutcome:
    """Fit every head on every fold of every task of a dataset; predict the test rows.

    Parameters
    ----------
    blocks : each of shape (n_samples, size), rows in the order of the dataset
    heads : names of heads, each with the names of its blocks, see `applicable`
    repeats : how many repeats of the cross-validation are used
    max_rows : see `etalon.chemometrics.evidence.EvidenceRidge`
    inner_splits : folds inside the training rows, for the strength of classifiers
    settings : of the other models, see `etalon.evaluate.downstream_heads.make_model`; one that cannot run is a gap and
        stops no other
    """
    parts, choices, gaps = [], [], []
    for task in tasks:
        usable, missing = usable_folds(task, folds, repeats), {}
        for fold, train, test in usable:
            inner_seed = derive_seed(seed, "inner", task.dataset, fold.condition, fold.repeat, fold.fold)
            for name, names in heads.items():
                if HEADS[name].kind != task.kind or name in missing:
                    continue
                wanted = {block: blocks[block] for block in names}
                known, asked = rows_of(wanted, train), rows_of(wanted, test)
                if task.kind == "regression":
                    head = RegressionHead(HEADS[name], names, max_rows, settings, inner_seed)
                    try:
                        head.fit(known, task.y[train], task.groups[train])
                    except NotRunError as error:
                        missing[name] = error.reason
                        continue
                    rows, choice = regression_rows(head, task, fold, test, asked), head.choice()
                else:
                    inner = stratified_kfold(task.y[train], task.groups[train], inner_splits, inner_seed)
                    classifier = LogisticHead(names).fit(known, task.y[train], inner)
                    rows, choice = _class_rows(classifier, task, fold, test, asked), classifier.choice()
                parts.append(rows.assign(head=name))
                choices.append(describe_choice(task, name, fold, len(train), choice))
        place = {"task": task.kind, "target": task.target, "method": METHOD}
        gaps += [place | {"head": name, "reason": reason} for name, reason in missing.items()]
    return SetOutcome(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), choices, gaps=gaps)


def describe_choice(task: Task, head: str, fold: Fold, n_train: int, choice: dict[str, Any]) -> dict[str, Any]:
    """Return what the record says of one head in one fold."""
    return {
        "task": task.kind,
        "target": task.target,
        "method": "embedding",
        "head": head,
        "condition": fold.condition,
        "repeat": fold.repeat,
        "fold": fold.fold,
        "n_train": n_train,
        "choice": choice,
    }


def regression_rows(
    head: RegressionHead, task: Task, fold: Fold, rows: np.ndarray, blocks: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Return the predictions of test rows, whose blocks are given, as records."""
    y_hat, sd = head.predict(blocks)
    half = NORMAL_95 * sd
    return fold_rows(task, fold, rows).assign(prediction=y_hat, lower=y_hat - half, upper=y_hat + half)


def _class_rows(
    head: LogisticHead, task: Task, fold: Fold, rows: np.ndarray, blocks: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    probabilities, classes = head.predict_proba(blocks), head.model_.classes_
    return fold_rows(task, fold, rows).assign(
        prediction=classes[probabilities.argmax(axis=1)],
        probability=truth_probability(probabilities, classes, task.y[rows]),
    )
