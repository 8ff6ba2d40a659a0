"""Networks that say what has to be added to a spectrum of one instrument for it to be one of another."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from etalon.errors import BadInputError
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.encoder import GridBatch
from etalon.models.instrument_conditioning import instrument_of
from etalon.models.patch_transformer import PatchTransformer
from etalon.models.patches import cut, join, resampling_of

# Queries, keys, values and both linear maps of the MLPs.
ADAPTED = r"(merge|refine|layers\.\d+)\.(qkv|query|key_value|up|down)"
FILTERS, KERNEL = 16, 17
METHODS = ("lora", "full", "random_init", "cnn")


@dataclass(frozen=True)
class Correction:
    """What a network makes of spectra: what to add, and the logarithm of its error's variance; shape (B, points)."""

    added: Tensor
    log_variance: Tensor


class PatchCorrection(nn.Module):
    """A correction read from the finest tokens of a patch transformer. Nothing is added before it is trained.

    Parameters
    ----------
    backbone : taken over, not copied
    place : one spectrum on the grid of the pair, with the categories of the instrument that is corrected
    n_inputs : spectra stacked at the input; the backbone reads the first as any spectrum, the others start unnoticed
    dropout : share of features
    """

    def __init__(self, backbone: PatchTransformer, place: GridBatch, n_inputs: int, dropout: float):
        super().__init__()
        self.backbone, self.place = backbone, place
        backbone.dropout.p = dropout
        finest, width = backbone.scales[0][0], backbone.width
        further = n_inputs - 1
        self.further = nn.ModuleList(
            nn.Linear(further * length, width, bias=False) for length, _ in backbone.scales if further
        )
        self.head, self.noise = nn.Linear(width, finest), nn.Linear(width, finest)
        for layer in (*self.further, self.head, self.noise):
            nn.init.zeros_(layer.weight)
        for layer in (self.head, self.noise):
            nn.init.zeros_(layer.bias)

    def forward(self, inputs: Tensor) -> Correction:
        """Return the correction of spectra on the backbone's points, shape (B, n_inputs, points)."""
        backbone, n = self.backbone, len(inputs)
        first, rest = inputs[:, 0], inputs[:, 1:]
        pieces = zip(self.further, backbone.scales, strict=False)
        added = [layer(cut(rest, *scale).transpose(1, 2).flatten(2)) for layer, scale in pieces]
        coordinates = resampling_of(self.place, backbone.points).coordinates.expand(n, -1)
        modality = torch.full((n,), MODALITY_NUMBER[self.place.modality], device=inputs.device)
        told = instrument_of(self.place).expand(n, -1)
        _, finest = backbone.tokens(first, torch.ones_like(first), coordinates, modality, told, added or None)
        points, stride = backbone.points, backbone.scales[0][1]
        return Correction(join(self.head(finest), points, stride), join(self.noise(finest), points, stride))


class ConvolutionCorrection(nn.Module):
    """The control: three convolutions, told where on the axis they are. Nothing is added before it is trained."""

    def __init__(self, place: GridBatch, points: int, n_inputs: int, dropout: float):
        super().__init__()
        axis = resampling_of(place, points).coordinates
        self.register_buffer("position", (axis - axis.mean()) / axis.std(), persistent=False)
        last = nn.Conv1d(FILTERS, 2, KERNEL, padding="same")
        nn.init.zeros_(last.weight)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Conv1d(n_inputs + 1, FILTERS, KERNEL, padding="same"),
            nn.GELU(),
            nn.Conv1d(FILTERS, FILTERS, KERNEL, padding="same"),
            nn.GELU(),
            nn.Dropout(dropout),
            last,
        )

    def forward(self, inputs: Tensor) -> Correction:
        position = self.get_buffer("position").expand(len(inputs), 1, -1)
        added, log_variance = self.layers(torch.cat([inputs, position], dim=1)).unbind(dim=1)
        return Correction(added, log_variance)


def make_network(
    method: str, start: PatchTransformer, place: GridBatch, *, n_inputs: int, rank: int, dropout: float
) -> nn.Module:
    """Return an untrained correction.

    Parameters
    ----------
    method : "lora", low-rank additions of `rank` to attention and MLPs of `start`; "full", all its weights;
        "random_init", its architecture alone; "cnn", a convolutional network
    start : left as it is
    """
    if method not in METHODS:
        raise BadInputError("learned transfer", "network", f"one of {', '.join(METHODS)}", method)
    if method == "cnn":
        return ConvolutionCorrection(place, start.points, n_inputs, dropout)
    backbone = copy.deepcopy(start)
    if method == "random_init":
        reset(backbone)
    if method == "lora":
        adapt(backbone, rank)
    return PatchCorrection(backbone, place, n_inputs, dropout)


def untrained(model: PatchTransformer, seed: int) -> PatchTransformer:
    """Return a copy with random weights."""
    result = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reset(result)
    return result


def reset(backbone: PatchTransformer) -> None:
    """Give a backbone random weights, as before any training."""
    for module in backbone.modules():
        if isinstance(module, nn.Linear | nn.LayerNorm | nn.Embedding):
            module.reset_parameters()


def adapt(backbone: PatchTransformer, rank: int) -> None:
    r"""Freeze a backbone and add to its attention and MLP weights matrices :math:`2 B A` of rank `rank`.

    Hu et al. 2022, LoRA (arXiv:2106.09685), with alpha twice the rank. B starts at zero: nothing has changed yet.
    """
    from peft import LoraConfig, inject_adapter_in_model  # takes seconds to import

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=ADAPTED, bias="none")
    inject_adapter_in_model(config, backbone)
