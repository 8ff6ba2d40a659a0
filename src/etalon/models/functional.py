"""The functional encoders: `fs`, fixed inner products with functions, and `fsnl`, a small transformer on top."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from etalon.errors import BadInputError
from etalon.models import function_space as fs
from etalon.models.attention import SelfAttentionBlock
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.encoder import Encoder, GridBatch
from etalon.models.metadata_embedding import MetadataEmbedding

N_TOKENS = 64
PER_TOKEN = fs.N_FUNCTIONS // N_TOKENS
N_INPUTS = 3 * PER_TOKEN
# Derivatives of SNV spectra over the width of a function are about a third of the spectra themselves.
DERIVATIVE_GAIN = 3.0


class FunctionSpace(Encoder):
    """`fs`: the fixed embedding of `etalon.models.function_space.embed`; it has no parameters.

    Raises
    ------
    BadInputError : a batch without AsLS baseline; a block of zeros would pass for a measured one
    NotRunError : only channel numbers are known
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks = dict.fromkeys(fs.BLOCKS, fs.N_FUNCTIONS)

    def forward(self, batch: GridBatch) -> dict[str, Tensor]:
        wavelengths = batch.wavelengths.numpy(force=True)
        fs.physical_axis(wavelengths, batch.modality, batch.axis_unit)  # no axis is the graver reason: it comes first
        if batch.baseline is None:
            raise BadInputError("fs", "baseline", "the AsLS baseline of every spectrum", "none")
        blocks = fs.embed(
            batch.intensities.numpy(force=True),
            batch.baseline.numpy(force=True),
            wavelengths,
            modality=batch.modality,
            axis_unit=batch.axis_unit,
        )
        device = batch.intensities.device
        return {name: torch.from_numpy(block.astype(np.float32)).to(device) for name, block in blocks.items()}


class LearnedFunctionSpace(Encoder):
    """`fsnl`: a transformer over 64 wavelength tokens of 4 neighbouring functions of `fs` each.

    A token holds, for each of its functions, that of the SNV spectrum, `DERIVATIVE_GAIN` times that of its first
    derivative, and the share of the function's area that was measured. Tokens without any measured function take no
    part. A linear layer reads `small` numbers from each token; they are concatenated, neither normalised nor pooled:
    the place of a number says which wavelengths it speaks of.

    Parameters
    ----------
    width : of a token; layers, heads : of the transformer; small : numbers read from each token
    metadata : add what is known of a measurement to every token; it may be absent
    """

    def __init__(self, width: int = 64, layers: int = 2, heads: int = 4, small: int = 4, metadata: bool = False):
        super().__init__()
        self.blocks = {"learned": N_TOKENS * small, "stats": 2}
        self.embedding = nn.Linear(N_INPUTS, width)
        # Each basis (nm, MIR, Raman) has places of its own. What a token holds has an SD of about 0.5 after embedding.
        self.position = nn.Parameter(0.1 * torch.randn(1 + max(MODALITY_NUMBER.values()), N_TOKENS, width))
        self.transformer = nn.ModuleList(SelfAttentionBlock(width, heads, expansion=3) for _ in range(layers))
        self.small = nn.Linear(width, small)
        self.corrected = nn.Linear(width, PER_TOKEN, bias=False)
        # Last, so that the weights of all other parts start as they do without it.
        self.metadata = MetadataEmbedding(width) if metadata else None

    def forward(self, batch: GridBatch) -> dict[str, Tensor]:
        inputs, covered = self.front(batch)
        if not covered.any():
            raise fs.out_of_range(batch.modality)
        # All spectra of a batch lack the same tokens: these are left out, which is the same as masking them.
        shown = self.embedding(inputs[:, covered]) + self.position[MODALITY_NUMBER[batch.modality], covered]
        shown = self._told(shown, batch.categories)
        for block in self.transformer:
            shown = block(shown)
        tokens = shown.new_zeros(len(batch), N_TOKENS, shown.shape[2])
        tokens[:, covered] = shown
        _, mean, sd = _moments(batch.intensities)
        return {"learned": self.read(tokens, covered), "stats": torch.cat([mean, sd], dim=1)}

    def front(self, batch: GridBatch) -> tuple[Tensor, Tensor]:
        """Return the inputs of the tokens, shape (n, 64, 12), and which tokens are measured, bool, shape (64,).

        Inputs are 4 functions of SNV, 4 of its derivative, 4 shares of area measured.
        """
        matrix, coverage = _grid(batch)
        values = _product(snv(batch.intensities), matrix).view(len(batch), 2, N_TOKENS, PER_TOKEN)
        shares = coverage.view(N_TOKENS, PER_TOKEN)
        inputs = torch.cat([values[:, 0], values[:, 1], shares.expand(len(batch), -1, -1)], dim=2)
        return inputs, shares.amax(dim=1) > 0

    def tokens(self, inputs: Tensor, modality: Tensor, categories: Tensor | None = None) -> Tensor:
        """Return the tokens after the transformer, shape (n, 64, width); 0 where not measured.

        Parameters
        ----------
        inputs : shape (n, 64, 12), see `front`; rows may come from different grids
        modality : int64, shape (n,), see `etalon.models.axis_encoding.MODALITY_NUMBER`
        categories : int64, shape (n, n_fields), see `etalon.models.metadata_embedding`; None where nothing is known
        """
        measured = inputs[..., -PER_TOKEN:].amax(dim=2) > 0  # (n, 64)
        x = self._told(self.embedding(inputs) + self.position[modality], categories)
        # Finite, so that a spectrum outside its basis gives zeros and not NaN.
        bias = torch.where(measured, 0.0, -1e4)[:, None, None, :].to(x.dtype)
        for block in self.transformer:
            x = block(x, bias)
        return x * measured[..., None]

    def _told(self, tokens: Tensor, categories: Tensor | None) -> Tensor:
        """Return the tokens, shape (n, n_tokens, width), with what is known of each spectrum added to all of them."""
        if self.metadata is None or categories is None:
            return tokens
        return tokens + self.metadata(categories)[:, None]

    def read(self, tokens: Tensor, covered: Tensor) -> Tensor:
        """Return the learned block, shape (n, 64 * small). `covered` : bool, shape (64,), see `front`."""
        with torch.autocast(tokens.device.type, enabled=False):
            return (self.small(tokens.float()) * covered[..., None]).flatten(1)

    def predict_asls(self, tokens: Tensor) -> Tensor:
        """Return the functions of the baseline-corrected spectrum as the tokens have them, shape (n, 256)."""
        return self.corrected(tokens).flatten(1)

    def asls_target(self, batch: GridBatch) -> Tensor:
        """Return the functions of the SNV of each spectrum less its AsLS baseline, shape (n, 256)."""
        if batch.baseline is None:
            raise BadInputError("fsnl", "baseline", "the AsLS baseline of every spectrum", "none")
        matrix, _ = _grid(batch)
        return _product(snv(batch.intensities - batch.baseline), matrix[:, : fs.N_FUNCTIONS])


