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

# The far wing of the O-H fundamental, in which the near-infrared of all that is wet ends. It falls faster than a
# Lorentzian; width and height are such that water comes out near 100 and 16 per cm (base e) at 2500 and 2200 nm (Hale
# and Querry 1973).
_WINGS = {"water": (Line(3400.0, 1210.0, 8.5, "O-H stretching, wing", 0.5, lorentzian=0.0),)}

# A substance added here occurs in the random products of the corpus; nothing else needs to know of it.
SUBSTANCES: dict[str, Substance] = {
    name: Substance(
        (*_WINGS.get(name, ()), *(from_band(band) for band in bands)),
        mid_infrared.LINES.get(name, ()),
        raman.LINES.get(name, ()),
        typical=_TYPICAL.get(name, 1.0),
    )
    for name, bands in COMPONENTS.items()
}
