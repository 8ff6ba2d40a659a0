"""Published errors on public data, reproduced: a formula, an axis or a column that slipped shows here.

Sources of the numbers, by dataset:

- gasoline: vignette of the R package pls, and the same splits computed with it (Mevik & Wehrens 2007,
  doi:10.18637/jss.v018.i02)
- meat_tecator_215: guaraci's benchmark of the classic split (mean-centred PLS, 14 latent variables, 2.011)
- meat_tecator: JchemoDemo, PLSR after SNV and a second derivative, on the set without duplicates
- pharma_idrc2002: the shootout's own calibration and test tablets
- corn_m5: the loss of the scale by per-spectrum normalisation
"""

import numpy as np
import pytest
from chemotools.derivative import SavitzkyGolay
from chemotools.scatter import StandardNormalVariate
from ikpls.sklearn import PLS
from sklearn.pipeline import make_pipeline

from etalon.data.folds import group_specimens
from etalon.evaluate.metrics import rmsep
from etalon.preprocess.chain import preprocessing

pytestmark = pytest.mark.mirror

SNV_SAVGOL1 = {"name": "snv_savgol1", "savgol_window": 15, "savgol_order": 2}


def column(spectra, name):
    return spectra.reference[:, [target.name for target in spectra.metadata.targets].index(name)]


def error(train, test, n_lv, steps=None):
    """RMSEP of PLS with `n_lv` latent variables; `train` and `test` are (spectra, references)."""
    model = PLS(n_components=n_lv, scale_X=False, scale_Y=False)
    if steps is not None:
        model = make_pipeline(steps, model)
    X, y = train
    X_test, y_test = test
    return rmsep(y_test, np.ravel(model.fit(X.astype(float), y).predict(X_test.astype(float))))


def test_gasoline_octane(mirrored):
    spectra = mirrored("gasoline_kalivas")
    X, y = spectra.intensities, column(spectra, "octane")
    errors = [error((X[:50], y[:50]), (X[50:], y[50:]), n_lv) for n_lv in range(1, 11)]
    expected = [1.170, 0.2445, 0.2341, 0.329, 0.278, 0.270, 0.330, 0.357, 0.409, 0.612]
    assert errors == pytest.approx(expected, abs=6e-4)


def test_tecator_fat_on_the_classic_split_and_without_its_leak(mirrored):
    spectra = mirrored("meat_tecator_215")
    X, y = spectra.intensities, column(spectra, "fat")
    train, test = np.arange(172), np.arange(172, 215)
    classic = [error((X[train], y[train]), (X[test], y[test]), n_lv) for n_lv in (10, 14)]
    assert classic == pytest.approx([2.5923, 2.0112], abs=2e-4)

    groups = group_specimens(spectra)
    leaked = np.isin(groups[test], groups[train])
    assert leaked.sum() == 7, "test spectra that also stand among the training spectra"
    train = train[~np.isin(groups[train], groups[test])]
    honest = [error((X[train], y[train]), (X[test], y[test]), n_lv) for n_lv in (10, 14)]
    assert honest == pytest.approx([2.6915, 2.1295], abs=2e-4)
    assert honest[1] > 1.05 * classic[1], "the duplicates flatter the classic split by 6 %"


def test_tecator_fat_without_duplicates(mirrored):
    spectra = mirrored("meat_tecator")
    X, y, train = spectra.intensities, column(spectra, "fat"), spectra.split == "train"
    # The reference repeats the edge values where the window leaves the spectrum.
    steps = make_pipeline(
        StandardNormalVariate(), SavitzkyGolay(window_length=15, polyorder=3, deriv=2, mode="nearest")
    )
    errors = [error((X[train], y[train]), (X[~train], y[~train]), n_lv, steps) for n_lv in (9, 15)]
    assert errors == pytest.approx([1.871, 2.222], abs=6e-4)


@pytest.mark.parametrize(
    ("instrument", "preprocess", "n_lv", "expected"),
    [(1, False, 4, 4.715), (1, False, 5, 4.823), (1, True, 6, 4.438), (2, False, 5, 8.989), (2, True, 6, 5.804)],
)
def test_pharma_tablets_assay(mirrored, instrument, preprocess, n_lv, expected):
    calibrated, tested = mirrored("pharma_idrc2002_inst1"), mirrored(f"pharma_idrc2002_inst{instrument}")
    y, split = column(calibrated, "assay"), calibrated.split
    train, test = split == "Train", split == "Test"
    assert (train.sum(), test.sum()) == (155, 460)
    np.testing.assert_array_equal(tested.sample_id, calibrated.sample_id)
    steps = preprocessing(**SNV_SAVGOL1) if preprocess else None
    found = error((calibrated.intensities[train], y[train]), (tested.intensities[test], y[test]), n_lv, steps)
    assert found == pytest.approx(expected, abs=6e-4)


def test_snv_destroys_corn_moisture(mirrored):
    spectra = mirrored("corn_m5")
    X, y = spectra.intensities, column(spectra, "moisture")
    train = np.arange(80) % 4 > 0
    raw, snv = (
        min(error((X[train], y[train]), (X[~train], y[~train]), n_lv, steps) for n_lv in range(1, 26))
        for steps in (None, preprocessing("snv", savgol_window=15, savgol_order=2))
    )
    assert raw < 0.012
    assert snv > 10 * raw
