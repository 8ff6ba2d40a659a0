"""The embedder as scikit-learn, pandas and joblib use it."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from etalon import SpectralEmbedder
from etalon.models.function_space import embed as embed_fs
from etalon.preprocess.asls import asls
from etalon.preprocess.standard import ASLS
from etalon.weights import shipped

AXIS = np.linspace(1100.0, 2400.0, 80)
RNG = np.random.default_rng(0)
BANDS = np.exp(-0.5 * ((AXIS - np.array([[1450.0], [1930.0], [2200.0]])) / 60) ** 2)
SPECTRA = 0.4 + RNG.uniform(0, 1, (30, 3)) @ BANDS
Y = (SPECTRA - 0.4)[:, 40]
ENCODERS = ("fs", "shipped")


@pytest.mark.parametrize("encoder", ENCODERS)
def test_scikit_learn_accepts_it(encoder):
    few = "X has two channels here, which are no spectrum"
    expected = dict.fromkeys(
        (
            "check_estimators_overwrite_params",
            "check_estimators_fit_returns_self",
            "check_readonly_memmap_input",
            "check_fit_idempotent",
            "check_fit_check_is_fitted",
            "check_n_features_in",
        ),
        few,
    )
    # Equal to 1e-7 is more than float32 holds; test_a_row_depends_on_its_own_spectrum_alone asks for what it does hold.
    rounded = "the size of a batch decides how products of matrices are rounded in float32"
    expected |= dict.fromkeys(("check_methods_subset_invariance", "check_methods_sample_order_invariance"), rounded)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn tells of the checks that it passes over
        embedder = SpectralEmbedder(encoder, wavelengths=(1000.0, 2400.0), device="cpu")
        check_estimator(embedder, expected_failed_checks=expected)


def test_fs_equals_its_own_definition():
    baseline = asls(SPECTRA, AXIS, axis_unit="nm", modality="nir", **ASLS)
    expected = np.concatenate(list(embed_fs(SPECTRA, baseline, AXIS, modality="nir", axis_unit="nm").values()), axis=1)
    found = SpectralEmbedder("fs", wavelengths=AXIS).fit_transform(SPECTRA)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_row_depends_on_its_own_spectrum_alone(encoder):
    whole = SpectralEmbedder(encoder, wavelengths=AXIS, device="cpu").fit_transform(SPECTRA)
    shuffled = RNG.permutation(len(SPECTRA))
    for size in (1, 2, 7, 29):
        parts = SpectralEmbedder(encoder, wavelengths=AXIS, device="cpu", batch_size=size).fit_transform(
            SPECTRA[shuffled]
        )
        np.testing.assert_allclose(parts, whole[shuffled], atol=1e-4 * np.abs(whole).max(), rtol=0)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_order_of_the_channels_does_not_matter(encoder):
    order = RNG.permutation(len(AXIS))
    one = SpectralEmbedder(encoder, wavelengths=AXIS, device="cpu").fit_transform(SPECTRA)
    other = SpectralEmbedder(encoder, wavelengths=AXIS[order], device="cpu").fit_transform(SPECTRA[:, order])
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_wavenumbers_are_the_same_as_wavelengths():
    one = SpectralEmbedder("fs", wavelengths=AXIS).fit_transform(SPECTRA)
    other = SpectralEmbedder("fs", wavelengths=1e7 / AXIS, axis_unit="cm-1").fit_transform(SPECTRA)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_columns_of_a_frame_name_the_wavelengths():
    frame = pd.DataFrame(SPECTRA, columns=[f"X{value:.6f}" for value in AXIS])
    embedder = SpectralEmbedder(device="cpu").fit(frame)
    np.testing.assert_allclose(embedder.wavelengths_, AXIS, atol=1e-5)
    expected = SpectralEmbedder(wavelengths=AXIS, device="cpu").fit_transform(SPECTRA)
    np.testing.assert_allclose(embedder.transform(frame), expected, atol=1e-4)


def test_spectra_of_another_instrument_come_with_their_wavelengths():
    fine = np.linspace(1100.0, 2400.0, 160)
    embedder = SpectralEmbedder("fs", wavelengths=AXIS).fit(SPECTRA)
    other = np.array([np.interp(fine, AXIS, row) for row in SPECTRA])
    own, theirs = embedder.transform(SPECTRA), embedder.transform(other, wavelengths=fine)
    assert own.shape == theirs.shape
    assert np.corrcoef(own.ravel(), theirs.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "wavelengths: expected one a channel"),
        ({"wavelengths": [1, 2, 3]}, "expected 80, one a channel, found 3"),
        ({"wavelengths": np.zeros(80)}, "positive numbers that occur once"),
        ({"wavelengths": AXIS, "modality": "xray"}, "modality: expected one of"),
        ({"wavelengths": AXIS, "axis_unit": "um"}, "axis_unit: expected one of"),
        ({"wavelengths": AXIS, "batch_size": 0}, "batch_size"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        SpectralEmbedder(**parameters).fit(SPECTRA)


def test_weights_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a checkpoint, found no such file"):
        SpectralEmbedder(tmp_path / "none.safetensors", wavelengths=AXIS).fit_transform(SPECTRA)


def test_a_range_that_no_function_measures_is_refused():
    with pytest.raises(ValueError, match="nothing measured within"):
        SpectralEmbedder("fs", wavelengths=(5000.0, 6000.0)).fit_transform(SPECTRA)


def test_a_grid_search_chooses_between_encoders():
    pipeline = make_pipeline(SpectralEmbedder(wavelengths=AXIS, device="cpu"), Ridge(1e-3))
    search = GridSearchCV(pipeline, {"spectralembedder__encoder": ["fs", str(shipped())]}, cv=3).fit(SPECTRA, Y)
    assert search.best_score_ > 0.9
    assert clone(search.best_estimator_[0]).get_params()["encoder"] in ("fs", str(shipped()))


def test_joblib_gives_the_same_in_other_processes():
    embedder = SpectralEmbedder(wavelengths=AXIS, device="cpu").fit(SPECTRA)
    halves = Parallel(n_jobs=2)(delayed(embedder.transform)(part) for part in (SPECTRA[:15], SPECTRA[15:]))
    np.testing.assert_allclose(np.concatenate(halves), embedder.transform(SPECTRA), atol=1e-6)


def test_columns_have_names():
    names = SpectralEmbedder(wavelengths=AXIS).fit(SPECTRA).get_feature_names_out()
    assert (names[0], names[-1], len(names)) == ("learned_000", "stats_001", 258)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same():
    found = [SpectralEmbedder(wavelengths=AXIS, device=device).fit_transform(SPECTRA) for device in ("cpu", "cuda")]
    np.testing.assert_allclose(*found, atol=1e-3)


def test_importing_etalon_imports_nothing_heavy():
    code = "import sys, etalon; print(sorted({'numpy', 'sklearn', 'torch', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_columns_may_be_named_with_decimal_commas():
    points, commas = (
        pd.DataFrame(SPECTRA, columns=[f"{w + 0.25:.2f}".replace(".", mark) for w in AXIS]) for mark in ".,"
    )
    found = [SpectralEmbedder("fs").fit(frame).wavelengths_ for frame in (points, commas)]
    np.testing.assert_array_equal(found[0], found[1])
    thousands = pd.DataFrame(SPECTRA, columns=[f"{w:,.2f}" for w in AXIS])
    with pytest.raises(ValueError, match=r"columns: expected names that hold a wavelength, found '1,100\.00'"):
        SpectralEmbedder("fs").fit(thousands)


def test_weights_without_their_record_are_refused(tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(shipped().read_bytes())
    for path in (tmp_path / "mine.safetensors", tmp_path):
        with pytest.raises(ValueError, match="file: expected weights, with their record"):
            SpectralEmbedder(path, wavelengths=AXIS).fit_transform(SPECTRA)


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="device: expected auto, cpu, cuda or what torch has here, found 'gpu'"):
        SpectralEmbedder("shipped", wavelengths=AXIS, device="gpu").fit_transform(SPECTRA)
