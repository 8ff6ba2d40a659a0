"""The stage of the process over two instruments, from paired datasets to metrics."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError
from etalon.records import METRIC_COLUMNS
from etalon.stages import classical_transfer, evidence_transfer
from etalon.storage import load_json, save_array, save_set, save_table
from etalon.train.checkpoint import make_encoder, save_encoder

SETTINGS = {
    "sizes": [4, 12, 99], "choices": {"random": 2, "kennard_stone": 1, "clustered": 1}, "max_targets": 4,
    "preprocessings": ["none", "snv"], "max_lv": 4, "inner_splits": 3, "savgol_window": 7, "savgol_order": 2,
    "levels": [0.5, 0.9],
}  # fmt: skip
PAIR = "bench>pocket"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two instruments on the same specimens, the second with two scans each, another gain, offset, axis and range."""
    root = tmp_path_factory.mktemp("evidence")
    amounts = np.random.default_rng(0).uniform(0.5, 2.0, (36, 3))
    for name, partner in (("bench", "pocket"), ("pocket", "bench")):
        scans, grid = (2, np.arange(1124.0, 1500.0, 9.0)) if name == "pocket" else (1, np.arange(1100.0, 1700.0, 8.0))
        shift = 3.0 if name == "pocket" else 0.0
        bands = [np.exp(-0.5 * ((grid + shift - centre) / 50.0) ** 2) for centre in (1250.0, 1400.0, 1560.0)]
        X = np.repeat(0.2 + amounts @ bands, scans, axis=0)
        X = X + 0.001 * np.random.default_rng(1).normal(size=X.shape)
        X = 1.2 * X + 0.3 if name == "pocket" else X
        targets = (Target("protein", "crude protein", "%"),)
        partners = (partner, "lost") if name == "bench" else (partner,)
        metadata = Metadata(name, "toys", "Toy", "nir", "absorbance", "nm", targets=targets, paired_with=partners)
        specimen = np.repeat(np.arange(36), scans).astype(str)
        reference = np.repeat(amounts[:, :1], scans, axis=0)
        spectra = SpectraSet(metadata, X, grid, np.arange(len(X)).astype(str), specimen, reference)
        save_set(root / name, spectra)
        save_array(root / name / "baseline_asls.npy", np.zeros_like(spectra.intensities))
        save_table(root / f"{name}.folds", make_folds(spectra, n_splits=3, n_repeats=2, seed=1))
    return root


def run(root, features, encoder="fs", checkpoint="none"):
    out = root / f"{features}.parquet"
    evidence_transfer.main([
        *("--run", "test", "--data", str(root / "bench"), "--folds", str(root / "bench.folds"), "--seed", "1"),
        *("--partners", str(root / "pocket"), "--settings", json.dumps(SETTINGS), "--encoder", encoder),
        *("--checkpoint", str(checkpoint), "--features", features, "--encoder-seed", "0"),
        *("--out", str(out), "--record", str(out.with_suffix(".json"))),
    ])  # fmt: skip
    table = pd.read_parquet(out)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == METRIC_COLUMNS
    return table.astype({name: str for name, kind in METRIC_COLUMNS.items() if kind == "category"})


@pytest.fixture(scope="module")
def metrics(folders):
    return pd.concat([run(folders, "fs"), run(folders, "spectra")])


def values(metrics, method, metric="rmsep", size=0.0, condition="transfer"):
    own = metrics[(metrics["method"] == method) & (metrics["metric"] == metric) & (metrics["pair"] == PAIR)]
    own = own[(own["amplitude"] == size) & (own["status"] == "ok") & (own["condition"] == condition)]
    return own["value"].to_numpy()


@pytest.mark.parametrize("features", ["fs", "spectra"])
def test_every_method_number_and_draw_is_there(metrics, features):
    for method in ("gp", "evidence_sbc", "evidence_target_only"):
        name = f"{method}_{features}"
        assert [len(values(metrics, name, size=size)) for size in (4.0, 12.0)] == [2, 2]
        assert len(values(metrics, name, size=12.0, condition="transfer_kennard_stone")) == 1
        assert len(values(metrics, name, size=12.0, condition="transfer_clustered")) == 1
    for method in ("evidence", "evidence_target_all"):
        assert len(values(metrics, f"{method}_{features}")) == 1


