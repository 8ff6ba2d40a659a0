"""Synthetic soils on three instruments: a mid-infrared bench, a near-infrared bench and a cheap scanner.

Each instrument comes in two states, "first" and "second": two units in two laboratories, with other slits, axis errors,
stray light, detector curves and air humidity. Soils are the same on all of them.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from etalon.seeds import derive_seed
from etalon.synthesis.lines import spectrum
from etalon.synthesis.optics import Optics
from etalon.synthesis.soil_minerals import MID_INFRARED, NEAR_INFRARED
from etalon.synthesis.soils import COMPONENTS, KINDS, Soils, draw_soils, hygroscopic_water
from etalon.synthesis.spectrometers import Spectrometer

STATES = ("first", "second")
_MOISTURE_SD = 0.1  # of the logarithm of the water that a soil holds, between scans
_ORDER_SD = 0.10  # of the logarithm of what a unit of each constituent absorbs, between soils: crystallinity, coatings
_GRANULAR = ("quartz", "feldspar")  # whose bands depend on the size of their grains

# Diffuse reflection of ground soil. Absorbances and spreads are choices that look like those of libraries; the
# mid-infrared is mirrored where silica absorbs, the near-infrared lies on grey matter.
_MID = Optics(
    law="diffuse",
    strongest=1.4,
    particle_sd=0.20,
    packing_sd=0.06,
    grey=0.02,
    mirrored=0.03,
    tilt=0.2,
    tilt_sd=0.06,
    offset=0.05,
    offset_sd=0.015,
    drift=0.0,
    drift_sd=0.004,
    bow_sd=0.004,
    fluorescence=0.0,
    fluorescence_sd=0.0,
    fluorescence_shape=(0.5, 0.5),
)
_NEAR = replace(
    _MID,
    strongest=0.32,
    particle_sd=0.30,
    packing_sd=0.08,
    grey=0.25,
    mirrored=0.0,
    tilt=0.3,
    tilt_sd=0.08,
    offset=0.10,
    drift=0.03,
    drift_sd=0.008,
)


class Bench(NamedTuple):
    """An instrument in one state: spectrometer, how soils meet its light, humidity of its room (1: usual)."""

    spectrometer: Spectrometer
    optics: Optics
    humidity: float


class SoilScans(NamedTuple):
    """Scans, one row each, in the order of specimens and of scans within each.

    Attributes
    ----------
    specimen, scan : int, shape (n_scans,)
    spectra : float64, shape (n_scans, n_channels): absorbance, in the order of `wavelengths`
    wavelengths : float64, shape (n_channels,), nm, strictly increasing
    soils : of the specimens, one row each
    """

    specimen: np.ndarray
    scan: np.ndarray
    spectra: np.ndarray
    wavelengths: np.ndarray
    soils: Soils


def scan_soils(
    population: str, instrument: str, state: str, specimens: Iterable[int], n_scans: int, seed: int
) -> SoilScans:
    """Measure `n_scans` scans of each of `specimens` of a population.

    A soil depends on (seed, population, its number) alone, a scan also on instrument and state: not on what else is
    generated.

    Parameters
    ----------
    population : a key of `etalon.synthesis.soils.POPULATIONS`
    instrument : a key of `INSTRUMENTS`
    state : one of `STATES`
    """
    numbers = list(specimens)
    soil_seed = derive_seed(seed, "soil", population)
    streams = [np.random.default_rng([soil_seed, number]) for number in numbers]
    soils = draw_soils(population, streams)
    scatter = np.array([rng.normal(size=2) for rng in streams])
    order = np.exp(_ORDER_SD * np.array([rng.normal(size=len(COMPONENTS)) for rng in streams]))
    # Coarse grains scatter less, and light goes deeper.
    sand = soils.truth[:, 5] / 100
    particles = np.stack([1.5 * (sand - 0.4) + 0.6 * scatter[:, 0], scatter[:, 1]], axis=1)

    bench = INSTRUMENTS[instrument](state)
    scan_seed = derive_seed(seed, "soil_scan", population, instrument, state)
    n_normals = bench.optics.n_normals + 1 + len(bench.spectrometer.channels)
    normals = np.array(
        [np.random.default_rng([scan_seed, n, scan]).normal(size=n_normals) for n in numbers for scan in range(n_scans)]
    )
    of_scan = np.repeat(np.arange(len(numbers)), n_scans)
    water = bench.humidity * hygroscopic_water(soils.fractions)[of_scan] * np.exp(_MOISTURE_SD * normals[:, 0])
    absorption = _absorption(bench.spectrometer, order * soils.fractions, soils.silt, of_scan, water)
    optical = normals[:, 1 : 1 + bench.optics.n_normals]
    light, _ = bench.optics.light(absorption, 1e7 / bench.spectrometer.grid_cm1, particles[of_scan], optical)
    return SoilScans(
        specimen=np.repeat(numbers, n_scans),
        scan=np.tile(np.arange(n_scans), len(numbers)),
        spectra=bench.spectrometer.measure(light, normals[:, 1 + bench.optics.n_normals :]),
        wavelengths=bench.spectrometer.wavelengths,
        soils=soils,
    )


def _absorption(
    bench: Spectrometer, amounts: np.ndarray, silt: np.ndarray, of_scan: np.ndarray, water: np.ndarray
) -> np.ndarray:
    """Return the absorption of each scan, shape (n_grid, n_scans), beside the strongest band of the usual soil.

    Parameters
    ----------
    amounts : shape (n_soils, n_components): what of each component absorbs
    silt : shape (n_soils,): share of silt in silt + sand
    of_scan : shape (n_scans,): row of the soil
    water : shape (n_scans,): g/g
    """
    table = MID_INFRARED if bench.kind == "mir" else NEAR_INFRARED
    axis = bench.grid_cm1
    result = spectrum(table["water"], axis)[:, None] * water
    usual = spectrum(table["water"], axis) * hygroscopic_water(_USUAL[None])[0]
    for share, typical, name in zip(amounts.T, _USUAL, COMPONENTS, strict=True):
        if name in _GRANULAR:
            fine, coarse = (spectrum(table[f"{size} {name}"], axis) for size in ("fine", "coarse"))
            result += fine[:, None] * (share * silt)[of_scan]
            result += coarse[:, None] * (share * (1 - silt))[of_scan]
            usual = usual + typical * (fine + coarse) / 2
        else:
            pure = spectrum(table[name], axis)
            result += pure[:, None] * share[of_scan]
            usual = usual + typical * pure
    return result / usual.max()


def _usual_soil() -> np.ndarray:
    """Return the geometric mean of the kinds as mass fractions: what absorption is scaled by, for all soils alike."""
    amounts = np.exp(np.log([kind.amounts for kind in KINDS.values()]).mean(axis=0))
    return amounts / amounts.sum()


_USUAL = _usual_soil()


def _spectrometer(
    kind: str, channels: np.ndarray, unit: str, fwhm: float, noise: float, second: bool, shift: float
) -> Spectrometer:
    """Return a spectrometer; the second unit's axis is off by `shift`, its slit a tenth wider, its detector bent."""
    position = np.linspace(-1, 1, len(channels))
    return Spectrometer(
        kind=kind,
        channels=channels,
        unit=unit,
        fwhm=np.full(channels.shape, fwhm * (1.1 if second else 1.0)),
        shift=shift if second else 0.0,
        stretch=0.0,
        stray_light=4e-3 if second else 1e-3,
        noise_sd=noise * (1 + 4 * position**8),
        gain=1 + 0.02 * position - 0.01 * position**2 if second else np.ones(channels.shape),
        representation="absorbance",
    )


