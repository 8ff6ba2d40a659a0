"""Benchmark embed: spectra a second through each encoder, against the rates that were set as goals.

Synthetic grain spectra of 700 points, AsLS baselines given, `fs` and untrained `fsnl` and `perceiver`, chunks of 256;
torch on all cores, `fs` on one. `_a_cpu_s` are spectra a CPU-second of one thread, which a busy machine leaves nearly
alone. Peak memory is that of a process of its own that embeds 4,096 spectra a chunk at a time and keeps no result;
`growth_mib` is by how much it exceeds that of one with 1,024.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import psutil
import torch

from etalon.models.encoder import Encoder, GridBatch, embed_grid
from etalon.models.functional import FunctionSpace, LearnedFunctionSpace
from etalon.models.perceiver import Perceiver
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import Instrument
from etalon.synthesis.mixtures import RECIPES
from rounds import best_times, report

N_CHANNELS = 700
CHUNK = 256
FEW, MANY = 1024, 4096
WORKERS = os.cpu_count() or 1
ENCODERS = {
    "fs": FunctionSpace,
    "fsnl_64": partial(LearnedFunctionSpace, width=64, layers=2),
    "fsnl_128": partial(LearnedFunctionSpace, width=128, layers=3),
    "perceiver": partial(Perceiver, width=128, latents=64, layers=3),
}
GOALS = {"fs": 10_000.0, "fsnl_64": 3_000.0, "fsnl_128": 700.0, "perceiver": 300.0}  # spectra a second on 2 cores
TIMED = {"fs": 4 * FEW, "fsnl_64": FEW, "fsnl_128": FEW, "perceiver": FEW // 2}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--encoders", nargs="+", choices=[*ENCODERS], default=[*ENCODERS])
    arguments.add_argument("--rounds", type=int, default=5)
    args = arguments.parse_args()

    peaks = {name: {n: peak_mib(name, n) for n in (FEW, MANY)} for name in args.encoders}
    calls = {}
    for name in args.encoders:
        encoder, batch = make_encoder(name), make_batch(TIMED[name])
        embed_grid(encoder, batch.rows(slice(0, CHUNK)), CHUNK)  # matrices of the grid
        calls[name] = partial(embed_grid, encoder, batch, CHUNK)
    torch.set_num_threads(1)
    cpu_rates = {name: TIMED[name] / cpu_seconds(call) for name, call in calls.items()}
    torch.set_num_threads(WORKERS)
    times, _ = best_times(calls, args.rounds)
    rates = {name: TIMED[name] / seconds for name, seconds in times.items()}
    report(
        "embed",
        ratios={name: rate / GOALS[name] for name, rate in rates.items()},
        figures={f"{name}_spectra_per_s": rate for name, rate in rates.items()}
        | {f"{name}_spectra_a_cpu_s": rate for name, rate in cpu_rates.items()}
        | {
            "channels": N_CHANNELS,
            "peak_mib": {name: peak[MANY] for name, peak in peaks.items()},
            "growth_mib": {name: peak[MANY] - peak[FEW] for name, peak in peaks.items()},
        },
    )


def cpu_seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def make_encoder(name: str) -> Encoder:
    torch.manual_seed(0)
    return ENCODERS[name]()


def make_batch(n: int) -> GridBatch:
    wavelengths = np.linspace(1000.0, 2500.0, N_CHANNELS)
    full = np.full(N_CHANNELS, 1.0)
    grating = Instrument("wide grating", wavelengths, 10.0 * full, 1e-4 * full, 0.0, "absorbance")
    some = Generator(RECIPES["grain"], grating, seed=1).scans(range(CHUNK)).spectra
    spectra = torch.from_numpy(np.resize(some, (n, N_CHANNELS))).float()
    baseline = spectra.amin(dim=1, keepdim=True).expand_as(spectra)
    return GridBatch(spectra, torch.from_numpy(wavelengths), "nir", "nm", baseline)


def embed_many(name: str, n: int) -> None:
    torch.set_num_threads(1)
    encoder, batch = make_encoder(name), make_batch(CHUNK)
    for _ in range(n // CHUNK):
        embed_grid(encoder, batch, CHUNK)


def peak_mib(name: str, n: int) -> float:
    """Return the peak memory of a process that embeds n spectra, in MiB."""
    process = multiprocessing.get_context("spawn").Process(target=embed_many, args=(name, n))
    process.start()
    watched, peak = psutil.Process(process.pid), 0
    while process.is_alive():
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.01)
    process.join()
    if process.exitcode:
        raise RuntimeError(f"embedding with {name} ended with exit code {process.exitcode}")
    return peak / 2**20


if __name__ == "__main__":
    main()
