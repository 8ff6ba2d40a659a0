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
    for name in ("sample_efficiency", "benchmark", "matrix", "set_composition"):
        assert (results / f"figures/fig_transfer_{name}.png").stat().st_size > 10_000
    assert "synthetic_grain" in (results / "tables/tab_transfer_benchmark.csv").read_text()
    assert workflow.plan("transfer", *OPTIONS) == []
