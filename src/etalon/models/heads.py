"""Heads: from spectra or latents to several properties at once."""

import torch
from torch import Tensor, nn

from etalon.models.vae import Tower


class PropertyHead(nn.Module):
    """A perceptron with a linear path beside (`Tower`) on standardised inputs.

    Parameters
    ----------
    n_inputs, n_outputs : inputs and properties; width, dropout : of the one hidden layer
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_inputs: int, n_outputs: int, width: int, dropout: float):
        super().__init__()
        self.tower = Tower(n_inputs, n_outputs, width, layers=1, dropout=dropout)
        self.register_buffer("mean", torch.zeros(n_inputs))
        self.register_buffer("scale", torch.ones(n_inputs))

    def fit_inputs(self, inputs: Tensor, floor: float) -> None:
        """Take mean and standard deviation of training inputs, the latter at least `floor` times the largest."""
        self.mean.copy_(inputs.mean(dim=0))
        spread = inputs.std(dim=0)
        self.scale.copy_(spread.clamp_min(floor * float(spread.max())).clamp_min(1e-12))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return shape (n, n_outputs) of inputs, shape (n, n_inputs)."""
        return self.tower((inputs - self.mean) / self.scale)
