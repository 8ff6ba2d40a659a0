"""Methods that use the references of transfer samples: spiking, and a calibration of the target instrument alone."""

import warnings
from collections.abc import Sequence

import numpy as np
from ikpls.sklearn import PLS

from etalon.chemometrics.transfer import SourceCalibration, Transfer, left_out
from etalon.chemometrics.transfer_pds import local_pls


class Spiking(Transfer):
    """PLS on the source calibration's rows and the transfer samples' target spectra, these with a weight.

    The weight is chosen by leaving transfer samples out. Their source spectra stay among some hundred others: they
    move the choice little, as they are the same rows for every weight. Guerrero et al. 2010
    (Geoderma 158, 66); with weights, Guerrero et al. 2014 (European Journal of Soil Science 65, 248).

    Parameters
    ----------
    shares : candidates for the total weight of the target rows, as a share of that of the source rows
    """

    def __init__(self, calibration: SourceCalibration, shares: Sequence[float] = (0.1, 0.3, 1.0, 3.0)):
        super().__init__(calibration)
        self.shares = shares

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        own = self.calibration
        shares, kept = list(self.shares), np.ones(len(y), dtype=bool)
        trials = [(share, ~left) for left in left_out(len(y)) for share in shares] if len(shares) > 1 else []
        centre = own.spectra.mean(axis=0)
        rows = np.concatenate([own.spectra, target]) - centre
        # All that a model sees lies in the span of its rows, where the matrices of many models are small.
        basis = np.linalg.qr(rows.T)[0]
        scores, response = rows @ basis, np.r_[own.y, y]
        trials += [(share, kept) for share in shares]
        coefficients, intercepts = self._spiked(scores, response, trials)
        predicted = coefficients @ scores[len(own.y) :].T + intercepts[:, None]
        errors = np.zeros(len(shares))
        for number, (_, seen) in enumerate(trials[: -len(shares)]):
            errors[number % len(shares)] += ((predicted[number] - y)[~seen] ** 2).sum()
        best = int(np.argmin(errors))
        self.share_ = shares[best]
        last = len(trials) - len(shares) + best
        self.coefficients_ = basis @ coefficients[last]
        self.intercept_ = float(intercepts[last] - centre @ self.coefficients_)

    def _spiked(
        self, scores: np.ndarray, y: np.ndarray, trials: Sequence[tuple[float, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients, shape (trials, k), and intercepts of weighted PLS models.

        Parameters
        ----------
        scores : of the calibration's rows and then the transfer samples, shape (n + N, k); y : shape (n + N,)
        trials : total weight of the transfer samples and which of them take part, bool, shape (N,)
        """
        n = len(self.calibration.y)
        weights = np.ones((len(trials), len(y)))
        for own, (share, seen) in zip(weights, trials, strict=True):
            own[n:] = np.where(seen, share * n / seen.sum(), 0.0)
        total = weights.sum(axis=1, keepdims=True)
        means, y_means = weights @ scores / total, weights @ y / total[:, 0]
        XX = np.einsum("tn,nk,nl->tkl", weights, scores, scores, optimize=True)
        XX -= total[..., None] * means[:, :, None] * means[:, None, :]
        Xy = (weights * y) @ scores - total * means * y_means[:, None]
        coefficients = local_pls(XX, Xy, self.calibration.model.n_components)[-1]
        return coefficients, y_means - (means * coefficients).sum(axis=1)

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        return self.transform(spectra) @ self.coefficients_ + self.intercept_


class TargetOnly(Transfer):
    """PLS on the transfer samples' target spectra alone; the number of latent variables is chosen by leaving some out.

    Parameters
    ----------
    max_lv : most latent variables
    """

    common_axis = False

    def __init__(self, calibration: SourceCalibration, max_lv: int = 15):
        super().__init__(calibration)
        self.max_lv = max_lv

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        folds = left_out(len(y))
        most = max(1, min(self.max_lv, target.shape[1], min(int((~left).sum()) for left in folds) - 1))
        squared = np.zeros(most)
        with warnings.catch_warnings():
            # PLS says so where the rows hold fewer latent variables than asked; it then carries the last ones forward.
            warnings.filterwarnings("ignore", message=".*[Cc]omponent.*", category=UserWarning, module="ikpls")
            for left in folds:
                y_hat = _pls(most).fit(target[~left], y[~left]).predict_all_components(target[left])
                squared += ((y_hat[..., 0] - y[left]) ** 2).sum(axis=1)
            self.n_lv_ = int(squared.argmin()) + 1
            self.model_ = _pls(self.n_lv_).fit(target, y)

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        return np.ravel(self.model_.predict(self.transform(spectra)))


def _pls(n_lv: int) -> PLS:
    return PLS(n_components=n_lv, scale_X=False, scale_Y=False)
