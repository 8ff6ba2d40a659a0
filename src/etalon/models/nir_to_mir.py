"""From NIR spectra to MIR spectra, through the decoder of an autoencoder that knows what MIR spectra look like."""

import copy

import torch
from torch import Tensor, nn

from etalon.errors import BadInputError
from etalon.models.vae import VAE, Tower


class NIRToMIR(nn.Module):
    """An encoder of NIR spectra whose latents are those of a MIR autoencoder; its decoder makes MIR spectra of them.

    After arXiv:2511.15965. The decoder is a copy of the autoencoder's. While it is frozen (`unfrozen=False`) no
    optimiser can move it: its parameters ask for no gradient.

    Parameters
    ----------
    n_channels : channels of the NIR grid; vae : the trained autoencoder
    width, layers, dropout : of the NIR encoder
    unfrozen : let the decoder be trained as well, the ablation
    """

    centre: Tensor

    def __init__(
        self, n_channels: int, vae: VAE, width: int = 128, layers: int = 1, dropout: float = 0.0, unfrozen: bool = False
    ):
        super().__init__()
        self.n_channels = n_channels
        self.encoder = Tower(n_channels, vae.latents, width, layers, dropout)
        self.register_buffer("centre", torch.zeros(n_channels))
        self.mir = copy.deepcopy(vae).requires_grad_(False)
        self.mir.decoder.requires_grad_(unfrozen)

    def fit_centre(self, spectra: Tensor) -> None:
        """Take the mean of the NIR training spectra, shape (n, n_channels), as the centre of the encoder's input."""
        self.centre.copy_(spectra.mean(dim=0))

    def encode(self, spectra: Tensor) -> Tensor:
        """Return latents, shape (n, latents), of NIR spectra after SNV, shape (n, n_channels)."""
        if spectra.shape[1] != self.n_channels:
            raise BadInputError("NIRToMIR", "spectra", f"{self.n_channels} channels", spectra.shape[1])
        return self.encoder(spectra - self.centre)

    def forward(self, spectra: Tensor) -> Tensor:
        """Return converted MIR spectra, shape (n, vae.n_channels)."""
        return self.mir.decode(self.encode(spectra))
