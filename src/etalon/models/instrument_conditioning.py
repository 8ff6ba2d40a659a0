"""What is known of an instrument scales and shifts what a model makes of its spectra; nothing has to be known."""

import torch
from torch import Tensor, nn

from etalon.models.encoder import GridBatch
from etalon.models.metadata_embedding import FIELDS

DETECTORS = ("silicon", "InGaAs", "extended_InGaAs", "PbS", "DTGS", "MCT", "CCD")
# Categories of an instrument; index 0 is unknown. The data contract does not name the detector of a set.
KNOWN = {"instrument_type": FIELDS["instrument_type"], "mode": FIELDS["mode"], "detector": DETECTORS}
N_NUMBERS = len(KNOWN) + 1


def instrument_of(batch: GridBatch) -> Tensor:
    """Return what a batch says of its instrument, float32, shape (n, `N_NUMBERS`).

    Numbers of the instrument type, the accessory (the mode) and the detector, and the resolution: ln of the median step
    of the grid relative to its place on the axis, NaN where it is not known.
    """
    n, axis = len(batch), batch.wavelengths.double()
    told = torch.zeros(n, N_NUMBERS, device=batch.intensities.device)
    if batch.categories is not None:
        for column, name in enumerate(("instrument_type", "mode")):
            told[:, column] = batch.categories[:, list(FIELDS).index(name)].float()
    told[:, -1] = (axis.diff() / axis[1:].abs().clamp_min(1.0)).median().log().float()
    return told


class InstrumentConditioning(nn.Module):
    """A scale and a shift of every feature after each layer, from what is known of an instrument.

    Perez et al. 2018, FiLM (arXiv:1709.07871). All are 1 and 0 before training, and stay so for unknown instruments of
    which nothing at all is known.
    """

    offsets: Tensor

    def __init__(self, width: int, layers: int):
        super().__init__()
        sizes = torch.tensor([len(names) for names in KNOWN.values()])
        self.register_buffer("offsets", sizes.cumsum(0) - sizes, persistent=False)
        self.layers, self.width = layers, width
        self.table = nn.Embedding(1 + int(sizes.sum()), width, padding_idx=0)
        self.resolution = nn.Linear(1, width, bias=False)
        self.film = nn.Linear(width, layers * 2 * width, bias=False)
        nn.init.zeros_(self.film.weight)

    def forward(self, told: Tensor) -> Tensor:
        """Return scales less 1 and shifts, shape (layers, 2, B, 1, width), from `instrument_of`, shape (B, ...)."""
        numbers = told[:, :-1].long()
        rows = torch.where(numbers > 0, numbers + self.offsets, 0)
        known = self.table(rows).sum(dim=1) + self.resolution(told[:, -1:].nan_to_num(0.0))
        return (
            self.film(nn.functional.gelu(known)).view(len(told), self.layers, 2, 1, self.width).permute(1, 2, 0, 3, 4)
        )
