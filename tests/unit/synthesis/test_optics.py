"""Laws of light: Beer-Lambert, Kubelka-Munk, Raman scattering on fluorescence; and their backgrounds."""

import dataclasses

import numpy as np
import pytest

from etalon.synthesis.optics import Optics, random_optics

WAVELENGTHS = np.linspace(1000.0, 2500.0, 301)
BAND = (
    np.exp(-0.5 * ((WAVELENGTHS - 1900) / 60) ** 2)[:, None]
    + 0.05 * np.exp(-0.5 * ((WAVELENGTHS - 1200) / 40) ** 2)[:, None]
)
NOTHING = np.zeros((1, 2)), np.zeros((1, Optics.n_normals))


def plain(law: str, **changes: float) -> Optics:
    """Optics without any background or scatter."""
    optics = random_optics(law, "nir", np.random.default_rng(0))
    zero = {f.name: 0.0 for f in dataclasses.fields(Optics) if f.type == "float" or f.type is float}
    return dataclasses.replace(optics, **{**zero, "strongest": 1.0, **changes})


def absorbance(optics: Optics, absorption: np.ndarray) -> np.ndarray:
    return -np.log10(optics.light(absorption, WAVELENGTHS, *NOTHING)[0])


def test_direct_light_follows_beer_and_lambert():
    optics = plain("direct", strongest=1.5)
    np.testing.assert_allclose(absorbance(optics, BAND), 1.5 * BAND, atol=1e-12)
    np.testing.assert_allclose(absorbance(optics, 2 * BAND), 2 * absorbance(optics, BAND), atol=1e-12)


def test_diffuse_light_fulfils_the_equation_of_kubelka_and_munk():
    optics = plain("diffuse", strongest=1.0)
    reflectance = 10 ** -absorbance(optics, BAND)
    k = (1 - reflectance) ** 2 / (2 * reflectance)
    np.testing.assert_allclose(k / k.max(), BAND / BAND.max(), atol=1e-9)
    assert absorbance(optics, BAND).max() == pytest.approx(1.0, rel=0.01)


def test_weak_bands_come_out_stronger_in_diffuse_reflection():
    direct, diffuse = (absorbance(plain(law), BAND)[:, 0] for law in ("direct", "diffuse"))
    at_1200 = np.argmin(np.abs(WAVELENGTHS - 1200))
    assert diffuse[at_1200] / diffuse.max() > 3 * direct[at_1200] / direct.max()


def test_the_baseline_is_added_to_absorbance():
    for law in ("direct", "diffuse"):
        with_it = plain(law, offset=0.2, drift=0.1)
        _, background = with_it.light(BAND, WAVELENGTHS, *NOTHING)
        np.testing.assert_allclose(absorbance(with_it, BAND) - absorbance(plain(law), BAND), background, atol=1e-12)
        assert (np.diff(background[:, 0]) < 0).all()  # small particles scatter short waves most


def test_scatter_multiplies_and_tilts():
    thick, _ = plain("direct", particle_sd=0.1).light(BAND, WAVELENGTHS, np.array([[1.0, 0.0]]), NOTHING[1])
    np.testing.assert_allclose(-np.log10(thick), np.exp(0.1) * BAND, atol=1e-12)
    tilted = absorbance(plain("direct", tilt=1.0), np.ones_like(BAND))[:, 0]
    np.testing.assert_allclose(tilted / WAVELENGTHS, tilted[0] / WAVELENGTHS[0])


def test_raman_scattering_stands_on_fluorescence():
    optics = plain("raman", fluorescence=3.0)
    light, background = optics.light(BAND, WAVELENGTHS, *NOTHING)
    np.testing.assert_allclose(light - background, BAND, atol=1e-12)
    assert 0 < background.max() <= 3.0
