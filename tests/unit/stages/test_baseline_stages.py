"""The stages of phase 0 on a small set, from the data contract to one table of metrics."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.stages import (
    classical_baselines,
    classical_robustness,
    gather_metrics,
    make_folds,
    precompute_asls,
    score_predictions,
    tabpfn_baseline,
)
from etalon.storage import load_json, save_set, save_unavailable

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 20, "tol": 1e-3}
PHASE_0 = {
    "preprocessings": ["none", "snv"], "max_lv": 4, "inner_splits": 3, "savgol_window": 7, "savgol_order": 2,
    "max_pcs": 8,
    "tabpfn": {"checkpoint_regressor": None, "checkpoint_classifier": None, "n_pcs": 8, "n_estimators": 2},
}  # fmt: skip
AMPLITUDES = {
    name: {unit: [0.01, 0.5] for unit in ("AU", "SD", "1", "nm", "cm-1")}
    for name in (
        "baseline_drift", "multiplicative_scatter", "additive_offset", "noise", "wavelength_shift", "resolution",
        "dropped_bands",
    )
}  # fmt: skip


@pytest.fixture
def dataset(tmp_path):
    rng = np.random.default_rng(0)
    n, channel = 40, np.linspace(0, 1, 60)
    y = rng.uniform(1, 3, n)
    X = 0.2 + np.outer(y, np.exp(-0.5 * ((channel - 0.5) / 0.1) ** 2)) + 0.002 * rng.normal(size=(n, 60))
    metadata = Metadata(
        "toy", "toy", "Toy", "nir", "absorbance", "nm", targets=(Target("protein", "protein", "%"),), label="level"
    )
    ids = np.arange(n).astype(str)
    spectra = SpectraSet(
        metadata, X, 1100.0 + 2 * np.arange(60), ids, ids, y[:, None], label=np.where(y > 2, "high", "low")
    )
    save_set(tmp_path / "toy", spectra)
    return tmp_path / "toy"


def run_all(data, out, monkeypatch, tmp_path):
    from tabpfn.settings import settings

    monkeypatch.setattr(settings.tabpfn, "model_cache_dir", tmp_path / "no-weights")
    folds = out / "folds.parquet"
    baseline = data / "baseline_asls.npy"
    precompute_asls.main(
        ["--data", str(data), "--settings", json.dumps(ASLS), "--threads", "1", "--out", str(baseline)]
    )
    counts = json.dumps({"n_splits": 3, "n_repeats": 2})
    make_folds.main(["--data", str(data), "--settings", counts, "--seed", "1", "--out", str(folds)])
    common = ["--data", str(data), "--folds", str(folds), "--seed", "1"]
    robustness = json.dumps({"repeats": 1, "amplitudes": AMPLITUDES, "asls": ASLS})
    jobs = {
        "classical": (classical_baselines, json.dumps(PHASE_0), []),
        "tabpfn": (tabpfn_baseline, json.dumps(PHASE_0), []),
        "robustness": (classical_robustness, robustness, ["--baselines", str(out / "classical.json")]),
    }
    for name, (stage, settings_text, more) in jobs.items():
        files = ["--out", str(out / f"{name}.parquet"), "--record", str(out / f"{name}.json")]
        stage.main([*common, "--settings", settings_text, *files, *more])
        files = ["--out", str(out / f"{name}-scores.parquet"), "--record", str(out / f"{name}-scores.json")]
        predictions = ["--predictions", str(out / f"{name}.parquet")]
        score_predictions.main(["--run", "test", "--data", str(data), *predictions, *files])
    scores = [str(out / f"{name}-scores.parquet") for name in jobs]
    gather_metrics.main(["--scores", *scores, "--out", str(out / "metrics.parquet")])
    return pd.read_parquet(out / "metrics.parquet")


def test_from_the_contract_to_metrics(dataset, tmp_path, monkeypatch):
    metrics = run_all(dataset, tmp_path, monkeypatch, tmp_path)
    cv = metrics[(metrics["condition"] == "cv") & (metrics["status"] == "ok")]
    rmsecv = cv[cv["metric"] == "rmsep"].groupby("method", observed=True)["value"].mean()
    assert set(rmsecv.index) == {
        "asls_snv_pls",
        "asls_snv_ridge",
        "pca_ridge",
        "tuned_pls",
        "tuned_ridge",
        "stacked_pls",
    }
    assert rmsecv["tuned_pls"] < 0.05, "noise of 0.002 in a band of height 1 to 3"
    accuracy = cv[cv["metric"] == "balanced_accuracy"].groupby("method", observed=True)["value"].mean()
    assert accuracy["tuned_plsda"] > 0.85

    missing = metrics[metrics["method"] == "pca_tabpfn"]
    assert len(missing) == 2
    assert missing["status"].str.startswith("not run: TabPFN weights not available").all()

    noise = metrics[
        (metrics["condition"] == "noise") & (metrics["metric"] == "rmsep") & (metrics["method"] == "tuned_pls")
    ]
    by_amplitude = noise.set_index("amplitude")["value"]
    assert rmsecv["tuned_pls"] < by_amplitude[0.01] < by_amplitude[0.5]
    assert set(metrics["condition"]) == {"cv", *AMPLITUDES}


def test_records_hold_what_is_needed_to_repeat(dataset, tmp_path, monkeypatch):
    run_all(dataset, tmp_path, monkeypatch, tmp_path)
    record = load_json(tmp_path / "classical.json")
    assert record["settings"] == PHASE_0
    assert record["seed"] == 1
    assert len(record["inputs"]["spectra.npy"]) == 64
    assert record["packages"]["ikpls"]
    assert len(record["code"]) == 16
    chosen = {(c["method"], c["repeat"], c["fold"]) for c in record["choices"]}
    assert len([c for c in chosen if c[0] == "tuned_pls"]) == 6


def test_a_dataset_that_is_missing_goes_through_every_stage(tmp_path, monkeypatch):
    save_unavailable(tmp_path / "gone", "gone", "cannot be fetched (404)")
    metrics = run_all(tmp_path / "gone", tmp_path, monkeypatch, tmp_path)
    assert set(metrics["status"]) == {"not run: cannot be fetched (404)"}
    assert {"tuned_pls", "tuned_plsda", "pca_tabpfn"} <= set(metrics["method"])
