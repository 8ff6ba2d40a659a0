r"""The evidence lower bound of a variational autoencoder with a Gaussian decoder of known noise."""

import math

import torch
from torch import Tensor


def reconstruction(pred: Tensor, true: Tensor, noise_sd: float, weight: Tensor | None = None) -> Tensor:
    r"""Return the negative log likelihood of each spectrum, up to a constant, in nats a channel; shape (B,).

    .. math:: \frac{1}{2 \sigma^2 C} \sum_c w_c (\hat x_{bc} - x_{bc})^2

    Kingma and Welling 2014, Auto-Encoding Variational Bayes (arXiv:1312.6114), with a Gaussian of fixed standard
    deviation for the decoder. Departure: divided by the number of channels, as is `divergence`, so that neither depends
    on how finely the axis is cut.

    Parameters
    ----------
    pred, true : shape (B, C); noise_sd : in the units of the spectra
    weight : shape (C,), of each channel, mean 1; all alike where None
    """
    squared = (pred - true).square()
    if weight is not None:
        squared = squared * weight
    return squared.mean(dim=1) / (2.0 * noise_sd**2)


def divergence(mean: Tensor, logvar: Tensor, n_channels: int) -> Tensor:
    r"""Return the Kullback-Leibler divergence from the standard normal, in nats a channel; shape (B,).

    .. math:: \frac{1}{2 C} \sum_k (\mu_k^2 + e^{\log \sigma_k^2} - 1 - \log \sigma_k^2)

    Parameters
    ----------
    mean, logvar : shape (B, K); n_channels : C, see `reconstruction`
    """
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).sum(dim=1) / n_channels


def warmed_up(step: int, warm_up: int, peak: float) -> float:
    """Return the weight of the divergence in a step: linear from 0, `peak` from step `warm_up` on.

    Without it the latents may fall to the prior before the decoder uses them (Bowman et al. 2016, arXiv:1511.06349).
    """
    return peak * min(1.0, step / warm_up) if warm_up else peak


def sample(mean: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return one draw of the latents of each spectrum by the reparametrisation, shape (B, K)."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + noise * (0.5 * logvar).exp()


def decaying(step: int, steps: int, first: float, last_share: float = 0.01) -> float:
    """Return a weight that falls geometrically from `first` in step 0 to `last_share` of it in the last step."""
    if first == 0.0 or steps < 2:
        return first
    return first * math.exp(math.log(last_share) * step / (steps - 1))
