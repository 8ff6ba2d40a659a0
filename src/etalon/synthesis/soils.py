"""Synthetic soils: what they consist of, and the nine properties that a laboratory finds in them.

Amounts vary as in `etalon.synthesis.mixtures`: their logarithms are normal around those of a kind, and their sum is 1.
Everything a laboratory reports follows from the composition, with its error. Compositions of the kinds are rounded from
textbook descriptions of the reference groups of the World Reference Base; their spreads are choices, such that the
ranges look like those of a national survey.
"""

from typing import NamedTuple

import numpy as np

COMPONENTS = (
    *("kaolinite", "smectite", "illite", "quartz", "feldspar", "carbonate", "goethite", "hematite"),
    *("humus", "protein", "cellulose"),
)
PROPERTIES = (
    *("total_carbon", "organic_carbon", "inorganic_carbon", "clay", "silt", "sand", "ph", "cec", "total_nitrogen"),
)
LOG_SD = np.array([0.5, 0.5, 0.35, 0.2, 0.35, 1.2, 0.4, 0.6, 0.6, 0.6, 0.8])
_CORRELATIONS = {("humus", "protein"): 0.85, ("humus", "cellulose"): 0.5, ("smectite", "illite"): 0.3}
_SILT_SD, _ACIDITY_SD = 0.6, 0.35  # of the logit of silt in what is no clay, and of pH before carbonate buffers it

# Carbon in humus is 58 % (van Bemmelen's factor 1.724), in protein 53 %, in cellulose 44.4 %, in calcite 12.0 %;
# nitrogen in protein 16 % (factor 6.25), in humus about 3 %.
_ORGANIC_CARBON = {"humus": 0.58, "protein": 0.53, "cellulose": 0.444}
_NITROGEN = {"humus": 0.03, "protein": 0.16}
_CARBON_OF_CARBONATE = 0.120
# cmol/kg, in the middle of the ranges of textbooks (kaolinite 1-15, smectite 80-120, illite 20-40, humus 150-300).
_EXCHANGE = {"kaolinite": 6.0, "smectite": 100.0, "illite": 28.0, "goethite": 4.0, "humus": 200.0}
# Share of each mineral in particles below 2 micrometres; a choice.
_CLAY_SIZED = {"kaolinite": 0.92, "smectite": 0.97, "illite": 0.85, "goethite": 0.85, "hematite": 0.85}
_CLAY_SIZED |= {"quartz": 0.03, "feldspar": 0.04, "carbonate": 0.12}
# g of water that 1 g holds in the air of a laboratory, of the size of hygroscopic moisture contents.
_HYGROSCOPIC = {"kaolinite": 0.012, "smectite": 0.10, "illite": 0.035, "goethite": 0.03, "humus": 0.12}


class Kind(NamedTuple):
    """A kind of soil: amounts in the order of `COMPONENTS`, silt in silt + sand, pH before carbonate buffers it."""

    amounts: tuple[float, ...]
    silt: float
    ph: float


KINDS: dict[str, Kind] = {
    "chernozem": Kind((0.03, 0.10, 0.13, 0.44, 0.14, 0.030, 0.012, 0.002, 0.045, 0.007, 0.004), 0.70, 6.6),
    "luvisol": Kind((0.05, 0.05, 0.12, 0.58, 0.14, 0.004, 0.015, 0.002, 0.015, 0.003, 0.003), 0.65, 5.9),
    "podzol": Kind((0.02, 0.005, 0.02, 0.82, 0.09, 0.001, 0.004, 0.001, 0.025, 0.003, 0.005), 0.15, 4.5),
    "ferralsol": Kind((0.40, 0.005, 0.03, 0.38, 0.01, 0.0005, 0.05, 0.03, 0.022, 0.003, 0.003), 0.30, 4.9),
    "vertisol": Kind((0.08, 0.42, 0.08, 0.28, 0.07, 0.020, 0.015, 0.002, 0.014, 0.002, 0.002), 0.60, 6.9),
    "calcisol": Kind((0.03, 0.10, 0.12, 0.35, 0.08, 0.250, 0.010, 0.002, 0.010, 0.002, 0.002), 0.55, 7.3),
    "cambisol": Kind((0.08, 0.08, 0.15, 0.44, 0.15, 0.010, 0.018, 0.004, 0.028, 0.005, 0.004), 0.50, 5.9),
}


class Population(NamedTuple):
    """Where soils come from: kinds with equal shares, and what is added to the logarithms of components' amounts."""

    kinds: tuple[str, ...]
    log_shift: dict[str, float]


# The second has fewer kinds and more organic matter: other ranges and other relations between properties.
POPULATIONS: dict[str, Population] = {
    "survey": Population(tuple(KINDS), {}),
    "region": Population(("chernozem", "calcisol", "cambisol"), {"humus": 0.5, "protein": 0.6, "cellulose": 0.5}),
}


class Soils(NamedTuple):
    """Soils and what is true of them; one row a soil.

    Attributes
    ----------
    kind : str, shape (n,)
    fractions : shape (n, n_components): mass fractions of the dry soil; rows sum to 1
    silt : shape (n,): share of silt in silt + sand
    truth : shape (n, 9): the `PROPERTIES`; % of the dry soil, pH, cmol/kg
    reference : shape (n, 9): what the laboratory found
    """

    kind: np.ndarray
    fractions: np.ndarray
    silt: np.ndarray
    truth: np.ndarray
    reference: np.ndarray


