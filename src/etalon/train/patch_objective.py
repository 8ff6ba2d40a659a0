"""What the patch transformer is trained on: hidden regions, and one view of a spectrum predicted from another."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from etalon.augment.compose import named
from etalon.augment.region_masking import region_mask
from etalon.losses.byol import TargetNetwork, byol, mlp
from etalon.losses.contrastive import info_nce
from etalon.losses.spectral import SPECTRAL
from etalon.models.axis_encoding import MODALITY_NUMBER
from etalon.models.functional import snv
from etalon.models.instrument_conditioning import instrument_of
from etalon.models.patch_transformer import PatchTransformer
from etalon.models.patches import resampling_of
from etalon.train.batches import Group
from etalon.train.curriculum import stage_at
from etalon.train.metadata_dropout import ALL_SHARE, hide_fields

DEVIATION_SHARE = 0.5  # of the groups
CHANNEL_SD_FLOOR = 0.05  # of the mean SD of a channel within a group
LARGEST = 8.0  # SD: what lies further out is a detector's edge
TARGET_DECAY = 0.99


@dataclass(frozen=True)
class Views:
    """One group on the points, two disturbances of it, and what each hides. Shapes (n, P) but where stated."""

    clean: Tensor
    disturbed: tuple[Tensor, Tensor]
    hidden: tuple[Tensor, Tensor]  # bool
    coordinates: Tensor
    modality: Tensor  # (n,)
    instrument: Tensor  # (n, ...)


class PatchObjective(nn.Module):
    """Losses of a patch transformer, by name; each is the mean over both views of all groups.

    A group is shown as spectra, each normalised by itself, or as deviations from the group's mean in the channels' SD:
    that is what a transfer between instruments works on. Regions are hidden as the curriculum has it, and found from a
    disturbed spectrum as they are in the undisturbed one.

    Parameters
    ----------
    weights : of "mse", "derivative", "peaks", "angle", and of "byol" or "contrastive" (InfoNCE between the views)
    transforms : names of `etalon.augment.compose.named`
    steps : of the whole training, over which the curriculum is spread
    masking : see `etalon.train.curriculum.stage_at`
    """

    step: Tensor

    def __init__(
        self,
        model: PatchTransformer,
        weights: dict[str, float],
        transforms: Sequence[str],
        *,
        steps: int,
        masking: str = "curriculum",
    ):
        super().__init__()
        self.model, self.weights, self.steps, self.masking = model, weights, steps, masking
        self.transform = named(transforms)
        # Part of the saved state: an interrupted training goes on with the curriculum where it was.
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        width = model.width
        if "contrastive" in weights:
            self.contrast = mlp(width, 2 * width, width)
        if "byol" in weights:
            self.projector, self.predictor = mlp(width, 2 * width, width), mlp(width, 2 * width, width)
            self.target_model, self.target_projector = TargetNetwork(model), TargetNetwork(self.projector)

    def prepare(self, group: Group) -> Views:
        """Return the views of one group. No gradient flows here."""
        g = group.generator
        batch = group.batch
        resampling = resampling_of(batch, self.model.points)
        clean, deviation = self._normalised(resampling.apply(batch.intensities), g)

        def disturb() -> Tensor:
            disturbed = self.transform(clean, resampling.axis, g)
            return (disturbed if deviation else snv(disturbed)).clamp(-LARGEST, LARGEST)

        views = disturb(), disturb()
        stage = stage_at(float(self.step) / self.steps, g, self.masking)
        hidden = tuple(region_mask(clean, stage.share, stage.kind, g) for _ in views)
        instrument = instrument_of(batch)
        instrument[:, :-1] = hide_fields(instrument[:, :-1], g)
        instrument[(torch.rand(len(batch), generator=g) < ALL_SHARE).to(instrument.device), -1] = torch.nan
        coordinates = resampling.coordinates.expand(len(batch), -1)
        modality = torch.full((len(batch),), MODALITY_NUMBER[batch.modality], device=clean.device)
        return Views(clean.clamp(-LARGEST, LARGEST), views, (hidden[0], hidden[1]), coordinates, modality, instrument)

    def _normalised(self, spectra: Tensor, generator: torch.Generator) -> tuple[Tensor, bool]:
        deviation = bool(torch.rand((), generator=generator) < DEVIATION_SHARE)
        if not deviation:
            return snv(spectra), False
        sd = spectra.std(dim=0, keepdim=True, correction=0)
        floor = (CHANNEL_SD_FLOOR * sd.mean()).clamp_min(torch.finfo(sd.dtype).tiny)
        return (spectra - spectra.mean(dim=0)) / torch.maximum(sd, floor), True

    def forward(self, groups: Sequence[Views]) -> dict[str, Tensor]:
        """Return each loss, unweighted. Both views of all groups go through the encoder as one dense tensor."""
        clean = torch.cat([group.clean for group in groups] * 2)
        hidden = torch.cat([group.hidden[k] for k in (0, 1) for group in groups])
        values = torch.cat([group.disturbed[k] for k in (0, 1) for group in groups])
        place = (
            torch.cat([group.coordinates for group in groups] * 2),
            torch.cat([group.modality for group in groups] * 2),
            torch.cat([group.instrument for group in groups] * 2),
        )
        stream, finest = self.model.tokens(values, (~hidden).to(values), *place)
        found = self.model.reconstruct(finest).float()
        losses = {name: loss(found, clean, hidden) for name, loss in SPECTRAL.items() if name in self.weights}
        if "byol" in self.weights:
            losses["byol"] = self._byol(stream, values, place)
        if "contrastive" in self.weights:
            losses["contrastive"] = self._contrastive(stream, [len(group.clean) for group in groups])
        self.step += 1
        return losses

    def _contrastive(self, stream: Tensor, sizes: Sequence[int]) -> Tensor:
        """Return InfoNCE of the two views, both with regions hidden; negatives are of the same group."""
        first, second = self.contrast(stream.mean(dim=1)).float().chunk(2)
        pairs = zip(first.split(list(sizes)), second.split(list(sizes)), strict=True)
        return torch.stack([info_nce(*pair) for pair in pairs]).mean()

    def _byol(self, stream: Tensor, values: Tensor, place: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Return BYOL in both directions: what is seen with regions hidden predicts the other view, nothing hidden."""
        self.target_model.follow(self.model, TARGET_DECAY)
        self.target_projector.follow(self.projector, TARGET_DECAY)
        model, projector = self.target_model.network, self.target_projector.network
        assert isinstance(model, PatchTransformer)
        with torch.no_grad():
            wanted = projector(model.tokens(values, torch.ones_like(values), *place)[0].mean(dim=1))
        predicted = self.predictor(self.projector(stream.mean(dim=1)))
        return byol(predicted.float(), wanted.float().roll(len(values) // 2, dims=0))
