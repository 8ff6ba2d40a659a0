"""perceiver: what no training may change about it."""

import math
from dataclasses import replace

import pytest
import torch

from etalon.contracts import REPRESENTATIONS, Metadata
from etalon.errors import NotRunError
from etalon.losses.masked import masked_error
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.encoder import GridBatch, embed_grid
from etalon.models.metadata_embedding import FIELDS, MetadataEmbedding, categories_of
from etalon.models.perceiver import Perceiver

AXES = {
    "nir": (torch.linspace(1000, 2500, 301, dtype=torch.float64), "nm"),
    "visnir": (torch.linspace(350, 2500, 801, dtype=torch.float64), "nm"),
    "mir": (1e7 / torch.linspace(4000, 600, 851, dtype=torch.float64), "nm"),
    "raman": (torch.linspace(200, 3200, 1501, dtype=torch.float64), "cm-1"),
}


def perceiver(seed: int = 0, **options) -> Perceiver:
    torch.manual_seed(seed)
    return Perceiver(**{"width": 32, "latents": 12, "layers": 2} | options)


def batch(modality: str = "nir", n: int = 12, axis: torch.Tensor | None = None, seed: int = 1) -> GridBatch:
    """Smooth spectra: broad bands on an offset, at the same places of the axis however it is sampled."""
    default, unit = AXES[modality]
    axis = default if axis is None else axis
    place = (axis.log() - axis[0].log()) / (axis[-1] / axis[0]).log()
    generator = torch.Generator().manual_seed(seed)
    centres, widths, heights = torch.rand(3, n, 8, 1, generator=generator, dtype=torch.float64)
    bands = heights * torch.exp(-0.5 * ((place - centres) / (0.03 + 0.05 * widths)) ** 2)
    return GridBatch((0.4 + bands.sum(dim=1)).float(), axis, modality, unit)


def points(model: Perceiver, spectra: GridBatch):
    values, coordinates, log_weights = model.normalise(spectra)
    modality = torch.full((len(spectra),), MODALITY_NUMBER[spectra.modality])
    return values, coordinates, log_weights, modality


@pytest.mark.parametrize("modality", AXES)
def test_every_modality_gives_every_block(modality):
    model = perceiver()
    blocks = embed_grid(model, batch(modality))
    assert {name: block.shape for name, block in blocks.items()} == {k: (12, size) for k, size in model.blocks.items()}
    for block in blocks.values():
        assert torch.isfinite(torch.tensor(block)).all()
        assert (block.std(axis=0).max()) > 1e-3  # spectra are told apart


@pytest.mark.parametrize("modality", AXES)
@pytest.mark.parametrize("seed", [0, 1])
def test_twice_the_sampling_of_a_spectrum_changes_nothing(modality, seed):
    axis = AXES[modality][0]
    doubled = torch.cat([axis, (axis[1:] + axis[:-1]) / 2]).sort().values
    model = perceiver(seed, width=64, latents=32)
    once, twice = embed_grid(model, batch(modality)), embed_grid(model, batch(modality, axis=doubled))
    for name, block in once.items():
        change, spread = ((block - twice[name]) ** 2).mean() ** 0.5, block.var(axis=0).mean() ** 0.5
        assert change < 0.02 * spread, name


def test_uneven_sampling_counts_by_length_not_by_number():
    """Where half the range is sampled four times as densely, that half does not weigh more."""
    axis = AXES["nir"][0]
    dense = torch.cat([axis[:151], torch.linspace(float(axis[150]), float(axis[-1]), 601, dtype=torch.float64)[1:]])
    model = perceiver()
    even, uneven = embed_grid(model, batch()), embed_grid(model, batch(axis=dense))
    for name, block in even.items():
        assert ((block - uneven[name]) ** 2).mean() ** 0.5 < 0.02 * block.var(axis=0).mean() ** 0.5, name


def test_a_point_of_weight_zero_is_not_read():
    model, spectra = perceiver(), batch()
    values, coordinates, log_weights, modality = points(model, spectra)
    hidden = log_weights.clone()
    hidden[100:] = -torch.inf
    seen = model.latents(values[:, :100], coordinates[:100], log_weights[:100], modality)
    torch.testing.assert_close(model.latents(values, coordinates, hidden, modality), seen, rtol=1e-4, atol=1e-5)


