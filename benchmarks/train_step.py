"""Benchmark train_step: one step of masked modelling (forward, backward, AdamW) on spectra of mixed lengths.

A Perceiver of width 128 with 64 latents and 3 blocks, 70 % of every spectrum masked; synthetic spectra of 250 to 2,100
channels, the same for all:

- etalon: 128 visible and 128 masked points sampled of each spectrum, one dense tensor for every grid
- list_loop: one spectrum after the other, all visible points encoded, all masked points decoded
- padded: all points, padded to the longest, what is padded or masked hidden from the attention
- fsnl, fsnl_128: the functional encoder of width 64 (2 blocks) and 128 (3 blocks) with its own losses, episodic ridge
  and prediction of the baseline-corrected spectrum

`--validation N` trains etalon and list_loop for N spectra each, from the same weights, and compares the error of
reconstruction on specimens that neither has seen.
"""

import argparse
import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from etalon.augment.masking import block_mask
from etalon.losses.masked import masked_error
from etalon.models.encoder import GridBatch
from etalon.models.functional import LearnedFunctionSpace
from etalon.models.perceiver import Perceiver
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import Instrument
from etalon.synthesis.mixtures import RECIPES
from etalon.train.batches import Group
from etalon.train.corpus import TrainingSet
from etalon.train.episodic_objective import EpisodicObjective
from etalon.train.masked_objective import MaskedObjective
from etalon.train.optim import learning_rate
from rounds import best_times, report

# First and last wavelength in nm, number of channels.
GRIDS = [
    (900, 1700, 250),
    (1100, 2500, 350),
    (1000, 2500, 500),
    (400, 2500, 700),
    (1100, 2498, 1050),
    (400, 2400, 1400),
    (350, 2500, 1750),
    (350, 2500, 2100),
]
MASK_SHARE, N_POINTS = 0.7, 128
PEAK_RATE, WARM_UP = 1e-3, 20
Loss = Callable[[Sequence[Group]], Tensor]


def pool(specimens: range, device: torch.device) -> list[TrainingSet]:
    """Return one synthetic set a grid."""
    sets = []
    for number, (first, last, channels) in enumerate(GRIDS):
        wavelengths = np.linspace(first, last, channels)
        fwhm, noise = np.full(channels, max(3 * np.diff(wavelengths)[0], 8.0)), np.full(channels, 1e-4)
        instrument = Instrument(f"grid{number}", wavelengths, fwhm, noise, 0.0, "absorbance")
        recipe = list(RECIPES.values())[number % len(RECIPES)]
        scans = Generator(recipe, instrument, seed=number).scans(specimens)
        intensities, baseline, fractions = (
            torch.from_numpy(values).float().to(device) for values in (scans.spectra, scans.baseline, scans.fractions)
        )
        batch = GridBatch(intensities, torch.from_numpy(wavelengths).to(device), "nir", "nm", baseline)
        sets.append(TrainingSet(instrument.name, recipe.name, batch, fractions, None, None, {}))
    return sets


def groups(sets: Sequence[TrainingSet], spectra: int, step: int) -> list[Group]:
    """Return one group a grid; every method gets the same ones in the same step."""
    found = []
    for number, source in enumerate(sets):
        generator = torch.Generator().manual_seed(len(sets) * step + number)
        rows = torch.randint(len(source.batch), (spectra,), generator=generator)
        rows = rows.to(source.batch.intensities.device)
        fractions = None if source.concentrations is None else source.concentrations[rows]
        found.append(Group(number, source.batch.rows(rows), fractions, generator))
    return found


def dense(model: Perceiver) -> Loss:
    """The step of `etalon.train`."""
    objective = MaskedObjective(
        model,
        {"masked": 1.0},
        (),
        n_visible=N_POINTS,
        n_masked=N_POINTS,
        mask_share=(MASK_SHARE, MASK_SHARE),
        n_sets=len(GRIDS),
    )

    def loss(drawn: Sequence[Group]) -> Tensor:
        with torch.no_grad():
            views = [objective.prepare(group) for group in drawn]
        return objective(views)["masked"]

    return loss


def list_loop(model: Perceiver) -> Loss:
    def loss(drawn: Sequence[Group]) -> Tensor:
        errors = []
        for group in drawn:
            for row in range(len(group.batch)):
                errors.append(one_spectrum(model, group.batch.rows(slice(row, row + 1)), group.generator))
        return torch.cat(errors).mean()

    return loss


def one_spectrum(model: Perceiver, spectrum: GridBatch, generator: torch.Generator) -> Tensor:
    """Return the error of reconstruction of a batch of one, shape (1,)."""
    values, coordinates, log_weights = model.normalise(spectrum)
    masked = block_mask(1, coordinates, MASK_SHARE, generator)[0]
    seen = ~masked
    modality = torch.zeros(1, dtype=torch.int64, device=values.device)
    latents = model.latents(values[:, seen], coordinates[seen], log_weights[seen], modality)
    return masked_error(model.decode(model.small(latents), coordinates[masked]), values[:, masked])


