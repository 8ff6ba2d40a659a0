"""The stages of the soil study, from small sets in the data contract to scores, figures and tables."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError
from etalon.evaluate.soil_heads import trials
from etalon.evaluate.soil_sets import load_study
from etalon.figures import (
    fig_soil_ccc,
    fig_soil_latent_size,
    fig_soil_mahalanobis,
    fig_soil_reconstruction,
    tab_soil_properties,
)
from etalon.records import METRIC_COLUMNS
from etalon.stages import soil_bridge, soil_classical, soil_learned, soil_scores, soil_vae
from etalon.storage import load_json, load_set, save_set, save_table
from etalon.train.vae_checkpoint import load_bridge, load_vae

STUDY = {
    "grid": {"first": 700, "last": 3700, "step": 50},
    "nir_grid": {"first": 4050, "last": 7000, "step": 50},
    "sets": ["whole", "replicated", "paired_nir", "paired_mir"],
    "bridged": ["whole", "paired_nir"],
    "partners": {"paired_nir": "paired_mir"},
    "independent": {"train": ["whole"], "test": ["abroad", "abroad_nir", "grams"]},
}
VAE = {
    "latents": 4, "width": 8, "layers": 1, "start": "linear", "steps": 6, "batch": 16, "learning_rate": 1e-3,
    "weight_decay": 0.0, "noise_sd": 0.05, "kl_weight": 1.0, "kl_warm_up": 0.3,
}  # fmt: skip
BRIDGE = {
    "width": 8, "layers": 1, "dropout": 0.1, "unfrozen": False, "steps": 6, "batch": 16, "learning_rate": 1e-3,
    "weight_decay": 0.0, "noise_sd": 0.2, "regularisation": 1.0, "jitter": 0.01,
}  # fmt: skip
HEADS = {
    "max_lv": 3, "inner_splits": 3, "members": 2, "width": 8, "dropout": 0.0, "epochs": 4, "patience": 2,
    "learning_rate": 1e-2, "weight_decay": 0.0,
}  # fmt: skip
ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 20, "tol": 1e-3}
SPLITS = ("fold0", "fold1", "independent")
# Name: modality, cm-1 of the axis, scans a soil, soils, seed of the soils, unit of carbon.
SETS = {
    "whole": ("mir", (600.0, 5500.0), 1, 50, 0, "%"),
    "replicated": ("mir", (600.0, 4000.0), 3, 50, 1, "%"),
    "paired_mir": ("mir", (600.0, 4000.0), 2, 44, 2, "%"),
    "paired_nir": ("nir", (4000.0, 7100.0), 1, 44, 2, "%"),
    "abroad": ("mir", (650.0, 3800.0), 1, 25, 3, "%"),
    "abroad_nir": ("nir", (4000.0, 7100.0), 1, 25, 4, "%"),
    "grams": ("mir", (650.0, 3800.0), 1, 25, 5, "g/kg"),
    "short": ("mir", (1000.0, 3800.0), 1, 25, 6, "%"),
}


def write(folder, modality, ends, scans, n, seed, unit):
    rng = np.random.default_rng(seed)
    texture = rng.dirichlet([3.0, 2.0, 4.0], n) * 100
    carbon = rng.lognormal(0.0, 0.8, n)
    axis = np.arange(*ends, 12.0)
    centres = (900.0, 1050.0, 2900.0, 3620.0, 4400.0, 5200.0, 6400.0)
    bands = np.array([np.exp(-(((axis - centre) / 150) ** 2)) for centre in centres])
    amounts = np.column_stack([texture / 50, carbon, texture[:, 0] / 40, carbon, texture[:, 1] / 60])
    X = np.repeat(0.3 + amounts @ bands, scans, axis=0)
    X = X + 0.01 * np.random.default_rng(seed + 100 + scans).normal(size=X.shape)
    targets = (Target("OC", "organic_carbon", unit), *(Target(name, name, "%") for name in ("clay", "silt", "sand")))
    pairs = {"paired_nir": ("paired_mir",), "paired_mir": ("paired_nir",)}.get(folder.name, ())
    metadata = Metadata(
        folder.name, folder.name, "Soils", modality, "absorbance", "nm", targets=targets, paired_with=pairs,
        spectral_range=(1e7 / axis[-1], 1e7 / axis[0]),
    )  # fmt: skip
    reference = np.repeat(np.column_stack([carbon, texture]), scans, axis=0)
    reference[0, 1:] = 0.0  # an organic horizon
    soil = np.repeat([f"s{k}" for k in range(n)], scans)
    save_set(folder, SpectraSet(metadata, X[:, ::-1], 1e7 / axis[::-1], np.arange(len(X)).astype(str), soil, reference))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("soil")
    for name, about in SETS.items():
        write(root / name, *about)
    for name in STUDY["sets"]:
        save_table(
            root / "splits" / f"{name}.parquet", make_folds(load_set(root / name), n_splits=2, n_repeats=1, seed=0)
        )
    return root


def study_of(root, split, **changes):
    data = [root / name for name in SETS if name != "short"]
    folds = [root / "splits" / f"{name}.parquet" for name in STUDY["sets"]]
    return load_study(data, folds, STUDY | changes, split)


def options(root, split, settings, sets=SETS):
    data = [str(root / name) for name in sets]
    folds = [str(root / "splits" / f"{name}.parquet") for name in STUDY["sets"]]
    text = json.dumps({"study": STUDY | {"sets": STUDY["sets"]}} | settings)
    return ["--data", *data, "--folds", *folds, "--split", split, "--seed", "7", "--settings", text]


@pytest.fixture(scope="module")
def written(root):
    """Run every stage for every split."""
    for split in SPLITS:
        for variant, own in (("latent4", {}), ("latent2", {"latents": 2})):
            soil_vae.main([
                *options(root, split, {"vae": VAE | own}), "--variant", variant, "--encoder-seed", "0",
                *("--out", str(root / f"vae/{variant}/{split}.safetensors"), "--curves", str(root / "curves.parquet")),
            ])  # fmt: skip
        soil_bridge.main([
            *options(root, split, {"bridge": BRIDGE}), "--variant", "frozen", "--encoder-seed", "0",
            *("--vae", str(root / f"vae/latent4/{split}.safetensors")),
            *("--out", str(root / f"bridge/{split}.safetensors"), "--curves", str(root / "curves.parquet")),
        ])  # fmt: skip
        soil_classical.main([
            *options(root, split, {"heads": HEADS, "asls": ASLS}),
            *("--out", str(root / f"classical/{split}.parquet"), "--record", str(root / f"classical/{split}.json")),
        ])  # fmt: skip
        untrained = {"random_init": VAE | {"steps": 0, "start": "random"}}
        soil_learned.main([
            *options(root, split, {"heads": HEADS, "untrained": untrained}), "--encoder-seed", "0",
            *("--vaes", *(str(root / f"vae/{name}/{split}.safetensors") for name in ("latent4", "latent2"))),
            *("--bridges", str(root / f"bridge/{split}.safetensors"), "--out", str(root / f"learned/{split}.parquet")),
            *("--record", str(root / f"learned/{split}.json"), "--latents", str(root / f"latents/{split}.parquet")),
            *("--spectra", str(root / f"spectra/{split}.parquet")),
            *("--examples", str(root / f"examples/{split}.parquet")),
        ])  # fmt: skip
    files = {name: [str(root / f"{name}/{split}.parquet") for split in SPLITS]
             for name in ("classical", "learned", "latents", "spectra", "examples")}  # fmt: skip
    soil_scores.main([
        *("--run", "test", "--data", *(str(root / name) for name in SETS), "--seed", "7"),
        *("--predictions", *files["classical"], *files["learned"], "--latents", *files["latents"]),
        *("--spectra", *files["spectra"], "--examples", *files["examples"], "--settings", '{"bootstrap": 50}'),
        *("--out", str(root / "soil.parquet"), "--out-spectra", str(root / "soil_spectra.parquet")),
        *("--out-distances", str(root / "soil_distances.parquet"), "--record", str(root / "soil.json")),
    ])  # fmt: skip
    return root


def test_no_soil_is_on_both_sides_of_a_split_in_any_set(root):
    for split in ("fold0", "fold1"):
        study = study_of(root, split)
        train, test = (part(split, STUDY["independent"]) for part in (study.training, study.testing))
        assert set(train) == set(STUDY["sets"])
        for name, rows in test.items():
            soils = study.sets[name].soils
            assert not set(soils[rows]) & set(soils[train[name]])
            assert set(soils[rows]) | set(soils[train[name]]) == set(soils)
        # The same soils are left out of both sets of a pair, or the MIR scans of tested NIR soils would train.
        assert set(study.sets["paired_nir"].soils[test["paired_nir"]]) == set(
            study.sets["paired_mir"].soils[test["paired_mir"]]
        )


def test_an_independent_laboratory_is_seen_by_nothing_that_trains(root, written):
    study = study_of(root, "independent")
    train, test = (part("independent", STUDY["independent"]) for part in (study.training, study.testing))
    assert set(train) == {"whole"} and set(test) == {"abroad", "abroad_nir", "grams"}
    _, about = load_vae(written / "vae/latent4/independent.safetensors")
    assert about["soils"] == {"whole": 50}
    _, about = load_bridge(written / "bridge/independent.safetensors")
    assert about["soils"] == {"whole": 50}
    _, about = load_vae(written / "vae/latent4/fold0.safetensors")
    assert set(about["soils"]) == {"whole", "replicated", "paired_mir"}
    assert about["not_run"] == {}, "in cross-validation the set that does not reach is not asked for"


def test_grids_are_those_of_all_sets_in_every_split(root):
    found = [study_of(root, split).grid for split in SPLITS]
    for grid in found:
        np.testing.assert_array_equal(grid["mir"], np.arange(700.0, 3701.0, 50.0))
        assert grid["nir"][-1] == 5450.0, "the NIR grid ends where the set with both ranges does"


def test_nir_scans_get_the_mean_mir_spectrum_of_their_soil(root):
    study = study_of(root, "fold0")
    paired, mir = study.sets["paired_nir"], study.sets["paired_mir"]
    for row in (0, 17):
        expected = mir.spectra["mir"][mir.soils == paired.soils[row]].mean(axis=0)
        np.testing.assert_allclose(paired.spectra["mir"][row], expected)


def test_texture_that_does_not_add_up_was_not_measured(root):
    study = study_of(root, "fold0")
    own = study.sets["whole"].properties
    assert np.isnan(own["clay"][0]) and np.isfinite(own["organic_carbon"][0]) and np.isfinite(own["clay"][1:]).all()


def test_a_set_that_does_not_reach_over_the_grid_says_so(root):
    data = [root / name for name in SETS]
    folds = [root / "splits" / f"{name}.parquet" for name in STUDY["sets"]]
    study = load_study(data, folds, STUDY | {"independent": {"train": ["whole"], "test": ["short"]}}, "independent")
    assert "measured at 1000-3796 cm-1" in study.not_run["short"]
    assert [trial.test.name for trial in trials(study, "independent", {"train": ["whole"], "test": ["short"]})] == []


def test_predicted_texture_of_every_model_adds_up_to_100(written):
    tables = [
        pd.read_parquet(written / f"{kind}/{split}.parquet") for kind in ("classical", "learned") for split in SPLITS
    ]
    rows = pd.concat([table.astype({"target": str, "dataset": str, "pair": str}) for table in tables])
    texture = rows[rows["target"].isin(["clay", "silt", "sand"])]
    keys = ["dataset", "pair", "fold", "method", "variant", "seed", "row"]
    total = texture.astype({"method": str, "variant": str}).groupby(keys)["prediction"].agg(["sum", "size"])
    assert (total["size"] == 3).all()
    np.testing.assert_allclose(total["sum"], 100.0, rtol=1e-12)


def test_a_soil_is_scored_once_whatever_its_scans(written):
    rows = pd.concat([pd.read_parquet(written / f"classical/{split}.parquet") for split in ("fold0", "fold1")])
    own = rows[
        (rows["dataset"] == "replicated") & (rows["method"] == "mir_plsr") & (rows["target"] == "organic_carbon")
    ]
    assert len(own) == 50 and own["row"].is_unique


def test_units_that_differ_are_not_run_and_say_why(written):
    metrics = pd.read_parquet(written / "soil.parquet")
    assert list(metrics) == list(METRIC_COLUMNS)
    gone = metrics[metrics["status"] != "ok"].astype(str)
    assert set(gone["pair"]) == {"whole>grams"} and set(gone["status"]) == {"not run: units differ, % and g/kg"}
    ran = metrics[(metrics["pair"] == "whole>grams") & (metrics["status"] == "ok")]
    assert "clay" in set(ran["target"]) and "OC" not in set(ran["target"])


def test_the_seven_models_and_their_opponents_are_scored_with_intervals(written):
    metrics = pd.read_parquet(written / "soil.parquet").astype({"method": str, "dataset": str, "metric": str})
    own = metrics[(metrics["dataset"] == "whole") & (metrics["target"] == "OC")]
    expected = {
        *("mir_plsr", "mir_mlp", "mir_latent_mlp", "nir_plsr", "nir_mlp", "nir_to_mir_mlp", "nir_to_mir_latent_mlp"),
        *("mir_ridge", "mir_fs_evidence", "mir_latent_ridge", "mir_latent_evidence", "nir_ridge", "nir_fs_evidence"),
        "nir_to_mir_latent_ridge",
    }
    assert set(own.loc[own["metric"] == "ccc_low", "method"]) == expected
    abroad = metrics[(metrics["dataset"] == "abroad_nir") & (metrics["metric"] == "rpiq")]
    assert set(abroad["method"]) == {name for name in expected if name.startswith("nir")}
    assert set(metrics.loc[metrics["metric"] == "variance_ratio", "method"]) == {"reconstructed", "converted"}
    plsr = own[(own["method"] == "mir_plsr") & (own["metric"] == "ccc")]["value"].item()
    assert plsr > 0.9, "bands that are nothing but the property"


def test_a_checkpoint_of_another_split_is_refused(root, written):
    arguments = [
        *options(root, "fold1", {"bridge": BRIDGE}), "--variant", "frozen", "--encoder-seed", "0",
        *("--vae", str(written / "vae/latent4/fold0.safetensors")),
        *("--out", str(root / "no.safetensors"), "--curves", str(root / "no.parquet")),
    ]  # fmt: skip
    with pytest.raises(BadInputError, match="split: expected fold1, found fold0"):
        soil_bridge.main(arguments)


def test_the_record_says_what_was_computed_from_what(written):
    record = load_json(written / "soil.json")
    assert record["experiment"] == "soil" and record["grid"]["nir"][1] == 5450.0
    assert set(record["inputs"]) >= {"whole/spectra.npy", "abroad/targets.npy"}


def test_figures_and_tables_are_drawn_from_the_metrics_alone(written, tmp_path):
    soil, spectra, distances = (str(written / f"soil{name}.parquet") for name in ("", "_spectra", "_distances"))
    for module, tables in (
        (fig_soil_ccc, [soil]),
        (fig_soil_latent_size, [soil]),
        (fig_soil_reconstruction, [soil, spectra]),
        (fig_soil_mahalanobis, [soil, distances]),
    ):
        metrics = [part for table in tables for part in ("--metrics", table)]
        files = [tmp_path / f"{module.__name__}.{end}" for end in ("pdf", "png")]
        module.main([*metrics, "--out-pdf", str(files[0]), "--out-png", str(files[1])])
        assert all(file.stat().st_size > 5000 for file in files)
    tab_soil_properties.main([
        *("--metrics", soil, "--out-csv", str(tmp_path / "t.csv"), "--out-tex", str(tmp_path / "t.tex")),
    ])  # fmt: skip
    table = pd.read_csv(tmp_path / "t.csv")
    means = table[(table["block"] == "mean") & (table["condition"] == "cv")].set_index("label")
    assert means.loc["MIR-PLSR", "mean"] == 0.0 and means.loc["MIR-latent-MLP", "published"] == 0.91
    expected = table[(table["block"] == "property") & (table["condition"] == "cv") & (table["method"] == "mir_plsr")]
    assert means.loc["MIR-PLSR", "ccc"] == pytest.approx(expected["ccc"].mean())
    assert r"\begin{longtable}" in (tmp_path / "t.tex").read_text()
