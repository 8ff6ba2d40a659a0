"""Near-infrared bands of the main constituents of agricultural and food products, as a table.

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
"""

from typing import NamedTuple

import numpy as np

_LORENTZIAN_SHARE = 0.4


class Band(NamedTuple):
    """One band: position and full width at half maximum in nm, absorbance of 1 mm of pure substance, assignment."""

    centre_nm: float
    fwhm_nm: float
    height: float
    assignment: str


COMPONENTS: dict[str, tuple[Band, ...]] = {
    "water": (
        Band(970, 45, 0.0155, "2 v1 + v3"),
        Band(1190, 60, 0.028, "v1 + v2 + v3"),
        Band(1450, 105, 1.25, "v1 + v3: O-H stretching, first overtone"),
        Band(1790, 90, 0.12, "O-H combination"),
        Band(1940, 95, 5.2, "v2 + v3: O-H stretching + bending"),
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
