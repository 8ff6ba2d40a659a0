"""The open questions of the soil study: latents that survive, heads of MIR latents, losses compared."""

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata
from etalon.evaluate import soil_band_bias, soil_extended, soil_sensitivity
from etalon.evaluate.soil_heads import Trial
from etalon.evaluate.soil_mapped import ON_MIR, ON_NIR, MappedHead, predictions, shares
from etalon.evaluate.soil_sets import Soils
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE

N, C, K = 90, 40, 4


@pytest.fixture(scope="module")
def trial():
    """Soils whose two properties are two directions of the MIR spectra; the NIR spectra tell one of them."""
    rng = np.random.default_rng(0)
    amounts, noise = rng.normal(size=(N, K)), 0.01
    bands = np.linalg.qr(rng.normal(size=(C, K + 1)))[0].T
    common = 50 * bands[K]  # what all soils have: without it SNV would take amounts away
    mir = common + amounts @ bands[:K] + noise * rng.normal(size=(N, C))
    nir = common + amounts[:, :1] @ bands[:1] + noise * rng.normal(size=(N, C))
    properties = {"clay": 30 + 3 * amounts[:, 0], "ph": 6 + 0.5 * amounts[:, 1]}
    units = {"clay": ("%", "dry"), "ph": ("pH", "dry")}
    names = np.arange(N).astype(str)
    about = Metadata("soil_a", "soil_a", "Soil A", "mir", "absorbance", "nm")
    soils = Soils(about, {"mir": mir, "nir": nir}, np.arange(N), names, properties, units)
    return Trial("fold0", soils, soils, np.arange(60), np.arange(60, N))


@pytest.fixture(scope="module")
def models(trial):
    """An autoencoder as principal components of SNV spectra, and a NIR encoder that is least squares on its latents."""
    import torch

    from etalon.evaluate.soil_sets import snv
    from etalon.train.vae import latents_of

    mir, nir = (torch.as_tensor(snv(part[:60]), dtype=torch.float32) for part in trial.train.spectra.values())
    torch.manual_seed(0)
    vae = VAE(C, K, width=4, layers=1)
    vae.start_linear(mir, noise_sd=1e-3)
    bridge = NIRToMIR(C, vae, width=4, layers=1)
    bridge.fit_centre(nir)
    aim = latents_of(vae.eval(), mir.numpy())
    x = nir.numpy() - nir.numpy().mean(axis=0)
    slopes = np.linalg.solve(x.T @ x + 1e-2 * np.eye(C), x.T @ aim)
    with torch.no_grad():
        for layer in (bridge.encoder.linear, bridge.encoder.last):
            layer.weight.zero_()
            layer.bias.zero_()
        bridge.encoder.linear.weight.copy_(torch.as_tensor(slopes.T))
        bridge.encoder.linear.bias.copy_(torch.as_tensor(aim.mean(axis=0)))
    return vae, bridge.eval()


@pytest.fixture(scope="module")
def mapped(trial, models):
    return predictions(trial, MappedHead().fit(trial, models[0]), *models)


def test_what_nir_spectra_tell_survives_and_the_rest_does_not(mapped):
    table = mapped[0].pivot_table(index=["target", "row"], columns="source", values=["prediction"])["prediction"]
    r2 = {name: np.corrcoef(own[ON_MIR], own[ON_NIR])[0, 1] ** 2 for name, own in table.groupby("target")}
    assert r2["clay"] > 0.9
    assert r2["ph"] < 0.4


def test_heads_of_mir_latents_know_both_properties(mapped):
    own = mapped[0][mapped[0]["source"] == ON_MIR]
    for _, rows in own.groupby("target"):
        assert np.corrcoef(rows["reference"], rows["prediction"])[0, 1] > 0.95


def test_shares_add_up_to_one_and_name_the_latent():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(500, 5)) * [3, 1, 1, 1, 1]
    found = shares(z, 2 * z[:, 2] + 1e-3 * rng.normal(size=500))
    assert found.sum() == pytest.approx(1)
    assert found[2] == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(shares(z, z[:, 0] + z[:, 1]), [0.9, 0.1, 0, 0, 0], atol=0.05)


