"""The stages of few-shot curves write metrics, equal draws for classical methods and embeddings."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.evaluate.embeddings import Embedding, save_embedding, save_index
from etalon.records import METRIC_COLUMNS
from etalon.stages import classical_few_shot, few_shot
from etalon.storage import load_json, save_array, save_set

SETTINGS = {
    "sizes": [5, 10], "draws": 2, "max_targets": 4, "max_test": 20, "heads": ["ridge", "fs_evidence", "logistic"],
    "max_rows": 100, "preprocessings": ["none", "snv"], "max_lv": 4, "inner_splits": 3, "savgol_window": 7,
    "savgol_order": 2,
}  # fmt: skip


@pytest.fixture
def world(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.uniform(1, 3, 32)
    X = 0.2 + np.outer(y, np.exp(-0.5 * ((np.linspace(0, 1, 40) - 0.5) / 0.1) ** 2)) + 0.002 * rng.normal(size=(32, 40))
    metadata = Metadata("toy", "toys", "Toy", "nir", "absorbance", "nm", targets=(Target("protein", "protein", "%"),))
    ids = np.arange(32).astype(str)
    save_set(tmp_path / "toy", SpectraSet(metadata, X, 1100.0 + 8 * np.arange(40), ids, ids, y[:, None]))
    save_array(tmp_path / "toy" / "baseline_asls.npy", np.zeros_like(X, dtype=np.float32))
    for name, blocks in (("own", ("learned", "stats")), ("fs", ("raw",))):
        embedding = Embedding.join({block: X.astype(np.float32) for block in blocks})
        save_embedding(tmp_path / name, "toy", embedding, None)
        about = {"blocks": dict.fromkeys(blocks, 40), "checkpoint": None}
        save_index(tmp_path / name / "index.json", {"toy": "ok"}, about)
    return tmp_path


def common(world, name):
    files = ["--out", str(world / f"{name}.parquet"), "--record", str(world / f"{name}.json")]
    return ["--run", "test", "--data", str(world / "toy"), "--seed", "1", "--settings", json.dumps(SETTINGS), *files]


def test_both_stages_write_metrics_that_can_be_paired_draw_by_draw(world):
    classical_few_shot.main(common(world, "classical"))
    few_shot.main([
        *common(world, "embeddings"), "--index", str(world / "own" / "index.json"),
        *("--fs-index", str(world / "fs" / "index.json"), "--variant", "fsnl", "--heldout", "fold0"),
        *("--encoder-seed", "3"),
    ])  # fmt: skip
    tables = [pd.read_parquet(world / f"{name}.parquet") for name in ("classical", "embeddings")]
    for table in tables:
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == METRIC_COLUMNS
        assert set(table["run"]) == {"test"}
        assert set(table["condition"]) == {"few_shot"}
        assert set(table["status"]) == {"ok"}
    classical, embeddings = tables
    assert set(classical["method"]) == {"tuned_pls", "tuned_ridge", "stacked_pls"}
    assert set(embeddings["head"]) == {"ridge", "fs_evidence"}
    assert set(embeddings["variant"]) == {"fsnl"}
    assert set(embeddings["seed"]) == {3}
    keys = ["dataset", "target", "amplitude", "draw", "metric"]
    paired = embeddings.merge(classical[classical["method"] == "tuned_pls"], on=keys)
    assert len(paired) == len(embeddings) == 2 * 2 * 2 * 3
    record = load_json(world / "embeddings.json")
    assert record["heads"] == ["ridge", "fs_evidence"]
    assert (record["seed"], record["rows_say"]["seed"]) == (1, 3)
    assert record["datasets"][0]["targets"] == ["protein"]


def test_few_shot_starts_without_torch():
    code = "import sys; from etalon.stages import few_shot; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False"]
