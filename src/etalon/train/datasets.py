"""Datasets for a training loop of one's own: one spectrum an item, on whatever grid it was measured.

A sample is a dict of tensors and what is known of the spectrum:

- ``x`` : float32, shape (L,), intensities as measured
- ``wavelength`` : float64, shape (L,), see `etalon.contracts.SpectraSet.wavelengths`
- ``baseline`` : float32, shape (L,), the AsLS baseline; None where there is none
- ``meta`` : dict with ``dataset``, ``family``, ``modality``, ``axis_unit``, ``representation``, ``synthetic``,
  ``sample_id``, ``specimen``, and ``reference``, the laboratory values by target (NaN where not measured)

Lengths differ from sample to sample, so `collate` makes lists of them:
``DataLoader(dataset, batch_size=32, collate_fn=collate)``.
"""

import logging
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from etalon.contracts import Metadata
from etalon.errors import BadInputError, NotRunError
from etalon.preprocess.asls import asls
from etalon.seeds import derive_seed
from etalon.storage import METADATA, load_array, load_metadata
from etalon.synthesis.corpus import CorpusSet, corpus_set
from etalon.synthesis.generator import Generator

Sample = dict[str, Any]
_LOG = logging.getLogger(__name__)


def collate(samples: Sequence[Sample]) -> dict[str, list]:
    """Return a batch: for each key of the samples the list of their values, without padding."""
    return {key: [sample[key] for sample in samples] for key in samples[0]}


class SpectralDataset(Dataset):
    """The spectra of one folder in the data contract, or of all such folders in a folder.

    Spectra stay on disk and are read when asked for (memory-mapped, by every worker for itself). Datasets recorded
    as unavailable are left out; where AsLS baselines are missing, one warning names the datasets.

    Attributes
    ----------
    names : of the datasets, in the order of their items
    sizes : their numbers of spectra
    left_out : for each dataset that is not there the reason

    Raises
    ------
    BadInputError : no dataset under `root`, or one that breaks the contract
    """

    def __init__(self, root: str | Path):
        root = Path(root)
        found = [root] if (root / METADATA).exists() else sorted(path.parent for path in root.glob(f"*/{METADATA}"))
        self._sets: list[_StoredSet] = []
        self.left_out: dict[str, str] = {}
        for folder in found:
            try:
                self._sets.append(_StoredSet(folder, load_metadata(folder)))
            except NotRunError as error:
                self.left_out[folder.name] = error.reason
        if not self._sets:
            raise BadInputError(root, "folder", "a dataset in the data contract, or folders of them", "none")
        self.names = tuple(stored.metadata.dataset_id for stored in self._sets)
        self.sizes = tuple(len(stored.intensities) for stored in self._sets)
        self._ends = np.cumsum(self.sizes).tolist()
        if bare := [stored.metadata.dataset_id for stored in self._sets if stored.baseline is None]:
            _LOG.warning("no AsLS baseline (stage precompute_asls makes them): %s", ", ".join(bare))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Sample:
        index = _checked(index, len(self))
        number = bisect_right(self._ends, index)
        return self.item(number, index - self._ends[number] + self.sizes[number])

    def item(self, number: int, row: int) -> Sample:
        """Return spectrum `row` of dataset `number`."""
        return self._sets[number].sample(row)


@dataclass(frozen=True)
class _StoredSet:
    folder: Path
    metadata: Metadata

    @cached_property
    def wavelengths(self) -> np.ndarray:
        return load_array(self.folder / "wavelengths.npy")

    @cached_property
    def intensities(self) -> np.ndarray:
        spectra = _mapped(self.folder / "spectra.npy")
        _check_shape(self.folder / "spectra.npy", spectra, (len(spectra), len(self.wavelengths)))
        return spectra

    @cached_property
    def baseline(self) -> np.ndarray | None:
        path = self.folder / "baseline_asls.npy"
        if not path.exists():
            return None
        baseline = _mapped(path)
        _check_shape(path, baseline, self.intensities.shape)
        return baseline

    @cached_property
    def reference(self) -> np.ndarray:
        if not self.metadata.targets:
            return np.empty((len(self.intensities), 0))
        reference = load_array(self.folder / "targets.npy")
        _check_shape(self.folder / "targets.npy", reference, (len(self.intensities), len(self.metadata.targets)))
        return reference

    @cached_property
    def names(self) -> np.ndarray:
        """Sample and specimen of each spectrum, str, shape (n, 2)."""
        path = self.folder / "samples.parquet"
        names = pd.read_parquet(path, columns=["sample_id", "specimen"]).to_numpy(str)
        _check_shape(path, names, (len(self.intensities), 2))
        return names

    def __getstate__(self) -> dict[str, Any]:
        # A memory-mapped array is pickled as a copy of the file: workers map it anew.
        return {"folder": self.folder, "metadata": self.metadata}

    def sample(self, row: int) -> Sample:
        known = self.metadata
        sample_id, specimen = self.names[row].tolist()
        values = zip((target.name for target in known.targets), self.reference[row].tolist(), strict=True)
        meta: dict[str, Any] = {"dataset": known.dataset_id, "family": known.family}
        meta |= {key: getattr(known, key) for key in ("modality", "axis_unit", "representation", "synthetic")}
        meta |= {"sample_id": sample_id, "specimen": specimen, "reference": dict(values)}
        baseline = None if self.baseline is None else self.baseline[row]
        return _sample(self.intensities[row], self.wavelengths, baseline, meta)


