"""The light decoder of masked modelling: from the embedding back to the spectrum at any wavelength."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from etalon.models.axis_encoding import AxisEncoding

ENCODING_SIZE = 31


class MaskedDecoder(nn.Module):
    """Cross-attention from a wavelength to the small numbers of the latents.

    It sees those numbers alone, so that what masked modelling trains is what a linear head reads.
    """

    def __init__(self, width: int, latents: int, heads: int, small: int, hidden: int):
        super().__init__()
        self.heads, self.n_latents, self.width = heads, latents, width
        self.encoding = AxisEncoding(ENCODING_SIZE)
        self.queries = nn.Linear(ENCODING_SIZE, width)
        self.keys_values = nn.Linear(small, 2 * width)
        self.identity = nn.Parameter(torch.randn(latents, 2 * width))
        self.output, self.norm = nn.Linear(width, width), nn.LayerNorm(width)
        self.hidden, self.value = nn.Linear(width, hidden), nn.Linear(hidden, 1)

    def states(self, small: Tensor, coordinates: Tensor) -> Tensor:
        """Return the hidden state at coordinates in ln(nm), shape (B, Q, hidden).

        Parameters
        ----------
        small : shape (B, M * small)
        coordinates : shape (B, Q), or (Q,) for all alike
        """
        B, Q = len(small), coordinates.shape[-1]
        question = self.queries(self.encoding(coordinates)).expand(B, Q, self.width)
        memory = self.keys_values(small.view(B, self.n_latents, -1)) + self.identity  # (B, M, 2 D)
        key, value = memory.view(B, self.n_latents, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        query = question.view(B, Q, self.heads, -1).transpose(1, 2)
        read = functional.scaled_dot_product_attention(query, key, value)  # (B, heads, Q, D / heads)
        return self.hidden(self.norm(question + self.output(read.transpose(1, 2).reshape(B, Q, self.width))))

    def forward(self, small: Tensor, coordinates: Tensor) -> Tensor:
        """Return the normalised intensities at `coordinates`, shape (B, Q)."""
        return self.value(functional.gelu(self.states(small, coordinates), approximate="tanh")).squeeze(-1)
