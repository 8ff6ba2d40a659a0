"""The plan of the soil study: what trains and what is tested, split by split."""

import re

import pytest

PAPER = ("--configfile", "config/paper.yaml")


@pytest.fixture(scope="module")
def jobs(workflow):
    return workflow.plan("soil", *PAPER)


def wildcards(job):
    return dict(re.findall(r"(\w+)=([\w]+)", job.lines.get("wildcards", "")))


def test_every_main_training_has_every_split_and_seed(jobs):
    for rule, main in (("soil_vae", "latent32"), ("soil_bridge", "frozen")):
        found = {(own["split"], own["seed"]) for own in map(wildcards, (j for j in jobs if j.rule == rule))
                 if own["variant"] == main}  # fmt: skip
        splits = {*(f"fold{number}" for number in range(5)), "independent"}
        assert found == {(split, str(seed)) for split in splits for seed in range(3)}


def test_a_nir_encoder_and_the_heads_read_the_weights_of_their_own_split_and_seed(jobs):
    checked = 0
    for job in jobs:
        if job.rule not in ("soil_bridge", "soil_learned"):
            continue
        own = wildcards(job)
        weights = re.findall(r"soil/(?:vae|bridge)/\w+/(\w+)/seed(\d+)\.safetensors", job.lines["input"])
        assert weights and set(weights) == {(own["split"], own["seed"])}
        checked += 1
    assert checked > 30


def test_the_main_weights_come_first(jobs):
    for job in (job for job in jobs if job.rule == "soil_learned"):
        assert re.search(r"--vaes \S+/vae/latent32/", job.shell) and re.search(
            r"--bridges \S+/bridge/frozen/", job.shell
        )


def test_only_real_sets_enter_the_paper_and_only_generated_ones_the_demo(workflow, jobs):
    paper = {job.dataset for job in jobs} - {None}
    demo = {job.dataset for job in workflow.plan("soil")} - {None}
    assert not any("synthetic" in name for name in paper) and demo and all("synthetic" in name for name in demo)


def test_an_unknown_set_or_key_of_a_variant_is_named(workflow):
    result = workflow.snakemake("soil", "--dry-run", "--config", "soil={'sets': ['soil_nowhere']}")
    assert result.returncode and "soil.sets: no dataset of config/datasets.yaml matches 'soil_nowhere'" in result.stderr
    result = workflow.snakemake("soil", "--dry-run", "--config", "soil={'vae_variants': {'latent32': {'latent': 3}}}")
    assert result.returncode and "soil.vae_variants.latent32: no key 'latent' in soil.vae" in result.stderr
