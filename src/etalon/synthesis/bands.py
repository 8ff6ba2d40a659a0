"""Near-infrared and visible bands of the constituents of food, crops, soils, fuels and tablets, as a table.

Positions and assignments follow the tables in Osborne, Fearn and Hindle, Practical NIR Spectroscopy with Applications
in Food and Beverage Analysis, 2nd ed., Longman 1993; Workman and Weyer, Practical Guide and Spectral Atlas for
Interpretive Near-Infrared Spectroscopy, 2nd ed., CRC Press 2012; and Burns and Ciurczak (eds.), Handbook of
Near-Infrared Analysis, 3rd ed., CRC Press 2008.

What is approximate: in a product, positions differ from these by several nm with hydrogen bonding, crystallinity and
temperature. The tables state no widths; ours are rounded from the look of spectra of the pure substances. Heights are
absorbances (log10) of 1 mm of the pure substance. Those of water give, with the wings of its other bands, the
absorption coefficients of Hale and Querry 1973, Applied Optics 12, 555: about 0.45, 1.0, 29 and 120 per cm (base e) at
970, 1190, 1450 and 1940 nm. For the others they are orders of magnitude, such that bands of one kind of vibration are
of similar height per mass: they are not measured absorptivities.

Alcohols, alkanes, benzene and lignin have their C-H and O-H overtones where `etalon.synthesis.vibrations` puts them.
Bands of minerals follow Hunt 1977, Spectral signatures of particulate minerals in the visible and near infrared,
Geophysics 42, 501; those of pigments and humus in the visible are electronic, rounded from spectra of leaves and soils.

Warming weakens hydrogen bonds: O-H bands of water move to higher wavenumber. The first overtone's maximum moves by
about 0.2 nm or 1 cm-1 a degree (Maeda, Ozaki, Tanaka, Hayashi and Kojima 1995, J. Near Infrared Spectrosc. 3, 191,
find the maximum near 6,900 cm-1 rise with temperature as strongly bonded water turns into weakly bonded). The other
bands get half of that for each O-H quantum, and all a little more height; both are approximations.
"""

from typing import NamedTuple

import numpy as np

from etalon.synthesis.vibrations import CH_BENDING, OH_BENDING, OSCILLATORS

_LORENTZIAN_SHARE = 0.4


class Band(NamedTuple):
    """One band.

    Attributes
    ----------
    centre_nm, fwhm_nm : position and full width at half maximum, nm, at 25 degrees Celsius
    height : absorbance (log10) of 1 mm of pure substance
    assignment : the vibration or electronic transition
    warming_cm1 : what one degree adds to its wavenumber
    brightening : what one degree adds to its height, as a share of it
    """

    centre_nm: float
    fwhm_nm: float
    height: float
    assignment: str
    warming_cm1: float = 0.0
    brightening: float = 0.0


def _stretching(oscillator: str, heights: tuple[float, float, float], fwhm_nm: float) -> tuple[Band, ...]:
    """Return the third, second and first overtone of a stretching vibration, narrower the higher they lie."""
    vibration = OSCILLATORS[oscillator]
    names = {4: "third", 3: "second", 2: "first"}
    return tuple(
        Band(vibration.level_nm(n), fwhm_nm * (2 / n) ** 0.5, height, f"{vibration.bond}, {name} overtone")
        for (n, name), height in zip(names.items(), heights, strict=True)
    )


def _with_bending(oscillator: str, n: int, bending: float, fwhm_nm: float, height: float) -> Band:
    """Return the combination of `n` quanta of a stretching vibration with one of a deformation."""
    vibration = OSCILLATORS[oscillator]
    times = f"{n} x " if n > 1 else ""
    return Band(vibration.combined_nm(n, bending), fwhm_nm, height, f"{times}{vibration.bond} + deformation")


def _in_order(*bands: Band) -> tuple[Band, ...]:
    return tuple(sorted(bands))


