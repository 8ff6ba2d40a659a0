r"""Spectra that do not belong to a calibration: distances of their scores, of what scores leave, and limits for both.

A PLS calibration of n samples and k latent variables has scores t of mean zero and covariance S on its own samples. The
squared Mahalanobis distance of a new sample is Hotelling's :math:`T^2 = t' S^{-1} t`; what its scores leave of its
spectrum is :math:`Q = \lVert x - \hat x \rVert^2`. A spectrum is flagged beyond a limit that only a small share of
spectra of the calibration's own kind may pass. Limits:

- "chi_square": S taken as known, :math:`\chi^2_k`. Holds for n much larger than k.
- "hotelling": S estimated from n normal samples, :math:`\frac{k (n^2 - 1)}{n (n - k)} F_{k, n - k}` (Tracy, Young &
  Mason 1992, J. Quality Technology 24, 88); n counts specimens, since replicate scans hardly differ in their scores.
  Scores are still those of samples that the latent variables were fitted to.
- "cross_validated": T² of each sample by a calibration that never saw it, and the conformal quantile of these
  (`etalon.evaluate.uncertainty.conformal_quantile`). Nothing has to be normal; at 97.5 % it needs 39 scans. Its promise
  is one on average over calibrations, and it holds for replicate scans of few specimens too; how far one calibration
  is from it depends on the number of specimens (docs/explanation/learned-transfer.md, "Further studies").
- "residual": the same quantile, of Q.
- "either": flagged by "cross_validated" or by "residual", each at half the share of false alarms; needs 79 samples.
"""

from dataclasses import dataclass

import numpy as np
from ikpls.sklearn import PLS
from scipy.stats import chi2
from scipy.stats import f as fisher

from etalon.evaluate.uncertainty import conformal_quantile, fewest_scores, squared_mahalanobis

LEVEL = 0.975
N_FOLDS = 10
LIMITS = ("chi_square", "hotelling", "cross_validated", "residual", "either")


def fewest_samples(limit: str, level: float = LEVEL) -> int:
    """Return how many scans a limit needs to be finite: 39 at 97.5 % if it is a quantile, at least 2 if not."""
    if limit in ("chi_square", "hotelling"):
        return 2
    return fewest_scores(0.5 * (1.0 + level) if limit == "either" else level)


@dataclass(frozen=True)
class Distances:
    """T² and Q of some spectra, shape (n,) each."""

    scores: np.ndarray
    residual: np.ndarray

    @classmethod
    def of(cls, model: PLS, own: np.ndarray, spectra: np.ndarray) -> "Distances":
        """Return the distances of `spectra`, shape (m, p), from a PLS model and the rows that it was fitted to."""
        scores = np.asarray(model.transform(spectra))
        mean = own.mean(axis=0)
        rest = spectra - mean - scores @ np.asarray(model.x_loadings_).T
        return cls(squared_mahalanobis(np.asarray(model.transform(own)), scores), np.square(rest).sum(axis=1))


class OutlierLimits:
    """Limits of a PLS calibration, all fitted to its own samples.

    Parameters
    ----------
    spectra : of the calibration, shape (n, p), as its model sees them; y : references, shape (n,); n_lv : its number
        of latent variables
    groups : specimens, shape (n,): replicate scans are left out together and count as one sample of Hotelling's limit;
        every row is one where `groups` is left out
    level : share of the calibration's own kind within a limit

    Attributes
    ----------
    limit_ : of "chi_square", "hotelling", "cross_validated" (T²) and "residual" (Q); infinite where n is too small
    """

    def __init__(
        self, spectra: np.ndarray, y: np.ndarray, n_lv: int, groups: np.ndarray | None = None, level: float = LEVEL
    ):
        self.spectra, self.level = spectra, level
        self.model_ = _pls(spectra, y, n_lv)
        groups = np.arange(len(spectra)) if groups is None else groups
        n, k = len(np.unique(groups)), np.asarray(self.model_.x_loadings_).shape[1]
        left = self._left_out(y, n_lv, groups)
        self.limit_ = {
            "chi_square": float(chi2.ppf(level, k)),
            "hotelling": float(k * (n**2 - 1) / (n * (n - k)) * fisher.ppf(level, k, n - k)) if n > k else np.inf,
            "cross_validated": float(conformal_quantile(left.scores, level)),
            "residual": float(conformal_quantile(left.residual, level)),
        }
        both = 0.5 * (1.0 + level)
        self._either = float(conformal_quantile(left.scores, both)), float(conformal_quantile(left.residual, both))

    def _left_out(self, y: np.ndarray, n_lv: int, groups: np.ndarray) -> Distances:
        """Return the distances of the calibration's samples, each by a calibration of the others."""
        _, number = np.unique(groups, return_inverse=True)
        fold = number % N_FOLDS
        scores, residual = np.empty(len(y)), np.empty(len(y))
        for k in np.unique(fold):
            out, own = fold == k, self.spectra[fold != k]
            found = Distances.of(_pls(own, y[fold != k], n_lv), own, self.spectra[out])
            scores[out], residual[out] = found.scores, found.residual
        return Distances(scores, residual)

    def flagged(self, spectra: np.ndarray, limit: str | None = None) -> np.ndarray:
        """Return which spectra, shape (m, p), lie beyond a limit, bool, shape (m,).

        Without a name it is "cross_validated", or "hotelling" where the samples are too few for that.
        """
        if limit is None:
            limit = "cross_validated" if np.isfinite(self.limit_["cross_validated"]) else "hotelling"
        found = Distances.of(self.model_, self.spectra, spectra)
        if limit == "either":
            return (found.scores > self._either[0]) | (found.residual > self._either[1])
        return (found.residual if limit == "residual" else found.scores) > self.limit_[limit]


def _pls(spectra: np.ndarray, y: np.ndarray, n_lv: int) -> PLS:
    n_lv = min(n_lv, len(y) - 1, spectra.shape[1])
    return PLS(n_components=n_lv, scale_X=False, scale_Y=False).fit(spectra, y)
