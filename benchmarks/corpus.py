"""Benchmark corpus: training on generated spectra that lie on disk, against the same spectra in memory.

One process, one thread of linear algebra, `fsnl` and `perceiver` of the paper's size and batches. `mapped` is what the
stage `pretrain` does: shards are mapped, and while a step is computed the system reads the groups of the next. Before
each of its turns the system is told to forget the files, so that every row comes from the disk, as in a corpus far
larger than memory. `waiting` is the same without announcing rows. The first step of a turn always waits.

`--spectra` makes the corpus larger; the share of it that a turn reads is `share_read`.
"""

import argparse
import json
import os
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from etalon.models.functional import LearnedFunctionSpace
from etalon.models.perceiver import Perceiver
from etalon.stages import synthetic_corpus
from etalon.train.batches import Sampler
from etalon.train.corpus import TrainingSet, load_synthetic
from etalon.train.episodic_objective import EpisodicObjective
from etalon.train.masked_objective import MaskedObjective
from rounds import best_times, report

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
N_SETS, SHARDS = 40, 4
BATCHES = {"fsnl": (4, 48), "perceiver": (16, 8)}  # groups, spectra of each


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--spectra", type=int, default=40_000)
    arguments.add_argument("--steps", type=int, default=10, help="in a turn")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--scratch", type=Path, help="folder for the corpus, on the disk to be measured")
    args = arguments.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        shards = write_corpus(Path(scratch), args.spectra)
        held = [in_memory(source) for source in load_synthetic(shards)]
        calls = {}
        for name in BATCHES:
            steps = partial(train, objective(name), name, steps=args.steps)
            steps(held, Sampler)  # kernels, and states of the optimiser
            calls |= {
                f"{name}_in_memory": partial(steps, held, Sampler),
                f"{name}_forget": partial(forget, shards),
                f"{name}_mapped": partial(from_disk, steps, shards, Sampler),
                f"{name}_forget_again": partial(forget, shards),
                f"{name}_waiting": partial(from_disk, steps, shards, Waiting),
            }
        times, results = best_times(calls, args.rounds)
        size = sum(path.stat().st_size for path in shards)
    seen = {name: args.steps * groups * spectra for name, (groups, spectra) in BATCHES.items()}
    report(
        "corpus",
        ratios={
            f"{name}_{way}": times[f"{name}_in_memory"] / times[f"{name}_{way}"]
            for name in BATCHES
            for way in ("mapped", "waiting")
        },
        figures={
            f"{name}_{way}_spectra_per_s": seen[name] / times[f"{name}_{way}"]
            for name in BATCHES
            for way in ("in_memory", "mapped", "waiting")
        }
        | {
            "spectra": args.spectra,
            "corpus_mib": size / 2**20,
            "share_read": {name: n / args.spectra for name, n in seen.items()},
            "waits_for_disk_a_spectrum": {
                f"{name}_{way}": results[f"{name}_{way}"] / n
                for name, n in seen.items()
                for way in ("mapped", "waiting")
            },
        },
    )


class Waiting(Sampler):
    """Rows are read when a step wants them."""

    def _announce(self, step: int, number: int) -> None:
        pass


def write_corpus(folder: Path, spectra: int) -> list[Path]:
    settings = json.dumps({"n_sets": N_SETS, "n_specimens": spectra // N_SETS, "shards": SHARDS, "asls": ASLS})
    shards = [folder / f"shard{number}.safetensors" for number in range(SHARDS)]
    for number, path in enumerate(shards):
        arguments = ["--settings", settings, "--seed", "1", "--shard", str(number), "--out", str(path)]
        synthetic_corpus.main(arguments)
    os.sync()  # what is not on the disk yet cannot be forgotten
    return shards


def in_memory(source: TrainingSet) -> TrainingSet:
    """Return a copy; a tensor left in the mapping would keep the system from forgetting the file."""
    batch, concentrations = source.batch, source.concentrations
    assert batch.baseline is not None and concentrations is not None
    copies = {name: getattr(batch, name).clone() for name in ("intensities", "wavelengths", "baseline", "categories")}
    return replace(source, batch=replace(batch, **copies), concentrations=concentrations.clone(), on_disk=())


def forget(shards: Sequence[Path]) -> None:
    """Ask the system to drop the files from its memory."""
    for path in shards:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def objective(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name == "fsnl":
        return EpisodicObjective(LearnedFunctionSpace(width=64), {"episodic": 1.0, "asls_prediction": 0.5})
    model = Perceiver(width=64, latents=32, layers=3, small=8)
    augment = ["drift", "tilt", "scatter", "noise", "trend", "band_dropout", "shift", "resolution"]
    losses = {"masked": 1.0, "baseline_consistency": 0.1}
    points = {"n_visible": 128, "n_masked": 128, "mask_share": (0.6, 0.8)}
    return MaskedObjective(model, losses, augment, n_sets=N_SETS, **points)


def train(trained: nn.Module, name: str, corpus: Sequence[TrainingSet], way: type[Sampler], steps: int) -> None:
    """Take some steps, as `etalon.train.loop` does."""
    groups, spectra = BATCHES[name]
    sampler = way(corpus, 1.0, groups, spectra, seed=1)
    optimiser = torch.optim.AdamW(trained.parameters(), lr=1e-4)
    for step in range(steps):
        with torch.no_grad():
            prepared = [trained.prepare(sampler.draw(step, number)) for number in range(groups)]
        loss = sum(trained.weights[part] * value for part, value in trained(prepared).items())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def from_disk(steps: partial, shards: Sequence[Path], way: type[Sampler]) -> int:
    """Train on the mapped corpus; return how often the process had to wait for the disk."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
    steps(load_synthetic(shards), way)
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt - before


if __name__ == "__main__":
    main()
