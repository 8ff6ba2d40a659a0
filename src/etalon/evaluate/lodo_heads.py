"""Heads on embeddings across datasets: fitted on the training sets of a task, adapted with local samples.

The checkpoint never saw the family of the test set. It may have seen the training sets, without their references, as it
would where a user takes it: only what is tested has to be new.

Every set is embedded on its own grid. The head's strengths are chosen on the training rows, those of ridge by leaving
out one family at a time where at least three train, and by specimen where local samples are added: then the family is
no longer unknown. Local samples update linear heads and Gaussian processes in closed form; a model that is given its
training rows as a context (TabPFN, TabICL) is given another one, in which they are repeated until both kinds of rows
are as many.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from etalon.chemometrics.evidence import EvidenceRidge
from etalon.chemometrics.evidence_kernels import AveragedEvidence
from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.calibration import clip_range
from etalon.evaluate.downstream_heads import draw_rows, make_model
from etalon.evaluate.embed import embed_spectra_of
from etalon.evaluate.embedding_experiment import METHOD
from etalon.evaluate.embedding_heads import FS, HEADS, NORMAL_95, RegressionHead, rows_of
from etalon.evaluate.local_adaptation import Conditioned, Prediction, linear_posterior
from etalon.evaluate.lodo import Member, Transfer, intensities_as
from etalon.evaluate.lodo_classical import MIN_FAMILIES
from etalon.evaluate.lodo_tasks import Contest
from etalon.models import function_space
from etalon.models.encoder import Encoder
from etalon.preprocess.asls import asls
from etalon.storage import load_baseline

PAIR_HEADS = ("evidence",)  # of single training sets: one head for all the pairs of a group
GAUSSIAN = ("ridge", "evidence", "kernels")  # local samples can be added in closed form
IN_CONTEXT = ("tabpfn", "tabicl")
MODELS = (*GAUSSIAN, *IN_CONTEXT)
Blocks = dict[str, np.ndarray]


class Embedder:
    """Embeds the datasets of groups, each once in each quantity that it is compared in.

    Parameters
    ----------
    wanted : names of blocks; those of `fs` bear its prefix
    settings : of the AsLS baseline
    """

    def __init__(self, encoder: Encoder, wanted: set[str], settings: Mapping[str, Any]):
        self._encoder, self._wanted, self._asls = encoder, wanted, settings
        self._known: dict[tuple[str, str], Blocks] = {}

    def blocks(self, member: Member, representation: str) -> Blocks:
        """Return the blocks of all rows of a dataset, each float32, shape (n_samples, size).

        Raises
        ------
        NotRunError : the encoder has no place for its axis
        """
        key = (member.dataset, representation)
        if key not in self._known:
            self._known[key] = self._embed(member.folder, member.spectra, representation)
        return self._known[key]

    def reach(self, transfer: Transfer) -> Transfer:
        """Return a transfer less the training sets that cannot be embedded."""
        left_out = {}
        for source in transfer.sources:
            try:
                self.blocks(source.member, transfer.representation)
            except NotRunError as error:
                left_out[source.member.dataset] = error.reason
        return transfer.without(left_out, "no training set can be embedded")

    def _embed(self, folder: Path, spectra: SpectraSet, representation: str) -> Blocks:
        metadata, wavelengths = spectra.metadata, spectra.wavelengths
        kind: dict[str, Any] = {"axis_unit": metadata.axis_unit, "modality": metadata.modality}
        intensities = intensities_as(spectra, representation)
        if representation == metadata.representation:
            baseline = load_baseline(folder, spectra)
        else:
            baseline = asls(intensities, wavelengths, **kind, **self._asls)
        blocks = embed_spectra_of(self._encoder, metadata, intensities, wavelengths, baseline)
        if any(name.startswith(FS) for name in self._wanted):
            fs = function_space.embed(intensities, baseline, wavelengths, **kind)
            blocks |= {FS + name: block.astype(np.float32) for name, block in fs.items()}
        return {name: block for name, block in blocks.items() if name in self._wanted}


class HeadTransfer:
    """Heads on embeddings on one task (`etalon.evaluate.local_adaptation.Transferred`).

    Parameters
    ----------
    heads : names of heads of `MODELS`, each with the names of its blocks
    max_rows : see `etalon.chemometrics.evidence.EvidenceRidge`
    settings, seed : of in-context models, see `etalon.evaluate.downstream_heads.make_model`

    Attributes
    ----------
    transfer, choices, not_run : see `Transferred`

    Raises
    ------
    NotRunError : the encoder has no place for the axis of the test set, or of any training set
    """

    def __init__(
        self,
        transfer: Transfer,
        embedder: Embedder,
        heads: Mapping[str, Sequence[str]],
        max_rows: int,
        settings: Mapping[str, Any],
        seed: int,
    ):
        self._heads, self._max_rows, self._task = heads, max_rows, transfer.test.task
        self._settings, self._seed = settings, seed
        given = transfer.representation
        self._test = embedder.blocks(transfer.test, given)
        transfer = self.transfer = embedder.reach(transfer)
        self.not_run: dict[str, str] = {}
        parts = [rows_of(embedder.blocks(source.member, given), source.rows) for source in transfer.sources]
        self._source = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        self._y, self._specimens = transfer.y, transfer.specimens
        across = transfer.families.max() + 1 >= MIN_FAMILIES
        groups = dict.fromkeys(MODELS, self._specimens) | ({"ridge": transfer.families} if across else {})
        self._fitted = {name: self._fit(name, self._source, self._y, groups[HEADS[name].model]) for name in heads}
        self.choices = {name: head.choice() for name, head in self._fitted.items()}
        self._conditioned: dict[str, list[Conditioned]] = {}

    def zero_shot(self, rows: np.ndarray) -> dict[str, Prediction]:
        found = {}
        for name, head in self._fitted.items():
            y_hat, sd = head.predict(rows_of(self._test, rows))
            found[name] = Prediction(y_hat, NORMAL_95 * sd)
        return found

    def spiked(self, local: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
        y, found = self._task.y[local], {}
        limits = clip_range(np.concatenate([self._y, y]))
        for name, head in self._fitted.items():
            if head.head.model in IN_CONTEXT:
                found[name] = self._in_context(name, local, y).predict(rows_of(self._test, test))[0]
                continue
            if name not in self._conditioned:
                own = self._fit(name, self._source, self._y, self._specimens) if head.head.model == "ridge" else head
                self._conditioned[name] = self._condition(own)
            weights = _weights(head, self._task.groups[local])
            of_members = [member.spiked(local, y, weights)[test] for member in self._conditioned[name]]
            found[name] = np.clip(np.mean(of_members, axis=0), *limits)
        return found

    def local_only(self, local: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
        y, groups = self._task.y[local], self._task.groups[local]
        if np.ptp(y) == 0:
            return {name: np.full(len(test), y[0]) for name in self._heads}
        known, asked = rows_of(self._test, local), rows_of(self._test, test)
        return {name: self._fit(name, known, y, groups).predict(asked)[0] for name in self._heads}

    def _fit(self, name: str, blocks: Blocks, y: np.ndarray, groups: np.ndarray) -> RegressionHead:
        model = RegressionHead(HEADS[name], self._heads[name], self._max_rows, self._settings, self._seed)
        return model.fit(blocks, y, groups)

    def _in_context(self, name: str, local: np.ndarray, y: np.ndarray) -> RegressionHead:
        """Return a head whose context holds training rows and, repeated until they are as many, local ones."""
        kept = draw_rows(self._specimens, self._settings["in_context_rows"] // 2, self._seed)
        again = np.tile(np.arange(len(local)), max(1, len(kept) // len(local)))
        blocks = {n: np.concatenate([self._source[n][kept], self._test[n][local[again]]]) for n in self._heads[name]}
        groups = self._specimens.max() + 1 + self._task.groups[local[again]]
        context = np.concatenate([self._y[kept], y[again]]), np.concatenate([self._specimens[kept], groups])
        return self._fit(name, blocks, *context)

    def _condition(self, head: RegressionHead) -> list[Conditioned]:
        """Return the members of a fitted head, whose predictions it averages, ready for local rows."""
        source, target = (head.scaler_.transform([b[n] for n in head.names]) for b in (self._source, self._test))
        model, weights = head.model_, _weights(head, self._specimens)

        def linear(variances: np.ndarray, noise: float) -> Conditioned:
            scale, rest = np.sqrt(variances), (self._y, weights, noise)
            return Conditioned(linear_posterior(source * scale, target * scale, *rest), *rest)

        if isinstance(model, AveragedEvidence):
            kernels = model.kernels_
            of_kernels = Conditioned(kernels.posterior(target), self._y, weights, kernels.noise_)
            return [linear(self._variances(head, source, model.linear_), model.linear_.noise_), of_kernels]
        if isinstance(model, EvidenceRidge):
            return [linear(self._variances(head, source, model), model.noise_)]
        # The strength of ridge is relative to the mean squared norm of a row.
        return [linear(np.full(source.shape[1], 1 / ((source**2).sum() / len(source))), head.choice()["alpha"])]

    def _variances(self, head: RegressionHead, source: np.ndarray, model: EvidenceRidge) -> np.ndarray:
        """Return the prior variances of all coefficients: the kernel of each block has mean diagonal 1."""
        blocks = np.split(source, np.cumsum([self._source[name].shape[1] for name in head.names])[:-1], axis=1)
        return np.concatenate([_variance(b, strength) for b, strength in zip(blocks, model.strengths_, strict=True)])


def head_contest(
    embedder: Embedder, heads: Mapping[str, Sequence[str]], max_rows: int, settings: Mapping[str, Any], seed: int
) -> Contest:
    """Return heads on embeddings, for `etalon.evaluate.lodo_tasks.run_tasks`.

    Parameters
    ----------
    heads, max_rows, settings, seed : see `HeadTransfer`
    """
    unavailable = {}
    for name in heads:
        try:
            if HEADS[name].model in IN_CONTEXT:
                make_model(HEADS[name].model, settings, seed)
        except NotRunError as error:
            unavailable[name] = error.reason
    able = {name: blocks for name, blocks in heads.items() if name not in unavailable}
    few = {name: blocks for name, blocks in able.items() if name in PAIR_HEADS}

    def pair(transfer: Transfer) -> dict[str, Prediction]:
        return HeadTransfer(transfer, embedder, few, max_rows, settings, seed).zero_shot(transfer.test.rows)

    def make(transfer: Transfer) -> HeadTransfer:
        return HeadTransfer(transfer, embedder, able, max_rows, settings, seed)

    return Contest("head", list(able), make, pair, list(few), {"method": METHOD}, unavailable)


def _variance(block: np.ndarray, strength: float) -> np.ndarray:
    """Return the prior variances of a block's coefficients."""
    size = (block**2).sum() / len(block)
    return np.full(block.shape[1], strength / (size or 1.0))


def _weights(head: RegressionHead, specimens: np.ndarray) -> np.ndarray:
    """Return what rows count as: evidence heads share one sample among the scans of a specimen."""
    if head.head.model == "ridge":
        return np.ones(len(specimens))
    _, inverse, counts = np.unique(specimens, return_inverse=True, return_counts=True)
    return 1.0 / counts[inverse]
