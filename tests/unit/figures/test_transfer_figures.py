"""Figures and table of calibration transfer: what is compared with what, and what is said of the rest."""

import numpy as np
import pandas as pd
import pytest

from etalon.evaluate import compare
from etalon.figures import (
    fig_transfer_benchmark,
    fig_transfer_matrix,
    fig_transfer_sample_efficiency,
    fig_transfer_set_composition,
    tab_transfer_benchmark,
)
from etalon.figures.transfer_rows import WAYS, arrow, notes, order, read, shorten, tabulate
from etalon.records import METRIC_COLUMNS, as_records

FAMILIES = {"corn": 1.0, "soil": 2.0, "milk": 4.0}  # with the RMSEP of the target instrument's own calibration
NO_LIBRARY = "not run: no library"


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 199)


def rows():
    for family, own in FAMILIES.items():
        for pair in (f"{family}_a>{family}_b", f"{family}_b>{family}_a"):
            place = {"dataset": pair.split(">")[0], "family": family, "pair": pair, "target": "fat", "unit": "%"}
            place |= {
                "task": "regression",
                "metric": "rmsep",
                "status": "ok",
                "amplitude": 0.0,
                "condition": "transfer",
            }
            yield place | {"method": "none", "value": 3 * own}
            yield place | {"method": "target_all", "value": own}
            for way, harm in zip(WAYS, (1.0, 0.9, 1.5), strict=True):
                for size in (5.0, 10.0):
                    at = place | {"condition": way, "amplitude": size}
                    if family == "milk" and size == 10:
                        too_small = "not run: 8 specimens to choose from, fewer than 10"
                        yield at | {"method": "pds", "status": too_small, "value": np.nan}
                        continue
                    for draw in (0, 1):
                        value = own * harm * (1 + 10 / size * (0.2 + 0.1 * draw))  # means over draws: 1.5 and 1.25
                        yield at | {"method": "pds", "draw": draw, "value": value}
                        yield at | {"method": "bias", "draw": draw, "value": 2 * value}
                    yield at | {"method": "di_pls", "status": NO_LIBRARY, "value": np.nan}
    place = {"dataset": "raman_a", "family": "raman", "pair": "raman_a>raman_b", "condition": "transfer"}
    for method in ("none", "target_all", "pds", "bias", "di_pls"):
        yield place | {"method": method, "metric": "rmsep", "status": "not run: no calibration target"}


@pytest.fixture(scope="module")
def metrics():
    return as_records(pd.DataFrame(rows()), METRIC_COLUMNS)


def test_errors_are_relative_to_the_target_instrument(metrics):
    table = tabulate(read(metrics)).set_index(["pair", "method", "condition", "size"])
    for family, own in FAMILIES.items():
        row = table.loc[(f"{family}_a>{family}_b", "pds", "transfer", 5.0)]
        assert row["rmsep"] == pytest.approx(1.5 * own)
        assert (row["ratio"], row["eta"], row["draws"]) == (pytest.approx(1.5), pytest.approx(0.75), 2)
        assert table.loc[(f"{family}_a>{family}_b", "none", "transfer", 0.0), "eta"] == 0.0


def test_curves_compare_methods_on_the_same_tasks(metrics):
    found, extended = fig_transfer_sample_efficiency.curves(tabulate(read(metrics)), "ratio")
    assert not extended
    found = found.set_index(["method", "size"])
    assert found.loc[("pds", 5.0), "mean"] == pytest.approx(1.5)
    assert found.loc[("bias", 10.0), "mean"] == pytest.approx(2.5)
    assert found["tasks"].to_dict() == {(m, s): n for m in ("bias", "pds") for s, n in ((5.0, 6), (10.0, 4))}


def test_each_family_shows_one_pair_before_any_shows_another(metrics):
    cases = fig_transfer_sample_efficiency.cases(tabulate(read(metrics)))
    assert len(cases) == 6
    assert {pair.split("_")[0] for pair, _ in cases[:3]} == set(FAMILIES)


def test_ways_of_choosing_are_compared_on_the_same_tasks(metrics):
    table = tabulate(read(metrics))
    found, _ = fig_transfer_set_composition.curves(table[table["method"] == "pds"])
    means = found.set_index(["condition", "size"])["mean"]
    assert means["transfer_clustered", 5.0] == pytest.approx(1.5 * means["transfer", 5.0])
    assert means["transfer_kennard_stone", 10.0] == pytest.approx(0.9 * 1.25)


def test_the_matrix_has_every_direction_and_crosses_for_the_rest(metrics):
    own = read(metrics)
    own = own[own["condition"] == "transfer"]
    table = tabulate(own)
    blocks = {block.title: block for block in fig_transfer_matrix.blocks(own, table[table["size"].isin([0, 5])])}
    assert blocks["soil"].cells == {
        "soil_a>soil_b": pytest.approx((3.0, 1.5)),
        "soil_b>soil_a": pytest.approx((3.0, 1.5)),
    }
    assert blocks["raman"].cells == {}
    corners, height = fig_transfer_matrix.places(list(blocks.values()), 80.0)
    assert len(set(corners)) == len(blocks)
    assert all(x + block.width <= 80.0 for (x, _), block in zip(corners, blocks.values(), strict=True))
    assert height >= max(y + block.height for (_, y), block in zip(corners, blocks.values(), strict=True)) - 1e-9


def test_the_table_gives_a_reason_for_everything_that_did_not_run(metrics):
    table = tab_transfer_benchmark.table_of(metrics)
    summary = table[table["block"] == "summary"].set_index(["method", "size"])
    assert summary.loc[("pds", 10.0), ["mean", "eta", "tasks"]].tolist() == pytest.approx([1.25, 0.875, 4])
    assert table.loc[(table["block"] == "summary") & (table["method"] == "di_pls"), "status"].tolist() == [NO_LIBRARY]
    pairs = table[table["block"] == "pair"]
    assert set(pairs.loc[pairs["pair"] == "raman_a>raman_b", "status"]) == {"not run: no calibration target"}
    text = tab_transfer_benchmark.typeset(table)
    assert r"\noindent not run: no calibration target: raman\_a $\to$ raman\_b." in text
    assert "no library" in text and "nan" not in text


def test_figures_say_what_did_not_run(metrics):
    lines = notes(read(metrics))
    assert "All methods (raman_a and raman_b): not run: no calibration target" in lines
    assert f"di-PLS: {NO_LIBRARY}" in lines
    for module in (fig_transfer_benchmark, fig_transfer_matrix, fig_transfer_sample_efficiency):
        figure = module.draw(metrics)
        said = [text.get_text() for part in (figure, *figure.subfigs) for text in part.texts]
        assert any("no calibration target" in text for text in said)


def test_names_are_as_short_as_they_can_be():
    assert arrow("corn_m5>corn_mp5") == "corn: m5 → mp5"
    assert shorten(["soil_dry", "soil_wet", "soil_wet_1day"]) == ("soil", ["dry", "wet", "wet_1day"])
    assert shorten(["soil_wet", "soil_wet_1day"]) == ("soil", ["wet", "wet_1day"])
    assert order(["target_all", "own_model", "pds", "none"]) == ["none", "pds", "own_model", "target_all"]