@cache
def _mir_bench(state: str) -> Bench:
    """Fourier-transform spectrometer with a DRIFT accessory: 4000-600 cm-1 in steps of 4, resolution 8 cm-1."""
    second = state == "second"
    channels = np.arange(600.0, 4001.0, 4.0)
    return Bench(_spectrometer("mir", channels, "cm-1", 8.0, 1e-4, second, 1.0), _MID, 1.3 if second else 1.0)


@cache
def _nir_bench(state: str) -> Bench:
    """Scanning grating monochromator: 1100-2498 nm in steps of 2 nm, slit 10 nm."""
    second = state == "second"
    channels = np.arange(1100.0, 2499.0, 2.0)
    return Bench(_spectrometer("nir", channels, "nm", 10.0, 5e-5, second, 0.6), _NEAR, 1.3 if second else 1.0)


@cache
def _nir_scanner(state: str) -> Bench:
    """Fourier-transform spectrometer on a chip: 1350-2550 nm, 257 channels even in wavenumber, resolution 70 cm-1."""
    second = state == "second"
    channels = np.linspace(1e7 / 2550, 1e7 / 1350, 257)
    return Bench(_spectrometer("nir", channels, "cm-1", 70.0, 5e-4, second, 6.0), _NEAR, 1.3 if second else 1.0)


INSTRUMENTS = {"mir_bench": _mir_bench, "nir_bench": _nir_bench, "nir_scanner": _nir_scanner}
