"""Regions of a resampled spectrum that are hidden: anywhere, in one stretch, or where its bands are."""

import torch
from torch import Tensor

from etalon.augment.masking import block_mask
from etalon.losses.spectral import prominence

KINDS = ("random", "contiguous", "peaks")
REGION = 16  # points: hidden or shown together
STRETCHES = 2


def region_mask(spectra: Tensor, share: float, kind: str, generator: torch.Generator) -> Tensor:
    """Return bool, shape (n, P), True where a point is hidden; the number of hidden points is that of `share`.

    ``random`` hides regions of `REGION` points anywhere, ``peaks`` draws them with a probability in proportion to the
    prominence of what lies there, ``contiguous`` hides `STRETCHES` stretches. At least one region is hidden and one is
    shown.

    Parameters
    ----------
    spectra : shape (n, P); share : of the points, between 0 and 1; kind : one of `KINDS`
    generator : on the CPU
    """
    n, points = spectra.shape
    if kind == "contiguous":
        return block_mask(
            n, torch.arange(points, device=spectra.device, dtype=torch.float64), share, generator, STRETCHES
        )
    number = torch.arange(points, device=spectra.device) // REGION
    n_regions = int(number[-1]) + 1
    hidden = min(max(round(share * n_regions), 1), n_regions - 1)
    # The largest of log weights with Gumbel noise are a draw without replacement (Kool et al. 2019, arXiv:1903.06059).
    uniform = torch.rand((n, n_regions), generator=generator).clamp(1e-9, 1 - 1e-7)
    keys = -(-uniform.log()).log().to(spectra)
    if kind == "peaks":
        weight = torch.zeros_like(keys).index_add_(1, number, prominence(spectra))
        keys = keys + weight.clamp_min(torch.finfo(weight.dtype).tiny).log()
    chosen = keys.topk(hidden, dim=1).indices
    regions = torch.zeros_like(keys, dtype=torch.bool).scatter_(1, chosen, True)
    return regions[:, number]
