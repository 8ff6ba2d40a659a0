"""Direct standardisation: one linear map from all channels of the target instrument to those of the source."""

from collections.abc import Iterator, Sequence

import numpy as np

from etalon.chemometrics.transfer import SourceCalibration, Transfer, Transform, choose

# Singular values below this share of the largest are rounding, not spectra.
RANK_TOLERANCE = 1e-10


class DirectStandardisation(Transfer):
    r"""Centred direct standardisation through the first singular vectors of the target spectra.

    .. math:: \hat x_s = \bar x_s + (x_t - \bar x_t) F, \qquad F = V_k S_k^{-1} U_k' (X_s - \bar x_s)

    Wang, Veltkamp & Kowalski 1991, doi:10.1021/ac00023a016, with the additive term of Wang, Lysaght & Kowalski 1992
    (Analytical Chemistry 64, 562). What k vectors do not span is lost, even between equal instruments. With
    `keep_rest` the same regression predicts the difference of the two instruments, so that the unit matrix joins F
    and equal instruments change nothing: a departure from the papers.

    Parameters
    ----------
    n_components : candidates for k, chosen inside the transfer set; those above its rank are left out
    keep_rest : see above; needs channels in common
    """

    def __init__(
        self, calibration: SourceCalibration, n_components: Sequence[int] = range(1, 16), keep_rest: bool = False
    ):
        super().__init__(calibration)
        self.n_components, self.keep_rest, self.common_axis = n_components, keep_rest, keep_rest

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        self.chosen_, self._map = choose(self._candidates, self.calibration, source, target)

    def _candidates(self, source: np.ndarray, target: np.ndarray) -> Iterator[tuple[int, Transform]]:
        mean, target_mean = source.mean(axis=0), target.mean(axis=0)
        U, s, Vt = np.linalg.svd(target - target_mean, full_matrices=False)
        wanted = source - mean - (target - target_mean if self.keep_rest else 0.0)
        coefficients = U.T @ wanted / np.where(s > 0, s, 1.0)[:, None]
        rank = int((s > RANK_TOLERANCE * max(s[0], np.finfo(float).tiny)).sum())
        for k in sorted({min(k, max(rank, 1)) for k in self.n_components}):
            yield k, _linear(Vt[:k].T, coefficients[:k], mean, target_mean, self.keep_rest)

    def transform(self, spectra: np.ndarray) -> np.ndarray:
        return self._map(np.asarray(spectra, dtype=np.float64))


def _linear(
    vectors: np.ndarray, coefficients: np.ndarray, mean: np.ndarray, target_mean: np.ndarray, keep_rest: bool
) -> Transform:
    def transform(spectra: np.ndarray) -> np.ndarray:
        centred = spectra - target_mean
        return mean + centred @ vectors @ coefficients + (centred if keep_rest else 0.0)

    return transform
