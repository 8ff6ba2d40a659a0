"""The stages on embeddings on small sets, from a checkpoint to metrics and a map."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError
from etalon.evaluate.embedding_map import MAP_COLUMNS
from etalon.evaluate.robustness import PERTURBATIONS
from etalon.preprocess.asls import asls
from etalon.records import METRIC_COLUMNS
from etalon.stages import (
    embed_datasets,
    embedding_heads,
    embedding_robustness,
    gather_metrics,
    map_embeddings,
    score_predictions,
)
from etalon.storage import load_json, save_array, save_set, save_table, save_unavailable
from etalon.train.checkpoint import make_encoder, save_encoder

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 20, "tol": 1e-3}
HEADS = ["ridge", "evidence", "fs_evidence", "ridge_cls", "logistic", "fs_logistic"]
SETTINGS = {"repeats": 1, "max_rows": 300, "inner_splits": 3, "heads": HEADS}
AMPLITUDES = {name: dict.fromkeys(("AU", "SD", "1", "nm", "cm-1"), (0.01, 1.0)) for name in PERTURBATIONS}
ROBUSTNESS = {"amplitudes": AMPLITUDES, "asls": ASLS, "max_spectra": 36, "max_rows": 300, "heads": HEADS}
SIZE = {"encoder": "fsnl", "size": {"width": 16, "layers": 1, "heads": 2}}
NAMES = ("few", "many", "channels", "gone")


def write_set(folder, n, axis_unit="nm", seed=0):
    rng = np.random.default_rng(seed)
    axis = np.arange(60.0) if axis_unit == "index" else 1100.0 + 8 * np.arange(60)
    y = rng.uniform(1, 3, n)
    X = 0.2 + np.outer(y, np.exp(-0.5 * ((np.linspace(0, 1, 60) - 0.5) / 0.1) ** 2)) + 0.002 * rng.normal(size=(n, 60))
    targets = (Target("protein", "protein", "%"), Target("ash", "ash", "%"))
    reference = np.c_[y, np.where(np.arange(n) < 5, y, np.nan)]
    metadata = Metadata(
        folder.name, f"{folder.name}_family", "Toy", "nir", "absorbance", axis_unit, targets=targets, label="level"
    )
    ids = np.arange(n).astype(str)
    spectra = SpectraSet(metadata, X, axis, ids, ids, reference, label=np.where(y > 2, "high", "low"))
    save_set(folder, spectra)
    baseline = asls(spectra.intensities, axis, axis_unit=axis_unit, modality="nir", **ASLS)
    save_array(folder / "baseline_asls.npy", baseline)
    return spectra


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Four datasets (one without wavelengths, one that could not be had), their folds, an encoder's checkpoint."""
    root = tmp_path_factory.mktemp("world")
    for name, n, axis_unit in (("few", 36, "nm"), ("many", 42, "nm"), ("channels", 36, "index")):
        spectra = write_set(root / "data" / name, n, axis_unit)
        save_table(root / "splits" / f"{name}.parquet", make_folds(spectra, n_splits=3, n_repeats=2, seed=1))
    save_unavailable(root / "data" / "gone", "gone", "cannot be fetched (404)")
    save_table(root / "splits" / "gone.parquet", make_folds(spectra, n_splits=3, n_repeats=1, seed=1).head(0))
    torch.manual_seed(0)
    seen = [{"dataset": "corn", "family": "corn", "sha256": "0"}]
    save_encoder(root / "fsnl.safetensors", make_encoder(SIZE).state_dict(), {"config": SIZE, "data": seen})
    return root


def paths(root, folder, ending=""):
    return [str(root / folder / f"{name}{ending}") for name in NAMES]


def embed(root, encoder, checkpoint="none", data=None, heldout="fold0"):
    index = root / encoder / heldout / "seed0" / "index.json"
    arguments = ["--encoder", encoder, "--checkpoint", str(checkpoint), "--out", str(index), "--threads", "1"]
    embed_datasets.main([*arguments, "--data", *(data or paths(root, "data"))])
    return index


@pytest.fixture(scope="module")
def indices(world):
    return {"fs": embed(world, "fs"), "fsnl": embed(world, "fsnl", world / "fsnl.safetensors")}


def common(root, settings, out, variant):
    return [
        *("--data", *paths(root, "data"), "--folds", *paths(root, "splits", ".parquet"), "--seed", "1"),
        *("--settings", json.dumps(settings), "--variant", variant, "--heldout", "fold0", "--encoder-seed", "0"),
        *("--out", str(out.with_suffix(".parquet")), "--record", str(out.with_suffix(".json"))),
    ]


