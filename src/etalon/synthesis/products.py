"""Random products: which components, in what amounts, how they vary together, and how the product meets the light."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Product:
    """A product drawn at random. Composition is logistic-normal, as in `etalon.synthesis.mixtures.Recipe`.

    Attributes
    ----------
    components : names
    log_kinds : shape (n_kinds, n_components): logarithms of the typical amounts of each kind of the product
    loadings : shape (n_components, n_factors): of the logarithms on common factors, which make components correlate
    own_sd : shape (n_components,): standard deviation of what each logarithm does on its own
    temperature, temperature_sd : degrees Celsius, mean and standard deviation between specimens
    scatter : how specimens and scans of it scatter light
    """

    components: tuple[str, ...]
    log_kinds: np.ndarray
    loadings: np.ndarray
    own_sd: np.ndarray
    temperature: float
    temperature_sd: float
    scatter: "Scatter"

    @property
    def n_normals(self) -> int:
        """Standard normal numbers that a specimen needs."""
        n_components, n_factors = self.loadings.shape
        return n_components + n_factors + 3

    def specimens(self, kinds: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return mass fractions (n, n_components), and temperatures, particle sizes and tilts (n,) of specimens.

        Parameters
        ----------
        kinds : shape (n,), in [0, 1): decides the kind of each
        normals : shape (n, n_normals)
        """
        n_components, n_factors = self.loadings.shape
        own, common = normals[:, :n_components], normals[:, n_components : n_components + n_factors]
        log_amounts = self.log_kinds[(kinds * len(self.log_kinds)).astype(int)] + self.own_sd * own
        # Added one after the other: a matrix product may round differently for other numbers of rows.
        for number in range(n_factors):
            log_amounts = log_amounts + common[:, number : number + 1] * self.loadings[:, number]
        amounts = np.exp(log_amounts)
        total = sum(amounts[:, number] for number in range(n_components))
        temperature = self.temperature + self.temperature_sd * normals[:, -3]
        return amounts / total[:, None], temperature, normals[:, -2], normals[:, -1]


@dataclass(frozen=True)
class Scatter:
    """Standard deviations of path length and baseline, as in `etalon.synthesis.presentation.Presentation`.

    Attributes
    ----------
    particle_sd, packing_sd : of the logarithm of the path length, between specimens and between scans
    tilt, tilt_sd : mean exponent of the path's growth with wavelength, and its spread between specimens
    offset, offset_sd, drift, drift_sd : baseline, absorbance: constant, and growing as 1 / wavelength²
    strongest : absorbance of the strongest band within the range, from which the path length follows
    """

    particle_sd: float
    packing_sd: float
    tilt: float
    tilt_sd: float
    offset: float
    offset_sd: float
    drift: float
    drift_sd: float
    strongest: float


# Mass fractions of the usual components, rounded from food composition tables; random products lie around them.
ARCHETYPES: dict[str, dict[str, float]] = {
    "grain": {
        "water": 0.12,
        "starch": 0.60,
        "protein": 0.12,
        "lipid": 0.03,
        "cellulose": 0.09,
        "sugar": 0.03,
        "ash": 0.02,
    },
    "forage": {
        "water": 0.08,
        "cellulose": 0.50,
        "protein": 0.15,
        "sugar": 0.12,
        "starch": 0.05,
        "lipid": 0.03,
        "ash": 0.07,
    },
    "dairy": {"water": 0.05, "sugar": 0.42, "protein": 0.28, "lipid": 0.18, "ash": 0.07},
    "meat": {"water": 0.62, "protein": 0.18, "lipid": 0.18, "ash": 0.02},
    "fruit": {"water": 0.82, "sugar": 0.12, "cellulose": 0.03, "protein": 0.01, "ash": 0.02},
    "oilseed": {"water": 0.07, "lipid": 0.40, "protein": 0.24, "cellulose": 0.15, "starch": 0.08, "ash": 0.06},
}


def random_product(rng: np.random.Generator, table: dict) -> Product:
    """Draw a product: amounts around an archetype's, or any components of `table` (one in three)."""
    if rng.random() < 1 / 3:
        names = list(rng.permutation(sorted(table))[: rng.integers(3, 8)])
        typical = {
            str(name): share for name, share in zip(names, rng.dirichlet(np.ones(len(names))) + 0.01, strict=True)
        }
    else:
        typical = ARCHETYPES[str(rng.choice(sorted(ARCHETYPES)))]
        kept = [name for name in typical if rng.random() > 0.15]
        typical = {name: typical[name] for name in (kept if len(kept) > 1 else typical)}
    components = tuple(typical)
    n, n_kinds, n_factors = len(components), int(rng.integers(1, 5)), int(rng.integers(1, 3))
    log_typical = np.log(list(typical.values())) + 0.5 * rng.normal(size=n)
    spread = 10 ** rng.uniform(-1.5, -0.2)  # logarithms vary by 3 to 60 %
    return Product(
        components=components,
        log_kinds=log_typical + rng.uniform(0, 1) * spread * rng.normal(size=(n_kinds, n)),
        loadings=spread * 0.7 * rng.normal(size=(n, n_factors)),
        own_sd=spread * np.exp(0.5 * rng.normal(size=n)),
        temperature=22 + 5 * rng.normal(),
        temperature_sd=rng.uniform(0, 3),
        scatter=_random_scatter(rng),
    )


def _random_scatter(rng: np.random.Generator) -> Scatter:
    strength = 10 ** rng.uniform(-1.5, 0)
    return Scatter(
        particle_sd=0.25 * strength * rng.uniform(0.3, 1),
        packing_sd=0.1 * strength * rng.uniform(0.3, 1),
        tilt=0.3 * rng.normal(),
        tilt_sd=0.2 * strength,
        offset=rng.uniform(0.0, 0.4),
        offset_sd=0.08 * strength * rng.uniform(0.3, 1),
        drift=0.05 * abs(rng.normal()),
        drift_sd=0.03 * strength * rng.uniform(0.3, 1),
        strongest=10 ** rng.uniform(-0.5, 0.3),
    )
