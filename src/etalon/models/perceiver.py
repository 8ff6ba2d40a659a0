"""`perceiver`: the published encoder. Learned latents read the points of a spectrum, wherever they were measured."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from etalon.models.attention import PointAttention, SelfAttentionBlock
from etalon.models.axis_encoding import MODALITY_NUMBER, AxisEncoding, log_quadrature, log_wavelength
from etalon.models.encoder import Encoder, GridBatch
from etalon.models.masked_decoder import ENCODING_SIZE, MaskedDecoder
from etalon.models.metadata_embedding import MetadataEmbedding

N_PATCHES, PATCH_SIZE = 32, 8
# Where the patches lie: unit, first, last; equal distances in that unit.
PATCH_RANGES = {0: ("nm", 350.0, 2500.0), 1: ("cm-1", 400.0, 4000.0), 2: ("cm-1", 100.0, 3600.0)}
RELATIVE_SD_FLOOR = 1e-6  # of the largest intensity: below lies the rounding of single precision


class Perceiver(Encoder):
    """Perceiver with a decoder queried by wavelength, for masked modelling.

    A point is a token: its intensity and the encoding of its log wavelength. M latents of width D read the points by
    cross-attention, in which each point counts as the length of axis it stands for: a smooth spectrum sampled twice as
    densely is the same to them. Latent self-attention follows. Every latent is then projected to a few numbers; these
    are both the embedding and all that the decoder sees.

    After Jaegle et al. 2021, Perceiver IO (arXiv:2107.14795), and He et al. 2022, Masked Autoencoders
    (arXiv:2111.06377). Departures: quadrature weights, the narrow embedding, metadata added to the latents.

    Parameters
    ----------
    width, latents, layers, heads : D, M, number of latent self-attention blocks, heads of each attention
    small : numbers a latent gives to the embedding
    checkpointing : recompute the latent blocks in the backward pass instead of storing them
    metadata : add what is known of a measurement to the latents; it may be absent
    """

    def __init__(
        self,
        width: int = 128,
        latents: int = 64,
        layers: int = 3,
        heads: int = 4,
        small: int = 4,
        checkpointing: bool = False,
        metadata: bool = False,
    ):
        super().__init__()
        self.checkpointing = checkpointing
        self.encoding = AxisEncoding(ENCODING_SIZE)
        self.latent_array = nn.Parameter(torch.randn(latents, width))
        self.modality = nn.Embedding(len(PATCH_RANGES), width)
        self.read = PointAttention(width, ENCODING_SIZE + 1, heads)
        self.layers = nn.ModuleList(SelfAttentionBlock(width, heads) for _ in range(layers))
        self.to_small = nn.Linear(width, small)
        self.decoder = MaskedDecoder(width, latents, heads, small, PATCH_SIZE)
        # Last, so that the weights of all other parts start as they do without it.
        self.metadata = MetadataEmbedding(width) if metadata else None
        self.blocks = {
            "learned": latents * small,
            "mean": width,
            "cls": width,
            "patches": N_PATCHES * PATCH_SIZE,
            "stats": 2,
        }

    def normalise(self, batch: GridBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return values, coordinates, log weights of the points: shapes (n, L), (L,), (L,), float32.

        Values are intensities less their mean, over their SD; both are integrals over ln(wavelength), so that they do
        not depend on the sampling. Coordinates are ln(nm).

        Raises
        ------
        NotRunError : only channel numbers are known
        """
        coordinates, log_weights = _points(batch)
        return _standardise(batch.intensities, log_weights)[0], coordinates, log_weights

    def latents(
        self,
        values: Tensor,
        coordinates: Tensor,
        log_weights: Tensor,
        modality: Tensor,
        categories: Tensor | None = None,
    ) -> Tensor:
        """Return the latents that have read the points, shape (B, M, D).

        Parameters
        ----------
        values : shape (B, P)
        coordinates, log_weights : shape (B, P), or (P,) for all alike; a weight of -inf hides a point
        modality : int64, shape (B,), see `MODALITY_NUMBER`
        categories : int64, shape (B, n_fields), see `etalon.models.metadata_embedding`; None where nothing is known
        """
        encoded = self.encoding(coordinates).expand(*values.shape, -1)
        points = torch.cat([values.unsqueeze(-1), encoded], dim=-1)  # (B, P, features)
        start = self.latent_array + self.modality(modality)[:, None]  # (B, M, D)
        if self.metadata is not None and categories is not None:
            start = start + self.metadata(categories)[:, None]
        latents = self.read(start, points, log_weights.expand_as(values))
        for layer in self.layers:
            if self.checkpointing and torch.is_grad_enabled():
                latents = checkpoint(layer, latents, use_reentrant=False)
            else:
                latents = layer(latents)
        return latents

    def small(self, latents: Tensor) -> Tensor:
        """Return the few numbers of every latent, concatenated, float32, shape (B, M * small)."""
        # The differences between specimens are small beside what they have in common: bfloat16 would round them off.
        with torch.autocast(latents.device.type, enabled=False):
            return self.to_small(latents.float()).flatten(1)

    def decode(self, small: Tensor, coordinates: Tensor) -> Tensor:
        """Return reconstructed normalised values, shape (B, Q), at coordinates in ln(nm), shape (B, Q) or (Q,)."""
        return self.decoder(small, coordinates)

    def forward(self, batch: GridBatch) -> dict[str, Tensor]:
        """Return the blocks ``learned``, ``mean`` and ``cls`` (mean of the latents, first latent), ``patches``
        (the decoder's state at fixed wavelengths, 0 where the spectrum was not measured), ``stats`` (mean, SD)."""
        coordinates, log_weights = _points(batch)
        values, mean, sd = _standardise(batch.intensities, log_weights)
        number = MODALITY_NUMBER[batch.modality]
        modality = torch.full((len(batch),), number, device=values.device)
        latents = self.latents(values, coordinates, log_weights, modality, batch.categories)
        small = self.small(latents)
        places = _patch_coordinates(number).to(coordinates)
        measured = (places >= coordinates.min()) & (places <= coordinates.max())
        return {
            "learned": small,
            "mean": latents.mean(dim=1),
            "cls": latents[:, 0],
            "patches": (self.decoder.states(small, places) * measured[:, None]).flatten(1),
            "stats": torch.cat([mean, sd], dim=1),
        }


def _points(batch: GridBatch) -> tuple[Tensor, Tensor]:
    coordinates = log_wavelength(batch.wavelengths, batch.modality, batch.axis_unit)
    return coordinates.float(), log_quadrature(coordinates).float()


def _standardise(intensities: Tensor, log_weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return standardised intensities, shape (n, L), their mean and SD, shape (n, 1)."""
    weights = log_weights.softmax(dim=0)
    mean = (intensities @ weights).unsqueeze(1)
    values = intensities - mean
    # Once more, for the rounding error of the first mean of a spectrum that is nearly constant.
    values = values - (values @ weights).unsqueeze(1)
    sd = (values.square() @ weights).sqrt().unsqueeze(1)
    floor = RELATIVE_SD_FLOOR * intensities.abs().amax(dim=1, keepdim=True)
    return values / torch.maximum(sd, floor).clamp_min(torch.finfo(torch.float32).tiny), mean, sd


def _patch_coordinates(modality: int) -> Tensor:
    unit, first, last = PATCH_RANGES[modality]
    places = torch.linspace(first, last, N_PATCHES, dtype=torch.float64)
    return (places if unit == "nm" else 1e7 / places).log()
