"""Robustness of embeddings: heads fitted on spectra as measured, tested on embeddings of disturbed ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.contracts import SpectraSet
from etalon.data.folds import Fold
from etalon.errors import NotRunError
from etalon.evaluate.embed import embed_spectra_of
from etalon.evaluate.embedding_experiment import SetOutcome
from etalon.evaluate.embedding_heads import (
    FS,
    HEADS,
    RegressionHead,
    describe_choice,
    regression_rows,
    rows_of,
    usable_folds,
)
from etalon.evaluate.perturbed import Amplitudes
from etalon.evaluate.robustness import PERTURBATIONS, amplitude_unit, perturb
from etalon.evaluate.tasks import Task
from etalon.models import function_space
from etalon.models.encoder import Encoder
from etalon.preprocess.asls import asls
from etalon.seeds import derive_seed

# Turns intensities, shape (n, n_channels), into named blocks, each of shape (n, size).
Embed = Callable[[np.ndarray], dict[str, np.ndarray]]


class Disturbed(NamedTuple):
    """The blocks of the same spectra under many disturbances.

    Attributes
    ----------
    conditions : names, amplitudes and units of the disturbances, each as a list
    blocks : each of shape (n_disturbances, n, size)
    """

    conditions: dict[str, list[Any]]
    blocks: dict[str, np.ndarray]

    def records(self, head: RegressionHead, task: Task, fold: Fold, rows: np.ndarray, at: np.ndarray) -> pd.DataFrame:
        """Return the predictions of test rows, which stand at `at` among the spectra, under every disturbance."""
        n = len(self.conditions["condition"])
        blocks = {name: self.blocks[name][:, at].reshape(n * len(at), -1) for name in head.names}
        conditions = {name: np.repeat(values, len(at)) for name, values in self.conditions.items()}
        return regression_rows(head, task, fold, np.tile(rows, n), blocks).assign(**conditions)


def retest_heads(
    encoder: Encoder,
    spectra: SpectraSet,
    tasks: Iterable[Task],
    folds: pd.DataFrame,
    heads: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
    seed: int,
) -> SetOutcome:
    """Fit heads on the training rows of the first repeat; predict the test rows under every disturbance.

    The disturbed spectra are those that the classical methods meet (`etalon.evaluate.perturbed`); each gets an AsLS
    baseline of its own. Only regression tasks are tested.

    Parameters
    ----------
    heads : names of heads, each with the names of its blocks; those of `fs` are computed where a head asks for them
    settings : "amplitudes" of the perturbations, "asls", "max_spectra", and "max_rows" of the evidence head
    seed : the main seed

    Raises
    ------
    NotRunError : no wavelength axis, or more than "max_spectra" spectra with a reference value
    """
    tasks = [task for task in tasks if task.kind == "regression" and task.not_run is None]
    used = np.flatnonzero(np.any([np.isfinite(task.y) for task in tasks], axis=0)) if tasks else np.empty(0, int)
    if len(used) > settings["max_spectra"]:
        raise NotRunError(f"more than {settings['max_spectra']} spectra")
    if not len(used):
        return SetOutcome(pd.DataFrame(), [])
    with_fs = any(name.startswith(FS) for names in heads.values() for name in names)
    embed = _embedding(encoder, spectra, settings["asls"], with_fs)
    clean = embed(spectra.intensities[used])
    disturbed, not_run = disturb(spectra, used, embed, settings["amplitudes"], seed)
    position = np.full(len(spectra), -1)  # of a row among those that were embedded
    position[used] = np.arange(len(used))
    parts, choices = [], []
    for task in tasks:
        for fold, train, test in usable_folds(task, folds, repeats=1):
            if fold.condition != "cv":
                continue
            for name, names in heads.items():
                head = RegressionHead(HEADS[name], names, settings["max_rows"])
                known = rows_of({block: clean[block] for block in names}, position[train])
                head.fit(known, task.y[train], task.groups[train])
                choices.append(describe_choice(task, name, fold, len(train), head.choice()))
                parts.append(disturbed.records(head, task, fold, test, position[test]).assign(head=name))
    return SetOutcome(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), choices, not_run)


def _embedding(encoder: Encoder, spectra: SpectraSet, settings: Mapping[str, Any], with_fs: bool) -> Embed:
    """Return the function that embeds spectra on the grid of a set, with the blocks of `fs` if asked for."""
    metadata, wavelengths = spectra.metadata, spectra.wavelengths
    kind: dict[str, Any] = {"axis_unit": metadata.axis_unit, "modality": metadata.modality}

    def embed(intensities: np.ndarray) -> dict[str, np.ndarray]:
        baseline = asls(intensities, wavelengths, **kind, **settings)
        blocks = embed_spectra_of(encoder, metadata, intensities, wavelengths, baseline)
        if with_fs:
            fs = function_space.embed(intensities, baseline, wavelengths, **kind)
            blocks |= {FS + name: block.astype(np.float32) for name, block in fs.items()}
        return blocks

    return embed


def disturb(
    spectra: SpectraSet, rows: np.ndarray, embed: Embed, amplitudes: Amplitudes, seed: int
) -> tuple[Disturbed, dict[str, str]]:
    """Return the embeddings of some rows of a set under every disturbance, and why others do not apply."""
    kind = {name: getattr(spectra.metadata, name) for name in ("representation", "modality", "axis_unit")}
    row_seed = derive_seed(seed, "robustness", spectra.metadata.dataset_id)
    found: dict[str, list[Any]] = {"condition": [], "amplitude": [], "amplitude_unit": []}
    copies: list[dict[str, np.ndarray]] = []
    not_run: dict[str, str] = {}
    for name in tqdm(PERTURBATIONS, desc=spectra.metadata.dataset_id, unit="kind", leave=False):
        try:
            unit = amplitude_unit(name, **kind)
            for amplitude in amplitudes[name][unit]:
                # The whole set is disturbed: what happens to a row depends on its number and on the set's signal.
                intensities = perturb(
                    name, spectra.intensities, spectra.wavelengths, amplitude=amplitude, seed=row_seed, **kind
                )
                copies.append(embed(intensities[rows]))
                for column, value in zip(found, (name, amplitude, unit), strict=True):
                    found[column].append(value)
        except NotRunError as error:
            not_run[name] = error.reason
    blocks = {name: np.stack([copy[name] for copy in copies]) for name in copies[0]}
    return Disturbed(found, blocks), not_run
