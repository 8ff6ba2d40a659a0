"""fs and fsnl as encoders: what an embedding may depend on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from etalon.errors import BadInputError, NotRunError
from etalon.losses.episodic import episodic_ridge
from etalon.models import function_space
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.encoder import GridBatch, embed_grid, embed_spectra
from etalon.models.functional import DERIVATIVE_GAIN, FunctionSpace, LearnedFunctionSpace

NIR = np.arange(1100.0, 2499.0, 2.0)
AXES = {
    "nir": (NIR, "nm"),
    "visnir": (np.arange(400.0, 2400.0, 4.0), "nm"),
    "mir": (1e7 / np.arange(3998.0, 600.0, -4.0), "nm"),
    "raman": (np.arange(200.0, 3200.0, 5.0), "cm-1"),
}


def make_encoder(name):
    torch.manual_seed(0)
    return {"fs": FunctionSpace, "fsnl": LearnedFunctionSpace}[name]()


def smooth(axis, n=12, seed=0):
    """Return spectra and baselines: broad bands on a slope, functions of the place on the axis and not of sampling."""
    rng = np.random.default_rng(seed)
    place = (axis - axis.min()) / (axis.max() - axis.min())
    centres, widths = rng.uniform(0, 1, (n, 8, 1)), rng.uniform(0.02, 0.07, (n, 8, 1))
    bands = rng.uniform(0.1, 1.0, (n, 8, 1)) * np.exp(-0.5 * ((place - centres) / widths) ** 2)
    baseline = 0.3 + rng.uniform(0, 0.4, (n, 1)) * place
    return torch.tensor(bands.sum(axis=1) + baseline), torch.tensor(baseline)


def embed(encoder, spectra, baselines, axis, modality="nir", axis_unit="nm"):
    """Embed through lists of spectra, as a user does; `axis` is one for all, or one a spectrum."""
    axes = [torch.as_tensor(axis)] * len(spectra) if isinstance(axis, np.ndarray) else axis
    return embed_spectra(encoder, spectra, axes, modality=modality, axis_unit=axis_unit, baselines=baselines)


def grid_batch(axis=NIR, modality="nir", axis_unit="nm", n=12):
    spectra, baselines = smooth(axis, n)
    return GridBatch(spectra.float(), torch.as_tensor(axis), modality, axis_unit, baselines.float())


def assert_equal(found, expected, tolerance=1e-5):
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=tolerance * np.abs(values).max(), err_msg=name)


both = pytest.mark.parametrize("name", ["fs", "fsnl"])


@both
@pytest.mark.parametrize("modality", AXES)
def test_every_modality_gives_blocks_of_the_stated_size(name, modality):
    axis, unit = AXES[modality]
    encoder = make_encoder(name)
    found = embed(encoder, *smooth(axis), axis, modality, unit)
    assert {block: values.shape for block, values in found.items()} == {
        block: (12, size) for block, size in encoder.blocks.items()
    }
    for values in found.values():
        assert np.isfinite(values).all()
        assert values.std(axis=0).max() > 0


@both
def test_points_may_come_in_any_order(name):
    encoder, (spectra, baselines) = make_encoder(name), smooth(NIR)
    order = torch.randperm(len(NIR), generator=torch.Generator().manual_seed(0))
    expected = embed(encoder, spectra, baselines, NIR)
    assert_equal(embed(encoder, spectra[:, order], baselines[:, order], NIR[order.numpy()]), expected)


@both
def test_a_spectrum_is_embedded_by_itself(name):
    encoder, (spectra, baselines) = make_encoder(name), smooth(NIR)
    together = embed(encoder, spectra, baselines, NIR)
    assert_equal(embed(encoder, spectra[3:4], baselines[3:4], NIR), {k: v[3:4] for k, v in together.items()})
    # Others in the batch, some of them on another grid.
    others, other_baselines = smooth(NIR[:400], n=5, seed=7)
    mixed = embed(
        encoder,
        [*others, *spectra],
        [*other_baselines, *baselines],
        [torch.as_tensor(NIR[:400])] * 5 + [torch.as_tensor(NIR)] * 12,
    )
    assert_equal({k: v[5:] for k, v in mixed.items()}, together)


@both
def test_splitting_a_batch_changes_nothing(name):
    encoder, batch = make_encoder(name), grid_batch()
    assert_equal(embed_grid(encoder, batch, chunk=5), embed_grid(encoder, batch, chunk=12))


@both
@pytest.mark.parametrize("modality", ["nir", "raman"])
def test_twice_the_sampling_changes_little(name, modality):
    axis, unit = AXES[modality]
    encoder = make_encoder(name)
    (fine, fine_baseline), coarse_axis = smooth(axis[: len(axis) // 2 * 2 - 1]), axis[: len(axis) // 2 * 2 - 1 : 2]
    expected = embed(encoder, fine, fine_baseline, axis[: len(axis) // 2 * 2 - 1], modality, unit)
    found = embed(encoder, fine[:, ::2], fine_baseline[:, ::2], coarse_axis, modality, unit)
    for block, values in expected.items():
        spread = np.sqrt(np.mean((values - values.mean(axis=0)) ** 2))
        assert np.sqrt(np.mean((found[block] - values) ** 2)) < 0.02 * spread, block


@both
def test_gain_and_offset_leave_the_normalised_blocks_alone(name):
    encoder, (spectra, baselines) = make_encoder(name), smooth(NIR)
    plain = embed(encoder, spectra, baselines, NIR)
    gain = torch.linspace(0.5, 2.0, len(spectra))[:, None]
    scattered = embed(encoder, gain * spectra + 0.2, gain * baselines + 0.2, NIR)
    measured = {"raw", "stats"} & set(plain)
    assert_equal(
        {k: v for k, v in scattered.items() if k not in measured}, {k: plain[k] for k in plain.keys() - measured}, 1e-4
    )
    for block in measured:
        assert not np.allclose(scattered[block], plain[block], rtol=0.01)


@both
def test_a_channel_axis_cannot_be_embedded(name):
    with pytest.raises(NotRunError, match="no wavelength axis"):
        embed(make_encoder(name), *smooth(NIR), NIR, axis_unit="index")


def test_fs_needs_the_baseline():
    spectra, _ = smooth(NIR)
    with pytest.raises(BadInputError, match="baseline"):
        embed(make_encoder("fs"), spectra, None, NIR)


def test_fs_is_the_embedding_in_numpy():
    batch = grid_batch()
    expected = function_space.embed(
        batch.intensities.numpy(), batch.baseline.numpy(), NIR, modality="nir", axis_unit="nm"
    )
    assert_equal(embed_grid(FunctionSpace(), batch), expected, 1e-6)


def test_the_front_of_fsnl_holds_the_functions_of_fs():
    batch = grid_batch()
    model = make_encoder("fsnl")
    inputs, covered = model.front(batch)
    expected = function_space.embed(
        batch.intensities.numpy(), batch.baseline.numpy(), NIR, modality="nir", axis_unit="nm"
    )
    snv, slope, share = (part.flatten(1).numpy() for part in inputs.split(4, dim=2))
    assert_equal(
        {"snv": snv, "d1": slope / DERIVATIVE_GAIN, "asls": model.asls_target(batch).numpy()},
        {k: expected[k] for k in ("snv", "d1", "asls")},
    )
    centres = function_space.BASES["nir"].centres
    np.testing.assert_allclose(share[:, (centres > 1140) & (centres < 2460)], 1.0, atol=1e-3)
    assert not share[:, (centres < 1080) | (centres > 2510)].any()
    assert covered.tolist() == share[0].reshape(64, 4).any(axis=1).tolist()


def test_what_was_not_measured_is_zero_and_takes_no_part():
    model, batch = make_encoder("fsnl"), grid_batch(NIR[:300])
    with torch.no_grad():
        _, covered = model.front(batch)
        learned = model(batch)["learned"].view(len(batch), 64, -1)
        assert not learned[:, ~covered].any()
        assert learned[:, covered].all()
        model.position[:, ~covered] += 1.0
        torch.testing.assert_close(model(batch)["learned"].view_as(learned), learned)


def test_tokens_of_several_grids_together_are_those_of_each_alone():
    model = make_encoder("fsnl")
    batches = [grid_batch(NIR), grid_batch(NIR[:250]), grid_batch(*AXES["raman"][:1], "raman", "cm-1")]
    with torch.no_grad():
        fronts = [model.front(batch) for batch in batches]
        modality = torch.tensor([MODALITY_NUMBER[batch.modality] for batch in batches for _ in range(len(batch))])
        together = model.tokens(torch.cat([inputs for inputs, _ in fronts]), modality).split(12)
        for tokens, (_, covered), batch in zip(together, fronts, batches, strict=True):
            torch.testing.assert_close(model.read(tokens, covered), model(batch)["learned"], atol=1e-5, rtol=1e-4)


@both
def test_zeros_do_not_pass_for_an_embedding(name):
    with pytest.raises(NotRunError, match="nothing measured within 350-2500 nm"):
        embed_grid(make_encoder(name), grid_batch(np.arange(3000.0, 4000.0, 10.0)))


def test_tokens_without_anything_measured_are_finite():
    model = make_encoder("fsnl")
    inputs, _ = model.front(grid_batch(np.arange(3000.0, 4000.0, 10.0)))
    assert not model.tokens(inputs, torch.zeros(12, dtype=torch.int64)).any()


def test_metadata_is_added_to_every_token_and_never_required():
    plain, batch = make_encoder("fsnl"), grid_batch(NIR[:300])
    torch.manual_seed(0)
    model = LearnedFunctionSpace(metadata=True)
    assert set(model.state_dict()) - set(plain.state_dict()) == {"metadata.table.weight"}
    known = torch.tensor([[1, 1, 2, 0]]).expand(12, -1)
    with torch.no_grad():
        absent = plain(batch)["learned"]
        for categories in (None, known):  # before training, what it is told changes nothing
            assert torch.equal(model(replace(batch, categories=categories))["learned"], absent)
        model.metadata.table.weight[1:] = torch.randn(len(model.metadata.table.weight) - 1, 64)
        for categories in (None, torch.zeros_like(known)):
            assert torch.equal(model(replace(batch, categories=categories))["learned"], absent)
        inputs, covered = model.front(batch)
        told = model(replace(batch, categories=known))["learned"]
        changed = (told - absent).view(12, 64, -1)
        assert changed[:, covered].abs().amax(dim=2).min() > 0 and not changed[:, ~covered].any()
        tokens = model.tokens(inputs, torch.zeros(12, dtype=torch.int64), known)
        torch.testing.assert_close(model.read(tokens, covered), told, atol=1e-5, rtol=1e-4)


def test_a_flat_spectrum_gives_finite_numbers():
    batch = GridBatch(torch.full((2, 700), 3.0), torch.as_tensor(NIR), "nir", "nm", torch.zeros(2, 700))
    for name in ("fs", "fsnl"):
        for values in embed_grid(make_encoder(name), batch).values():
            assert np.isfinite(values).all()


def test_weights_make_the_model():
    batch, model = grid_batch(), make_encoder("fsnl")
    torch.manual_seed(1)
    other = LearnedFunctionSpace()
    assert not np.allclose(embed_grid(other, batch)["learned"], embed_grid(model, batch)["learned"])
    other.load_state_dict(model.state_dict())
    assert np.array_equal(embed_grid(other, batch)["learned"], embed_grid(model, batch)["learned"])
    assert not FunctionSpace().state_dict()


def test_training_reaches_every_weight_also_after_embedding():
    model, batch = make_encoder("fsnl"), grid_batch()
    embed_grid(model, batch)
    inputs, covered = model.front(batch)
    tokens = model.tokens(inputs, torch.zeros(len(batch), dtype=torch.int64))
    targets = torch.randn(len(batch), 2, generator=torch.Generator().manual_seed(0))
    loss = episodic_ridge([model.read(tokens, covered)], targets, 8, torch.tensor(-6.2))
    (loss + (model.predict_asls(tokens) - model.asls_target(batch)).square().mean()).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        # A constant on every spectrum is taken out by the ridge.
        assert weight.grad.abs().max() > 0 or name == "small.bias", name


def test_half_precision_leaves_the_functions_alone():
    model, batch = make_encoder("fsnl"), grid_batch()
    inputs, _ = model.front(batch)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(model.front(batch)[0], inputs)
        learned = model(batch)["learned"]
    assert learned.dtype == torch.float32
    with torch.no_grad():
        assert (learned - model(batch)["learned"]).abs().max() < 0.03 * learned.abs().max()
