"""The spectra an encoder is trained on: one `TrainingSet` a grid, held on the device of the training."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from etalon.data.folds import group_specimens
from etalon.errors import BadInputError, NotRunError
from etalon.models.encoder import GridBatch
from etalon.models.metadata_embedding import categories_of, category_numbers
from etalon.storage import load_baseline, load_json, load_set


@dataclass(frozen=True)
class TrainingSet:
    """Spectra of one dataset on one grid.

    Attributes
    ----------
    name, family : of the dataset
    batch : all of its spectra
    concentrations : float32, shape (n, n_components), of synthetic spectra; None for real ones
    reference, groups : float64 and int, shape (n,): the first target and the specimens, for nothing but the monitoring
        of a training; None where there are none
    source : what a reader of the checkpoint needs to know: checksum, licence, whether weights may be shipped
    """

    name: str
    family: str
    batch: GridBatch
    concentrations: torch.Tensor | None
    reference: np.ndarray | None
    groups: np.ndarray | None
    source: dict[str, Any]

    @property
    def synthetic(self) -> bool:
        return self.concentrations is not None


def load_real(folders: Sequence[Path], device: torch.device) -> tuple[list[TrainingSet], dict[str, str]]:
    """Return the datasets that can train an encoder, and for each that cannot the reason."""
    sets, left_out = [], {}
    for folder in folders:
        try:
            sets.append(_load(folder, device))
        except NotRunError as error:
            left_out[folder.name] = error.reason
    return sets, left_out


def _load(folder: Path, device: torch.device) -> TrainingSet:
    spectra = load_set(folder)
    metadata = spectra.metadata
    if metadata.axis_unit == "index":
        raise NotRunError("no wavelength axis")
    try:
        baseline = torch.from_numpy(load_baseline(folder, spectra)).to(device)
    except BadInputError as error:
        logging.warning("%s: trained without its baseline (%s)", metadata.dataset_id, error)
        baseline = None
    batch = GridBatch(
        torch.from_numpy(spectra.intensities).to(device),
        torch.from_numpy(spectra.wavelengths).to(device),
        metadata.modality,
        metadata.axis_unit,
        baseline,
        categories_of(metadata).repeat(len(spectra), 1).to(device),
    )
    source = {
        "dataset": metadata.dataset_id,
        "family": metadata.family,
        "sha256": spectra_digest(spectra.intensities),
        "spectra": len(spectra),
        "licence": metadata.licence,
        "weights": metadata.weights,
    }
    reference = spectra.reference[:, 0] if metadata.targets else None
    return TrainingSet(metadata.dataset_id, metadata.family, batch, None, reference, group_specimens(spectra), source)


def spectra_digest(intensities: np.ndarray) -> str:
    """Return the checksum by which a checkpoint's record knows spectra, float32, shape (n, L)."""
    return hashlib.sha256(intensities.tobytes()).hexdigest()


def load_synthetic(path: Path, device: torch.device) -> list[TrainingSet]:
    """Return the sets of a file written by the stage synthetic_corpus."""
    record = load_json(path.with_suffix(".json"))
    sets = []
    with safe_open(path, framework="pt", device=str(device)) as file:
        for entry in record["sets"]:
            name = entry["name"]
            batch = GridBatch(
                file.get_tensor(f"{name}.intensities"),
                file.get_tensor(f"{name}.wavelengths"),
                entry["modality"],
                entry["axis_unit"],
                file.get_tensor(f"{name}.baseline"),
                category_numbers(entry).repeat(entry["shape"][0], 1).to(device),
            )
            source = {"dataset": name, "family": "synthetic_corpus", "sha256": record["sha256"], "spectra": len(batch)}
            source |= {"licence": "generated", "weights": True}
            concentrations = file.get_tensor(f"{name}.concentrations")
            sets.append(TrainingSet(name, "synthetic_corpus", batch, concentrations, None, None, source))
    return sets
