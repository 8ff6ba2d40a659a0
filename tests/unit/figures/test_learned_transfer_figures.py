"""Figures and tables of learned calibration transfer: what is compared with what, on made-up rows of known ratios."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.evaluate.compare import holm, signed_rank
from etalon.figures import (
    fig_transfer_architecture,
    fig_transfer_pretraining,
    fig_transfer_uncertainty,
    tab_transfer_ablation,
    tab_transfer_claim,
    tab_transfer_cost,
)
from etalon.figures.learned_rows import against, claims, comparison, read_learned
from etalon.figures.transfer_rows import read
from etalon.records import METRIC_COLUMNS, as_records

PAIRS = {"corn_a>corn_b": 2.0, "milk_a>milk_b": 4.0}  # with the RMSEP of PDS with the most samples
DRAWS = 8
# Of each network its RMSEP over that of PDS on the same transfer set.
WORTH = {("patch_transformer", "pretrained"): 0.9, ("cnn_1d", "pretrained"): 0.99, ("patch_transformer", "small"): 1.08}


def rows():
    noise = np.random.default_rng(0)
    for pair, error in PAIRS.items():
        place = {"dataset": pair.split(">")[0], "family": pair[:4], "pair": pair, "target": "fat", "unit": "%"}
        place |= {"task": "regression", "metric": "rmsep", "status": "ok", "condition": "transfer"}
        yield place | {"method": "none", "amplitude": 0.0, "value": 3 * error}
        yield place | {"method": "target_all", "amplitude": 0.0, "value": 0.8 * error}
        for size, more in ((10.0, 1.2), (30.0, 1.1), (50.0, 1.0)):
            for draw in range(DRAWS):
                value = error * more * (1 + 0.1 * draw / DRAWS)
                at = place | {"amplitude": size, "draw": draw}
                yield at | {"method": "pds", "value": value}
                yield at | {"method": "pds", "metric": "r2", "value": 0.5}
                for (method, variant), worth in WORTH.items() if size < 50 else ():
                    for seed in (0, 1) if variant == "pretrained" else (0,):
                        jitter = np.exp(0.002 * noise.normal())
                        own = at | {"method": method, "variant": variant, "seed": seed}
                        yield own | {"value": value * worth * jitter}
                        yield own | {"metric": "coverage_90", "value": 0.93}
                        yield own | {"metric": "interval_width_90", "value": 3.0 * error}
                        yield own | {"metric": "spectrum_coverage_90", "value": 0.88}
                        yield own | {"metric": "spectrum_width_90", "value": 0.5}
    yield place | {"method": "patch_transformer", "variant": "pretrained", "status": "not run: x", "value": np.nan}


@pytest.fixture(scope="module")
def metrics():
    return as_records(pd.DataFrame(rows()), METRIC_COLUMNS)


def test_networks_are_compared_on_the_transfer_sets_and_seeds_of_each_other(metrics):
    found = read_learned(metrics)
    to_pds = against(found, "patch_transformer", "pds")
    assert len(to_pds) == 2 * 2 * DRAWS and set(to_pds["seeds"]) == {2}
    assert np.exp(to_pds["value"].mean()) == pytest.approx(0.9, abs=2e-3)
    small = against(found, "small", "patch_transformer")
    assert set(small["seeds"]) == {1} and np.exp(small["value"].mean()) == pytest.approx(1.08 / 0.9, abs=3e-3)


def test_other_figures_see_the_main_pretraining_alone(metrics):
    assert set(read(metrics)["variant"]) == {"", "pretrained"}


def test_the_claim_is_tested_pair_by_pair_and_against_the_best_in_hindsight(metrics):
    spiking = metrics[metrics["method"] == "pds"].assign(method="spiking")
    spiking = spiking.assign(value=spiking["value"] * np.where(spiking["pair"] == "corn_a>corn_b", 0.5, 2.0))
    process = metrics[(metrics["method"] == "pds") & (metrics["amplitude"] < 50)].assign(method="gp_fs")
    process = process.assign(value=process["value"] * 0.7)
    table = tab_transfer_claim.table_of(pd.concat([metrics, spiking, process], ignore_index=True))
    assert list(table["label"].unique()) == ["GP of both instruments on fs", "Patch transformer"]
    gp = table[table["method"] == "gp_fs"].set_index(["pair", "size", "base_size"])
    assert set(gp.index.droplevel(0)) == {(10.0, 10.0), (30.0, 30.0), (10.0, 50.0)}
    assert gp.loc[("corn_a>corn_b", 10.0, 10.0), "ratio"] == pytest.approx(0.7)
    assert gp.loc[("corn_a>corn_b", 10.0, 10.0), "best"] == pytest.approx(0.7 / 0.5)
    assert gp.loc[("milk_a>milk_b", 10.0, 50.0), "best"] == pytest.approx(0.7 * 1.2)
    assert set(gp["verdict"]) == {"wins"}
    families = tab_transfer_claim.by_family(table)
    own = families[(families["method"] == "gp_fs") & (families["family"] == "")]
    assert list(own["tasks"]) == [2, 2, 2] and list(own["wins"]) == [2, 2, 2]
    text = tab_transfer_claim.typeset(table)
    assert "GP of both instruments on fs, 10 against 50" in text and "nan" not in text


def test_an_ablation_is_tested_over_pairs_and_draws(metrics):
    table = tab_transfer_ablation.table_of(metrics).set_index("name")
    assert list(table.index) == ["cnn_1d", "small"] and list(table["units"]) == [2 * DRAWS] * 2
    assert table.loc["small", "low"] < table.loc["small", "ratio"] < table.loc["small", "high"]
    effects = against(read_learned(metrics), "small", "patch_transformer")
    units = effects.groupby(["pair", "draw"])["value"].mean().to_numpy()
    assert table.loc["small", "p"] == pytest.approx(signed_rank(units))
    np.testing.assert_allclose(table["p_holm"], holm(table["p"].to_numpy()))
    text = tab_transfer_ablation.typeset(tab_transfer_ablation.table_of(metrics))
    assert "Width 16, 1 layer" in text and "nan" not in text


def test_claims_pair_equal_draws_and_need_a_test(metrics):
    table = claims(read_learned(metrics)).set_index(["pair", "size", "base_size"])
    same = table.loc[("corn_a>corn_b", 10.0, 10.0)]
    assert same["ratio"] == pytest.approx(0.9, abs=2e-3) and same["draws"] == DRAWS and same["verdict"] == "wins"
    fewer = table.loc[("milk_a>milk_b", 10.0, 50.0)]
    assert fewer["ratio"] == pytest.approx(0.9 * 1.2, abs=3e-3) and fewer["verdict"] == "loses"
    assert len(table) == 2 * 3
    for question in ((10.0, 10.0), (30.0, 30.0), (10.0, 50.0)):  # two pairs each
        own = table.xs(question, level=("size", "base_size"))
        np.testing.assert_allclose(own["p_holm"], holm(own["p"].to_numpy()))
    few = metrics[(metrics["draw"] < 4)]
    assert set(claims(read_learned(few))["verdict"]) == {"tie"}  # four draws cannot tell


def test_coverage_and_width_are_means_of_pairs(metrics):
    table, synthetic = fig_transfer_uncertainty.tabulate(metrics)
    assert not synthetic
    values = table.groupby("kind")["value"].mean()
    assert values["coverage"] == pytest.approx(0.93) and values["spectrum_coverage"] == pytest.approx(0.88)
    assert values["interval_width"] == pytest.approx(3.0 / 0.8)  # of the target instrument's own RMSEP
    assert len(fig_transfer_uncertainty.draw(metrics).axes) == 4


def test_the_cost_of_samples_is_that_of_the_fewest_that_reach_pds_with_the_most(metrics):
    measured = {"pair": "corn_a>corn_b", "target": "fat", "size": 10, "n_channels": 100, "status": "ok"}
    measured |= {"pretraining_seconds": 60.0, "fit_seconds": 1.0, "ms_per_spectrum": 0.1, "machine": "m"}
    measured |= {"analyst_minutes": 30.0, "scan_minutes": 6.0, "analyst_rate": 60.0, "instrument_rate": 20.0}
    measured |= {"currency": "EUR", "weights": 0.0, "fitted": 0.0, "needs_references": False}
    costs = pd.DataFrame(
        [
            measured | {"method": "pds"},
            measured | {"method": "patch_transformer", "weights": 300.0, "fitted": 30.0},
            measured | {"method": "spiking", "needs_references": True, "status": "not run: x"},
        ]
    )
    table = tab_transfer_cost.tabulate(metrics, costs).set_index("method")
    assert table.loc["pds", "samples"] == 50.0 and table.loc["patch_transformer", "samples"] == 30.0
    hours = 2 * 30 * 6.0 / 60
    assert table.loc["patch_transformer", ["analyst_hours", "instrument_hours"]].tolist() == [hours, hours]
    assert table.loc["patch_transformer", "money"] == pytest.approx(hours * 80)
    assert table.loc["pds", "r2"] == pytest.approx(0.5) and np.isnan(table.loc["spiking", "samples"])
    text = tab_transfer_cost.typeset(table.reset_index())
    assert "not run: x" in text and "nan" not in text


def test_figures_draw_what_is_there_and_name_what_is_not(metrics):
    curves = pd.DataFrame({"spectra": [64, 128, 192], "value": [1.0, 0.8, 0.7]})
    curves = curves.assign(variant="pretrained", heldout="fold0", seed=0, quantity="loss_mse")
    figure = fig_transfer_pretraining.draw(metrics, curves)
    assert "corn, fat\na → b" in [axis.get_title() for axis in figure.axes]
    labels = [label.get_text() for label in fig_transfer_architecture.draw(metrics).axes[0].get_yticklabels()]
    assert labels == ["Width 16, 1 layer"]
    classical = metrics[metrics["variant"] == ""]
    with pytest.raises(BadInputError, match="expected coverage_90"):
        fig_transfer_uncertainty.draw(classical)
    with pytest.raises(BadInputError, match="ablation of the architecture"):
        fig_transfer_architecture.draw(metrics[metrics["variant"] != "small"])
    assert comparison(read_learned(classical_and_main(metrics)), {}).empty


def test_intervals_of_the_process_stand_above_those_of_the_network(metrics):
    network = fig_transfer_uncertainty.draw(metrics)
    assert len(network.axes) == 4
    own = metrics["method"] == "patch_transformer"
    process = metrics[own & (metrics["variant"] == "pretrained")].assign(method="gp_fs", variant="")
    process = process[~process["metric"].astype(str).str.startswith("spectrum")]
    both = fig_transfer_uncertainty.draw(pd.concat([metrics, process], ignore_index=True))
    assert both.axes[0].get_title().startswith("Predictions, GP of both instruments") and len(both.axes) == 6


def classical_and_main(metrics):
    return metrics[metrics["variant"].isin(("", "pretrained"))]
