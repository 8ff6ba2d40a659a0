"""Toy instruments that measure one analyte: a band of its own, an interferent, a gain; grids of their own."""

from pathlib import Path

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.preprocess.asls import asls
from etalon.storage import save_array, save_set

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 20, "tol": 1e-3}
SETTINGS = {
    "preprocessings": ["none", "snv"],
    "max_lv": 6,
    "inner_splits": 3,
    "savgol_window": 7,
    "savgol_order": 2,
    "min_overlap": 0.5,
    "max_per_set": 40,
    "sizes": [5, 10],
    "draws": 2,
    "heads": ["ridge", "evidence", "fs_evidence"],
    "max_rows": 300,
    "asls": ASLS,
}
TARGETS = (Target("fat", "fat", "%"), Target("ash", "ash", "%"))


def write_toy(
    folder: Path, family: str, grid: tuple[float, float, float], representation: str = "absorbance", n: int = 24, **more
) -> None:
    """Write a set of `n` specimens, the first two scanned twice; `ash` is measured in the family "alone" only."""
    rng = np.random.default_rng(sum(folder.name.encode()))
    axis = np.arange(*grid)
    y = rng.uniform(1.0, 3.0, n)
    y, specimen = np.r_[y, y[:2]], np.r_[np.arange(n), 0, 1].astype(str)
    bands = [np.exp(-0.5 * ((axis - centre) / 60) ** 2) for centre in (1500.0, 1750.0)]
    absorbance = np.outer(y, bands[0]) + np.outer(rng.uniform(0, 1, n + 2), bands[1]) + 0.1
    absorbance += 0.002 * rng.normal(size=absorbance.shape)
    X = {"reflectance_percent": 100 * 10**-absorbance}.get(representation, absorbance)
    reference = np.c_[y, y if family == "alone" else np.full(n + 2, np.nan)]
    metadata = Metadata(folder.name, family, "Toy", "nir", representation, "nm", targets=TARGETS, **more)
    spectra = SpectraSet(metadata, X, axis, np.arange(n + 2).astype(str), specimen, reference)
    save_set(folder, spectra)
    save_array(folder / "baseline_asls.npy", asls(spectra.intensities, axis, axis_unit="nm", modality="nir", **ASLS))


@pytest.fixture(scope="session")
def toy():
    """Return the function that writes a set."""
    return write_toy


@pytest.fixture(scope="session")
def lodo_settings():
    return SETTINGS