def padded(model: Perceiver) -> Loss:
    def loss(drawn: Sequence[Group]) -> Tensor:
        parts: list[tuple[Tensor, ...]] = []
        for group in drawn:
            values, coordinates, log_weights = model.normalise(group.batch)
            masked = block_mask(len(values), coordinates, MASK_SHARE, group.generator)
            seen = log_weights.masked_fill(masked, -torch.inf)
            parts.append((values, coordinates.expand_as(values), seen, masked.float()))
        longest = max(values.shape[1] for values, *_ in parts)
        values, coordinates, seen, masked = (
            torch.cat([nn.functional.pad(p, (0, longest - p.shape[1]), value=filler) for p in column])
            for column, filler in zip(zip(*parts, strict=True), (0.0, 0.0, -torch.inf, 0.0), strict=True)
        )
        modality = torch.zeros(len(values), dtype=torch.int64, device=values.device)
        small = model.small(model.latents(values, coordinates, seen, modality))
        return masked_error(model.decode(small, coordinates), values, masked).mean()

    return loss


def functional(model: LearnedFunctionSpace) -> tuple[nn.Module, Loss]:
    objective = EpisodicObjective(model, {"episodic": 1.0, "asls_prediction": 1.0})

    def loss(drawn: Sequence[Group]) -> Tensor:
        with torch.no_grad():
            episodes = [objective.prepare(group) for group in drawn]
        return torch.stack(list(objective(episodes).values())).sum()

    return objective, loss


class Training:
    """A model's steps with AdamW; autocast to bfloat16 on an accelerator."""

    def __init__(self, model: nn.Module, loss: Loss, device: torch.device):
        self.model, self.loss, self.device = model, loss, device
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.05)

    def step(self, drawn: Sequence[Group]) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type != "cpu"):
            loss = self.loss(drawn)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()

    def run(self, sets: Sequence[TrainingSet], spectra: int, steps: range) -> None:
        for step in steps:
            self.step(groups(sets, spectra, step))
        if self.device.type != "cpu":
            torch.accelerator.synchronize()

    def fit(self, sets: Sequence[TrainingSet], spectra: int, steps: int) -> None:
        for step in range(steps):
            for parameters in self.optimiser.param_groups:
                parameters["lr"] = learning_rate(step, steps, PEAK_RATE, WARM_UP)
            self.step(groups(sets, spectra, step))


@torch.no_grad()
def validation_error(model: Perceiver, sets: Sequence[TrainingSet]) -> float:
    """Return the mean error over all masked points of all spectra, all visible points given."""
    generator = torch.Generator().manual_seed(0)
    rows = [source.batch.rows(slice(i, i + 1)) for source in sets for i in range(len(source.batch))]
    return float(torch.cat([one_spectrum(model, spectrum, generator) for spectrum in rows]).mean())


def validation(spectra: int, group: int, device: torch.device) -> dict[str, float]:
    """Return the validation error of both ways of training, and of predicting each spectrum's mean."""
    train, held_out = pool(range(200), device), pool(range(1000, 1032), device)
    torch.manual_seed(0)
    start = Perceiver().to(device)
    figures = {}
    for name, way in (("etalon", dense), ("list_loop", list_loop)):
        model = copy.deepcopy(start)
        Training(model, way(model), device).fit(train, group, max(1, spectra // (group * len(GRIDS))))
        figures[f"validation_error_{name}"] = validation_error(model, held_out)
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--spectra", type=int, default=16, help=f"of each of the {len(GRIDS)} grids in a step")
    arguments.add_argument(
        "--loop-spectra", type=int, default=16, help="the same for list_loop, whose rate is constant"
    )
    arguments.add_argument("--steps", type=int, default=1, help="in a round")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--validation", type=int, metavar="N", help="compare errors after N spectra each")
    args = arguments.parse_args()
    device = torch.device(args.device)

    sets = pool(range(64), device)
    torch.manual_seed(0)
    trainings = {}
    for name, way in (("etalon", dense), ("list_loop", list_loop), ("padded", padded)):
        model = Perceiver().to(device)
        trainings[name] = Training(model, way(model), device)
    for name, sizes in (("fsnl", {"width": 64, "layers": 2}), ("fsnl_128", {"width": 128, "layers": 3})):
        objective, loss = functional(LearnedFunctionSpace(**sizes).to(device))
        trainings[name] = Training(objective.to(device), loss, device)

    sizes = {name: args.loop_spectra if name == "list_loop" else args.spectra for name in trainings}
    for name, training in trainings.items():  # matrices of the grids, kernels, states of the optimiser
        training.run(sets, min(sizes[name], 2), range(1))
    calls = {
        name: lambda name=name: trainings[name].run(sets, sizes[name], range(1, 1 + args.steps)) for name in trainings
    }
    times, _ = best_times(calls, args.rounds)
    rates = {name: len(GRIDS) * sizes[name] * args.steps / seconds for name, seconds in times.items()}
    figures = {f"spectra_per_s_{name}": rate for name, rate in rates.items()}
    if args.validation:
        figures |= validation(args.validation, args.spectra, device)
    report(
        "train_step",
        ratios={
            "list_loop": rates["etalon"] / rates["list_loop"],
            "padded": rates["etalon"] / rates["padded"],
            "fsnl_list_loop": rates["fsnl"] / rates["list_loop"],
            "fsnl_128_list_loop": rates["fsnl_128"] / rates["list_loop"],
        },
        figures={"spectra_per_step": len(GRIDS) * args.spectra, **figures},
    )


if __name__ == "__main__":
    main()
