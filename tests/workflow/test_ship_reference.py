"""Shipping a run: its tables and records replace those of the same name, the others stay."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from etalon.storage import load_json, save_json, save_table

SCRIPT = Path(__file__).parents[2] / "workflow/scripts/ship_reference.py"


@pytest.fixture
def ship(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("ship_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_a_run_with_a_part_of_the_experiments_replaces_that_part(ship):
    for name, seconds in (("transfer", 2.0), ("outliers", 3.0)):
        record = {
            "experiment": name,
            "dataset": f"set_{name}",
            "inputs": {"spectra.npy": "0"},
            "settings": {},
            "seed": 1,
        }
        record |= {"python": "3", "packages": {}, "code": "abc", "seconds": seconds}
        # Some experiments keep a record a dataset, others collect them.
        if name == "transfer":
            save_json(Path(f"results/paper/scores/{name}/set.json"), record)
        else:
            save_json(Path(f"results/paper/scores/{name}.json"), {"records": [record]})
        save_table(Path(f"results/paper/metrics/{name}.parquet"), pd.DataFrame({"value": [seconds]}))
        # The state of a training that goes on is no record of one.
        save_json(Path("results/paper/checkpoints/masked/fold0/seed0.state-1f.step7.json"), {"step": 7})
        ship("paper")
        # What was computed for the first one is gone when the second is shipped.
        for path in Path("results/paper").rglob("*.*"):
            path.unlink()
    shipped = Path("results/reference/paper")
    assert {path.stem for path in (shipped / "metrics").iterdir()} == {"transfer", "outliers"}
    content = load_json(shipped / "provenance.json")
    assert {name: own["seconds"] for name, own in content["experiments"].items()} == {"transfer": 2.0, "outliers": 3.0}
    assert set(content["datasets"]) == {"set_transfer", "set_outliers"}


def test_a_run_that_is_not_there_ships_nothing(ship):
    with pytest.raises(SystemExit, match=r"results/papr/metrics: expected metrics tables of a run, found none"):
        ship("papr")
    assert not Path("results/reference").exists()
