"""The stage of learned calibration transfer, from paired datasets and a checkpoint to metrics and intervals."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError
from etalon.evaluate.cross_instrument import find_pairs
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer import wanted_tasks
from etalon.evaluate.transfer_cost import COST_COLUMNS
from etalon.models.patch_transformer import PatchTransformer
from etalon.records import METRIC_COLUMNS, PREDICTION_COLUMNS
from etalon.stages import classical_transfer, learned_transfer, measure_transfer_cost
from etalon.storage import load_json, load_set, save_array, save_set, save_table
from etalon.train.checkpoint import save_encoder

SIZE = {"points": 256, "width": 16, "layers": 1, "heads": 2}
NETWORK = {"network": "lora", "rank": 4, "dropout": 0.0, "members": 3, "steps": 6, "batch": 8, "learning_rate": 5e-3}
METHODS = {
    "patch_transformer": NETWORK | {"base": "pds", "inputs": ["pds", "raw", "sbc"]},
    "cnn_1d": NETWORK | {"network": "cnn", "base": "raw", "inputs": ["raw"], "difficulty": "members"},
}
SETTINGS = {
    "sizes": [4, 12, 99], "choices": {"random": 2, "kennard_stone": 1}, "max_targets": 1, "preprocessings": ["none"],
    "max_lv": 4, "inner_splits": 3, "savgol_window": 7, "savgol_order": 2, "levels": [0.5, 0.8], "methods": METHODS,
    "device": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two instruments on the same specimens, gain and offset apart, and a checkpoint that saw another family."""
    root = tmp_path_factory.mktemp("learned")
    amounts, grid = np.random.default_rng(0).uniform(0.5, 2.0, (40, 3)), np.arange(1100.0, 1700.0, 8.0)
    bands = [np.exp(-0.5 * ((grid - centre) / 50.0) ** 2) for centre in (1250.0, 1400.0, 1560.0)]
    for number, (name, partner) in enumerate({"bench": "pocket", "pocket": "bench"}.items()):
        noise = 0.002 * np.random.default_rng(number).normal(size=(40, len(grid)))
        X = (0.2 + amounts @ bands) * (0.8 if number else 1.0) + 0.3 * number + noise
        targets = (Target("protein", "crude protein", "%"), Target("fat", "fat", "%"))
        metadata = Metadata(name, "toys", "Toy", "nir", "absorbance", "nm", targets=targets, paired_with=(partner,))
        ids = np.arange(40).astype(str)
        spectra = SpectraSet(metadata, X, grid, ids, ids, amounts[:, :2])
        save_set(root / name, spectra)
        save_array(root / name / "baseline_asls.npy", np.zeros_like(spectra.intensities))
        save_table(root / f"{name}.folds", make_folds(spectra, n_splits=2, n_repeats=1, seed=1))
    torch.manual_seed(0)
    for name, family in (("unseen", "others"), ("seen", "toys")):
        record = {"config": {"encoder": "patches", "size": SIZE}, "encoder_seed": 0, "heldout_families": ["toys"]}
        record |= {"seconds": 12.5}
        record |= {"settings": {}, "code": "0", "data": [{"family": family}]}
        save_encoder(root / f"{name}.safetensors", PatchTransformer(**SIZE).state_dict(), record)
    return root


def run(folder, encoder, out):
    learned_transfer.main([
        *("--run", "test", "--data", str(folder / "bench"), "--folds", str(folder / "bench.folds"), "--seed", "1"),
        *("--partners", str(folder / "pocket"), "--settings", json.dumps(SETTINGS)),
        *("--variant", "pretrained", "--heldout", "fold0"),
        *("--encoder", str(folder / f"{encoder}.safetensors"), "--predictions", str(folder / f"{out}_y.parquet")),
        *("--out", str(folder / f"{out}.parquet"), "--record", str(folder / f"{out}.json")),
    ])  # fmt: skip
    table = pd.read_parquet(folder / f"{out}.parquet")
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == METRIC_COLUMNS
    return table.astype({name: str for name, kind in METRIC_COLUMNS.items() if kind == "category"})


@pytest.fixture(scope="module")
def found(folder):
    return run(folder, "unseen", "first"), pd.read_parquet(folder / "first_y.parquet")


def test_every_method_number_and_draw_is_there_and_gaps_say_why(found):
    table, _ = found
    ok = table[(table["status"] == "ok") & (table["metric"] == "rmsep")]
    counts = ok.groupby(["method", "condition", "amplitude"])["draw"].apply(sorted)
    wanted = {"transfer": [0, 1], "transfer_kennard_stone": [0]}
    for (_, condition, _), draws in counts.items():
        assert draws == wanted[condition]
    assert len(counts) == 2 * 2 * 2 and set(ok["method"]) == set(METHODS) and set(ok["seed"]) == {0}
    gaps = table[table["amplitude"] == 99.0]
    assert gaps["status"].str.contains("20 specimens to choose from, fewer than 99").all() and len(gaps) == 4
    few = table[(table["metric"] == "coverage_80") & (table["amplitude"] == 4.0)]
    assert not few["status"].str.startswith("not run").any()  # 4 scores are just enough for 80 %


