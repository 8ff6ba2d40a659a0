"""Benchmark chemomae: training and embedding, against ChemoMAE, a masked autoencoder for spectra on one fixed grid.

ChemoMAE (the package `chemomae`, tested with 0.2.4) reads spectra of 256 points that all lie on one grid. So all
encoders get such spectra here: a soil dataset interpolated to 256 points, and synthetic grain and dairy powder.

Rate: spectra a second of a whole training step (masks or episodes, forward, backward, AdamW), equally many spectra a
step, its default size against the sizes that Etalon's configuration starts from. Error: each encoder is trained on
equally many spectra, drawn alike from the same sets; then ridge on the frozen embedding, with mean and standard
deviation of the spectrum beside it, predicts each soil property (RMSECV, leaving out one specimen at a time). The soil
spectra are among the training spectra of all, without their labels. Of ChemoMAE's read-outs (latent, latent before its
normalisation, CLS) and of two learning rates, its own and ours, the one with the lowest error counts. Errors are
relative to that of ridge on the SNV spectra, geometric means over properties.

Ratios above 1: Etalon is faster, or has the lower error; those without a suffix are of `fsnl`. The dataset has to be
imported: `snakemake data/real/soil_nirsoil/metadata.json`. The package has to be on the path: `pip install --no-deps
--target <folder> chemomae`, then `PYTHONPATH=<folder>`; without it the last line says so.
"""

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from tqdm import trange

from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.contracts import SpectraSet
from etalon.data.folds import group_specimens
from etalon.evaluate.embedding_heads import BlockScaler
from etalon.models.encoder import Encoder, GridBatch, embed_grid
from etalon.models.functional import LearnedFunctionSpace, snv
from etalon.models.perceiver import Perceiver
from etalon.preprocess.asls import asls
from etalon.seeds import derive_seed
from etalon.storage import load_set
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import Instrument
from etalon.synthesis.mixtures import RECIPES
from etalon.train.batches import Sampler
from etalon.train.corpus import TrainingSet
from etalon.train.episodic_objective import EpisodicObjective
from etalon.train.masked_objective import MaskedObjective
from etalon.train.optim import learning_rate, parameter_groups
from rounds import best_times, report

N_POINTS = 256
N_SYNTHETIC = 600  # spectra of each product
P_SYNTHETIC = 0.5
BATCH = 96
ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
PEER_RATE, OUR_RATE = 1.5e-4, 1e-3
READ_OUTS = ("latent", "raw_latent", "cls")

Blocks = dict[str, np.ndarray]


@dataclass(frozen=True)
class Contender:
    """An encoder in training.

    `loss` gives the loss of a step, `embeddings` the read-outs of spectra as measured by name, each shape (n, size).
    """

    module: nn.Module  # holds every trained parameter
    optimiser: torch.optim.Optimizer
    rate: float
    loss: Callable[[int], Tensor]
    embeddings: Callable[[GridBatch], Blocks]

    def train(self, steps: range, total: int) -> None:
        self.module.train()
        for step in steps:
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate(step, total, self.rate, warm_up=max(1, total // 10))
            loss = self.loss(step)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
            self.optimiser.step()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("data/real/soil_nirsoil"))
    arguments.add_argument("--spectra", type=int, default=6144, help="spectra seen by each training")
    arguments.add_argument("--seeds", type=int, default=2, help="trainings of each encoder")
    arguments.add_argument("--rounds", type=int, default=5)
    args = arguments.parse_args()
    sys.path.remove(str(Path(__file__).resolve().parent))  # or this file would be found in the package's place
    if importlib.util.find_spec("chemomae") is None:
        missing = "not run: the package chemomae is not installed"
        machine = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}
        print(json.dumps({"benchmark": "chemomae", "ratios": {}, "figures": {}, "machine": machine, "status": missing}))
        return

    torch.set_num_threads(2)
    soils = load_set(args.data)
    grid = np.linspace(soils.wavelengths[0], soils.wavelengths[-1], N_POINTS)
    corpus = [real_set(soils, grid), *(synthetic_set(name, grid) for name in RECIPES)]
    makers: dict[str, Callable[[int], Contender]] = {
        "fsnl": lambda seed: functional(corpus, seed),
        "perceiver": lambda seed: perceiver(corpus, seed),
        "chemomae": lambda seed: chemomae(corpus, seed, PEER_RATE),
        "chemomae_our_rate": lambda seed: chemomae(corpus, seed, OUR_RATE),
    }
    with threadpool_limits(2):
        timed = {name: makers[name](0) for name in ("fsnl", "perceiver", "chemomae")}
        calls = {name: lambda c=contender: c.train(range(4), 1000) for name, contender in timed.items()}
        times, _ = best_times(calls, args.rounds)
        errors: dict[str, list[float]] = {}
        for seed in range(args.seeds):
            for name, make in makers.items():
                contender, steps = make(seed), args.spectra // BATCH
                for step in trange(steps, desc=name, unit="step"):
                    contender.train(range(step, step + 1), steps)
                for read_out, block in contender.embeddings(corpus[0].batch).items():
                    errors.setdefault(f"{name}_{read_out}", []).append(relative_error(block, soils, corpus[0].batch))

    rates = {name: 4 * BATCH / seconds for name, seconds in times.items()}
    error = {name: float(np.mean(found)) for name, found in errors.items()}
    peer = min(value for name, value in error.items() if name.startswith("chemomae"))
    report(
        "chemomae",
        ratios={
            "spectra_per_s": rates["fsnl"] / rates["chemomae"],
            "ridge_error": peer / error["fsnl_learned"],
            "spectra_per_s_perceiver": rates["perceiver"] / rates["chemomae"],
            "ridge_error_perceiver": peer / error["perceiver_learned"],
        },
        figures={
            "spectra_trained_on": float(args.spectra),
            "seeds": float(args.seeds),
            **{f"spectra_per_s_{name}": rate for name, rate in rates.items()},
            **{f"parameters_{name}": float(n_weights(c)) for name, c in timed.items()},
            **{f"error_{name}": value for name, value in error.items()},
        },
    )


