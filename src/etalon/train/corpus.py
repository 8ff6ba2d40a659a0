"""The spectra an encoder is trained on, one `TrainingSet` a grid: real ones in memory, synthetic ones left on disk."""

import hashlib
import logging
import mmap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from etalon.data.folds import group_specimens
from etalon.errors import BadInputError, NotRunError
from etalon.models.encoder import GridBatch
from etalon.models.metadata_embedding import categories_of, category_numbers
from etalon.storage import MappedTensor, load_baseline, load_json, load_set, map_tensors


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
    on_disk : what stands on disk of the spectra, with a row for each; nothing for those in memory
    """

    name: str
    family: str
    batch: GridBatch
    concentrations: torch.Tensor | None
    reference: np.ndarray | None
    groups: np.ndarray | None
    source: dict[str, Any]
    on_disk: tuple[MappedTensor, ...] = ()

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


def load_synthetic(shards: Sequence[Path], advice: int = mmap.MADV_RANDOM) -> list[TrainingSet]:
    """Return the sets of a corpus, in their order, from the files that the stage synthetic_corpus wrote.

    The spectra stay on disk until they are drawn: a corpus may be larger than memory. They are read-only.

    Parameters
    ----------
    advice : how they will be read, see `etalon.storage.map_tensors`
    """
    return [source for path in shards for source in _sets_of_shard(path, advice)]


def _sets_of_shard(path: Path, advice: int) -> Iterator[TrainingSet]:
    record = load_json(path.with_suffix(".json"))
    mapped = map_tensors(path, advice)
    tensors = {name: _as_tensor(tensor.values) for name, tensor in mapped.items()}
    for entry in record["sets"]:
        name = entry["name"]
        batch = GridBatch(
            tensors[f"{name}.intensities"],
            tensors[f"{name}.wavelengths"],
            entry["modality"],
            entry["axis_unit"],
            tensors[f"{name}.baseline"],
            category_numbers(entry).expand(entry["shape"][0], -1),
        )
        source = {"dataset": name, "family": "synthetic_corpus", "sha256": record["sha256"], "spectra": len(batch)}
        source |= {"licence": "generated", "weights": True}
        concentrations = tensors[f"{name}.concentrations"]
        on_disk = tuple(mapped[f"{name}.{kind}"] for kind in ("intensities", "baseline", "concentrations"))
        yield TrainingSet(name, "synthetic_corpus", batch, concentrations, None, None, source, on_disk)


def _as_tensor(array: np.ndarray) -> torch.Tensor:
    with warnings.catch_warnings():
        # Nothing writes to these: what a step gets are copies of rows.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array)