COMPONENTS: dict[str, tuple[Band, ...]] = {
    "water": (
        Band(970, 45, 0.0155, "2 v1 + v3", 1.5, 0.002),
        Band(1190, 60, 0.028, "v1 + v2 + v3", 1.0, 0.001),
        Band(1450, 105, 1.25, "v1 + v3: O-H stretching, first overtone", 1.0, 0.001),
        Band(1790, 90, 0.12, "O-H combination", 0.5, 0.0005),
        Band(1940, 95, 5.2, "v2 + v3: O-H stretching + bending", 0.5, 0.0005),
    ),
    "lipid": (
        Band(930, 25, 0.006, "C-H stretching, third overtone, CH2"),
        Band(1210, 32, 0.07, "C-H stretching, second overtone, CH2"),
        Band(1395, 40, 0.05, "2 x C-H stretching + C-H deformation, CH2"),
        Band(1415, 30, 0.05, "2 x C-H stretching + C-H deformation, CH2"),
        Band(1725, 28, 0.42, "C-H stretching, first overtone, CH2"),
        Band(1765, 28, 0.34, "C-H stretching, first overtone, CH2"),
        Band(2140, 30, 0.20, "C-H stretching + C=C stretching, cis double bonds"),
        Band(2310, 30, 2.0, "C-H stretching + C-H deformation, CH2"),
        Band(2347, 28, 1.5, "C-H stretching + C-H deformation, CH2"),
    ),
    "protein": (
        Band(1020, 45, 0.006, "N-H stretching, second overtone"),
        Band(1195, 45, 0.03, "C-H stretching, second overtone, CH3"),
        Band(1510, 70, 0.28, "N-H stretching, first overtone"),
        Band(1570, 60, 0.15, "N-H stretching, first overtone, CONH"),
        Band(1695, 35, 0.22, "C-H stretching, first overtone, CH3"),
        Band(1735, 35, 0.18, "C-H stretching, first overtone"),
        Band(1980, 60, 0.55, "N-H asymmetric stretching + amide II"),
        Band(2055, 55, 1.1, "N-H stretching combination"),
        Band(2180, 60, 0.8, "2 x amide I + amide III"),
        Band(2300, 45, 0.55, "C-H combination"),
        Band(2350, 45, 0.5, "C-H combination, CH2"),
        Band(2470, 50, 0.6, "C-H combination; C-N-C stretching, first overtone"),
    ),
    "starch": (
        Band(1200, 60, 0.03, "C-H stretching, second overtone"),
        Band(1450, 110, 0.32, "O-H stretching, first overtone"),
        Band(1540, 80, 0.22, "O-H stretching, first overtone, hydrogen bonded"),
        Band(1580, 80, 0.20, "O-H stretching, first overtone, hydrogen bonded"),
        Band(1700, 45, 0.07, "C-H stretching, first overtone"),
        Band(1900, 70, 0.40, "O-H stretching + 2 x C-O stretching"),
        Band(2100, 105, 1.3, "2 x O-H deformation + 2 x C-O stretching"),
        Band(2280, 55, 0.95, "C-H stretching + CH2 deformation"),
        Band(2323, 45, 0.9, "C-H stretching + CH2 deformation"),
        Band(2500, 60, 1.0, "C-H stretching + C-C and C-O-C stretching"),
    ),
    "cellulose": (
        Band(1225, 55, 0.03, "C-H stretching, second overtone"),
        Band(1490, 80, 0.30, "O-H stretching, first overtone"),
        Band(1590, 70, 0.15, "O-H stretching, first overtone, hydrogen bonded"),
        Band(1780, 60, 0.12, "C-H stretching, first overtone"),
        Band(1820, 60, 0.15, "O-H stretching + 2 x C-O stretching"),
        Band(2100, 100, 1.0, "2 x O-H deformation + 2 x C-O stretching"),
        Band(2270, 50, 0.7, "O-H stretching + C-O stretching"),
        Band(2335, 45, 1.0, "C-H stretching + C-H deformation"),
        Band(2352, 35, 0.3, "C-H deformation, second overtone, CH2"),
        Band(2488, 55, 0.9, "C-H stretching + C-C stretching"),
    ),
    "sugar": (
        Band(1205, 55, 0.03, "C-H stretching, second overtone"),
        Band(1440, 35, 0.35, "O-H stretching, first overtone, crystalline"),
        Band(1580, 90, 0.25, "O-H stretching, first overtone, hydrogen bonded"),
        Band(1700, 45, 0.08, "C-H stretching, first overtone"),
        Band(2080, 75, 1.2, "O-H stretching + O-H deformation"),
        Band(2275, 50, 0.8, "C-H combination"),
        Band(2320, 40, 0.8, "C-H stretching + CH2 deformation"),
        Band(2490, 55, 0.9, "C-H stretching + C-C stretching"),
    ),
    "ash": (),  # minerals: no bands here, but a share of the mass
    "sucrose": (
        Band(1205, 55, 0.03, "C-H stretching, second overtone"),
        Band(1435, 25, 0.45, "O-H stretching, first overtone, crystalline"),
        Band(1580, 95, 0.25, "O-H stretching, first overtone, hydrogen bonded"),
        Band(1690, 45, 0.09, "C-H stretching, first overtone"),
        Band(2075, 70, 1.2, "O-H stretching + O-H deformation"),
        Band(2280, 45, 0.8, "C-H combination"),
        Band(2325, 40, 0.7, "C-H stretching + CH2 deformation"),
        Band(2485, 55, 0.9, "C-H stretching + C-C stretching"),
    ),
    "glucose": (
        Band(1195, 55, 0.03, "C-H stretching, second overtone"),
        Band(1480, 70, 0.35, "O-H stretching, first overtone"),
        Band(1580, 80, 0.25, "O-H stretching, first overtone, hydrogen bonded"),
        Band(1705, 45, 0.09, "C-H stretching, first overtone"),
        Band(2105, 80, 1.2, "O-H stretching + O-H deformation"),
        Band(2272, 45, 0.9, "O-H stretching + C-O stretching"),
        Band(2330, 45, 0.7, "C-H stretching + CH2 deformation"),
        Band(2480, 60, 0.9, "C-H stretching + C-C stretching"),
    ),
    "fructose": (
        Band(1215, 55, 0.03, "C-H stretching, second overtone"),
        Band(1445, 60, 0.35, "O-H stretching, first overtone"),
        Band(1560, 90, 0.25, "O-H stretching, first overtone, hydrogen bonded"),
        Band(1730, 50, 0.09, "C-H stretching, first overtone"),
        Band(2090, 75, 1.2, "O-H stretching + O-H deformation"),
        Band(2260, 45, 0.8, "C-H combination"),
        Band(2315, 45, 0.8, "C-H stretching + CH2 deformation"),
        Band(2495, 55, 0.9, "C-H stretching + C-C stretching"),
    ),
    "ethanol": _in_order(
        *_stretching("CH3", (0.004, 0.045, 0.32), 40),
        *_stretching("bonded OH", (0.0004, 0.012, 0.36), 150)[1:],
        Band(OSCILLATORS["free OH"].level_nm(2), 25, 0.06, "O-H stretching, first overtone, free"),
        Band(1765, 35, 0.14, "C-H stretching, first overtone, CH2"),
        _with_bending("bonded OH", 1, OH_BENDING - 10, 110, 0.75),
        _with_bending("CH3", 1, CH_BENDING - 10, 28, 1.3),
        Band(2305, 26, 1.2, "C-H stretching + C-H deformation, CH2"),
        Band(2347, 28, 0.7, "C-H stretching + C-H deformation"),
    ),
    "methanol": _in_order(
        *_stretching("CH3", (0.003, 0.035, 0.26), 45),
        Band(OSCILLATORS["free OH"].level_nm(2), 28, 0.08, "O-H stretching, first overtone, free"),
        Band(OSCILLATORS["bonded OH"].level_nm(2) - 5, 140, 0.5, "O-H stretching, first overtone, hydrogen bonded"),
        Band(2080, 90, 1.1, "O-H stretching + O-H deformation"),
        _with_bending("CH3", 1, CH_BENDING - 5, 35, 1.4),
        Band(2340, 40, 0.6, "C-H stretching + C-H deformation"),
    ),
    "lignin": _in_order(
        *_stretching("aromatic", (0.002, 0.03, 0.20), 40),
        Band(1215, 50, 0.03, "C-H stretching, second overtone"),
        Band(1420, 45, 0.20, "O-H stretching, first overtone, phenolic"),
        Band(1725, 45, 0.15, "C-H stretching, first overtone"),
        Band(1920, 70, 0.25, "C=O stretching, second overtone"),
        Band(2135, 55, 0.5, "C-H stretching + C=C stretching, aromatic"),
        Band(2270, 45, 0.6, "C-H combination, methoxyl"),
        Band(2335, 45, 0.6, "C-H stretching + C-H deformation"),
    ),
    "benzene": _in_order(
        *_stretching("aromatic", (0.004, 0.045, 0.40), 22),
        Band(1417, 30, 0.05, "2 x C-H stretching + C-H deformation, aromatic"),
        Band(2150, 28, 0.45, "C-H stretching + C=C stretching, aromatic"),
        Band(2183, 25, 0.55, "C-H stretching + C=C stretching, aromatic"),
        Band(2460, 30, 1.2, "C-H stretching + C-H deformation, aromatic"),
    ),
    "alkane": _in_order(
        *_stretching("CH2", (0.006, 0.075, 0.42), 30),
        *_stretching("CH3", (0.002, 0.035, 0.35), 28),
        _with_bending("CH2", 2, CH_BENDING, 35, 0.07),
        _with_bending("CH3", 2, CH_BENDING, 35, 0.05),
        _with_bending("CH2", 1, CH_BENDING, 28, 2.0),
        _with_bending("CH3", 1, CH_BENDING, 28, 1.0),
        Band(2350, 28, 1.4, "C-H stretching + C-H deformation, CH2"),
    ),
    "clay": (
        Band(1395, 20, 0.15, "O-H stretching, first overtone"),
        Band(1414, 18, 0.30, "O-H stretching, first overtone"),
        Band(1470, 90, 0.10, "O-H stretching, first overtone, water between layers"),
        Band(1912, 55, 0.40, "O-H stretching + bending, water between layers"),
        Band(2165, 28, 0.20, "O-H stretching + Al-O-H deformation"),
        Band(2207, 32, 0.55, "O-H stretching + Al-O-H deformation"),
        Band(2350, 35, 0.15, "O-H stretching + Al-O-H deformation"),
        Band(2440, 35, 0.15, "O-H stretching + Al-O-H deformation"),
    ),
    "carbonate": (
        Band(1990, 45, 0.05, "C-O stretching, overtones and combinations"),
        Band(2155, 45, 0.08, "C-O stretching, overtones and combinations"),
        Band(2338, 45, 0.40, "C-O stretching, second overtone"),
    ),
    "quartz": (),
    "iron oxide": (
        Band(350, 150, 60.0, "charge transfer"),
        Band(500, 130, 25.0, "Fe3+, crystal field, pairs"),
        Band(660, 90, 4.0, "Fe3+, crystal field"),
        Band(890, 170, 7.0, "Fe3+, crystal field"),
    ),
    "humus": (
        Band(300, 420, 8.0, "conjugated double bonds"),
        Band(1200, 700, 0.25, "conjugated double bonds, tail"),
        Band(1725, 60, 0.10, "C-H stretching, first overtone"),
        Band(2080, 120, 0.30, "O-H combination"),
        Band(2310, 70, 0.45, "C-H combination"),
    ),
    "chlorophyll": (
        Band(435, 60, 350.0, "Soret"),
        Band(480, 60, 150.0, "carotenoids and chlorophyll b"),
        Band(625, 60, 60.0, "Q, vibronic"),
        Band(675, 30, 200.0, "Q"),
    ),
}


def absorptivity(component: str, wavelengths: np.ndarray) -> np.ndarray:
    """Return the absorbance of 1 mm of a pure component, shape (n_channels,).

    Bands are sums of a Gaussian (hydrogen bonds of many lengths) and a Lorentzian (lifetime) of one width, in
    wavenumber, which is proportional to energy. The Lorentzian's share is a choice: with none, spectra fall to zero
    between bands, as those of real products do not.

    Parameters
    ----------
    component : a key of `COMPONENTS`
    wavelengths : shape (n_channels,), nm
    """
    wavenumbers = 1e7 / wavelengths
    result = np.zeros_like(wavenumbers)
    for band in COMPONENTS[component]:
        fwhm = 1e7 * band.fwhm_nm / band.centre_nm**2
        distance = 2 * (wavenumbers - 1e7 / band.centre_nm) / fwhm
        gaussian, lorentzian = np.exp(-np.log(2) * distance**2), 1 / (1 + distance**2)
        result += band.height * ((1 - _LORENTZIAN_SHARE) * gaussian + _LORENTZIAN_SHARE * lorentzian)
    return result
