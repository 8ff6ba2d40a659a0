"""Preprocessed views: inner products are kept, and nothing learned leaks from rows outside the fit."""

import numpy as np
import pytest
from ikpls.sklearn import PLS

from etalon.evaluate.views import Views, rotate
from etalon.preprocess.chain import PREPROCESSINGS


@pytest.fixture
def spectra():
    rng = np.random.default_rng(1)
    channel = np.linspace(0, 1, 120)
    bands = np.exp(-0.5 * ((channel - rng.uniform(0.2, 0.8, (30, 1))) / 0.08) ** 2)
    X = 0.5 + bands * rng.uniform(0.5, 2, (30, 1)) + 0.3 * channel + 0.01 * rng.normal(size=(30, 120))
    return X, np.broadcast_to(0.5 + 0.3 * channel, X.shape)


def make(spectra):
    return Views(*spectra, savgol_window=15, savgol_order=2)


@pytest.mark.parametrize("shape", [(20, 300), (50, 8), (10, 10)])
def test_rotation_keeps_inner_products(shape):
    X = 5.0 + np.random.default_rng(0).normal(size=shape)
    T = rotate(X)
    assert T.shape == (shape[0], min(shape))
    np.testing.assert_allclose(T @ T.T, X @ X.T, rtol=1e-10)


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_pls_predicts_the_same_from_scores_as_from_spectra(spectra, name):
    views, y = make(spectra), spectra[0][:, 40] ** 2
    train, rows = np.arange(20), np.arange(30)
    T = views.scores(name, train, rows)
    X = views.transform(name, views.fit(name, train), rows)
    expected, found = (
        PLS(n_components=6, scale_X=False, scale_Y=False).fit(Z[train], y[train]).predict_all_components(Z)
        for Z in (X, T)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_only_emsc_learns_and_only_from_its_rows(spectra):
    views, train = make(spectra), np.arange(20)
    changed = spectra[0].copy()
    changed[20:] *= 3.0
    others = Views(changed, spectra[1], savgol_window=15, savgol_order=2)
    for name in PREPROCESSINGS:
        before, after = (v.transform(name, v.fit(name, train), train) for v in (views, others))
        np.testing.assert_array_equal(before, after, err_msg=name)


@pytest.mark.parametrize("name", ["snv", "snv_savgol1", "emsc"])
def test_scatter_corrections_ignore_gain_and_offset(spectra, name):
    views, train, rows = make(spectra), np.arange(20), np.arange(30)
    fitted = views.fit(name, train)
    scattered = Views(0.7 * spectra[0] + 0.2, spectra[1], savgol_window=15, savgol_order=2)
    np.testing.assert_allclose(
        scattered.transform(name, fitted, rows), views.transform(name, fitted, rows), rtol=1e-7, atol=1e-9
    )


def test_asls_snv_starts_from_the_corrected_spectra(spectra):
    views, rows = make(spectra), np.arange(30)
    corrected = views.transform("asls_snv", views.fit("asls_snv", rows), rows)
    band = spectra[0] - spectra[1]
    np.testing.assert_allclose(corrected, (band - band.mean(1, keepdims=True)) / band.std(1, keepdims=True), rtol=1e-9)


@pytest.mark.filterwarnings("ignore:Standard deviation is zero:UserWarning", "ignore::RuntimeWarning:chemotools")
@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_a_flat_spectrum_stays_finite_under_every_preprocessing(spectra, name):
    X = spectra[0].copy()
    X[3] = 1.0
    views = Views(X, np.zeros_like(X), savgol_window=15, savgol_order=2)
    treated = views.transform(name, views.fit(name, np.arange(10)), np.arange(10))
    assert np.isfinite(treated).all()
    if "snv" in name:
        np.testing.assert_array_equal(treated[3], 0.0)


def test_unknown_preprocessing_is_named(spectra):
    with pytest.raises(ValueError, match="found 'msc2'"):
        make(spectra).fit("msc2", np.arange(3))
