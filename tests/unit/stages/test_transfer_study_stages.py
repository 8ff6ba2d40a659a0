"""Stages of the further studies of calibration transfer: ageing, other modalities, attention, latent maps, outliers."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.attention_bands import enrichment, known_bands, moved
from etalon.evaluate.latent_map import LATENT_COLUMNS, pair_distance
from etalon.evaluate.outliers import LIMITS
from etalon.models.patch_transformer import PatchTransformer
from etalon.records import METRIC_COLUMNS
from etalon.stages import (
    attention_map,
    classical_ageing,
    cross_modality,
    latent_map,
    learned_ageing,
    planted_outliers,
)
from etalon.storage import load_json, save_array, save_set, save_table
from etalon.synthesis.bands import absorptivity
from etalon.synthesis.lines import spectrum
from etalon.synthesis.mid_infrared import LINES
from etalon.train.checkpoint import save_encoder

SIZE = {"points": 128, "scales": [[8, 4], [16, 8], [32, 16]], "width": 16, "layers": 1, "heads": 2}
NETWORK = {"network": "lora", "rank": 4, "dropout": 0.0, "members": 2, "steps": 4, "batch": 8, "learning_rate": 5e-3}
LEARNED = {"patch_transformer": NETWORK | {"base": "pds", "inputs": ["pds", "raw"]}}
CHOICES = {
    "preprocessings": ["none", "snv"], "max_lv": 4, "inner_splits": 3, "savgol_window": 7, "savgol_order": 2,
}  # fmt: skip
N = 48


def composition():
    """Mass fractions, shape (N, 3)."""
    amounts = np.random.default_rng(0).uniform(0.3, 1.0, (N, 3))
    return amounts / amounts.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Water, protein and starch on two near-infrared instruments and a mid-infrared one; two checkpoints."""
    root = tmp_path_factory.mktemp("studies")
    amounts = composition()
    names = ("protein", "water", "starch")
    for number, (name, partners) in enumerate(
        {"bench": ("pocket", "mir"), "pocket": ("bench",), "mir": ("bench",)}.items()
    ):
        noise = np.random.default_rng(number)
        if name == "mir":
            axis = np.sort(1e7 / np.arange(900.0, 1900.0, 8.0))
            pure = np.array([spectrum(LINES[c], 1e7 / axis) for c in names])
        else:
            axis = np.arange(1100.0, 2400.0, 12.0)
            pure = 0.3 * np.array([absorptivity(c, axis) for c in names])
        X = 0.1 + amounts @ pure + (0.05 if name == "pocket" else 0.0)
        X += 0.001 * noise.normal(size=X.shape)
        targets = (Target("protein", "protein", "%"),)
        modality = "mir" if name == "mir" else "nir"
        metadata = Metadata(name, "toys", "Toy", modality, "absorbance", "nm", targets=targets, paired_with=partners)
        ids = np.arange(N).astype(str)
        spectra = SpectraSet(metadata, X, axis, ids, ids, amounts[:, :1])
        save_set(root / name, spectra)
        save_array(root / name / "baseline_asls.npy", np.zeros_like(spectra.intensities))
        save_table(root / f"{name}.folds", make_folds(spectra, n_splits=3, n_repeats=1, seed=1))
    torch.manual_seed(0)
    for name, family in (("unseen", "others"), ("seen", "toys")):
        record = {"config": {"encoder": "patches", "size": SIZE}, "encoder_seed": 0, "heldout_families": ["toys"]}
        record |= {"settings": {}, "code": "0", "data": [{"family": family}]}
        save_encoder(root / f"{name}.safetensors", PatchTransformer(**SIZE).state_dict(), record)
    return root


def run(folder, stage, settings, *more, data="bench"):
    out = folder / f"{stage.__name__}_{data}.parquet"
    stage.main([
        *("--run", "test", "--data", str(folder / data), "--folds", str(folder / f"{data}.folds"), "--seed", "1"),
        *("--settings", json.dumps(settings), *map(str, more)),
        *("--out", str(out), "--record", str(out.with_suffix(".json"))),
    ])  # fmt: skip
    assert load_json(out.with_suffix(".json"))["not_run"] is None
    table = pd.read_parquet(out)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == METRIC_COLUMNS
    return table.astype({name: str for name, kind in METRIC_COLUMNS.items() if kind == "category"})


