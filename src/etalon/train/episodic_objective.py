"""What the functional encoder is trained on: episodes of calibration, and the AsLS-corrected spectrum as a target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from etalon.augment.masking import crop_and_stride
from etalon.losses.episodic import START_LOG_ALPHA, drop_blocks, episodic_ridge, make_targets
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.functional import LearnedFunctionSpace
from etalon.train.batches import Group
from etalon.train.metadata_dropout import hide_fields, join_categories

SUPPORT_SHARE = 2 / 3


@dataclass(frozen=True)
class Episode:
    """One group with targets made for it: solved on the first rows, scored on the others."""

    tokens: Tensor  # (n, n_tokens, n_inputs), as `LearnedFunctionSpace.front` gives them
    covered: Tensor  # (n_tokens,)
    modality: str
    targets: Tensor  # (n, n_targets)
    fixed: list[Tensor]  # blocks of fs that the learned one may be joined by
    kept: list[bool]  # which blocks take part: the learned one, then the fixed ones
    corrected: Tensor | None  # functionals of the AsLS-corrected spectrum
    categories: Tensor | None  # (n, n_fields), what the encoder is told of each spectrum


class EpisodicObjective(nn.Module):
    """Losses of the functional encoder, by name; each is the mean over groups.

    Parameters
    ----------
    weights : of "episodic" and "asls_prediction"
    metadata_dropout : whether metadata is hidden from some of the spectra
    """

    def __init__(self, model: LearnedFunctionSpace, weights: dict[str, float], metadata_dropout: bool = False):
        super().__init__()
        self.model = model
        self.weights = weights
        self.metadata_dropout = metadata_dropout
        self.log_alpha = nn.Parameter(torch.tensor(START_LOG_ALPHA))

    def prepare(self, group: Group) -> Episode:
        """Return the episode of one group. No gradient flows here."""
        g = group.generator
        batch = group.batch
        if bool(torch.rand((), generator=g) < 0.5):
            batch = crop_and_stride(batch, g)
        spiked, targets = make_targets(
            batch.intensities,
            batch.wavelengths,
            batch.modality,
            batch.axis_unit,
            g,
            group.concentrations,
        )
        batch = replace(batch, intensities=spiked)
        tokens, covered = self.model.front(batch)
        fixed = [block.flatten(1) for block in tokens.split(4, dim=2)[:2]]
        kept = drop_blocks(1 + len(fixed), g)
        wanted = "asls_prediction" in self.weights and batch.baseline is not None
        corrected = self.model.asls_target(batch) if wanted else None
        categories = batch.categories
        if self.metadata_dropout and categories is not None:
            categories = hide_fields(categories, g)  # the last draw: all others are those without dropout
        return Episode(tokens, covered, batch.modality, targets, fixed, kept, corrected, categories)

    def forward(self, episodes: Sequence[Episode]) -> dict[str, Tensor]:
        """Return each loss, unweighted."""
        losses: dict[str, list[Tensor]] = {"episodic": [], "asls_prediction": []}
        # Tokens are alike on every grid: all episodes go through the transformer as one dense tensor.
        joined = torch.cat([episode.tokens for episode in episodes])
        numbers = torch.cat([joined.new_full((len(e.targets),), MODALITY_NUMBER[e.modality]).long() for e in episodes])
        sizes = [len(episode.targets) for episode in episodes]
        categories = join_categories([episode.categories for episode in episodes], sizes)
        parts = self.model.tokens(joined, numbers, categories).split(sizes)
        for episode, tokens in zip(episodes, parts, strict=True):
            blocks = [self.model.read(tokens, episode.covered), *episode.fixed]
            kept = [block for block, keep in zip(blocks, episode.kept, strict=True) if keep]
            n_support = round(SUPPORT_SHARE * len(episode.targets))
            losses["episodic"].append(episodic_ridge(kept, episode.targets, n_support, self.log_alpha))
            if episode.corrected is not None:
                predicted = self.model.predict_asls(tokens)
                shown = episode.covered.repeat_interleave(predicted.shape[1] // len(episode.covered)).to(predicted)
                error = nn.functional.smooth_l1_loss(predicted, episode.corrected, reduction="none") * shown
                losses["asls_prediction"].append(error.sum() / (shown.sum().clamp(min=1) * len(predicted)))
        # Groups without a baseline count as none: the mean stays the same however the groups are shared out.
        return {name: torch.stack(found).sum() / len(episodes) for name, found in losses.items() if found}
