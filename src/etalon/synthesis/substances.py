"""What constituents absorb and scatter: one entry a substance, open to more."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from etalon.synthesis import mid_infrared, raman
from etalon.synthesis.bands import COMPONENTS
from etalon.synthesis.lines import Line, from_band


@dataclass(frozen=True)
class Substance:
    """A substance, by its lines in each kind of spectrum.

    Attributes
    ----------
    near_infrared : absorbance of 1 mm; the visible too
    mid_infrared : absorbance of 1 micrometre
    raman : relative scattering
    typical : geometric mean of its mass fraction in products that hold it, as a share of what else they hold
    """

    near_infrared: tuple[Line, ...] = ()
    mid_infrared: tuple[Line, ...] = ()
    raman: tuple[Line, ...] = ()
    typical: float = field(default=1.0, kw_only=True)

    def lines(self, modality: str) -> tuple[Line, ...]:
        """Return the lines that a spectrum of `modality` (`etalon.contracts.MODALITIES`) shows."""
        by_modality: Mapping[str, tuple[Line, ...]] = {"mir": self.mid_infrared, "raman": self.raman}
        return by_modality.get(modality, self.near_infrared)


# Colourants and iron are strong: products hold little of them.
_TYPICAL = {"chlorophyll": 0.002, "iron oxide": 0.03, "humus": 0.05}

_STRETCHING_CM1 = 2700.0  # X-H stretching fundamentals lie above


def _wings(fundamentals: tuple[Line, ...]) -> list[Line]:
    """Return what the fundamentals of X-H stretching do to the near-infrared: their far wings.

    Absorption rises to the edge of the range in all that holds hydrogen. Wings fall faster than a Lorentzian; width and
    height (1000 micrometres a millimetre, and 1/65 of the fundamental's height) are such that water comes out near 100
    and 16 per cm (base e) at 2500 and 2200 nm (Hale and Querry 1973).
    """
    return [
        Line(line.position, 3 * line.fwhm, 1000 / 65 * line.height, f"{line.assignment}, wing", lorentzian=0.0)
        for line in fundamentals
        if line.position > _STRETCHING_CM1
    ]


# A substance added here occurs in the random products of the corpus; nothing else needs to know of it.
SUBSTANCES: dict[str, Substance] = {
    name: Substance(
        (*_wings(mid_infrared.LINES.get(name, ())), *(from_band(band) for band in bands)),
        mid_infrared.LINES.get(name, ()),
        raman.LINES.get(name, ()),
        typical=_TYPICAL.get(name, 1.0),
    )
    for name, bands in COMPONENTS.items()
}
