"""The stage of classical calibration transfer, from paired datasets to metrics."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.evaluate.transfer import efficiency
from etalon.evaluate.transfer_methods import METHODS
from etalon.records import METRIC_COLUMNS
from etalon.stages import classical_transfer
from etalon.storage import load_json, save_array, save_set, save_table

SETTINGS = {
    "sizes": [4, 12, 99], "choices": {"random": 3, "kennard_stone": 1, "clustered": 2}, "max_targets": 4,
    "preprocessings": ["none", "snv"], "max_lv": 4, "inner_splits": 3, "savgol_window": 7, "savgol_order": 2,
}  # fmt: skip
FIXED = {"none", "alone_none", "alone_snv", "target_all"}
PARTNERS = {"bench": ("pocket", "twin", "broken"), "pocket": ("bench",), "twin": ("bench",), "broken": ("bench",)}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    """Three instruments on the same specimens: the second's gain, offset and axis differ, the third is the first."""
    root = tmp_path_factory.mktemp("transfer")
    rng = np.random.default_rng(0)
    amounts = rng.uniform(0.5, 2.0, (36, 3))
    for name, partners in PARTNERS.items():
        # The handheld instrument scans twice, on a grid of its own that begins later.
        scans, grid = (2, np.arange(1124.0, 1700.0, 9.0)) if name == "pocket" else (1, np.arange(1100.0, 1700.0, 8.0))
        shift = 3.0 if name == "pocket" else 0.0
        bands = [np.exp(-0.5 * ((grid + shift - centre) / 50.0) ** 2) for centre in (1250.0, 1400.0, 1560.0)]
        X = np.repeat(0.2 + amounts @ bands, scans, axis=0)
        X = X + 0.001 * np.random.default_rng(1 if name in ("bench", "twin") else 2).normal(size=X.shape)
        X = 1.2 * X + 0.3 if name == "pocket" else X
        targets = (Target("protein", "crude protein", "%"),)
        metadata = Metadata(name, "toys", "Toy", "nir", "absorbance", "nm", targets=targets, paired_with=partners)
        ids = np.arange(len(X)).astype(str)
        specimen = np.repeat(np.arange(36), scans).astype(str)
        spectra = SpectraSet(metadata, X, grid, ids, specimen, np.repeat(amounts[:, :1], scans, axis=0))
        save_set(root / name, spectra)
        save_array(root / name / "baseline_asls.npy", np.zeros_like(spectra.intensities))
        save_table(root / f"{name}.folds", make_folds(spectra, n_splits=3, n_repeats=2, seed=1))
    classical_transfer.main([
        *("--run", "test", "--data", str(root / "bench"), "--folds", str(root / "bench.folds"), "--seed", "1"),
        *("--partners", str(root / "pocket"), str(root / "twin"), "--settings", json.dumps(SETTINGS)),
        *("--out", str(root / "metrics.parquet"), "--record", str(root / "metrics.json")),
    ])  # fmt: skip
    assert load_json(root / "metrics.json")["partners"] == ["pocket", "twin"]
    table = pd.read_parquet(root / "metrics.parquet")
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == METRIC_COLUMNS
    return table.astype({name: str for name, kind in METRIC_COLUMNS.items() if kind == "category"})


def errors(metrics, pair, method, condition="transfer", size=None):
    own = metrics[(metrics["metric"] == "rmsep") & (metrics["status"] == "ok") & (metrics["pair"] == pair)]
    own = own[(own["method"] == method) & (own["condition"] == condition)]
    return own.loc[own["amplitude"] == size if size else own["amplitude"] >= 0, "value"]


def test_every_method_number_and_draw_is_there(metrics):
    ok = metrics[(metrics["status"] == "ok") & (metrics["metric"] == "rmsep") & (metrics["pair"] == "bench>pocket")]
    drawn = ok[~ok["method"].isin(FIXED)]
    counts = drawn.groupby(["method", "condition", "amplitude"])["draw"].apply(sorted)
    for method in set(METHODS) - {"di_pls", "mdi_pls"}:
        for size in (4.0, 12.0):
            assert counts[method, "transfer", size] == [0, 1, 2]
            assert counts[method, "transfer_kennard_stone", size] == [0]
            assert counts[method, "transfer_clustered", size] == [0, 1]
    assert set(ok.loc[ok["method"].isin(FIXED), "amplitude"]) == {0.0}
    assert set(ok["analyte"]) == {"crude protein"}
    assert set(ok["n_train"]) == {24.0}


def test_corrections_help_and_more_samples_help_more(metrics):
    none = errors(metrics, "bench>pocket", "none").item()
    own = errors(metrics, "bench>pocket", "target_all").item()
    assert own < 0.02 < 0.1 < none
    assert errors(metrics, "bench>pocket", "pds", size=12).mean() < 0.1 * none
    for method in ("pds", "target_only"):
        assert (
            errors(metrics, "bench>pocket", method, size=12).mean()
            < errors(metrics, "bench>pocket", method, size=4).mean()
        )


def test_equal_instruments_change_nothing(metrics):
    none = errors(metrics, "bench>twin", "none").item()
    for method in ("bias", "sbc", "ds_residual", "pds"):
        np.testing.assert_allclose(errors(metrics, "bench>twin", method), none, rtol=1e-6)


def test_what_did_not_run_says_why(metrics):
    missing = metrics[(metrics["status"] != "ok") & (metrics["metric"] == "rmsep")]
    reasons = {(row.pair, row.amplitude): row.status for row in missing.itertuples() if row.method == "pds"}
    assert reasons["bench>pocket", 99.0] == "not run: 24 specimens to choose from, fewer than 99"
    broken = missing[missing["pair"] == "bench>broken"]
    assert set(broken["status"]) == {"not run: broken is not among the datasets"}
    assert set(broken["method"]) == {*METHODS, *FIXED}


def test_efficiency_is_one_for_an_own_calibration(metrics):
    eta = metrics[(metrics["metric"] == "eta") & (metrics["pair"] == "bench>pocket")].set_index("method")["value"]
    assert eta["target_all"] == pytest.approx(1.0)
    assert eta["none"] == pytest.approx(0.0)
    assert efficiency(3.0, 4.0, 2.0)["value"] == pytest.approx(0.5)
    assert efficiency(3.0, 2.0, 2.0)["status"].startswith("not run")
