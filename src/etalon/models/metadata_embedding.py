"""What is known of a measurement besides its numbers, as a vector; unknown is zero, so metadata is never required."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from etalon.contracts import MODALITIES, REPRESENTATIONS, Metadata

# The closed vocabularies of the data contract and of the catalogue's schema. Index 0 is unknown.
FIELDS: dict[str, tuple[str, ...]] = {
    "modality": MODALITIES,
    "representation": tuple(name for name in REPRESENTATIONS if name != "unknown"),
    "instrument_type": ("benchtop", "handheld", "process"),
    "mode": ("reflectance", "transmittance", "atr", "drift"),
}


def category_numbers(values: Mapping[str, str]) -> Tensor:
    """Return the index of each field of `FIELDS`, int64, shape (n_fields,).

    0 where it is absent, unknown or not listed.
    """
    found = [(names, values.get(name, "")) for name, names in FIELDS.items()]
    return torch.tensor([names.index(value) + 1 if value in names else 0 for names, value in found])


def categories_of(metadata: Metadata) -> Tensor:
    """Return the `category_numbers` of a dataset."""
    return category_numbers({name: getattr(metadata, name) for name in FIELDS})


class MetadataEmbedding(nn.Module):
    """Sum of one learned vector a known field; zero where nothing is known.

    All vectors start at zero: before training, and for categories that no training spectrum had, metadata changes
    nothing.
    """

    offsets: Tensor

    def __init__(self, width: int):
        super().__init__()
        sizes = torch.tensor([len(names) for names in FIELDS.values()])
        self.register_buffer("offsets", sizes.cumsum(0) - sizes, persistent=False)
        self.table = nn.Embedding(1 + int(sizes.sum()), width, padding_idx=0)
        nn.init.zeros_(self.table.weight)

    def forward(self, categories: Tensor) -> Tensor:
        """Return the vector of categories, shape (B, width), from int64, shape (B, n_fields)."""
        rows = torch.where(categories > 0, categories + self.offsets, 0)
        return self.table(rows).sum(dim=-2)
