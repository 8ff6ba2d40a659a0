"""Short tables of the soil study, from metrics whose answer is known."""

import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures import soil_rows, soil_summary
from etalon.records import METRIC_COLUMNS, as_records

CCC = {"mir_plsr": 0.7, "mir_latent_mlp": 0.8, "mir_latent_evidence": 0.75, "nir_plsr": 0.5, "nir_to_mir_mlp": 0.45}


@pytest.fixture
def metrics():
    rows = []
    for number, dataset in enumerate("abcd"):
        common = {"dataset": dataset, "family": dataset, "target": "OC", "analyte": "organic_carbon", "unit": "%",
                  "condition": "cv", "status": "ok"}  # fmt: skip
        for method, value in CCC.items():
            variant = {"mir_latent": "latent32", "nir_to_mir": "frozen"}.get(method[:10], "")
            for seed in (0, 1) if variant else (-1,):
                own = {
                    "method": method,
                    "variant": variant,
                    "seed": seed,
                    "value": value + 0.01 * number + 0.002 * max(seed, 0),
                }
                rows += [common | own | {"metric": name} for name in ("ccc", "ccc_low", "ccc_high")]
        control = {"method": "mir_latent_mlp", "variant": "random_init", "seed": 0, "metric": "ccc", "value": 0.6}
        rows.append(common | control)
        spectra = {
            "dataset": dataset,
            "family": dataset,
            "condition": "cv",
            "status": "ok",
            "variant": "frozen",
            "seed": 0,
        }
        for name, value in (("spectrum_rmse", 0.1), ("mean_spectrum_rmse", 0.4), ("variance_ratio", 0.9)):
            rows.append(spectra | {"method": "converted", "metric": name, "value": value})
        for name, value in (("outlying", 0.1 * number), ("distance_rank_correlation", 0.2)):
            rows.append(common | {"method": "mir_latent_ridge", "variant": "latent32", "seed": 0, "metric": name,
                                  "value": value})  # fmt: skip
    return as_records(pd.DataFrame(rows), METRIC_COLUMNS)


def test_every_model_is_held_against_plsr_of_its_own_range(metrics):
    table = soil_summary.models(metrics).set_index("label")
    assert table.loc["MIR-latent-MLP", "mean"] == pytest.approx(0.101)
    assert table.loc["NIRtoMIR-MLP", "mean"] == pytest.approx(-0.049)
    assert table.loc["MIR-PLSR", "mean"] == 0.0
    assert table.loc["MIR-latent-MLP", "ccc"] == pytest.approx(0.816)
    assert table.loc["MIR-latent-MLP", "p"] == pytest.approx(0.125), "four sets, all of one sign"


def test_published_means_stand_beside_main_variants_alone(metrics):
    table = soil_summary.models(metrics).set_index("label")
    assert table.loc["MIR-latent-MLP", "published"] == 0.91
    assert pd.isna(table.loc["MIR-latent-MLP (random init)", "published"])


def test_fidelity_and_distances_are_read_off(metrics):
    table = soil_summary.fidelity(metrics)
    assert table["relative"].tolist() == pytest.approx([0.25] * 4) and set(table["kind"]) == {"converted"}
    (row,) = soil_summary.distances(metrics).to_dict("records")
    assert row["outlying"] == pytest.approx(0.15) and row["tasks"] == 4


def test_synthetic_soils_enter_no_claim_unless_there_is_nothing_else(metrics):
    extended = soil_rows.compared(soil_rows.read(metrics.assign(synthetic=True)), "cv")
    assert extended["synthetic"].all() and (extended["tasks"] == 4).all()
    mixed = metrics.assign(synthetic=metrics["dataset"] == "d")
    found = soil_rows.compared(soil_rows.read(mixed), "cv")
    assert not found["synthetic"].any() and (found["tasks"] == 3).all()
    means = found.set_index("method")
    assert means.loc["mir_latent_evidence", ["ccc", "base"]].tolist() == pytest.approx([0.761, 0.71]), "of a, b and c"
    only = (metrics["method"] == "nir_to_mir_mlp") & (metrics["dataset"] != "d")
    left = soil_rows.compared(soil_rows.read(mixed[~only]), "cv")
    assert "nir_to_mir_mlp" not in set(left["method"]), "it ran on synthetic soils alone"


def test_p_is_corrected_for_all_models_of_a_condition(metrics):
    table = soil_summary.models(metrics)
    tested = table[table["p"].notna()]
    assert (tested["p"] == 0.125).all() and len(tested) == 4
    assert (tested["p_holm"] == 0.5).all()


def test_metrics_of_another_study_are_refused(metrics):
    with pytest.raises(BadInputError, match="expected one of mir_plsr"):
        soil_rows.read(metrics.assign(method="tuned_pls"))
