"""Conversion of NIR to MIR spectra by linear regression, the control of study 3."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from etalon.evaluate import soil_fidelity
from etalon.evaluate.soil_fidelity import STRENGTHS, linear_conversion


def spectra(n_soils, scans, seed):
    """NIR and MIR spectra of soils with noise of the soil in both, which replicate scans share."""
    rng = np.random.default_rng(seed)
    soils = np.repeat(np.arange(n_soils), scans)
    state = rng.normal(size=(n_soils, 3))
    nir, mir = (state @ np.random.default_rng(k).normal(size=(3, width)) for k, width in ((1, 30), (2, 12)))
    nir, mir = nir + 0.5 * rng.normal(size=nir.shape), mir + 0.5 * rng.normal(size=mir.shape)
    nir, mir = nir[soils], mir[soils]
    return nir + 1e-3 * rng.normal(size=nir.shape), mir + 1e-3 * rng.normal(size=mir.shape), soils


def test_with_one_scan_a_soil_it_is_leave_one_out():
    nir, mir, soils = spectra(40, 1, seed=0)
    tested = spectra(10, 1, seed=5)[0]
    wanted = RidgeCV(STRENGTHS).fit(nir, mir).predict(tested)
    np.testing.assert_allclose(linear_conversion(nir, mir, soils, tested), wanted, rtol=1e-8)


def test_the_strength_is_chosen_on_soils_whose_every_scan_is_left_out(monkeypatch):
    nir, mir, soils = spectra(25, 4, seed=0)
    errors = []
    for strength in STRENGTHS:
        errors.append(0.0)
        for soil in range(25):
            fitted = Ridge(strength).fit(nir[soils != soil], mir[soils != soil])
            errors[-1] += ((fitted.predict(nir[soils == soil]) - mir[soils == soil]) ** 2).sum()
    best = STRENGTHS[int(np.argmin(errors))]
    assert best > 100 * RidgeCV(STRENGTHS).fit(nir, mir).alpha_, "by scan, replicates give each other away"
    used = []
    monkeypatch.setattr(soil_fidelity, "Ridge", lambda alpha: used.append(alpha) or Ridge(alpha))
    linear_conversion(nir, mir, soils, nir)
    assert used == [pytest.approx(best)]
