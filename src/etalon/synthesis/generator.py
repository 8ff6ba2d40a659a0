"""Spectra of synthetic specimens, with everything that is true of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from etalon.seeds import derive_seed
from etalon.synthesis.bands import absorptivity
from etalon.synthesis.instruments import Instrument
from etalon.synthesis.mixtures import Recipe


@dataclass(frozen=True)
class Scans:
    """Scans and their truth; one row a scan.

    Attributes
    ----------
    specimen, scan : int, shape (n_scans,): number of the specimen, and of the scan of it
    kind : str, shape (n_scans,): kind of the product
    spectra : float64, shape (n_scans, n_channels): as the instrument reports them
    fractions : float64, shape (n_scans, n_components): mass fractions; rows sum to 1
    reference : float64, shape (n_scans, n_components): what the laboratory found, g/100 g; one value a specimen
    chemistry : float64, shape (n_scans, n_channels): absorbance of 1 mm at the instrument's resolution; neither scatter
        nor noise
    path_mm, baseline : float64, shape (n_scans, n_channels): effective path length, additive baseline (absorbance)
    """

    specimen: np.ndarray
    scan: np.ndarray
    kind: np.ndarray
    spectra: np.ndarray
    fractions: np.ndarray
    reference: np.ndarray
    chemistry: np.ndarray
    path_mm: np.ndarray
    baseline: np.ndarray


@dataclass(frozen=True, eq=False)
class Generator:
    """An endless series of specimens of one product on one instrument.

    Scan j of specimen i depends on the seed, i and j alone: not on what else is generated, in which order or in how
    many pieces. Generators of one recipe and seed on different instruments measure the same specimens.

    Attributes
    ----------
    recipe : what is measured
    instrument : what measures it
    seed : main seed
    """

    recipe: Recipe
    instrument: Instrument
    seed: int

    def scans(self, specimens: Iterable[int], n_scans: int = 1) -> Scans:
        """Measure `n_scans` scans of each of `specimens`."""
        rows = [row for specimen in specimens for row in self._specimen(specimen, n_scans)]
        columns = zip(*rows, strict=True)
        return Scans(*(np.array(column) for column in columns))

    @cached_property
    def _pure(self) -> list[np.ndarray]:
        """Absorptivity of each component on the instrument's grid."""
        return [absorptivity(name, self.instrument.grid) for name in self.recipe.components]

    def _specimen(self, specimen: int, n_scans: int) -> list[tuple]:
        """Return one row of `Scans` for each scan."""
        recipe, instrument = self.recipe, self.instrument
        rng = np.random.default_rng([derive_seed(self.seed, "specimen", recipe.name), specimen])
        kind, fractions = recipe.draw(rng)
        particles = recipe.presentation.grind(rng)
        reference = recipe.analyse(fractions, rng)
        # Added one after the other: a matrix product may round differently for other numbers of rows.
        chemistry = sum(share * pure for share, pure in zip(fractions, self._pure, strict=True))

        scan_seed = derive_seed(self.seed, "scan", recipe.name, instrument.name)
        rows = []
        for scan in range(n_scans):
            rng = np.random.default_rng([scan_seed, specimen, scan])
            path, baseline = recipe.presentation.pack(particles, instrument.grid, rng)
            spectrum = instrument.measure(path * chemistry + baseline, rng)
            truth = (instrument.resolve(quantity) for quantity in (chemistry, path, baseline))
            rows.append((specimen, scan, kind, spectrum, fractions, reference, *truth))
        return rows