def test_values_are_standardised_and_know_neither_gain_nor_offset():
    model, spectra = perceiver(), batch()
    values, coordinates, log_weights = model.normalise(spectra)
    weights = log_weights.softmax(0)
    torch.testing.assert_close(values @ weights, torch.zeros(12), atol=1e-5, rtol=0)
    torch.testing.assert_close(values.square() @ weights, torch.ones(12), atol=1e-5, rtol=0)
    torch.testing.assert_close(coordinates.double(), spectra.wavelengths.log(), atol=1e-6, rtol=0)
    changed = replace(spectra, intensities=3 * spectra.intensities - 20)
    torch.testing.assert_close(model.normalise(changed)[0], values, atol=1e-4, rtol=0)
    before, after = embed_grid(model, spectra)["stats"], embed_grid(model, changed)["stats"]
    assert after == pytest.approx(before * [3, 3] - [20, 0], rel=1e-3)


def test_a_vibration_has_one_place_in_mir_and_raman():
    model, shifts = perceiver(), torch.linspace(600, 3000, 50, dtype=torch.float64)
    raman = model.normalise(batch("raman", axis=shifts))[1]
    infrared = model.normalise(batch("mir", axis=(1e7 / shifts).flip(0)))[1].flip(0)
    torch.testing.assert_close(raman, infrared)


@pytest.mark.parametrize("value", [0.0, 1.7, -3e5])
def test_a_constant_spectrum_is_finite(value):
    spectra = batch()
    spectra.intensities[3] = value
    spectra.intensities.requires_grad_()
    model = perceiver()
    blocks = model(spectra)
    assert all(torch.isfinite(block).all() for block in blocks.values())
    assert blocks["stats"][3].tolist() == pytest.approx([value, 0.0], abs=1e-6 * abs(value))
    assert model.normalise(spectra)[0][3].abs().max() < 1


def test_a_raman_axis_may_begin_at_the_laser_line():
    axis = torch.linspace(-50, 3200, 500, dtype=torch.float64)
    spectra = GridBatch(torch.rand(3, 500), axis, "raman", "cm-1")
    assert all(torch.isfinite(torch.tensor(block)).all() for block in embed_grid(perceiver(), spectra).values())


def test_an_axis_of_channel_numbers_is_not_run():
    spectra = GridBatch(torch.rand(2, 50), torch.arange(50.0, dtype=torch.float64), "nir", "index")
    with pytest.raises(NotRunError, match="no wavelength axis"):
        perceiver()(spectra)
    with pytest.raises(NotRunError, match="no wavelength axis"):
        perceiver().normalise(spectra)


def test_patches_are_zero_where_nothing_was_measured():
    patches = perceiver()(batch())["patches"].view(12, 32, 8)
    measured = torch.linspace(350, 2500, 32) >= 1000
    assert (patches[:, ~measured] == 0).all()
    assert (patches[:, measured].std(dim=0) > 0).all()


def test_half_precision_leaves_what_tells_spectra_apart():
    model, spectra = perceiver(width=64, latents=32), batch()
    with torch.no_grad():
        exact = model(spectra)["learned"]
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model(spectra)["learned"]
    assert rounded.dtype == torch.float32
    # A shift that all spectra share is rounded weights, not noise.
    assert (rounded - exact).var(dim=0).mean() < 0.03**2 * exact.var(dim=0).mean()


def reconstruction(model: Perceiver, values: torch.Tensor, visible, hidden, spectra: GridBatch) -> torch.Tensor:
    _, coordinates, log_weights, modality = points(model, spectra)
    latents = model.latents(values[:, visible], coordinates[visible], log_weights[visible], modality)
    return masked_error(model.decode(model.small(latents), coordinates[hidden]), values[:, hidden])


def test_reconstruction_sees_masked_points_only():
    model, spectra = perceiver(), batch()
    order = torch.randperm(301, generator=torch.Generator().manual_seed(0))
    visible, hidden, neither = order[:80], order[80:240], order[240:]
    values = model.normalise(spectra)[0].requires_grad_()
    loss = reconstruction(model, values, visible, hidden, spectra)
    loss.sum().backward()
    assert (values.grad[:, neither] == 0).all()
    assert (values.grad[:, hidden] != 0).all() and (values.grad[:, visible] != 0).any()

    changed = values.detach().clone()
    changed[:, neither] += 10.0
    torch.testing.assert_close(reconstruction(model, changed, visible, hidden, spectra), loss.detach())
    # The prediction itself never depends on what is to be predicted: the loss is a parabola in each target.
    at = [values.detach().clone() for _ in range(3)]
    for number, shifted in enumerate(at):
        shifted[:, hidden] += number
    losses = [reconstruction(model, shifted, visible, hidden, spectra) for shifted in at]
    torch.testing.assert_close(losses[2] - 2 * losses[1] + losses[0], torch.full((12,), 2.0), rtol=1e-3, atol=1e-3)


