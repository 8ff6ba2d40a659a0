"""Benchmark scale: time and memory of generating and embedding a corpus, by its number of spectra.

200 products on 200 grids, in shards of at most 25,000 spectra; each shard is generated with its AsLS baselines by a
process of the stage `synthetic_corpus` and embedded with `fs` by one of `embed_corpus`, one after the other. Seconds
are those of a core (user and system, start of the interpreter included); memory is the largest of any process.
`--spectra 10000 100000 1000000` takes 15 minutes of a core; `--figure` draws what was measured. `shares` says where the
time of one process goes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from etalon.preprocess.asls import asls
from etalon.synthesis.corpus import corpus_set
from rounds import report

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
N_SETS, A_SHARD = 200, 25_000
STAGES = ("generate", "embed")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--spectra", type=int, nargs="+", default=[10_000, 30_000], help=f"multiples of {N_SETS}")
    arguments.add_argument("--scratch", type=Path, help="folder for one shard and its embeddings, 0.6 GB")
    arguments.add_argument("--figure", type=Path, help="PNG to draw")
    args = arguments.parse_args()
    if len(args.spectra) < 2 or min(args.spectra) < N_SETS:
        arguments.error(f"--spectra: expected at least two numbers from {N_SETS} on, found {args.spectra}")
    measured = []
    for spectra in args.spectra:
        measured.append(measure(spectra, args.scratch))
        print(json.dumps(measured[-1]), flush=True)
    if args.figure:
        draw(measured, args.figure)
    few, many = measured[-2:]
    report(
        "scale",
        # Time a spectrum of the last corpus but one over that of the last: 1 is linear.
        ratios={
            f"{stage}_linear": few[f"{stage}_core_s"] * many["spectra"] / few["spectra"] / many[f"{stage}_core_s"]
            for stage in STAGES
        },
        figures={"measured": measured, "shares": shares()},
    )


def measure(spectra: int, scratch: Path | None) -> dict[str, float]:
    """Generate and embed a corpus, a shard at a time; return seconds, memory and bytes."""
    shards = -(-spectra // A_SHARD)
    settings = json.dumps({"n_sets": N_SETS, "n_specimens": spectra // N_SETS, "shards": shards, "asls": ASLS})
    found = dict.fromkeys([f"{stage}_{what}" for stage in STAGES for what in ("core_s", "wall_s", "peak_mib")], 0.0)
    found |= {"spectra": spectra, "shards": shards, "corpus_bytes": 0, "embedding_bytes": 0}
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        shard, out = Path(folder) / "shard.safetensors", Path(folder) / "embeddings.npy"
        commands = {
            "generate": ["synthetic_corpus", "--settings", settings, "--seed", "1", "--out", str(shard)],
            "embed": ["embed_corpus", "--encoder", "fs", "--checkpoint", "none", "--shard", str(shard)],
        }
        commands["embed"] += ["--out", str(out), "--record", str(out.with_suffix(".json"))]
        for number in range(shards):
            for stage, command in commands.items():
                more = ["--shard", str(number)] if stage == "generate" else []
                core_s, wall_s, peak_mib = run_alone([*command, *more])
                found[f"{stage}_core_s"] += core_s
                found[f"{stage}_wall_s"] += wall_s
                found[f"{stage}_peak_mib"] = max(found[f"{stage}_peak_mib"], peak_mib)
            found["corpus_bytes"] += shard.stat().st_size
            found["embedding_bytes"] += out.stat().st_size
    return found


def run_alone(command: list[str]) -> tuple[float, float, float]:
    """Run a stage in a process of its own; return its seconds of a core, its wall time and its peak memory in MiB."""
    started = time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-m", f"etalon.stages.{command[0]}", *command[1:]]
    stage = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(stage.pid, 0)
    stage.returncode = os.waitstatus_to_exitcode(status)
    if stage.returncode:
        raise RuntimeError(f"{command[0]} ended with exit code {stage.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss / 1024


def shares(n_sets: int = 20, n_specimens: int = 250) -> dict[str, float]:
    """Return milliseconds a spectrum of the parts of generation, and the mean number of channels."""
    seconds, channels = {"spectra": 0.0, "asls": 0.0}, 0
    for number in range(n_sets):
        started = time.process_time()
        spectra = corpus_set(1, number, n_specimens)
        generated = time.process_time()
        kind = {"axis_unit": spectra.axis_unit, "modality": spectra.modality}
        asls(spectra.intensities, spectra.wavelengths, **kind, **ASLS)
        seconds["spectra"] += generated - started
        seconds["asls"] += time.process_time() - generated
        channels += len(spectra.wavelengths)
    per_spectrum = {f"ms_{name}": 1e3 * value / (n_sets * n_specimens) for name, value in seconds.items()}
    return per_spectrum | {"channels": channels / n_sets}


def draw(measured: list[dict[str, float]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, (time_axes, memory_axes) = plt.subplots(1, 2, figsize=(7.2, 2.9), layout="constrained")
    spectra = [found["spectra"] for found in measured]
    for stage, marker in zip(STAGES, "os", strict=True):
        time_axes.loglog(spectra, [found[f"{stage}_core_s"] for found in measured], marker=marker, label=stage)
        memory_axes.semilogx(spectra, [found[f"{stage}_peak_mib"] for found in measured], marker=marker, label=stage)
    memory_axes.axhline(2048, color="0.4", linestyle=":")
    memory_axes.annotate("2 GiB", (spectra[0], 2048), xytext=(0, -11), textcoords="offset points", color="0.4")
    time_axes.set(xlabel="spectra on 200 grids", ylabel="time of one core, s")
    memory_axes.set(xlabel="spectra on 200 grids", ylabel="largest process, MiB", ylim=(0, 2300))
    time_axes.legend(frameon=False)
    figure.savefig(path, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
