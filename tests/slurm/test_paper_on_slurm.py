"""The paper's plan on a real Slurm: what each rule is given, limits, failures, several GPUs, cancelling."""

import datetime
import os
import subprocess

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.timeout(1800)

TRAINING = "results/paper/checkpoints/masked/fold0/seed0.safetensors"
CURVES = "results/paper/pretraining/masked/fold0/seed0.parquet"
CORPUS = "results/paper/corpus/training/shard0.safetensors"
SIDE_BY_SIDE = min(2, os.cpu_count())  # jobs of a group: as many as the submitting host has cores
# What each rule, or group and its rules, asks for: partition, cores, GPUs, MB, minutes. There are two datasets.
ASKED = {
    "prepare_import_dataset_make_folds_precompute_asls": ("cpu", SIDE_BY_SIDE, 0, 2000 * SIDE_BY_SIDE, None),
    "classical_classical_baselines": ("cpu", SIDE_BY_SIDE, 0, 2000 * SIDE_BY_SIDE, None),
    "on_gpu_tabpfn_baseline": ("gpu", 1, 1, 8000, 2 * 60),
    "pretrain": ("gpu", 1, 1, 4000, 120),
    "judge_masked_embed_datasets_embedding_heads": ("cpu", 1, 0, 3000, 20 + 60),
    "judge_fs_embed_datasets_embedding_heads": ("cpu", 1, 0, 3000, 20 + 60),
    "maps_map_embeddings": ("cpu", SIDE_BY_SIDE, 0, 1000 * SIDE_BY_SIDE, None),
}


@pytest.fixture(scope="module")
def limited(new_plan):
    """A training that meets its time limit, and a job with too little memory."""
    plan = new_plan("limited")
    plan.edit("workflow/rules/pretrain.smk", "growing(2000),\n        runtime=growing(30)", "growing(200), runtime=30")
    plan.edit("config/paper.yaml", "  spectra: 256\n", "  spectra: 10000\n")
    run = plan.start(TRAINING, CORPUS)
    yield plan, run
    run.process.kill()


@pytest.fixture(scope="module")
def paper(new_plan, limited):
    """Phase 1; it runs beside the jobs that meet their limits."""
    plan = new_plan("paper")
    run = plan.start("phase_1")
    yield plan, run
    run.process.kill()


def saved_state(plan):
    return list((plan.folder / TRAINING).parent.glob("seed0.state-*.step*.json"))


def half_written(plan):
    """Files that a stage has begun and not ended; those with a dot are not seen by Snakemake."""
    return [path for folder in ("data", "results") for path in (plan.folder / folder).rglob(".*-*")]


def test_a_job_over_its_time_or_memory_gets_more_and_a_training_goes_on(limited, paper):
    plan, run = limited
    run.wait_for(lambda: saved_state(plan), "a saved state of the training")
    training = subprocess.run(
        ["squeue", "--noheader", "--partition=gpu", "--states=R", f"--name={run.id()}", "--format=%i"],
        capture_output=True,
        text=True,
    ).stdout.strip()
    # It stands still until Slurm looks at its limit, which it does every half minute.
    subprocess.run(["scancel", "--signal=STOP", training], check=True)
    soon = datetime.datetime.now() + datetime.timedelta(seconds=2)
    subprocess.run(["scontrol", "update", f"JobId={training}", f"EndTime={soon:%FT%T}"], check=True)
    assert run.end() == 0, run.said()

    first, second = (job for job in run.jobs() if job.name == "pretrain")
    assert (first.id, first.state, second.state) == (int(training), "TIMEOUT", "COMPLETED")
    assert (second.minutes, second.memory) == (2 * 120, 2 * 4000)
    assert "continued from step" in (plan.folder / "logs/pretrain/paper/masked/fold0/seed0.log").read_text()
    attempts = [job for job in run.jobs() if job.name == "synthetic_corpus"]
    assert [job.memory for job in attempts] == [200 * 2**n for n in range(len(attempts))]
    assert [job.state for job in attempts] == ["FAILED"] * (len(attempts) - 1) + ["COMPLETED"]
    assert len(attempts) > 1
    (log,) = (plan.folder / ".snakemake/slurm_logs").rglob(f"{attempts[0].id}.log")
    assert "exceeded memory limit" in log.read_text() and str(log) in run.said()


def test_each_rule_ran_where_it_should_with_what_it_asked_for(paper):
    plan, run = paper
    assert run.end() == 0, run.said()
    jobs = run.jobs()
    assert {job.name for job in jobs} == set(ASKED)
    for job in jobs:
        partition, cpus, gpus, memory, minutes = ASKED[job.name]
        assert (job.state, job.partition, job.gpus) == ("COMPLETED", partition, gpus), job
        assert (job.cpus, job.memory) == (cpus, memory), job
        assert minutes is None or job.minutes == minutes, job
    assert (plan.folder / "results/paper/tables/tab_phase1_feasibility.csv").exists()


def test_a_failing_job_names_its_log_and_stops_what_depends_on_it_alone(paper):
    plan, run = paper
    assert run.end() == 0, run.said()
    damaged = plan.folder / TRAINING.replace("fold0", "fold1")
    damaged.write_bytes(damaged.read_bytes()[:-100])
    scores = plan.folder / "results/paper/scores"
    for score in ("encoders/masked.parquet", "encoders/fs.parquet", "classical.parquet"):
        (scores / score).unlink()

    run = plan.start("phase_1", "--retries", "0")
    assert run.end() == 1
    log = "logs/embed_datasets/paper/masked/fold1/seed0.log"
    assert "Error in rule embed_datasets" in run.said() and log in run.said()
    assert "expected sound safetensors" in (plan.folder / log).read_text()
    assert not (scores / "encoders/masked.parquet").exists()
    assert (scores / "encoders/fs.parquet").exists()
    assert (scores / "classical.parquet").exists()
    failed = [job for job in run.jobs() if job.state == "FAILED"]
    assert [job.name for job in failed] == ["judge_masked_embed_datasets_embedding_heads"]
    assert "rule gather_metrics" not in run.said()


def test_two_gpus_give_the_loss_curve_of_one(paper):
    plan, run = paper
    assert run.end() == 0, run.said()
    one = pd.read_parquet(plan.folder / CURVES)
    plan.edit("config/variants.yaml", "masked:\n", "masked:\n  gpus: 2\n")
    run = plan.start(TRAINING)
    assert run.end() == 0, run.said()
    (job,) = run.jobs()
    assert (job.name, job.partition, job.gpus, job.cpus) == ("pretrain", "gpu", 2, 2)
    two = pd.read_parquet(plan.folder / CURVES)
    losses = one["quantity"].str.startswith("loss")
    assert losses.any()
    np.testing.assert_allclose(two.loc[losses, "value"], one.loc[losses, "value"], rtol=1e-4)


def test_cancelling_leaves_nothing_half_written_and_no_job(limited):
    plan, run = limited
    assert run.end() == 0, run.said()
    (plan.folder / TRAINING).unlink()
    run = plan.start(TRAINING)
    run.wait_for(lambda: saved_state(plan), "a saved state of the training")
    assert run.interrupt() != 0
    assert {job.state for job in run.jobs()} == {"CANCELLED"}
    assert not (plan.folder / TRAINING).exists()
    assert not (plan.folder / TRAINING).with_suffix(".json").exists()
    assert not (plan.folder / CURVES).exists()
    assert not half_written(plan)
