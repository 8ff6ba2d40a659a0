"""The stages of the soil study's open questions, on a few synthetic soils, from sets in the data contract to tables."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etalon.catalogue import Expect, load_catalogue
from etalon.data.folds import make_folds
from etalon.data.readers.synthetic_soil import read
from etalon.figures import fig_soil_band_bias, fig_soil_sensitivity, tab_soil_extended, tab_soil_shift
from etalon.stages import (
    soil_answers,
    soil_band_bias,
    soil_bridge,
    soil_classical,
    soil_learned,
    soil_mapped,
    soil_vae,
)
from etalon.storage import load_json, load_set, save_set, save_table

CATALOGUE = load_catalogue(Path(__file__).parents[3] / "config" / "datasets.yaml")
SOILS = {"soil_synthetic_mir": 48, "soil_synthetic_scanner": 48}
SOILS |= {"soil_synthetic_region_mir": 30, "soil_synthetic_region_scanner": 30}
CHANNELS = {"mir_bench": 851, "nir_scanner": 257}
TRAIN, ABROAD = ["soil_synthetic_mir", "soil_synthetic_scanner"], "soil_synthetic_region_scanner"
STUDY = {
    "grid": {"first": 620, "last": 3780, "step": 40},
    "nir_grid": {"first": 4010, "last": 7140, "step": 50},
    "sets": TRAIN,
    "bridged": ["soil_synthetic_scanner"],
    "partners": {"soil_synthetic_scanner": "soil_synthetic_mir"},
    "independent": {"train": TRAIN, "test": ["soil_synthetic_region_mir", ABROAD]},
}
VAE = {
    "latents": 6, "width": 8, "layers": 1, "start": "linear", "steps": 8, "batch": 16, "learning_rate": 1e-3,
    "weight_decay": 0.0, "noise_sd": 0.05, "kl_weight": 1.0, "kl_warm_up": 0.3,
}  # fmt: skip
BRIDGE = {
    "width": 8, "layers": 1, "dropout": 0.0, "unfrozen": False, "steps": 60, "batch": 24, "learning_rate": 1e-2,
    "weight_decay": 0.0, "noise_sd": 0.2, "regularisation": 1.0, "jitter": 0.0,
}  # fmt: skip
HEADS = {
    "max_lv": 4, "inner_splits": 3, "members": 2, "width": 8, "dropout": 0.0, "epochs": 3, "patience": 2,
    "learning_rate": 1e-2, "weight_decay": 0.0,
}  # fmt: skip
ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 20, "tol": 1e-3}
SPLITS = ("fold0", "fold1", "independent")
NEUTRAL = {"weight": 1.0, "area_weight": 0.0}  # with these the other losses are the plain one


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("soil_answers")
    for name, n in SOILS.items():
        entry = CATALOGUE[name]
        own = entry.options | {"specimens": n, "scans": 1}
        expect = Expect(n, CHANNELS[own["instrument"]])
        save_set(root / name, read(dataclasses.replace(entry, options=own, expect=expect), {}, seed=0))
    for name in TRAIN:
        save_table(
            root / "splits" / f"{name}.parquet", make_folds(load_set(root / name), n_splits=2, n_repeats=1, seed=0)
        )
    return root


def options(root, split, settings):
    data = [str(root / name) for name in SOILS]
    folds = [str(root / "splits" / f"{name}.parquet") for name in TRAIN]
    text = json.dumps({"study": STUDY} | settings)
    return ["--data", *data, "--folds", *folds, "--split", split, "--seed", "7", "--settings", text]


def named(root, **paths):
    return [part for name, path in paths.items() for part in (f"--{name.replace('_', '-')}", str(root / path))]


def band_bias(root, split, settings, out):
    both = {"vae": VAE, "bridge": BRIDGE, "band_bias": settings}
    models = {"vae": f"vae/{split}.safetensors", "bridge": f"bridge/{split}.safetensors"}
    paths = {
        "out": f"{out}/{split}.parquet",
        "out_spectra": f"{out}/{split}.s.parquet",
        "record": f"{out}/{split}.json",
    }
    soil_band_bias.main([*options(root, split, both), "--encoder-seed", "0", *named(root, **models, **paths)])


@pytest.fixture(scope="module")
def written(root):
    for split in SPLITS:
        seed = ["--encoder-seed", "0"]
        vae, bridge = f"vae/{split}.safetensors", f"bridge/{split}.safetensors"
        own = ["--variant", "main", *seed]
        soil_vae.main([*options(root, split, {"vae": VAE}), *own, *named(root, out=vae, curves="c.parquet")])
        own += named(root, vae=vae, out=bridge, curves="c.parquet")
        soil_bridge.main([*options(root, split, {"bridge": BRIDGE}), *own])
        paths = {"out": f"classical/{split}.parquet", "record": f"classical/{split}.json"}
        soil_classical.main([*options(root, split, {"heads": HEADS, "asls": ASLS}), *named(root, **paths)])
        paths = {name: f"{name}/{split}.parquet" for name in ("latents", "spectra", "examples")}
        paths |= {"vaes": vae, "bridges": bridge, "out": f"learned/{split}.parquet", "record": f"learned/{split}.json"}
        soil_learned.main([*options(root, split, {"heads": HEADS, "untrained": {}}), *seed, *named(root, **paths)])
        paths = {"out": f"mapped/{split}.parquet", "out_survival": f"mapped/{split}.s.parquet"}
        paths |= {"vae": vae, "bridge": bridge, "record": f"mapped/{split}.json"}
        soil_mapped.main([*options(root, split, {}), *seed, *named(root, **paths)])
    band_bias(root, "fold0", {"weight": 5.0, "area_weight": 10.0}, "bias")
    files = {
        name: [str(root / f"{name}/{split}.parquet") for split in SPLITS] for name in ("classical", "learned", "mapped")
    }
    outs = {f"out_{name}": f"{name}.parquet" for name in ("band_bias", "sensitivity", "shift", "extended")}
    soil_answers.main([
        *("--run", "test", "--data", *(str(root / name) for name in SOILS), "--seed", "7"),
        *("--predictions", *files["classical"], *files["learned"], "--mapped", *files["mapped"]),
        *("--survival", *(str(root / f"mapped/{split}.s.parquet") for split in SPLITS)),
        *("--band-bias", str(root / "bias/fold0.parquet"), "--band-spectra", str(root / "bias/fold0.s.parquet")),
        *("--settings", '{"bootstrap": 40}', *named(root, **outs)),
    ])  # fmt: skip
    return root


def test_losses_differ_in_nothing_but_the_loss(root, written):
    band_bias(root, "fold0", NEUTRAL, "neutral")
    soils = pd.read_parquet(root / "neutral/fold0.parquet").drop(columns=["seed", "dataset", "pair"])
    by_loss = {loss: own.drop(columns="loss").reset_index(drop=True) for loss, own in soils.groupby("loss")}
    pd.testing.assert_frame_equal(by_loss["areas"], by_loss["plain"])
    pd.testing.assert_frame_equal(by_loss["weighted"], by_loss["plain"], check_exact=False, rtol=1e-3)
    own = pd.read_parquet(written / "bias/fold0.parquet")
    errors = own.pivot_table(index=["kind", "soil"], columns="loss", values="rmse")
    assert (errors["areas"] != errors["plain"]).all()


def test_a_nir_set_adds_no_reconstruction_of_another_sets_spectra(written):
    own = pd.read_parquet(written / "bias/fold0.parquet")
    assert set(own.loc[own["kind"] == "reconstructed", "dataset"]) == {"soil_synthetic_mir"}
    assert set(own.loc[own["kind"] == "converted", "dataset"]) == {"soil_synthetic_scanner"}


def test_every_table_says_which_run_and_that_soils_are_synthetic(written):
    for name in ("band_bias", "sensitivity", "shift", "extended"):
        table = pd.read_parquet(written / f"{name}.parquet")
        assert len(table)
        assert set(table["run"]) == {"test"}
        assert table["synthetic"].all()
        assert set(table["family"]) <= {"soil_synthetic_survey", "soil_synthetic_region"}


def test_parts_of_the_shift_of_every_pair_property_and_model_add_up(written):
    table = pd.read_parquet(written / "shift.parquet")
    ok = table[table["status"] == "ok"].pivot_table(
        index=["pair", "target", "method"], columns="quantity", values="value"
    )
    assert len(ok)
    total = ok["rmse_train"] + ok["range"] + ok["spectra"] + ok["beyond"]
    np.testing.assert_allclose(total, ok["rmse_test"])
    assert set(table["unit"]) == {"%", "pH", "cmol/kg"}


def test_heads_of_mir_latents_are_judged_in_the_other_laboratory(written):
    table = pd.read_parquet(written / "extended.parquet")
    abroad = table[(table["dataset"] == ABROAD) & (table["quantity"] == "ccc")]
    assert set(abroad["target"]) >= {"clay", "cec", "organic_carbon"}
    assert (abroad["low"] <= abroad["value"]).all()
    assert abroad["n"].eq(SOILS[ABROAD]).all()


def test_sensitivity_is_of_all_soils_of_a_set_with_both_ranges(written):
    table = pd.read_parquet(written / "sensitivity.parquet")
    own = table[table["quantity"] == "carried"]
    assert set(own["dataset"]) == {"soil_synthetic_scanner"}
    assert own["n"].eq(SOILS["soil_synthetic_scanner"]).all()


def test_records_name_their_stage_and_split(written):
    for folder, stage in (("mapped", "soil_mapped"), ("bias", "soil_band_bias")):
        record = load_json(written / f"{folder}/fold0.json")
        assert (record["experiment"], record["split"], record["encoder_seed"]) == (stage, "fold0", 0)


def test_everything_is_drawn(written, tmp_path):
    for module, name in ((fig_soil_band_bias, "band_bias"), (fig_soil_sensitivity, "sensitivity")):
        paths = ["--out-pdf", str(tmp_path / f"{name}.pdf"), "--out-png", str(tmp_path / f"{name}.png")]
        module.main(["--metrics", str(written / f"{name}.parquet"), *paths])
    for module, name in ((tab_soil_shift, "shift"), (tab_soil_extended, "extended")):
        paths = ["--out-csv", str(tmp_path / f"{name}.csv"), "--out-tex", str(tmp_path / f"{name}.tex")]
        module.main(["--metrics", str(written / f"{name}.parquet"), *paths])
        assert len(pd.read_csv(tmp_path / f"{name}.csv"))
