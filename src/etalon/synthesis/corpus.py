"""An endless series of synthetic sets: each one random product on one random instrument."""

from dataclasses import dataclass

import numpy as np

from etalon.contracts import UNKNOWN
from etalon.errors import BadInputError
from etalon.seeds import derive_seed
from etalon.synthesis.lines import Line, disturbed, spectrum
from etalon.synthesis.optics import random_optics
from etalon.synthesis.products import OTHER, Product, random_product
from etalon.synthesis.spectrometers import Spectrometer, random_spectrometer
from etalon.synthesis.substances import SUBSTANCES

SHARES = {"nir": 0.85, "mir": 0.10, "raman": 0.05}  # of the kinds of spectra in a series
_MODES = {
    ("nir", "diffuse"): "reflectance",
    ("nir", "direct"): "transmittance",
    ("mir", "diffuse"): "drift",
    ("mir", "direct"): "transmittance",
}
_FAINTEST = 1e-6  # absorption below which a product is taken as clear: nothing to scale to


@dataclass(frozen=True, eq=False)
class CorpusSet:
    """Spectra of one random product on one random instrument, with everything that is true of them.

    Attributes
    ----------
    name : unique within a series
    modality, axis_unit, representation, mode : as in `etalon.contracts.Metadata`
    wavelengths : float64, shape (L,), strictly increasing
    intensities : float32, shape (n, L), as the instrument reports them
    concentrations : float32, shape (n, C): mass fractions; rows sum to 1
    components : names, one a column of `concentrations`
    clean : float32, shape (n, L): absorbance of the chemistry alone at the mean path length (Raman: scattering), seen
        by the instrument's slit; linear in the concentrations but for the temperature of water
    background : float32, shape (n, L): additive baseline in absorbance (Raman: fluorescence, beside `clean`)
    """

    name: str
    modality: str
    axis_unit: str
    representation: str
    mode: str
    wavelengths: np.ndarray
    intensities: np.ndarray
    concentrations: np.ndarray
    components: tuple[str, ...]
    clean: np.ndarray
    background: np.ndarray


def corpus_set(seed: int, number: int, n_specimens: int, kind: str | None = None, first: int = 0) -> CorpusSet:
    """Return `n_specimens` of set `number` of the series `seed`, from specimen `first` on.

    Product and instrument depend on (seed, number) alone, specimen i on (seed, number, i) alone: more specimens leave
    the first ones as they were, and a set too large for memory is had in parts.

    Parameters
    ----------
    kind : "nir", "mir" or "raman"; drawn by `SHARES` unless given. Sets of one number and different kinds hold the
        same specimens: equal concentrations and temperatures.
    """
    if kind not in (None, *SHARES):
        raise BadInputError("corpus_set", "kind", f"one of {', '.join(SHARES)}", kind)
    product = random_product(SUBSTANCES, _rng(seed, number, "product"))
    if kind is None:
        kind = str(_rng(seed, number, "kind").choice(list(SHARES), p=list(SHARES.values())))
    rng = _rng(seed, number, "instrument", kind)
    instrument = random_spectrometer(kind, product.diffuse, rng)
    law = "raman" if kind == "raman" else "diffuse" if product.diffuse else "direct"
    optics = random_optics(law, kind, rng)
    pure, warming = _pure_spectra(product, instrument, _rng(seed, number, "matrix", kind))

    specimens = range(first, first + n_specimens)
    streams = [_rng(seed, number, "specimen", i=i) for i in specimens]
    kinds = np.array([rng.random() for rng in streams])
    normals = np.array([rng.normal(size=product.n_normals + 2) for rng in streams])
    fractions, temperatures = product.specimens(kinds, normals[:, 2:])
    # Added one after the other: a matrix product may round differently for other numbers of rows.
    absorption = np.zeros((len(instrument.grid), n_specimens))
    for share, of_one, of_a_degree in zip(fractions.T, pure, warming, strict=True):
        absorption += of_one[:, None] * share
        if of_a_degree.any():
            absorption += of_a_degree[:, None] * (share * (temperatures - product.temperature))
    np.maximum(absorption, 0, out=absorption)

    streams = [_rng(seed, number, "scan", kind, i=i) for i in specimens]
    scan = np.array([rng.normal(size=optics.n_normals + len(instrument.channels)) for rng in streams])
    light, background = optics.light(absorption, _optical_axis(instrument), normals[:, :2], scan[:, : optics.n_normals])
    clean = absorption if law == "raman" else optics.strongest * absorption
    return CorpusSet(
        name=f"set{number}",
        modality=instrument.modality,
        axis_unit=instrument.axis_unit,
        representation=instrument.representation,
        mode=_MODES.get((kind, law), UNKNOWN),
        wavelengths=instrument.wavelengths,
        intensities=instrument.measure(light, scan[:, optics.n_normals :]).astype(np.float32),
        concentrations=fractions.astype(np.float32),
        components=product.components,
        clean=_on_channels(instrument, clean),
        background=_on_channels(instrument, background),
    )


def _rng(seed: int, number: int, *axes: str, i: int | None = None) -> np.random.Generator:
    """Return the stream of a set, or of its specimen `i`."""
    entropy = [derive_seed(seed, "corpus", *axes), number]
    return np.random.default_rng(entropy if i is None else [*entropy, i])


def _pure_spectra(
    product: Product, instrument: Spectrometer, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return each component's spectrum in this product, and what a degree adds to it, both (n_components, n_grid).

    They are scaled so that the strongest band of the mean specimen within the instrument's range is 1.
    """
    axis, t = instrument.grid_cm1, product.temperature
    strength = rng.uniform(0.3, 1.5)
    broadening = rng.uniform(1.0, 1.8) if product.diffuse else 1.0
    pure, warming = [], []
    for name in product.components:
        table = _unnamed(instrument.kind, rng) if name == OTHER else SUBSTANCES[name].lines(instrument.kind)
        lines = disturbed(table, strength, broadening, rng)
        pure.append(spectrum(lines, axis, t))
        moving = [line for line in lines if line.warming or line.brightening]
        warming.append(spectrum(moving, axis, t + 0.5) - spectrum(moving, axis, t - 0.5))
    scale = 1 / max((product.mean @ np.array(pure)).max(), _FAINTEST)
    return scale * np.array(pure), scale * np.array(warming)


def _unnamed(kind: str, rng: np.random.Generator) -> list[Line]:
    """Return lines of matter without a name: some of all the table's, moved by about their width."""
    table = [line for name in sorted(SUBSTANCES) for line in SUBSTANCES[name].lines(kind) if line.height < 3]
    chosen = rng.choice(len(table), size=rng.integers(4, 12), replace=False)
    lines = [table[number]._replace(warming=0.0, brightening=0.0) for number in chosen]
    return [line._replace(position=line.position + line.fwhm * rng.normal()) for line in lines]


def _optical_axis(instrument: Spectrometer) -> np.ndarray:
    """Return what path length and backgrounds depend on: the wavelength, nm, or the Raman shift."""
    return instrument.grid if instrument.kind == "raman" else 1e7 / instrument.grid_cm1


def _on_channels(instrument: Spectrometer, on_grid: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(instrument.resolve(on_grid).T[:, instrument.order], np.float32)
