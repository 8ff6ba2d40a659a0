"""A run that is killed again and again, and resumed, ends with the tables of one that was left alone.

    python tests/trust/kill_and_resume.py --kills 50

Both runs compute the test configuration in folders of their own. The moments are random; each kill (SIGKILL) is one of
three: Snakemake and all its jobs, as a power cut; Snakemake alone, whose jobs live on beside the next attempt; one job
alone. After each, `snakemake --unlock` and the same command, as a user would type them.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "profiles", "envs", "src")
SHORTEST_S = 1.0  # to the next kill; Snakemake itself takes seconds to plan
MEASURED_TIMES = ("cost", "tab_phase6_cost")
KINDS = ("everything", "snakemake", "job")


def copy_to(folder: Path) -> Path:
    """Copy the workflow, without data and results."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, folder / part)
    return folder


def command(targets: Sequence[str], *options: str) -> list[str]:
    """Return the call of Snakemake; `targets` are targets and options that both runs get."""
    # Two jobs at once, so that a kill meets more than one.
    return [sys.executable, "-m", "snakemake", *targets, "--configfile", "config/test.yaml", "--cores", "2", *options]


def environment(folder: Path) -> dict[str, str]:
    hidden = ("ETALON_MIRROR", "SNAKEMAKE_PROFILE")
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    return variables | {
        "PYTHONPATH": str(folder / "src"),
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "TABPFN_MODEL_CACHE_DIR": str(folder / ".cache/tabpfn"),
    }


def start(folder: Path, targets: Sequence[str], *options: str) -> subprocess.Popen:
    """Start Snakemake as the leader of a group of processes; what it says goes to run.log."""
    log = (folder / "run.log").open("ab")
    return subprocess.Popen(
        command(targets, *options),
        cwd=folder,
        env=environment(folder),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def run_to_the_end(folder: Path, targets: Sequence[str]) -> None:
    unlock(folder, targets)
    if status := start(folder, targets).wait():
        tail = (folder / "run.log").read_text()[-3000:]
        sys.exit(f"the run in {folder} ended with status {status}:\n{tail}")


def unlock(folder: Path, targets: Sequence[str]) -> None:
    """Take away the lock that a killed Snakemake left."""
    locks = folder / ".snakemake/locks"
    if locks.exists() and any(locks.iterdir()):
        subprocess.run(
            command(targets, "--unlock"), cwd=folder, env=environment(folder), capture_output=True, check=True
        )


def jobs_of(process: subprocess.Popen) -> list[int]:
    """Return the stages that run below a process."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "-g", str(process.pid)], capture_output=True, text=True
    ).stdout.splitlines()
    return [int(line.split()[0]) for line in listed if "-m etalon." in line and "bash" not in line]


def kill(process: subprocess.Popen, kind: str, chance: random.Random) -> str:
    """Kill what `kind` says; where there is no job to kill, everything. Return what was killed."""
    jobs = jobs_of(process)
    if kind == "job" and jobs:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(jobs), signal.SIGKILL)
        process.wait()  # Snakemake ends its other jobs and leaves
        return kind
    if kind == "snakemake" and jobs:
        process.kill()
    else:
        kind = "everything"
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return kind


def kill_and_resume(folder: Path, targets: Sequence[str], kills: int, longest_s: float, seed: int) -> Counter[str]:
    """Kill the run `kills` times or until it is done, then let it end; return how often what was killed."""
    chance, killed = random.Random(seed), Counter[str]()
    for number in range(kills):
        unlock(folder, targets)
        process = start(folder, targets)
        try:
            process.wait(chance.uniform(SHORTEST_S, longest_s))
        except subprocess.TimeoutExpired:
            killed[kill(process, chance.choice(KINDS), chance)] += 1
            print(f"kill {number + 1}: {dict(killed)}", flush=True)
        else:
            if process.returncode == 0:
                print(f"done after {number} kills", flush=True)
                break
    run_to_the_end(folder, targets)
    return killed


def differences(left_alone: Path, resumed: Path) -> list[str]:
    """Return the final files of a run that another lacks or has other bytes of; measured times aside."""
    others = {path: resumed / path.relative_to(left_alone) for path in final_files(left_alone)}
    differ = (path for path, other in others.items() if not other.exists() or path.read_bytes() != other.read_bytes())
    return [str(path.relative_to(left_alone / "results/test")) for path in differ]


def final_files(folder: Path) -> list[Path]:
    """Return trained weights, metrics, tables and figures."""
    kinds = ("checkpoints/**/*.safetensors", "metrics/*", "tables/*", "figures/*")
    found = (path for kind in kinds for path in sorted((folder / "results/test").glob(kind)))
    return [path for path in found if path.is_file() and path.stem not in MEASURED_TIMES]


def left_over(folder: Path) -> list[str]:
    """Return the files that a kill left half-written under a temporary name."""
    return sorted(str(path.relative_to(folder)) for path in (folder / "results").rglob(".*-*") if path.is_file())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("targets", nargs="*", default=["all"])
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--longest", type=float, default=25.0, help="seconds to the next kill, at most")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--left-alone", type=Path, help="a folder in which the run is done already")
    arguments.add_argument("--config", nargs="*", default=[], help="what both runs get besides config/test.yaml")
    arguments.add_argument("--begun", type=Path, help="a folder in which the killed run goes on; a new one if left out")
    args = arguments.parse_args()
    targets = [*args.targets, *(["--config", *args.config] if args.config else [])]
    with tempfile.TemporaryDirectory(prefix="kill-and-resume-") as name:
        # Both now: an edit of the repository in the meantime would be another run.
        left_alone = args.left_alone or copy_to(Path(name) / "left_alone")
        resumed = args.begun or copy_to(Path(name) / "resumed")
        if args.left_alone is None:
            began = time.monotonic()
            run_to_the_end(left_alone, targets)
            print(f"left alone: {time.monotonic() - began:.0f} s", flush=True)
        began = time.monotonic()
        killed = kill_and_resume(resumed, targets, args.kills, args.longest, args.seed)
        different = differences(left_alone, resumed)
        count = len(final_files(left_alone))
        print(f"killed {killed.total()} times ({dict(killed)}), {time.monotonic() - began:.0f} s in all")
        print(f"{len(different)} of {count} final files differ: {', '.join(different) or 'none'}")
        print(f"half-written files left: {', '.join(left_over(resumed)) or 'none'}")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
