"""Files that are equal byte for byte, notes on what did not run, and what figure code may import."""

import os
import subprocess
import sys

import pandas as pd
import pytest
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import command, style

DRAW = """
import sys
from pathlib import Path
from matplotlib.figure import Figure
from etalon.figures import style
figure = Figure(figsize=(style.SINGLE_COLUMN, 2.0))
axis = figure.subplots()
axis.plot([1, 2, 3], [0.1, 0.3, 0.2], marker="o", label="absorbance, cm⁻¹ ±")
axis.legend()
style.save(figure, Path(sys.argv[1]), Path(sys.argv[2]))
"""


def python(code, *arguments, hash_seed):
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True, env=environment)


def test_another_process_writes_the_same_bytes(tmp_path):
    for seed in ("1", "2"):
        python(DRAW, tmp_path / f"{seed}.pdf", tmp_path / f"{seed}.png", hash_seed=seed)
    for suffix in ("pdf", "png"):
        first, second = ((tmp_path / f"{seed}.{suffix}").read_bytes() for seed in ("1", "2"))
        assert first == second
        assert b"CreationDate" not in first
        assert b"atplotlib" not in first  # a new version alone must not change a figure's bytes


def test_figures_import_neither_torch_nor_models_nor_stages():
    code = (
        "import sys, pkgutil, importlib, etalon.figures\n"
        "[importlib.import_module(f'etalon.figures.{m.name}') for m in pkgutil.iter_modules(etalon.figures.__path__)]\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('torch', 'tabpfn', 'ikpls')"
        " or m.startswith(('etalon.models', 'etalon.stages', 'etalon.chemometrics'))]\n"
        "assert not bad, bad"
    )
    python(code, hash_seed="0")


def test_a_failed_drawing_leaves_no_file(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no ink")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(RuntimeError):
        style.save(Figure(), tmp_path / "a.pdf", tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_methods_come_in_one_order_and_an_unknown_one_is_named(baselines):
    assert style.order(baselines["method"])[:3] == ["tuned_pls", "tuned_ridge", "pca_ridge"]
    baselines["method"] = "magic"
    with pytest.raises(BadInputError, match="'magic'"):
        style.order(baselines["method"])


def test_counterparts_share_a_colour_and_methods_of_one_task_do_not():
    for names in (
        ("tuned_pls", "tuned_ridge", "asls_snv_pls", "asls_snv_ridge", "pca_ridge", "pca_tabpfn"),
        ("tuned_plsda", "ridge_logistic", "asls_snv_plsda", "pca_logistic", "pca_tabpfn"),
    ):
        assert len({style.METHODS[name].colour for name in names}) == len(names)
        assert len({style.METHODS[name].marker for name in names}) == len(names)
    assert style.METHODS["tuned_pls"].colour == style.METHODS["tuned_plsda"].colour


def test_embeddings_come_after_methods_by_variant_and_head():
    names = ["new/ridge", "fs/evidence", "masked/evidence", "tuned_pls", "masked/ridge", "masked/new"]
    expected = ["tuned_pls", "masked/ridge", "masked/evidence", "masked/new", "fs/evidence", "new/ridge"]
    assert style.order(names) == expected
    assert style.look("masked/ridge").label == "Masked + ridge"
    assert style.look("new/ridge").label == "New + ridge"
    assert style.look("masked/").label == "Masked"


def test_embeddings_drawn_together_differ_in_colour_and_marker():
    # Synthetic shares and metadata have panels of their own.
    of_phase_2 = [
        look for name, look in style.VARIANTS.items() if not {"synthetic", "metadata", "real"} & {*name.split("_")}
    ]
    looks = [style.METHODS["tuned_pls"], *of_phase_2]
    for part in ("colour", "marker"):
        assert len({getattr(look, part) for look in looks}) == len(looks)
    assert len(of_phase_2) == 10
    for word in ("synthetic", "metadata"):
        looks = [look for name, look in style.VARIANTS.items() if word in name and name.startswith("masked")]
        assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks) > 1


def test_notes_give_one_line_a_reason(baselines):
    notes = style.not_run_notes(baselines)
    assert notes == [
        "PCA + TabPFN (5 datasets) not run: no TabPFN weights: file w.ckpt is missing",
        "Tuned PLS (gone_a) not run: download failed",
    ]


def test_notes_name_the_perturbations_and_sum_up_all_methods(robustness):
    notes = style.not_run_notes(robustness[robustness["method"] != "pca_tabpfn"])
    assert notes == [
        "All methods under wavelength shift, resolution, dropped band (milk_a) not run: no wavelength axis"
    ]


def test_notes_sum_up_embeddings():
    def noted(*missing):
        names = ["tuned_pls", "fs/ridge", "fs/evidence", "random_init/ridge", "random_init/evidence"]
        rows = pd.DataFrame({"method": names, "dataset": "a", "task": "regression", "condition": "cv"})
        return style.not_run_notes(rows.assign(status=["not run: x" if n in missing else "ok" for n in names]))

    under_ridge = ("fs/ridge", "random_init/ridge")
    assert noted(*under_ridge, "fs/evidence", "random_init/evidence") == ["All embeddings (a) not run: x"]
    assert noted(*under_ridge, "tuned_pls") == ["All embeddings + ridge, Tuned PLS (a) not run: x"]
    assert noted("fs/ridge", "random_init/evidence") == ["Random init + evidence head, fs + ridge (a) not run: x"]


def test_a_table_without_a_needed_column_is_refused(baselines, tmp_path):
    baselines.drop(columns="status").to_parquet(tmp_path / "metrics.parquet")
    with pytest.raises(BadInputError, match="expected column status"):
        command.load_metrics(tmp_path / "metrics.parquet")


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        command.load_metrics(tmp_path / "metrics.parquet")
    (tmp_path / "metrics.parquet").write_text("value,status\n")
    with pytest.raises(BadInputError, match="expected parquet"):
        command.load_metrics(tmp_path / "metrics.parquet")


def test_the_command_line_fails_with_one_line(tmp_path):
    arguments = ["--metrics", "absent.parquet", "--out-pdf", "a.pdf", "--out-png", "a.png"]
    ran = subprocess.run(
        [sys.executable, "-m", "etalon.figures.fig_phase0_robustness", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stderr.strip().endswith("absent.parquet: file: expected a metrics table, found no such file")
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
