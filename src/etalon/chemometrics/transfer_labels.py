"""Methods that use the references of transfer samples: spiking, and a calibration of the target instrument alone."""

import warnings
from collections.abc import Sequence

import numpy as np
from ikpls.sklearn import PLS

from etalon.chemometrics.transfer import SourceCalibration, Transfer, left_out


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
        errors = [0.0] * len(self.shares)
        for left in left_out(len(y)) if len(self.shares) > 1 else ():
            for number, share in enumerate(self.shares):
                y_hat = np.ravel(self._spiked(target[~left], y[~left], share).predict(target[left]))
                errors[number] += float(((y_hat - y[left]) ** 2).sum())
        self.share_ = self.shares[int(np.argmin(errors))]
        self.model_ = self._spiked(target, y, self.share_)

    def _spiked(self, target: np.ndarray, y: np.ndarray, share: float) -> PLS:
        n = len(self.calibration.y)
        weights = np.r_[np.ones(n), np.full(len(y), share * n / len(y))]
        model = PLS(n_components=self.calibration.model.n_components, scale_X=False, scale_Y=False)
        X = np.concatenate([self.calibration.spectra, target])
        return model.fit(X, np.r_[self.calibration.y, y], sample_weight=weights)

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        return np.ravel(self.model_.predict(self.transform(spectra)))


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
