r"""Overtones and combinations of anharmonic oscillators.

The levels of a Morse oscillator of harmonic wavenumber :math:`\omega` and anharmonicity :math:`x` (both in cm-1) lie at

.. math:: \nu_n = n\,\omega - n (n + 1)\, x

above the ground state, n quanta up; X-H stretching vibrations of large molecules follow it bond by bond ("local
modes": Henry 1977, Use of local modes in the description of highly vibrationally excited molecules, Acc. Chem. Res.
10, 207). The n-th level is the (n - 1)-th overtone: weaker by about a factor of ten a step, and less than n times as
far up.
"""

from typing import NamedTuple


class Oscillator(NamedTuple):
    """A stretching vibration: harmonic wavenumber and anharmonicity in cm-1, and what it is."""

    harmonic: float
    anharmonicity: float
    bond: str

    def level(self, n: int) -> float:
        """Return the wavenumber (cm-1) of the transition to `n` quanta: 1 is the fundamental, 2 its first overtone."""
        return n * self.harmonic - n * (n + 1) * self.anharmonicity

    def combined(self, n: int, other: float, coupling: float = 20.0) -> float:
        """Return the wavenumber (cm-1) of `n` quanta with one quantum of a vibration at `other`.

        `coupling` is the loss a quantum of the stretching vibration; a choice in the middle of the 10 to 30 cm-1 with
        which the C-H stretching + deformation bands of alkanes come out where they are found.
        """
        return self.level(n) + other - n * coupling

    def level_nm(self, n: int) -> float:
        """Return `level` as a wavelength, nm."""
        return 1e7 / self.level(n)

    def combined_nm(self, n: int, other: float, coupling: float = 20.0) -> float:
        """Return `combined` as a wavelength, nm."""
        return 1e7 / self.combined(n, other, coupling)


# Rounded: harmonic wavenumbers such that fundamentals and overtones come out where the tables of `bands` and
# `mid_infrared` have them, with anharmonicities of the size known for the bond (C-H about 60, O-H about 85, N-H about
# 70 cm-1). Symmetric and asymmetric stretching of CH2, CH3 and H2O are taken together.
OSCILLATORS = {
    "CH2": Oscillator(3010.0, 60.0, "C-H stretching, CH2"),
    "CH3": Oscillator(3085.0, 62.0, "C-H stretching, CH3"),
    "aromatic": Oscillator(3153.0, 57.5, "C-H stretching, aromatic"),
    "free OH": Oscillator(3805.0, 84.0, "O-H stretching, free"),
    "water": Oscillator(3690.0, 82.0, "O-H stretching, water"),
    "bonded OH": Oscillator(3520.0, 105.0, "O-H stretching, hydrogen bonded"),
    "NH": Oscillator(3500.0, 66.0, "N-H stretching, amide"),
}
CH_BENDING = 1455.0  # cm-1, CH2 and CH3 deformation
OH_BENDING = 1400.0  # cm-1, in-plane C-O-H deformation of hydrogen-bonded alcohols
