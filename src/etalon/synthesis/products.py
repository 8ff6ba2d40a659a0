"""Random products: which components, in what amounts, how they vary together, at what temperature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from etalon.synthesis.substances import Substance

OTHER = "other"  # unnamed matter: bands like those of the table, elsewhere


class Archetype(NamedTuple):
    """Typical mass fractions of a product, how often it is measured in diffuse reflection, how often it is drawn."""

    amounts: dict[str, float]
    diffuse: float
    weight: float = 1.0


# Rounded from food composition tables and textbooks; random products lie around them.
ARCHETYPES: dict[str, Archetype] = {
    "grain": Archetype(
        {"water": 0.12, "starch": 0.59, "protein": 0.12, "lipid": 0.03, "cellulose": 0.09, "sugar": 0.03, "ash": 0.02},
        0.9,
        weight=2.0,
    ),
    "forage": Archetype(
        {"water": 0.08, "cellulose": 0.43, "lignin": 0.06, "protein": 0.15, "sugar": 0.12, "starch": 0.05, "ash": 0.07}
        | {"lipid": 0.03, "chlorophyll": 0.0005},
        1.0,
    ),
    "leaf": Archetype(
        {"water": 0.65, "cellulose": 0.15, "lignin": 0.04, "protein": 0.08, "starch": 0.03, "chlorophyll": 0.002}, 1.0
    ),
    "wood": Archetype({"water": 0.09, "cellulose": 0.6, "lignin": 0.28, "ash": 0.01}, 1.0),
    "dairy powder": Archetype({"water": 0.05, "sugar": 0.42, "protein": 0.28, "lipid": 0.18, "ash": 0.07}, 1.0),
    "milk": Archetype({"water": 0.87, "lipid": 0.04, "protein": 0.035, "sugar": 0.048, "ash": 0.007}, 0.5),
    "meat": Archetype({"water": 0.62, "protein": 0.18, "lipid": 0.18, "ash": 0.02}, 0.7),
    "fruit": Archetype(
        {"water": 0.83, "glucose": 0.04, "fructose": 0.05, "sucrose": 0.03, "cellulose": 0.03, "chlorophyll": 0.0003},
        0.9,
    ),
    "root": Archetype({"water": 0.65, "starch": 0.28, "sugar": 0.02, "cellulose": 0.03, "protein": 0.01}, 0.9),
    "oilseed": Archetype(
        {"water": 0.07, "lipid": 0.4, "protein": 0.24, "cellulose": 0.15, "starch": 0.08, "ash": 0.06}, 0.9
    ),
    "oil": Archetype({"lipid": 0.98, "water": 0.003, "alkane": 0.01}, 0.0),
    "fuel": Archetype({"alkane": 0.7, "benzene": 0.25, "ethanol": 0.03}, 0.0),
    "beverage": Archetype({"water": 0.89, "ethanol": 0.06, "glucose": 0.02, "fructose": 0.02, "methanol": 0.001}, 0.1),
    "soil": Archetype(
        {"clay": 0.25, "quartz": 0.55, "carbonate": 0.05, "iron oxide": 0.02, "humus": 0.03, "water": 0.04}
        | {"cellulose": 0.01},
        1.0,
        weight=4.0,
    ),
    "tablet": Archetype({"sugar": 0.4, "cellulose": 0.3, "starch": 0.1, "water": 0.03, OTHER: 0.15}, 0.7),
    "coffee": Archetype(
        {"cellulose": 0.45, "protein": 0.13, "lipid": 0.14, "sugar": 0.08, "lignin": 0.08, "water": 0.04, "ash": 0.04},
        1.0,
    ),
}
_ANYTHING = 0.15  # share of products that follow no archetype


@dataclass(frozen=True, eq=False)
class Product:
    """A product drawn at random. Composition is logistic-normal, as in `etalon.synthesis.mixtures.Recipe`.

    Attributes
    ----------
    components : names; the last is `OTHER`
    log_kinds : shape (n_kinds, n_components): logarithms of the typical amounts of each kind of the product
    loadings : shape (n_components, n_factors): of the logarithms on common factors, which make components correlate
    own_sd : shape (n_components,): standard deviation of what each logarithm does on its own
    temperature, temperature_sd : degrees Celsius, mean and standard deviation between specimens
    diffuse : whether it is measured in diffuse reflection
    """

    components: tuple[str, ...]
    log_kinds: np.ndarray
    loadings: np.ndarray
    own_sd: np.ndarray
    temperature: float
    temperature_sd: float
    diffuse: bool

    @property
    def n_normals(self) -> int:
        """Standard normal numbers that `specimens` needs for each."""
        return sum(self.loadings.shape) + 1

    def specimens(self, kinds: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mass fractions (n, n_components) and temperatures (n,).

        Parameters
        ----------
        kinds : shape (n,), in [0, 1): decides the kind of each
        normals : shape (n, n_normals), standard normal
        """
        n_components, n_factors = self.loadings.shape
        log_amounts = (
            self.log_kinds[(kinds * len(self.log_kinds)).astype(int)] + self.own_sd * normals[:, :n_components]
        )
        # Added one after the other: a matrix product may round differently for other numbers of rows.
        for factor in range(n_factors):
            log_amounts = log_amounts + normals[:, n_components + factor, None] * self.loadings[:, factor]
        amounts = np.exp(log_amounts)
        total = sum(amounts[:, component] for component in range(n_components))
        return amounts / total[:, None], self.temperature + self.temperature_sd * normals[:, -1]

    @property
    def mean(self) -> np.ndarray:
        """Mass fractions of the mean specimen, shape (n_components,)."""
        amounts = np.exp(self.log_kinds.mean(axis=0))
        return amounts / amounts.sum()


def random_product(substances: Mapping[str, Substance], rng: np.random.Generator) -> Product:
    """Draw a product: amounts around those of an archetype, or any of `substances`."""
    if rng.random() < _ANYTHING:
        names = [str(name) for name in rng.permutation(sorted(substances))[: rng.integers(2, 7)]]
        shares = rng.dirichlet(np.ones(len(names))) + 0.01
        amounts = {name: share * substances[name].typical for name, share in zip(names, shares, strict=True)}
        diffuse = 0.6
    else:
        weights = np.array([archetype.weight for archetype in ARCHETYPES.values()])
        chosen = list(ARCHETYPES)[rng.choice(len(weights), p=weights / weights.sum())]
        typical, diffuse, _ = ARCHETYPES[chosen]
        kept = [name for name in typical if name == "water" or rng.random() > 0.12]
        amounts = {name: typical[name] for name in (kept if len(kept) > 1 else typical) if name != OTHER}
    amounts[OTHER] = sum(amounts.values()) * 10 ** rng.uniform(-2, -0.5)
    n, n_kinds, n_factors = len(amounts), int(rng.integers(1, 5)), int(rng.integers(1, 3))
    log_typical = np.log(list(amounts.values())) + 0.4 * rng.normal(size=n)
    spread = 10 ** rng.uniform(-1.5, -0.3)  # amounts vary by 3 to 50 %
    return Product(
        components=tuple(amounts),
        log_kinds=log_typical + rng.uniform(0, 1) * spread * rng.normal(size=(n_kinds, n)),
        loadings=spread * 0.7 * rng.normal(size=(n, n_factors)),
        own_sd=spread * np.exp(0.5 * rng.normal(size=n)),
        temperature=22 + 5 * rng.normal(),
        temperature_sd=rng.uniform(0, 3),
        diffuse=rng.random() < diffuse,
    )
