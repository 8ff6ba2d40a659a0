"""How a product meets the light: directly, by diffuse reflection, or as a Raman scatterer; and its backgrounds."""

from dataclasses import dataclass

import numpy as np

_N_NORMALS = 6
_MIRRORING_K = 20.0  # absorption over scattering at which half of the mirrored light is seen


@dataclass(frozen=True)
class Optics:
    r"""Law that turns chemistry into light, with its variation between specimens and scans.

    With a(x) the absorption of a specimen, scaled so that the strongest band of the mean specimen is 1, and
    :math:`\ell = e^g (\lambda / \lambda_0)^t` the relative path length:

    direct: :math:`A = A_0\, \ell a + b` (Beer-Lambert), light :math:`10^{-A}`;

    diffuse: :math:`R = 1 + k - \sqrt{k^2 + 2k}` with :math:`k = k_0\, \ell (a + a_0)` (Kubelka and Munk 1931; k is
    absorption over scattering, :math:`a_0` that of dark matter without bands), light :math:`R\, 10^{-b}`. Weak bands
    come out stronger beside strong ones than in transmission. A share s of the light is mirrored where absorption is
    strong, :math:`s\,k / (k + 20)`: bands of minerals in the mid-infrared come out flat or upside down;

    raman: light :math:`e^g (a + f)`: scattering on a fluorescence background f.

    The baseline b is an offset, a drift as 1 / wavelength² (scatter by small particles) and a slow bow over the range.

    Attributes
    ----------
    law : "direct", "diffuse" or "raman"
    strongest : absorbance A_0 of the strongest band of the mean specimen, from which k_0 follows too
    particle_sd, packing_sd : standard deviation of g between specimens and between scans
    grey : absorption a_0
    mirrored : share s
    tilt, tilt_sd : mean of t, and its spread between specimens; scans add a third
    offset, offset_sd, drift, drift_sd, bow_sd : of the baseline, absorbance
    fluorescence, fluorescence_sd : height of f beside the strongest band, and spread of its logarithm between scans
    fluorescence_shape : centre and width of f, as shares of the range from its start
    """

    law: str
    strongest: float
    particle_sd: float
    packing_sd: float
    grey: float
    mirrored: float
    tilt: float
    tilt_sd: float
    offset: float
    offset_sd: float
    drift: float
    drift_sd: float
    bow_sd: float
    fluorescence: float
    fluorescence_sd: float
    fluorescence_shape: tuple[float, float]

    n_normals = _N_NORMALS

    def light(
        self, absorption: np.ndarray, wavelengths: np.ndarray, particles: np.ndarray, normals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the light and the background of each scan, both (n_grid, n).

        Parameters
        ----------
        absorption : shape (n_grid, n), scaled as above; Raman: scattering
        wavelengths : shape (n_grid,), nm; Raman: shift in cm-1
        particles : shape (n, 2), standard normal, of the specimens
        normals : shape (n, n_normals), standard normal, of the scans

        Returns
        -------
        light : fraction of that of the reference; Raman: signal beside the strongest band
        background : baseline, absorbance; Raman: fluorescence, in the unit of the signal
        """
        log_gain = self.particle_sd * particles[:, 0] + self.packing_sd * normals[:, 0]
        position = np.linspace(0, 1, len(wavelengths))[:, None]
        if self.law == "raman":
            background = self._fluorescence(position, normals)
            return np.exp(log_gain) * (absorption + background), np.exp(log_gain) * background
        relative = (wavelengths / np.sqrt(wavelengths[0] * wavelengths[-1]))[:, None]
        tilt = self.tilt + self.tilt_sd * (particles[:, 1] + normals[:, 1] / 3)
        path = np.exp(log_gain + tilt * np.log(relative))
        background = (
            self.offset + self.offset_sd * normals[:, 2] + (self.drift + self.drift_sd * normals[:, 3]) / relative**2
        )
        background = background + self.bow_sd * (normals[:, 4] * _bow(position, 2) + normals[:, 5] * _bow(position, 3))
        if self.law == "direct":
            return np.exp(-np.log(10) * (self.strongest * path * absorption + background)), background
        darkest = 10**-self.strongest
        k = (1 - darkest) ** 2 / (2 * darkest) * path * (absorption + self.grey)
        reflectance = 1 + k - np.sqrt(k * (k + 2)) + self.mirrored * k / (k + _MIRRORING_K)
        return reflectance * np.exp(-np.log(10) * background), background

    def _fluorescence(self, position: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Return a broad hump that bleaches from scan to scan and leans a little, shape (n_grid, n)."""
        centre, width = self.fluorescence_shape
        height = self.fluorescence * np.exp(self.fluorescence_sd * normals[:, 2])
        leaning = np.exp(0.3 * self.fluorescence_sd * normals[:, 3] * position)
        hump = np.exp(-0.5 * ((position - centre) / width) ** 2)
        return height * (leaning * hump + self.bow_sd * normals[:, 4] * _bow(position, 3))


def _bow(position: np.ndarray, degree: int) -> np.ndarray:
    """Return the Legendre polynomial of `degree` over the range, `position` in 0 to 1."""
    u = 2 * position - 1
    return (3 * u**2 - 1) / 2 if degree == 2 else (5 * u**3 - 3 * u) / 2


def random_optics(law: str, kind: str, rng: np.random.Generator) -> Optics:
    """Draw the optics of one product on an instrument of `kind`; what is optically simple varies little."""
    strength = 10 ** rng.uniform(-1.0, 0.2)
    shares = rng.uniform(0.2, 1, size=6)
    diffuse = law == "diffuse"
    fundamentals = kind == "mir"  # ten times stronger than overtones beside what scatters
    return Optics(
        law=law,
        strongest=10 ** (rng.uniform(-0.4, 0.3) + 0.4 * fundamentals if diffuse else rng.uniform(-1.0, 0.4)),
        particle_sd=(0.35 if diffuse else 0.06) * strength * shares[0],
        packing_sd=(0.15 if diffuse else 0.02) * strength * shares[1],
        grey=10 ** rng.uniform(-2.0, -0.2) if diffuse else 0.0,
        mirrored=10 ** rng.uniform(-3.0, -0.8) if diffuse and fundamentals else 0.0,
        tilt=rng.normal(0.2, 0.5) if diffuse else 0.0,
        tilt_sd=0.2 * strength * shares[2] if diffuse else 0.0,
        offset=rng.uniform(0, 0.35) if diffuse else 0.05 * rng.normal(),
        offset_sd=(0.06 if diffuse else 0.02) * strength * shares[3],
        drift=0.06 * abs(rng.normal()) if diffuse else 0.02 * abs(rng.normal()),
        drift_sd=0.03 * strength * shares[4],
        bow_sd=0.01 * strength * shares[5],
        fluorescence=10 ** rng.uniform(-1, 1),
        fluorescence_sd=0.5 * strength,
        fluorescence_shape=(rng.uniform(-0.2, 0.8), rng.uniform(0.25, 0.8)),
    )
