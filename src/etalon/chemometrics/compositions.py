"""Parts of a whole, such as clay, silt and sand, in coordinates that linear models may treat, and back."""

import numpy as np

# A part of zero is one below what the sieve or hydrometer tells: 65 % of a detection limit of 1 % (Martín-Fernández et
# al. 2003, Dealing with zeros and missing values in compositional data sets, doi:10.1023/A:1023866030544).
REPLACEMENT = 0.65
TOTAL = 100.0


def close(parts: np.ndarray) -> np.ndarray:
    """Return parts, shape (n, D), scaled so that each row adds up to `TOTAL`."""
    return TOTAL * parts / parts.sum(axis=1, keepdims=True)


def without_zeros(parts: np.ndarray) -> np.ndarray:
    """Return closed parts, shape (n, D), zeros replaced by `REPLACEMENT` and the others reduced in proportion."""
    closed = close(parts)
    zero = closed < REPLACEMENT
    return np.where(zero, REPLACEMENT, closed * (1.0 - REPLACEMENT * zero.sum(axis=1, keepdims=True) / TOTAL))


def basis(n_parts: int) -> np.ndarray:
    """Return an orthonormal basis of the plane of vectors that add up to zero, shape (D - 1, D): Helmert contrasts."""
    rows = []
    for k in range(1, n_parts):
        row = np.r_[np.full(k, 1.0 / k), -1.0, np.zeros(n_parts - k - 1)]
        rows.append(row * np.sqrt(k / (k + 1.0)))
    return np.array(rows)


def ilr(parts: np.ndarray) -> np.ndarray:
    r"""Return isometric log-ratio coordinates, shape (n, D - 1), of positive parts, shape (n, D).

    .. math:: z = V \log x

    with the rows of V an orthonormal basis of the plane of zero sums (Egozcue et al. 2003,
    doi:10.1023/A:1023818214614). Unscaled by any total: only ratios count.

    Raises
    ------
    ValueError : a part that is not above zero
    """
    parts = np.asarray(parts, dtype=float)
    if not (parts > 0).all():
        raise ValueError(f"expected parts above zero, found {parts.min():g}")
    return np.log(parts) @ basis(parts.shape[1]).T


def inverse_ilr(coordinates: np.ndarray) -> np.ndarray:
    """Return the parts of ilr coordinates, shape (n, D - 1), closed to `TOTAL`; shape (n, D)."""
    logs = np.asarray(coordinates, dtype=float) @ basis(np.shape(coordinates)[1] + 1)
    return close(np.exp(logs - logs.max(axis=1, keepdims=True)))
