"""The spectra of one dataset under every preprocessing, computed once where no fitting is involved."""

import numpy as np
from scipy.linalg import qr
from sklearn.pipeline import Pipeline

from etalon.preprocess.chain import LEARNED, ON_CORRECTED, preprocessing


class Views:
    """Preprocessed spectra, and the same as scores in fewer dimensions.

    Parameters
    ----------
    intensities : shape (n_samples, n_channels), as measured
    baseline : shape (n_samples, n_channels), the AsLS baseline
    savgol_window, savgol_order : see `etalon.preprocess.chain.preprocessing`
    """

    def __init__(self, intensities: np.ndarray, baseline: np.ndarray, *, savgol_window: int, savgol_order: int):
        self._measured = np.asarray(intensities, dtype=np.float64)
        self._corrected = self._measured - baseline
        # A window needs as many channels; the shortest instruments have few.
        window = min(savgol_window, self._measured.shape[1] - 1 + self._measured.shape[1] % 2)
        self._savgol = {"savgol_window": window, "savgol_order": savgol_order}
        self._spectra: dict[str, np.ndarray] = {}
        self._scores: dict[str, np.ndarray] = {}

    def source(self, name: str) -> np.ndarray:
        """Return what preprocessing `name` starts from, shape (n_samples, n_channels)."""
        return self._corrected if name in ON_CORRECTED else self._measured

    def fit(self, name: str, rows: np.ndarray) -> Pipeline:
        """Return preprocessing `name` fitted on `rows`."""
        return preprocessing(name, **self._savgol).fit(self.source(name)[rows])

    def transform(self, name: str, fitted: Pipeline, rows: np.ndarray) -> np.ndarray:
        """Return `rows` treated by `fitted`, shape (n_rows, n_channels)."""
        if name in LEARNED:
            return fitted.transform(self.source(name)[rows])
        if name not in self._spectra:
            self._spectra[name] = fitted.transform(self.source(name))
        return self._spectra[name][rows]

    def scores(self, name: str, fit_rows: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return `rows` as coordinates in an orthonormal basis of the spectra, shape (n_rows, <= n_samples).

        Inner products are those of the spectra, to rounding: a method that knows spectra only through them (PLS,
        ridge, logistic regression with an L2 penalty, PCA) gives the same predictions from the scores, in a
        fraction of the time where channels outnumber samples. The basis uses no reference values.
        """
        fitted = self.fit(name, fit_rows)
        if name in LEARNED:
            return rotate(self.transform(name, fitted, rows))
        if name not in self._scores:
            self._scores[name] = rotate(self.transform(name, fitted, np.arange(len(self._measured))))
        return self._scores[name][rows]


def rotate(X: np.ndarray) -> np.ndarray:
    """Return T, shape (n, min(n, p)), with ``T @ T.T == X @ X.T``: X = R' Q' by a QR decomposition of X'."""
    if X.shape[1] <= X.shape[0]:
        return X
    return np.ascontiguousarray(qr(X.T, mode="r", check_finite=False)[0][: X.shape[0]].T)
