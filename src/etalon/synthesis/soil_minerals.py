"""Bands of soil constituents in the near- and the mid-infrared, as tables of their own.

They are not in `etalon.synthesis.substances`: the random products of the pretraining corpus draw from all of those.

Mid-infrared: Farmer (ed.), The Infrared Spectra of Minerals, Mineralogical Society 1974; kaolinite, smectite and illite
also Madejova 2003, FTIR techniques in clay mineral studies, Vib. Spectrosc. 31, 1; organic matter and the overtones of
quartz and carbonate in diffuse reflection Nguyen, Janik and Raupach 1991, Aust. J. Soil Res. 29, 49. Near-infrared:
Clark, King, Klejwa, Swayze and Vergo 1990, High spectral resolution reflectance spectroscopy of minerals, J. Geophys.
Res. 95, 12653; Hunt 1977, Geophysics 42, 501; iron oxides in both Cornell and Schwertmann, The Iron Oxides, 2nd ed.,
Wiley 2003.

Positions are rounded. Widths and heights are approximate, as in `etalon.synthesis.mid_infrared` and `bands`: heights
are absorbances (log10) of 1 micrometre (mid-infrared) and 1 mm (near-infrared) of the pure substance.
"""

from etalon.synthesis import mid_infrared
from etalon.synthesis.bands import COMPONENTS, Band
from etalon.synthesis.lines import Line, from_band
from etalon.synthesis.substances import SUBSTANCES

# Below this the fundamentals of silica lie, in which a coarse grain is opaque: its inside sees no light, so that the
# band is lower for the same mass. Its overtones, through which light passes, keep their height.
_OPAQUE_BELOW_CM1 = 1300.0
_COARSE = 0.6


def _near(*bands: Band) -> tuple[Line, ...]:
    return tuple(from_band(band) for band in bands)


