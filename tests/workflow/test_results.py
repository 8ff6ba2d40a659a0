"""README.md and docs/results.md hold the shipped results; what is not shipped is said; every section can be written."""

import importlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etalon.evaluate import compare
from etalon.records import METRIC_COLUMNS, as_records

REPOSITORY = Path(__file__).parents[2]
ENCODERS = ("random_init", "masked_aug_baseline", "fsnl_random_init", "fsnl_episodic_asls")
# Tables of the phases that are not shipped yet, with the conditions of their rows.
TABLES = {
    "embedding_lodo": ("zero_shot", "slope_bias", "spiked", "local_only"),
    "embedding_synthetic": ("cv", "zero_shot", "spiked"),
    "embedding_scaling": ("cv",),
    "embedding_metadata": ("cv", "metadata_never", "metadata_missing", "metadata_wrong"),
    "embedding_downstream": ("cv",),
    "embedding_few_shot": ("few_shot",),
    "embedding_cross_instrument": ("same_instrument", "cross_instrument", "cross_instrument_bias"),
}
# Page and name of every section that has a place.
MARKED = [
    (page, name)
    for page in ("README.md", "docs/results.md")
    for name in re.findall("<!-- (.+): written by `make docs` -->", (REPOSITORY / page).read_text())
]
LOCAL = ("slope_bias", "spiked", "local_only", "few_shot")


@pytest.fixture
def document(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "workflow/scripts")
    return importlib.import_module("document_results")


def rows(conditions):
    """Errors of three families by method: tuned PLS 1, fs 0.8, every encoder 0.9."""
    errors = {"tuned_pls": 1.0, "mean": 1.6, "fs/evidence": 0.8, **{f"{name}/evidence": 0.9 for name in ENCODERS}}
    errors["masked_aug_baseline_synthetic_low/evidence"] = 0.45
    errors["masked_aug_baseline_metadata/evidence"] = 0.95
    for number, dataset in enumerate(("a", "b", "c")):
        for condition in conditions:
            place = {"dataset": dataset, "family": dataset, "task": "regression", "target": "y", "condition": condition}
            place |= {"fold": -1, "status": "ok", "repeat": 0, "overlaps": ""}
            place |= {"pair": f"{dataset}>{dataset}2"} if "instrument" in condition else {}
            place |= {"amplitude": 10.0, "amplitude_unit": "samples", "draw": 0} if condition in LOCAL else {}
            for name, error in errors.items():
                variant, _, head = name.partition("/")
                own = {"method": "embedding", "variant": variant, "head": head, "seed": 0} if head else {"method": name}
                for metric, value in (("rmsep", error * (1 + number)), ("r2", 1 - (error / 2) ** 2), ("bias", 0.0)):
                    yield place | own | {"metric": metric, "value": value}
    common = {"dataset": "a", "family": "a", "task": "classification", "target": "k", "condition": "cv", "fold": -1}
    for name in ("tuned_plsda", "ridge_logistic"):
        yield common | {"method": name, "status": "ok", "repeat": 0, "metric": "balanced_accuracy", "value": 0.5}


@pytest.mark.parametrize(("page", "name"), MARKED, ids=lambda value: value.replace(" ", "_"))
def test_a_section_is_that_of_the_shipped_metrics(document, page, name):
    section = document.PAGES[page][name](document.METRICS)
    text = (REPOSITORY / page).read_text()
    assert f"{document.START.format(name)}\n{section}{document.END.format(name)}" in text, "run `make docs`"


def test_every_section_has_its_place(document):
    assert {(page, name) for page, sections in document.PAGES.items() for name in sections} == set(MARKED)


def test_what_is_not_shipped_is_said(document, tmp_path):
    assert document.RESULT_SECTIONS["phase 3"](tmp_path) == "\nNot shipped yet: `embedding_lodo`.\n\n"


def test_every_section_is_written_from_its_tables(document, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 99)
    for table, conditions in {**TABLES, "embedding_encoders": ("cv",)}.items():
        as_records(pd.DataFrame(rows(conditions)), METRIC_COLUMNS).to_parquet(tmp_path / f"{table}.parquet")
    about = {"run": "paper", "dataset": "corn", "n_train": 64, "n_channels": 700, "step": "total", "status": "ok"}
    about |= {"searched": 6, "optimised": 0, "by_hand": 2, "settings": "", "needs": "", "threads": 1, "machine": "m"}
    own = [("tuned_pls", "", "", 2.0), ("embedding", "fs", "evidence", 3.0)]
    costs = [about | dict(zip(("method", "variant", "head", "seconds"), row, strict=True)) for row in own]
    pd.DataFrame(costs).to_parquet(tmp_path / "cost.parquet")
    written = [name for name in document.RESULT_SECTIONS if name[:7] in ("phase 3", "phase 4", "phase 5", "phase 6")]
    text = {name: document.RESULT_SECTIONS[name](tmp_path) for name in written}
    assert not [
        line for section in text.values() for line in section.split("\n") if "Not shipped" in line or "nan" in line
    ]
    assert "| zero-shot | fs + evidence head | 3 | 0.800 | 0.800 to 0.800 |" in text["phase 3"]
    assert "| local samples added, 10 | Mean of the references | 3 | 1.600 |" in text["phase 3"]
    for tested in ("cross-validation", "zero-shot", "local samples added, 10"):
        assert f"| synthetic share low | perceiver | evidence head | {tested} | 3 | 0.500 |" in text["phase 4"]
    assert "metadata + evidence head | wrong at test | 3 | 0.950 |" in text["phase 5"]
    assert "| fs + evidence head | 0.800 |" in text["phase 6, accuracy"]
    assert "| fs + evidence head | 10 | 3 | 0.800 |" in text["phase 6, few-shot"]
    assert "| other instrument | fs + evidence head | 3 | 0.800 |" in text["phase 6, other instruments"]
    assert "| fs + evidence head | 3.00 | 6 | 2 |" in text["phase 6, cost"]
    assert text["phase 6, levers"].count("\n| metadata | perceiver") == 2
    assert np.all([section.endswith("\n\n") for section in text.values()])


def test_the_section_on_calibration_transfer_is_written_from_its_table(document, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 99)
    found = []
    for family in ("a", "b", "c"):
        place = {"family": family, "dataset": f"{family}_x", "pair": f"{family}_x>{family}_y", "target": "fat"}
        place |= {"condition": "transfer", "amplitude": 0.0, "metric": "rmsep", "status": "ok"}
        found += [place | {"method": name, "value": v} for name, v in (("none", 3.0), ("target_all", 1.0))]
        found.append(place | {"method": "pds", "amplitude": 10.0, "draw": 0, "value": 1.5})
        found.append(place | {"method": "di_pls", "amplitude": 10.0, "value": np.nan, "status": "not run: no library"})
    as_records(pd.DataFrame(found), METRIC_COLUMNS).to_parquet(tmp_path / "transfer.parquet")
    text = document.RESULT_SECTIONS["calibration transfer"](tmp_path)
    assert "| 0 | No correction | 3 | 3.000 | 3.000 to 3.000 |" in text
    assert "| 10 | PDS | 3 | 1.500 | 1.500 to 1.500 |" in text
    assert "di-PLS | 0 | not run: no library |" in text
