"""What would be run: from the catalogue alone, without data, for every target and configuration."""

import json
import re
from pathlib import Path

import pytest
import yaml

from etalon.catalogue import load_catalogue

REPOSITORY = Path(__file__).parents[2]
RUNS = {"demo": (), "paper": ("--configfile", "config/paper.yaml")}
GPU_RULES = {"tabpfn_baseline", "tabpfn_robustness", "pretrain", "pretrain_transfer"}
FIGURE_RULES = {
    *("tab_phase0_baselines", "fig_phase0_robustness"),
    *("tab_phase1_feasibility", "tab_encoder_readouts", "fig_pretraining_curves", "fig_embedding_map"),
    *("tab_phase2_ablation", "fig_phase2_robustness", "tab_synthetic_realism"),
    *("tab_phase3_lodo", "fig_phase3_lodo_boxplots", "fig_phase3_train_test_heatmap"),
    *("fig_phase4_synthetic", "fig_phase5_metadata"),
    *("tab_phase6_downstream", "fig_phase6_critical_difference", "fig_phase6_few_shot", "tab_phase6_cost"),
    *("tab_phase6_cross_instrument", "tab_pretraining_levers", "tab_pretraining_final", "fig_pretraining_scaling"),
    *("fig_transfer_sample_efficiency", "tab_transfer_benchmark", "fig_transfer_benchmark"),
    *("fig_transfer_degradation", "fig_transfer_cross_modality", "fig_transfer_attention", "fig_transfer_latent_map"),
    "tab_transfer_outliers",
    *("tab_soil_properties", "fig_soil_ccc", "fig_soil_reconstruction", "fig_soil_latent_size", "fig_soil_mahalanobis"),
    *("fig_soil_band_bias", "fig_soil_sensitivity", "tab_soil_shift", "tab_soil_extended"),
    *("fig_transfer_matrix", "fig_transfer_set_composition", "fig_transfer_uncertainty", "fig_transfer_pretraining"),
    *("fig_transfer_architecture", "tab_transfer_ablation", "tab_transfer_cost", "tab_transfer_claim"),
}
# The demo has no specimens that two modalities measured, and leaves the learning curves out.
NOT_IN_DEMO = {"fig_transfer_cross_modality", "fig_pretraining_scaling"}
PHASES = {f"phase_{number}" for number in range(7)}


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(REPOSITORY / "config/datasets.yaml")


def profile(name: str) -> dict:
    return yaml.safe_load((REPOSITORY / "profiles" / name / "config.yaml").read_text())


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_every_named_target_can_be_planned_without_data(workflow, options):
    targets = set(workflow.snakemake("--list-target-rules", *options).stdout.split())
    drawn = FIGURE_RULES if options else FIGURE_RULES - NOT_IN_DEMO
    assert {"all", "datasets", "figures", *PHASES, "transfer", "soil", *drawn, "verify"} <= targets
    targets -= {"verify", "shipped_weights", "retry_downloads"}  # two need shipped metrics, the third makes nothing
    assert targets <= {job.rule for job in workflow.plan(*targets, *options)}


def test_the_paper_is_every_real_dataset_and_the_demo_downloads_nothing(workflow, catalogue):
    paper = {job.dataset for job in workflow.plan("all", "datasets", *RUNS["paper"])} - {None}
    assert paper == {id for id, entry in catalogue.items() if not entry.synthetic}
    demo = {job.dataset for job in workflow.plan("all", "datasets")} - {None}
    assert any(catalogue[id].synthetic for id in demo)
    assert any(not catalogue[id].synthetic for id in demo)
    assert not [id for id in demo if catalogue[id].files]


def test_a_dataset_without_reference_values_trains_encoders_and_is_judged_by_none(workflow, catalogue):
    unlabelled = {id for id, entry in catalogue.items() if not entry.targets and not entry.label}
    assert unlabelled
    jobs = workflow.plan("all", "datasets", *RUNS["paper"])
    assert all(catalogue[id].paired_with for id in unlabelled)
    # Calibration transfer says of them that they have no target.
    assert {job.rule for job in jobs if job.dataset in unlabelled} == {
        *("fetch_dataset", "import_dataset", "precompute_asls", "make_folds", "classical_transfer", "evidence_transfer")
    }
    trained = " ".join(job.lines["input"] for job in jobs if job.rule == "pretrain")
    judged = " ".join(job.lines["input"] for job in jobs if job.rule == "embedding_heads")
    assert all(f"/{id}/" in trained and f"/{id}/" not in judged for id in unlabelled)


