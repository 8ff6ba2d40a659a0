"""A dataset, a way to pretrain, a head and a figure, added as the documentation says: one file and its listing."""

import hashlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etalon.storage import load_set

REPOSITORY = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page of docs/howto in one language."""
    text = (REPOSITORY / f"docs/howto/{page}.md").read_text()
    return [code for kind, code in BLOCK.findall(text) if kind == language]


def snakemake_arguments(page: str) -> list[list[str]]:
    """Return the arguments of every call of Snakemake on a page, as a shell would part them."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", "").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("snakemake ")]


def insert(path: Path, before: str, text: str) -> None:
    content = path.read_text()
    assert content.count(before) == 1, (path, before)
    path.write_text(content.replace(before, text + before))


def python(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={"PYTHONPATH": "src", "PATH": ""}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_dataset_is_one_entry(editable):
    folder, (entry,) = editable.folder, blocks("add-dataset", "yaml")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0.5, 0.1, (120, 100)), columns=[str(1100 + 2 * i) for i in range(100)])
    table = table.assign(apple=[f"a{n // 2}" for n in range(120)], set=["cal"] * 80 + ["val"] * 40, DM=15.5)
    mirror = folder / "mirror/apples_2020"
    mirror.mkdir(parents=True)
    table.to_csv(mirror / "apples.csv", sep=";", index=False)
    content = (mirror / "apples.csv").read_bytes()
    entry = re.sub(r"sha256: \w+", f"sha256: {hashlib.sha256(content).hexdigest()}", entry)
    entry = re.sub(r"bytes: \d+", f"bytes: {len(content)}", entry)
    with (folder / "config/datasets.yaml").open("a") as catalogue:
        catalogue.write(entry)
    imported, table = snakemake_arguments("add-dataset")
    result = editable.snakemake(*imported, environment={"ETALON_MIRROR": str(folder / "mirror")})
    assert result.returncode == 0, result.stderr
    spectra = load_set(folder / "data/real/apples_2020")
    assert spectra.intensities.shape == (120, 100)
    assert len(set(spectra.specimen)) == 60
    assert spectra.reference[:, 0] == pytest.approx(84.5)
    assert {job.dataset for job in editable.plan(*table) if job.rule == "classical_baselines"} == {"apples_2020"}


def test_a_way_to_pretrain_is_one_entry(editable):
    (variant,) = blocks("add-variant", "yaml")
    with (editable.folder / "config/variants.yaml").open("a") as variants:
        variants.write(variant)
    checkpoint, table = snakemake_arguments("add-variant")
    (training,) = [job for job in editable.plan(*checkpoint) if job.rule == "pretrain"]
    assert '"losses": {"masked": 1.0, "contrastive": 0.2}' in training.shell
    jobs = editable.plan(*table)
    heads = [job for job in jobs if job.rule == "embedding_heads" and "masked_scatter_contrastive" in job.shell]
    assert heads
    assert any(job.rule == "tab_phase2_ablation" for job in jobs)


HEAD = """
import numpy as np
from etalon.evaluate.embedding_heads import HEADS, RegressionHead

rng = np.random.default_rng(0)
groups = np.repeat(np.arange(60), 2).astype(str)
z = np.repeat(rng.uniform(-1, 1, (60, 2)), 2, axis=0)
blocks = {"learned": z + rng.normal(0, 0.01, z.shape)}
y = z[:, 0] ** 2
head = RegressionHead(HEADS["neighbours"], ["learned"], 300).fit(
    {"learned": blocks["learned"][:100]}, y[:100], groups[:100]
)
y_hat, sd = head.predict({"learned": blocks["learned"][100:]})
print(np.corrcoef(y_hat, y[100:])[0, 1], head.choice()["k"], np.isnan(sd).all())
"""


def test_a_head_is_one_class_and_its_name(editable):
    model, line = blocks("add-head", "python")
    heads = editable.folder / "src/etalon/evaluate/downstream_heads.py"
    insert(heads, "MODELS: dict", f"{model}\n\n")
    insert(heads, '    "tabpfn": _tabpfn,\n', line)
    schema, (listing,) = editable.folder / "workflow/schemas/config.schema.yaml", blocks("add-head", "yaml")
    old = listing.replace(", neighbours", "")
    assert schema.read_text().count(old) == 1
    schema.write_text(schema.read_text().replace(old, listing))
    correlation, k, no_sd = python(editable.folder, "-c", HEAD).split()
    # Replicates would be each other's nearest neighbour; leaving whole specimens out chooses by others.
    assert float(correlation) > 0.8
    assert int(k) > 1
    assert no_sd == "True"
    (command,) = snakemake_arguments("add-head")
    shells = [job.shell for job in editable.plan(*command) if job.rule == "embedding_heads"]
    assert any('"heads": ["pls", "neighbours"]' in shell for shell in shells)


def test_a_figure_is_one_module_and_its_listing(editable):
    module, listing = blocks("add-figure", "python")
    (editable.folder / "src/etalon/figures/fig_accuracy_by_size.py").write_text(module)
    insert(editable.folder / "workflow/rules/figures.smk", '    },\n    "Study 1, phase 1', listing)
    shipped = editable.folder / "results/reference/paper/metrics"
    shipped.mkdir(parents=True)
    name = "embedding_baselines.parquet"
    (shipped / name).symlink_to(REPOSITORY / "results/reference/paper/metrics" / name)
    (command,) = snakemake_arguments("add-figure")
    editable.run(*command)
    drawn = editable.folder / "results/reference_figures/paper/figures/fig_accuracy_by_size"
    for suffix in (".pdf", ".png"):
        assert drawn.with_suffix(suffix).stat().st_size > 5_000
