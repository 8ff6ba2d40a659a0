"""Calibration transfer: equal instruments change nothing, simple differences are undone, wrong input is named."""

import sys

import numpy as np
import pytest
from chemotools.adaptation import DirectStandardization, PiecewiseDirectStandardization
from ikpls.sklearn import PLS

from etalon.chemometrics.transfer import SlopeBias, SourceCalibration, Transfer, Uncorrected
from etalon.chemometrics.transfer_dipls import DomainInvariantPLS
from etalon.chemometrics.transfer_ds import DirectStandardisation
from etalon.chemometrics.transfer_labels import Spiking, TargetOnly
from etalon.chemometrics.transfer_pds import PiecewiseDirectStandardisation
from etalon.errors import BadInputError, NotRunError

N_PAIRS, GRID = 12, np.arange(1100.0, 1700.0, 5.0)
BANDS = ((1200.0, 40.0), (1300.0, 55.0), (1450.0, 35.0), (1580.0, 60.0))


def mixtures(n, seed, shift=0.0):
    """Spectra of four broad bands and the amount of the first; `shift` in nm moves the axis."""
    amounts = np.random.default_rng(seed).uniform(0.2, 1.0, (n, len(BANDS)))
    bands = np.array([np.exp(-0.5 * ((GRID + shift - centre) / width) ** 2) for centre, width in BANDS])
    return 0.3 + amounts @ bands, amounts[:, 0]


@pytest.fixture(scope="module")
def calibration():
    X, y = mixtures(60, seed=0)
    noise = np.random.default_rng(1).normal(size=X.shape) * 0.001
    return SourceCalibration(X + noise, y, n_lv=4)


def noisy(X, seed):
    return X + np.random.default_rng(seed).normal(size=X.shape) * 0.001


def rms(found, wanted):
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


UNCHANGED = {
    "none": Uncorrected,
    "bias": lambda c: SlopeBias(c, slope=False),
    "sbc": SlopeBias,
    "ds_residual": lambda c: DirectStandardisation(c, keep_rest=True),
    "pds": PiecewiseDirectStandardisation,
}


@pytest.mark.parametrize("make", UNCHANGED.values(), ids=UNCHANGED)
def test_equal_instruments_change_nothing(calibration, make):
    X, y = mixtures(N_PAIRS, seed=2)
    X, test = noisy(X, 3), noisy(mixtures(30, seed=4)[0], 5)
    fitted = make(calibration).fit(X, X, y)
    np.testing.assert_allclose(fitted.transform(test), test, rtol=0, atol=1e-9)
    np.testing.assert_allclose(fitted.predict(test), calibration.predict(test), rtol=0, atol=1e-9)


