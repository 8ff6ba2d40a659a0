"""Two views of a spectrum should be told from other spectra of the group."""

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(z_a: Tensor, z_b: Tensor, temperature: float = 0.1) -> Tensor:
    r"""Return InfoNCE, a scalar, symmetric in its arguments.

    .. math:: L = -\frac{1}{2n} \sum_i \left[ \log \frac{e^{s_{ii}/\tau}}{\sum_j e^{s_{ij}/\tau}}
              + \log \frac{e^{s_{ii}/\tau}}{\sum_j e^{s_{ji}/\tau}} \right]

    with s the cosine of row i of `z_a` and row j of `z_b`. van den Oord et al. 2018 (arXiv:1807.03748), in the form of
    Radford et al. 2021 (arXiv:2103.00020). Negatives are the other spectra of the group: those of one dataset, so that
    it does not pay to tell datasets apart.

    Parameters
    ----------
    z_a, z_b : shape (n, d), two views of the same n spectra, in the same order
    temperature : τ, above 0
    """
    cosines = functional.normalize(z_a, dim=1) @ functional.normalize(z_b, dim=1).T / temperature
    own = torch.arange(len(cosines), device=cosines.device)
    return 0.5 * (functional.cross_entropy(cosines, own) + functional.cross_entropy(cosines.T, own))
