"""One Gaussian process over two instruments: against its definition, against what it must undo, on wrong input."""

import dataclasses

import numpy as np
import pytest

from etalon.chemometrics import transfer_evidence
from etalon.chemometrics.transfer_evidence import DIFFERENCES, NOBODY, EvidenceCalibration, Known, TwoInstruments
from etalon.errors import BadInputError

GRID = np.arange(1100.0, 1700.0, 10.0)
BANDS = ((1200.0, 40.0), (1300.0, 55.0), (1450.0, 35.0), (1580.0, 60.0))
N_PAIRS = 8


def mixtures(n, seed, shift=0.0, noise=0.001):
    """Spectra of four broad bands and the amount of the first; `shift` in nm moves the axis."""
    rng = np.random.default_rng(seed)
    amounts = rng.uniform(0.2, 1.0, (n, len(BANDS)))
    bands = np.array([np.exp(-0.5 * ((GRID + shift - centre) / width) ** 2) for centre, width in BANDS])
    spectra = 0.3 + amounts @ bands
    return spectra + noise * np.random.default_rng(seed + 100 * (shift != 0)).normal(size=spectra.shape), amounts[:, 0]


@pytest.fixture(scope="module")
def calibration():
    """Specimens 0 to 29, the first ten scanned twice."""
    X, y = mixtures(30, seed=0)
    again = mixtures(30, seed=0)[0][:10] + 0.001 * np.random.default_rng(1).normal(size=(10, len(GRID)))
    groups = np.r_[np.arange(30), np.arange(10)]
    y = y + 0.02 * np.random.default_rng(2).normal(size=30)
    return EvidenceCalibration(np.concatenate([X, again]), y[groups], groups=groups)


def rms(found, wanted):
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


def whole(calibration, target, specimens, difference):
    """Return covariance and residual of all references, source rows first, and the same for new target rows."""
    head, n = calibration.head, len(calibration.y)
    cross, among = head.covariances(target)
    own = np.linalg.inv(calibration.precision)
    same = calibration.same_specimen(specimens)
    says = cross @ head.dual_coef_
    free = among - transfer_evidence.MEAN_VARIANCE
    m = len(specimens)
    transfer = free[:m, :m]
    centred = free - free[:, :m].mean(axis=1)[:, None] - free[:, :m].mean(axis=1)[None] + transfer.mean()
    target_own = among + transfer_evidence.BIAS_VARIANCE + difference.deviation * centred
    target_own += difference.slope * np.outer(says, says) + (head.noise_ + difference.noise) * np.eye(len(target))
    shared = np.zeros((len(target), n))
    shared[:m] = difference.shared * head.noise_ * same
    return np.block([[own, (cross + shared).T], [cross + shared, target_own]])


@pytest.mark.parametrize("difference", [DIFFERENCES[0], DIFFERENCES[37], DIFFERENCES[-1]])
def test_predictions_are_those_of_the_whole_covariance(calibration, monkeypatch, difference):
    monkeypatch.setattr(transfer_evidence, "DIFFERENCES", (difference,))
    for name in ("deviation", "slope"):
        monkeypatch.setattr(transfer_evidence, f"{name.upper()}S", np.array([getattr(difference, name)]))
    specimens = np.array([3, 4, 15, 16, NOBODY])
    X, y = mixtures(30, seed=0, shift=3.0)
    target, new = (
        np.concatenate([X[[3, 4, 15, 16]], mixtures(1, seed=9, shift=3.0)[0]]),
        mixtures(6, seed=4, shift=3.0)[0],
    )
    y_transfer = np.r_[y[[3, 4, 15, 16]], 0.5]
    fitted = TwoInstruments(calibration, specimens).fit(X[[3, 4, 15, 16, 0]], target, y_transfer)
    found = fitted.predict_with_sd(new)
    C = whole(calibration, np.concatenate([target, new]), specimens, difference)
    centre, scale = calibration.centre_and_scale
    values, n = (np.r_[calibration.y, y_transfer] - centre) / scale, len(calibration.y) + 5
    K = C[n:, :n] @ np.linalg.inv(C[:n, :n])
    np.testing.assert_allclose(found.y_hat, centre + scale * K @ values, rtol=0, atol=1e-6)
    variance = np.diag(C[n:, n:]) - np.einsum("ij,ij->i", K, C[n:, :n])
    np.testing.assert_allclose(found.sd, scale * np.sqrt(variance), rtol=1e-4)
    # Left out is every measurement of the specimen: its scans on the source instrument too.
    for j, specimen in enumerate(specimens):
        left = np.r_[np.isin(calibration.groups, [specimen]), np.arange(5) == j]
        kept, row = np.flatnonzero(~left), len(calibration.y) + j
        K = C[row, kept] @ np.linalg.inv(C[np.ix_(kept, kept)])
        assert fitted.left_out_.y_hat[j] == pytest.approx(centre + scale * K @ values[kept], abs=1e-6)
        assert fitted.left_out_.sd[j] == pytest.approx(scale * np.sqrt(C[row, row] - K @ C[kept, row]), rel=1e-4)


