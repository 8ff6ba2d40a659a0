"""Which spectra a step sees: groups of spectra of one dataset each, all datasets equally often."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from etalon.models.encoder import GridBatch
from etalon.seeds import derive_seed
from etalon.train.corpus import TrainingSet


@dataclass(frozen=True)
class Group:
    """Spectra drawn from one training set.

    Attributes
    ----------
    number : of the set in the corpus
    batch : the spectra, on the device of the training
    concentrations : float32, shape (n, n_components), of synthetic spectra; None for real ones
    generator : of all that is random about them
    """

    number: int
    batch: GridBatch
    concentrations: torch.Tensor | None
    generator: torch.Generator


def drawn_sets(real: Sequence[TrainingSet], synthetic: Sequence[TrainingSet], p_synthetic: float) -> list[TrainingSet]:
    """Return the sets that a training with a share `p_synthetic` of synthetic groups draws from."""
    if p_synthetic >= 1 and synthetic:
        return [*synthetic]
    return [*real] if p_synthetic <= 0 and real else [*real, *synthetic]


@dataclass(frozen=True)
class Sampler:
    """Draws the groups of a step. A group depends on the seed, the step and its number alone.

    Attributes
    ----------
    corpus : real and synthetic sets
    p_synthetic : share of groups that are synthetic, where the corpus holds both kinds
    groups, spectra : groups a step, spectra a group
    seed : of the training
    device : where groups are wanted
    """

    corpus: Sequence[TrainingSet]
    p_synthetic: float
    groups: int
    spectra: int
    seed: int
    device: torch.device | str = "cpu"

    def draw(self, step: int, number: int) -> Group:
        """Return group `number` of `step`; that of the next step is read from disk in the meantime."""
        self._announce(step + 1, number)
        index, rows, generator = self._choose(step, number)
        source = self.corpus[index]
        rows = rows.to(source.batch.intensities.device)
        concentrations = None if source.concentrations is None else source.concentrations[rows].to(self.device)
        return Group(index, source.batch.rows(rows).to(self.device), concentrations, generator)

    def _choose(self, step: int, number: int) -> tuple[int, torch.Tensor, torch.Generator]:
        """Return set and rows of a group, drawn without replacement where the set has enough of them."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "group", step, number))
        synthetic = bool(torch.rand((), generator=generator) < self.p_synthetic)
        eligible = self._kinds[synthetic] or self._kinds[not synthetic]
        index = eligible[int(torch.randint(len(eligible), (), generator=generator))]
        n = len(self.corpus[index].batch)
        order = torch.randperm(n, generator=generator)
        return index, order[torch.arange(self.spectra) % n], generator

    def _announce(self, step: int, number: int) -> None:
        if self._all_in_memory:
            return
        index, rows, _ = self._choose(step, number)
        for tensor in self.corpus[index].on_disk:
            tensor.announce(rows.tolist())

    @cached_property
    def _all_in_memory(self) -> bool:
        return not any(source.on_disk for source in self.corpus)

    @cached_property
    def _kinds(self) -> tuple[list[int], list[int]]:
        """Numbers of the real and of the synthetic sets."""
        kinds: tuple[list[int], list[int]] = ([], [])
        for index, candidate in enumerate(self.corpus):
            kinds[candidate.synthetic].append(index)
        return kinds

    @property
    def spectra_per_step(self) -> int:
        return self.groups * self.spectra
