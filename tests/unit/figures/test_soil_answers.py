"""Figures and tables of the soil study's open questions: what they draw, what they leave out, what they say."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures import fig_soil_band_bias, fig_soil_sensitivity, tab_soil_extended, tab_soil_shift

GRID = np.arange(620.0, 3781.0, 40.0)
TARGETS = ("organic_carbon", "clay", "ph")


def band_bias(synthetic=False):
    rows = []
    for kind in ("reconstructed", "converted"):
        for dataset in ("soil_a", "soil_b"):
            about = {"dataset": dataset, "pair": "", "kind": kind, "synthetic": synthetic, "p_holm": 0.01}
            for loss, offset in {"plain": 0.05, "weighted": 0.01, "areas": 0.04, "doubled": 0.05}.items():
                own = about | {"loss": loss}
                rows += [own | {"quantity": "channel_bias", "wavenumber": w, "value": offset} for w in GRID]
                rows.append(own | {"quantity": "rmse", "value": 0.2, "low": 0.19, "high": 0.21})
                if loss != "plain":
                    for name in fig_soil_band_bias.CHANGES:
                        value = offset - 0.05
                        rows.append(own | {"quantity": name, "value": value, "low": value - 0.01, "high": value + 0.01})
    return pd.DataFrame(rows).reindex(columns=list(fig_soil_band_bias.COLUMNS))


def sensitivity():
    rows = []
    for dataset in ("soil_a", "soil_b", "soil_synthetic_scanner"):
        about = {"dataset": dataset, "synthetic": "synthetic" in dataset, "n": 50}
        for latent in range(6):
            rows.append(about | {"target": "", "quantity": "latent_survives", "latent": latent, "value": 0.5})
            for number, target in enumerate(TARGETS):
                share = float(number == latent)
                rows.append(about | {"target": target, "quantity": "share", "latent": latent, "value": share})
        for target in TARGETS[: 2 if dataset == "soil_b" else 3]:
            for quantity in fig_soil_sensitivity.QUANTITIES:
                ends = {"value": 0.4, "low": 0.3, "high": 0.5}
                rows.append(about | {"target": target, "quantity": quantity, "latent": -1} | ends)
    return pd.DataFrame(rows).reindex(columns=list(fig_soil_sensitivity.COLUMNS))


def shift():
    about = {
        "pair": "soil_a>soil_b",
        "train": "soil_a",
        "dataset": "soil_b",
        "variant": "",
        "n": 60,
        "synthetic": False,
    }
    rows = []
    for target, unit, method in (("clay", "%", "mir_plsr"), ("organic_carbon", "%", "nir_plsr")):
        values = {"rmse_train": 4.0, "range": 0.5, "spectra": 3.0, "beyond": -0.25, "rmse_test": 7.25, "offset": 2.0}
        for name, value in (values | {"matched": 0.75}).items():
            own = {"target": target, "unit": unit, "method": method, "quantity": name, "status": "ok"}
            rows.append(about | own | {"value": value, "low": value - 1, "high": value + 1})
    reason = "not run: fewer than 20 soils with a like in soil_a"
    own = {"target": "ph", "unit": "pH", "method": "mir_plsr", "quantity": "spectra", "status": reason}
    return pd.DataFrame([*rows, about | own]).reindex(columns=list(tab_soil_shift.COLUMNS))


def extended():
    about = {"condition": "independent", "dataset": "soil_b", "pair": "soil_a>soil_b", "unit": "%", "synthetic": False}
    rows = []
    for target, status in (("clay", "ok"), ("total_nitrogen", "not measured")):
        plain = {"low_5": 1.0, "median": 2.0, "high_95": 3.0, "in_range": 1.0, "inside": 0.5}
        scores = {"ccc": 0.61, "rmsep": 4.0, "bias": -1.5} if status == "ok" else {}
        for name, value in (plain | scores).items():
            own = {"target": target, "status": status, "quantity": name, "value": value, "n": 60}
            rows.append(about | own | ({"low": value - 0.1, "high": value + 0.1} if name in scores else {}))
    return pd.DataFrame(rows).reindex(columns=list(tab_soil_extended.COLUMNS))


def test_the_bias_has_a_panel_a_kind_and_a_curve_a_loss():
    figure = fig_soil_band_bias.draw(band_bias())
    left, right = figure.axes[0], figure.axes[1]
    assert [axis.get_title(loc="left") for axis in figure.axes[::2]] == list(fig_soil_band_bias.KINDS.values())
    curves = {line.get_label(): line.get_ydata() for line in left.get_lines() if len(line.get_xdata()) == len(GRID)}
    assert len(curves) == 4
    np.testing.assert_allclose(curves["bands weighted"], 0.01)
    assert left.get_xlim()[0] > left.get_xlim()[1]  # wavenumbers fall
    # -0.04 of an RMSE of 0.2 are -20 %.
    drawn = np.concatenate([container.lines[0].get_ydata() for container in right.containers])
    assert drawn.min() == pytest.approx(-20)
    assert right.get_title(loc="left") == "2 sets"


def test_synthetic_soils_are_drawn_only_where_there_are_no_others_and_marked():
    both = pd.concat([band_bias(), band_bias(synthetic=True).assign(dataset="soil_synthetic_mir")])
    assert fig_soil_band_bias.draw(both).axes[1].get_title(loc="left") == "2 sets"
    legend = fig_soil_band_bias.draw(band_bias(synthetic=True)).legends[0]
    assert legend.get_title().get_text() == "Synthetic soils"


def test_sensitivity_has_a_column_a_set_those_with_most_properties_first():
    figure = fig_soil_sensitivity.draw(sensitivity())
    titles = [axis.get_title(loc="left") for axis in figure.axes if axis.get_title(loc="left")]
    assert titles == ["a", "b"]
    image = next(axis.images[0] for axis in figure.axes if axis.images)
    np.testing.assert_allclose(image.get_array()[:, :3], np.eye(3))


@pytest.mark.parametrize(("figure", "table"), [(fig_soil_band_bias, band_bias), (fig_soil_sensitivity, sensitivity)])
def test_files_and_refusals(figure, table, tmp_path):
    table().to_parquet(tmp_path / "in.parquet")
    paths = [tmp_path / "a.pdf", tmp_path / "a.png"]
    figure.main(["--metrics", str(tmp_path / "in.parquet"), "--out-pdf", str(paths[0]), "--out-png", str(paths[1])])
    assert all(path.stat().st_size > 5000 for path in paths)
    with pytest.raises(BadInputError):
        figure.draw(table().iloc[:0])


def test_the_steps_of_a_shift_are_typeset_with_their_intervals_and_add_up():
    table = tab_soil_shift.tabulate(shift())
    assert table["target"].tolist() == ["organic_carbon", "clay", "ph"]
    ok = table[table["status"] == "ok"]
    np.testing.assert_allclose(ok["rmse_train"] + ok[list(tab_soil_shift.PARTS)].sum(axis=1), ok["rmse_test"])
    text = tab_soil_shift.typeset(table)
    line = next(line for line in text.splitlines() if "Clay" in line)
    assert r"+3.00 [+2.00, +4.00]" in line
    assert "75~" in line
    assert "fewer than 20 soils" in text


def test_properties_without_references_say_so(tmp_path):
    table = tab_soil_extended.tabulate(extended())
    assert table["target"].tolist() == ["clay", "total_nitrogen"]
    text = tab_soil_extended.typeset(table)
    clay, nitrogen = (next(line for line in text.splitlines() if name in line) for name in ("Clay", "Total N"))
    assert "0.61 [0.51, 0.71]" in clay
    assert "not measured" in nitrogen
    assert "2.00 [1.00, 3.00]" in nitrogen


@pytest.mark.parametrize(("module", "table"), [(tab_soil_shift, shift), (tab_soil_extended, extended)])
def test_tables_are_written(module, table, tmp_path):
    table().to_parquet(tmp_path / "in.parquet")
    paths = [tmp_path / "a.csv", tmp_path / "a.tex"]
    module.main(["--metrics", str(tmp_path / "in.parquet"), "--out-csv", str(paths[0]), "--out-tex", str(paths[1])])
    assert len(pd.read_csv(paths[0])) == len(module.tabulate(table()))
    assert paths[1].read_text().count(r"\begin{longtable}") == 1
