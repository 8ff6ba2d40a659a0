"""Piecewise direct standardisation: each channel of the source instrument from a window of the target's."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from etalon.chemometrics.transfer import SourceCalibration, Transfer, Transform, choose

# Below this share of what was there, a window's spectra or their covariance with the channel are used up.
EXHAUSTED = 1e-12


class PiecewiseDirectStandardisation(Transfer):
    """Centred PDS with an additive term: PLS of every source channel on the target channels about it.

    Wang, Veltkamp & Kowalski 1991, doi:10.1021/ac00023a016; Bouveresse & Massart 1996,
    doi:10.1016/0169-7439(95)00074-7. Windows end where the spectrum does. The result is that of chemotools'
    `PiecewiseDirectStandardization` with `scale=False`, whose one PLS object a channel is too slow for choices inside
    hundreds of transfer sets; here the windows' covariances are cut out of one matrix.

    Parameters
    ----------
    half_windows, n_components : candidates, chosen inside the transfer set. Half-window 0 with one component lets
        equal instruments change nothing.
    """

    def __init__(
        self,
        calibration: SourceCalibration,
        half_windows: Sequence[int] = (0, 1, 2, 3, 5),
        n_components: Sequence[int] = (1, 2, 3),
    ):
        super().__init__(calibration)
        self.half_windows, self.n_components = half_windows, n_components

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        self.chosen_, self._map = choose(self._candidates, self.calibration, source, target)

    def _candidates(self, source: np.ndarray, target: np.ndarray) -> Iterator[tuple[tuple[int, int], Transform]]:
        mean, target_mean = source.mean(axis=0), target.mean(axis=0)
        X, Y = target - target_mean, source - mean
        within, across = _bands(X, Y, max(self.half_windows))
        for half in self.half_windows:
            # A window of w channels has at most w components, N centred samples N - 1.
            most = min(2 * half + 1, len(X) - 1)
            wanted = sorted({min(k, most) for k in self.n_components})
            path = local_pls(*_windows(within, across, half), max(wanted))
            for k in wanted:
                yield (half, k), _piecewise(path[k - 1], mean, target_mean)

    def transform(self, spectra: np.ndarray) -> np.ndarray:
        return self._map(np.asarray(spectra, dtype=np.float64))


def _bands(X: np.ndarray, Y: np.ndarray, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of X'X and of X'Y that windows of up to `margin` channels to either side are cut from.

    Channels beyond the ends are zeros: they carry no weight, which is a shorter window.

    Returns
    -------
    within : shape (p + 2 m, 4 m + 1): of each channel of X, padded, with those from 2 m before to 2 m after it
    across : shape (p, 2 m + 1): of each channel of Y with those of X from m before to m after it
    """
    padded, wide = (np.pad(X, ((0, 0), (width, width))) for width in (margin, 3 * margin))
    within = np.einsum("npw,np->pw", sliding_window_view(wide, 4 * margin + 1, axis=1), padded)
    return within, np.einsum("npw,np->pw", sliding_window_view(padded, 2 * margin + 1, axis=1), Y)


def _windows(within: np.ndarray, across: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the blocks of X'X, shape (p, w, w), and of X'y, shape (p, w), of the window about each channel.

    Parameters
    ----------
    within, across : output of `_bands`
    """
    (p, whole), width = across.shape, 2 * half + 1
    first = (whole - 1) // 2 - half
    rows, columns = within.strides
    # One channel further down the window, the same partner stands one place earlier.
    start = within[first:, whole - 1 :]
    blocks = as_strided(start, (p, width, width), (rows, rows - columns, columns))
    return np.ascontiguousarray(blocks), np.ascontiguousarray(across[:, first : first + width])


def local_pls(XX: np.ndarray, Xy: np.ndarray, n_components: int) -> np.ndarray:
    """Return the coefficients of many PLS models of one response, for 1 to `n_components` components.

    Improved kernel algorithm 2 of Dayal & MacGregor 1997 (Journal of Chemometrics 11, 73), for all windows at once. A
    window that is used up keeps the coefficients it has.

    Parameters
    ----------
    XX : shape (c, w, w), X'X of each model; Xy : shape (c, w); X and y centred

    Returns
    -------
    shape (n_components, c, w)
    """
    rest = Xy.copy()
    first, total = np.linalg.norm(Xy, axis=1), np.einsum("cww->c", XX)
    rotations: list[np.ndarray] = []
    loadings: list[np.ndarray] = []
    path = np.zeros((n_components + 1, *Xy.shape))
    for k in range(n_components):
        length = np.linalg.norm(rest, axis=1)
        weights = rest / np.where(length > 0, length, 1.0)[:, None]
        rotation = weights.copy()
        for r, p in zip(rotations, loadings, strict=True):
            rotation -= (p * weights).sum(axis=1, keepdims=True) * r
        image = np.einsum("cij,cj->ci", XX, rotation)
        squared = (rotation * image).sum(axis=1)
        used_up = (length <= EXHAUSTED * first) | (squared <= EXHAUSTED * total)
        inverse = np.where(used_up, 0.0, 1.0 / np.where(used_up, 1.0, squared))[:, None]
        loading, q = image * inverse, (rotation * rest).sum(axis=1, keepdims=True) * inverse
        path[k + 1] = path[k] + rotation * q
        rest = rest - image * q
        rotations.append(rotation)
        loadings.append(loading)
    return path[1:]


def _piecewise(coefficients: np.ndarray, mean: np.ndarray, target_mean: np.ndarray) -> Transform:
    half = coefficients.shape[1] // 2

    def transform(spectra: np.ndarray) -> np.ndarray:
        centred = np.pad(spectra - target_mean, ((0, 0), (half, half)))
        windows = sliding_window_view(centred, 2 * half + 1, axis=1)
        return mean + np.einsum("npw,pw->np", windows, coefficients)

    return transform