AGEING = CHOICES | {
    "amplitudes": {"fouling": [0.02, 0.2], "temperature": [10.0], "wavelength_drift": [4.0]},
    "standards": 8, "draws": 2, "max_targets": 1, "max_folds": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def aged(folder):
    classical = run(
        folder, classical_ageing, AGEING | {"methods": ["sbc", "pds", "spiking"], "preprocessings": ["none"]}
    )
    return classical[classical["metric"] == "rmsep"]


def test_a_new_instrument_needs_no_standards_and_an_old_one_does(aged):
    value = aged.groupby(["method", "condition", "amplitude"])["value"].mean()
    new = value["none"]["fouling"][0.0]
    assert new == value["none"]["temperature"][0.0] == value["none"]["wavelength_drift"][0.0]
    assert value["pds"]["fouling"][0.0] == pytest.approx(new, rel=0.5)
    assert value["none"]["wavelength_drift"][4.0] > 3 * new
    assert value["pds"]["wavelength_drift"][4.0] < 0.5 * value["none"]["wavelength_drift"][4.0]
    # A calibration made anew on the old instrument is as good as the first one was.
    assert value["target_all"]["fouling"][0.2] == pytest.approx(new, rel=0.5)


def test_standards_are_the_same_at_every_amplitude_and_counted(aged):
    own = aged[aged["method"] == "sbc"]
    assert set(own["n_train"]) == {8.0} and set(own["draw"]) == {0, 1}
    assert set(own.loc[own["condition"] == "fouling", "amplitude"]) == {0.0, 0.02, 0.2}
    assert set(aged.loc[aged["condition"] == "fouling", "amplitude_unit"]) == {"AU"}
    assert set(aged.loc[aged["condition"] == "wavelength_drift", "amplitude_unit"]) == {"nm"}


def test_the_network_meets_the_same_standards_and_no_family_that_it_saw(folder, aged):
    settings = AGEING | {"methods": LEARNED, "amplitudes": {"wavelength_drift": [4.0]}, "preprocessings": ["none"]}
    found = run(folder, learned_ageing, settings, "--encoder", folder / "unseen.safetensors")
    found = found[(found["metric"] == "rmsep") & (found["amplitude"] == 4.0)]
    assert sorted(found["draw"]) == [0, 1] and set(found["seed"]) == {0}
    pds = aged[(aged["method"] == "pds") & (aged["condition"] == "wavelength_drift") & (aged["amplitude"] == 4.0)]
    assert found["value"].to_numpy() == pytest.approx(pds["value"].to_numpy(), rel=1.0)
    with pytest.raises(BadInputError, match="never saw this family"):
        run(folder, learned_ageing, settings, "--encoder", folder / "seen.safetensors")


def test_ageing_that_means_nothing_for_a_set_is_a_row(folder):
    settings = AGEING | {"methods": ["sbc"], "amplitudes": {"temperature": [5.0]}}
    found = run(folder, classical_ageing, settings, data="mir")
    # At amplitude 0 as well: nothing is claimed of what is not simulated.
    assert found["status"].str.contains("near infrared").all() and set(found["method"]) == {"sbc", "none", "target_all"}


def test_spectra_of_one_modality_predict_through_a_calibration_of_the_other(folder):
    settings = CHOICES | {"sizes": [6, 20, 99], "draws": 2, "max_targets": 1}
    encoders = ("--encoder", "all", folder / "unseen.safetensors")
    found = run(folder, cross_modality, settings, "--partners", folder / "pocket", folder / "mir", *encoders)
    gaps = found[(found["status"] != "ok") & (found["pair"] == "bench>pocket")]
    assert gaps["status"].str.contains("both are nir").all() and len(gaps)
    ok = found[(found["metric"] == "rmsep") & (found["status"] == "ok")]
    assert set(ok["pair"]) == {"bench>mir"}
    assert set(ok["variant"]) == {"spectra", "all", "random_init"}
    value = ok.groupby(["method", "variant", "amplitude"])["value"].mean()
    spread = composition()[:, 0].std()
    # Both modalities see the same amounts: a map of 20 pairs predicts, one that learns nothing would miss by the SD.
    assert value["map"]["spectra"][20.0] < 0.2 * spread
    assert value["target_only"]["spectra"][20.0] < 0.2 * spread
    assert value["same_modality"]["spectra"][0.0] < 0.1 * spread
    many = found[found["amplitude"] == 99.0]
    assert many["status"].str.contains("specimens to choose from, fewer than 99").all()


def test_devices_without_a_target_are_told_apart_by_their_shift(folder, tmp_path):
    rng = np.random.default_rng(0)
    shape = np.sin(np.arange(60.0) / 4.0)
    for name, change in (("one", 0.0), ("two", 0.5)):
        X = shape + change * np.cos(np.arange(60.0) / 4.0) + 0.05 * rng.normal(size=(20, 60))
        partner = ("two",) if name == "one" else ("one",)
        about = Metadata(name, "devices", "Toy", "raman", "normalised", "index", paired_with=partner)
        spectra = SpectraSet(
            about, X, np.arange(1.0, 61.0), np.arange(20).astype(str), np.repeat(["a", "b"], 10), np.empty((20, 0))
        )
        save_set(tmp_path / name, spectra)
        save_table(tmp_path / f"{name}.folds", make_folds(spectra, n_splits=2, n_repeats=1, seed=1))
    settings = CHOICES | {"sizes": [6], "draws": 1, "max_targets": 1}
    found = run(tmp_path, cross_modality, settings, "--partners", tmp_path / "two", data="one")
    assert found.loc[found["condition"] == "cross_modality", "status"].eq("not run: no calibration target").all()
    shift = found[found["metric"] == "device_shift"].iloc[0]
    turned, noise = shape + 0.5 * np.cos(np.arange(60.0) / 4.0), 0.05
    ratio = np.sqrt(np.mean((shape / shape.std() - turned / turned.std()) ** 2)) / (noise / shape.std())
    assert shift["status"] == "ok" and shift["value"] == pytest.approx(ratio, rel=0.15)


def test_attention_is_laid_beside_known_bands_with_its_null(folder):
    settings = {"datasets": {"bench": ["water", "protein"]}, "max_spectra": 10}
    more = ("--variant", "all", "--encoder", folder / "unseen.safetensors")
    found = run(folder, attention_map, settings, *more)
    assert found["status"].eq("ok").all()
    profile = found[found["condition"] == "profile"]
    assert set(profile["variant"]) == {"all", "random_init"} and set(profile["method"]) == {"stream", "finest"}
    for _, own in profile.groupby(["variant", "method"]):
        assert own["value"].mean() == pytest.approx(1.0)
        assert own["amplitude"].is_monotonic_increasing and own["amplitude"].between(1100.0, 2400.0).all()
    bands = found[found["condition"] == "band"]
    assert 1940.0 in set(bands.loc[bands["target"] == "O-H", "amplitude"])
    numbers = found[found["condition"] == "enrichment"].pivot_table(
        index=["variant", "method", "target"], columns="metric", values="value"
    )
    assert (numbers["enrichment_low"] <= numbers["enrichment_high"]).all()
    assert numbers["p"].between(0.0, 1.0).all()


def test_latent_maps_hold_both_instruments_in_every_state(folder):
    out = folder / "latent.parquet"
    settings = CHOICES | {"transfer": 10, "max_shown": 30, "methods": LEARNED}
    pair = [folder / "bench", folder / "pocket", folder / "bench.folds", folder / "unseen.safetensors"]
    gap = [folder / "bench", folder / "mir", folder / "bench.folds", folder / "unseen.safetensors"]
    latent_map.main([
        *("--run", "test", "--settings", json.dumps(settings), "--seed", "1", "--out", str(out)),
        *("--pair", *map(str, pair), "--pair", *map(str, gap)),
    ])  # fmt: skip
    table = pd.read_parquet(out)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == LATENT_COLUMNS
    table = table.astype({name: str for name, kind in LATENT_COLUMNS.items() if kind == "category"})
    assert table.loc[table["pair"] == "bench>mir", "status"].tolist() == ["not run: different modality: mir and nir"]
    own = table[table["pair"] == "bench>pocket"]
    assert set(own["state"]) == {"before", "pds", "patch_transformer"}
    counts = own.groupby(["state", "instrument"]).size()
    assert set(counts) == {30}  # of the 38 that no transfer was fitted to
    assert own["x"].notna().all() and own[["state", "pair_distance"]].drop_duplicates()["state"].is_unique


def test_pair_distance_is_zero_for_equal_instruments_and_one_for_shuffled_ones():
    latent = np.random.default_rng(0).normal(size=(4000, 3))
    assert pair_distance(latent, latent) == 0.0
    shuffled = latent[np.roll(np.arange(4000), 1)]
    assert pair_distance(latent, shuffled) == pytest.approx(1.0, abs=0.03)


def test_planted_outliers_are_flagged_and_own_spectra_are_not(tmp_path):
    amounts, axis = np.random.default_rng(0).uniform(0.3, 1.0, (160, 2)), np.arange(1100.0, 2400.0, 12.0)
    pure = 0.3 * np.array([absorptivity(name, axis) for name in ("protein", "starch")])
    X = 0.1 + amounts @ pure + 0.001 * np.random.default_rng(1).normal(size=(160, len(axis)))
    about = Metadata("flour", "toys", "Toy", "nir", "absorbance", "nm", targets=(Target("protein", "protein", "%"),))
    ids = np.arange(160).astype(str)
    spectra = SpectraSet(about, X, axis, ids, ids, amounts[:, :1])
    save_set(tmp_path / "flour", spectra)
    save_table(tmp_path / "flour.folds", make_folds(spectra, n_splits=3, n_repeats=1, seed=1))
    settings = CHOICES | {"sizes": [20, 80, 99], "draws": 2, "max_test": 60}
    found = run(tmp_path, planted_outliers, settings, data="flour")
    share = found[found["amplitude"] == 80.0].groupby(["method", "condition"])["value"].mean()
    assert share["either"]["own"] < 0.06
    for spoiled in ("foreign", "spikes", "dropped_band", "saturation"):
        assert share["either"][spoiled] > 0.8
    few = found[(found["method"] == "cross_validated") & (found["amplitude"] == 20.0)]
    assert few["status"].str.contains("20 spectra, fewer than the 39").all()
    many = found[found["amplitude"] == 99.0]
    assert set(many["method"]) == set(LIMITS) and many["status"].str.contains("160 specimens").all()


def test_bands_in_common_stand_once_and_faint_ones_do_not_count():
    axis = np.arange(1000.0, 2500.0)
    bands = known_bands(["starch", "cellulose"], "nir", axis)
    shared = [band for band in bands if band.group == "O-H" and band.centre == 2100.0]
    assert [band.fwhm for band in shared] == [105.0]
    # The second overtone of C-H at 1200 nm is a fortieth of the strongest band.
    assert all(band.centre > 1400.0 for band in bands)
    assert {band.group for band in known_bands(["protein"], "nir", axis)} >= {"N-H", "C-H"}
    with pytest.raises(NotRunError, match="Raman"):
        known_bands(["starch"], "raman", axis)


def test_enrichment_is_that_of_the_mask_and_its_null_leaves_out_where_it_is():
    attention = np.ones(20)
    attention[4:7] = 3.0
    inside = np.zeros(20, dtype=bool)
    inside[4:7] = True
    assert enrichment(attention, inside) == pytest.approx(3.0)
    null = moved(attention, inside)
    assert len(null) == 19 and null.max() < 3.0
    assert enrichment(np.ones(20), inside) == pytest.approx(1.0)
    assert np.isnan(enrichment(attention, np.ones(20, dtype=bool)))