def test_no_network_of_a_study_saw_the_family_that_it_is_shown(workflow, catalogue):
    jobs = workflow.plan("transfer", *RUNS["paper"])
    trained = {
        job.lines["output"].split(",")[0]: {
            catalogue[id].family for id in re.findall(r"data/real/(\w+)/", job.lines["input"])
        }
        for job in jobs
        if job.rule == "pretrain_transfer"
    }
    studies = [job for job in jobs if job.rule in ("learned_ageing", "cross_modality", "attention_map")]
    assert {job.rule for job in studies} == {"learned_ageing", "cross_modality", "attention_map"}
    for job in studies:
        checkpoints = re.findall(r"\S+\.safetensors", job.lines["input"].replace(",", " "))
        assert checkpoints and all(catalogue[job.dataset].family not in trained[path] for path in checkpoints)
    crossed = {job.dataset for job in studies if job.rule == "cross_modality"}
    assert crossed == {
        *("textile_nir", "textile_mir", "tablets_dyrby_nir", "tablets_dyrby_raman"),
        *("raman_transfer_handheld", "raman_transfer_micro"),
    }
    (maps,) = [job for job in jobs if job.rule == "latent_map"]
    assert maps.shell.count("--pair ") == 2


def test_every_instrument_of_a_pair_trains_for_all_its_partners(workflow, catalogue):
    jobs = workflow.plan("transfer", *RUNS["paper"])
    found = {
        job.dataset: set(re.search(r"--partners (.*) --folds", job.shell)[1].split())
        for job in jobs
        if job.rule == "classical_transfer"
    }
    real = {id: entry.paired_with for id, entry in catalogue.items() if entry.paired_with and not entry.synthetic}
    assert found == {id: {f"data/real/{partner}" for partner in partners} for id, partners in real.items()}


def test_no_checkpoint_is_shown_a_family_that_it_is_judged_on(workflow, catalogue):
    jobs = workflow.plan("all", *RUNS["paper"])
    trained, judged = (
        {
            tuple(re.findall(r"(?:variant|heldout|seed)=(\w+)", job.lines["wildcards"])): {
                catalogue[id].family for id in re.findall(r"data/real/(\w+)/", job.lines["input"])
            }
            for job in jobs
            if job.rule == rule
        }
        for rule in ("pretrain", "embed_datasets")
    )
    labelled = {entry.family for entry in catalogue.values() if not entry.synthetic and (entry.targets or entry.label)}
    for variant in {key[0] for key in judged}:
        of_variant = [families for key, families in judged.items() if key[0] == variant and key[2] == "0"]
        assert sum(len(families) for families in of_variant) == len(labelled), "every family is held out exactly once"
    for key, families in judged.items():
        assert not families & trained.get(key, set())
        share = 0.25 if "quarter_families" in key[0] else 0.5 if "half_families" in key[0] else 1.0
        assert key[0] == "fs" or len(trained[key]) > 20 * share


def test_a_variant_of_another_scale_differs_in_that_alone(workflow):
    def planned(variant):
        target = f"results/paper/checkpoints/{variant}/fold0/seed0.safetensors"
        job = next(job for job in workflow.plan(target, *RUNS["paper"]) if job.rule == "pretrain")
        data = re.search(r"--data (.*?) --", job.shell)[1].split()
        return json.loads(re.search(r"--settings '(.*?)'", job.shell)[1]), set(data)

    base, sets = planned("fsnl_episodic_asls")
    quarter, of_quarter = planned("fsnl_episodic_asls_quarter_spectra")
    assert (quarter.pop("training"), of_quarter) == (base["training"] | {"spectra": 18750}, sets)
    assert quarter.items() <= base.items()
    double, of_double = planned("fsnl_episodic_asls_double_width")
    assert (double, of_double) == (base | {"size": base["size"] | {"width": 128}}, sets)
    few, half = planned("fsnl_episodic_asls_quarter_families"), planned("fsnl_episodic_asls_half_families")
    assert few[0] == half[0] == base
    assert few[1] < half[1] < sets, "a smaller share is drawn from the larger"


