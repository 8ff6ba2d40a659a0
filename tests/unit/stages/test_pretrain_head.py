"""Stage pretrain_head: pools datasets of other families, keeps held-out ones away, and feeds the pretrained head."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError
from etalon.evaluate.embeddings import Embedding, save_embedding, save_index, save_not_run
from etalon.stages import embedding_heads, pretrain_head
from etalon.storage import load_json, save_set, save_table, save_unavailable

SETTINGS = {"max_rows": 30, "max_targets": 1}
JUDGED, POOLED = "judged", ("corn", "milk", "soil")


def write_set(root, name, heldout, seed):
    rng = np.random.default_rng(seed)
    y = rng.uniform(1, 3, 36)
    X = 0.2 + np.outer(y, np.exp(-0.5 * ((np.linspace(0, 1, 40) - 0.5) / 0.1) ** 2)) + 0.002 * rng.normal(size=(36, 40))
    targets = (Target("protein", "protein", "%"), Target("oil", "fat", "%"))
    metadata = Metadata(name, f"{name} family", "Toy", "nir", "absorbance", "nm", targets=targets)
    ids = np.arange(36).astype(str)
    spectra = SpectraSet(metadata, X, 1100.0 + 8 * np.arange(40), ids, ids, np.c_[y, y**2])
    save_set(root / "data" / name, spectra)
    save_table(root / "splits" / f"{name}.parquet", make_folds(spectra, n_splits=3, n_repeats=1, seed=1))
    save_embedding(root / heldout, name, Embedding.join({"raw": X, "d1": np.gradient(X, axis=1)}), None)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_set(root, JUDGED, "fold0", 0)
    for seed, name in enumerate(POOLED, 1):
        write_set(root, name, "fold1", seed)
    save_unavailable(root / "data" / "gone", "gone", "cannot be fetched (404)")
    save_not_run(root / "fold1", "gone", "cannot be fetched (404)")
    about = {"blocks": {"raw": 40, "d1": 40}, "checkpoint": None}
    save_index(root / "fold0" / "index.json", {JUDGED: "ok"}, about)
    save_index(root / "fold1" / "index.json", {**dict.fromkeys(POOLED, "ok"), "gone": "not run: 404"}, about)
    return root


def pretrain(root, data, out):
    pretrain_head.main([
        *("--data", *(str(root / "data" / name) for name in data)), "--indices", str(root / "fold1" / "index.json"),
        *("--heldout", "fold0", "--heldout-families", f"{JUDGED} family", "--settings", json.dumps(SETTINGS)),
        *("--seed", "1", "--out", str(out)),
    ])  # fmt: skip
    return load_json(out)


def judge(root, prior, out):
    options = ["--prior", str(prior)] if prior else []
    settings = {"repeats": 1, "max_rows": 300, "inner_splits": 3, "heads": ["kernels", "pretrained_kernels"]}
    embedding_heads.main([
        *("--index", str(root / "fold0" / "index.json"), "--data", str(root / "data" / JUDGED), *options),
        *("--folds", str(root / "splits" / f"{JUDGED}.parquet"), "--settings", json.dumps(settings), "--seed", "1"),
        *("--variant", "fs", "--heldout", "fold0", "--encoder-seed", "0"),
        *("--out", str(out), "--record", str(out.with_suffix(".json"))),
    ])  # fmt: skip
    return pd.read_parquet(out), load_json(out.with_suffix(".json"))


def test_a_prior_is_pooled_over_other_families_and_used_by_the_head(world, tmp_path):
    found = pretrain(world, (*POOLED, "gone"), tmp_path / "prior.json")
    assert found["datasets"] == list(POOLED) and found["tasks"] == 3
    assert found["families"] == sorted(f"{name} family" for name in POOLED)
    assert "404" in found["not_run"]["gone"]
    assert [point["families"] for point in found["learning_curve"]] == [0, 1, 2]
    rows, record = judge(world, tmp_path / "prior.json", tmp_path / "p.parquet")
    by_head = {head: own["prediction"].to_numpy(float) for head, own in rows.groupby("head", observed=True)}
    assert set(by_head) == {"kernels", "pretrained_kernels"}
    assert np.abs(by_head["kernels"] - by_head["pretrained_kernels"]).max() > 1e-6
    assert record["inputs"]["prior"] and not record["datasets"][0]["gaps"]


def test_a_dataset_of_a_held_out_family_is_refused(world, tmp_path):
    with pytest.raises(BadInputError, match=JUDGED):
        pretrain(world, (*POOLED, JUDGED), tmp_path / "prior.json")


def test_without_other_families_the_head_does_not_run_and_says_so(world, tmp_path):
    assert pretrain(world, ("gone",), tmp_path / "none.json")["prior"] is None
    rows, record = judge(world, tmp_path / "none.json", tmp_path / "p.parquet")
    assert set(rows["head"]) == {"kernels"}
    gaps = {gap["head"]: gap["reason"] for gap in record["datasets"][0]["gaps"]}
    assert "other families" in gaps["pretrained_kernels"]
    with pytest.raises(BadInputError, match="--prior"):
        judge(world, None, tmp_path / "q.parquet")
