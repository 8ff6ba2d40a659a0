"""The generator: each scan depends on its seed and number alone, and its truth explains it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etalon.synthesis.bands import absorptivity
from etalon.synthesis.generator import Generator, Scans
from etalon.synthesis.instruments import INSTRUMENTS, Instrument
from etalon.synthesis.mixtures import RECIPES

CASES = [("grain", "benchtop"), ("grain", "handheld"), ("dairy_powder", "fourier_transform")]


def generator(recipe: str, instrument: str, seed: int) -> Generator:
    return Generator(RECIPES[recipe], INSTRUMENTS[instrument], seed)


def equal(first: Scans, second: Scans) -> bool:
    return all(np.array_equal(getattr(first, f.name), getattr(second, f.name)) for f in dataclasses.fields(Scans))


def rows(scans: Scans, which: np.ndarray) -> Scans:
    return Scans(*(getattr(scans, f.name)[which] for f in dataclasses.fields(Scans)))


@settings(deadline=None, max_examples=20)
@given(
    specimens=st.lists(st.integers(0, 10**9), min_size=1, max_size=6, unique=True),
    n_scans=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_a_scan_depends_on_seed_and_number_alone(specimens, n_scans, seed, data):
    handheld = generator("grain", "handheld", seed)
    together = handheld.scans(specimens, n_scans)
    shuffled = data.draw(st.permutations(specimens))
    one_by_one = [generator("grain", "handheld", seed).scans([specimen], n_scans) for specimen in shuffled]
    for specimen, alone in zip(shuffled, one_by_one, strict=True):
        assert equal(rows(together, together.specimen == specimen), alone)
    more = handheld.scans(specimens[:1], n_scans + 2)
    assert equal(rows(more, more.scan < n_scans), rows(together, together.specimen == specimens[0]))


def test_seeds_and_numbers_matter():
    spectra = [generator("grain", "handheld", seed).scans([n], 2).spectra for seed in (1, 2) for n in (0, 1)]
    flat = np.concatenate(spectra)
    assert len(np.unique(flat, axis=0)) == 8


def test_instruments_of_one_seed_measure_the_same_specimens():
    benchtop, handheld = (generator("grain", name, 3).scans(range(20)) for name in ("benchtop", "handheld"))
    assert np.array_equal(benchtop.fractions, handheld.fractions)
    assert np.array_equal(benchtop.reference, handheld.reference)
    assert np.array_equal(benchtop.kind, handheld.kind)
    # Packed anew for the other instrument, but ground once.
    at_1500 = [
        s.path_mm[:, np.argmin(np.abs(INSTRUMENTS[n].wavelengths - 1500))]
        for s, n in ((benchtop, "benchtop"), (handheld, "handheld"))
    ]
    assert not np.allclose(*at_1500)
    assert np.corrcoef(*at_1500)[0, 1] > 0.6


@pytest.mark.parametrize("representation", ["absorbance", "reflectance"])
def test_the_truth_explains_the_spectrum_down_to_the_noise(representation):
    """Where the slit is too narrow to matter, path x chemistry + baseline is the spectrum, but for the stated noise."""
    wavelengths = np.arange(1900.0, 2000.0, 5.0)
    width, noise = np.full(wavelengths.shape, 0.5), np.linspace(1e-4, 1e-3, len(wavelengths))
    narrow = Instrument("narrow", wavelengths, width, noise, shift_nm=0.0, representation=representation)
    scans = Generator(RECIPES["grain"], narrow, 0).scans(range(500), n_scans=2)
    light = scans.spectra if representation == "reflectance" else 10**-scans.spectra
    expected = 10 ** -(scans.path_mm * scans.chemistry + scans.baseline)
    residual = (light - expected) / noise
    np.testing.assert_allclose(residual.std(axis=0), 1.0, rtol=5 / np.sqrt(2 * 1000))
    assert np.abs(residual.mean(axis=0)).max() < 5 / np.sqrt(1000)


@pytest.mark.parametrize(("recipe", "instrument"), CASES)
def test_a_real_slit_hides_little(recipe, instrument):
    """It mixes light and not absorbances; at these resolutions that is worth less than 0.5 % of the white reference."""
    scans = generator(recipe, instrument, 0).scans(range(100))
    light = scans.spectra if INSTRUMENTS[instrument].representation == "reflectance" else 10**-scans.spectra
    expected = 10 ** -(scans.path_mm * scans.chemistry + scans.baseline)
    assert np.abs((light - expected).mean(axis=0)).max() < 5e-3


@pytest.mark.parametrize(("recipe", "instrument"), CASES)
def test_chemistry_is_beer_lambert(recipe, instrument):
    """Least squares on the pure spectra, seen by the same slit, gives the mass fractions back."""
    scans = generator(recipe, instrument, 0).scans(range(10))
    device = INSTRUMENTS[instrument]
    names = RECIPES[recipe].components
    pure = np.array([device.resolve(absorptivity(name, device.grid)) for name in names if name != "ash"])
    found = np.linalg.lstsq(pure.T, scans.chemistry.T)[0].T
    np.testing.assert_allclose(found, scans.fractions[:, [name != "ash" for name in names]], atol=1e-6)


@pytest.mark.parametrize(("recipe", "instrument"), CASES)
def test_spectra_are_plausible(recipe, instrument):
    scans = generator(recipe, instrument, 5).scans(range(200))
    limits = (0.0, 1.05) if INSTRUMENTS[instrument].representation == "reflectance" else (-0.02, 2.5)
    assert limits[0] < scans.spectra.min() < scans.spectra.max() < limits[1]
    assert np.isfinite(scans.spectra).all()


def test_scans_of_a_specimen_share_its_chemistry_and_differ_less_than_specimens():
    scans = generator("dairy_powder", "fourier_transform", 0).scans(range(40), n_scans=3)
    chemistry = scans.chemistry.reshape(40, 3, -1)
    reference = scans.reference.reshape(40, 3, -1)
    assert (chemistry == chemistry[:, :1]).all()
    assert (reference == reference[:, :1]).all()
    path = np.log(scans.path_mm.reshape(40, 3, -1)[:, :, 300])
    assert 0 < path.std(axis=1).mean() < path.mean(axis=1).std()


def test_scatter_is_smooth():
    """Path length and baseline change slowly: straight lines in log wavelength explain them."""
    scans = generator("grain", "benchtop", 0).scans(range(30))
    log_wavelength = np.log(INSTRUMENTS["benchtop"].wavelengths)
    fits = np.polynomial.polynomial.polyfit(log_wavelength, np.log(scans.path_mm).T, 1)
    residual = np.log(scans.path_mm).T - np.polynomial.polynomial.polyval(log_wavelength, fits).T
    assert np.abs(residual).max() < 1e-4
