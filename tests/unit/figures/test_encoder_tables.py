"""Tables on encoders: each row against tuned PLS, its untrained control and the fixed embedding, on equal terms."""

import re

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.evaluate import compare
from etalon.figures import tab_encoder_readouts, tab_phase1_feasibility, tab_phase2_ablation
from etalon.figures.encoder_latex import typeset
from etalon.figures.encoder_rows import ABSENT
from etalon.figures.encoder_table import COLUMNS, tabulate

TABLES = (tab_phase1_feasibility, tab_encoder_readouts, tab_phase2_ablation)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 99)


def summary(table, method, task="regression"):
    rows = table[(table["block"] == "summary") & (table["method"] == method) & (table["task"] == task)]
    assert len(rows) == 1
    return rows.iloc[0]


def phase1(metrics):
    return tabulate(metrics, tab_phase1_feasibility.wanted)


def test_the_reference_is_restricted_to_the_repeats_of_the_row(encoders):
    """Tuned PLS is 10 % better over both repeats than on repeat 0, where the embeddings were tested."""
    table = phase1(encoders)
    assert summary(table, "masked/ridge")["mean"] == pytest.approx(1.5)
    assert summary(table, "fs/evidence")["mean"] == pytest.approx(0.4)
    assert summary(table, "tuned_ridge")["mean"] == pytest.approx(0.5)
    row = table[(table["method"] == "masked/ridge") & (table["dataset"] == "soil_a") & (table["condition"] == "cv")]
    found = row[["value", "seeds", "repeats", "to_reference", "to_control", "to_fixed"]].to_numpy(float)
    np.testing.assert_allclose(found, [[30 * 1.1 * 1.5, 2, 1, 1.5, 1.25, 1.5 / 0.4]])


def test_the_control_is_restricted_to_the_seeds_of_the_row(encoders):
    """A third seed of the random init, ten times as bad, has no counterpart."""
    table = phase1(encoders)
    assert summary(table, "random_init/ridge")["mean"] == pytest.approx(1.2 * 4.0)
    for head in ("ridge", "evidence", "fs_evidence"):
        row = summary(table, f"masked/{head}")
        assert (row["control"], row["control_tasks"]) == (f"random_init/{head}", 3)
        assert row["control_mean"] == pytest.approx(1.25)
    assert np.isnan(summary(table, "random_init/ridge")["control_mean"])
    assert np.isnan(summary(table, "fs/evidence")["fixed_mean"])


def test_seeds_are_averaged_and_their_spread_is_shown(encoders):
    row = summary(phase1(encoders), "masked/ridge")
    assert row["seeds"] == 2
    assert row["seed_sd"] == pytest.approx(1.5 * 0.2 / np.sqrt(2))
    assert np.isnan(summary(phase1(encoders), "fs/ridge")["seed_sd"])


def test_classification_is_compared_by_differences(encoders):
    row = summary(phase1(encoders), "masked/logistic", "classification")
    assert (row["mean"], row["control_mean"], row["fixed_mean"]) == pytest.approx((-0.1, 0.1, -0.2))
    assert row["effect"] == "balanced_accuracy_difference"


def test_what_did_not_run_is_seen(encoders):
    """A row without a head stands for all heads; what the metrics do not know at all is named as well."""
    table = phase1(encoders)
    missing = table[
        (table["block"] == "task") & (table["dataset"] == "milk_a") & (table["method"] == "masked/evidence")
    ]
    assert missing["status"].tolist() == ["not run: no wavelength axis"]
    row = summary(table, "masked/evidence")
    assert (row["tasks"], row["status"], row["not_run"]) == (3, "ok", "not run: no wavelength axis (1 dataset)")
    stacked = summary(table, "stacked_pls")
    assert (stacked["tasks"], stacked["status"]) == (0, ABSENT)
    text = typeset(table, "Title", "label", ("control", "fixed"))
    assert r"3/4\textsuperscript" in text
    assert f"{ABSENT}." in text
    assert r"gone\_a (not run: download failed)" in text


