"""From spectra on a calibration's own grid to the numbers that its line is given; each can be kept in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from etalon.contracts import SpectraSet
from etalon.errors import BadInputError
from etalon.preprocess.asls import asls
from etalon.preprocess.chain import LEARNED, ON_CORRECTED, preprocessing
from etalon.preprocess.standard import ASLS, SAVGOL


@dataclass(frozen=True)
class Grid:
    """The channels of a calibration: wavelengths as in `etalon.contracts.SpectraSet`, their unit, the modality."""

    wavelengths: np.ndarray
    axis_unit: str
    modality: str


@dataclass(frozen=True)
class ChannelFeatures:
    """Spectra under a preprocessing of the studies.

    Attributes
    ----------
    name : of the preprocessing, see `etalon.preprocess.chain`
    grid : of the spectra
    learned : shape (n_channels,), the reference spectrum of a preprocessing that has one (EMSC); else empty
    """

    name: str
    grid: Grid
    learned: np.ndarray

    @classmethod
    def fit(cls, name: str, grid: Grid, spectra: np.ndarray) -> ChannelFeatures:
        """Take from `spectra`, shape (n, n_channels), what the preprocessing learns."""
        learned = np.asarray(spectra, dtype=np.float64).mean(axis=0) if name in LEARNED else np.empty(0)
        return cls(name, grid, learned)

    def transform(self, spectra: np.ndarray) -> np.ndarray:
        spectra = np.asarray(spectra, dtype=np.float64)
        if self.name in ON_CORRECTED:
            spectra = spectra - baselines(spectra, self.grid)
        window = min(SAVGOL["savgol_window"], spectra.shape[1] - 1 + spectra.shape[1] % 2)
        steps = preprocessing(self.name, savgol_window=window, savgol_order=SAVGOL["savgol_order"])
        # Fitted to its reference spectrum alone, EMSC finds this very spectrum for a mean.
        return steps.fit(self.learned[None] if len(self.learned) else spectra).transform(spectra)

    def describe(self) -> dict[str, Any]:
        return {"kind": "channels", "preprocessing": self.name, **SAVGOL, "asls": ASLS}

    def tensors(self) -> dict[str, np.ndarray]:
        return {"learned": self.learned} if len(self.learned) else {}


@dataclass(frozen=True)
class EmbeddingFeatures:
    """Blocks of an embedding, each centred and scaled.

    Attributes
    ----------
    checkpoint : file of weights; None for `fs`
    means, factors : shape (p,), of all blocks side by side
    """

    checkpoint: Path | None
    grid: Grid
    means: np.ndarray
    factors: np.ndarray

    def transform(self, spectra: np.ndarray) -> np.ndarray:
        blocks = blocks_of(spectra, self.grid, self.checkpoint)
        return (np.concatenate(list(blocks.values()), axis=1) - self.means) * self.factors

    def describe(self) -> dict[str, Any]:
        return {"kind": "embedding", "encoder": "fs" if self.checkpoint is None else "checkpoint", "asls": ASLS}

    def tensors(self) -> dict[str, np.ndarray]:
        return {"means": self.means, "factors": self.factors}


def check_signal(spectra: SpectraSet, rows: np.ndarray, hint: str = "") -> None:
    """Raise BadInputError for spectra of one value in all channels: scatter corrections divide by their spread."""
    flat = rows[np.ptp(spectra.intensities[rows], axis=1) == 0]
    if len(flat):
        name = str(spectra.sample_id[flat[0]])
        more = f" and {len(flat) - 1} more" if len(flat) > 1 else ""
        found = f"one value in all channels of {name!r}{more}" + (f" ({hint} {name!r})" if hint else "")
        raise BadInputError(spectra.metadata.dataset_id, "spectra", "a signal in every spectrum", found)


def blocks_of(spectra: np.ndarray, grid: Grid, checkpoint: Path | None) -> dict[str, np.ndarray]:
    """Return the blocks of the embeddings of spectra, each float64, shape (n, size)."""
    from etalon.embedder import embed_stored

    name = None if checkpoint is None else str(checkpoint)
    blocks = embed_stored(spectra, grid.wavelengths, modality=grid.modality, axis_unit=grid.axis_unit, checkpoint=name)
    return {name: block.astype(np.float64) for name, block in blocks.items()}


def baselines(spectra: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the AsLS baselines of spectra, shape (n, n_channels)."""
    return asls(spectra, grid.wavelengths, axis_unit=grid.axis_unit, modality=grid.modality, **ASLS)
