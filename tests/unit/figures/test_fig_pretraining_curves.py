"""The curves of training: what is averaged, and one panel a quantity."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures.fig_pretraining_curves import BINS, COLUMNS, curves, draw, main


@pytest.fixture
def table():
    """Two variants, two folds; the loss of fold k is k after every step, the proxies are 0.2 and 0.6."""
    rows = []
    for variant, losses in (
        ("masked", ["loss_masked"]),
        ("fsnl_episodic_asls", ["loss_episodic", "loss_asls_prediction"]),
    ):
        for fold in (0, 1):
            run = {"run": "test", "variant": variant, "heldout": f"fold{fold}", "seed": 0}
            for step in range(1, 201):
                own = run | {"step": step, "spectra": step * 10}
                rows += [own | {"quantity": name, "value": float(fold + 1)} for name in ("loss", *losses)]
                rows.append(own | {"quantity": "learning_rate", "value": 1e-3})
            for step in (100, 200):
                own = run | {"step": step, "spectra": step * 10}
                rows += [own | {"quantity": f"ridge_proxy:{name}", "value": v} for name, v in (("a", 0.2), ("b", 0.6))]
                rows.append(own | {"quantity": "change", "value": 1.0 / step})
    return pd.DataFrame(rows)


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


def test_losses_are_averaged_in_parts_and_proxies_over_datasets(table):
    table.loc[(table["quantity"] == "loss_masked") & (table["step"] <= 4), "value"] = [0.0, 2.0, 4.0, 6.0] * 2
    found = curves(table).set_index(["variant", "heldout", "quantity"])
    loss = found.loc[("masked", "fold1", "loss_masked")].sort_values("spectra")
    assert len(loss) == BINS
    assert loss["value"].tolist()[:2] == [3.0, 2.0]  # the first of 50 parts holds four steps
    assert loss["spectra"].tolist()[:2] == [20.0, 60.0]
    proxy = found.loc[("masked", "fold0", "ridge_proxy")]
    assert proxy["value"].tolist() == pytest.approx([0.4, 0.4])
    assert "learning_rate" not in set(found.reset_index()["quantity"])


def test_one_panel_a_quantity_with_the_median_of_the_trainings(table):
    figure = draw(table)
    assert titles(figure) == [
        *("Masked modelling", "Episodic ridge", "AsLS-corrected spectrum"),
        *("Ridge on the embedding", "Change of the embedding"),
    ]
    assert all("(" in axis.get_xlabel() and axis.get_ylabel() for axis in figure.axes if axis.get_title())
    *thin, thick = [found for found in figure.axes[0].lines if len(found.get_xdata())]
    assert len(thin) == 2
    np.testing.assert_allclose(thick.get_ydata(), 1.5)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Masked", "fsnl, episodic + AsLS"]
    assert "2 held-out folds, 1 seed" in figure.legends[0].get_title().get_text()


def test_a_loss_without_a_panel_of_its_own_is_drawn_under_its_name(table):
    table["quantity"] = table["quantity"].replace("loss_episodic", "loss_new_idea")
    assert "New idea" in titles(draw(table))


def test_nothing_to_draw_is_an_error(table):
    with pytest.raises(BadInputError, match="ridge_proxy"):
        draw(table[table["quantity"] == "learning_rate"])
    with pytest.raises(BadInputError, match="ridge_proxy"):
        draw(table[:0])


def test_the_command_writes_the_same_bytes_twice(table, tmp_path):
    table.to_parquet(tmp_path / "metrics.parquet")
    for name in ("first", "second"):
        paths = ["--out-pdf", str(tmp_path / f"{name}.pdf"), "--out-png", str(tmp_path / f"{name}.png")]
        main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()
    table.drop(columns="quantity").to_parquet(tmp_path / "other.parquet")
    with pytest.raises(BadInputError, match="expected column quantity"):
        main(["--metrics", str(tmp_path / "other.parquet"), *paths])
    assert set(COLUMNS) <= set(table)