@dataclass(frozen=True)
class CorpusSeries:
    """The series `seed` of random products on random instruments (`etalon.synthesis.corpus`), `specimens` of each.

    A set is generated as a whole: items are had fastest in their order.
    """

    seed: int
    specimens: int = 64

    def spectrum(self, index: int) -> tuple[CorpusSet, int]:
        """Return the set that holds spectrum `index`, and its row there."""
        number, row = divmod(index, self.specimens)
        return _cached_set(self.seed, number, self.specimens), row


_cached_set = lru_cache(maxsize=8)(corpus_set)


class SyntheticSpectralDataset(Dataset):
    """The first `size` spectra of an endless synthetic series, generated when asked for.

    Spectrum i depends on i and the generator, its seed included, alone. Reference values are contents in g/100 g.

    Parameters
    ----------
    generator : of one product on one instrument, or a `CorpusSeries` of many on many
    size : number of spectra
    asls_settings : smoothness and so on of `etalon.preprocess.asls.asls`; without them samples have no baseline
    """

    def __init__(
        self, generator: Generator | CorpusSeries, size: int, asls_settings: Mapping[str, float] | None = None
    ):
        self.generator, self.size, self.asls_settings = generator, size, asls_settings

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Sample:
        index = _checked(index, self.size)
        source = self.generator
        if isinstance(source, CorpusSeries):
            spectra, row = source.spectrum(index)
            x, wavelengths = spectra.intensities[row], spectra.wavelengths
            contents = dict(zip(spectra.components, (100.0 * spectra.concentrations[row]).tolist(), strict=True))
            kind = {key: getattr(spectra, key) for key in ("modality", "axis_unit", "representation")}
            meta = {"dataset": spectra.name, "family": "synthetic_corpus", **kind}
        else:
            scans = source.scans([index])
            x, wavelengths = scans.spectra[0].astype(np.float32), source.instrument.wavelengths
            contents = dict(zip(source.recipe.components, scans.reference[0].tolist(), strict=True))
            meta = {"dataset": f"{source.recipe.name}, {source.instrument.name}", "family": source.recipe.name}
            meta |= {"modality": "nir", "axis_unit": "nm", "representation": source.instrument.representation}
        meta |= {"synthetic": True, "sample_id": str(index), "specimen": str(index), "reference": contents}
        return _sample(x, wavelengths, self._baseline(x, wavelengths, meta), meta)

    def _baseline(self, x: np.ndarray, wavelengths: np.ndarray, meta: dict[str, Any]) -> np.ndarray | None:
        if self.asls_settings is None:
            return None
        kind = {"axis_unit": meta["axis_unit"], "modality": meta["modality"]}
        return asls(x[None], wavelengths, **kind, **self.asls_settings)[0]  # type: ignore[arg-type]


class MultiSpectralDataset(Dataset):
    """Real spectra, all datasets equally often whatever their size, mixed with synthetic ones.

    Item i depends on (`seed`, i) alone, not on order or workers. It is as long as there are real spectra; another
    `seed` makes another epoch.

    Parameters
    ----------
    real : measured datasets
    synthetic : all its items are equally likely
    p_synth : share of items that are synthetic
    """

    def __init__(self, real: SpectralDataset, synthetic: SyntheticSpectralDataset, p_synth: float, seed: int):
        if not 0.0 <= p_synth <= 1.0:
            raise BadInputError("MultiSpectralDataset", "p_synth", "a share between 0 and 1", p_synth)
        self.real, self.synthetic, self.p_synth, self.seed = real, synthetic, p_synth, seed

    def __len__(self) -> int:
        return len(self.real)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng(derive_seed(self.seed, "item", _checked(index, len(self))))
        if rng.random() < self.p_synth:
            return self.synthetic[int(rng.integers(len(self.synthetic)))]
        number = int(rng.integers(len(self.real.names)))
        return self.real.item(number, int(rng.integers(self.real.sizes[number])))


def _sample(x: np.ndarray, wavelengths: np.ndarray, baseline: np.ndarray | None, meta: dict[str, Any]) -> Sample:
    """Return copies as tensors: what is memory-mapped must not be written to."""
    return {
        "x": torch.from_numpy(np.array(x, np.float32)),
        "wavelength": torch.from_numpy(np.array(wavelengths, np.float64)),
        "baseline": None if baseline is None else torch.from_numpy(np.array(baseline, np.float32)),
        "meta": meta,
    }


def _mapped(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "an array", "no such file") from error
    except (ValueError, EOFError) as error:
        raise BadInputError(path, "file", "a sound array of numbers", error) from error


def _check_shape(path: Path, array: np.ndarray, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise BadInputError(path, "shape", str(expected), array.shape)


def _checked(index: int, size: int) -> int:
    """Return the index counted from the start; raise IndexError beyond the end, which ends a loop over a dataset."""
    if not -size <= index < size:
        raise IndexError(f"item {index} of {size}")
    return index % size
