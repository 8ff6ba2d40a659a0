"""Bootstrap your own latent: an online network predicts what a slowly following copy of it makes of another view."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional


def byol(predicted: Tensor, wanted: Tensor) -> Tensor:
    r"""Return the loss of one direction, a scalar between 0 and 4; no gradient flows into `wanted`.

    .. math:: L = 2 - 2 \, \frac{1}{n} \sum_i \frac{\langle q_i, z'_i \rangle}{\lVert q_i \rVert \, \lVert z'_i \rVert}

    Grill et al. 2020, Bootstrap Your Own Latent (arXiv:2006.07733), equation 2: q the online network's prediction of
    one view, z' the target network's projection of the other. There are no negatives.

    Parameters
    ----------
    predicted, wanted : shape (n, d)
    """
    return 2.0 - 2.0 * functional.cosine_similarity(predicted, wanted.detach(), dim=1).mean()


def mlp(width: int, hidden: int, out: int) -> nn.Sequential:
    """Return a projector or predictor.

    LayerNorm stands where the paper has BatchNorm: a batch holds few datasets, whose means a BatchNorm would pass from
    spectrum to spectrum (Richemond et al. 2020, arXiv:2010.10241, on BYOL without batch statistics).
    """
    return nn.Sequential(nn.Linear(width, hidden), nn.LayerNorm(hidden), nn.GELU(), nn.Linear(hidden, out))


class TargetNetwork(nn.Module):
    """A copy of a network that follows it as an exponential moving average and is never trained itself."""

    def __init__(self, online: nn.Module):
        super().__init__()
        self.network = copy.deepcopy(online).requires_grad_(False)

    @torch.no_grad()
    def follow(self, online: nn.Module, decay: float) -> None:
        """Move each weight a share 1 - `decay` of the way to that of `online`."""
        for own, other in zip(self.network.parameters(), online.parameters(), strict=True):
            own.lerp_(other, 1.0 - decay)
