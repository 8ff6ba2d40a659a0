"""The whole graph on two small generated sets: computed, left alone, verified, drawn again, reported."""

import base64
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from etalon.evaluate.baselines import METHODS
from etalon.records import METRIC_COLUMNS
from etalon.storage import load_json, load_set

# The first test computes the whole run, for minutes on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FIGURES = (
    *("fig_phase0_robustness", "fig_phase2_robustness", "fig_pretraining_curves", "fig_embedding_map"),
    *("fig_phase3_lodo_boxplots", "fig_phase3_train_test_heatmap", "fig_phase4_synthetic", "fig_phase5_metadata"),
    *("fig_phase6_critical_difference", "fig_phase6_few_shot"),
    *("fig_soil_ccc", "fig_soil_reconstruction", "fig_soil_latent_size", "fig_soil_mahalanobis"),
    *("fig_soil_band_bias", "fig_soil_sensitivity"),
)
TABLES = (
    *("tab_phase0_baselines", "tab_phase1_feasibility", "tab_encoder_readouts", "tab_phase2_ablation"),
    *("tab_phase3_lodo", "tab_phase6_downstream", "tab_phase6_cost", "tab_pretraining_levers", "tab_synthetic_realism"),
    "tab_pretraining_final",
    *("tab_soil_properties", "tab_soil_shift", "tab_soil_extended"),
)

FIGURE = "document.querySelector('#app img[src^=\"data:image/png\"]')"


def metrics(computed, table="embedding_encoders"):
    return pd.read_parquet(computed.folder / f"results/test/metrics/{table}.parquet")


@pytest.fixture
def shipped(computed):
    """The metrics of the test run, as if they were shipped."""
    folder = computed.folder / "results/reference/test/metrics"
    shutil.copytree(computed.folder / "results/test/metrics", folder)
    yield folder
    shutil.rmtree(folder)


def test_every_result_is_there(computed):
    results = computed.folder / "results/test"
    for name in FIGURES:
        assert (results / f"figures/{name}.pdf").stat().st_size > 10_000
        assert (results / f"figures/{name}.png").stat().st_size > 10_000
    for name in TABLES:
        assert (results / f"tables/{name}.tex").stat().st_size > 500
        if name not in ("tab_synthetic_realism", "tab_pretraining_levers") and not name.startswith("tab_soil"):
            assert "tuned" in (results / f"tables/{name}.csv").read_text().lower()


def test_the_metrics_hold_every_method_of_every_task(computed):
    table = metrics(computed)
    assert list(table) == list(METRIC_COLUMNS)
    assert set(table["run"]) == {"test"}
    measured = table[(table["status"] == "ok") & (table["condition"] == "cv")]
    for (_, kind, _), rows in measured.groupby(["dataset", "task", "target"], observed=True):
        assert set(METHODS[kind]) <= set(rows["method"])
    assert measured["value"].notna().all()


def test_every_encoder_is_judged_on_every_dataset_by_a_checkpoint_that_never_saw_its_family(computed):
    table = metrics(computed)
    learned = table[(table["method"] == "embedding") & (table["status"] == "ok")].astype({"variant": str, "head": str})
    variants = {"random_init", "masked_aug_baseline", "fs", "fsnl_random_init", "fsnl_episodic_asls"}
    for dataset in ("synthetic_dairy_ft", "synthetic_grain_handheld"):
        assert set(learned.loc[learned["dataset"] == dataset, "variant"]) == variants
    assert {"ridge", "evidence", "fs_evidence", "ridge_mean", "ridge_cls", "ridge_patches"} <= set(learned["head"])
    for (variant, heldout), rows in learned[learned["variant"] != "fs"].groupby(["variant", "heldout"], observed=True):
        record = load_json(computed.folder / f"results/test/checkpoints/{variant}/{heldout}/seed0.json")
        shown = {source["family"] for source in record["data"]}
        assert shown and not shown & set(rows["family"])
        assert set(rows["family"]) <= set(record["heldout_families"])


def test_a_dataset_that_cannot_be_had_shows_as_not_run(computed):
    absent = metrics(computed).query("dataset == 'absent'")
    assert set(METHODS["regression"]) <= set(absent["method"])
    assert absent["value"].isna().all()
    assert absent["status"].str.contains("absent.csv could not be fetched").all()
    assert "could not be fetched" in (computed.folder / "results/test/tables/tab_phase0_baselines.csv").read_text()


def test_a_method_without_its_weights_shows_as_not_run(computed):
    tabpfn = metrics(computed).query("method == 'pca_tabpfn'")
    assert len(tabpfn)
    assert tabpfn["value"].isna().all()
    assert tabpfn["status"].str.startswith("not run: ").all()


def test_a_second_call_does_nothing(computed):
    assert computed.plan("all", *computed.options) == []


