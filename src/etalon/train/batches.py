"""Which spectra a step sees: groups of spectra of one dataset each, all datasets equally often."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from etalon.seeds import derive_seed
from etalon.train.corpus import TrainingSet


@dataclass(frozen=True)
class Group:
    """Rows of one training set, and the generator of all that is random about them."""

    number: int  # of the set in the corpus
    source: TrainingSet
    rows: torch.Tensor
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
    """

    corpus: Sequence[TrainingSet]
    p_synthetic: float
    groups: int
    spectra: int
    seed: int

    def draw(self, step: int, number: int) -> Group:
        """Return group `number` of `step`; rows are drawn without replacement where the set has enough of them."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "group", step, number))
        kinds: tuple[list[int], list[int]] = ([], [])
        for index, candidate in enumerate(self.corpus):
            kinds[candidate.synthetic].append(index)
        synthetic = bool(torch.rand((), generator=generator) < self.p_synthetic)
        eligible = kinds[synthetic] or kinds[not synthetic]
        index = eligible[int(torch.randint(len(eligible), (), generator=generator))]
        source = self.corpus[index]
        n = len(source.batch)
        order = torch.randperm(n, generator=generator)
        rows = order[torch.arange(self.spectra) % n]
        return Group(index, source, rows.to(source.batch.intensities.device), generator)

    @property
    def spectra_per_step(self) -> int:
        return self.groups * self.spectra