def test_no_network_of_calibration_transfer_saw_the_family_that_it_is_judged_on(workflow, catalogue):
    jobs = workflow.plan("transfer", *RUNS["paper"])
    trained = {}
    for job in jobs:
        if job.rule == "pretrain_transfer":
            sets = re.findall(r"data/real/(\w+)/", job.lines["input"])
            trained[job.lines["output"].split(",")[0]] = {catalogue[id].family for id in sets}
    judged = [job for job in jobs if job.rule == "learned_transfer"]
    sources = {job.dataset for job in judged}
    assert sources == {"pharma_idrc2002_inst1", "corn_m5", "sugarcane_micronir1700", "sugarcane_scio"}
    for job in judged:
        seen = trained[re.search(r"--encoder (\S+)", job.shell)[1]]
        assert len(seen) > 20 and catalogue[job.dataset].family not in seen
        assert all(catalogue[partner].family == catalogue[job.dataset].family for partner in
                   re.findall(r"data/real/(\w+)", re.search(r"--partners (.*) --folds", job.shell)[1]))  # fmt: skip
    main = [re.findall(r"(?:variant|seed)=(\w+)", job.lines["wildcards"]) for job in judged]
    assert {tuple(of) for of in main if of[0] == "pretrained"} == {("pretrained", str(seed)) for seed in range(3)}


def test_a_misspelt_network_stops_the_run(workflow):
    options = ("--config", "transfer={learned: {variants: [pretraned]}}")
    result = workflow.snakemake("transfer", "--dry-run", *options)
    assert result.returncode == 1
    expected = "error: config: transfer.learned: no pretraining 'pretraned' in config/transfer_networks.yaml"
    assert result.stderr.splitlines()[-1] == expected


def test_without_a_matching_pair_no_network_is_fitted_and_none_is_drawn(workflow):
    options = ("--config", "transfer={learned: {pairs: [nothing*]}}")
    rules = {job.rule for job in workflow.plan("transfer", *options)}
    # The further studies still pretrain the one that they look at.
    assert "classical_transfer" in rules and not rules & {"learned_transfer", "tab_transfer_cost"}


def test_a_corpus_of_many_shards_is_a_job_each_and_a_training_reads_them_all(workflow):
    trained = "results/scale/checkpoints/fsnl_episodic_asls/fold0/seed0"
    embedded = "results/scale/corpus_embeddings/training/fsnl_episodic_asls/fold0/seed0/shard39.npy"
    jobs = workflow.plan(f"{trained}.safetensors", embedded, "--configfile", "config/scale.yaml")
    shards = [f"results/scale/corpus/training/shard{number}.safetensors" for number in range(40)]
    (training,) = [job for job in jobs if job.rule == "pretrain"]
    assert f"--synthetic {' '.join(shards)} --variant" in training.shell
    assert all(shard in training.lines["input"] for shard in shards)
    generated = {job.lines["output"].split(",")[0] for job in jobs if job.rule == "synthetic_corpus"}
    assert generated == set(shards)
    (embedding,) = [job for job in jobs if job.rule == "embed_corpus"]
    assert f"--shard {shards[39]} " in embedding.shell and f"--checkpoint {trained}.safetensors" in embedding.shell


def test_a_rule_its_module_and_its_log_share_one_name(workflow):
    jobs = [job for job in workflow.plan("all") if job.shell]
    assert len({job.rule for job in jobs}) > 8
    for job in jobs:
        assert job.lines["log"].startswith(f"logs/{job.rule}/")
        assert re.match(rf"python -m etalon\.(stages|figures)\.{job.rule} ", job.shell)


def test_figures_of_the_shipped_metrics_start_no_computation(workflow):
    workflow.ship("paper")
    options = ("--config", "figures_from=reference")
    jobs = workflow.plan("figures", "all", *options)
    said = workflow.snakemake("figures", "--dry-run", *options).stderr
    lines = [line for line in said.splitlines() if line.startswith("results/reference/paper has no table")]
    left_out = {name for line in lines for name in line.partition("; not drawn: ")[2].split(", ")}
    assert left_out <= FIGURE_RULES
    assert {job.rule for job in jobs} == {*FIGURE_RULES - left_out, "figures", "all"}
    assert "tab_phase2_ablation" not in left_out
    outputs = " ".join(job.lines.get("output", "") for job in jobs)
    assert "results/reference_figures/paper/figures/fig_phase0_robustness.pdf" in outputs
    assert "results/demo" not in outputs


