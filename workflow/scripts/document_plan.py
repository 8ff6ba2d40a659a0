"""Write docs/reference/plan.md: the graph of rules, and what each rule asks for beside what its jobs took.

Usage: python workflow/scripts/document_plan.py FOLDER [FOLDER ...]

FOLDER is a folder of Snakemake's benchmark files, such as results/paper/benchmarks or data/benchmarks. A rule is
described by the first folder that knows it; of one that none knows, what the document says stays.
The graph and the resources are those of `snakemake --profile slurm`.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pandas as pd
import yaml

from etalon.storage import replacing

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/reference/plan.md"
PROFILE = ROOT / "profiles/slurm/config.yaml"
LOCAL = set(re.findall(r"^    (\w+),$", (ROOT / "Snakefile").read_text().split("localrules:")[1], re.MULTILINE))
# Jobs of a group stand indented below it.
JOB = re.compile(r"^( *)(?:local)?rule (\w+):\n((?:\1    .*\n)*)", re.MULTILINE)
LINE = re.compile(r"^ +(\w+): (.*)$", re.MULTILINE)
ASKED = ("cores", "asks MB", "asks min", "GPU")
COLUMNS = ("rule", "Slurm job", "jobs", "run", "measured", "seconds", "longest", "MB", *ASKED)
TEXT = """# The plan of the paper

Written by `python workflow/scripts/document_plan.py results/paper/benchmarks data/benchmarks` (folders of Snakemake's
benchmark files). How it runs on a cluster is said in [the page on clusters](../howto/cluster.md).

## Rules

The graph of `snakemake --rulegraph`, less the arrows that follow from others.

```mermaid
{graph}
```

## What the rules ask for, and what their jobs took

*Slurm job*: the group with which a rule shares one; `-`: none, it runs where Snakemake runs. *Jobs*: in the paper's
plan. *Measured*: jobs of the run named, whose seconds (median, longest) and largest memory (MB) these are, on 2 cores
that other work shared. *Asks*: in the first attempt; each of two retries gets twice as much. Memory asked for is about
twice what was measured or more, time four times the longest job. TabPFN was measured without its weights, `pretrain` on
a CPU.

{table}
"""


@dataclass(frozen=True)
class Rule:
    """A rule of the plan, with what its jobs ask for at most."""

    name: str
    jobs: int
    local: bool
    folders: frozenset[str]  # of its benchmark files
    cores: int
    memory: int  # MB
    minutes: int
    gpus: int


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("benchmarks", type=Path, nargs="+", metavar="FOLDER")
    folders = [folder.resolve() for folder in arguments.parse_args().benchmarks]
    rules = planned(snakemake("all", "--dry-run", "--forceall"))
    graph = reduced(snakemake("all", "--rulegraph", "dot"))
    with replacing(DOCUMENT) as temporary:
        temporary.write_text(TEXT.format(graph=graph, table=table(rules, folders)))


def snakemake(*arguments: str) -> str:
    """Return what Snakemake says of the paper's plan on a cluster."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "all", "--profile", "slurm"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def planned(text: str) -> list[Rule]:
    """Return the rules of a dry run by name; those without a command are left out."""
    jobs: dict[str, list[dict[str, str]]] = {}
    for _, name, lines in JOB.findall(text):
        jobs.setdefault(name, []).append(dict(LINE.findall(lines)))
    return [_rule(name, jobs[name]) for name in sorted(jobs) if "benchmark" in jobs[name][0]]


def _rule(name: str, jobs: Sequence[dict[str, str]]) -> Rule:
    def most(pattern: str, default: int) -> int:
        found = (re.search(pattern, job["resources"]) for job in jobs)
        return max(int(match[1]) if match else default for match in found)

    return Rule(
        name=name,
        jobs=len(jobs),
        local=name in LOCAL or name.startswith(("fig_", "tab_")),
        folders=frozenset({name} | {_folder(Path(job["benchmark"])) for job in jobs}),
        cores=max(int(job.get("threads", 1)) for job in jobs),
        memory=most(r"\bmem_mb=(\d+)", 0),
        minutes=most(r"\bruntime=(\d+)", 0),
        gpus=most(r"\bgpu=(\d+)", 0),
    )


def _folder(path: Path) -> str:
    """Return what follows `benchmarks/` in the path of a benchmark file."""
    return path.parts[path.parts.index("benchmarks") + 1].removesuffix(".tsv")


def reduced(dot: str) -> str:
    """Return a graph of rules as Mermaid text, without the arrows that others imply."""
    labels = dict(re.findall(r'(\d+)\[label = "([^"\\]+)', dot))
    arrows = re.findall(r"(\d+) -> (\d+)", dot)
    graph = nx.DiGraph([(labels[a], labels[b]) for a, b in arrows if labels[b] != "all"])
    return "\n".join(["flowchart LR", *(f"    {a} --> {b}" for a, b in sorted(nx.transitive_reduction(graph).edges))])


def table(rules: Sequence[Rule], folders: Sequence[Path]) -> str:
    """Return a Markdown table, a row each rule."""
    groups = yaml.safe_load(PROFILE.read_text())["groups"]
    measured, known = read_benchmarks(folders), documented()
    rows = [COLUMNS, ("---",) * 4 + ("---:",) * 8]
    for rule in rules:
        slurm = "-" if rule.local else groups.get(rule.name, "its own").replace("{", "").replace("}", "")
        asks = ("", "", "", "") if rule.local else (rule.cores, rule.memory, rule.minutes, rule.gpus or "")
        took = _measured(rule, measured) or known.get(rule.name, ("",) * 5)
        rows.append((f"`{rule.name}`", slurm, rule.jobs, *took, *asks))
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def documented() -> dict[str, tuple[str, ...]]:
    """Return what the document says that the jobs of each rule took."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    rows = (line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines)
    return {row[0].strip("`"): tuple(row[3:8]) for row in rows}


def read_benchmarks(folders: Sequence[Path]) -> pd.DataFrame:
    """Return a row each benchmark file: run, folder, seconds (s), memory (max_rss, MB)."""
    parts = [pd.DataFrame(columns=["run", "folder", "s", "max_rss"])]
    for folder in folders:
        for path in folder.rglob("*.tsv"):
            # Snakemake writes NA where a job ended before its memory was looked at.
            row = pd.read_csv(path, sep="\t", usecols=["s", "max_rss"])
            parts.append(row.assign(run=folder.parent.name, folder=_folder(path)))
    return pd.concat(parts, ignore_index=True)


def _measured(rule: Rule, benchmarks: pd.DataFrame) -> tuple[str, ...] | None:
    """Return run, number of jobs, seconds (median, longest) and largest memory of a rule; None of one not measured."""
    found = benchmarks[benchmarks["folder"].isin(rule.folders)]
    if found.empty:
        return None
    run = found["run"].iloc[0]
    found = found[found["run"] == run]
    memory = found["max_rss"].max()
    return (
        run,
        str(len(found)),
        f"{found['s'].median():.0f}",
        f"{found['s'].max():.0f}",
        "" if pd.isna(memory) else f"{memory:.0f}",
    )


if __name__ == "__main__":
    main()
