"""What is hidden in the course of a pretraining: how much, and which regions."""

from dataclasses import dataclass

import torch

from etalon.augment.region_masking import KINDS

MIXED = "mixed"  # a kind drawn for each group


@dataclass(frozen=True)
class Stage:
    """A share of the points that is hidden, and which: a kind of `etalon.augment.region_masking` or "mixed"."""

    share: float
    kind: str


SHARE = 0.25  # of the points, where one kind is hidden all the time
# Equally long, one after the other: more and more, then a quarter of every kind.
CURRICULUM = (Stage(0.10, "random"), Stage(0.20, "contiguous"), Stage(0.30, "peaks"), Stage(0.25, MIXED))


def stage_at(progress: float, generator: torch.Generator, masking: str = "curriculum") -> Stage:
    """Return what is hidden at a share `progress` of the training, from 0 to 1; "mixed" becomes one of the kinds.

    Parameters
    ----------
    masking : "curriculum", or the kind that is hidden from first to last
    """
    if masking != "curriculum":
        stage = Stage(SHARE, masking)
    else:
        stage = CURRICULUM[min(int(progress * len(CURRICULUM)), len(CURRICULUM) - 1)]
    if stage.kind != MIXED:
        return stage
    return Stage(stage.share, KINDS[int(torch.randint(len(KINDS), (), generator=generator))])
