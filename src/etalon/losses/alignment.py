"""Latents of one modality held near those of another, where both measured the same specimen."""

from torch import Tensor


def alignment(of_nir: Tensor, of_mir: Tensor) -> Tensor:
    r"""Return the distance of NIR latents from the MIR latents of the same specimens; shape (B,).

    .. math:: \frac{1}{K} \sum_k (z_{bk} - \mu_{bk})^2

    The regularisation of the NIR encoder in arXiv:2511.15965, whose exact form is not published; ours is this. It acts
    early, when the reconstruction through the decoder says little of where the latents should go, and decays. Latents
    are not scaled: those that carry something have a spread of about 1, the prior's; others deserve no weight.

    Parameters
    ----------
    of_nir, of_mir : shape (B, K), latents from NIR spectra and posterior means from MIR spectra
    """
    return (of_nir - of_mir).square().mean(dim=1)
