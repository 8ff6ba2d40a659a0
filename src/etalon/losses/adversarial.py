"""Domain-adversarial training: an embedding from which the dataset cannot be told."""

from typing import Any

import torch
from torch import Tensor, nn


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return z.view_as(z)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reverse_gradient(z: Tensor, strength: float) -> Tensor:
    """Return `z` as it is; in the backward pass its gradient is multiplied by -`strength`.

    Ganin et al. 2016, Domain-Adversarial Training of Neural Networks (arXiv:1505.07818): what follows learns to
    minimise its loss, what came before to maximise it.
    """
    return _Reversal.apply(z, strength)


class DatasetDiscriminator(nn.Module):
    """Tells from an embedding which dataset a spectrum belongs to.

    Parameters
    ----------
    n_features, n_sets : sizes of the embedding and of the choice
    hidden : width of the one hidden layer
    """

    def __init__(self, n_features: int, n_sets: int, hidden: int = 64):
        super().__init__()
        # The norm takes the scale of the embedding out: hiding from the discriminator by shrinking is no gain.
        self.layers = nn.Sequential(
            nn.LayerNorm(n_features), nn.Linear(n_features, hidden), nn.GELU(), nn.Linear(hidden, n_sets)
        )

    def forward(self, z: Tensor) -> Tensor:
        """Return logits, shape (B, n_sets), for the cross-entropy with the number of the dataset."""
        return self.layers(z)
