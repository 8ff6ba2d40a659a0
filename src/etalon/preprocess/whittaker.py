"""Whittaker smoothing of many spectra at once: one pentadiagonal system a spectrum, solved in step."""

import numpy as np


def smooth_columns(spectra: np.ndarray, weights: np.ndarray, lam: float) -> np.ndarray:
    r"""Return the weighted smooth of every column.

    .. math:: (W + \lambda D^T D) z = W y, \qquad (D z)_i = z_i - 2 z_{i+1} + z_{i+2}

    Eilers 2003, A Perfect Smoother, Anal. Chem. 75, 3631. The factorisation is L D L^T without pivoting (the matrix is
    positive definite), written for the system divided by lam: its outermost band is then 1, and the entries of L
    there are the reciprocal pivots. Every step is one operation on a row of all spectra, so that the cost of a numpy
    call is shared by them; with hundreds of columns this is several times faster than LAPACK's banded solver, which
    takes one matrix at a time.

    Parameters
    ----------
    spectra, weights : float64, shape (n_channels, n_spectra), C-contiguous, at least 3 channels; weights positive
    lam : smoothness weight of the second differences

    Returns
    -------
    float64, shape (n_channels, n_spectra)
    """
    main, first = _penalty_bands(len(spectra))
    pivots = weights / lam
    smooth = pivots * spectra
    pivots += main[:, None]
    couplings = np.empty_like(pivots)
    _eliminate(pivots, couplings, smooth, first.tolist())
    _substitute(pivots, couplings, smooth)
    return smooth


def _penalty_bands(n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the main and the first off-diagonal of D'D, both of length `n_channels`; the second off-diagonal is 1."""
    difference = np.array([1.0, -2.0, 1.0])
    main, first = np.zeros(n_channels), np.zeros(n_channels)
    for start in range(3):
        main[start : n_channels - 2 + start] += difference[start] ** 2
    for start in range(2):
        first[start : n_channels - 2 + start] += difference[start] * difference[start + 1]
    return main, first


def _eliminate(pivots: np.ndarray, couplings: np.ndarray, values: np.ndarray, first: list[float]) -> None:
    """Forward elimination in place: `pivots` become their reciprocals, `couplings` the first band of D L^T."""
    n_spectra = pivots.shape[1]
    ratio, product = np.empty(n_spectra), np.empty(n_spectra)
    zeros = np.zeros(n_spectra)  # the row before the first
    above2, above, coupling, value2, value = zeros, zeros, zeros, zeros, zeros
    for pivot, coupling_here, value_here, band in zip(pivots, couplings, values, first, strict=True):
        np.multiply(coupling, above, out=ratio)
        np.multiply(coupling, ratio, out=product)
        np.subtract(pivot, product, out=pivot)
        np.subtract(pivot, above2, out=pivot)
        np.reciprocal(pivot, out=pivot)
        np.subtract(band, ratio, out=coupling_here)
        np.multiply(coupling, value, out=product)
        np.subtract(value_here, product, out=value_here)
        np.subtract(value_here, value2, out=value_here)
        np.multiply(value_here, pivot, out=value_here)
        above2, above, coupling, value2, value = above, pivot, coupling_here, value, value_here


def _substitute(pivots: np.ndarray, couplings: np.ndarray, values: np.ndarray) -> None:
    """Back substitution in place; `pivots` hold reciprocals."""
    product = np.empty(pivots.shape[1])
    below2 = below = np.zeros(pivots.shape[1])
    for pivot, coupling, value in zip(pivots[::-1], couplings[::-1], values[::-1], strict=True):
        np.multiply(coupling, below, out=product)
        np.add(product, below2, out=product)
        np.multiply(product, pivot, out=product)
        np.subtract(value, product, out=value)
        below2, below = below, value
