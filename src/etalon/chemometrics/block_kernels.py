"""Kernels between spectra, made of the named blocks of an embedding: linear, windowed, flattened and Matérn."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from scipy.linalg import eigh

N_WINDOWS = 16  # parts of a block along the axis of wavelengths
LENGTH = 4.0  # squared length scale of the Matérn kernel, in median squared distances of the training rows
FLAT_FLOOR = 1e-6  # of the largest eigenvalue
ZERO = 1e-12  # of the largest eigenvalue: one below is rounding, and no row has a part in its direction


class Kernel(Protocol):
    """A kernel that is fitted to training rows: centred on them, its diagonal there of mean 1 (0 where it is flat)."""

    def fit(self, inner: "InnerProducts") -> np.ndarray:
        """Return the kernel of the training rows, shape (n, n)."""

    def cross(self, inner: "InnerProducts") -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel of new rows with training rows, (m, n), and of each new row with itself, (m,)."""

    def among(self, inner: "InnerProducts", new: "InnerProducts") -> np.ndarray:
        """Return the kernel of new rows with each other, (m, m), from their inner products with both kinds of rows."""


class InnerProducts:
    """Inner products of rows with training rows, block by block, each computed once.

    Parameters
    ----------
    rows, training : blocks by name, each of shape (m, size) and (n, size), centred and scaled alike
    """

    def __init__(self, rows: Mapping[str, np.ndarray], training: Mapping[str, np.ndarray]):
        self.rows, self.training = rows, training
        self._found: dict[str, np.ndarray] = {}

    def of(self, block: str) -> np.ndarray:
        """Return those of one block, shape (m, n)."""
        if block not in self._found:
            self._found[block] = self.rows[block] @ self.training[block].T
        return self._found[block]

    def own(self, block: str) -> np.ndarray:
        """Return the squared norm of each row, shape (m,)."""
        return np.einsum("ij,ij->i", self.rows[block], self.rows[block])


class Linear:
    """K = X X' of one block."""

    def __init__(self, block: str):
        self.block = block

    def fit(self, inner: InnerProducts) -> np.ndarray:
        return inner.of(self.block)

    def cross(self, inner: InnerProducts) -> tuple[np.ndarray, np.ndarray]:
        return inner.of(self.block), inner.own(self.block)

    def among(self, inner: InnerProducts, new: InnerProducts) -> np.ndarray:
        return new.of(self.block)


class Window:
    """K = X X' of one of `N_WINDOWS` equal parts of the columns that a block covers: a range of wavelengths.

    With a strength of its own each range can be weighed: selection of wavelengths, by evidence.
    """

    def __init__(self, block: str, number: int):
        self.block, self.number = block, number

    def fit(self, inner: InnerProducts) -> np.ndarray:
        X = inner.training[self.block]
        self.columns_ = np.array_split(np.flatnonzero(X.any(axis=0)), N_WINDOWS)[self.number]
        self.scale_ = 1.0 / _positive(np.mean((X[:, self.columns_] ** 2).sum(axis=1)))
        return self.cross(inner)[0]

    def cross(self, inner: InnerProducts) -> tuple[np.ndarray, np.ndarray]:
        new, known = (X[self.block][:, self.columns_] for X in (inner.rows, inner.training))
        return self.scale_ * new @ known.T, self.scale_ * np.einsum("ij,ij->i", new, new)

    def among(self, inner: InnerProducts, new: InnerProducts) -> np.ndarray:
        rows = inner.rows[self.block][:, self.columns_]
        return self.scale_ * rows @ rows.T


class Flattened:
    r"""The linear kernel with the square roots of its eigenvalues: directions of little variance count for more.

    .. math:: K (K + \epsilon)^{-1/2}
    """

    def __init__(self, block: str):
        self.block = block

    def fit(self, inner: InnerProducts) -> np.ndarray:
        values, self.vectors_ = eigh(inner.of(self.block))
        values = np.maximum(values, 0.0)
        self.values_ = values + _positive(FLAT_FLOOR * values[-1])
        self._squares = np.maximum(values, _positive(ZERO * values[-1])) * np.sqrt(self.values_)
        trace = np.sum(values / np.sqrt(self.values_))
        self.scale_ = len(values) / _positive(trace)
        return self.scale_ * (self.vectors_ * (values / np.sqrt(self.values_))) @ self.vectors_.T

    def cross(self, inner: InnerProducts) -> tuple[np.ndarray, np.ndarray]:
        scores = inner.of(self.block) @ self.vectors_
        return (
            self.scale_ * (scores / np.sqrt(self.values_)) @ self.vectors_.T,
            self.scale_ * np.sum(scores**2 / self._squares, axis=1),
        )

    def among(self, inner: InnerProducts, new: InnerProducts) -> np.ndarray:
        features = inner.of(self.block) @ self.vectors_ / np.sqrt(self._squares)
        return self.scale_ * features @ features.T


class Matern:
    r"""Matérn 3/2 of the mean squared distance over blocks, centred on the training rows.

    .. math:: k = (1 + u) e^{-u}, \qquad u = \sqrt{3 d^2 / \ell^2}

    The squared length scale is `LENGTH` times the median squared distance of training rows (Rasmussen & Williams 2006,
    section 4.2).
    """

    def __init__(self, blocks: Sequence[str]):
        self.blocks = blocks

    def fit(self, inner: InnerProducts) -> np.ndarray:
        self._norms = {block: np.diag(inner.of(block)) for block in self.blocks}
        distances = self._distances(inner, self._norms, self._norms)
        n = len(distances)
        self.length_ = LENGTH * _positive(np.median(distances[np.triu_indices(n, 1)]))
        K = self._of_distances(distances)
        self.means_, self.mean_ = K.mean(axis=0), float(K.mean())
        K = K - self.means_ - self.means_[:, None] + self.mean_
        self.scale_ = n / _positive(np.trace(K))
        return self.scale_ * K

    def cross(self, inner: InnerProducts) -> tuple[np.ndarray, np.ndarray]:
        K = self._of_distances(self._distances(inner, self._norms_of(inner), self._norms))
        own = K.mean(axis=1)
        return (
            self.scale_ * (K - own[:, None] - self.means_ + self.mean_),
            self.scale_ * (1.0 - 2.0 * own + self.mean_),
        )

    def among(self, inner: InnerProducts, new: InnerProducts) -> np.ndarray:
        norms = self._norms_of(inner)
        own = self._of_distances(self._distances(inner, norms, self._norms)).mean(axis=1)
        K = self._of_distances(self._distances(new, norms, norms))
        return self.scale_ * (K - own[:, None] - own + self.mean_)

    def _norms_of(self, inner: InnerProducts) -> dict[str, np.ndarray]:
        return {block: inner.own(block) for block in self.blocks}

    def _distances(
        self, inner: InnerProducts, rows: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        total = sum(rows[b][:, None] + others[b] - 2.0 * inner.of(b) for b in self.blocks)
        return np.maximum(total / len(self.blocks), 0.0)

    def _of_distances(self, distances: np.ndarray) -> np.ndarray:
        u = np.sqrt(3.0 * distances / self.length_)
        return (1.0 + u) * np.exp(-u)


def _positive(value: float) -> float:
    return float(value) if value > 0 else 1.0
