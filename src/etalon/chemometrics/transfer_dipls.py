"""Domain-invariant PLS through diPLSlib, an optional extra under GPL-3 that no other module imports."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from etalon.chemometrics.transfer import SourceCalibration, Transfer
from etalon.errors import NotRunError


class DomainInvariantPLS(Transfer):
    r"""PLS on the source calibration whose scores vary as much on the target instruments as on the source.

    The weights minimise :math:`\|X - y w'\|^2 + \lambda \, w' D w`, D the absolute difference of the covariances of
    transfer samples (Nikzad-Langerodi, Zellinger, Lughofer & Saminger-Platz 2018, doi:10.1021/acs.analchem.8b00498);
    with several target instruments D is the sum over them, mdi-PLS (Mikulasek et al. 2023, Partial least squares
    regression with multiple domains, Journal of Chemometrics). Both covariances are of the same samples, so that equal
    instruments make it PLS. Target spectra are centred by the calibration's mean plus the mean difference of the
    instruments.

    Parameters
    ----------
    strengths : candidates for lambda, in units of y'y over the largest eigenvalue of D; the best on the transfer
        samples' references is taken. 0 is PLS with the means alone corrected.
    others : spectra of the same transfer samples on further target instruments, each of shape (N, p); mdi-PLS

    Raises
    ------
    NotRunError : diPLSlib is not installed
    """

    def __init__(
        self,
        calibration: SourceCalibration,
        strengths: Sequence[float] = (0.0, 0.1, 10.0),
        others: Sequence[np.ndarray] = (),
    ):
        super().__init__(calibration)
        self.strengths, self.others = strengths, others
        self._dipals = _load_dipals()

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        own = self.calibration
        self._mean = own.spectra.mean(axis=0) + target.mean(axis=0) - source.mean(axis=0)
        calibrated, sampled, *domains = (X - X.mean(axis=0) for X in (own.spectra, source, target, *self.others))
        # All that the algorithm sees lies in the span of its rows, where matrices of p by p are small.
        basis = np.linalg.qr(np.concatenate([calibrated, sampled, *domains]).T)[0]
        calibrated, sampled, *domains = (X @ basis for X in (calibrated, sampled, *domains))
        response = own.y - own.y.mean()
        unit = float(response @ response) / (_discrepancy(sampled, domains) or 1.0)
        scores = (target - self._mean) @ basis
        best = np.inf
        for strength in self.strengths:
            # The list is changed in place by the library; one array stands for a single target instrument.
            there = [domain.copy() for domain in domains] if len(domains) > 1 else domains[0]
            found = self._dipals(calibrated, response[:, None], sampled, there, own.model.n_components, strength * unit)
            coefficients = np.ravel(found[0])
            error = float(((own.y.mean() + scores @ coefficients - y) ** 2).sum())
            if error < best:
                best, self.strength_, self._coefficients = error, strength, basis @ coefficients

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        return float(self.calibration.y.mean()) + (self.transform(spectra) - self._mean) @ self._coefficients


def _discrepancy(source: np.ndarray, domains: Sequence[np.ndarray]) -> float:
    """Return the largest absolute eigenvalue of the differences of covariances, summed over target instruments."""
    covariances = [np.cov(X, rowvar=False) for X in (source, *domains)]
    return sum(float(np.abs(np.linalg.eigvalsh(covariances[0] - other)).max()) for other in covariances[1:])


def _load_dipals() -> Callable:
    """Return diPLSlib's algorithm; its estimators call scikit-learn with an argument that 1.8 removed."""
    try:
        # Its import silences the warnings of the whole process.
        with warnings.catch_warnings():
            from diPLSlib.functions import dipals
    except ImportError as error:
        raise NotRunError("diPLSlib is not installed (pip install etalon[dipls])") from error
    return dipals