def test_verification_names_the_missing_table(workflow):
    result = workflow.snakemake("verify", "--dry-run")
    assert result.returncode == 1
    message = "error: results/reference/demo/metrics/embedding_baselines.parquet: expected a shipped metrics table"
    assert result.stderr.splitlines()[-1].startswith(message)


@pytest.fixture(scope="module")
def on_slurm(workflow):
    """The plan of the literal command for a cluster."""
    return workflow.plan("--cores", "all", "--profile", "slurm")


def test_the_slurm_profile_finds_a_gpu_where_a_rule_needs_one(on_slurm):
    jobs = on_slurm
    assert {job.rule for job in jobs if "gpu=1" in job.lines["resources"]} == GPU_RULES
    for job in jobs:
        partition = "gpu" if job.rule in GPU_RULES else "cpu"
        assert f"slurm_partition={partition}" in job.lines["resources"]
        if job.dataset and "output" in job.lines:
            assert "results/demo" not in job.lines["output"]


def test_what_rules_ask_for_is_documented(on_slurm):
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", (REPOSITORY / "docs/reference/plan.md").read_text(), re.MULTILINE)
    table = {rule: cells.split(" | ") for rule, cells in rows}
    computed = {job.rule: job.lines["resources"] for job in on_slurm if "benchmark" in job.lines}
    assert set(table) == set(computed)
    for rule, cells in table.items():
        measured, memory, minutes = cells[6], cells[8], cells[9]
        if memory:
            assert f"mem_mb={memory}," in computed[rule] and f"runtime={minutes}" in computed[rule], rule
            assert not measured or float(measured) < float(memory), f"{rule} took more memory than it asks for"


def test_a_variant_with_two_gpus_starts_two_processes(editable):
    variants = editable.folder / "config/variants.yaml"
    variants.write_text(variants.read_text().replace("masked:\n", "masked:\n  gpus: 2\n", 1))
    targets = [f"results/paper/checkpoints/{variant}/fold0/seed0.safetensors" for variant in ("masked", "masked_aug")]
    jobs = editable.plan(*targets, "--cores", "all", "--profile", "slurm")
    jobs = {job.lines["wildcards"].split(",")[0]: job for job in jobs if job.rule == "pretrain"}
    two, one = jobs["variant=masked"], jobs["variant=masked_aug"]
    assert "gpu=2" in two.lines["resources"] and "gpu=1" in one.lines["resources"]
    stage = "-m etalon.stages.pretrain"
    assert two.shell.startswith(f"python -m torch.distributed.run --standalone --nproc-per-node 2 {stage}")
    assert one.shell.startswith(f"python {stage}")
    assert "gpus" not in two.shell  # the number of processes is no setting of the training


def test_the_default_profile_sets_nothing_that_the_slurm_profile_sets():
    assert not set(profile("default")) & set(profile("slurm"))
    assert (REPOSITORY / "slurm").resolve() == REPOSITORY / "profiles/slurm"


def test_snakemake_has_nothing_to_complain_about(workflow):
    result = workflow.snakemake("--lint")
    assert result.returncode == 0, result.stderr


def test_shipped_weights_see_no_family_with_a_set_that_must_not_be_shipped(editable):
    editable.ship("paper")
    jobs = editable.plan("shipped_weights", "--cores", "1", "--configfile", "config/paper.yaml")
    (training,) = [job for job in jobs if job.rule == "pretrain"]
    catalogue = load_catalogue()
    forbidden = {entry.family for entry in catalogue.values() if not entry.weights}
    trained = set(re.findall(r"real/(\w+)/baseline", training.lines["input"]))
    assert len(trained) > 20
    assert not {catalogue[dataset].family for dataset in trained} & forbidden
    assert {job.rule for job in jobs} >= {"shipped_weights", "synthetic_corpus"}
