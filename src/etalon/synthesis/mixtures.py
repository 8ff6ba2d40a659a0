"""Recipes: what a product is made of, how its composition varies and how it meets the light."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from etalon.synthesis.presentation import Presentation


@dataclass(frozen=True)
class Recipe:
    """A product as a logistic-normal mixture of components.

    Logarithms of the components' amounts are normal, with the given correlations, around those of a kind; amounts are
    then divided by their sum (Aitchison 1982, The Statistical Analysis of Compositional Data, J. R. Stat. Soc. B 44,
    139). Fractions are positive and sum to 1, so that what grows does so at the cost of the rest.

    Attributes
    ----------
    name : of the product; random numbers depend on it
    components : names in `etalon.synthesis.bands.COMPONENTS`
    kinds : mass fractions of each kind of the product, in the order of `components`, as is; kinds are equally frequent
    log_sd : standard deviations of the logarithms
    correlations : of the logarithms, by pairs of components; 0 for pairs not named
    laboratory_sd : standard deviation of the reference method for each component, g/100 g
    presentation : path length, scatter and baseline
    """

    name: str
    components: tuple[str, ...]
    kinds: dict[str, tuple[float, ...]]
    log_sd: tuple[float, ...]
    correlations: dict[tuple[str, str], float]
    laboratory_sd: tuple[float, ...]
    presentation: Presentation

    def draw(self, rng: np.random.Generator) -> tuple[str, np.ndarray]:
        """Return a kind and mass fractions, shape (n_components,), of one specimen."""
        kind = str(rng.choice(list(self.kinds)))
        deviations = self._factor @ rng.normal(size=len(self.components))
        amounts = np.array(self.kinds[kind]) * np.exp(deviations)
        return kind, amounts / amounts.sum()

    def analyse(self, fractions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return what a laboratory finds for mass fractions, g/100 g, with its error."""
        return 100 * fractions + np.array(self.laboratory_sd) * rng.normal(size=len(fractions))

    @cached_property
    def _factor(self) -> np.ndarray:
        """Cholesky factor of the covariance of the logarithms."""
        correlation = np.eye(len(self.components))
        for (first, second), value in self.correlations.items():
            i, j = self.components.index(first), self.components.index(second)
            correlation[i, j] = correlation[j, i] = value
        return np.linalg.cholesky(correlation * np.outer(self.log_sd, self.log_sd))


# Compositions are rounded from common food composition tables; spreads are chosen so that ranges look like those of
# trade samples. Laboratory errors are of the size of reproducibilities stated for oven, Kjeldahl, ether extract and
# polarimetric methods.
_GRAIN = Recipe(
    name="grain",
    components=("water", "starch", "protein", "lipid", "cellulose", "sugar", "ash"),
    kinds={
        "wheat": (0.12, 0.60, 0.12, 0.020, 0.090, 0.03, 0.020),
        "barley": (0.12, 0.56, 0.11, 0.025, 0.130, 0.03, 0.025),
        "maize": (0.13, 0.63, 0.09, 0.045, 0.075, 0.02, 0.010),
    },
    log_sd=(0.12, 0.04, 0.15, 0.20, 0.15, 0.25, 0.15),
    correlations={("protein", "ash"): 0.4, ("starch", "protein"): -0.4, ("starch", "cellulose"): -0.3},
    laboratory_sd=(0.15, 0.60, 0.15, 0.10, 0.40, 0.20, 0.05),
    presentation=Presentation(
        path_mm=0.8, particle_sd=0.15, packing_sd=0.05, tilt_sd=0.15, offset=0.15, offset_sd=0.03, drift_sd=0.015
    ),
)
_DAIRY_POWDER = Recipe(
    name="dairy_powder",
    components=("water", "sugar", "protein", "lipid", "ash"),
    kinds={"milk powder": (0.035, 0.42, 0.30, 0.18, 0.065)},
    log_sd=(0.20, 0.06, 0.06, 0.40, 0.06),
    correlations={("protein", "ash"): 0.5, ("water", "lipid"): -0.3},
    laboratory_sd=(0.10, 0.40, 0.25, 0.20, 0.05),
    presentation=Presentation(
        path_mm=0.5, particle_sd=0.12, packing_sd=0.06, tilt_sd=0.10, offset=0.08, offset_sd=0.02, drift_sd=0.01
    ),
)
RECIPES = {recipe.name: recipe for recipe in (_GRAIN, _DAIRY_POWDER)}
