"""What the perceiver is trained on: masked modelling, and the losses that may be added to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from etalon.augment.compose import named
from etalon.augment.masking import block_mask, crop_and_stride, sample_points
from etalon.losses.adversarial import DatasetDiscriminator, reverse_gradient
from etalon.losses.baseline_consistency import consistency
from etalon.losses.contrastive import info_nce
from etalon.losses.masked import masked_error
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.encoder import GridBatch
from etalon.models.perceiver import Perceiver
from etalon.train.batches import Group
from etalon.train.metadata_dropout import hide_fields, join_categories

# Of the normalised spectrum: what lies further out is a detector's edge, not chemistry.
LARGEST_TARGET = 8.0


@dataclass(frozen=True)
class Points:
    """The same number of points of every spectrum, whatever its grid: shape (n, n_points) each."""

    values: Tensor
    coordinates: Tensor
    log_weights: Tensor

    def encode(self, model: Perceiver, modality: Tensor, categories: Tensor | None) -> Tensor:
        latents = model.latents(self.values, self.coordinates, self.log_weights, modality, categories)
        return model.small(latents)


@dataclass(frozen=True)
class View:
    """One group, disturbed, masked and sampled."""

    visible: Points
    masked: Points  # values as they are in the undisturbed spectrum
    corrected: Points | None  # the visible points of the spectra less their AsLS baseline
    second: Points | None  # visible points of another disturbance of the same spectra
    modality: Tensor
    categories: Tensor | None
    set_number: Tensor


class MaskedObjective(nn.Module):
    """Losses of a perceiver, by name; each is the mean over groups of the group's mean.

    The spectrum is disturbed, 60 to 80 % of it is masked in contiguous blocks, and the masked points of the
    undisturbed spectrum are predicted: with transforms the encoder has to see through what they add.

    Parameters
    ----------
    weights : of "masked", "baseline_consistency", "contrastive" and "adversarial"
    transforms : names of `etalon.augment.compose.named`; the range is cropped and thinned too where there are any
    n_visible, n_masked : points sampled of each spectrum
    n_sets : datasets that the adversary tells apart
    metadata_dropout : whether metadata is hidden from some of the spectra
    """

    def __init__(
        self,
        model: Perceiver,
        weights: dict[str, float],
        transforms: Sequence[str],
        *,
        n_visible: int,
        n_masked: int,
        mask_share: tuple[float, float],
        n_sets: int,
        metadata_dropout: bool = False,
    ):
        super().__init__()
        self.model = model
        self.weights = weights
        self.transform = named(list(transforms)) if transforms else None
        self.n_visible, self.n_masked, self.mask_share = n_visible, n_masked, mask_share
        self.metadata_dropout = metadata_dropout
        n_features = model.blocks["learned"]
        self.adversary = DatasetDiscriminator(n_features, n_sets) if "adversarial" in weights else None

    def prepare(self, group: Group) -> View:
        """Return what a step needs of one group. No gradient flows here."""
        g = group.generator
        batch = group.batch
        if self.transform is not None and bool(torch.rand((), generator=g) < 0.5):
            batch = crop_and_stride(batch, g)
        clean, coordinates, log_weights = self.model.normalise(batch)
        low, high = self.mask_share
        share = low + (high - low) * float(torch.rand((), generator=g))
        mask = block_mask(len(batch), coordinates, share, g)
        visible, masked = sample_points(~mask, self.n_visible, g), sample_points(mask, self.n_masked, g)

        def pick(values: Tensor, points: Tensor) -> Points:
            return Points(values.gather(1, points), coordinates[points], log_weights[points])

        corrected = second = None
        if "baseline_consistency" in self.weights and batch.baseline is not None:
            without = replace(batch, intensities=batch.intensities - batch.baseline)
            corrected = pick(self.model.normalise(without)[0], visible)
        if "contrastive" in self.weights:
            elsewhere = sample_points(~block_mask(len(batch), coordinates, share, g), self.n_visible, g)
            second = pick(self._disturbed(batch, clean, g), elsewhere)
        device = batch.intensities.device
        disturbed = pick(self._disturbed(batch, clean, g), visible)
        categories = batch.categories
        if self.metadata_dropout and categories is not None:
            categories = hide_fields(categories, g)  # the last draw: all others are those without dropout
        return View(
            disturbed,
            pick(clean.clamp(-LARGEST_TARGET, LARGEST_TARGET), masked),
            corrected,
            second,
            torch.full((len(batch),), MODALITY_NUMBER[batch.modality], device=device),
            categories,
            torch.full((len(batch),), group.number, device=device),
        )

    def _disturbed(self, batch: GridBatch, clean: Tensor, generator: torch.Generator) -> Tensor:
        if self.transform is None:
            return clean
        disturbed = self.transform(batch.intensities, batch.wavelengths, generator)
        return self.model.normalise(replace(batch, intensities=disturbed))[0]

    def forward(self, views: Sequence[View]) -> dict[str, Tensor]:
        """Return each loss, unweighted. All groups go through the encoder as one dense tensor."""
        sizes = [len(view.modality) for view in views]
        modality = torch.cat([view.modality for view in views])
        categories = _categories(views)
        code = _join([view.visible for view in views]).encode(self.model, modality, categories)
        target = _join([view.masked for view in views])
        losses = {"masked": masked_error(self.model.decode(code, target.coordinates), target.values).mean()}
        codes = code.split(sizes)
        for name, loss, others in (
            ("baseline_consistency", consistency, [view.corrected for view in views]),
            ("contrastive", info_nce, [view.second for view in views]),
        ):
            if name in self.weights:
                losses[name] = self._paired(loss, codes, others, views)
        if self.adversary is not None:
            logits = self.adversary(reverse_gradient(code, 1.0))
            truth = torch.cat([view.set_number for view in views])
            losses["adversarial"] = nn.functional.cross_entropy(logits, truth)
        return losses

    def _paired(
        self,
        loss: Callable[[Tensor, Tensor], Tensor],
        codes: Sequence[Tensor],
        others: Sequence[Points | None],
        views: Sequence[View],
    ) -> Tensor:
        """Return the mean over groups of a loss between two codes of the same spectra; 0 for those without a second."""
        present = [number for number, points in enumerate(others) if points is not None]
        if not present:
            return codes[0].new_zeros(())
        joined = _join([points for points in others if points is not None])
        chosen = [views[number] for number in present]
        second = joined.encode(self.model, torch.cat([view.modality for view in chosen]), _categories(chosen))
        parts = second.split([len(view.modality) for view in chosen])
        found = [loss(codes[number], part) for number, part in zip(present, parts, strict=True)]
        return torch.stack(found).sum() / len(views)


def _join(points: Sequence[Points]) -> Points:
    return Points(*(torch.cat([getattr(p, name) for p in points]) for name in ("values", "coordinates", "log_weights")))


def _categories(views: Sequence[View]) -> Tensor | None:
    return join_categories([view.categories for view in views], [len(view.modality) for view in views])
