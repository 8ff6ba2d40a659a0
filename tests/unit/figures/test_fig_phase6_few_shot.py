"""The few-shot figure: ratios on equal draws, tasks that all methods have, and what is said of the rest."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.evaluate import compare
from etalon.figures.fig_phase6_few_shot import curves, draw, few_shot_rows, main, selected
from etalon.figures.style import VARIANTS
from etalon.records import METRIC_COLUMNS, as_records

METHODS = {"tuned_pls": 1.0, "tuned_ridge": 1.1, "stacked_pls": 0.9}
EMBEDDINGS = {
    "random_init": 1.3,
    "masked_aug_baseline": 1.2,
    "fsnl_random_init": 1.0,
    "fsnl_episodic_asls": 0.9,
    "fs": 0.8,
}
HEAD = {"ridge": 1.0, "evidence": 0.5}
SETS = {"corn": 200, "soil": 200, "milk": 200, "wine": 30}  # specimens


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 199)


def rows_of(dataset, specimens, name, factor, **own):
    place = {"dataset": dataset, "family": dataset, "target": "fat", "task": "regression", "condition": "few_shot"}
    place |= {"amplitude_unit": "samples", "repeat": 0, "status": "ok", "synthetic": False, "overlaps": ""} | own
    for size in (5, 20):
        if specimens < size + 20:
            reason = f"not run: {specimens} specimens, fewer than {size} + 20"
            yield place | {"amplitude": size, "metric": "rmsep", "value": np.nan, "status": reason}
            continue
        for number in (0, 1):
            # The second draw is ten times as hard, for everybody; more specimens help everybody alike.
            rmsep = factor * len(dataset) * (1 + 9 * number) / size
            relative = factor * 2 / size
            at = place | {"amplitude": size, "draw": number}
            yield at | {"metric": "rmsep", "value": rmsep}
            yield at | {"metric": "r2", "value": 1 - relative**2}


@pytest.fixture
def metrics():
    rows = []
    for dataset, specimens in SETS.items():
        for name, factor in METHODS.items():
            rows += rows_of(dataset, specimens, name, factor, method=name)
        for variant, factor in EMBEDDINGS.items():
            for head, gain in HEAD.items():
                for seed in (0,) if variant == "fs" else (0, 1):
                    own = {"method": "embedding", "variant": variant, "head": head, "seed": seed}
                    rows += rows_of(dataset, specimens, variant, factor * gain * (0.9 + 0.2 * seed), **own)
    rows += rows_of("fake", 200, "tuned_pls", 1e3, method="tuned_pls", synthetic=True)
    return as_records(pd.DataFrame(rows), METRIC_COLUMNS)


def table_of(metrics):
    rows = few_shot_rows(metrics)
    table, extended = curves(rows, selected(rows))
    return table.set_index(["method", "size"]), extended


def test_ratios_are_those_of_equal_draws_and_intervals_hold_them(metrics):
    table, extended = table_of(metrics)
    assert not extended
    assert table.loc[("tuned_pls", 5), "mean"] == 1.0
    assert table.loc[("stacked_pls", 20), "mean"] == pytest.approx(0.9)
    assert table.loc[("fs/evidence", 5), "mean"] == pytest.approx(0.8 * 0.5 * 0.9)
    assert table.loc[("random_init/evidence", 5), "mean"] == pytest.approx(1.3 * 0.5), "mean of two seeds"
    seeds = table.loc[("random_init/evidence", 20)]
    assert seeds["low"] < seeds["mean"] < seeds["high"]


def test_small_sets_leave_the_larger_numbers_and_the_second_panel(metrics):
    table, _ = table_of(metrics)
    assert set(table.xs(5, level="size")["tasks"]) == {4}
    assert set(table.xs(20, level="size")["tasks"]) == {3}
    assert set(table["tasks_of_all_sizes"]) == {3}
    assert table.loc[("tuned_ridge", 5), "relative"] == pytest.approx(1.1 * 2 / 5)


def test_all_are_compared_on_the_tasks_that_each_has(metrics):
    gone = (metrics["dataset"] == "corn") & (metrics["variant"] == "fs") & (metrics["draw"] == 0)
    metrics.loc[gone & (metrics["head"] == "evidence") & (metrics["amplitude"] == 5), "value"] = np.nan
    table, _ = table_of(metrics)
    assert table.loc[("fs/evidence", 5), "mean"] == pytest.approx(0.8 * 0.5 * 0.9), "the other draw is left"
    metrics = metrics[~((metrics["dataset"] == "corn") & (metrics["method"] == "tuned_ridge"))]
    table, _ = table_of(metrics)
    assert set(table.xs(5, level="size")["tasks"]) == {3}


def test_one_head_for_all_embeddings(metrics):
    assert "fs/evidence" in selected(few_shot_rows(metrics))
    metrics = metrics[~((metrics["variant"] == "masked_aug_baseline") & (metrics["head"] == "evidence"))]
    names = selected(few_shot_rows(metrics))
    assert {name.partition("/")[2] for name in names if "/" in name} == {"ridge"}


def below(figure):
    return " ".join(text.get_text() for text in figure.subfigs[-1].texts).replace("\n", " ")


def test_what_did_not_run_is_named_and_the_tasks_are_counted(metrics):
    gone = metrics["variant"] == "fsnl_episodic_asls"
    missing = metrics[gone].drop_duplicates(["head", "seed"]).assign(
        status="not run: cannot be fetched", value=np.nan, amplitude=np.nan
    )  # fmt: skip
    absent = metrics["variant"] == "fsnl_random_init"
    figure = draw(pd.concat([metrics[~gone & ~absent], missing], ignore_index=True))
    assert "not run: cannot be fetched" in below(figure)
    assert VARIANTS["fsnl_episodic_asls"].label in below(figure)
    assert f"{VARIANTS['fsnl_random_init'].label} + evidence head not run: no such row" in below(figure)
    assert "fewer than" not in below(figure)
    left, right, _ = figure.subfigs[0].axes
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["5\n4 tasks", "20\n3 tasks"]
    assert "3 tasks with every number" in right.texts[0].get_text()


def test_synthetic_sets_alone_are_drawn_and_said_to_be(metrics):
    def title(figure):
        return figure.subfigs[0].axes[2].get_legend().get_title().get_text()

    assert "ynthetic" not in title(draw(metrics))
    synthetic = metrics[metrics["dataset"] != "fake"].assign(synthetic=True)
    assert "Synthetic" in title(draw(synthetic))


def test_nothing_to_draw_is_an_error(metrics):
    with pytest.raises(BadInputError, match="few_shot"):
        draw(metrics.assign(condition="cv"))
    with pytest.raises(BadInputError, match="were all tested on"):
        draw(metrics[metrics["method"] != "tuned_pls"])


def test_the_command_writes_the_same_bytes_twice(metrics, tmp_path):
    metrics.to_parquet(tmp_path / "metrics.parquet")
    for name in ("first", "second"):
        paths = ["--out-pdf", str(tmp_path / f"{name}.pdf"), "--out-png", str(tmp_path / f"{name}.png")]
        main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()


def test_the_kernel_head_is_a_curve_beside_the_others_where_it_ran(metrics):
    more = metrics[(metrics["variant"] == "fs") & (metrics["head"] == "evidence")].astype({"head": str})
    more = more.assign(head="kernels", value=more["value"].where(more["metric"] != "rmsep", 0.5 * more["value"]))
    both = as_records(pd.concat([metrics.astype({"head": str}), more]), METRIC_COLUMNS)
    names = selected(few_shot_rows(both))
    assert names.index("fs/kernels") == names.index("fs/evidence") + 1
    table, _ = table_of(both)
    assert table.loc[("fs/kernels", 5), "mean"] == pytest.approx(0.5 * table.loc[("fs/evidence", 5), "mean"])
    legend = draw(both).subfigs[0].axes[-1].get_legend()
    assert "fs + kernel evidence head" in [text.get_text() for text in legend.get_texts()]
    assert legend.get_title().get_text().startswith("Embeddings under the evidence head")
