"""Training of a correction on pairs of spectra: few of them, so that a step sees mixtures of pairs too."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from etalon.train.optim import learning_rate
from etalon.train.pair_network import Correction

WARM_UP = 0.1  # share of all steps
CLIP = 1.0  # largest norm of the gradient
# Seitzer et al. 2022, arXiv:2203.09168: errors count by variance to this power, so that the mean is learned as well.
BETA = 0.5


@dataclass(frozen=True)
class Pairs:
    """What is learned from, on the points of the network.

    Attributes
    ----------
    inputs : shape (n, n_inputs, points); wanted : what has to be added, shape (n, points)
    functional : shape (points,): what a calibration makes of an addition; predicted : of what has to be added, (n,)
    """

    inputs: Tensor
    wanted: Tensor
    functional: Tensor
    predicted: Tensor

    @property
    def size(self) -> float:
        """The unit of what a network adds: the root mean square of what has to be added; 0 for equal instruments."""
        return float(self.wanted.square().mean().sqrt())


def fit_network(
    network: nn.Module, pairs: Pairs, *, steps: int, batch: int, rate: float, seed: int, heteroscedastic: bool
) -> nn.Module:
    r"""Train a network on pairs and return it, ready to predict.

    Half of a batch are pairs, half are mixtures :math:`\sum_i w_i (x_i, \Delta_i)` of all of them, w normal with
    variance 1/n: instruments that respond linearly map mixtures as they map pairs. The loss is the mean squared error
    of the correction, in units of its own size, and that of what the calibration makes of it, in units likewise.

    Parameters
    ----------
    rate : the peak; heteroscedastic : learn the errors' variance too, by the negative log likelihood
    """
    generator = torch.Generator().manual_seed(seed)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    # No decay: it would draw the weights away from where pretraining left them.
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0, fused=True)
    size, unit = pairs.size, float(pairs.predicted.square().mean().sqrt()) or 1.0
    network.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of dropout
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, steps, rate, max(1, round(WARM_UP * steps)))
            weights = _draw(len(pairs.wanted), batch, generator).to(pairs.wanted)
            found = network(torch.einsum("bn,ncp->bcp", weights, pairs.inputs))
            wanted, predicted = weights @ pairs.wanted / size, weights @ pairs.predicted / unit
            loss = _spectral(found, wanted, heteroscedastic)
            loss = loss + (found.added @ pairs.functional * (size / unit) - predicted).square().mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(trained, CLIP)
            optimiser.step()
    return network.eval()


def _draw(n: int, batch: int, generator: torch.Generator) -> Tensor:
    """Return the weights of pairs in each row of a batch, shape (batch, n)."""
    alone = min(n, batch // 2)
    pure = torch.eye(n)[torch.randperm(n, generator=generator)[:alone]]
    return torch.cat([pure, torch.randn(batch - alone, n, generator=generator) / n**0.5])


def _spectral(found: Correction, wanted: Tensor, heteroscedastic: bool) -> Tensor:
    error = (found.added - wanted).square()
    if not heteroscedastic:
        return error.mean()
    likelihood = 0.5 * (found.log_variance + error * (-found.log_variance).exp())
    return (likelihood * (BETA * found.log_variance.detach()).exp()).mean()
