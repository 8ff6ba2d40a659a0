"""`etalon doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from etalon.commands.own import DATA, Data, Json
from etalon.errors import EtalonError, NotRunError

OK, ABSENT, FAILED = "ok", "absent", "failed"
FAILED_STATUS = 1
OLDEST = (3, 11)
ENOUGH_GB = 5.0
SECONDS = 10  # that a program of the cluster may take to answer
CATALOGUE = Path("config/datasets.yaml")


class Check(NamedTuple):
    """One thing and its state: "ok"; "absent", what can be done without; "failed"."""

    name: str
    state: str
    text: str


def doctor(
    card: Annotated[bool, typer.Option("--card", help="Print the model card of the shipped weights instead.")] = False,
    data: Data = DATA,
    catalogue: Annotated[Path, typer.Option(metavar="FILE", help="Catalogue of datasets.")] = CATALOGUE,
    as_json: Json = False,
) -> None:
    """Say what works on this machine: Python, packages, GPU, weights, optional heads, cluster, mirror, disk, catalogue.

    \b
    etalon doctor
    etalon doctor --json
    etalon doctor --card

    "absent" is what can be done without: the line says what for, and how to get it. Exit status 1 where something has
    failed.
    """
    from etalon.commands.output import print_json

    if card:
        from etalon.weights import card as model_card

        typer.echo(model_card(), nl=False)
        return
    found = list(examine(data, catalogue))
    if as_json:
        print_json([check._asdict() for check in found])
    else:
        width = max(len(check.name) for check in found)
        for check in found:
            typer.echo(f"{check.name:<{width}}  {check.state:<6}  {check.text}")
    if any(check.state == FAILED for check in found):
        raise typer.Exit(FAILED_STATUS)


def examine(data: Path, catalogue: Path) -> Iterator[Check]:
    """Yield the checks, each guarded: one that breaks is a finding, not the end."""
    checks: list[tuple[str, Callable[[], tuple[str, str]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("torch", _torch),
        ("shipped weights", _weights),
        ("fs", _fs),
        ("tabpfn", lambda: _in_context("tabpfn", "PCA + TabPFN is a row `not run`")),
        ("tabicl", lambda: _in_context("tabicl", "the TabICL head is a row `not run`")),
        ("diPLSlib", _dipls),
        ("snakemake", _snakemake),
        ("slurm", _slurm),
        ("mirror", _mirror),
        ("catalogue", lambda: _catalogue(catalogue)),
        ("data folder", lambda: _data(data)),
    ]
    for name, check in checks:
        try:
            yield Check(name, *check())
        except NotRunError as error:
            yield Check(name, ABSENT, error.reason)
        except (EtalonError, ImportError, OSError, RuntimeError) as error:
            yield Check(name, FAILED, " ".join(str(error).split()))


def _python() -> tuple[str, str]:
    text = f"{platform.python_version()} at {sys.executable}, {sys.platform} {platform.machine()}"
    return (OK, text) if sys.version_info >= OLDEST else (FAILED, f"{text}; etalon needs {OLDEST[0]}.{OLDEST[1]}")


def _packages() -> tuple[str, str]:
    names = [line.split(";")[0] for line in requires("etalon") or () if "extra ==" not in line]
    plain = [name.split(">")[0].split("=")[0].split("<")[0].strip() for name in names]
    missing = []
    for name in plain:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return FAILED, f"not installed: {', '.join(missing)} (pip install {' '.join(missing)})"
    return OK, f"{len(plain)} required packages; etalon {version('etalon')}"


def _torch() -> tuple[str, str]:
    import torch

    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        return OK, f"{torch.__version__}, GPU: {names}"
    return OK, f"{torch.__version__}, CPU only with {torch.get_num_threads()} threads: enough for all commands here"


def _weights() -> tuple[str, str]:
    from etalon.weights import shipped

    size = shipped().stat().st_size / 1e6
    return OK, f"{_embed(str(shipped()))} numbers a spectrum, {size:.1f} MB, {shipped().name}; etalon doctor --card"


def _fs() -> tuple[str, str]:
    return OK, f"{_embed(None)} numbers a spectrum, needs no weights"


def _embed(checkpoint: str | None) -> int:
    """Embed one spectrum; return how many numbers came."""
    import numpy as np

    from etalon.embedder import embed_stored

    wavelengths = np.linspace(1100.0, 2500.0, 200)
    spectrum = np.sin(wavelengths / 200)[None]
    blocks = embed_stored(spectrum, wavelengths, modality="nir", axis_unit="nm", checkpoint=checkpoint)
    return sum(block.shape[1] for block in blocks.values())


def _in_context(name: str, without: str) -> tuple[str, str]:
    if find_spec(name) is None:
        return ABSENT, f"not installed (pip install etalon[{name}]): {without}"
    from etalon.evaluate.heads import tabicl_checkpoint, tabpfn_checkpoint

    try:
        path = tabpfn_checkpoint("regression", None) if name == "tabpfn" else tabicl_checkpoint(None)
    except NotRunError as error:
        return ABSENT, f"{error.reason}: {without}"
    return OK, f"{version(name)}, weights at {path}"


def _dipls() -> tuple[str, str]:
    if find_spec("diPLSlib") is None:
        return ABSENT, "not installed (pip install etalon[dipls], GPL-3): di-PLS is a row `not run`"
    return OK, version("diPLSlib")


def _snakemake() -> tuple[str, str]:
    if find_spec("snakemake") is None:
        return ABSENT, "not installed (pip install etalon[workflow]): the studies cannot be recomputed"
    return OK, version("snakemake")


def _slurm() -> tuple[str, str]:
    if shutil.which("sbatch") is None:
        return ABSENT, "no sbatch on the PATH: `snakemake --profile slurm` needs a login node"
    try:
        done = subprocess.run(["sinfo", "-h", "-o", "%R"], capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return FAILED, f"sinfo does not answer within {SECONDS} s"
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return ABSENT, f"sbatch is installed, but no cluster answers ({said}): `snakemake --profile slurm` needs one"
    plugin = "" if find_spec("snakemake_executor_plugin_slurm") else "; pip install snakemake-executor-plugin-slurm"
    return (FAILED if plugin else OK), f"partitions {', '.join(sorted(set(done.stdout.split())))}{plugin}"


def _mirror() -> tuple[str, str]:
    from etalon.data.fetch import mirror_folder

    folder = mirror_folder(None)
    if folder is None:
        return ABSENT, "ETALON_MIRROR is not set: raw files are fetched from their public addresses"
    return OK, f"{folder}, {sum(1 for path in folder.iterdir() if path.is_dir())} folders"


def _catalogue(path: Path) -> tuple[str, str]:
    from etalon.catalogue import load_catalogue

    if not path.exists():
        return ABSENT, f"no {path}: run at the top of a clone for the public datasets; your own need none"
    entries = load_catalogue(path)
    return OK, f"{len(entries)} datasets, {sum(entry.weights for entry in entries.values())} of them may train weights"


def _data(folder: Path) -> tuple[str, str]:
    place = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free / 1e9
    own = sum(1 for _ in folder.glob("real/*/metadata.json"))
    text = f"{folder}, {own} datasets, {free:.0f} GB free"
    if not os.access(place, os.W_OK):
        return FAILED, f"{text}; cannot be written to"
    return (OK, text) if free >= ENOUGH_GB else (FAILED, f"{text}: fewer than {ENOUGH_GB:g}")