def draw_soils(population: str, streams: list[np.random.Generator]) -> Soils:
    """Draw one soil of `population` from each stream of random numbers."""
    kinds, log_shift = POPULATIONS[population]
    shift = np.array([log_shift.get(name, 0.0) for name in COMPONENTS])
    names = [str(rng.choice(kinds)) for rng in streams]
    normals = np.array([rng.normal(size=len(COMPONENTS) + 2) for rng in streams])
    errors = np.array([rng.normal(size=len(PROPERTIES)) for rng in streams])
    # Added one after the other: a matrix product may round differently for other numbers of rows.
    deviations = sum(normals[:, [i]] * _FACTOR[:, i] for i in range(len(COMPONENTS)))
    amounts = np.array([KINDS[name].amounts for name in names]) * np.exp(deviations + shift)
    fractions = amounts / amounts.sum(axis=1, keepdims=True)
    typical = np.array([KINDS[name].silt for name in names])
    silt = 1 / (1 + np.exp(-np.log(typical / (1 - typical)) - _SILT_SD * normals[:, -2]))
    acid = np.array([KINDS[name].ph for name in names]) + _ACIDITY_SD * normals[:, -1]
    truth = properties(fractions, silt, acid)
    return Soils(np.array(names), fractions, silt, truth, analyse(truth, errors))


def properties(fractions: np.ndarray, silt: np.ndarray, acid: np.ndarray) -> np.ndarray:
    """Return the `PROPERTIES`, shape (n, 9), of dry compositions, shape (n, n_components).

    Texture is that of the mineral matter, in % of it. Carbonate buffers pH towards 8.2, within a few tenths of a per
    cent of it; organic matter lowers it a little. Humus exchanges less at low pH.

    Parameters
    ----------
    silt : shape (n,): share of silt in silt + sand
    acid : shape (n,): pH without carbonate and organic matter
    """
    organic, nitrogen, exchange = (_of(fractions, table) for table in (_ORGANIC_CARBON, _NITROGEN, _EXCHANGE))
    carbonate = _of(fractions, {"carbonate": 1.0})
    clay = _of(fractions, _CLAY_SIZED) / _of(fractions, dict.fromkeys(_CLAY_SIZED, 1.0))
    buffered = carbonate / (carbonate + 0.004)
    ph = acid - 0.4 * np.log1p(organic / 0.02)
    ph = ph + (8.2 - ph) * buffered
    inorganic = _CARBON_OF_CARBONATE * carbonate
    texture = (clay, silt * (1 - clay), (1 - silt) * (1 - clay))
    shares = (organic + inorganic, organic, inorganic, *texture)
    return np.stack([*(100 * share for share in shares), ph, exchange, 100 * nitrogen], axis=1)


def analyse(truth: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return what a laboratory finds, shape (n, 9), with errors of the size of stated reproducibilities.

    Carbon by dry combustion and carbonate by calcimetry; organic carbon is their difference, as surveys report it.
    Clay and sand by sieve and pipette, silt is the rest. None is below what the methods detect.

    Parameters
    ----------
    truth : shape (n, 9)
    errors : shape (n, 9), standard normal
    """
    total, _, inorganic, clay, _, sand, ph, cec, nitrogen = truth.T
    e = errors.T
    inorganic = np.maximum(inorganic * (1 + 0.03 * e[2]) + 0.02 * np.abs(e[1]), 0.005)
    total = np.maximum(total * (1 + 0.02 * e[0]) + 0.02 * e[8], inorganic + 0.05)
    fines, coarse = clay * np.exp(0.06 * e[3]), sand * np.exp(0.05 * e[5])
    scale = 100 / (fines + (100 - clay - sand) * np.exp(0.05 * e[4]) + coarse)
    clay, sand = fines * scale, coarse * scale
    nitrogen = np.maximum(nitrogen * (1 + 0.04 * e[1]), 0.005)
    cec = cec * (1 + 0.05 * e[7])
    return np.stack(
        [total, total - inorganic, inorganic, clay, 100 - clay - sand, sand, ph + 0.1 * e[6], cec, nitrogen], axis=1
    )


def hygroscopic_water(fractions: np.ndarray) -> np.ndarray:
    """Return the water that dry soils hold in the air of a laboratory, g/g, shape (n,)."""
    return _of(fractions, _HYGROSCOPIC)


def _of(fractions: np.ndarray, table: dict[str, float]) -> np.ndarray:
    """Return the sum of fractions times the value of each component in `table`, shape (n,)."""
    return sum(
        (fractions[:, COMPONENTS.index(name)] * value for name, value in table.items()), np.zeros(len(fractions))
    )


def _cholesky() -> np.ndarray:
    """Return the Cholesky factor of the covariance of the logarithms, shape (n_components, n_components)."""
    correlation = np.eye(len(COMPONENTS))
    for (first, second), value in _CORRELATIONS.items():
        i, j = COMPONENTS.index(first), COMPONENTS.index(second)
        correlation[i, j] = correlation[j, i] = value
    return np.linalg.cholesky(correlation * np.outer(LOG_SD, LOG_SD))


_FACTOR = _cholesky()