def test_survival_has_a_row_a_latent_and_property(mapped):
    survival = mapped[1]
    assert len(survival) == 2 * K
    assert survival["survives"].between(0, 1).all()
    for _, own in survival.groupby("target"):
        assert own["share"].sum() == pytest.approx(1)


def test_sensitivity_explains_the_gain(mapped):
    tables = [part.assign(seed=0) for part in mapped]
    tested = tables[0][tables[0]["source"] == ON_NIR]
    models = [tested.assign(method=name, variant="") for name in (soil_sensitivity.DIRECT, soil_sensitivity.THROUGH)]
    rows = pd.DataFrame(soil_sensitivity.property_rows(tables[0], pd.concat(models), 100, seed=0))
    wide = rows.pivot_table(index="target", columns="quantity", values="value")
    assert (wide["carried"] > 0.9).all()
    assert wide.loc["clay", "survives"] > 0.9 > wide.loc["ph", "survives"]
    np.testing.assert_allclose(wide["gain"], 0)  # the two models are one
    assert (rows["low"] <= rows["value"] + 1e-12).all()
    latents = pd.DataFrame(soil_sensitivity.latent_rows(tables[1]))
    assert set(latents["quantity"]) == {"share", "latent_survives"}
    assert len(latents) == 3 * K


def test_a_property_without_references_is_predicted_but_not_scored(trial, models):
    import dataclasses

    unknown = dataclasses.replace(trial.test, properties={"clay": trial.test.properties["clay"]})
    apart = dataclasses.replace(trial, split="independent", test=unknown)
    table = predictions(apart, MappedHead().fit(apart, models[0]), *models)[0].assign(seed=0)
    rows = pd.DataFrame(soil_extended.rows(table, 50, seed=0))
    assert set(rows.loc[rows["status"] == "not measured", "target"]) == {"ph"}
    by_target = {name: set(own["quantity"]) for name, own in rows.groupby("target")}
    assert {"ccc", "rmsep", "bias"} <= by_target["clay"]
    assert not {"ccc", "rmsep", "bias"} & by_target["ph"]
    assert {"median", "in_range", "inside"} <= by_target["ph"]


def errors(rng, loss, offset, noise):
    own = {f"error_{name}": offset + 0.01 * rng.normal(size=200) for name in soil_band_bias.BANDS}
    table = pd.DataFrame({"soil": np.arange(200), **own, "rmse": noise + 0.01 * rng.random(200)})
    return table.assign(dataset="a", pair="", kind="converted", loss=loss, seed=0)


def test_a_loss_that_takes_the_bias_away_is_found_and_one_that_does_not_is_not():
    rng = np.random.default_rng(2)
    parts = [("plain", 0.05, 0.1), ("weighted", 0.0, 0.1), ("areas", 0.05, 0.1), ("doubled", 0.05, 0.2)]
    tables = pd.concat([errors(rng, *part) for part in parts])
    found = soil_band_bias.tests(tables, 400, seed=0).set_index(["loss", "quantity"])
    gone = found.loc[("weighted", "change_bias_oh")]
    assert gone["high"] < -0.04
    assert gone["p_holm"] < 0.001
    assert found.loc[("areas", "change_bias_oh"), "low"] < 0 < found.loc[("areas", "change_bias_oh"), "high"]
    assert found.loc[("doubled", "change_rmse"), "value"] == pytest.approx(0.1, abs=0.01)
    assert found.loc[("plain", "bias_oh"), "value"] == pytest.approx(0.05, abs=0.005)
    assert "change_rmse" not in found.loc["plain"].index


def test_errors_by_soil_are_signed_means_over_bands(trial):
    grid = np.linspace(620, 3780, C)
    measured = np.zeros((len(trial.test_rows), C))
    made = np.where(grid >= 3000, -0.2, 0.0) + measured
    table = soil_band_bias.by_soil(trial, "converted", "plain", grid, measured, made)
    np.testing.assert_allclose(table["error_oh"], -0.2)
    np.testing.assert_allclose(table["error_si_o_flank"], 0)
    np.testing.assert_allclose(table["rmse"], 0.2 * np.sqrt((grid >= 3000).mean()))