def metrics_of(root, out):
    scores = out.with_suffix(".scores")
    score_predictions.main([
        *("--run", "test", "--data", *paths(root, "data"), "--predictions", str(out.with_suffix(".parquet"))),
        *("--record", str(out.with_suffix(".scores.json")), "--out", str(scores)),
    ])  # fmt: skip
    gather_metrics.main(["--scores", str(scores), "--out", str(out.with_suffix(".metrics"))])
    return pd.read_parquet(out.with_suffix(".metrics"))


def not_run(metrics):
    rows = metrics[metrics["status"] != "ok"].astype(object)
    return {(r.dataset, r.task, r.target, r.head): r.status for r in rows.itertuples()}


def test_embeddings_say_what_they_rest_on(world, indices):
    index = load_json(indices["fsnl"])
    assert index["datasets"] == {
        "few": "ok",
        "many": "ok",
        "channels": "not run: no wavelength axis",
        "gone": "not run: cannot be fetched (404)",
    }
    assert (len(index["checkpoint"]), len(index["code"]), index["encoder"]) == (64, 16, "fsnl")
    assert index["blocks"] == {"learned": 256, "stats": 2}
    assert len(index["inputs"]["few/spectra.npy"]) == 64
    assert index["packages"]["torch"]
    beside = load_json(indices["fsnl"].parent / "few.json")
    assert (beside["n"], beside["checkpoint"]) == (36, index["checkpoint"])
    assert load_json(indices["fs"])["checkpoint"] is None


def test_from_embeddings_to_metrics(world, indices):
    out = world / "heads"
    embedding_heads.main([
        *common(world, SETTINGS, out, "fsnl_random_init"),
        *("--index", str(indices["fsnl"]), "--fs-index", str(indices["fs"])),
    ])  # fmt: skip
    metrics = metrics_of(world, out)
    assert {name: str(dtype) for name, dtype in metrics.dtypes.items()} == METRIC_COLUMNS
    assert set(metrics["method"]) == {"embedding"}
    assert set(metrics["variant"]) == {"fsnl_random_init"}
    assert set(metrics["heldout"]) == {"fold0"}
    assert set(metrics["seed"]) == {0}
    ok = metrics[metrics["status"] == "ok"]
    rmsep = ok[ok["metric"] == "rmsep"].set_index(["dataset", "head"])
    assert set(rmsep.index) == {(d, h) for d in ("few", "many") for h in ("ridge", "evidence", "fs_evidence")}
    assert (rmsep["value"] < 0.1).all(), "noise of 0.002 in a band of height 1 to 3"
    assert set(rmsep["n_train"]) == {24.0, 28.0}
    assert set(rmsep["repeat"]) == {0}
    assert set(ok.loc[ok["task"] == "classification", "head"]) == {"logistic", "fs_logistic"}

    missing, reason = not_run(metrics), "not run: 5 measured samples, fewer than 20"
    regression, classification = ("ridge", "evidence", "fs_evidence"), ("logistic", "fs_logistic")
    expected = {(d, "regression", "ash", h): reason for d in ("few", "many", "channels") for h in regression}
    expected |= {("channels", "regression", "protein", h): "not run: no wavelength axis" for h in regression}
    expected |= {("channels", "classification", "level", h): "not run: no wavelength axis" for h in classification}
    for kind, heads in (("regression", regression), ("classification", classification)):
        expected |= {("gone", kind, "", h): "not run: cannot be fetched (404)" for h in heads}
    assert missing == expected
    assert set(metrics.loc[metrics["dataset"] == "few", "family"]) == {"few_family"}

    record = load_json(out.with_suffix(".json"))
    assert record["checkpoint"] == load_json(indices["fsnl"])["checkpoint"]
    assert record["settings"] == SETTINGS
    assert len(record["code"]) == 16


def test_fs_alone_gives_all_its_blocks_to_each_head(world, indices):
    out = world / "fs_heads"
    embedding_heads.main([*common(world, SETTINGS, out, "fs"), "--index", str(indices["fs"])])
    record = load_json(out.with_suffix(".json"))
    assert record["heads"] == {"regression": ["ridge", "evidence"], "classification": ["logistic"]}
    evidence = next(c for c in record["datasets"][0]["choices"] if c["head"] == "evidence")
    assert list(evidence["choice"]["strengths"]) == ["raw", "snv", "d1", "d2", "asls", "lsnv"]


