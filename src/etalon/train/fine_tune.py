"""Fine-tuning: an encoder is trained further on the reference values of one dataset."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from etalon.losses.episodic import episodic_ridge
from etalon.models.encoder import Encoder, GridBatch
from etalon.models.perceiver import Perceiver
from etalon.train.optim import learning_rate

BLOCKS = ("learned", "stats")  # what a ridge on the frozen embedding reads as well
WARM_UP = 0.1  # share of all steps
CLIP = 1.0  # largest norm of the gradient
QUERY_SHARE = 0.25  # of the specimens of a step
FEWEST = 4  # rows of a quantity that a step needs, to solve on and to score
# The perceiver reads so many points of a spectrum in a step, others in each; an embedding is always that of all points.
POINTS = 128
# Attention projections and the two linear maps of each transformer block, in every encoder; not what reads them out.
ADAPTED = r"(read|layers\.\d+|transformer\.\d+)\.(queries|qkv|output|up|down)"


@dataclass(frozen=True)
class Plan:
    """How an encoder is fine-tuned.

    Attributes
    ----------
    method : "full", all weights, or "lora", low-rank additions to those of attention and its MLPs
    rank : of the additions
    steps : of the schedule; fewer may be taken
    batch : spectra of a step
    learning_rate : peak
    """

    method: str
    rank: int
    steps: int
    batch: int
    learning_rate: float


class FineTuning:
    r"""The training of a copy of `encoder` on spectra of one grid.

    The linear head is part of the loss: a ridge on the embedding is solved in closed form on three quarters of the
    specimens of a step and scored on the others, and the gradient flows through the solution
    (`etalon.losses.episodic.episodic_ridge`; Bertinetto et al. 2019, arXiv:1805.08136). So the head is the best one for
    the encoder at every step. A head trained by gradients is not: that of a spectrum's embedding is so steep along
    directions of little variance that every move of the encoder spoils it.

    Parameters
    ----------
    y : shape (n, K), NaN where not measured; groups : specimens, shape (n,)
    alpha : strength of the ridge of each quantity, relative to the mean diagonal of the kernel, shape (K,)
    seed : of what is drawn

    Attributes
    ----------
    encoder : the copy
    """

    def __init__(
        self,
        encoder: Encoder,
        batch: GridBatch,
        y: np.ndarray,
        groups: np.ndarray,
        alpha: np.ndarray,
        plan: Plan,
        seed: int,
    ):
        self.encoder, self.batch, self.plan = copy.deepcopy(encoder), batch, plan
        self.y, self.log_alpha = torch.tensor(y), torch.tensor(np.log(alpha))
        self.specimen = torch.from_numpy(np.unique(groups, return_inverse=True)[1])
        self.generator = torch.Generator().manual_seed(seed)
        if plan.method == "lora":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                adapt(self.encoder, plan.rank)
        self.trained = [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
        # No decay: it would draw the weights away from where pretraining left them.
        self.optimiser = torch.optim.AdamW(self.trained, weight_decay=0.0)
        self.steps = 0

    def advance(self, step: int) -> Encoder:
        """Train until `step` of the schedule and return the encoder."""
        self.encoder.train()
        while self.steps < step:
            self._step()
        return self.encoder

    def _step(self) -> None:
        warm_up = max(1, round(WARM_UP * self.plan.steps))
        rate = learning_rate(self.steps, self.plan.steps, self.plan.learning_rate, warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.steps += 1
        rows, query = self._draw()
        episodes = list(self._episodes(rows, query))
        if not episodes:
            return
        blocks = self.encoder(self._some_points(self.batch.rows(rows)))
        losses = [
            episodic_ridge([blocks[name][at] for name in BLOCKS], y, n_support, self.log_alpha[number])
            for number, at, y, n_support in episodes
        ]
        loss = torch.stack(losses).mean()
        if not loss.isfinite():
            raise FloatingPointError(f"fine-tuning: the loss of step {self.steps} is {loss.item()}")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained, CLIP)
        self.optimiser.step()

    def _draw(self) -> tuple[Tensor, Tensor]:
        """Return the rows of a step, at most `plan.batch`, and which are scored: all scans of a specimen or none."""
        order = torch.randperm(int(self.specimen.max()) + 1, generator=self.generator)
        place = order.argsort()[self.specimen]
        rows = place.argsort(stable=True)[: self.plan.batch]
        drawn = place[rows]
        return rows, drawn < round(QUERY_SHARE * (int(drawn.max()) + 1))

    def _episodes(self, rows: Tensor, query: Tensor) -> Iterator[tuple[int, Tensor, Tensor, int]]:
        """Yield for each quantity that is measured often enough: its number, places in `rows`, references, support."""
        for number, y in enumerate(self.y[rows].T):
            measured = y.isfinite()
            support, scored = (measured & ~query).nonzero().flatten(), (measured & query).nonzero().flatten()
            at = torch.cat([support, scored])
            if min(len(support), len(scored)) >= FEWEST and y[support].std() > 0:
                yield number, at, y[at, None], len(support)

    def _some_points(self, batch: GridBatch) -> GridBatch:
        n_points = len(batch.wavelengths)
        if not isinstance(self.encoder, Perceiver) or n_points <= POINTS:
            return batch
        points = torch.randperm(n_points, generator=self.generator)[:POINTS].sort().values
        return replace(batch, intensities=batch.intensities[:, points], wavelengths=batch.wavelengths[points])


def adapt(encoder: Encoder, rank: int) -> None:
    r"""Freeze the encoder and add to its attention and MLP weights matrices :math:`2 B A` of rank `rank`.

    Hu et al. 2022, LoRA (arXiv:2106.09685), with alpha twice the rank. B starts at zero: nothing has changed yet.
    """
    from peft import LoraConfig, inject_adapter_in_model  # takes seconds to import

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=ADAPTED, bias="none")
    inject_adapter_in_model(config, encoder)