def test_the_run_verifies_against_itself_and_not_against_another(computed, shipped):
    assert "numbers agree" in computed.run("verify", "--cores", "1", *computed.options)
    path = shipped / "embedding_baselines.parquet"
    changed = pd.read_parquet(path)
    row = changed.index[(changed["metric"] == "rmsep") & changed["value"].notna()][0]
    changed.loc[row, "value"] *= 1.01
    changed.to_parquet(path)
    result = computed.snakemake("verify", "--cores", "1", *computed.options)
    assert result.returncode == 1
    shown = result.stdout + result.stderr
    assert f"differs: {changed.loc[row, 'dataset']}" in shown
    numbers = pd.read_csv(computed.folder / "logs/verify/test.csv")
    assert (numbers["verdict"] == "differs").sum() == 1
    assert {"expected", "found", "tolerance", "verdict"} <= set(numbers)


def test_figures_drawn_from_shipped_metrics_equal_those_of_the_run(computed, shipped):
    shutil.copytree(shipped, computed.folder / "results/reference/paper/metrics")
    computed.run("figures", "--cores", "1", "--config", "figures_from=reference")
    for name in (*(f"figures/{name}.pdf" for name in FIGURES), *(f"tables/{name}.csv" for name in TABLES)):
        drawn = (computed.folder / "results/reference_figures/paper" / name).read_bytes()
        assert drawn == (computed.folder / "results/test" / name).read_bytes()


def test_a_run_that_is_killed_and_resumed_ends_like_one_left_alone(computed, tmp_path):
    # `python tests/trust/kill_and_resume.py` does it with a whole run; here what follows the folds is done again.
    begun = shutil.copytree(computed.folder, tmp_path / "begun", symlinks=True)
    tables = [f"tables/tab_phase0_baselines.{kind}" for kind in ("csv", "tex")]
    for part in ("predictions/classical", "scores/classical.parquet", "metrics/embedding_baselines.parquet", *tables):
        path = begun / "results/test" / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    script = Path(__file__).parents[1] / "trust/kill_and_resume.py"
    folders = ["--left-alone", computed.folder, "--begun", begun, *computed.options[2:]]
    command = [sys.executable, script, "tab_phase0_baselines", "--kills", "2", "--longest", "8", *folders]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 of" in result.stdout


@pytest.mark.chromium
def test_the_front_page_names_the_run(report):
    assert "run test" in report.wait_for("document.querySelector('#app').innerText")


@pytest.mark.chromium
def test_every_figure_and_table_is_shown_with_its_caption(report):
    results = report.wait_for("Object.entries(results).map(([path, r]) => [path, r.name, r.data_uri])")
    names = {*(f"{name}.csv" for name in TABLES), *(f"{name}.png" for name in FIGURES)}
    assert {name for _, name, _ in results} == names
    report.click("a", "Study 1, phase 0: classical baselines")
    rows = report.wait_for("[...document.querySelectorAll('tbody tr')].map(row => row.innerText.trim())")
    assert rows == ["Figure: robustness to perturbed spectra", "Table: accuracy of every method"]
    report.click("tbody tr:nth-child(1) a")
    size = report.wait_for(f"(i => i && i.naturalWidth && [i.naturalWidth, i.naturalHeight])({FIGURE})")
    assert min(size) > 500
    table = next(uri for _, name, uri in results if name == "tab_phase0_baselines.csv")
    assert b"tuned_pls" in base64.b64decode(table.split(",", 1)[1])
    report.click("tbody tr:nth-child(1) a:nth-child(2)")
    assert report.wait_for("document.body.innerText.includes('tested on perturbed ones')")


@pytest.mark.chromium
def test_nothing_is_fetched_and_nothing_goes_wrong(report):
    time.sleep(0.5)
    report.wait_for("true")
    requested = [request["request"]["url"] for request in report.seen("Network.requestWillBeSent")]
    assert requested
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requested)
    assert report.seen("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert [call for call in report.seen("Runtime.consoleAPICalled") if call["type"] in ("error", "assert")] == []


@pytest.mark.mirror
def test_raw_files_are_taken_from_the_mirror_in_the_configuration(workflow, mirror):
    workflow.run("data/real/corn_m5/metadata.json", "--cores", "1", "--config", f"mirror={mirror}")
    assert load_set(workflow.folder / "data/real/corn_m5").intensities.shape == (80, 700)
    assert [path.name for path in (workflow.folder / "data/raw").iterdir()] == ["status"]


def test_what_could_not_be_had_is_tried_again_on_request(computed):
    for _ in range(2):
        computed.run("retry_downloads", "--cores", "1", *computed.options)
        fetched = [job for job in computed.plan("all", *computed.options) if job.rule == "fetch_dataset"]
        assert [job.dataset for job in fetched] == ["absent"]
        status = "results/test/data/raw/status/absent.json"
        computed.run(status, "--cores", "1", *computed.options)
        assert computed.plan(status, *computed.options) == []
