"""Training of a correction on pairs of spectra: few of them, so that a step sees mixtures of pairs too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import pad_sequence

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


@dataclass(frozen=True)
class Trained:
    """A network with weights of its own in place of some of the network's."""

    network: nn.Module
    weights: Mapping[str, Tensor]

    def __call__(self, inputs: Tensor) -> Correction:
        return functional_call(self.network, dict(self.weights), (inputs,))


def fit_networks(
    network: nn.Module,
    tasks: Sequence[Pairs],
    seeds: Sequence[int],
    *,
    steps: int,
    batch: int,
    rate: float,
    heteroscedastic: bool,
) -> list[Trained]:
    r"""Train a copy of a network on each of several sets of pairs, all copies at once.

    Half of a batch are pairs, half are mixtures :math:`\sum_i w_i (x_i, \Delta_i)` of all of them, w normal with
    variance 1/n: instruments that respond linearly map mixtures as they map pairs. The loss is the mean squared error
    of the correction, in units of its own size, and that of what the calibration makes of it, in units likewise.

    A network this small is mostly the calling of its layers: one call for a dozen copies takes little more than one
    for one.

    Parameters
    ----------
    network : in evaluation mode before and after; its weights are left as they are
    seeds : one a task, of its batches; dropout is drawn for all from the first
    rate : the peak; heteroscedastic : learn the errors' variance too, by the negative log likelihood
    """
    stacked = {
        name: parameter.detach().expand(len(tasks), *parameter.shape).clone().requires_grad_()
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    }
    # No decay: it would draw the weights away from where pretraining left them.
    optimiser = torch.optim.AdamW(stacked.values(), lr=rate, weight_decay=0.0, fused=True)
    drawn = _Batches(tasks, seeds, steps, batch)

    def corrected(weights: dict[str, Tensor], inputs: Tensor) -> tuple[Tensor, Tensor]:
        found = functional_call(network, weights, (inputs,))
        return found.added, found.log_variance

    together = torch.vmap(corrected, randomness="different")
    network.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds[0])  # of dropout
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, steps, rate, max(1, round(WARM_UP * steps)))
            inputs, wanted, predicted = drawn.at(step)
            # The fused kernel of attention cannot be called for several copies at once.
            with sdpa_kernel(SDPBackend.MATH):
                added, log_variance = together(stacked, inputs)
            loss = _spectral(added, log_variance, wanted, heteroscedastic).sum()
            in_prediction = torch.einsum("kbp,kp->kb", added, drawn.functional) - predicted
            loss = loss + in_prediction.square().mean(dim=1).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            _clip(stacked.values())
            optimiser.step()
    network.eval()
    return [Trained(network, {name: own[k].detach() for name, own in stacked.items()}) for k in range(len(tasks))]


class _Batches:
    """What each step of each task sees, in units of its corrections."""

    def __init__(self, tasks: Sequence[Pairs], seeds: Sequence[int], steps: int, batch: int):
        counts = [len(task.wanted) for task in tasks]
        self.weights = torch.zeros(steps, len(tasks), batch, max(counts), device=tasks[0].wanted.device)
        for k, (n, seed) in enumerate(zip(counts, seeds, strict=True)):
            generator = torch.Generator().manual_seed(seed)
            for step in range(steps):
                self.weights[step, k, :, :n] = _draw(n, batch, generator)
        sizes = [task.size for task in tasks]
        units = [float(task.predicted.square().mean().sqrt()) or 1.0 for task in tasks]
        scales = list(zip(tasks, sizes, units, strict=True))
        self.inputs = pad_sequence([task.inputs for task in tasks], batch_first=True)
        self.wanted = pad_sequence([task.wanted / size for task, size, _ in scales], batch_first=True)
        self.predicted = pad_sequence([task.predicted / unit for task, _, unit in scales], batch_first=True)
        self.functional = torch.stack([task.functional * (size / unit) for task, size, unit in scales])

    def at(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs, shape (K, batch, n_inputs, points), and what is wanted of spectra and of predictions."""
        weights = self.weights[step]
        inputs = torch.einsum("kbn,kncp->kbcp", weights, self.inputs)
        return inputs, weights @ self.wanted, (weights @ self.predicted[..., None])[..., 0]


def _clip(stacked: Iterable[Tensor]) -> None:
    """Shorten the gradient of each copy to `CLIP`."""
    gradients = [parameter.grad for parameter in stacked if parameter.grad is not None]
    squared = sum(own.square().flatten(1).sum(dim=1) for own in gradients)
    assert isinstance(squared, Tensor)
    scale = (CLIP / squared.sqrt().clamp_min(torch.finfo(squared.dtype).tiny)).clamp_max(1.0)
    for own in gradients:
        own.mul_(scale.view(-1, *[1] * (own.dim() - 1)))


def _draw(n: int, batch: int, generator: torch.Generator) -> Tensor:
    """Return the weights of pairs in each row of a batch, shape (batch, n)."""
    alone = min(n, batch // 2)
    pure = torch.eye(n)[torch.randperm(n, generator=generator)[:alone]]
    return torch.cat([pure, torch.randn(batch - alone, n, generator=generator) / n**0.5])


def _spectral(added: Tensor, log_variance: Tensor, wanted: Tensor, heteroscedastic: bool) -> Tensor:
    """Return the loss of each copy, shape (K,)."""
    error = (added - wanted).square()
    if not heteroscedastic:
        return error.mean(dim=(1, 2))
    likelihood = 0.5 * (log_variance + error * (-log_variance).exp())
    return (likelihood * (BETA * log_variance.detach()).exp()).mean(dim=(1, 2))
