"""Benchmark plan: seconds until Snakemake has planned the paper for a catalogue of 1,000 entries.

The entries are those of config/datasets.yaml, repeated under other names of datasets and families, so that the plan has
the paper's mix of targets, pairs and groups of analytes. It is that of `snakemake --dry-run --configfile
config/paper.yaml`, in a folder without data, compared with the aim of two minutes.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from rounds import report

REPOSITORY = Path(__file__).parents[1]
PARTS = ("Snakefile", "config", "workflow", "profiles", "envs", "src")
AIM = 120.0


def repeated(datasets: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return `count` entries: those of a catalogue that are not generated, over and over again."""
    measured = [entry for entry in datasets if not entry["reader"].startswith("synthetic")]
    return [renamed(measured[number % len(measured)], number // len(measured)) for number in range(count)]


def renamed(entry: dict[str, Any], copy: int) -> dict[str, Any]:
    """Return an entry under the name of its copy, which refers to copies of the same number.

    The first keeps its name, by which the configuration knows it.
    """
    if copy == 0:
        return dict(entry)
    suffix = f"_copy{copy}"
    new = entry | {"id": entry["id"] + suffix, "family": entry["family"] + suffix}
    if "paired_with" in entry:
        new["paired_with"] = [other + suffix for other in entry["paired_with"]]
    if "overlaps" in entry:
        new["overlaps"] = entry["overlaps"] + suffix
    return new


def complete(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries without references to those that are not among them: the last copy is not whole."""
    names = {entry["id"] for entry in entries}
    for entry in entries:
        if partners := names.intersection(entry.pop("paired_with", [])):
            entry["paired_with"] = sorted(partners)
        if entry.get("overlaps") not in names:
            entry.pop("overlaps", None)
    return entries


def plan(folder: Path, target: str) -> dict[str, float]:
    """Return what a dry run takes in `folder`, and the number of its jobs."""
    command = [sys.executable, "-m", "snakemake", target, "--dry-run", "--quiet", "host", "reason"]
    started = time.perf_counter()
    result = subprocess.run(
        [*command, "--configfile", "config/paper.yaml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode != 0:
        raise SystemExit(result.stderr)
    jobs = re.findall(r"^total +(\d+)$", result.stdout + result.stderr, re.MULTILINE)[-1]
    return {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "jobs": int(jobs),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--entries", type=int, default=1000)
    arguments.add_argument("--target", default="all")
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            source = REPOSITORY / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
        catalogue = folder / "config/datasets.yaml"
        entries = complete(repeated(yaml.safe_load(catalogue.read_text())["datasets"], args.entries))
        catalogue.write_text(yaml.safe_dump({"datasets": entries}, sort_keys=False))
        paper = folder / "config/paper.yaml"
        paper.write_text(re.sub(r"^  exclude: .*\n", "", paper.read_text(), flags=re.MULTILINE))
        found = plan(folder, args.target)
    report("plan", ratios={"two_minutes": AIM / found["seconds"]}, figures={"entries": args.entries} | found)


if __name__ == "__main__":
    main()
