r"""Where a patch transformer looks, against where functional groups absorb.

Attention received by a token: the mean over queries, heads, layers and spectra of the softmax weights that it is
given, over the mean of its scale, so that 1 is no preference. The tokens of a scale cover the axis evenly, so they can
be laid beside a table of bands. The null: the same attention moved along the axis, end around (any smooth preference
has as good a chance to meet bands there), and a network of random weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.transfer import Row
from etalon.models.attention import SelfAttentionBlock
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.encoder import GridBatch
from etalon.models.functional import snv
from etalon.models.instrument_conditioning import instrument_of
from etalon.models.metadata_embedding import categories_of
from etalon.models.patch_transformer import PatchTransformer
from etalon.models.patches import count, cut, resampling_of
from etalon.synthesis.bands import COMPONENTS
from etalon.synthesis.mid_infrared import LINES

# Functional groups by how the tables' assignments name them; the first that is found counts.
GROUPS = {
    "N-H": ("N-H", "amide"),
    "C=O": ("C=O",),
    "O-H": ("O-H", "v1", "v2", "bending"),
    "C-H": ("C-H", "CH"),
    "C-O": ("C-O",),
}
# Of the strongest band of the same substance on the axis: fainter ones cannot be seen beside it.
FAINTEST_SHARE = 0.15
LEVEL = 0.95


@dataclass(frozen=True)
class Place:
    """A band: its functional group, centre and full width at half maximum, on the stored axis (nm)."""

    group: str
    centre: float
    fwhm: float


def known_bands(substances: Sequence[str], modality: str, axis: np.ndarray) -> list[Place]:
    """Return the strong bands of substances within an axis (nm, shape (L,)).

    Raises
    ------
    NotRunError : no band, or a modality without a table
    """
    if modality == "raman":
        raise NotRunError("no table of Raman bands")
    found = []
    for name in substances:
        own = [(p, height) for p, height in _table(name, modality) if axis[0] <= p.centre <= axis[-1]]
        strongest = max((height for _, height in own), default=0.0)
        found += [place for place, height in own if place.group and height >= FAINTEST_SHARE * strongest]
    if not found:
        raise NotRunError("no known band within the axis")
    # Bands that substances have in common stand once, as wide as the widest.
    widest = {(place.group, place.centre): place for place in sorted(found, key=lambda place: place.fwhm)}
    return sorted(widest.values(), key=lambda place: place.centre)


def _table(substance: str, modality: str) -> Iterator[tuple[Place, float]]:
    if modality == "mir":
        for line in LINES[substance]:
            centre = 1e7 / line.position
            yield Place(_group(line.assignment), centre, centre * line.fwhm / line.position), line.height
    else:
        for band in COMPONENTS[substance]:
            yield Place(_group(band.assignment), band.centre_nm, band.fwhm_nm), band.height


def _group(assignment: str) -> str:
    return next((name for name, words in GROUPS.items() if any(word in assignment for word in words)), "")


@dataclass(frozen=True)
class Received:
    """Attention that the tokens of one scale get: centres on the stored axis, in order, and attention, shape (T,)."""

    centres: np.ndarray
    attention: np.ndarray


@torch.no_grad()
def received_attention(model: PatchTransformer, spectra: SpectraSet, rows: np.ndarray) -> dict[str, Received]:
    """Return the attention that tokens get, by scale: "stream", and "finest" where there are several scales.

    The stream's tokens talk to one another in the self-attention layers; the token of the domain takes part, but is no
    place on the axis. Those of the finest scale are read by the stream before its layers.
    """
    about = spectra.metadata
    device = next(model.parameters()).device
    batch = GridBatch(
        torch.tensor(spectra.intensities[rows], dtype=torch.float32, device=device),
        torch.tensor(spectra.wavelengths, dtype=torch.float64, device=device),
        about.modality,
        about.axis_unit,
        None,
        categories_of(about).repeat(len(rows), 1).to(device),
    )
    resampling = resampling_of(batch, model.points)
    values = snv(resampling.apply(batch.intensities))
    modality = torch.full((len(rows),), MODALITY_NUMBER[about.modality], device=device)
    projected: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, given: object, out: Tensor) -> None:
        projected[module] = out

    layers = [layer for layer in model.layers if isinstance(layer, SelfAttentionBlock)]
    blocks = [layer.qkv for layer in layers]
    if model.merge is not None:
        blocks += [model.merge.query, model.merge.key_value]
    hooks = [block.register_forward_hook(keep) for block in blocks]
    try:
        coordinates = resampling.coordinates.expand(len(rows), -1)
        model.tokens(values, torch.ones_like(values), coordinates, modality, instrument_of(batch))
    finally:
        for hook in hooks:
            hook.remove()
    first = 0 if model.domain is None else 1
    each = []
    for layer in layers:
        query, key, _ = projected[layer.qkv].chunk(3, dim=-1)
        each.append(_received(query, key, layer.heads)[first:])
    found = {"stream": (model.middle, torch.stack(each).mean(dim=0))}
    if model.merge is not None:
        key, _ = projected[model.merge.key_value].chunk(2, dim=-1)
        finest = count(model.points, *model.scales[0])
        found["finest"] = (0, _received(projected[model.merge.query], key, model.merge.heads)[:finest])
    return {name: _in_order(resampling.axis, model.scales[scale], got) for name, (scale, got) in found.items()}


def _received(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """Return the attention that each key gets, shape (S,), of queries, shape (B, T, D), and keys, shape (B, S, D)."""
    query, key = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (query, key))
    weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(dim=-1)  # (B, heads, T, S)
    return weights.mean(dim=(0, 1, 2))


def _in_order(axis: Tensor, scale: tuple[int, int], attention: Tensor) -> Received:
    centres = cut(axis[None], *scale).mean(dim=-1)[0].double().numpy(force=True)
    order = np.argsort(centres)
    got = attention.double().numpy(force=True)[order]
    return Received(centres[order], got / got.mean())


def enrichment(attention: np.ndarray, inside: np.ndarray) -> float:
    """Return the mean attention of tokens inside bands over that of all others, shape (T,) each; NaN without either."""
    if inside.all() or not inside.any():
        return float("nan")
    return float(attention[inside].mean() / attention[~inside].mean())


def moved(attention: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the enrichment of the attention moved along the axis, end around, by every number of tokens but none."""
    return np.array([enrichment(np.roll(attention, k), inside) for k in range(1, len(attention))])


