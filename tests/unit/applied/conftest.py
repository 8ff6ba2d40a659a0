"""A set of spectra whose calibration is easy, with replicate scans."""

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet, Target

AXIS = np.linspace(1100.0, 2400.0, 60)
BANDS = np.exp(-0.5 * ((AXIS - np.array([[1450.0], [1930.0], [2200.0]])) / 70) ** 2)
PROTEIN = Target("protein", "protein", "%")


def make_set(name: str, n_specimens: int = 60, scans: int = 2, gain: float = 1.0, seed: int = 0, **about) -> SpectraSet:
    """Return spectra of the same specimens for the same `seed`, scaled by `gain` and with noise of their own."""
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0.1, 1.0, (n_specimens, 3))
    own = np.random.default_rng([seed, len(name), int(1000 * gain)])
    specimen = np.repeat([f"s{i:03d}" for i in range(n_specimens)], scans)
    each = np.repeat(shares, scans, axis=0)
    spectra = gain * (0.3 + each @ BANDS) * own.normal(1, 0.05, (len(each), 1)) + own.normal(0, 0.002, (len(each), 60))
    y = 10 * each[:, 1] + np.repeat(rng.normal(0, 0.1, n_specimens), scans)
    metadata = Metadata(name, name, name, "nir", "absorbance", "nm", targets=(PROTEIN,))
    ids = np.array([f"{one}-{k % scans}" for k, one in enumerate(specimen)])
    return SpectraSet(metadata, spectra, AXIS, ids, specimen, y[:, None], **about)


@pytest.fixture(scope="session")
def easy() -> SpectraSet:
    return make_set("easy")
