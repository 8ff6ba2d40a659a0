"""Metadata hidden from an encoder in training, so that it does without them, and with some of them."""

import torch
from torch import Tensor

ALL_SHARE = 0.5  # of the spectra are told nothing
FIELD_SHARE = 0.25  # of the fields of the others


def hide_fields(categories: Tensor, generator: torch.Generator) -> Tensor:
    """Return categories, int64, shape (n, n_fields), some of them 0, unknown.

    With probability `ALL_SHARE` all fields of a spectrum, else each with probability `FIELD_SHARE`.
    """
    everything = torch.rand(len(categories), 1, generator=generator) < ALL_SHARE
    each = torch.rand(categories.shape, generator=generator) < FIELD_SHARE
    return categories.masked_fill((everything | each).to(categories.device), 0)


def join_categories(parts: list[Tensor | None], sizes: list[int]) -> Tensor | None:
    """Return the categories of several groups one below the other; 0 for groups without any, None if none has them."""
    known = next((part for part in parts if part is not None), None)
    if known is None:
        return None
    filled = zip(parts, sizes, strict=True)
    return torch.cat([known.new_zeros(n, known.shape[1]) if part is None else part for part, n in filled])
