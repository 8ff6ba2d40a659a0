"""AsLS: equal to the published algorithm, a physical smoothness, and finite whatever it is given."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pybaselines import Baseline

from etalon.errors import BadInputError
from etalon.preprocess.asls import asls, smoothness_for_grid
from etalon.preprocess.whittaker import smooth_columns

SETTINGS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
NIR = {"axis_unit": "nm", "modality": "nir", **SETTINGS}


def bands(wavelengths: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """Bands of 20 to 60 nm on sloping baselines with a little noise, shape (n, n_channels)."""
    rng = np.random.default_rng(seed)
    centres, sigmas = rng.uniform(wavelengths[0], wavelengths[-1], 10), rng.uniform(20, 60, 10)
    shapes = np.exp(-0.5 * ((wavelengths - centres[:, None]) / sigmas[:, None]) ** 2)
    slopes = rng.uniform(0, 3e-4, (n, 1)) * (wavelengths - wavelengths[0])
    noise = 1e-3 * rng.normal(size=(n, len(wavelengths)))
    return rng.uniform(0, 1, (n, 10)) @ shapes + rng.uniform(0.1, 0.5, (n, 1)) + slopes + noise


def dense_asls(y: np.ndarray, lam: float, p: float, max_iter: int = 50) -> np.ndarray:
    """The algorithm as in Eilers and Boelens (2005), with dense matrices and no library of ours."""
    differences = np.diff(np.eye(len(y)), n=2, axis=0)
    weights = np.ones(len(y))
    for _ in range(max_iter + 1):
        z = np.linalg.solve(np.diag(weights) + lam * differences.T @ differences, weights * y)
        new = np.where(y > z, p, 1 - p)
        if np.array_equal(new, weights):
            break
        weights = new
    return z


def test_whittaker_solves_its_equation():
    rng = np.random.default_rng(0)
    y, weights, lam = rng.normal(size=(50, 7)), rng.uniform(0.01, 1, (50, 7)), 300.0
    penalty = lam * np.diff(np.eye(50), n=2, axis=0).T @ np.diff(np.eye(50), n=2, axis=0)
    expected = [np.linalg.solve(np.diag(w) + penalty, w * column) for w, column in zip(weights.T, y.T, strict=True)]
    np.testing.assert_allclose(smooth_columns(y, weights, lam).T, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_channels", [3, 4, 5, 6])
def test_whittaker_at_the_smallest_sizes(n_channels):
    rng = np.random.default_rng(n_channels)
    y, weights = rng.normal(size=(n_channels, 2)), rng.uniform(0.1, 1, (n_channels, 2))
    differences = np.diff(np.eye(n_channels), n=2, axis=0)
    expected = np.linalg.solve(np.diag(weights[:, 0]) + 5 * differences.T @ differences, weights[:, 0] * y[:, 0])
    np.testing.assert_allclose(smooth_columns(y, weights, 5.0)[:, 0], expected, rtol=1e-10)


@settings(deadline=None, max_examples=30)
@given(
    n=st.sampled_from([1, 3, 79, 80, 200]),
    n_channels=st.integers(3, 120),
    log_lam=st.floats(0, 7),
    p=st.sampled_from([0.001, 0.01, 0.1, 0.5, 0.9]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_a_dense_writing_of_the_algorithm(n, n_channels, log_lam, p, seed):
    rng = np.random.default_rng(seed)
    spectra = np.cumsum(rng.normal(size=(n, n_channels)), axis=1)
    found = asls(spectra, 2.0 * np.arange(n_channels), **(NIR | {"lam": 10**log_lam, "p": p}))
    some = rng.choice(n, min(n, 3), replace=False)
    expected = [dense_asls(y, 10**log_lam, p) for y in spectra[some]]
    # float32 results, and up to 1e-10 of rounding times a condition number of about 16 lam / p
    np.testing.assert_allclose(found[some], expected, rtol=1e-5, atol=1e-5 * np.abs(spectra).max())


@pytest.mark.parametrize("n", [40, 300])
def test_equals_pybaselines_one_spectrum_at_a_time(n):
    wavelengths = np.arange(1100.0, 2500.0, 2.0)
    spectra = bands(wavelengths, n)
    library = Baseline(wavelengths)
    expected = [library.asls(y, lam=1e5, p=0.01)[0] for y in spectra]
    np.testing.assert_allclose(asls(spectra, wavelengths, **NIR), expected, atol=1e-6)


def test_a_spectrum_does_not_notice_its_neighbours():
    wavelengths = np.arange(1100.0, 2500.0, 4.0)
    spectra = bands(wavelengths, 400)
    together = asls(spectra, wavelengths, **NIR)
    order = np.random.default_rng(1).permutation(400)
    np.testing.assert_allclose(asls(spectra[order], wavelengths, **NIR), together[order], atol=1e-6)
    np.testing.assert_allclose(asls(spectra[7:8], wavelengths, **NIR), together[7:8], atol=1e-6)


def test_finds_a_straight_baseline_under_a_band():
    wavelengths = np.arange(1100.0, 1900.0, 2.0)
    baseline = 0.2 + 5e-4 * (wavelengths - 1100)
    band = np.exp(-0.5 * ((wavelengths - 1500) / 16) ** 2)
    found = asls((baseline + band)[None], wavelengths, **(NIR | {"lam": 1e6, "p": 1e-3}))[0]
    assert np.abs(found - baseline).max() < 0.02


def test_a_straight_line_is_its_own_baseline():
    wavelengths = np.arange(1100.0, 2500.0, 2.0)
    lines = np.linspace(-1, 1, 100)[:, None] * (wavelengths - 1500) / 500 + 0.3
    np.testing.assert_allclose(asls(lines, wavelengths, **NIR), lines, atol=1e-6)


@pytest.mark.parametrize(
    ("coarse", "fine", "options"),
    [
        (np.arange(1100.0, 2501.0, 2.0), np.arange(1100.0, 2501.0, 1.0), NIR),
        (np.arange(1100.0, 2501.0, 4.0), np.arange(1100.0, 2501.0, 2.0), NIR),
        (
            np.arange(400.0, 1801.0, 2.0),
            np.arange(400.0, 1801.0, 1.0),
            NIR | {"axis_unit": "cm-1", "modality": "raman"},
        ),
        (1e7 / np.arange(4000.0, 599.0, -4.0), 1e7 / np.arange(4000.0, 599.0, -2.0), NIR | {"modality": "mir"}),
    ],
    ids=["nm", "nm, wide", "Raman shift", "MIR, regular in wavenumber"],
)
def test_smoothness_is_a_physical_length(coarse, fine, options):
    """A grid twice as fine gives the same baseline.

    Not to rounding: sums stand for integrals, and where the spectrum crosses its baseline the weights change at a
    channel, half a step away from the true place. The two agree within 0.1 % of the range; without the scaling of
    `lam` they differ by 4 to 20 %.
    """

    def spectrum(axis: np.ndarray) -> np.ndarray:
        u = (axis - coarse.min()) / np.ptp(coarse)
        if options["modality"] == "mir":
            u = (1e7 / axis - 600) / 3400
        slope = 0.2 + 0.3 * u + 0.1 * np.sin(4 * u)
        return slope + sum(h * np.exp(-0.5 * ((u - c) / 0.02) ** 2) for h, c in [(1, 0.2), (0.6, 0.5), (0.8, 0.8)])

    on_coarse = asls(spectrum(coarse)[None], coarse, **options)[0]
    on_fine = asls(spectrum(fine)[None], fine, **options)[0][::2]
    tolerance = 1e-3 * np.ptp(spectrum(coarse))
    assert np.abs(on_fine - on_coarse).max() < tolerance
    unscaled = {
        "axis_unit": "index",
        "modality": "nir",
        **SETTINGS,
        "lam": smoothness_for_grid(coarse, **_grid(options)),
    }
    assert np.abs(asls(spectrum(fine)[None], fine, **unscaled)[0][::2] - on_coarse).max() > 20 * tolerance


def _grid(options: dict) -> dict:
    return {key: value for key, value in options.items() if key != "p"}


def test_lam_for_the_grid():
    grid = _grid(NIR)
    assert smoothness_for_grid(np.arange(900.0, 1700.0, 2.0), **grid) == pytest.approx(1e5)
    assert smoothness_for_grid(np.arange(900.0, 1700.0, 1.0), **grid) == pytest.approx(1.6e6)
    assert smoothness_for_grid(np.arange(0.0, 600.0), **(grid | {"axis_unit": "index"})) == 1e5
    shift = grid | {"axis_unit": "cm-1", "modality": "raman"}
    assert smoothness_for_grid(np.arange(200.0, 1800.0, 1.0), **shift) == pytest.approx(256e5)
    mir = 1e7 / np.arange(4000.0, 600.0, -8.0)
    assert smoothness_for_grid(mir, **(grid | {"modality": "mir"})) == pytest.approx(1e5 / 16)
    irregular = np.concatenate([np.arange(900.0, 1300.0, 4.0), [1310.0, 1325.0]])
    assert smoothness_for_grid(irregular, **grid) == pytest.approx(1e5 / 16), "the median step decides"


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-6, 1e6), n=st.sampled_from([5, 100]), seed=st.integers(0, 1000))
def test_scaling_a_spectrum_scales_its_baseline(scale, n, seed):
    wavelengths = np.arange(1100.0, 1700.0, 4.0)
    spectra = bands(wavelengths, n, seed)
    np.testing.assert_allclose(
        asls(spectra * scale, wavelengths, **NIR),
        scale * asls(spectra, wavelengths, **NIR),
        rtol=1e-4,
        atol=1e-5 * scale,
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [2, 150])
@pytest.mark.parametrize("kind", ["zero", "constant", "dead channels", "counts", "negative", "noise", "one spike"])
def test_finite_whatever_it_is_given(kind, n):
    rng = np.random.default_rng(0)
    wavelengths = np.arange(900.0, 1700.0, 6.2)
    shape = (n, len(wavelengths))
    spectra = {
        "zero": np.zeros(shape),
        "constant": np.repeat(rng.uniform(0.1, 2, (n, 1)), shape[1], axis=1),
        "dead channels": np.where(np.arange(shape[1]) % 3, bands(wavelengths, n), 0.0),
        "counts": 1e6 * bands(wavelengths, n),
        "negative": -bands(wavelengths, n),
        "noise": rng.normal(size=shape),
        "one spike": np.where(np.arange(shape[1]) == 40, 1e9, 0.0) * np.ones(shape),
    }[kind]
    found = asls(spectra.astype(np.float32), wavelengths, **NIR)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    if kind in ("zero", "constant"):
        np.testing.assert_allclose(found, spectra, rtol=1e-6)


def test_read_only_input_is_left_alone_and_a_second_call_gives_the_same_bits():
    wavelengths = np.arange(1100.0, 2500.0, 4.0)
    spectra = bands(wavelengths, 200).astype(np.float32)
    before = spectra.copy()
    spectra.setflags(write=False)
    wavelengths.setflags(write=False)
    first = asls(spectra, wavelengths, **NIR)
    assert np.array_equal(first, asls(spectra, wavelengths, **NIR))
    assert np.array_equal(spectra, before)


def test_no_spectra_give_no_baselines():
    assert asls(np.empty((0, 50)), np.arange(50.0), **NIR).shape == (0, 50)


@pytest.mark.parametrize(
    ("spectra", "changes", "field"),
    [
        (np.zeros((4, 9)), {}, "intensities"),
        (np.zeros(10), {}, "intensities"),
        (np.where(np.eye(4, 10), np.nan, 0.0), {}, "intensities"),
        (np.zeros((4, 10)), {"p": 1.0}, "p"),
        (np.zeros((4, 10)), {"lam": 0.0}, "lam"),
    ],
)
def test_bad_input_is_named(spectra, changes, field):
    with pytest.raises(BadInputError) as caught:
        asls(spectra, np.arange(10.0), **(NIR | changes))
    assert caught.value.field == field