def test_direct_standardisation_of_equal_instruments_changes_nothing_within_the_span_of_its_samples(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    test = mixtures(30, seed=4)[0]
    fitted = DirectStandardisation(calibration).fit(X, X, y)
    np.testing.assert_allclose(fitted.transform(test), test, rtol=0, atol=1e-9)
    # Noise lies outside of the span and is lost: that is why the form which keeps it exists.
    lost = fitted.transform(noisy(test, 5)) - noisy(test, 5)
    assert rms(lost, 0.0) > 0.0005


def test_gain_and_offset_are_undone_by_a_line_through_predictions(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    test, y_test = mixtures(30, seed=4)
    fitted = SlopeBias(calibration).fit(X, 1.3 * X - 0.2, y)
    assert rms(calibration.predict(1.3 * test - 0.2), y_test) > 0.1
    np.testing.assert_allclose(fitted.predict(1.3 * test - 0.2), calibration.predict(test), rtol=0, atol=1e-9)
    # One slope and one bias for all predictions, not a line per channel: spectra stay as they are.
    np.testing.assert_array_equal(fitted.transform(test), test)


def test_a_line_onto_references_is_least_squares(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    target = mixtures(N_PAIRS, seed=2, shift=4.0)[0]
    fitted = SlopeBias(calibration, onto="reference").fit(X, target, y)
    slope, bias = np.polyfit(calibration.predict(target), y, 1)
    assert (fitted.slope_, fitted.bias_) == pytest.approx((slope, bias), rel=1e-8)


def test_a_wavelength_shift_is_undone_piecewise(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    target, (test, y_test) = mixtures(N_PAIRS, seed=2, shift=4.0)[0], mixtures(30, seed=4, shift=4.0)
    before = rms(calibration.predict(test), y_test)
    fitted = PiecewiseDirectStandardisation(calibration).fit(X, target, y)
    assert rms(fitted.predict(test), y_test) < 0.05 * before
    assert rms(fitted.transform(test), mixtures(30, seed=4)[0]) < 0.02 * rms(test, mixtures(30, seed=4)[0])


@pytest.mark.parametrize(("half", "k"), [(0, 1), (2, 1), (2, 2), (4, 3)])
def test_piecewise_is_chemotools_without_scaling(calibration, half, k):
    X, y = mixtures(N_PAIRS, seed=2)
    source, target, test = noisy(X, 6), noisy(0.1 + 1.2 * X, 7), noisy(mixtures(9, seed=4)[0], 8)
    ours = PiecewiseDirectStandardisation(calibration, [half], [k]).fit(source, target, y).transform(test)
    if half:
        theirs = PiecewiseDirectStandardization(window_length=half, n_components=k, scale=False)
        theirs = theirs.fit(target, X_source=source).transform(test)
    else:
        lines = [np.polyfit(target[:, i], source[:, i], 1) for i in range(len(GRID))]
        theirs = np.array([np.polyval(line, test[:, i]) for i, line in enumerate(lines)]).T
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-8)


def test_direct_is_chemotools_on_centred_spectra(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    source, target, test = noisy(X, 6), noisy(0.1 + 1.2 * X, 7), noisy(mixtures(9, seed=4)[0], 8)
    ours = DirectStandardisation(calibration, [N_PAIRS - 1]).fit(source, target, y).transform(test)
    mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    theirs = DirectStandardization().fit(target - target_mean, X_source=source - mean)
    np.testing.assert_allclose(ours, mean + theirs.transform(test - target_mean), rtol=0, atol=1e-7)


@pytest.mark.parametrize("make", [DirectStandardisation, PiecewiseDirectStandardisation])
def test_the_mean_transfer_sample_is_mapped_to_the_mean(calibration, make):
    """Without centring and an additive term an offset leaks into every channel."""
    X, y = mixtures(N_PAIRS, seed=2)
    source, target = noisy(X, 6), noisy(X + 0.5, 7)
    fitted = make(calibration).fit(source, target, y)
    np.testing.assert_allclose(fitted.transform(target.mean(axis=0)[None])[0], source.mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("n", [3, 4, 6])
@pytest.mark.parametrize("make", [*UNCHANGED.values(), DirectStandardisation, Spiking, TargetOnly])
def test_few_samples_are_enough_and_inputs_stay_as_they_are(calibration, make, n):
    X, y = mixtures(n, seed=2)
    source, target = noisy(X, 6), noisy(X, 7)
    for part in (source, target, y):
        part.setflags(write=False)
    fitted: Transfer = make(calibration)
    first = fitted.fit(source, target, y).predict(target)
    np.testing.assert_array_equal(fitted.fit(source, target, y).predict(target), first)
    assert np.isfinite(first).all()


def test_constant_channels_are_harmless(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    X[:, 40:60] = 0.7
    for make in (DirectStandardisation, PiecewiseDirectStandardisation):
        np.testing.assert_allclose(make(calibration).fit(X, X, y).transform(X), X, atol=1e-7)


def test_spiking_and_the_target_alone_learn_the_target_instrument(calibration):
    X, y = mixtures(30, seed=2)
    target, (test, y_test) = mixtures(30, seed=2, shift=15.0)[0], mixtures(30, seed=4, shift=15.0)
    before = rms(calibration.predict(test), y_test)
    for make in (Spiking, TargetOnly):
        assert rms(make(calibration).fit(X, noisy(target, 6), y).predict(test), y_test) < 0.3 * before


def test_spiking_with_next_to_no_weight_is_the_source_calibration(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    fitted = Spiking(calibration, shares=[1e-12]).fit(X, X + 0.5, y)
    np.testing.assert_allclose(fitted.predict(X), calibration.predict(X), atol=1e-6)


def test_direct_standardisation_and_the_target_alone_need_no_common_axis(calibration):
    X, y = mixtures(20, seed=2)
    test, y_test = mixtures(20, seed=4)
    for make in (DirectStandardisation, TargetOnly):
        found = make(calibration).fit(X, X[:, ::3] + 0.1, y).predict(test[:, ::3] + 0.1)
        assert rms(found, y_test) < 0.02
    with pytest.raises(BadInputError, match="target channels: expected the calibration's 120, found 40"):
        PiecewiseDirectStandardisation(calibration).fit(X, X[:, ::3], y)


def test_wrong_input_is_named(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    with pytest.raises(BadInputError, match="12 source spectra, 11 target spectra and 12 references"):
        Uncorrected(calibration).fit(X, X[1:], y)
    with pytest.raises(BadInputError, match="at least 3, found 2"):
        Uncorrected(calibration).fit(X[:2], X[:2], y[:2])
    with pytest.raises(BadInputError, match="target spectra: expected finite values"):
        Uncorrected(calibration).fit(X, np.where(X > 1, np.nan, X), y)


def test_di_pls_is_not_run_without_its_library(calibration, monkeypatch):
    monkeypatch.setitem(sys.modules, "diPLSlib.functions", None)
    with pytest.raises(NotRunError, match="diPLSlib is not installed"):
        DomainInvariantPLS(calibration)


def test_di_pls_between_equal_instruments_is_pls_and_two_targets_are_mdi_pls(calibration):
    pytest.importorskip("diPLSlib", reason="optional extra dipls")
    X, y = mixtures(N_PAIRS, seed=2)
    X, test = noisy(X, 3), mixtures(30, seed=4)[0]
    for others in ((), (X,)):
        fitted = DomainInvariantPLS(calibration, others=others).fit(X, X, y)
        np.testing.assert_allclose(fitted.predict(test), calibration.predict(test), atol=1e-6)
    # An interferent that only the target instrument sees is suppressed.
    drift = np.exp(-0.5 * ((GRID - 1240.0) / 50.0) ** 2)
    amount = np.random.default_rng(9).uniform(-0.5, 0.5, (N_PAIRS + 30, 1))
    target, disturbed = X + amount[:N_PAIRS] * drift, test + amount[N_PAIRS:] * drift
    wanted = calibration.predict(test)
    for others in ((), (X + 0.1,)):
        fitted = DomainInvariantPLS(calibration, others=others).fit(X, target, y)
        assert rms(fitted.predict(disturbed), wanted) < 0.7 * rms(calibration.predict(disturbed), wanted)


def test_spiking_is_weighted_pls_with_the_share_that_left_out_samples_choose(calibration):
    """Against IKPLS with sample weights, one model at a time."""
    X, y = mixtures(N_PAIRS, seed=2)
    target = noisy(0.8 * X + 0.1, seed=3)
    fitted = Spiking(calibration).fit(X, target, y)

    def pls(rows, share):
        n = len(calibration.y)
        weights = np.r_[np.ones(n), np.full(len(rows), share * n / len(rows))]
        model = PLS(n_components=calibration.n_lv, scale_X=False, scale_Y=False)
        both = np.concatenate([calibration.spectra, target[rows]])
        return model.fit(both, np.r_[calibration.y, y[rows]], sample_weight=weights)

    every, errors = np.arange(N_PAIRS), {}
    for share in fitted.shares:
        left_out = [every[every % 5 == k] for k in range(5)]
        found = [np.ravel(pls(np.setdiff1d(every, out), share).predict(target[out])) - y[out] for out in left_out]
        errors[share] = float((np.concatenate(found) ** 2).sum())
    assert fitted.share_ == min(errors, key=errors.get)
    test = noisy(0.8 * mixtures(20, seed=4)[0] + 0.1, seed=5)
    np.testing.assert_allclose(fitted.predict(test), np.ravel(pls(every, fitted.share_).predict(test)), rtol=1e-6)


def test_samples_in_another_order_are_refused(calibration):
    X, y = mixtures(N_PAIRS, seed=2)
    names = np.arange(N_PAIRS).astype(str)
    fitted = PiecewiseDirectStandardisation(calibration).fit(X, 0.9 * X, y, (names, names.copy()))
    assert rms(fitted.predict(0.9 * X), y) < 0.05
    with pytest.raises(BadInputError, match=r"row 0: expected sample 0, found 11 \(the same samples in another"):
        fitted.fit(X, 0.9 * X[::-1], y, (names, names[::-1]))