def test_robustness_to_metrics(world):
    out = world / "robustness"
    encoder = ["--encoder", "fsnl", "--checkpoint", str(world / "fsnl.safetensors")]
    embedding_robustness.main([*common(world, ROBUSTNESS, out, "fsnl_random_init"), *encoder])
    metrics = metrics_of(world, out)
    ok = metrics[metrics["status"] == "ok"]
    assert set(ok["dataset"]) == {"few"}
    assert set(ok["condition"]) == set(PERTURBATIONS)
    assert set(ok["head"]) == {"ridge", "evidence", "fs_evidence"}
    noise = ok[(ok["condition"] == "noise") & (ok["metric"] == "rmsep")].set_index(["head", "amplitude"])
    assert set(noise["amplitude_unit"]) == {"AU"}
    assert all(noise.loc[(h, 0.01), "value"] < noise.loc[(h, 1.0), "value"] for h in ("ridge", "evidence"))
    missing = not_run(metrics)
    assert missing["many", "regression", "protein", "ridge"] == "not run: more than 36 spectra"
    assert missing["channels", "regression", "protein", "ridge"] == "not run: no wavelength axis"
    assert missing["gone", "regression", "", "ridge"] == "not run: cannot be fetched (404)"


def test_a_dataset_of_a_family_seen_in_training_is_refused(world, tmp_path):
    seen = [{"dataset": "few_other_instrument", "family": "few_family", "sha256": "0"}]
    checkpoint = tmp_path / "seen.safetensors"
    save_encoder(checkpoint, make_encoder(SIZE).state_dict(), {"config": SIZE, "data": seen})
    with pytest.raises(BadInputError, match=r"few_family.*to which few belongs, found few_other_instrument"):
        embed(tmp_path, "fsnl", checkpoint, paths(world, "data"))
    assert not list(tmp_path.rglob("*.npy"))
    encoder = ["--encoder", "fsnl", "--checkpoint", str(checkpoint)]
    with pytest.raises(BadInputError, match="few_family"):
        embedding_robustness.main([*common(world, ROBUSTNESS, tmp_path / "robustness", "fsnl"), *encoder])


def test_a_checkpoint_of_another_encoder_is_refused(world, tmp_path):
    with pytest.raises(BadInputError, match="encoder: expected 'perceiver', found 'fsnl'"):
        embed(tmp_path, "perceiver", world / "fsnl.safetensors", paths(world, "data"))


def map_of(world, indices, out, variant):
    map_embeddings.main([
        *("--run", "test", "--variant", variant, "--encoder-seed", "0", "--seed", "1", "--out", str(out)),
        *("--settings", json.dumps({"per_dataset": 20, "block": "learned"})),
        *("--data", *paths(world, "data"), "--index", *map(str, indices)),
    ])  # fmt: skip
    return pd.read_parquet(out)


def test_the_map_holds_a_sample_of_each_dataset(world, indices, tmp_path):
    table = map_of(world, [indices["fsnl"]], tmp_path / "map.parquet", "fsnl_random_init")
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == MAP_COLUMNS
    assert table.groupby("dataset", observed=True).size().to_dict() == {"few": 20, "many": 20}
    assert set(table["heldout"]) == {"fold0"}
    assert set(table["analyte"]) == {"protein"}
    assert table[["x", "y", "value"]].notna().all(axis=None)
    assert table["value"].between(1, 3).all()
    again = map_of(world, [indices["fsnl"]], tmp_path / "again.parquet", "fsnl_random_init")
    pd.testing.assert_frame_equal(table, again)


def test_folds_of_fs_share_one_map_and_those_of_checkpoints_do_not(world, indices, tmp_path, monkeypatch):
    maps = []

    def record(samples, seed):
        maps.append((len(samples), samples[0].embeddings.shape[1]))
        return samples[0].rows

    monkeypatch.setattr(map_embeddings, "draw_map", record)
    data = [str(world / "data" / "many")]
    other = tmp_path / "other.safetensors"
    save_encoder(other, make_encoder(SIZE).state_dict(), {"config": SIZE, "data": []})
    for encoder, checkpoint in (("fs", "none"), ("fsnl", other)):
        second = embed(tmp_path, encoder, checkpoint, data, heldout="fold1")
        map_of(world, [indices[encoder], second], tmp_path / "map.parquet", encoder)
    assert maps == [(3, 5 * 256), (2, 256), (1, 256)]


def test_heads_and_scores_start_without_torch():
    stages = "embedding_heads, score_predictions, map_embeddings"
    code = f"import sys; from etalon.stages import {stages}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False"]