def real_set(soils: SpectraSet, grid: np.ndarray) -> TrainingSet:
    spectra = np.stack([np.interp(grid, soils.wavelengths, spectrum) for spectrum in soils.intensities])
    return training_set(soils.metadata.dataset_id, spectra, grid, None)


def synthetic_set(recipe: str, grid: np.ndarray) -> TrainingSet:
    full = np.ones(N_POINTS)
    instrument = Instrument(f"{N_POINTS} points", grid, 10.0 * full, 1e-4 * full, 0.0, "absorbance")
    scans = Generator(RECIPES[recipe], instrument, seed=1).scans(range(N_SYNTHETIC))
    return training_set(recipe, scans.spectra, grid, scans.fractions)


def training_set(name: str, spectra: np.ndarray, grid: np.ndarray, fractions: np.ndarray | None) -> TrainingSet:
    baseline = asls(spectra, grid, axis_unit="nm", modality="nir", **ASLS)
    tensors = [torch.from_numpy(np.array(values, np.float32)) for values in (spectra, baseline)]
    batch = GridBatch(tensors[0], torch.from_numpy(grid), "nir", "nm", tensors[1])
    concentrations = None if fractions is None else torch.from_numpy(fractions.astype(np.float32))
    return TrainingSet(name, name, batch, concentrations, None, None, {})


def functional(corpus: list[TrainingSet], seed: int) -> Contender:
    torch.manual_seed(derive_seed(seed, "fsnl"))
    model = LearnedFunctionSpace()
    objective = EpisodicObjective(model, {"episodic": 1.0, "asls_prediction": 0.5})
    return ours(objective, model, Sampler(corpus, P_SYNTHETIC, 2, BATCH // 2, seed), rate=2e-3, weight_decay=0.02)


def perceiver(corpus: list[TrainingSet], seed: int) -> Contender:
    torch.manual_seed(derive_seed(seed, "perceiver"))
    model = Perceiver(width=64, latents=32, layers=3, heads=4, small=8)
    points: dict[str, Any] = {"n_visible": 128, "n_masked": 128, "mask_share": (0.6, 0.8)}
    objective = MaskedObjective(model, {"masked": 1.0}, [], n_sets=len(corpus), **points)
    return ours(objective, model, Sampler(corpus, P_SYNTHETIC, 12, BATCH // 12, seed), rate=1e-3, weight_decay=0.05)


def ours(objective: Any, model: Encoder, sampler: Sampler, rate: float, weight_decay: float) -> Contender:
    optimiser = torch.optim.AdamW(parameter_groups(objective, weight_decay), lr=rate)

    def loss(step: int) -> Tensor:
        with torch.no_grad():
            prepared = [objective.prepare(sampler.draw(step, number)) for number in range(sampler.groups)]
        return sum(objective.weights[name] * value for name, value in objective(prepared).items())

    def embeddings(batch: GridBatch) -> Blocks:
        return {"learned": embed_grid(model, batch)["learned"]}

    return Contender(objective, optimiser, rate, loss, embeddings)


def chemomae(corpus: list[TrainingSet], seed: int, rate: float) -> Contender:
    """Return ChemoMAE at its default size, trained on SNV spectra as its documentation shows."""
    from chemomae.models import ChemoMAE
    from chemomae.models.losses import masked_mse
    from chemomae.training import build_optimizer

    torch.manual_seed(derive_seed(seed, "chemomae"))
    model = ChemoMAE(seq_len=N_POINTS)
    sampler = Sampler(corpus, P_SYNTHETIC, 2, BATCH // 2, seed)
    masks = torch.Generator().manual_seed(seed)

    def loss(step: int) -> Tensor:
        groups = [sampler.draw(step, number) for number in range(sampler.groups)]
        x = torch.cat([snv(group.batch.intensities) for group in groups])
        reconstructed, _, visible = model(x, generator=masks)
        return masked_mse(reconstructed, x, ~visible)

    @torch.inference_mode()
    def embeddings(batch: GridBatch) -> Blocks:
        model.eval()
        x = snv(batch.intensities)
        return {name: model.encode(x, representation=name).numpy() for name in READ_OUTS}

    return Contender(model, build_optimizer(model, lr=rate), rate, loss, embeddings)


def n_weights(contender: Contender) -> int:
    return sum(parameter.numel() for parameter in contender.module.parameters())


def relative_error(block: np.ndarray, soils: SpectraSet, batch: GridBatch) -> float:
    """Return RMSECV of ridge on an embedding over that on SNV spectra, the geometric mean over soil properties."""
    x = batch.intensities.numpy()
    stats = np.stack([x.mean(axis=1), x.std(axis=1)], axis=1)
    groups = group_specimens(soils)
    logarithms = []
    for y in soils.reference.T:
        rows = np.isfinite(y)

        def rmsecv(*blocks: np.ndarray, rows: np.ndarray = rows, y: np.ndarray = y) -> float:
            parts = [part[rows].astype(float) for part in blocks]
            X = BlockScaler().fit(parts).transform(parts)
            return LeaveSpecimenOutRidge().fit(X, y[rows], groups[rows]).rmsecv_

        logarithms.append(np.log(rmsecv(block, stats) / rmsecv(snv(batch.intensities).numpy(), stats)))
    return float(np.exp(np.mean(logarithms)))


if __name__ == "__main__":
    main()
