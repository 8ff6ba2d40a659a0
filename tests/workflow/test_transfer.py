"""Calibration transfer on two generated instruments, from spectra to figures."""

import pandas as pd
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PAIRS = {"synthetic_grain_benchtop>synthetic_grain_handheld", "synthetic_grain_handheld>synthetic_grain_benchtop"}
OPTIONS = ("--configfile", "config/test.yaml", "--config", "datasets={include: [synthetic_grain_*]}")


def test_both_directions_are_transferred_and_drawn(workflow):
    workflow.run("transfer", "--cores", "2", *OPTIONS)
    results = workflow.folder / "results/test"
    metrics = pd.read_parquet(results / "metrics/transfer.parquet")
    ran = metrics[(metrics["status"] == "ok") & (metrics["metric"] == "rmsep")].astype({"method": str})
    assert set(ran["pair"]) == PAIRS
    assert set(ran.loc[ran["method"] == "pds", "amplitude"]) == {3.0, 5.0}
    errors = ran.pivot_table(index="pair", columns="method", values="value", observed=True)
    # Grids, bandpasses and scatter differ: uncorrected calibrations fail, those of the tested instrument do not.
    assert (errors["target_all"] < 0.5 * errors["none"]).all()
    assert (errors["bias"] < errors["none"]).all()
    # The process over both instruments, on spectra and on the embedding without weights.
    assert (errors[["gp_fs", "gp_spectra"]].lt(0.5 * errors["none"], axis=0)).all(axis=None)
    assert "gp_fs" in (results / "tables/tab_transfer_claim.csv").read_text()
    learned = ran[ran["variant"].astype(str) != ""]
    assert set(zip(learned["method"], learned["variant"].astype(str), strict=True)) == {
        ("patch_transformer", "pretrained"), ("cnn_1d", "pretrained"), ("patch_transformer", "without_film")
    }  # fmt: skip
    assert set(learned["pair"]) == {"synthetic_grain_handheld>synthetic_grain_benchtop"}
    predictions = pd.concat(map(pd.read_parquet, (results / "predictions/learned_transfer").glob("*/*/*.parquet")))
    assert bool((predictions["lower"] <= predictions["upper"]).all()) and len(predictions)
    cost = pd.read_parquet(results / "metrics/transfer_cost.parquet").astype({"method": str}).set_index("method")
    assert 0 < cost.loc["patch_transformer", "fitted"] < cost.loc["patch_transformer", "weights"]
    assert cost.loc["pds", "weights"] == 0 and (cost.loc[["pds", "cnn_1d"], "fit_seconds"] > 0).all()
    assert "without_film" in (results / "tables/tab_transfer_ablation.csv").read_text()
    assert "patch_transformer" in (results / "tables/tab_transfer_cost.csv").read_text()
    for name in (
        *("sample_efficiency", "benchmark", "matrix", "set_composition"),
        *("uncertainty", "pretraining", "architecture"),
        *("degradation", "attention", "latent_map"),
    ):
        assert (results / f"figures/fig_transfer_{name}.png").stat().st_size > 10_000
    assert "synthetic_grain" in (results / "tables/tab_transfer_benchmark.csv").read_text()
    aged = pd.read_parquet(results / "metrics/transfer_ageing.parquet").astype({"method": str, "condition": str})
    aged = aged[(aged["metric"] == "rmsep") & (aged["status"] == "ok")]
    assert {"none", "target_all", "sbc", "pds", "patch_transformer"} == set(aged["method"])
    assert {"lamp_power", "fouling"} <= set(aged["condition"])
    outliers = pd.read_csv(results / "tables/tab_transfer_outliers.csv")
    assert {"chi_square", "cross_validated"} <= set(outliers["limit"])
    assert not (results / "figures/fig_transfer_cross_modality.png").exists()  # no pair of modalities in this run
    assert workflow.plan("transfer", *OPTIONS) == []
