"""The stages of pairs of instruments, from datasets and embeddings to metrics."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.evaluate.embeddings import Embedding, save_embedding, save_index, save_not_run
from etalon.stages import (
    classical_cross_instrument,
    cross_instrument,
    gather_metrics,
    score_predictions,
)
from etalon.storage import save_array, save_set, save_table

SETTINGS = {
    "repeats": 1, "transfer": 5, "heads": ["ridge", "fs_evidence", "logistic"], "max_rows": 100,
    "preprocessings": ["none", "snv"], "max_lv": 4, "inner_splits": 3, "savgol_window": 7, "savgol_order": 2,
}  # fmt: skip
PARTNERS = {"bench": ("pocket", "broken"), "pocket": ("bench",), "broken": ("bench",)}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two instruments that measured the same specimens, and one of which no embedding could be made."""
    root = tmp_path_factory.mktemp("pairs")
    y = np.random.default_rng(0).uniform(1, 3, 30)
    for number, (name, partners) in enumerate(PARTNERS.items()):
        grid = 1100.0 + (8 + number) * np.arange(50)
        X = 0.2 + np.outer(y + 0.1 * number, np.exp(-0.5 * ((grid - 1300) / 50) ** 2))
        X += 0.002 * np.random.default_rng(number).normal(size=X.shape)
        target = Target("protein", "crude protein", "%")
        metadata = Metadata(name, "toys", "Toy", "nir", "absorbance", "nm", targets=(target,), paired_with=partners)
        ids = np.arange(30).astype(str)
        spectra = SpectraSet(metadata, X, grid, ids, ids, y[:, None])
        save_set(root / "data" / name, spectra)
        save_array(root / "data" / name / "baseline_asls.npy", np.zeros_like(spectra.intensities))
        save_table(root / "splits" / f"{name}.parquet", make_folds(spectra, n_splits=3, n_repeats=2, seed=1))
        blocks = np.array([np.interp(1100.0 + 8 * np.arange(50), grid, x) for x in X], dtype=np.float32)
        for encoder, names in (("own", ("learned", "stats")), ("fs", ("raw",))):
            if name == "broken":
                save_not_run(root / encoder, name, "nothing measured")
            else:
                save_embedding(root / encoder, name, Embedding.join(dict.fromkeys(names, blocks)), None)
    for encoder, names in (("own", ("learned", "stats")), ("fs", ("raw",))):
        about = {"blocks": dict.fromkeys(names, 50), "checkpoint": None}
        save_index(root / encoder / "index.json", dict.fromkeys(PARTNERS, "ok"), about)
    return root


def files(out):
    return ["--out", str(out.with_suffix(".parquet")), "--record", str(out.with_suffix(".json"))]


def metrics_of(data, out):
    score_predictions.main([
        *("--run", "test", "--data", *data, "--predictions", str(out.with_suffix(".parquet"))),
        *("--record", str(out.with_suffix(".scores.json")), "--out", str(out.with_suffix(".scores"))),
    ])  # fmt: skip
    gather_metrics.main(["--scores", str(out.with_suffix(".scores")), "--out", str(out.with_suffix(".metrics"))])
    return pd.read_parquet(out.with_suffix(".metrics")).astype({"pair": str, "condition": str, "status": str})


def check(rows, names, column):
    ok = rows[(rows["status"] == "ok") & (rows["metric"] == "rmsep")]
    assert set(ok["pair"]) == {"bench>pocket"}
    assert set(ok[column]) == set(names)
    assert set(ok["n_train"]) == {20.0}
    assert set(ok["analyte"]) == {"crude protein"}
    errors = ok.groupby("condition")["value"]
    assert errors.max()["same_instrument"] < 0.02
    assert errors.min()["cross_instrument"] > 0.07
    assert errors.max()["cross_instrument_bias"] < 0.04


def test_classical_methods_on_both_instruments(world):
    out, data = world / "classical", str(world / "data" / "bench")
    classical_cross_instrument.main([
        *("--data", data, "--folds", str(world / "splits" / "bench.parquet"), "--seed", "1"),
        *("--partners", str(world / "data" / "pocket"), "--settings", json.dumps(SETTINGS), *files(out)),
    ])  # fmt: skip
    rows = metrics_of([data], out)
    check(rows, ("tuned_pls", "tuned_ridge", "stacked_pls"), "method")
    missing = rows[rows["status"] != "ok"]
    assert set(missing["method"]) == {"tuned_pls", "tuned_ridge", "stacked_pls"}
    assert set(missing["pair"]) == {"bench>broken"}
    assert set(missing["status"]) == {"not run: broken is not among the datasets"}


def test_heads_on_both_instruments(world):
    out, data = world / "heads", [str(world / "data" / name) for name in PARTNERS]
    cross_instrument.main([
        *("--data", *data, "--folds", *(str(world / "splits" / f"{name}.parquet") for name in PARTNERS), "--seed", "1"),
        *("--settings", json.dumps(SETTINGS), "--variant", "fsnl", "--heldout", "fold0", "--encoder-seed", "0"),
        *("--index", str(world / "own" / "index.json"), "--fs-index", str(world / "fs" / "index.json"), *files(out)),
    ])  # fmt: skip
    rows = metrics_of(data, out)
    check(rows[rows["dataset"] == "bench"], ("ridge", "fs_evidence"), "head")
    back = rows[(rows["dataset"] == "pocket") & (rows["status"] == "ok")]
    assert set(back["pair"]) == {"pocket>bench"}
    missing = rows[rows["status"] != "ok"]
    assert set(missing["head"]) == {"ridge", "fs_evidence"}
    assert set(missing["status"]) == {"not run: nothing measured"}
    assert set(missing.loc[missing["dataset"] == "bench", "pair"]) == {"bench>broken"}
