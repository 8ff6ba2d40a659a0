"""The stages fine_tuning and measure_cost on small sets, to metrics and to a table of seconds."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate import cost_routes, downstream_heads
from etalon.evaluate.cost import COST_COLUMNS, STEPS
from etalon.preprocess.chain import PREPROCESSINGS
from etalon.stages import fine_tuning, gather_metrics, measure_cost, score_predictions
from etalon.storage import load_json, save_set, save_table, save_unavailable
from etalon.train.checkpoint import make_encoder, save_encoder

SIZE = {"encoder": "fsnl", "size": {"width": 16, "layers": 1, "heads": 2}}
TUNING = {"methods": ["full", "lora"], "rank": 4, "steps": 5, "batch": 24, "learning_rate": 1e-3}
MAX_LV = 4
COST = {
    "repeats": 1,
    "heads": ["ridge", "evidence", "kernels", "tabpfn"],
    "phase_0": {
        **{"preprocessings": list(PREPROCESSINGS), "max_lv": MAX_LV, "inner_splits": 3, "savgol_window": 7},
        **{"savgol_order": 2, "tabpfn": {"checkpoint_regressor": None, "n_pcs": 8, "n_estimators": 1}},
    },
    "asls": {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 20, "tol": 1e-3},
    "embedding": {"max_rows": 300, "inner_splits": 3},
    "downstream": {"n_pcs": 8, "n_estimators": 1, "in_context_rows": 100, "tabpfn": None},
    "fine_tuning": TUNING,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two datasets, one that could not be had, and an encoder's checkpoint."""
    root = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(0)
    axis = 1100.0 + 12 * np.arange(60)
    for name, n in (("few", 30), ("many", 45)):
        y = rng.uniform(1, 3, n)
        X = 0.2 + np.outer(y, np.exp(-0.5 * ((np.linspace(0, 1, 60) - 0.5) / 0.1) ** 2))
        X += 0.002 * rng.normal(size=(n, 60))
        metadata = Metadata(name, name, name, "nir", "absorbance", "nm", targets=(Target("fat", "fat", "%"),))
        ids = np.arange(n).astype(str)
        spectra = SpectraSet(metadata, X, axis, ids, ids, y[:, None])
        save_set(root / "data" / name, spectra)
        save_table(root / "splits" / f"{name}.parquet", make_folds(spectra, n_splits=3, n_repeats=1, seed=1))
    save_unavailable(root / "data" / "gone", "gone", "cannot be fetched (404)")
    save_table(root / "splits" / "gone.parquet", make_folds(spectra, n_splits=3, n_repeats=1, seed=1).head(0))
    torch.manual_seed(0)
    seen = [{"dataset": "corn", "family": "corn", "sha256": "0"}]
    save_encoder(root / "fsnl.safetensors", make_encoder(SIZE).state_dict(), {"config": SIZE, "data": seen})
    return root


def inputs(world, names):
    data = ["--data", *(str(world / "data" / name) for name in names)]
    return [*data, "--folds", *(str(world / "splits" / f"{name}.parquet") for name in names), "--seed", "1"]


def test_fine_tuning_to_metrics(world, tmp_path):
    names, out = ("few", "many", "gone"), tmp_path / "tuned.parquet"
    fine_tuning.main([
        *inputs(world, names),
        *("--settings", json.dumps(TUNING | {"max_spectra": 40, "repeats": 1})),
        *("--variant", "fsnl_random_init", "--heldout", "fold0", "--encoder-seed", "0"),
        *("--encoder", "fsnl", "--checkpoint", str(world / "fsnl.safetensors")),
        *("--out", str(out), "--record", str(out.with_suffix(".json"))),
    ])  # fmt: skip
    score_predictions.main([
        *("--run", "test", "--data", *(str(world / "data" / name) for name in names), "--predictions", str(out)),
        *("--record", str(tmp_path / "scores.json"), "--out", str(tmp_path / "scores.parquet")),
    ])  # fmt: skip
    gather_metrics.main(["--scores", str(tmp_path / "scores.parquet"), "--out", str(tmp_path / "metrics")])
    metrics = pd.read_parquet(tmp_path / "metrics")
    rmsep = metrics[(metrics["metric"] == "rmsep") & (metrics["status"] == "ok")].set_index(["dataset", "head"])
    assert set(rmsep.index) == {("few", "full_fine_tuning"), ("few", "lora_fine_tuning")}
    assert (rmsep["value"] < 0.1).all(), "noise of 0.002 in a band of height 1 to 3"
    assert set(rmsep["n_train"]) == {20.0}
    lost = metrics[metrics["status"] != "ok"].astype(object)
    reasons = {(row.dataset, row.head): row.status for row in lost.itertuples()}
    heads = ("full_fine_tuning", "lora_fine_tuning")
    assert reasons == {("many", head): "not run: more than 40 spectra" for head in heads} | {
        ("gone", head): "not run: cannot be fetched (404)" for head in heads
    }
    record = load_json(out.with_suffix(".json"))
    assert record["packages"]["peft"]
    assert record["settings"]["rank"] == 4


