"""Training of autoencoder and NIR encoder on spectra whose law is known."""

import numpy as np
import pytest
import torch

from etalon.errors import BadInputError, EtalonError
from etalon.train.vae import decoded, latents_of, train_bridge, train_vae
from etalon.train.vae_checkpoint import load_bridge, load_vae, save_bridge, save_vae

VAE_SETTINGS = {
    "latents": 3, "width": 32, "layers": 1, "start": "linear", "steps": 150, "batch": 32, "learning_rate": 3e-3,
    "weight_decay": 1e-4, "noise_sd": 0.05, "kl_weight": 1.0, "kl_warm_up": 0.3,
}  # fmt: skip
BRIDGE_SETTINGS = {
    "width": 32, "layers": 1, "dropout": 0.0, "unfrozen": False, "steps": 150, "batch": 32, "learning_rate": 3e-3,
    "weight_decay": 1e-4, "noise_sd": 0.1, "regularisation": 1.0, "jitter": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def soils():
    """MIR spectra of two saturating constituents, and NIR spectra that see the same two, weakly."""
    rng = np.random.default_rng(0)
    amounts, axis = rng.uniform(0, 1, (240, 2)), np.linspace(-1, 1, 40)
    bands = np.array([np.exp(-(((axis - centre) / 0.15) ** 2)) for centre in (-0.4, 0.3)])
    mir = np.tanh(2 * amounts) @ bands + 0.01 * rng.normal(size=(240, 40))
    nir = amounts @ rng.normal(size=(2, 15)) + 0.01 * rng.normal(size=(240, 15))
    return nir, mir


@pytest.fixture(scope="module")
def vae(soils):
    return train_vae(soils[1][:200], VAE_SETTINGS, seed=0)[0]


def error(made, true):
    return float(np.sqrt(((made - true) ** 2).mean()))


def test_training_lowers_the_bound_and_keeps_the_spectra(soils, vae):
    start, _ = train_vae(soils[1][:200], VAE_SETTINGS | {"steps": 0}, seed=0)
    new = soils[1][200:]
    before, after = (error(decoded(model, latents_of(model, new)), new) for model in (start, vae))
    assert after < 1.1 * before
    assert after < 0.15 * new.std(axis=0).mean() * 2, "far from the mean spectrum"


def test_a_random_start_without_steps_knows_only_the_mean(soils):
    settings = VAE_SETTINGS | {"steps": 0, "start": "random"}
    model, curve = train_vae(soils[1], settings, seed=0)
    np.testing.assert_allclose(model.centre.numpy(), soils[1].mean(axis=0), atol=1e-6)
    assert curve.rows == []


def test_equal_seeds_give_equal_weights_and_others_do_not(soils):
    models = [train_vae(soils[1], VAE_SETTINGS | {"steps": 5}, seed)[0] for seed in (1, 1, 2)]
    weights = [torch.cat([p.flatten() for p in model.parameters()]) for model in models]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_training_leaves_the_global_random_numbers_alone(soils, vae):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train_vae(soils[1], VAE_SETTINGS | {"steps": 2}, seed=0)
    train_bridge(soils[0], soils[1], vae, BRIDGE_SETTINGS | {"steps": 2, "dropout": 0.5}, seed=0)
    assert torch.equal(torch.rand(4), expected)


def test_not_one_bit_of_the_frozen_decoder_changes(soils, vae):
    before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    model, _ = train_bridge(soils[0][:200], soils[1][:200], vae, BRIDGE_SETTINGS, seed=0)
    for name, tensor in model.mir.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    unfrozen, _ = train_bridge(soils[0][:200], soils[1][:200], vae, BRIDGE_SETTINGS | {"unfrozen": True}, seed=0)
    assert not torch.equal(unfrozen.mir.decoder.linear.weight, before["decoder.linear.weight"])
    for name, tensor in vae.state_dict().items():
        assert torch.equal(tensor, before[name]), "a copy was unfrozen, not the autoencoder"


def test_the_bridge_converts_spectra_it_never_saw(soils, vae):
    model, curve = train_bridge(soils[0][:200], soils[1][:200], vae, BRIDGE_SETTINGS, seed=0)
    made = decoded(model, latents_of(model, soils[0][200:]))
    assert error(made, soils[1][200:]) < 0.5 * error(soils[1][:200].mean(axis=0), soils[1][200:])
    assert curve.rows[-1]["reconstruction"] < 0.5 * curve.rows[0]["reconstruction"]
    assert curve.rows[-1]["step"] == 150


def test_regularisation_brings_latents_nearer_to_those_of_mir(soils, vae):
    aim = latents_of(vae, soils[1][:200])
    distance = {}
    for weight in (0.0, 1.0):
        settings = BRIDGE_SETTINGS | {"regularisation": weight}
        model, _ = train_bridge(soils[0][:200], soils[1][:200], vae, settings, seed=0)
        distance[weight] = error(latents_of(model, soils[0][:200]), aim)
    assert distance[1.0] < 0.75 * distance[0.0], "about a half, with any seed"


def test_a_loss_of_ones_own_takes_the_place_of_the_gaussian(soils):
    seen = []

    def of_spectra(pred, true):
        seen.append(tuple(pred.shape))
        return (pred - true).abs().mean(dim=1)

    train_vae(soils[1], VAE_SETTINGS | {"steps": 2}, seed=0, loss=of_spectra)
    assert seen == [(32, 40), (32, 40)]


def test_a_loss_that_is_not_finite_stops_the_training(soils):
    with pytest.raises(EtalonError, match="expected a finite loss, found nan in step 1"):
        train_vae(soils[1], VAE_SETTINGS | {"steps": 2}, seed=0, loss=lambda pred, true: (pred * np.nan).mean(dim=1))


def test_checkpoints_come_back_as_they_were(soils, vae, tmp_path):
    save_vae(tmp_path / "vae.safetensors", vae, VAE_SETTINGS, {"variant": "a"})
    again, record = load_vae(tmp_path / "vae.safetensors")
    np.testing.assert_array_equal(latents_of(again, soils[1]), latents_of(vae, soils[1]))
    bridge, _ = train_bridge(soils[0], soils[1], vae, BRIDGE_SETTINGS | {"steps": 3}, seed=0)
    save_bridge(tmp_path / "bridge.safetensors", bridge, BRIDGE_SETTINGS, {"vae": {"size": record["size"]}})
    loaded, _ = load_bridge(tmp_path / "bridge.safetensors")
    np.testing.assert_array_equal(latents_of(loaded, soils[0]), latents_of(bridge, soils[0]))
    np.testing.assert_array_equal(decoded(loaded, np.ones((2, 3))), decoded(vae, np.ones((2, 3))))
    with pytest.raises(BadInputError, match="expected a checkpoint, found no such file"):
        load_vae(tmp_path / "none.safetensors")
