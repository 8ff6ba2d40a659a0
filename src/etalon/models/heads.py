"""Heads: from spectra or latents to several properties at once."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class PropertyHeads(nn.Module):
    """Several perceptrons of one hidden layer, each with a linear path beside, that are computed side by side.

    At these sizes a step takes the time of starting its operations, not of its arithmetic: M members in one tensor cost
    about as much as one.

    Parameters
    ----------
    members : M; n_inputs, n_outputs : inputs and properties; width, dropout : of the hidden layer
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, members: int, n_inputs: int, n_outputs: int, width: int, dropout: float):
        super().__init__()
        self.dropout = dropout
        reach = n_inputs**-0.5, width**-0.5  # as torch starts a linear layer
        self.first = nn.Parameter(torch.empty(members, n_inputs, width).uniform_(-reach[0], reach[0]))
        self.first_bias = nn.Parameter(torch.zeros(members, 1, width))
        self.second = nn.Parameter(torch.empty(members, width, n_outputs).uniform_(-reach[1], reach[1]))
        self.linear = nn.Parameter(torch.zeros(members, n_inputs, n_outputs))
        self.bias = nn.Parameter(torch.zeros(members, 1, n_outputs))
        self.register_buffer("mean", torch.zeros(n_inputs))
        self.register_buffer("scale", torch.ones(n_inputs))

    def fit_inputs(self, inputs: Tensor, floor: float) -> None:
        """Take mean and standard deviation of training inputs, the latter at least `floor` times the largest."""
        self.mean.copy_(inputs.mean(dim=0))
        spread = inputs.std(dim=0)
        self.scale.copy_(spread.clamp_min(floor * float(spread.max())).clamp_min(1e-12))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return shape (M, n, n_outputs) of inputs, shape (M, n, n_inputs), or (n, n_inputs) for all members."""
        x = (inputs - self.mean) / self.scale
        x = x.expand(len(self.first), -1, -1)
        hidden = functional.gelu(x @ self.first + self.first_bias)
        hidden = functional.dropout(hidden, self.dropout, self.training)
        return x @ self.linear + hidden @ self.second + self.bias
