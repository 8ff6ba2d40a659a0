"""A copy of the workflow in which a test may run, edit and break things."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "profiles", "envs", "src")
FAKES = Path(__file__).parent / "fake_stages"
JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)(?:Shell command: (python .*))?", re.MULTILINE)
LINE = re.compile(r"^    (\w+): (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class PlannedJob:
    """A job of a dry run: its rule and the lines that Snakemake prints about it, by their first word."""

    rule: str
    lines: dict[str, str]
    shell: str

    @property
    def dataset(self) -> str | None:
        found = re.search(r"\bdataset=(\w+)", self.lines.get("wildcards", ""))
        return found and found[1]


@dataclass(frozen=True)
class Workflow:
    """The workflow in `folder`; with `fake`, stages write empty files instead of computing."""

    folder: Path
    fake: bool = False

    def snakemake(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        path = [self.folder / "src", *([FAKES] if self.fake else [])]
        variables = {k: v for k, v in os.environ.items() if k not in ("ETALON_MIRROR", "SNAKEMAKE_PROFILE")}
        variables |= {"PYTHONPATH": os.pathsep.join(map(str, path)), "XDG_CACHE_HOME": str(self.folder / ".cache")}
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            env=variables | (environment or {}),
            capture_output=True,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """Run Snakemake; return what it says. A failure shows the logs."""
        result = self.snakemake(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def plan(self, *arguments: str) -> list[PlannedJob]:
        """Return the jobs of a dry run."""
        jobs = JOB.findall(self.run(*arguments, "--dry-run", "--printshellcmds"))
        return [PlannedJob(rule, dict(LINE.findall(lines)), shell) for rule, lines, shell in jobs]


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The workflow in a folder of its own, without data."""
    folder = tmp_path_factory.mktemp("etalon")
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, folder / part)
    (folder / "slurm").symlink_to("profiles/slurm")
    return Workflow(folder)