def covered(centres: np.ndarray, bands: Sequence[Place]) -> np.ndarray:
    """Return which tokens have their centre within half a width of a band, bool, shape (T,)."""
    inside = np.zeros(len(centres), dtype=bool)
    for band in bands:
        inside |= np.abs(centres - band.centre) <= 0.5 * band.fwhm
    return inside


def attention_rows(
    models: Mapping[str, PatchTransformer], spectra: SpectraSet, settings: Mapping[str, Any], rows: np.ndarray
) -> list[Row]:
    """Return the attention along the axis, where bands are, and how far both agree, by variant.

    Parameters
    ----------
    models : by variant; settings : "substances" of the set
    rows : of the set, which are shown

    Returns
    -------
    rows with condition "band" (metric "fwhm" at the centre, `target` the group), and of each scale, the method:
    "profile" (metric "attention" at amplitude, the place on the axis) and "enrichment" (by group in `target`, "all" for
    any; metrics "enrichment", "enrichment_low" and "enrichment_high", between which 95 % of moved attention lies, and
    "p", the share of moved attention that agrees as well or better)
    """
    axis, modality = spectra.wavelengths, spectra.metadata.modality
    bands = known_bands(settings["substances"], modality, axis)
    result: list[Row] = [
        {
            "method": "table",
            "target": b.group,
            "condition": "band",
            "amplitude": b.centre,
            "metric": "fwhm",
            "value": b.fwhm,
        }
        for b in bands
    ]
    groups = {"all": bands} | {name: [b for b in bands if b.group == name] for name in GROUPS}
    for variant, model in models.items():
        for scale, found in received_attention(model, spectra, rows).items():
            result += [{"method": scale, "variant": variant} | row for row in _agreement(found, groups)]
    return [row | {"status": "ok", "amplitude_unit": "cm-1" if modality == "raman" else "nm"} for row in result]


def _agreement(found: Received, groups: Mapping[str, Sequence[Place]]) -> Iterator[Row]:
    """Yield the attention of one scale along the axis, and how far it agrees with the bands of each group."""
    for x, value in zip(found.centres, found.attention, strict=True):
        yield {"condition": "profile", "amplitude": float(x), "metric": "attention", "value": float(value)}
    for group, bands in groups.items():
        inside = covered(found.centres, bands)
        value = enrichment(found.attention, inside)
        if not np.isfinite(value):
            continue
        null = moved(found.attention, inside)
        low, high = np.quantile(null, [0.5 * (1 - LEVEL), 0.5 * (1 + LEVEL)])
        numbers = {"enrichment": value, "enrichment_low": low, "enrichment_high": high}
        numbers["p"] = (1 + np.sum(null >= value)) / (1 + len(null))
        place: Row = {"target": group, "condition": "enrichment", "amplitude": float(inside.sum())}
        yield from (place | {"metric": name, "value": float(number)} for name, number in numbers.items())
