"""Figures and table of the further studies of transfer: what they compare, and what they say of the rest."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import (
    fig_transfer_attention,
    fig_transfer_cross_modality,
    fig_transfer_degradation,
    fig_transfer_latent_map,
    tab_transfer_outliers,
)
from etalon.records import METRIC_COLUMNS, as_records


def records(rows):
    return as_records(pd.DataFrame(rows), METRIC_COLUMNS)


def texts(figure: Figure) -> str:
    figure.canvas.draw()
    return " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def ageing_rows():
    for dataset, new in (("corn", 1.0), ("soil", 4.0)):
        common = {"dataset": dataset, "family": dataset, "target": "fat", "metric": "rmsep", "status": "ok"}
        for condition, unit in (("fouling", "AU"), ("wavelength_drift", "nm")):
            place = common | {"condition": condition, "amplitude_unit": unit}
            for amplitude, harm in ((0.0, 1.0), (0.1, 2.0), (0.2, 4.0)):
                at = place | {"amplitude": amplitude}
                yield at | {"method": "none", "value": new * harm, "n_train": 60.0}
                yield at | {"method": "target_all", "value": new, "n_train": 60.0}
                for draw in (0, 1):
                    yield at | {"method": "pds", "draw": draw, "value": new * (0.9 + 0.2 * draw), "n_train": 8.0}
                if amplitude == 0.2:
                    yield at | {"method": "patch_transformer", "draw": 0, "value": 1.2 * new, "n_train": 8.0}
    yield {"dataset": "raman", "method": "none", "condition": "fouling", "metric": "rmsep",
           "status": "not run: Raman spectra have no absorbance", "value": np.nan}  # fmt: skip


def test_errors_of_ageing_are_relative_to_the_new_instrument():
    table, synthetic = fig_transfer_degradation.ratios(records(ageing_rows()))
    assert not synthetic
    found = fig_transfer_degradation.curves(table).set_index(["condition", "method", "level"])["mean"]
    assert found["fouling"]["none"].tolist() == pytest.approx([1.0, 2.0, 4.0])
    assert found["fouling"]["pds"].tolist() == pytest.approx([1.0, 1.0, 1.0])
    # Tried at the largest amplitude alone, it stands at that one's place.
    assert found["wavelength_drift"]["patch_transformer"].to_dict() == pytest.approx({2: 1.2})
    shown = texts(fig_transfer_degradation.draw(records(ageing_rows())))
    assert "8 standards" in shown and "raman: dust on the window not run" in shown and "2 datasets" in shown


def test_synthetic_sets_count_only_where_no_real_one_ran():
    rows = records(ageing_rows())
    made = rows.assign(synthetic=rows["dataset"].eq("soil"))
    table, synthetic = fig_transfer_degradation.ratios(made)
    assert not synthetic and set(table["dataset"]) == {"corn"}
    _, synthetic = fig_transfer_degradation.ratios(rows.assign(synthetic=True))
    assert synthetic and "Synthetic" in texts(fig_transfer_degradation.draw(rows.assign(synthetic=True)))


def modality_rows():
    place = {"pair": "cloth_nir>cloth_mir", "target": "cotton", "unit": "%", "metric": "rmsep", "status": "ok"}
    place |= {"condition": "cross_modality", "family": "cloth"}
    for method in ("same_modality", "target_all"):
        yield place | {"method": method, "variant": "spectra", "amplitude": 0.0, "value": 1.0}
    for method in ("map", "target_only"):
        for variant in ("spectra", "pretrained", "random_init"):
            for size in (5.0, 10.0):
                for draw in range(3):
                    at = {"method": method, "variant": variant, "amplitude": size, "draw": draw}
                    yield place | at | {"value": 20.0 / size + draw}
    yield place | {"pair": "ink_a>ink_b", "method": "map", "variant": "spectra", "value": np.nan,
                   "status": "not run: no calibration target"}  # fmt: skip
    shift = {"pair": "ink_a>ink_b", "method": "none", "condition": "device_shift", "metric": "device_shift"}
    yield place | shift | {"value": 2.5}


def test_a_column_is_a_pair_of_modalities_and_gaps_are_said():
    metrics = records(modality_rows())
    rows = fig_transfer_cross_modality.read(metrics)
    own = rows[(rows["method"] == "map") & (rows["variant"] == "pretrained")]
    found = fig_transfer_cross_modality.curve(own).set_index("size")
    assert found["mean"].to_dict() == pytest.approx({5.0: 5.0, 10.0: 3.0})
    assert (found["low"] <= found["mean"]).all() and (found["mean"] <= found["high"]).all()
    shown = texts(fig_transfer_cross_modality.draw(metrics))
    assert "cloth: MIR → NIR" in shown and "RMSEP, cotton (%)" in shown
    assert "ink_a and ink_b: not run: no calibration target" in shown and "2.5 times" in shown


def attention_rows():
    place = {"dataset": "corn", "family": "corn", "status": "ok", "amplitude_unit": "nm"}
    yield place | {
        "method": "table",
        "target": "O-H",
        "condition": "band",
        "amplitude": 1940.0,
        "metric": "fwhm",
        "value": 95.0,
    }
    for scale in ("stream", "finest"):
        for variant in ("pretrained", "random_init"):
            own = place | {"method": scale, "variant": variant}
            for nm in (1200.0, 1940.0, 2300.0):
                yield own | {"condition": "profile", "amplitude": nm, "metric": "attention", "value": nm / 1813.3}
            for group in ("all", "O-H"):
                for name, value in (
                    ("enrichment", 1.2),
                    ("enrichment_low", 0.9),
                    ("enrichment_high", 1.1),
                    ("p", 0.02),
                ):
                    at = {"condition": "enrichment", "target": group, "amplitude": 1.0, "metric": name}
                    yield own | at | {"value": value}
    yield {"dataset": "ink", "method": "stream", "status": "not run: no table of Raman bands", "value": np.nan}


def test_attention_is_drawn_of_the_finest_scale_with_its_bands():
    rows = fig_transfer_attention.read(records(attention_rows()))
    assert set(rows["method"]) == {"finest", "table"}
    shown = texts(fig_transfer_attention.draw(records(attention_rows())))
    assert "Wavelength (nm)" in shown and "bands, O-H" in shown and "ink: not run: no table of Raman bands" in shown


def test_maps_draw_real_pairs_and_say_distances():
    rng = np.random.default_rng(0)
    parts = []
    for pair, synthetic in (("corn_a>corn_b", False), ("made_a>made_b", True)):
        for state, distance in (("before", 2.0), ("pds", 0.5), ("patch_transformer", 0.4)):
            for instrument in ("source", "target"):
                parts.append(pd.DataFrame({
                    "pair": pair, "synthetic": synthetic, "state": state, "instrument": instrument,
                    "specimen": range(6), "target": "fat", "unit": "%", "value": np.linspace(1, 2, 6),
                    "n_transfer": 20, "x": rng.normal(size=6), "y": rng.normal(size=6), "pair_distance": distance,
                    "status": "ok",
                }))  # fmt: skip
    gap = {"pair": "a>b", "status": "not run: no calibration target", "synthetic": False}
    table = pd.concat([*parts, pd.DataFrame([gap])], ignore_index=True)
    shown = texts(fig_transfer_latent_map.draw(table))
    assert "corn: a → b" in shown and "made" not in shown
    assert "specimen's spectra: 0.40" in shown and "a → b: not run" in shown
    with pytest.raises(BadInputError, match="places of spectra"):
        fig_transfer_latent_map.draw(table[table["status"] != "ok"])


def outlier_rows():
    for dataset, synthetic in (("corn", False), ("soil", False), ("made", True)):
        place = {"dataset": dataset, "family": dataset, "synthetic": synthetic, "metric": "flagged", "status": "ok"}
        for limit in ("chi_square", "cross_validated"):
            for draw in (0, 1):
                for condition, share in (("own", 0.1 if dataset == "corn" else 0.2), ("spikes", 0.9)):
                    at = {"method": limit, "amplitude": 40.0, "draw": draw, "condition": condition}
                    yield place | at | {"value": share + 0.05 * draw}
        few = {"method": "cross_validated", "amplitude": 15.0, "condition": "own", "value": np.nan}
        yield place | few | {"status": "not run: 15 spectra, fewer than the 39 of this limit"}


def test_shares_are_means_over_real_datasets_and_missing_limits_have_a_reason():
    table = tab_transfer_outliers.table_of(records(outlier_rows()))
    summary = table[table["block"] == "summary"].set_index(["size", "limit"])
    assert summary.loc[(40.0, "chi_square"), "own"] == pytest.approx((0.125 + 0.225) / 2)
    assert summary.loc[(40.0, "chi_square"), "datasets"] == 2
    few = table[(table["dataset"] == "corn") & (table["size"] == 15.0)]
    assert few["status"].tolist() == ["not run: 15 spectra, fewer than the 39 of this limit"]
    latex = tab_transfer_outliers.typeset(table)
    assert "17.5" in latex and "fewer than the 39" in latex and r"made\textsuperscript{\dag}" in latex


@pytest.mark.parametrize(
    "module",
    [fig_transfer_degradation, fig_transfer_cross_modality, fig_transfer_attention],
)
def test_tables_without_a_row_that_ran_are_refused(module):
    empty = records([{"dataset": "a", "method": "none", "metric": "rmsep", "status": "not run: why", "value": np.nan}])
    with pytest.raises(BadInputError, match="that ran"):
        module.draw(empty)
