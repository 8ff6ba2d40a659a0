"""Models of study 3 with trained weights, on one trial after another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from etalon.evaluate.soil_fidelity import channels, example, latent_table, linear_conversion
from etalon.evaluate.soil_heads import Bench, Inputs, Trial, linear
from etalon.evaluate.soil_sets import snv
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE
from etalon.train.property_head import PropertyPerceptrons
from etalon.train.vae import decoded, latents_of


@dataclass(frozen=True)
class Autoencoders:
    """By name; of the trained ones the first is the main one, untrained ones are controls."""

    trained: Mapping[str, VAE]
    untrained: Mapping[str, VAE]

    @property
    def main(self) -> str:
        return next(iter(self.trained))


@dataclass
class LearnedModels:
    """Runs every model of one split and seed and keeps what it gives.

    Attributes
    ----------
    bridges : NIR encoders by name, the main one first; grid : of the MIR spectra, cm-1; heads : settings of heads
    predictions, latents, spectra, examples : tables, one or more a trial; gaps : properties that cannot be compared
    """

    vaes: Autoencoders
    bridges: Mapping[str, NIRToMIR]
    grid: np.ndarray
    heads: Mapping[str, Any]
    predictions: list[pd.DataFrame] = field(default_factory=list)
    latents: list[pd.DataFrame] = field(default_factory=list)
    spectra: list[pd.DataFrame] = field(default_factory=list)
    examples: list[pd.DataFrame] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)

    def run(self, trial: Trial, seed: int, number: int) -> None:
        """Fit and apply everything on one trial. `seed` is the main one, `number` that of the trained weights."""
        bench = Bench(trial, seed, number)
        if trial.measures("mir"):
            self._on_mir(trial, bench)
        if trial.measures("nir") and self.bridges:
            self._on_nir(trial, bench)
        self.predictions += bench.tables
        self.gaps += bench.not_run

    def _on_mir(self, trial: Trial, bench: Bench) -> None:
        trained, tested = map(snv, trial.spectra("mir"))
        self._perceptrons(bench, Inputs("mir", "", trained, tested))
        for variant, vae in {**self.vaes.trained, **self.vaes.untrained}.items():
            inputs = Inputs("mir_latent", variant, latents_of(vae, trained), latents_of(vae, tested))
            made = decoded(vae, inputs.test)
            mean = trained.mean(axis=0)
            self.spectra.append(channels(trial, "reconstructed", variant, self.grid, tested, made, mean))
            self._linear(bench, inputs, "ridge")
            if variant == self.vaes.main or variant in self.vaes.untrained:
                self._perceptrons(bench, inputs)
            if variant == self.vaes.main:
                self._linear(bench, inputs, "evidence")
                self.latents.append(latent_table(trial, "mir", variant, inputs.train, inputs.test))
                self.examples.append(example(trial, "reconstructed", variant, self.grid, tested, made))

    def _on_nir(self, trial: Trial, bench: Bench) -> None:
        trained, tested = map(snv, trial.spectra("nir"))
        self._perceptrons(bench, Inputs("nir", "", trained, tested))
        if trial.has("mir"):
            soils, mir = trial.train.groups[trial.train_rows], snv(trial.spectra("mir")[0])
            self._converted(trial, "linear", linear_conversion(trained, mir, soils, tested))
        main = next(iter(self.bridges))
        for variant, bridge in self.bridges.items():
            inputs = Inputs("nir_to_mir_latent", variant, latents_of(bridge, trained), latents_of(bridge, tested))
            made = [decoded(bridge, latents) for latents in (inputs.train, inputs.test)]
            self._linear(bench, inputs, "ridge")
            if trial.has("mir"):
                self._converted(trial, variant, made[1])
            if variant == main:
                self._perceptrons(bench, inputs)
                self._perceptrons(bench, Inputs("nir_to_mir", variant, made[0], made[1]))
                self.latents.append(latent_table(trial, "nir_to_mir", variant, inputs.train, inputs.test))
                if trial.has("mir"):
                    measured = snv(trial.spectra("mir")[1])
                    self.examples.append(example(trial, "converted", variant, self.grid, measured, made[1]))

    def _converted(self, trial: Trial, variant: str, made: np.ndarray) -> None:
        own, measured = map(snv, trial.spectra("mir"))
        self.spectra.append(channels(trial, "converted", variant, self.grid, measured, made, own.mean(axis=0)))

    def _perceptrons(self, bench: Bench, inputs: Inputs) -> None:
        seed = bench.seed_of(inputs.name, inputs.variant, "mlp")
        bench.run(inputs, "mlp", lambda: PropertyPerceptrons(self.heads, seed))

    def _linear(self, bench: Bench, inputs: Inputs, head: str) -> None:
        seed = bench.seed_of(inputs.name, head)
        bench.run(inputs, head, lambda: linear(head, self.heads, inputs.blocks, seed))
