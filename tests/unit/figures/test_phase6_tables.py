"""Tables and the diagram of phase 6: levers, every head, fine-tuning on fewer sets, other instruments."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.evaluate import compare
from etalon.evaluate.halves import half_of
from etalon.figures import (
    fig_phase6_critical_difference,
    tab_phase6_cross_instrument,
    tab_phase6_downstream,
    tab_pretraining_final,
    tab_pretraining_levers,
)
from etalon.figures.encoder_rows import ABSENT
from etalon.records import METRIC_COLUMNS, as_records

# Error relative to tuned PLS of every row on every task; seeds lie 10 % below and above.
ROWS = {
    "tuned_pls": 1.0,
    "stacked_pls": 0.95,
    "tuned_ridge": 0.97,
    "fs/evidence": 0.8,
    "random_init/ridge": 1.2,
    "masked/ridge": 1.5,
    "masked_aug_baseline/ridge": 1.1,
    "masked_aug_baseline_synthetic_low/ridge": 0.99,
    "fsnl_random_init/ridge": 1.0,
    "fsnl_episodic_asls/ridge": 0.9,
    "fsnl_episodic_asls/gpr": 0.85,
    "fsnl_random_init/gpr": 0.99,
    "fsnl_episodic_asls/full_fine_tuning": 0.7,
}
TASKS = [(f"f{i}_a", target) for i in range(8) for target in "xy"]
SMALL = {"f0_a", "f1_a", "f2_a"}  # what encoders are fine-tuned on


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 99)


def metrics_of(rows):
    common = {"run": "t", "task": "regression", "fold": -1, "status": "ok", "synthetic": False, "overlaps": ""}
    common |= {"condition": "cv", "metric": "rmsep", "repeat": 0, "seed": -1, "variant": "", "head": "", "n_train": 80}
    complete = [common | {"family": row["dataset"].split("_")[0]} | row for row in rows]
    return as_records(pd.DataFrame(complete), METRIC_COLUMNS)


def of(name):
    variant, _, head = name.partition("/")
    return {"method": "embedding", "variant": variant, "head": head} if head else {"method": variant}


def downstream_rows(scatter=0.0):
    rng = np.random.default_rng(0)
    for number, (dataset, target) in enumerate(TASKS):
        for name, factor in ROWS.items():
            if name.endswith("fine_tuning") and dataset not in SMALL:
                continue
            learned = "/" in name and not name.startswith("fs/")
            for seed in (0, 1) if learned else (-1,):
                value = (1 + number) * factor * rng.lognormal(sigma=scatter) * ((0.9, 1.1)[seed] if learned else 1.0)
                yield of(name) | {"dataset": dataset, "target": target, "seed": seed, "value": value}
        lost = of("fs/tabpfn") | {"dataset": dataset, "target": target, "value": np.nan}
        yield lost | {"status": "not run: no TabPFN weights"}


@pytest.fixture
def downstream():
    return metrics_of(downstream_rows())


def lever(table, name, encoder="perceiver", head="ridge"):
    found = table[(table["lever"] == name) & (table["encoder"] == encoder) & (table["head"] == head)]
    assert len(found) == 1
    return found.iloc[0]


def test_a_lever_is_the_error_with_it_over_that_without_it(downstream):
    table = tab_pretraining_levers.tabulate(downstream)
    assert lever(table, "masked objective")["mean"] == pytest.approx(1.5 / 1.2)
    row = lever(table, "synthetic share low")
    assert row[["mean", "tasks", "families", "seeds"]].tolist() == pytest.approx([0.9, 16, 8, 2])
    assert row["mean_low"] == pytest.approx(0.9)  # both variants are 10 % worse with the second seed: it cancels
    assert lever(table, "another seed")["mean"] == pytest.approx(1.1 / 0.9)
    absent = lever(table, "metadata", "fsnl")
    assert (absent["tasks"], absent["status"]) == (0, ABSENT)
    assert lever(table, "masked objective", head="evidence")["status"] == ABSENT


def heads_on_fs():
    """Rows of fs under other heads, the pretrained one twice as good on the second target of every dataset."""
    for number, (dataset, target) in enumerate(TASKS):
        errors = {"fs/kernels": 0.72, "fs/pretrained_kernels": 0.72 if target == "x" else 0.36}
        for name, factor in errors.items():
            yield of(name) | {"dataset": dataset, "target": target, "value": (1 + number) * factor}


def test_levers_of_the_head_are_compared_under_their_own_pair_of_heads(downstream):
    table = tab_pretraining_levers.tabulate(pd.concat([downstream, metrics_of(heads_on_fs())]))
    kernels = lever(table, "kernels of the head", "fs", "kernels")
    assert kernels[["with", "without"]].tolist() == ["fs/kernels", "fs/evidence"]
    assert kernels["mean"] == pytest.approx(0.9)
    pooled = lever(table, "pooled prior of the head", "fs", "pretrained_kernels")
    assert pooled["mean"] == pytest.approx(np.sqrt(0.5))


def test_the_final_table_counts_datasets_once_and_keeps_the_halves_apart(downstream):
    more = [row for row in heads_on_fs() if not (row["dataset"] == "f7_a" and row["target"] == "y")]
    table = tab_pretraining_final.tabulate(pd.concat([downstream, metrics_of(more)])).set_index(["half", "method"])
    halves = pd.Series({dataset: half_of(dataset.split("_")[0]) for dataset, _ in TASKS})
    assert halves.nunique() == 2
    for half in halves.unique():
        own = halves.index[halves == half]
        pretrained, kernels = (table.loc[(half, f"fs/{head}")] for head in ("pretrained_kernels", "kernels"))
        assert pretrained["datasets"] == len(own)
        by_dataset = [0.72 if dataset == "f7_a" else 0.72 * np.sqrt(0.5) for dataset in own]
        assert pretrained["mean"] == pytest.approx(np.exp(np.mean(np.log(by_dataset))))
        assert pretrained["control_mean"] == pytest.approx(pretrained["mean"] / 0.72)
        assert kernels["fixed_mean"] == pytest.approx(0.9)
        assert np.isnan(kernels["control_mean"])
        assert table.loc[(half, "tuned_pls"), "mean"] == pytest.approx(1.0)
        assert table.loc[(half, "fsnl_episodic_asls/evidence"), "status"] == ABSENT
    assert "Stacked PLS" in tab_pretraining_final.typeset(table.reset_index())


def test_a_lever_is_judged_on_equal_seeds(downstream):
    without = downstream["variant"].astype(str) == "masked"
    one = downstream[~(without & (downstream["seed"] == 1))]
    assert lever(tab_pretraining_levers.tabulate(one), "masked objective")["mean"] == pytest.approx(1.5 / 1.2)
    none = one.assign(seed=one["seed"].where(~(one["variant"].astype(str) == "masked"), 7))
    status = lever(tab_pretraining_levers.tabulate(none), "masked objective")["status"]
    assert status == "not run: no task and seed in common"


def test_levers_are_read_from_several_tables_and_equal_rows_count_once(downstream, tmp_path):
    synthetic = downstream["variant"].astype(str).str.contains("synthetic")
    downstream[~synthetic].to_parquet(tmp_path / "a.parquet")
    downstream[synthetic | (downstream["method"] == "tuned_pls")].to_parquet(tmp_path / "b.parquet")
    paths = [part for name in "ab" for part in ("--metrics", str(tmp_path / f"{name}.parquet"))]
    tab_pretraining_levers.main([*paths, "--out-csv", str(tmp_path / "o.csv"), "--out-tex", str(tmp_path / "o.tex")])
    read = pd.read_csv(tmp_path / "o.csv")
    pd.testing.assert_frame_equal(
        read[["lever", "head", "mean"]],
        tab_pretraining_levers.tabulate(downstream)[["lever", "head", "mean"]],
        rtol=1e-5,
    )
    text = (tmp_path / "o.tex").read_text()
    assert r"masked objective & perceiver & ridge & 16 & 2 & 1.250" in text
    assert f"{ABSENT}." in text


def test_fine_tuned_rows_are_summed_up_with_the_others_on_their_own_tasks(downstream):
    table = tab_phase6_downstream.table_of(downstream)

    def row(block, name):
        return table[(table["block"] == block) & (table["method"] == name)].iloc[0]

    tuned = "fsnl_episodic_asls/full_fine_tuning"
    assert row("summary", tuned)[["tasks", "mean"]].tolist() == pytest.approx([6, 0.7])
    assert row("summary", "tuned_ridge")["tasks"] == 16
    assert row("common", "tuned_ridge")["tasks"] == 6
    assert row("common", tuned)["fixed_mean"] == pytest.approx(0.7 / 0.8)
    assert row("summary", "fsnl_episodic_asls/gpr")["control_mean"] == pytest.approx(0.85 / 0.99)
    assert row("summary", "fs/tabpfn")["status"] == "not run: no TabPFN weights (8 datasets)"
    assert row("summary", "masked_aug_baseline/lora_fine_tuning")["status"] == ABSENT
    frozen = downstream[downstream["head"].astype(str) != "full_fine_tuning"]
    assert "common" not in set(tab_phase6_downstream.table_of(frozen)["block"])


def test_the_diagram_ranks_complete_blocks_and_names_what_did_not_run():
    metrics = metrics_of(downstream_rows(scatter=0.02))
    figure = fig_phase6_critical_difference.draw(metrics)
    first, second = figure.axes
    assert "16 tasks of 8 datasets, families: 8; Friedman's p < 0.001" in first.get_title()
    assert "6 tasks of 3 datasets" in second.get_title()
    labels = [text.get_text().strip() for text in first.texts]
    assert labels[0] == "fs + evidence head  1.00"
    assert any(label.endswith("Masked + aug. + baseline + ridge") for label in labels)
    assert not any("fine-tuning" in label for label in labels)
    assert any("full fine-tuning" in text.get_text() for text in second.texts)
    note = figure.texts[0].get_text().replace("\n", " ")
    assert "Best head of its encoder on the tasks shown: Masked + aug. + baseline + ridge;" in note
    assert "fsnl, episodic + AsLS + MLP" in note
    assert "no such row in the metrics table" in note


def test_synthetic_sets_are_shown_untested():
    figure = fig_phase6_critical_difference.draw(metrics_of(downstream_rows(0.02)).assign(synthetic=True))
    assert "Friedman" not in figure.axes[0].get_title()
    assert "which is no result" in figure.texts[0].get_text()


def test_a_row_on_few_tasks_takes_none_from_the_others():
    rows = [row for row in downstream_rows(0.02) if row["method"] != "stacked_pls" or row["dataset"] in SMALL]
    figure = fig_phase6_critical_difference.draw(metrics_of(rows))
    assert "16 tasks" in figure.axes[0].get_title()
    assert "On too few tasks to be ranked: Stacked PLS." in figure.texts[0].get_text()


def test_the_diagram_is_equal_byte_for_byte(tmp_path):
    metrics_of(downstream_rows(0.02)).to_parquet(tmp_path / "m.parquet")
    for name in "ab":
        paths = [part for end in ("pdf", "png") for part in (f"--out-{end}", str(tmp_path / f"{name}.{end}"))]
        fig_phase6_critical_difference.main(["--metrics", str(tmp_path / "m.parquet"), *paths])
    for end in ("pdf", "png"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()


def instrument_rows():
    """Another instrument doubles the error of tuned PLS, trebles that of fs; the removed bias gives back half."""
    factor = {"same_instrument": (1.0, 0.8), "cross_instrument": (2.0, 3.0), "cross_instrument_bias": (1.0, 1.5)}
    for number, pair in enumerate(("f0_a>f0_b", "f0_b>f0_a", "f1_a>f1_b", "f1_b>f1_a")):
        for condition, factors in factor.items():
            for name, own in zip(("tuned_pls", "fs/evidence"), factors, strict=True):
                row = of(name) | {"dataset": pair.partition(">")[0], "target": "oil", "pair": pair}
                row |= {"condition": condition, "overlaps": "f9_a"}  # second sets of one set of specimens stay in
                error = 0.1 * own
                yield row | {"metric": "rmsep", "value": (1 + number) * error}
                yield row | {"metric": "r2", "value": 1 - error**2}
    lost = of("random_init/ridge") | {"dataset": "f2_a", "pair": "f2_a>f2_b", "target": "oil", "value": np.nan}
    yield lost | {"condition": "cross_instrument", "status": "not run: no wavelength axis"}


def test_other_instruments_are_compared_within_the_condition():
    table = tab_phase6_cross_instrument.tabulate(metrics_of(instrument_rows()))

    def summary(condition, name):
        rows = table[(table["block"] == "summary") & (table["condition"] == condition) & (table["method"] == name)]
        return rows.iloc[0]

    found = summary("cross_instrument", "fs/evidence")
    assert found[["tasks", "datasets", "families", "mean", "relative"]].tolist() == pytest.approx([4, 2, 2, 1.5, 0.3])
    assert summary("same_instrument", "fs/evidence")["mean"] == pytest.approx(0.8)
    assert summary("cross_instrument_bias", "tuned_pls")["relative"] == pytest.approx(0.1)
    assert summary("cross_instrument", "random_init/ridge")["status"] == "not run: no wavelength axis (1 dataset)"
    pairs = table[(table["block"] == "pair") & (table["condition"] == "cross_instrument")]
    row = pairs[(pairs["pair"] == "f1_a>f1_b") & (pairs["method"] == "fs/evidence")].iloc[0]
    assert row[["value", "relative", "to_reference"]].tolist() == pytest.approx([0.9, 0.3, 1.5])
    assert "not run: no wavelength axis" in set(pairs["status"])
    text = tab_phase6_cross_instrument.typeset(table)
    assert r"f1\_a $\to$ f1\_b, oil & Tuned PLS & 0.10 & 0.20 & 0.10" in text
    assert r"other instrument & Tuned PLS & 4 & 0.20 & 1.000" in text


def test_all_columns_of_a_summary_are_over_the_tasks_on_which_tuned_pls_ran_too():
    alone = of("fs/evidence") | {"dataset": "f3_a", "target": "oil", "pair": "f3_a>f3_b"}
    alone |= {"condition": "cross_instrument"}
    more = [alone | {"metric": "rmsep", "value": 9.0}, alone | {"metric": "r2", "value": -80.0}]
    table = tab_phase6_cross_instrument.tabulate(metrics_of([*instrument_rows(), *more]))
    rows = table[(table["block"] == "summary") & (table["condition"] == "cross_instrument")].set_index("method")
    assert rows.loc["fs/evidence", ["tasks", "relative"]].tolist() == pytest.approx([4, 0.3])


@pytest.mark.parametrize("module", [tab_pretraining_levers, tab_pretraining_final, tab_phase6_cross_instrument])
def test_a_table_of_nothing_is_an_error(module):
    with pytest.raises(BadInputError, match="condition"):
        module.tabulate(metrics_of(downstream_rows())[:0])
