"""From datasets to embeddings, with a checkpoint that never saw their families."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from etalon.code_digest import code_digest
from etalon.contracts import Metadata
from etalon.errors import BadInputError
from etalon.evaluate.provenance import sha256
from etalon.models.encoder import Encoder, GridBatch, embed_grid
from etalon.train.checkpoint import load_encoder, make_encoder
from etalon.train.corpus import spectra_digest


def open_encoder(checkpoint: Path | None, name: str) -> tuple[Encoder, dict[str, Any]]:
    """Return an encoder and the record of its training; without a checkpoint, an encoder that needs no weights.

    Raises
    ------
    BadInputError : the checkpoint is one of another encoder than `name`
    """
    if checkpoint is None:
        return make_encoder({"encoder": name}), {"config": {"encoder": name}, "data": []}
    encoder, record = load_encoder(checkpoint)
    if record["config"]["encoder"] != name:
        raise BadInputError(checkpoint, "encoder", repr(name), repr(record["config"]["encoder"]))
    return encoder, record


def refuse_seen(
    checkpoint: Path | None, record: Mapping[str, Any], metadata: Metadata, intensities: np.ndarray | None = None
) -> None:
    """Raise BadInputError if the checkpoint was trained on spectra of the dataset's family.

    Parameters
    ----------
    intensities : of the dataset, float32; given, the same spectra under the name of another family are found too
    """
    if seen := sorted(entry["dataset"] for entry in record["data"] if entry["family"] == metadata.family):
        expected = f"no spectra of family {metadata.family!r}, to which {metadata.dataset_id} belongs"
        raise BadInputError(str(checkpoint), "data", expected, ", ".join(seen))
    if intensities is None:
        return
    own = spectra_digest(intensities)
    if same := sorted(entry["dataset"] for entry in record["data"] if entry["sha256"] == own):
        raise BadInputError(str(checkpoint), "data", f"no spectra of {metadata.dataset_id}", f"they are in {same[0]}")


def embed_spectra_of(
    encoder: Encoder,
    metadata: Metadata,
    intensities: np.ndarray,
    wavelengths: np.ndarray,
    baseline: np.ndarray,
    categories: Tensor | None = None,
) -> dict[str, np.ndarray]:
    """Return the blocks, each float32, shape (n_samples, size), of spectra on the grid of a dataset.

    Parameters
    ----------
    intensities, baseline : float32, shape (n_samples, n_channels); wavelengths : shape (n_channels,)
    categories : int64, shape (n_fields,), what an encoder that takes metadata is told of all of them; None for nothing

    Raises
    ------
    NotRunError : only channel numbers are known
    BadInputError : an embedding is not finite
    """
    batch = GridBatch(
        torch.tensor(intensities, dtype=torch.float32),
        torch.tensor(wavelengths, dtype=torch.float64),
        metadata.modality,
        metadata.axis_unit,
        torch.tensor(baseline, dtype=torch.float32),
        None if categories is None else categories.expand(len(intensities), -1),
    )
    blocks = embed_grid(encoder, batch)
    for name, block in blocks.items():
        if (bad := ~np.isfinite(block)).any():
            found = f"{bad.any(axis=1).sum()} of {len(block)} spectra without"
            raise BadInputError(metadata.dataset_id, f"embedding, block {name}", "finite numbers", found)
    return blocks


def describe_encoder(
    computed_by: str, checkpoint: Path | None, name: str, inputs: Mapping[str, Path]
) -> dict[str, Any]:
    """Return what embeddings rest on, as JSON content: encoder, weights, code, versions, checksums of `inputs`."""
    about = {"encoder": name, "checkpoint": digest(checkpoint), "code": code_digest(computed_by)}
    return about | {
        "inputs": {file: sha256(path) for file, path in inputs.items() if path.exists()},
        "python": platform.python_version(),
        "packages": {package: version(package) for package in ("numpy", "safetensors", "scipy", "torch")},
    }


def digest(checkpoint: Path | None) -> str | None:
    """Return the checksum of a checkpoint's weights; None for an encoder that has none."""
    return None if checkpoint is None else sha256(checkpoint)
