"""`patches`: a transformer on overlapping patches of resampled spectra, at several lengths of patch at once."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from etalon.models.attention import SelfAttentionBlock
from etalon.models.axis_encoding import MODALITY_NUMBER, AxisEncoding
from etalon.models.encoder import Encoder, GridBatch
from etalon.models.functional import snv
from etalon.models.instrument_conditioning import InstrumentConditioning, instrument_of
from etalon.models.patches import count, cut, join, resampling_of

ENCODING_SIZE = 33
SCALES = ((16, 8), (64, 32), (128, 64))


class CrossAttentionBlock(nn.Module):
    """Tokens read others; normalised before each part, as `etalon.models.attention.SelfAttentionBlock`."""

    def __init__(self, width: int, heads: int, expansion: int = 2):
        super().__init__()
        self.heads = heads
        self.query_norm, self.context_norm, self.mlp_norm = (nn.LayerNorm(width) for _ in range(3))
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return tokens, shape (B, T, D) as given, with what they read of `context`, shape (B, S, D), added."""
        B, T, D = x.shape
        query = self.query(self.query_norm(x)).view(B, T, self.heads, -1).transpose(1, 2)
        key_value = self.key_value(self.context_norm(context)).view(B, context.shape[1], 2, self.heads, -1)
        key, value = key_value.permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.output(read.transpose(1, 2).reshape(B, T, D))
        return x + self.down(functional.gelu(self.up(self.mlp_norm(x)), approximate="tanh"))


class PatchTransformer(Encoder):
    """Transformer whose tokens are patches of a spectrum on `points` equally spaced points.

    The middle scale is the stream: its tokens read those of the other scales by cross-attention, pass through the
    self-attention layers together with a token of the domain ([NIR], [IR], [RAMAN]), and the tokens of the finest scale
    read the result. Every token knows the logarithm of its wavelength, which is that of its wavenumber but for the
    sign. There is no normalisation at the end: the tokens keep a linear path from the intensities.

    After Dosovitskiy et al. 2021 (arXiv:2010.11929), with scales joined as in Chen et al. 2021, CrossViT
    (arXiv:2103.14899).

    Parameters
    ----------
    points : of the resampled spectrum
    scales : lengths and strides of patches, in points, finest first; a single one is its own stream
    width, layers, heads : of the transformer
    small : numbers that a token of the stream gives to the embedding
    domain, film : whether there are domain tokens and instrument conditioning

    Attributes
    ----------
    dropout : of what a layer gives; its share is 0 until someone sets it
    """

    def __init__(
        self,
        points: int = 2048,
        scales: Sequence[Sequence[int]] = SCALES,
        width: int = 256,
        layers: int = 6,
        heads: int = 8,
        small: int = 4,
        domain: bool = True,
        film: bool = True,
    ):
        super().__init__()
        self.points, self.scales, self.width = points, [(int(length), int(stride)) for length, stride in scales], width
        self.middle = len(self.scales) // 2
        n_tokens = count(points, *self.scales[self.middle])
        self.blocks = {"learned": n_tokens * small, "stats": 2}
        self.encoding = AxisEncoding(ENCODING_SIZE)
        # A token sees the values of its patch and which of them are shown.
        self.embeddings = nn.ModuleList(nn.Linear(2 * length, width) for length, _ in self.scales)
        self.places = nn.ModuleList(nn.Linear(ENCODING_SIZE, width) for _ in self.scales)
        several = len(self.scales) > 1
        self.merge = CrossAttentionBlock(width, heads) if several else None
        self.layers = nn.ModuleList(SelfAttentionBlock(width, heads) for _ in range(layers))
        self.refine = CrossAttentionBlock(width, heads) if several else None
        self.dropout = nn.Dropout(0.0)
        self.to_small = nn.Linear(width, small)
        self.to_patch = nn.Linear(width, self.scales[0][0])
        self.domain = nn.Embedding(1 + max(MODALITY_NUMBER.values()), width) if domain else None
        self.film = InstrumentConditioning(width, layers) if film else None

    def forward(self, batch: GridBatch) -> dict[str, Tensor]:
        resampling = resampling_of(batch, self.points)
        values = snv(resampling.apply(batch.intensities))
        modality = torch.full((len(batch),), MODALITY_NUMBER[batch.modality], device=values.device)
        coordinates = resampling.coordinates.expand(len(batch), -1)
        stream, _ = self.tokens(values, torch.ones_like(values), coordinates, modality, instrument_of(batch))
        with torch.autocast(values.device.type, enabled=False):
            small = self.to_small(stream.float()).flatten(1)
        mean, sd = batch.intensities.mean(dim=1), batch.intensities.std(dim=1, correction=0)
        return {"learned": small, "stats": torch.stack([mean, sd], dim=1)}

    def tokens(
        self,
        values: Tensor,
        shown: Tensor,
        coordinates: Tensor,
        modality: Tensor,
        instrument: Tensor,
        added: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the stream, shape (B, T, D), and the tokens of the finest scale, shape (B, T_fine, D).

        Parameters
        ----------
        values : shape (B, points), about 1 in size; shown : the same, 1 where a value is shown and 0 where it is hidden
        coordinates : ln of the wavelength in nm, shape (B, points)
        modality : int64, shape (B,), see `etalon.models.axis_encoding.MODALITY_NUMBER`
        instrument : see `etalon.models.instrument_conditioning.instrument_of`, shape (B, ...)
        added : to the embeddings of each scale, shape (B, T_scale, D)
        """
        shown_values = torch.stack([values * shown, shown], dim=1)  # (B, 2, points)
        embedded = []
        for number, (length, stride) in enumerate(self.scales):
            patches = cut(shown_values, length, stride).transpose(1, 2).flatten(2)  # (B, T, 2 length)
            centres = cut(coordinates, length, stride).mean(dim=-1)
            token = self.embeddings[number](patches) + self.places[number](self.encoding(centres))
            embedded.append(token if added is None else token + added[number])
        stream, finest = embedded[self.middle], embedded[0]
        if self.merge is not None:
            others = [token for number, token in enumerate(embedded) if number != self.middle]
            stream = self.merge(stream, torch.cat(others, dim=1))
        stream = self._layers(stream, modality, instrument)
        if self.refine is None:
            return stream, stream
        return stream, self.dropout(self.refine(finest, stream))

    def _layers(self, stream: Tensor, modality: Tensor, instrument: Tensor) -> Tensor:
        first = 0
        if self.domain is not None:
            stream, first = torch.cat([self.domain(modality)[:, None], stream], dim=1), 1
        film = None if self.film is None else self.film(instrument)
        for number, layer in enumerate(self.layers):
            stream = layer(stream)
            if film is not None:
                scale, shift = film[number]
                stream = stream * (1.0 + scale) + shift
            stream = self.dropout(stream)
        return stream[:, first:]

    def reconstruct(self, finest: Tensor) -> Tensor:
        """Return values, shape (B, points), as the tokens of the finest scale have them."""
        return join(self.to_patch(finest), self.points, self.scales[0][1])