def test_the_decoder_asks_each_spectrum_at_its_own_wavelengths():
    model, spectra = perceiver(), batch()
    values, coordinates, log_weights, modality = points(model, spectra)
    small = model.small(model.latents(values, coordinates, log_weights, modality))
    index = torch.randint(301, (12, 40), generator=torch.Generator().manual_seed(0))
    own = model.decode(small, coordinates[index])
    torch.testing.assert_close(own, model.decode(small, coordinates).gather(1, index), rtol=1e-4, atol=1e-5)


def test_checkpointing_changes_no_gradient():
    spectra, gradients = batch(), []
    visible, hidden = torch.arange(0, 300, 3), torch.arange(1, 300, 3)
    for checkpointing in (False, True):
        model = perceiver(checkpointing=checkpointing)
        reconstruction(model, model.normalise(spectra)[0], visible, hidden, spectra).mean().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-5, atol=1e-8)
        assert gradient.abs().max() > 0, f"{name} is not trained by reconstruction"


def test_reconstruction_learns():
    model, spectra = perceiver(), batch(n=32)
    values = model.normalise(spectra)[0]
    visible, hidden = torch.arange(0, 300, 3), torch.arange(1, 300, 3)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = reconstruction(model, values, visible, hidden, spectra).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    # The mean of each spectrum gives 1, the mean spectrum what is left between specimens.
    assert losses[-1] < 0.7 * float(values[:, hidden].var(dim=0).mean())


def metadata(**fields) -> Metadata:
    return Metadata("a", "b", "c", **{"modality": "nir", "representation": "absorbance", "axis_unit": "nm"} | fields)


def test_categories_follow_the_contract():
    known = categories_of(metadata(instrument_type="handheld", mode="atr"))
    assert known.tolist() == [1, 1, 2, 3]
    assert categories_of(metadata(representation="unknown", mode="something else")).tolist() == [1, 0, 0, 0]
    assert len(FIELDS["representation"]) == len(REPRESENTATIONS) - 1


def fill_table(embedding: MetadataEmbedding) -> None:
    """Give every category a vector, as a training does; all start at zero."""
    with torch.no_grad():
        embedding.table.weight[1:] = torch.randn(
            len(embedding.table.weight) - 1,
            embedding.table.weight.shape[1],
            generator=torch.Generator().manual_seed(0),
        )


def test_no_two_categories_share_a_vector():
    embedding = MetadataEmbedding(5)
    fill_table(embedding)
    single = [
        embedding(torch.nn.functional.one_hot(torch.tensor(field), len(FIELDS)) * (number + 1))
        for field, names in enumerate(FIELDS.values())
        for number in range(len(names))
    ]
    assert len(torch.stack(single).unique(dim=0)) == sum(map(len, FIELDS.values()))
    torch.testing.assert_close(embedding(torch.tensor([[1, 0, 2, 0]]))[0], single[0] + single[4 + 10 + 1])


def test_metadata_is_never_required():
    spectra, model = batch(), perceiver(metadata=True)
    fill_table(model.metadata)
    known = categories_of(metadata(mode="reflectance")).expand(12, -1)
    absent = embed_grid(model, spectra)
    unknown = embed_grid(model, replace(spectra, categories=torch.zeros_like(known)))
    given = embed_grid(model, replace(spectra, categories=known))
    assert all((absent[name] == unknown[name]).all() for name in absent)
    assert not (absent["learned"] == given["learned"]).all()
    # A model without metadata ignores what it is told, and starts from the same weights.
    plain = perceiver()
    told = embed_grid(plain, replace(spectra, categories=known))
    assert all((block == told[name]).all() for name, block in embed_grid(plain, spectra).items())
    assert all((block == absent[name]).all() for name, block in told.items())
    assert set(model.state_dict()) - set(plain.state_dict()) == {"metadata.table.weight"}


def test_unknown_metadata_stays_zero_when_trained():
    model, spectra = perceiver(metadata=True), batch()
    values, coordinates, log_weights, modality = points(model, spectra)
    categories = categories_of(metadata()).expand(12, -1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.05)
    model.latents(values, coordinates, log_weights, modality, categories).square().mean().backward()
    optimiser.step()
    assert model.metadata(categories).abs().min() > 0
    assert (model.metadata(torch.zeros_like(categories)) == 0).all()


def test_width_latents_and_small_shape_the_blocks():
    model = perceiver(width=16, latents=10, small=3, heads=2, layers=0)
    assert model.blocks == {"learned": 30, "mean": 16, "cls": 16, "patches": 256, "stats": 2}
    assert math.isfinite(sum(float(block.sum()) for block in embed_grid(model, batch()).values()))