def measure(world, out, settings, names=("few", "gone")):
    encoders = ["--encoder", "fs", "fs", "none", "--encoder", "own", "fsnl", str(world / "fsnl.safetensors")]
    paths = ["--out", str(out), "--record", str(out.with_suffix(".json"))]
    measure_cost.main(["--run", "test", *inputs(world, names), *encoders, "--settings", json.dumps(settings), *paths])
    return pd.read_parquet(out)


@pytest.fixture(scope="module")
def cost(world, tmp_path_factory):
    """The table of a machine without weights of TabPFN."""

    def no_weights(kind, configured):
        raise NotRunError("no weights")

    with pytest.MonkeyPatch.context() as patch:
        for module in (cost_routes, downstream_heads):
            patch.setattr(module, "tabpfn_checkpoint", no_weights)
        return measure(world, tmp_path_factory.mktemp("cost") / "cost.parquet", COST)


def test_every_route_is_measured_step_by_step(cost):
    assert {name: str(dtype) for name, dtype in cost.dtypes.items()} == COST_COLUMNS
    ok = cost[cost["status"] == "ok"].astype({"step": str})
    routes = {tuple(key) for key in ok[["method", "variant", "head"]].drop_duplicates().to_numpy()}
    assert routes == {
        *((name, "", "") for name in ("tuned_pls", "stacked_pls", "tuned_ridge")),
        *(("embedding", variant, head) for variant in ("fs", "own") for head in ("ridge", "evidence")),
        *(("embedding", "own", head) for head in ("full_fine_tuning", "lora_fine_tuning")),
        ("embedding", "fs", "kernels"),
    }
    for _, rows in ok.groupby(["method", "variant", "head"], observed=True):
        seconds = rows.set_index("step")["seconds"]
        assert seconds["total"] == pytest.approx(seconds[[step for step in STEPS if step in seconds]].sum())
        assert {"load", "fit", "predict"} <= set(seconds.index)
    assert set(ok["dataset"]) == {"few"}
    assert set(ok["n_train"]) == {20}


def test_what_cannot_run_is_shown_with_the_reason(cost):
    lost = cost[cost["status"] != "ok"].astype(object)
    few = lost[lost["dataset"] == "few"]
    assert {*zip(few["method"], few["variant"], few["head"], strict=True)} == {
        ("pca_tabpfn", "", ""),
        *(("embedding", variant, "tabpfn") for variant in ("fs", "own")),
    }
    assert set(few["status"]) == {"not run: no weights"}
    assert set(lost.loc[lost["dataset"] == "gone", "status"]) == {"not run: cannot be fetched (404)"}
    assert len(lost[lost["dataset"] == "gone"]) == 13


def test_choices_are_counted_from_the_grids(cost):
    of = cost[cost["step"] == "total"].drop_duplicates(["method", "variant", "head"]).astype(object)
    of = of.set_index(["method", "variant", "head"])
    assert of.loc[("tuned_pls", "", ""), "searched"] == len(PREPROCESSINGS) * MAX_LV
    assert of.loc[("stacked_pls", "", ""), "optimised"] == len(PREPROCESSINGS)
    assert of.loc[("embedding", "fs", "evidence"), "optimised"] == 7
    assert of.loc[("embedding", "fs", "kernels"), "optimised"] == 7 + 28, (
        "6 linear, 16 windows, Matérn, 4 flattened; noise"
    )
    assert of.loc[("embedding", "own", "ridge"), "by_hand"] == 0
    assert of.loc[("embedding", "own", "lora_fine_tuning"), "by_hand"] == 4
    assert "weights of the encoder" in of.loc[("embedding", "own", "ridge"), "needs"]
    assert (of["by_hand"] == of["settings"].str.split().str.len()).all()


def test_a_choice_that_is_no_setting_is_refused(world, tmp_path):
    settings = COST | {"asls": {name: value for name, value in COST["asls"].items() if name != "p"}}
    with pytest.raises(BadInputError, match=r"asls\.p"):
        measure(world, tmp_path / "cost.parquet", settings)
