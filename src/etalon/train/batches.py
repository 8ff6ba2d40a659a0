"""Which spectra a step sees: groups of spectra of one dataset each, all datasets equally often."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import torch

from etalon.models.encoder import GridBatch
from etalon.seeds import derive_seed
from etalon.train.corpus import TrainingSet

# Threads that wait for a disk, not for a processor.
_READERS = 8


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
    device: torch.device = torch.device("cpu")

    def draw(self, step: int, number: int) -> Group:
        """Return group `number` of `step`; rows are drawn without replacement where the set has enough of them."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "group", step, number))
        synthetic = bool(torch.rand((), generator=generator) < self.p_synthetic)
        eligible = self._kinds[synthetic] or self._kinds[not synthetic]
        index = eligible[int(torch.randint(len(eligible), (), generator=generator))]
        source = self.corpus[index]
        n = len(source.batch)
        order = torch.randperm(n, generator=generator)
        rows = order[torch.arange(self.spectra) % n].to(source.batch.intensities.device)
        concentrations = None if source.concentrations is None else source.concentrations[rows].to(self.device)
        return Group(index, source.batch.rows(rows).to(self.device), concentrations, generator)

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


class ReadAhead(Sampler):
    """A sampler that draws the groups of the next step while one is computed: none waits for a disk."""

    def draw(self, step: int, number: int) -> Group:
        waiting = self._drawn.pop((step, number), None)
        self._drawn[step + 1, number] = self._readers.submit(super().draw, step + 1, number)
        return super().draw(step, number) if waiting is None else waiting.result()

    @cached_property
    def _drawn(self) -> dict[tuple[int, int], "Future[Group]"]:
        return {}

    @cached_property
    def _readers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_READERS, thread_name_prefix="read-ahead")