def _in_coarse_grains(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return the lines of grains of sand; the factor is a choice."""
    return tuple(
        line._replace(height=_COARSE * line.height) if line.position < _OPAQUE_BELOW_CM1 else line for line in lines
    )


_FELDSPAR = (
    Line(535, 30, 0.30, "Si-O-Al deformation"),
    Line(585, 25, 0.25, "O-Si(Al)-O deformation"),
    Line(648, 20, 0.15, "O-Si-O deformation"),
    Line(728, 16, 0.12, "Si-Al(Si) stretching"),
    Line(770, 18, 0.15, "Si-Si stretching"),
    Line(1010, 55, 0.80, "Si(Al)-O stretching"),
    Line(1045, 45, 0.55, "Si(Al)-O stretching"),
    Line(1140, 40, 0.35, "Si(Al)-O stretching"),
)

MID_INFRARED: dict[str, tuple[Line, ...]] = {
    "kaolinite": (
        Line(539, 30, 0.75, "Al-O-Si deformation"),
        Line(693, 25, 0.18, "Si-O"),
        Line(754, 20, 0.08, "Si-O"),
        Line(790, 20, 0.08, "Si-O"),
        Line(912, 16, 0.50, "Al-O-H deformation, inner"),
        Line(937, 16, 0.22, "Al-O-H deformation, inner surface"),
        Line(1008, 26, 0.75, "Si-O stretching"),
        Line(1032, 30, 0.85, "Si-O stretching"),
        Line(1115, 24, 0.50, "Si-O stretching"),
        Line(3620, 14, 0.40, "O-H stretching, inner"),
        Line(3652, 16, 0.15, "O-H stretching, inner surface"),
        Line(3669, 14, 0.14, "O-H stretching, inner surface"),
        Line(3695, 16, 0.38, "O-H stretching, inner surface"),
    ),
    "smectite": (
        Line(523, 35, 0.55, "Al-O-Si deformation"),
        Line(625, 40, 0.15, "Al-O and Si-O out of plane"),
        Line(798, 30, 0.08, "Si-O"),
        Line(844, 25, 0.07, "Al-Mg-O-H deformation"),
        Line(885, 25, 0.06, "Al-Fe-O-H deformation"),
        Line(917, 22, 0.22, "Al-Al-O-H deformation"),
        Line(1035, 75, 0.95, "Si-O stretching"),
        Line(1115, 40, 0.25, "Si-O stretching"),
        Line(3625, 55, 0.22, "O-H stretching, Al-Al-O-H"),
    ),
    "illite": (
        Line(525, 35, 0.50, "Al-O-Si deformation"),
        Line(750, 30, 0.08, "Al-O-Si"),
        Line(828, 25, 0.07, "Al-O-H deformation"),
        Line(914, 30, 0.15, "Al-Al-O-H deformation"),
        Line(1026, 70, 0.90, "Si-O stretching"),
        Line(1090, 45, 0.25, "Si-O stretching"),
        Line(3622, 75, 0.20, "O-H stretching, Al-Al-O-H"),
    ),
    "fine quartz": mid_infrared.LINES["quartz"],
    "coarse quartz": _in_coarse_grains(mid_infrared.LINES["quartz"]),
    "fine feldspar": _FELDSPAR,
    "coarse feldspar": _in_coarse_grains(_FELDSPAR),
    "carbonate": mid_infrared.LINES["carbonate"],
    "goethite": (
        Line(620, 90, 0.35, "Fe-O stretching"),
        Line(797, 28, 0.25, "O-H bending, out of plane"),
        Line(892, 28, 0.30, "O-H bending, in plane"),
        Line(3150, 200, 0.30, "O-H stretching"),
    ),
    "hematite": (
        Line(470, 45, 0.60, "Fe-O stretching"),
        Line(545, 60, 0.65, "Fe-O stretching"),
    ),
    "humus": mid_infrared.LINES["humus"],
    "protein": mid_infrared.LINES["protein"],
    "cellulose": mid_infrared.LINES["cellulose"],
    "water": mid_infrared.LINES["water"],
}

NEAR_INFRARED: dict[str, tuple[Line, ...]] = {
    "kaolinite": _near(
        Band(1395, 16, 0.28, "O-H stretching, first overtone, inner surface"),
        Band(1414, 16, 0.38, "O-H stretching, first overtone"),
        Band(2162, 24, 0.40, "O-H stretching + Al-O-H deformation"),
        Band(2206, 26, 0.65, "O-H stretching + Al-O-H deformation"),
        Band(2312, 26, 0.14, "O-H stretching + lattice"),
        Band(2352, 26, 0.20, "O-H stretching + lattice"),
        Band(2382, 24, 0.16, "O-H stretching + lattice"),
    ),
    "smectite": _near(
        Band(1412, 24, 0.28, "O-H stretching, first overtone"),
        Band(2206, 36, 0.36, "O-H stretching + Al-Al-O-H deformation"),
        Band(2240, 30, 0.06, "O-H stretching + Al-Fe-O-H deformation"),
        Band(2440, 40, 0.08, "O-H stretching + lattice"),
    ),
    "illite": _near(
        Band(1412, 26, 0.16, "O-H stretching, first overtone"),
        Band(2204, 42, 0.28, "O-H stretching + Al-O-H deformation"),
        Band(2346, 32, 0.16, "O-H stretching + lattice"),
        Band(2440, 36, 0.12, "O-H stretching + lattice"),
    ),
    "fine quartz": (),
    "coarse quartz": (),
    "fine feldspar": (),
    "coarse feldspar": (),
    "carbonate": _near(
        *COMPONENTS["carbonate"],
        Band(1875, 40, 0.04, "C-O stretching, overtones"),
        Band(2535, 48, 0.50, "C-O stretching, second overtone"),
    ),
    "goethite": _near(
        Band(480, 120, 30.0, "Fe3+, crystal field, pairs"),
        Band(660, 110, 5.0, "Fe3+, crystal field"),
        Band(930, 220, 7.0, "Fe3+, crystal field"),
    ),
    "hematite": _near(
        Band(530, 110, 40.0, "Fe3+, crystal field, pairs"),
        Band(650, 90, 8.0, "Fe3+, crystal field"),
        Band(870, 160, 9.0, "Fe3+, crystal field"),
    ),
    "humus": SUBSTANCES["humus"].near_infrared,
    "protein": SUBSTANCES["protein"].near_infrared,
    "cellulose": SUBSTANCES["cellulose"].near_infrared,
    "water": SUBSTANCES["water"].near_infrared,
}
