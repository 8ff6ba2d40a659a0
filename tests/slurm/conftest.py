"""The paper's plan in folders of its own, sent to the Slurm that `make test-slurm` has started."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "profiles", "envs", "src")
PATIENCE = 900  # seconds for what takes one or two minutes on an idle machine


@dataclass(frozen=True)
class SlurmJob:
    """A job as the accounting database knows it: memory in MB, time limit in minutes."""

    id: int
    name: str  # of the rule, or of the group followed by its rules
    partition: str
    state: str
    cpus: int
    gpus: int
    memory: int
    minutes: int


def slurm_jobs(run: str) -> list[SlurmJob]:
    """Return the Slurm jobs of a run of Snakemake, in the order of their submission."""
    fields = "JobID,Comment,Partition,State,ReqTRES,TimelimitRaw"
    table = subprocess.run(
        ["sacct", "-X", "--parsable2", "--noheader", f"--name={run}", f"--format={fields}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [_job(*line.split("|")) for line in table.splitlines()]


def _job(id: str, comment: str, partition: str, state: str, requested: str, minutes: str) -> SlurmJob:
    asked = dict(item.split("=") for item in requested.split(","))
    return SlurmJob(
        id=int(id),
        name=comment.removeprefix("rule_").split("_wildcards_")[0],
        partition=partition,
        state=state.split()[0],
        cpus=int(asked["cpu"]),
        gpus=int(asked.get("gres/gpu", 0)),
        memory=int(asked["mem"].removesuffix("M")),
        minutes=int(minutes),
    )


class Run:
    """Snakemake at work in a folder."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], said: Path):
        self._said = said
        environment = {k: v for k, v in os.environ.items() if k not in ("ETALON_MIRROR", "SNAKEMAKE_PROFILE")}
        with said.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *arguments],
                cwd=folder,
                env=environment | {"PYTHONPATH": str(folder / "src"), "XDG_CACHE_HOME": str(folder / ".cache")},
                stdout=output,
                stderr=subprocess.STDOUT,
                # Whoever runs the tests in the background has them ignore the interrupt that one of them sends.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def said(self) -> str:
        return self._said.read_text()

    def id(self) -> str:
        """Return the name that all Slurm jobs of this run have."""
        return re.search(r"SLURM run ID: (\S+)", self.said())[1]

    def jobs(self) -> list[SlurmJob]:
        return slurm_jobs(self.id())

    def wait_for(self, found: Callable[[], object], what: str) -> None:
        """Wait until `found` returns something true while Snakemake runs."""
        deadline = time.monotonic() + PATIENCE
        while not found():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
            time.sleep(0.2)

    def end(self) -> int:
        """Wait until Snakemake has ended; return its exit status."""
        return self.process.wait(timeout=PATIENCE)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.end()


@dataclass(frozen=True)
class Plan:
    """A copy of the workflow whose `config/paper.yaml` is the cut-down plan."""

    folder: Path

    def start(self, *arguments: str) -> Run:
        """Start the literal command, with targets and options; it asks for states sooner than a cluster would like."""
        sooner = ("--slurm-init-seconds-before-status-checks", "2")
        said = self.folder / f"said_{len(list(self.folder.glob('said_*')))}.log"
        return Run(self.folder, (*arguments, "--cores", "all", "--profile", "slurm", *sooner), said)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def new_plan(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Plan]:
    if shutil.which("sinfo") is None or subprocess.run(["sinfo"], capture_output=True).returncode != 0:
        pytest.skip("no Slurm answers: `make test-slurm` starts one")

    def copy(name: str) -> Plan:
        folder = tmp_path_factory.mktemp(name)
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            else:
                shutil.copy(source, folder / part)
        (folder / "slurm").symlink_to("profiles/slurm")
        shutil.copy(Path(__file__).with_name("plan.yaml"), folder / "config/paper.yaml")
        return Plan(folder)

    return copy
