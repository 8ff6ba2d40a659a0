"""What every encoder takes and gives: spectra on one grid in, named blocks of numbers out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class GridBatch:
    """Spectra that share one grid.

    Attributes
    ----------
    intensities : float32, shape (n, L), as measured
    wavelengths : float64, shape (L,), strictly increasing; as in `etalon.contracts.SpectraSet`
    modality, axis_unit : as in `etalon.contracts.Metadata`
    baseline : float32, shape (n, L): the AsLS baseline; None where it is not known
    categories : int64, shape (n, n_fields), see `etalon.models.metadata_embedding`; None where nothing is known
    """

    intensities: Tensor
    wavelengths: Tensor
    modality: str
    axis_unit: str
    baseline: Tensor | None = None
    categories: Tensor | None = None

    def __len__(self) -> int:
        return len(self.intensities)

    def rows(self, index: slice | Tensor) -> "GridBatch":
        """Return some of the spectra."""
        baseline = None if self.baseline is None else self.baseline[index]
        categories = None if self.categories is None else self.categories[index]
        return GridBatch(self.intensities[index], self.wavelengths, self.modality, self.axis_unit, baseline, categories)

    def to(self, device: torch.device | str) -> "GridBatch":
        """Return the same spectra on `device`."""
        baseline = None if self.baseline is None else self.baseline.to(device)
        categories = None if self.categories is None else self.categories.to(device)
        intensities, wavelengths = self.intensities.to(device), self.wavelengths.to(device)
        return GridBatch(intensities, wavelengths, self.modality, self.axis_unit, baseline, categories)


class Encoder(nn.Module, ABC):
    """Turns a `GridBatch` into blocks: `forward` returns a float32 tensor, shape (n, blocks[name]), for each name.

    A spectrum's embedding depends on that spectrum and its grid alone.
    """

    blocks: dict[str, int]

    @abstractmethod
    def forward(self, batch: GridBatch) -> dict[str, Tensor]:
        """Return the blocks of every spectrum."""


@torch.inference_mode()
def embed_grid(encoder: Encoder, batch: GridBatch, chunk: int = 256) -> dict[str, np.ndarray]:
    """Return the blocks of spectra on one grid, each float32, shape (n, size); memory is that of `chunk` spectra."""
    encoder.eval()
    parts = [encoder(batch.rows(slice(start, start + chunk))) for start in range(0, len(batch), chunk)]
    return {name: torch.cat([part[name] for part in parts]).float().cpu().numpy() for name in encoder.blocks}


def embed_spectra(
    encoder: Encoder,
    intensities: Sequence[Tensor | np.ndarray],
    wavelengths: Sequence[Tensor | np.ndarray],
    *,
    modality: str,
    axis_unit: str,
    baselines: Sequence[Tensor | np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Return the blocks of spectra of any lengths and grids, rows in the order given.

    Points of a spectrum may come in any order: they are put in that of the axis. Spectra on one grid are embedded
    together.

    Parameters
    ----------
    intensities, wavelengths : one pair of float tensors or arrays, shape (L_i,), a spectrum
    baselines : their AsLS baselines, of the same shapes; None where they are not known
    """
    groups: dict[bytes, list[int]] = {}
    axes = [torch.as_tensor(axis) for axis in wavelengths]
    orders = [axis.argsort() for axis in axes]
    for number, (axis, order) in enumerate(zip(axes, orders, strict=True)):
        groups.setdefault(axis[order].double().numpy(force=True).tobytes(), []).append(number)
    result = {name: np.empty((len(intensities), size), np.float32) for name, size in encoder.blocks.items()}
    for members in groups.values():

        def stack(values: Sequence[Tensor | np.ndarray], members: list[int] = members) -> Tensor:
            return torch.stack([torch.as_tensor(values[i])[orders[i]] for i in members])

        batch = GridBatch(
            stack(intensities).float(),
            axes[members[0]][orders[members[0]]].double(),
            modality,
            axis_unit,
            None if baselines is None else stack(baselines).float(),
        )
        for name, block in embed_grid(encoder, batch).items():
            result[name][members] = block
    return result
