"""The patch transformer: resampling there and back, overlapping patches, what it is told, what its ablations leave."""

import numpy as np
import pytest
import torch

from etalon.errors import NotRunError
from etalon.models.encoder import GridBatch, embed_grid
from etalon.models.instrument_conditioning import instrument_of
from etalon.models.patch_transformer import PatchTransformer
from etalon.models.patches import cut, join, resampling_of

SIZE = {"points": 256, "width": 16, "layers": 2, "heads": 2}


def batch(modality="nir", unit="nm", axis=None, n=3, categories=None):
    axis = torch.linspace(1100, 2500, 700, dtype=torch.float64) if axis is None else axis
    x = torch.sin(axis.float() / 90.0) + 0.1 * torch.randn(n, 1, generator=torch.Generator().manual_seed(0))
    return GridBatch(x * torch.linspace(1, 1.2, n)[:, None], axis, modality, unit, None, categories)


def test_resampling_goes_there_and_back():
    one = batch()
    resampling = resampling_of(one, 2048)
    again = resampling.back(resampling.apply(one.intensities))
    assert (again - one.intensities).abs().max() < 2e-3
    line = one.wavelengths.float().expand(1, -1)
    torch.testing.assert_close(resampling.apply(line)[0], resampling.axis.float(), rtol=1e-5, atol=0.05)


def test_points_are_even_in_wavenumber_where_the_modality_is_seen_in_wavenumbers():
    axis = torch.from_numpy(np.sort(1e7 / np.linspace(4000, 600, 900)))
    resampling = resampling_of(batch("mir", axis=axis), 512)
    steps = np.diff(1e7 / resampling.axis.numpy())
    np.testing.assert_allclose(steps, steps[0], rtol=0.01)
    assert bool((resampling.axis.diff() > 0).all())
    with pytest.raises(NotRunError, match="no wavelength axis"):
        resampling_of(batch(unit="index", axis=torch.arange(300.0).double()), 512)


@pytest.mark.parametrize(("length", "stride"), [(16, 8), (64, 32), (128, 64), (32, 16), (16, 16)])
def test_joined_patches_are_the_spectrum(length, stride):
    x = torch.randn(2, 256)
    torch.testing.assert_close(join(cut(x, length, stride), 256, stride), x, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("change", [{}, {"scales": [[32, 16]]}, {"domain": False}, {"film": False}])
def test_every_ablation_embeds_and_learns_in_all_its_parts(change):
    torch.manual_seed(0)
    model = PatchTransformer(**SIZE | change)
    one = batch(n=4)
    blocks = model(one)
    assert {name: block.shape[1] for name, block in blocks.items()} == model.blocks
    values = torch.randn(4, 256)
    place = (torch.linspace(7, 7.8, 256).expand(4, -1), torch.tensor([0, 0, 1, 2]), instrument_of(one))
    stream, finest = model.tokens(values, torch.ones_like(values), *place)
    (model.reconstruct(finest).square().sum() + model.to_small(stream).square().sum()).backward()
    # FiLM begins at no effect: what feeds it gets its first gradient a step later.
    late = {"film.table.weight", "film.resolution.weight"}
    dead = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert dead <= late
    assert model.blocks["learned"] == 4 * (15 if change.get("scales") else 7)


def test_an_embedding_is_that_of_the_spectrum_alone_and_ignores_gain_and_offset():
    torch.manual_seed(0)
    model, one = PatchTransformer(**SIZE).eval(), batch()
    blocks = embed_grid(model, one)
    np.testing.assert_allclose(embed_grid(model, one.rows(slice(1, 2)))["learned"][0], blocks["learned"][1], atol=1e-5)
    moved = GridBatch(1.7 * one.intensities + 0.4, one.wavelengths, "nir", "nm")
    np.testing.assert_allclose(embed_grid(model, moved)["learned"], blocks["learned"], atol=1e-4)


def test_hidden_values_are_not_seen_on_any_scale():
    torch.manual_seed(0)
    model = PatchTransformer(**SIZE).eval()
    shown = torch.ones(1, 256)
    shown[:, 40:90] = 0
    values = torch.randn(1, 256)
    other = torch.where(shown > 0, values, values + 5.0)
    place = (torch.linspace(7, 7.8, 256)[None], torch.zeros(1, dtype=torch.int64), instrument_of(batch(n=1)))
    for found, again in zip(model.tokens(values, shown, *place), model.tokens(other, shown, *place), strict=True):
        torch.testing.assert_close(found, again, rtol=0, atol=0)


def test_the_instrument_matters_once_learned_and_need_not_be_known():
    torch.manual_seed(0)
    model = PatchTransformer(**SIZE).eval()
    values = torch.randn(2, 256)
    told = torch.tensor([[1.0, 2.0, 0.0, -6.0], [0.0, 0.0, 0.0, torch.nan]])
    place = (torch.linspace(7, 7.8, 256).expand(2, -1), torch.zeros(2, dtype=torch.int64))

    def streams():
        return model.tokens(values[:1].expand(2, -1), torch.ones_like(values), *place, told)[0]

    first = streams()
    torch.testing.assert_close(first[0], first[1])
    torch.nn.init.normal_(model.film.film.weight)
    second = streams()
    assert (second[0] - second[1]).abs().max() > 0.01
    torch.testing.assert_close(second[1], first[1])  # of an unknown instrument nothing is said
