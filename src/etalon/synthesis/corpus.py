"""An endless series of synthetic sets: each one random product on one random instrument."""

from dataclasses import dataclass

import numpy as np

from etalon.seeds import derive_seed
from etalon.synthesis.bands import COMPONENTS, absorptivity
from etalon.synthesis.products import Product, random_product
from etalon.synthesis.spectrometers import Spectrometer, random_near_infrared

_REFERENCE_NM = 1500.0


@dataclass(frozen=True, eq=False)
class CorpusSet:
    """Spectra of one random product on one random instrument, with everything that is true of them.

    Attributes
    ----------
    name : unique within a series
    modality, axis_unit, representation : as in `etalon.contracts.Metadata`
    wavelengths : float64, shape (L,), strictly increasing
    intensities : float32, shape (n, L), as the instrument reports them
    concentrations : float32, shape (n, C): mass fractions; rows sum to 1
    components : names, one a column of `concentrations`
    clean, background : float32, shape (n, L): absorbance of the chemistry alone at the mean path length, and the
        additive baseline
    """

    name: str
    modality: str
    axis_unit: str
    representation: str
    wavelengths: np.ndarray
    intensities: np.ndarray
    concentrations: np.ndarray
    components: tuple[str, ...]
    clean: np.ndarray
    background: np.ndarray


def corpus_set(seed: int, number: int, n_specimens: int) -> CorpusSet:
    """Return set `number` of the series `seed`.

    Product and instrument depend on (seed, number) alone, specimen i on (seed, number, i) alone: more specimens leave
    the first ones as they were.
    """
    product = random_product(np.random.default_rng([derive_seed(seed, "product"), number]), COMPONENTS)
    instrument = random_near_infrared(np.random.default_rng([derive_seed(seed, "instrument"), number]))
    streams = [np.random.default_rng([derive_seed(seed, "specimen"), number, i]) for i in range(n_specimens)]
    kinds = np.array([rng.random() for rng in streams])
    normals = np.array([rng.normal(size=product.n_normals) for rng in streams])
    fractions, _, particles, tilts = product.specimens(kinds, normals)
    streams = [np.random.default_rng([derive_seed(seed, "scan"), number, i]) for i in range(n_specimens)]
    scan = np.array([rng.normal(size=4 + len(instrument.channels)) for rng in streams])
    return _measure(f"set{number}", product, instrument, fractions, particles, tilts, scan)


def _measure(
    name: str,
    product: Product,
    instrument: Spectrometer,
    fractions: np.ndarray,
    particles: np.ndarray,
    tilts: np.ndarray,
    scan: np.ndarray,
) -> CorpusSet:
    """Return the set: `fractions` (n, C), `particles` and `tilts` (n,), and random numbers `scan` (n, 4 + L)."""
    scatter = product.scatter
    grid_nm = instrument.grid if instrument.unit == "nm" else 1e7 / instrument.grid
    relative = (grid_nm / _REFERENCE_NM)[:, None]
    pure = np.array([absorptivity(component, grid_nm) for component in product.components])
    path_mm = scatter.strongest / max((np.exp(product.log_kinds.mean(axis=0)) @ pure).max(), 1e-4)
    pure *= path_mm

    # Added one after the other: a matrix product may round differently for other numbers of rows.
    chemistry = np.zeros((len(grid_nm), len(fractions)))
    for share, spectrum in zip(fractions.T, pure, strict=True):
        chemistry += spectrum[:, None] * share
    log_path = scatter.particle_sd * particles + scatter.packing_sd * scan[:, 0]
    tilt = scatter.tilt + scatter.tilt_sd * (tilts + scan[:, 1] / 3)
    offset = scatter.offset + scatter.offset_sd * scan[:, 2]
    drift = scatter.drift + scatter.drift_sd * scan[:, 3]
    background = offset + drift / relative**2
    absorbance = np.exp(log_path + tilt * np.log(relative)) * chemistry + background
    return CorpusSet(
        name=name,
        modality=instrument.modality,
        axis_unit=instrument.axis_unit,
        representation=instrument.representation,
        wavelengths=instrument.wavelengths,
        intensities=instrument.measure(absorbance, scan[:, 4:]).astype(np.float32),
        concentrations=fractions.astype(np.float32),
        components=product.components,
        clean=_on_channels(instrument, chemistry),
        background=_on_channels(instrument, background),
    )


def _on_channels(instrument: Spectrometer, on_grid: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(instrument.resolve(on_grid).T[:, instrument.order], np.float32)
