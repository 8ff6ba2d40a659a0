"""Benchmark asls: AsLS baselines of a table of spectra on disk, against a plain loop over the same library.

Both read float32 spectra of 2,100 points from a .npy file and write their baselines to another: the stage
`precompute_asls` with one worker a core, and one `pybaselines.Baseline` object called for one row after the other.
Timed on 3,000 synthetic spectra, or on 15,000 with `--full`; `ratio_on_one_core` leaves the workers out. The streamed
run is the stage in a process of its own, on four times as many spectra, or on 100,000 with `--full`: its time
includes the start of the interpreter, its memory is the sum over its processes, pages that they share
counted in each.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from pybaselines import Baseline
from threadpoolctl import threadpool_limits

from etalon.contracts import Metadata
from etalon.preprocess.asls import asls
from etalon.stages import precompute_asls
from etalon.storage import save_array, save_json
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import Instrument
from etalon.synthesis.mixtures import RECIPES
from rounds import best_times, report

N_CHANNELS = 2100
SETTINGS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 50, "tol": 1e-3}
WORKERS = os.cpu_count() or 1


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--full", action="store_true", help="15,000 and 100,000 spectra")
    arguments.add_argument("--spectra", type=int, default=3000, help="that are timed, without --full")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--scratch", type=Path, help="folder for the files, 2 GB with --full")
    args = arguments.parse_args()
    n_timed, n_streamed = (15_000, 100_000) if args.full else (args.spectra, 4 * args.spectra)

    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch, threadpool_limits(1):
        folder = Path(scratch) / "timed"
        spectra, wavelengths = write_set(folder, n_timed)
        lam = SETTINGS["lam"] * (SETTINGS["reference_step_nm"] / np.median(np.diff(wavelengths))) ** 4

        def stage() -> np.ndarray:
            precompute_asls.main(stage_arguments(folder))
            return np.load(folder / "baseline_asls.npy", mmap_mode="r")

        def one_process() -> np.ndarray:
            library = Baseline(wavelengths, check_finite=False, assume_sorted=True)
            table = np.load(folder / "spectra.npy")
            baselines = np.empty_like(table)
            for row, spectrum in enumerate(table):
                baselines[row] = library.asls(spectrum, lam, SETTINGS["p"], max_iter=50, tol=1e-3)[0]
            save_array(folder / "baseline_loop.npy", baselines)
            return baselines

        some = spectra[:2000]
        in_step = {"axis_unit": "nm", "modality": "nir", **SETTINGS}
        calls = {"stage": stage, "one_process": one_process, "in_step": lambda: asls(some, wavelengths, **in_step)}
        times, results = best_times(calls, args.rounds)
        differences = np.abs(results["stage"] - results["one_process"]).max(axis=1) / np.ptp(spectra, axis=1)
        streamed = Path(scratch) / "streamed"
        write_set(streamed, n_streamed, like=spectra)
        seconds, peak_mib = run_alone(streamed)

    per_spectrum = {
        name: times[name] / n for name, n in (("stage", n_timed), ("one_process", n_timed), ("in_step", len(some)))
    }
    report(
        "asls",
        ratios={"one_process": times["one_process"] / times["stage"]},
        figures={
            "spectra": n_timed,
            "channels": N_CHANNELS,
            "workers": WORKERS,
            "ms_a_spectrum": 1e3 * per_spectrum["stage"],
            "ms_a_spectrum_one_process": 1e3 * per_spectrum["one_process"],
            "ratio_on_one_core": per_spectrum["one_process"] / per_spectrum["in_step"],
            "largest_difference_of_range": float(differences.max()),
            "spectra_streamed": n_streamed,
            "ms_a_spectrum_streamed": 1e3 * seconds / n_streamed,
            "peak_memory_mib": peak_mib,
        },
    )


def write_set(folder: Path, n_spectra: int, like: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Write what the stage reads of a dataset; return spectra and wavelengths. `like`: repeat these spectra."""
    wavelengths = np.linspace(1000.0, 2500.0, N_CHANNELS)
    if like is None:
        full = np.full(N_CHANNELS, 1.0)
        grating = Instrument("wide grating", wavelengths, 10.0 * full, 1e-4 * full, 0.0, "absorbance")
        like = Generator(RECIPES["grain"], grating, seed=1).scans(range(n_spectra)).spectra.astype(np.float32)
    save_array(folder / "spectra.npy", np.resize(like, (n_spectra, N_CHANNELS)))
    save_array(folder / "wavelengths.npy", wavelengths)
    metadata = Metadata("benchmark", "benchmark", "Synthetic grain", "nir", "absorbance", "nm", synthetic=True)
    save_json(folder / "metadata.json", metadata.to_json())
    return like, wavelengths


def stage_arguments(folder: Path) -> list[str]:
    out = str(folder / "baseline_asls.npy")
    return ["--data", str(folder), "--settings", json.dumps(SETTINGS), "--threads", str(WORKERS), "--out", out]


def run_alone(folder: Path) -> tuple[float, float]:
    """Run the stage in a process of its own; return seconds, and the peak of the memory of all its processes in MiB."""
    command = [sys.executable, "-m", "etalon.stages.precompute_asls", *stage_arguments(folder)]
    started, peak = time.perf_counter(), 0
    stage = psutil.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    while stage.poll() is None:
        peak = max(peak, sum(resident(process) for process in [stage, *children(stage)]))
        time.sleep(0.02)
    if stage.returncode:
        raise subprocess.CalledProcessError(stage.returncode, command)
    return time.perf_counter() - started, peak / 2**20


def children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