@pytest.mark.parametrize("features", ["fs", "spectra"])
def test_few_samples_bring_the_calibration_over(metrics, features):
    none, own = (values(metrics, f"{method}_{features}").item() for method in ("evidence", "evidence_target_all"))
    found = values(metrics, f"gp_{features}", size=12.0).mean()
    assert found < 0.2 * none and found < 3 * own
    assert found < values(metrics, f"gp_{features}", size=4.0).mean()


def test_intervals_hold_what_they_say_and_need_samples(metrics):
    assert values(metrics, "gp_fs", "coverage_90", 12.0).mean() > 0.7
    half, most = (values(metrics, "gp_fs", f"interval_width_{level}", 12.0).mean() for level in (50, 90))
    assert 0 < half < most
    few = metrics[(metrics["metric"] == "coverage_90") & (metrics["amplitude"] == 4.0) & (metrics["method"] == "gp_fs")]
    assert set(few["status"]) == {"not run: 4 transfer samples, fewer than the 9 of an interval of 90%"}


def test_the_draws_are_those_of_the_classical_methods(folders, metrics, monkeypatch):
    """A method on its predictions alone: the same number from both stages, for every draw and way of choosing."""
    out = folders / "classical.parquet"
    classical_transfer.main([
        *("--run", "test", "--data", str(folders / "bench"), "--folds", str(folders / "bench.folds"), "--seed", "1"),
        *("--partners", str(folders / "pocket"), "--settings", json.dumps(SETTINGS)),
        *("--out", str(out), "--record", str(out.with_suffix(".json"))),
    ])  # fmt: skip
    classical = pd.read_parquet(out).astype({"method": str, "metric": str})
    chosen = []
    monkeypatch.setattr(
        "etalon.evaluate.evidence_transfer.EmbeddedFold.joint",
        lambda fold, rows, levels: (chosen.append(rows) or fold.prepared.predict("pds", rows), {}),
    )
    monkeypatch.setattr(
        "etalon.evaluate.evidence_transfer.EmbeddedFold.fitted", lambda fold, name, rows: fold.prepared.y_test
    )
    monkeypatch.setattr("etalon.evaluate.evidence_transfer.EmbeddedFold.fixed", lambda fold, name: fold.prepared.y_test)
    monkeypatch.setitem(SETTINGS, "levels", [])
    both = [
        table[(table["method"] == name) & (table["metric"] == "rmsep") & (table["status"] == "ok")]["value"].to_numpy()
        for table, name in ((run(folders, "spectra"), "gp_spectra"), (classical, "pds"))
    ]
    np.testing.assert_allclose(*both)
    assert len(chosen)


def test_what_did_not_run_says_why(metrics):
    missing = metrics[(metrics["status"] != "ok") & (metrics["metric"] == "rmsep") & (metrics["method"] == "gp_fs")]
    reasons = {(row.pair, row.amplitude): row.status for row in missing.itertuples()}
    assert reasons[PAIR, 99.0] == "not run: 24 specimens to choose from, fewer than 99"
    assert "not run: lost is not among the datasets" in set(missing["status"])


def test_an_encoder_that_saw_the_family_is_refused(folders):
    checkpoint, config = folders / "seen.safetensors", {"encoder": "fsnl", "size": {}}
    seen = [{"dataset": "other", "family": "toys", "sha256": "0"}]
    save_encoder(checkpoint, make_encoder(config).state_dict(), {"config": config, "data": seen})
    with pytest.raises(BadInputError, match="no spectra of family 'toys'"):
        run(folders, "fsnl_episodic", encoder="fsnl", checkpoint=checkpoint)
    assert not (folders / "fsnl_episodic.parquet").exists()
    assert load_json(folders / "fs.json")["features"] == "fs"
