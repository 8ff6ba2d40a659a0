"""The maps of embeddings: which rows are drawn, how values are standardised, what the legends and notes say."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures.fig_embedding_map import PALETTE, chosen, draw, main, standardised

N_FAMILIES = len(PALETTE) + 3


@pytest.fixture
def table():
    """Twelve families of ten spectra; half of them have moisture, one has fat."""
    rng = np.random.default_rng(0)
    rows = []
    for variant, folds in (("random_init", ("fold0", "fold1")), ("masked", ("fold1",)), ("fs", ("",))):
        for fold in folds:
            for number in range(N_FAMILIES):
                place = {"run": "test", "variant": variant, "heldout": fold, "seed": 0, "dataset": f"set{number:02d}"}
                place |= {"family": f"family{number:02d}", "instrument": f"instrument{number % 2}", "modality": "nir"}
                place |= {
                    "synthetic": number == 0,
                    "analyte": "moisture" if number < 6 else "fat" if number == 6 else "",
                }
                x, y, value = rng.normal(size=(3, 10))
                values = value * 10 + number if place["analyte"] else np.full(10, np.nan)
                rows += [place | {"x": x[i], "y": y[i], "value": values[i]} for i in range(10)]
    return pd.DataFrame(rows)


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


def notes(figure):
    return figure.get_supxlabel().replace("\n", " ")


def test_one_fold_is_drawn_that_most_variants_have(table):
    rows = chosen(table)
    assert rows.groupby("variant")["heldout"].unique().map(list).to_dict() == {
        "random_init": ["fold1"],
        "masked": ["fold1"],
        "fs": [""],
    }
    text = notes(draw(table[table["variant"] != "fs"]))
    assert f"Encoders of fold1, seed 0. Up to {10 * N_FAMILIES} spectra of {N_FAMILIES} datasets" in text
    assert "fs (no fold, seed 0)" in notes(draw(table))


def test_of_many_variants_one_of_each_kind_is_drawn_and_the_others_named(table):
    masked = table[table["variant"] == "masked"]
    more = [masked.assign(variant=name) for name in ("masked_aug_baseline", "fsnl_episodic", "masked_aug")]
    figure = draw(pd.concat([table, *more]))
    assert [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()] == [
        *("Random init", "Masked + aug. + baseline", "fs", "fsnl, episodic"),
    ]
    assert "Not drawn: Masked, Masked + aug." in notes(figure)


def test_values_are_of_the_analyte_that_most_families_have(table):
    analyte, z = standardised(table)
    assert analyte == "moisture"
    known = table["analyte"] == "moisture"
    assert z[known].notna().all()
    assert z[~known].isna().all()
    groups = z[known].groupby([table["variant"], table["heldout"], table["dataset"]])
    one_fold = table.loc[known, "variant"].eq("masked")
    assert z[known][one_fold].groupby(table["dataset"]).std().to_numpy() == pytest.approx(1.0)
    assert abs(z[known].mean()) < 1e-12
    assert groups.ngroups == 24
    constant = table.assign(value=1.0)
    assert standardised(constant)[1].isna().all()


def test_legends_name_the_most_frequent_and_count_the_rest(table):
    figure = draw(table)
    legends = {axis.get_legend() for axis in figure.axes} - {None}
    texts = sorted([text.get_text() for text in legend.get_texts()] for legend in legends)
    assert texts[0] == ["family00 †", *(f"family{n:02d}" for n in range(1, len(PALETTE))), "3 others"]
    assert texts[1] == ["instrument0", "instrument1"]
    assert titles(figure) == ["Family", "Instrument", "Moisture"]
    assert "† synthetic spectra" in notes(figure)
    table.loc[table["dataset"] == "set01", "modality"] = "mir"
    assert titles(draw(table)) == ["Family", "Instrument", "Modality", "Moisture"]


def test_without_values_the_map_says_so(table):
    figure = draw(table.assign(analyte="", value=np.nan))
    assert "Analyte value" in titles(figure)
    assert any("No reference values" in text.get_text() for axis in figure.axes for text in axis.texts)


def test_nothing_to_draw_is_an_error(table):
    for empty in (table[:0], table.assign(x=np.nan)):
        with pytest.raises(BadInputError, match="places of embeddings"):
            draw(empty)


def test_the_command_writes_the_same_bytes_twice(table, tmp_path):
    table.to_parquet(tmp_path / "metrics.parquet")
    for name in ("first", "second"):
        paths = ["--out-pdf", str(tmp_path / f"{name}.pdf"), "--out-png", str(tmp_path / f"{name}.png")]
        main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()
