"""What learned transfer is judged by: limits of the source calibration that know its replicate scans."""

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.evaluate.cross_instrument import Pair
from etalon.evaluate.learned_transfer import limits_of
from etalon.evaluate.outliers import OutlierLimits
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer import folds_of
from etalon.evaluate.transfer_methods import prepare, stack

GRID, N = np.arange(1100.0, 1700.0, 10.0), 60
SETTINGS = {"preprocessings": ["none"], "max_lv": 8, "inner_splits": 3, "savgol_window": 7, "savgol_order": 2}


def measured(name, scans):
    """Specimens with a shape of their own, which their replicate scans share."""
    rng = np.random.default_rng(0)
    y, shapes = rng.uniform(1.0, 3.0, N), rng.normal(size=(N, 8)) @ rng.normal(size=(8, len(GRID)))
    own = np.outer(y, np.exp(-0.5 * ((GRID - 1400.0) / 60.0) ** 2)) + 0.1 * shapes
    X = np.repeat(own, scans, axis=0) + 1e-4 * rng.normal(size=(N * scans, len(GRID)))
    specimen = np.repeat(np.arange(N), scans).astype(str)
    metadata = Metadata(name, "toys", "Toy", "nir", "absorbance", "nm", targets=(Target("fat", "fat", "%"),))
    return SpectraSet(metadata, X, GRID, np.arange(len(X)).astype(str), specimen, np.repeat(y, scans)[:, None])


@pytest.fixture(scope="module")
def prepared():
    pair = Pair(measured("first", 3), measured("second", 1))
    baselines = {
        name: np.zeros_like(one.intensities) for name, one in (("first", pair.source), ("second", pair.target))
    }
    (task,) = list_tasks(pair.source)
    folds = make_folds(pair.source, n_splits=4, n_repeats=1, seed=1)
    stacked = stack(pair, [], baselines, SETTINGS["savgol_window"], SETTINGS["savgol_order"])
    return prepare(pair, stacked, task, *folds_of(task, folds)[0], SETTINGS, 1)


def test_limits_of_a_calibration_leave_out_all_scans_of_a_specimen(prepared):
    own = prepared.calibration
    assert len(own.y) == 3 * len(np.unique(own.groups)) == prepared.n_train
    limits = limits_of(own).limit_
    by_row = OutlierLimits(own.spectra, own.y, own.n_lv).limit_
    assert limits["cross_validated"] > 1.2 * by_row["cross_validated"], "replicates would vouch for each other"