def test_equal_instruments_change_little(calibration):
    """What the target instrument may differ in stays possible after a few samples: predictions move, but no further
    than the errors of the calibration."""
    X, _ = mixtures(30, seed=0)
    test, y_test = mixtures(40, seed=4)
    rows = np.arange(10, 10 + N_PAIRS)
    fitted = TwoInstruments(calibration, rows).fit(X[rows], X[rows], calibration.y[rows])
    before = rms(calibration.predict(test), y_test)
    assert rms(fitted.predict(test), y_test) < 1.5 * before
    assert rms(fitted.predict(test), calibration.predict(test)) < before


@pytest.mark.parametrize(
    ("differ", "gained"),
    [(lambda X: X + 0.2, 0.1), (lambda X: 1.3 * X - 0.2, 0.2), (lambda X: X + 0.3 * np.sin(GRID / 90.0), 0.1)],
    ids=["offset", "gain and offset", "background"],
)
def test_differences_of_instruments_are_undone(calibration, differ, gained):
    X, _ = mixtures(30, seed=0)
    test, y_test = mixtures(40, seed=4)
    rows = np.arange(10, 10 + N_PAIRS)
    fitted = TwoInstruments(calibration, rows).fit(X[rows], differ(X[rows]), calibration.y[rows])
    before = rms(calibration.predict(differ(test)), y_test)
    assert rms(fitted.predict(differ(test)), y_test) < gained * before


def test_a_wavelength_shift_is_lessened_with_few_samples(calibration):
    X, _ = mixtures(30, seed=0)
    target, (test, y_test) = mixtures(30, seed=0, shift=6.0)[0], mixtures(40, seed=4, shift=6.0)
    rows = np.arange(10, 10 + N_PAIRS)
    fitted = TwoInstruments(calibration, rows).fit(X[rows], target[rows], calibration.y[rows])
    assert rms(fitted.predict(test), y_test) < 0.5 * rms(calibration.predict(test), y_test)


def test_a_reference_does_not_count_twice(calibration):
    """With the source scans of the specimen in the calibration its reference, wrong by five SD, moves the prediction of
    the specimen less than as a reference of its own."""
    X, _ = mixtures(30, seed=0)
    rows = np.arange(10, 10 + N_PAIRS)
    wrong = calibration.y.copy()
    wrong[12] += 5 * wrong.std()
    spoiled = dataclasses.replace(calibration, y=wrong)
    moved = {}
    for name, specimens in (("known", rows), ("unknown", None)):
        spoilt, sound = (
            TwoInstruments(one, specimens).fit(X[rows], X[rows], one.y[rows]).predict(X[[12]])[0]
            for one in (spoiled, calibration)
        )
        moved[name] = spoilt - sound
    assert 0 <= moved["known"] < moved["unknown"]


def test_one_pass_over_known_spectra_is_a_fit_and_a_prediction(calibration):
    X, _ = mixtures(30, seed=0)
    target, test = mixtures(30, seed=0, shift=3.0)[0], mixtures(7, seed=4, shift=3.0)[0]
    rows = np.array([12, 10, 20, 25])
    apart = TwoInstruments(calibration, rows).fit(X[rows], target[rows], calibration.y[rows]).predict_with_sd(test)
    known = Known(calibration, np.concatenate([target, test]))
    process = TwoInstruments(calibration, rows).fit_known(known, rows, calibration.y[rows])
    together = process.predict_known(known, rows, np.arange(30, 37))
    np.testing.assert_allclose(together.y_hat, apart.y_hat, rtol=0, atol=1e-8)
    np.testing.assert_allclose(together.sd, apart.sd, rtol=1e-6)
    assert process.weights_.sum() == pytest.approx(1.0)


def test_wrong_transfer_samples_are_named(calibration):
    X, y = mixtures(5, seed=3)
    with pytest.raises(BadInputError, match=r"target channels.*60.*59"):
        TwoInstruments(calibration).fit(X, X[:, 1:], y)
    with pytest.raises(BadInputError, match="at least 3"):
        TwoInstruments(calibration).fit(X[:2], X[:2], y[:2])
    with pytest.raises(BadInputError, match="sample b"):
        TwoInstruments(calibration).fit(X, X, y, samples=(list("abcde"), list("acbde")))
    with pytest.raises(BadInputError, match=r"specimens.*5.*3"):
        TwoInstruments(calibration, np.arange(3)).fit(X, X, y)
