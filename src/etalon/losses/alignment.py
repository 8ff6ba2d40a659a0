"""Latents of one modality held near those of another, where both measured the same specimen."""

from torch import Tensor


def alignment(of_nir: Tensor, of_mir: Tensor, spread: Tensor) -> Tensor:
    r"""Return the distance of NIR latents from the MIR latents of the same specimens; shape (B,).

    .. math:: \frac{1}{K} \sum_k \left( \frac{z_{bk} - \mu_{bk}}{s_k} \right)^2

    The regularisation of the NIR encoder in arXiv:2511.15965, whose exact form is not published; ours is this. It acts
    early, when the reconstruction through the decoder says little of where the latents should go, and decays.

    Parameters
    ----------
    of_nir, of_mir : shape (B, K), latents from NIR spectra and posterior means from MIR spectra
    spread : shape (K,), standard deviation of the MIR latents over the training specimens, above zero
    """
    return ((of_nir - of_mir) / spread).square().mean(dim=1)