def test_without_the_reference_the_row_says_so(encoders):
    table = phase1(encoders[(encoders["method"] != "tuned_pls") & (encoders["status"] == "ok")])
    assert summary(table, "masked/ridge")["status"] == "not run: Tuned PLS has no score on its tasks"


def test_further_variants_join_the_ablation_when_trained(encoders):
    names = tabulate(encoders, tab_phase2_ablation.wanted)["method"]
    assert "masked_aug_baseline_contrastive/ridge" not in set(names)
    for new in ("masked_aug_baseline_contrastive", "my_variant"):
        renamed = encoders.astype({"variant": str})
        renamed["variant"] = renamed["variant"].replace("masked", new)
        table = tab_phase2_ablation.with_steps(tabulate(renamed, tab_phase2_ablation.wanted))
        assert summary(table, f"{new}/fs_evidence")["control_mean"] == pytest.approx(1.25)
        assert summary(table, "masked/ridge")["label"] == "B: Masked + ridge"
        assert summary(table, "masked/ridge")["status"] == ABSENT
        assert summary(table, "tuned_pls")["label"] == "A: Tuned PLS"


def test_functional_encoders_have_their_own_control(encoders):
    renamed = encoders.astype({"variant": str})
    renamed["variant"] = renamed["variant"].replace({"masked": "fsnl_episodic", "random_init": "fsnl_random_init"})
    row = summary(tabulate(renamed, tab_phase2_ablation.wanted), "fsnl_episodic/ridge")
    assert row["control"] == "fsnl_random_init/ridge"
    assert row["control_mean"] == pytest.approx(1.25)


def test_read_outs_are_compared_with_the_same_of_the_random_init(encoders):
    table = tabulate(encoders[encoders["task"] == "regression"], tab_encoder_readouts.wanted)
    assert summary(table, "masked/ridge_mean")["mean"] == pytest.approx(1.65)
    assert summary(table, "masked/ridge_mean")["control_mean"] == pytest.approx(1.25)
    assert summary(table, "masked/ridge_patches")["status"].startswith("not run: no wavelength axis")
    assert not any(name.startswith("fs") for name in table["method"])


def test_only_synthetic_tasks_are_shown_marked_and_untested(encoders):
    table = phase1(encoders[encoders["synthetic"]])
    row = summary(table, "masked/ridge")
    assert row["synthetic"]
    assert row["mean"] == pytest.approx(1.5)
    assert np.isnan(row["p_holm"])
    assert r"Masked + ridge\textsuperscript{\dag}" in typeset(table, "Title", "label", ("control",))
    assert not summary(phase1(encoders), "masked/ridge")["synthetic"]


@pytest.mark.parametrize("module", TABLES)
def test_every_latex_row_has_as_many_cells_as_its_head(module, encoders):
    text = typeset(tabulate(encoders, module.wanted), "Title", "label", ("control", "fixed"))
    for part in text.split(r"\begin{longtable}")[1:]:
        columns = len(re.sub(r"@\{\}|[{}]", "", part.splitlines()[0]))
        rows = [line for line in part.split(r"\end{longtable}")[0].splitlines() if " & " in line]
        assert len(rows) > 2
        assert {line.count(" & ") + 1 for line in rows} == {columns}


@pytest.mark.parametrize("module", TABLES)
def test_the_command_writes_the_same_bytes_twice(module, encoders, tmp_path):
    encoders.to_parquet(tmp_path / "metrics.parquet")
    for name in ("first", "second"):
        paths = ["--out-csv", str(tmp_path / f"{name}.csv"), "--out-tex", str(tmp_path / f"{name}.tex")]
        module.main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    for suffix in ("csv", "tex"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()
    read = pd.read_csv(tmp_path / "first.csv")
    assert list(read) == COLUMNS
    assert summary(read, "tuned_pls")["mean"] == 1.0


def test_a_table_of_nothing_is_an_error(encoders):
    with pytest.raises(BadInputError, match="cv or published"):
        phase1(encoders[:0])
