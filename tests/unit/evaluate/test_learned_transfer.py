"""What learned transfer is judged by: limits of the source calibration that know its replicate scans."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from etalon.chemometrics.transfer import SourceCalibration
from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.evaluate.cross_instrument import Pair
from etalon.evaluate.learned_transfer import apply, limits_of
from etalon.evaluate.outliers import OutlierLimits
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer import folds_of
from etalon.evaluate.transfer_methods import prepare, stack
from etalon.evaluate.uncertainty import coverage
from etalon.models.encoder import GridBatch
from etalon.train.learned_transfer import LearnedTransfer
from etalon.train.pair_network import ConvolutionCorrection
from etalon.train.transfer_member import Plan

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


def test_transfer_samples_are_known_by_their_specimens_in_the_calibration(prepared):
    own = prepared.calibration
    for specimen, y in zip(prepared.specimens, prepared.y, strict=True):
        np.testing.assert_allclose(own.y[own.groups == specimen], y, rtol=1e-6)
    left = own.without(prepared.specimens[:5])
    assert len(left.y) == len(own.y) - 15 and not np.isin(left.groups, prepared.specimens[:5]).any()


def noisy(n, rng):
    """Spectra of many shapes, one of which tells the analyte: 12 latent variables of 60 samples fit noise."""
    amounts = rng.normal(size=(n, 20))
    shapes = np.random.default_rng(7).normal(size=(20, len(GRID)))
    return amounts @ shapes, amounts[:, 0] + 0.5 * rng.normal(size=n)


def test_intervals_hold_though_the_calibration_knows_the_references_of_the_transfer_samples():
    place = GridBatch(torch.zeros(1, len(GRID)), torch.from_numpy(GRID), "nir", "nm")
    network = ConvolutionCorrection(place, 64, 1, 0.0)
    plan = Plan("raw", ("raw",), members=3, steps=1, batch=4, learning_rate=1e-3)
    known, unknown = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        (X, y), (test, y_test) = noisy(60, rng), noisy(100, rng)
        calibration, rows = SourceCalibration(X, y, n_lv=12, groups=np.arange(60)), rng.permutation(60)[:30]
        limits = limits_of(replace(calibration, n_lv=1))
        for found, specimens in ((known, rows), (unknown, None)):
            fitted = LearnedTransfer(calibration, place, network, 64, plan, seed, specimens)
            fitted.fit(X[rows], X[rows], y[rows])  # equal instruments: the errors are those of the calibration alone
            ends = apply(fitted, test, [0.9], limits).ends[0.9]
            found.append(coverage(y_test, *ends))
    assert np.mean(known) > 0.88
    assert np.mean(unknown) < 0.85, "errors of samples that the calibration was fitted to are too small"