def snv(spectra: Tensor) -> Tensor:
    """Return spectra less their mean over their SD, as the preprocessing of that name; 0 where a spectrum is flat."""
    centred, _, sd = _moments(spectra)
    return torch.where(sd > 0, centred / sd, 0.0)


def _moments(spectra: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return spectra less their mean, their mean, and their SD, the last two of shape (n, 1)."""
    mean = spectra.mean(dim=1, keepdim=True)
    centred = spectra - mean
    rest = centred.mean(dim=1, keepdim=True)  # what float32 left of a large mean
    centred = centred - rest
    return centred, mean + rest, centred.square().mean(dim=1, keepdim=True).sqrt()


def _product(spectra: Tensor, matrix: Tensor) -> Tensor:
    # What tells specimens apart may be a thousandth of the signal: no half precision here, nor in what is read out.
    with torch.autocast(spectra.device.type, enabled=False):
        return spectra @ matrix


def _grid(batch: GridBatch) -> tuple[Tensor, Tensor]:
    axis = batch.wavelengths.double().numpy(force=True)
    return _matrices(axis.tobytes(), batch.modality, batch.axis_unit, batch.intensities.device)


@lru_cache(maxsize=16)
def _matrices(wavelengths: bytes, modality: str, axis_unit: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the functions and their derivatives side by side, shape (L, 512), and the share of each measured."""
    axis = fs.physical_axis(np.frombuffer(wavelengths), modality, axis_unit)
    smooth, slope = fs.smooth_and_slope(axis, modality)
    with torch.inference_mode(False):  # what is first met while embedding may later be trained on
        matrix = torch.from_numpy(np.hstack([smooth, DERIVATIVE_GAIN * slope])).float().to(device)
        # A step wider than a function makes the sum exceed its area.
        return matrix, torch.from_numpy(smooth.sum(axis=0).clip(max=1.0)).float().to(device)