def test_draws_and_efficiency_are_those_of_the_classical_methods(folder, found):
    classical_transfer.main([
        *("--run", "test", "--data", str(folder / "bench"), "--folds", str(folder / "bench.folds"), "--seed", "1"),
        *("--partners", str(folder / "pocket"), "--settings", json.dumps(SETTINGS)),
        *("--out", str(folder / "classical.parquet"), "--record", str(folder / "classical.json")),
    ])  # fmt: skip
    classical = pd.read_parquet(folder / "classical.parquet").set_index(["method", "condition", "amplitude", "draw"])
    ours = found[0][found[0]["status"] == "ok"].set_index(["method", "condition", "amplitude", "draw"])
    value = {
        m: ours.loc[("patch_transformer", "transfer", 12.0, 0)].set_index("metric")["value"][m]
        for m in ("rmsep", "eta")
    }
    none, own = (
        classical[classical["metric"] == "rmsep"].xs(name, level="method")["value"].iloc[0]
        for name in ("none", "target_all")
    )
    assert value["eta"] == pytest.approx((none - value["rmsep"]) / (none - own))
    pds = classical[classical["metric"] == "rmsep"].loc[("pds", "transfer", 12.0, 0), "value"]
    assert value["rmsep"] < 1.5 * pds < 0.5 * none


def test_predictions_carry_intervals_that_metrics_count(found):
    table, y = found
    assert {name: str(dtype) for name, dtype in y.dtypes.items()} == PREDICTION_COLUMNS
    one = y[(y["method"] == "patch_transformer") & (y["condition"] == "transfer") & (y["amplitude"] == 12.0)]
    first = one[one["draw"] == 0]
    assert len(first) == 40 and bool((first["lower"] < first["upper"]).all())
    inside = ((first["reference"] >= first["lower"]) & (first["reference"] <= first["upper"])).mean()
    own = table[(table["method"] == "patch_transformer") & (table["condition"] == "transfer") & (table["draw"] == 0)]
    own = own[own["amplitude"] == 12.0].set_index("metric")["value"]
    assert own["coverage_80"] == pytest.approx(inside) and 0.5 < inside <= 1.0
    assert own["coverage_50"] <= own["coverage_80"] and own["interval_width_50"] <= own["interval_width_80"]
    assert own["interval_width_80"] == pytest.approx((first["upper"] - first["lower"]).mean())
    assert own["spectrum_width_50"] < own["spectrum_width_80"] and set(table["variant"]) == {"pretrained"}
    assert own["spectrum_ratio"] < 0.2 and 0.5 < own["spectrum_coverage_80"] <= 1.0 and 0.0 <= own["outlying"] < 0.5


def test_a_second_run_gives_the_same(folder, found):
    pd.testing.assert_frame_equal(run(folder, "unseen", "second"), found[0])
    record = load_json(folder / "second.json")
    assert record["encoder"]["heldout_families"] == ["toys"] and record["not_run"] is None


def test_an_encoder_that_saw_the_family_is_refused(folder):
    with pytest.raises(BadInputError, match="never saw this family, found toys"):
        run(folder, "seen", "leak")


def test_partners_that_were_not_asked_for_are_no_gaps(found):
    assert set(found[0]["pair"]) == {"bench>pocket"}


@pytest.mark.parametrize(
    ("asked", "most", "wanted"),
    [([], 1, ["protein"]), ([], 4, ["protein", "fat"]), (["fat"], 4, ["fat"]), (["starch"], 1, ["protein"])],
)
def test_named_targets_come_before_the_first(folder, asked, most, wanted):
    spectra = load_set(folder / "bench")
    (pair,), _ = find_pairs(spectra, [folder / "pocket"])
    found = wanted_tasks(pair, list_tasks(spectra), {"max_targets": most, "targets": asked})
    assert [task.target for task in found] == wanted


def test_costs_count_weights_and_seconds(folder):
    rates = {"analyst_minutes": 30, "scan_minutes": 5, "analyst_rate": 60, "instrument_rate": 25, "currency": "EUR"}
    settings = SETTINGS | rates | {"size": 8, "repeats": 1}
    measure_transfer_cost.main([
        *("--run", "test", "--data", str(folder / "bench"), "--folds", str(folder / "bench.folds"), "--seed", "1"),
        *("--partner", str(folder / "pocket"), "--settings", json.dumps(settings), "--variant", "pretrained"),
        *("--encoder", str(folder / "unseen.safetensors")),
        *("--out", str(folder / "cost.parquet"), "--record", str(folder / "cost.json")),
    ])  # fmt: skip
    table = pd.read_parquet(folder / "cost.parquet")
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == COST_COLUMNS
    table = table.astype({"method": str}).set_index("method")
    network, classical = table.loc["patch_transformer"], table.loc["pds"]
    assert 0 < network["fitted"] < network["weights"] and network["pretraining_seconds"] == 12.5
    assert table.loc["cnn_1d", "pretraining_seconds"] == 0.0  # convolutions are not pretrained
    # Of the control all weights are fitted, by three members.
    assert table.loc["cnn_1d", "fitted"] == table.loc["cnn_1d", "weights"] > 3 * 16 * 16 * 17
    assert classical["weights"] == 0 and classical["fit_seconds"] > 0 and classical["ms_per_spectrum"] > 0
    process = table.loc["gp_fs"]
    assert process["status"] == "ok" and process["fit_seconds"] > 0 and bool(process["needs_references"])
    assert bool(table.loc["spiking", "needs_references"]) and not bool(classical["needs_references"])
    with pytest.raises(BadInputError, match="a dataset paired with --data"):
        measure_transfer_cost.main([
            *("--run", "test", "--data", str(folder / "bench"), "--folds", str(folder / "bench.folds"), "--seed", "1"),
            *("--partner", str(folder / "nowhere"), "--settings", json.dumps(settings), "--variant", "pretrained"),
            *("--encoder", str(folder / "unseen.safetensors")),
            *("--out", str(folder / "none.parquet"), "--record", str(folder / "none.json")),
        ])  # fmt: skip
