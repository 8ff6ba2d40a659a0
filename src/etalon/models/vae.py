"""A variational autoencoder of spectra on one fixed grid."""

import torch
from torch import Tensor, nn

from etalon.errors import BadInputError


class Tower(nn.Module):
    """A linear map plus a small perceptron of the same inputs.

    Mixing is nearly linear in absorbance, so that the linear path does most of the work from the first step on; the
    perceptron adds saturation, scatter and specular reflection.

    Parameters
    ----------
    n_inputs, n_outputs : widths of input and output; width, layers : of the hidden layers
    """

    def __init__(self, n_inputs: int, n_outputs: int, width: int, layers: int, dropout: float = 0.0):
        super().__init__()
        if layers < 1:
            raise BadInputError("tower", "layers", "at least 1", layers)
        self.linear = nn.Linear(n_inputs, n_outputs)
        hidden: list[nn.Module] = []
        for number in range(layers):
            hidden += [nn.Linear(width if number else n_inputs, width), nn.GELU(), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*hidden)
        self.last = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (n, n_outputs)."""
        return self.linear(x) + self.last(self.hidden(x))


class VAE(nn.Module):
    """Variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114) of spectra after SNV on a fixed grid.

    Parameters
    ----------
    n_channels : channels of the grid; latents : K
    width, layers : hidden layers of encoder and decoder, each with a linear path beside (`Tower`)

    Attributes
    ----------
    centre : shape (n_channels,), the mean spectrum of the training scans (`fit_centre`); a latent of zeros decodes to
        about this
    """

    centre: Tensor

    def __init__(self, n_channels: int, latents: int = 32, width: int = 256, layers: int = 2):
        super().__init__()
        if not 1 <= latents <= n_channels:
            raise BadInputError("VAE", "latents", f"1 to {n_channels}, the number of channels", latents)
        self.n_channels, self.latents = n_channels, latents
        self.encoder = Tower(n_channels, 2 * latents, width, layers)
        self.decoder = Tower(latents, n_channels, width, layers)
        self.register_buffer("centre", torch.zeros(n_channels))

    def fit_centre(self, spectra: Tensor) -> None:
        """Take the mean of the training scans, shape (n, n_channels), as `centre`."""
        self.centre.copy_(spectra.mean(dim=0))

    @torch.no_grad()
    def start_linear(self, spectra: Tensor, noise_sd: float) -> None:
        """Start as the probabilistic principal components of the training scans, shape (n, n_channels).

        That is where a VAE without its perceptrons would end (Lucas et al. 2019, Don't Blame the ELBO!,
        arXiv:1911.02469), so that training begins from what linear algebra can do. The perceptrons add nothing yet.

        Parameters
        ----------
        noise_sd : of the decoder, in the units of the spectra
        """
        self.fit_centre(spectra)
        if len(spectra) <= self.latents:
            raise BadInputError("VAE", "spectra", f"more than {self.latents} scans, the latents", len(spectra))
        _, values, axes = torch.linalg.svd((spectra - self.centre).double(), full_matrices=False)
        sd = values[: self.latents] / (len(spectra) - 1) ** 0.5
        kept = (sd**2 - noise_sd**2).clamp_min(1e-8)  # what the noise of the decoder leaves of each component
        # Posterior of pPCA: mean W'(x - centre) / sd^2 with W = U sqrt(kept), variance noise^2 / sd^2.
        towards = axes[: self.latents] * kept.sqrt()[:, None]
        for tower in (self.encoder, self.decoder):
            for layer in (tower.linear, tower.last):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
        self.encoder.linear.weight[: self.latents] = (towards / sd[:, None] ** 2).float()
        self.encoder.linear.bias[self.latents :] = (noise_sd / sd).clamp(max=1.0).log().mul(2.0).float()
        self.decoder.linear.weight.copy_(towards.T)

    def encode(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the latents, shape (n, latents) each, of spectra, shape (n, n_channels)."""
        if spectra.shape[1] != self.n_channels:
            raise BadInputError("VAE", "spectra", f"{self.n_channels} channels", spectra.shape[1])
        mean, logvar = self.encoder(spectra - self.centre).chunk(2, dim=1)
        # A posterior a thousand times narrower or wider than the prior is an accident of the first steps.
        return mean, logvar.clamp(-14.0, 4.0)

    def decode(self, latents: Tensor) -> Tensor:
        """Return spectra, shape (n, n_channels), of latents, shape (n, latents)."""
        return self.centre + self.decoder(latents)

    def forward(self, spectra: Tensor) -> Tensor:
        """Return the spectra as the means of their latents decode, shape (n, n_channels)."""
        return self.decode(self.encode(spectra)[0])
