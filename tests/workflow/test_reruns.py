"""An edit asks for the jobs it touches and for no others. The stages are fakes that write empty files."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Two readers, a dataset without a file, and no more encoders than every rule needs.
CHOSEN = (
    "--config",
    "datasets={include: [corn_m5, meat_tecator_215, coffee_atr], exclude: []}",
    "encoders={variants: [random_init, masked, fs], synthetic: [random_init, masked], metadata: [masked],"
    " finalists: [random_init, fs]}",
)
EVERY_RUN = {
    *("gather_metrics", "tab_phase0_baselines", "fig_phase0_robustness", "tab_phase1_feasibility"),
    *("tab_encoder_readouts", "tab_phase2_ablation", "fig_phase2_robustness", "all"),
    *("fig_phase4_synthetic", "fig_phase5_metadata", "tab_phase6_downstream", "fig_phase6_critical_difference"),
    *("fig_phase6_few_shot", "tab_pretraining_levers", "tab_pretraining_final"),
}
OTHER_FIGURES = {"fig_pretraining_curves", "fig_embedding_map"}  # they share names of scores with the tables
# An encoder is trained on many datasets: new spectra of one are new weights, and new embeddings of all.
OF_ENCODERS = {
    *("pretrain", "gather_curves", "fig_pretraining_curves", "embed_datasets", "embedding_heads"),
    *("embedding_robustness", "score_predictions", "map_embeddings", "gather_maps", "fig_embedding_map"),
    *("synthetic_realism", "tab_synthetic_realism", "embedding_metadata", "few_shot", "fine_tuning", "pretrain_head"),
}
OF_A_DATASET = {
    *("precompute_asls", "make_folds", "classical_baselines", "tabpfn_baseline", "classical_robustness"),
    *("tabpfn_robustness", "score_predictions", "classical_few_shot"),
}


@pytest.fixture(scope="module")
def pretended(workflow):
    """The demo of three datasets, as if computed."""
    fake = dataclasses.replace(workflow, fake=True)
    fake.run("all", "--cores", "4", *CHOSEN)
    return fake


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    original = path.read_text()
    assert old in original
    path.write_text(original.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(original)


@contextmanager
def appended(path: Path, text: str) -> Iterator[None]:
    original = path.read_text()
    path.write_text(original + text)
    try:
        yield
    finally:
        path.write_text(original)


def rules(workflow, *arguments: str) -> set[str]:
    return {job.rule for job in workflow.plan("all", *CHOSEN, *arguments)}


def datasets(workflow, *arguments: str) -> set[str]:
    return {job.dataset for job in workflow.plan("all", *CHOSEN, *arguments) if job.dataset}


def test_a_second_call_does_nothing(pretended):
    assert pretended.plan("all", *CHOSEN) == []


def test_comments_docstrings_and_layout_rerun_nothing(pretended):
    source = pretended.folder / "src/etalon"
    with (
        appended(source / "data/readers/jld2.py", "\n\n# A comment.\n"),
        edited(source / "evaluate/metrics.py", '"""', '"""Another docstring. '),
        edited(source / "errors.py", "\nclass ", "\n\n\nclass "),
    ):
        assert pretended.plan("all", *CHOSEN) == []


def test_touched_code_and_another_mirror_rerun_nothing(pretended):
    for path in pretended.folder.glob("src/etalon/**/*.py"):
        path.touch()
    with_mirror = pretended.snakemake("all", "--dry-run", *CHOSEN, environment={"ETALON_MIRROR": "elsewhere"})
    assert "Nothing to be done" in with_mirror.stdout + with_mirror.stderr
    assert pretended.plan("all", *CHOSEN, "mirror=elsewhere") == []


def test_a_reader_reruns_its_own_datasets(pretended):
    with appended(pretended.folder / "src/etalon/data/readers/rdata.py", "\nEDITED = True\n"):
        jobs = pretended.plan("all", *CHOSEN)
        assert {job.dataset for job in jobs} == {"meat_tecator_215", None}
        assert {job.rule for job in jobs} == {"import_dataset", *OF_A_DATASET, *OF_ENCODERS, *EVERY_RUN}


def test_an_interrupted_rerun_is_completed(pretended):
    """The import writes equal metadata; without the param `origin` the old results would then be taken for new ones."""
    with appended(pretended.folder / "src/etalon/data/readers/rdata.py", "\nEDITED = True\n"):
        pretended.run("data/real/meat_tecator_215/metadata.json", "--cores", "1", *CHOSEN)
        jobs = pretended.plan("all", *CHOSEN)
        assert {job.dataset for job in jobs} == {"meat_tecator_215", None}
        assert {job.rule for job in jobs} == {*OF_A_DATASET, *OF_ENCODERS, *EVERY_RUN}
    pretended.run("data/real/meat_tecator_215/metadata.json", "--cores", "1", *CHOSEN)
    assert pretended.plan("all", *CHOSEN) == []


def test_metrics_are_scored_again_and_no_model_is_fitted(pretended):
    with appended(pretended.folder / "src/etalon/evaluate/score.py", "\nEDITED = True\n"):
        drawn = {*EVERY_RUN, *OTHER_FIGURES, "fig_transfer_degradation"}
        assert rules(pretended) == {"score_predictions", *drawn}


def test_a_figure_is_drawn_again_alone(pretended):
    with appended(pretended.folder / "src/etalon/figures/fig_phase0_robustness.py", "\nEDITED = True\n"):
        assert rules(pretended) == {"fig_phase0_robustness", "all"}


def test_the_baseline_setting_reruns_what_depends_on_baselines(pretended):
    overlay = pretended.folder / "overlay.yaml"
    overlay.write_text("asls: {p: 0.02}")
    with_setting = rules(pretended, "--configfile", "overlay.yaml")
    assert "precompute_asls" in with_setting and "classical_baselines" in with_setting
    assert not {"fetch_dataset", "import_dataset", "make_folds"} & with_setting


def test_an_entry_of_the_catalogue_reruns_its_dataset(pretended):
    catalogue = pretended.folder / "config/datasets.yaml"
    entry = catalogue.read_text().split("id: corn_m5\n", 1)[1]
    family = next(line for line in entry.splitlines() if line.strip().startswith("family:"))
    with edited(catalogue, entry, entry.replace(family, family.replace("corn", "maize"), 1)):
        assert datasets(pretended) == {"corn_m5"}


def test_runs_do_not_touch_each_other(pretended):
    before = {path: path.stat().st_mtime_ns for path in pretended.folder.glob("results/demo/**/*") if path.is_file()}
    pretended.run("all", "--cores", "4", "--configfile", "config/paper.yaml", *CHOSEN)
    assert (pretended.folder / "results/paper/metrics/embedding_encoders.parquet").exists()
    assert pretended.plan("all", *CHOSEN) == []
    assert {path: path.stat().st_mtime_ns for path in before} == before
