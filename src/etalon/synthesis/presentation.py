"""How a powder meets the light: effective path length, scatter and baseline of one scan."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

_REFERENCE_NM = 1500.0


class Particles(NamedTuple):
    """What grinding left a specimen with, alike in all its scans: relative path length (log) and its tilt."""

    log_path: float
    tilt: float


@dataclass(frozen=True)
class Presentation:
    r"""Effective path length and additive baseline of diffuse reflection, written as log10(1/R).

    .. math:: A(\lambda) = \ell(\lambda) \sum_k c_k \varepsilon_k(\lambda) + b(\lambda), \qquad
              \ell = \bar\ell\, e^{g} (\lambda / 1500)^{t}, \qquad b = o + d\, (1500 / \lambda)^2

    Larger particles scatter less and light goes deeper: a multiplicative effect that changes slowly with wavelength, as
    scattering powers do (MSC and EMSC assume the same: Martens, Nielsen and Engelsen 2003, Anal. Chem. 75, 394).
    Packing changes it from scan to scan. In reality absorption also shortens the path; here it does not.

    Attributes
    ----------
    path_mm : effective path length at 1500 nm
    particle_sd, packing_sd : standard deviation of its logarithm between specimens and between scans
    tilt_sd : standard deviation of the exponent t between specimens; a third of it between scans
    offset, offset_sd : mean and standard deviation of o, absorbance
    drift_sd : standard deviation of d, absorbance
    """

    path_mm: float
    particle_sd: float
    packing_sd: float
    tilt_sd: float
    offset: float
    offset_sd: float
    drift_sd: float

    def grind(self, rng: np.random.Generator) -> Particles:
        return Particles(self.particle_sd * rng.normal(), self.tilt_sd * rng.normal())

    def pack(
        self, particles: Particles, wavelengths: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return path length (mm) and baseline (absorbance) of one scan, both of shape (n_channels,)."""
        relative = wavelengths / _REFERENCE_NM
        log_path = particles.log_path + self.packing_sd * rng.normal()
        tilt = particles.tilt + self.tilt_sd / 3 * rng.normal()
        path = self.path_mm * np.exp(log_path) * relative**tilt
        offset = self.offset + self.offset_sd * rng.normal()
        return path, offset + self.drift_sd * rng.normal() / relative**2
