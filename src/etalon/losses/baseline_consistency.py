"""The embedding of a spectrum and that of the spectrum less its baseline."""

import torch
from torch import Tensor

# A dimension that hardly differs between spectra must not outweigh all others; of the mean SD.
RELATIVE_SD_FLOOR = 0.01


def consistency(z_a: Tensor, z_b: Tensor) -> Tensor:
    r"""Return the distance between two embeddings of the same spectra, a scalar; 0 where they are equal.

    .. math:: L = \frac{1}{n d} \sum_{i,k} \left( \frac{z^a_{ik} - z^b_{ik}}{s_k} \right)^2

    s is the SD over the rows of both, and no gradient passes through it: shrinking an embedding gains nothing once the
    scale is taken anew.

    Parameters
    ----------
    z_a, z_b : shape (n, d), n at least 2: embeddings of spectra and of the same after AsLS
    """
    both = torch.stack([z_a, z_b]).detach()
    sd = both.var(dim=1).mean(dim=0).sqrt()  # (d,)
    floor = (RELATIVE_SD_FLOOR * sd.mean()).clamp_min(torch.finfo(sd.dtype).tiny)
    return ((z_a - z_b) / torch.maximum(sd, floor)).square().mean()
