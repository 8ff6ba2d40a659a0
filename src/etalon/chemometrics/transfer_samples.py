"""Which samples are measured on both instruments, and whether their rows say the same sample."""

import numpy as np
from sklearn.metrics import pairwise_distances

from etalon.errors import BadInputError


def check_paired(source: np.ndarray, target: np.ndarray) -> None:
    """Raise BadInputError unless row i of both instruments is one sample.

    Parameters
    ----------
    source, target : names of the samples, shape (n,)
    """
    if len(source) != len(target):
        raise BadInputError("transfer samples", "rows", f"{len(source)}, as on the source instrument", len(target))
    differs = np.flatnonzero(source != target)
    if len(differs):
        first = differs[0]
        hint = "" if set(source) != set(target) else " (the same samples in another order)"
        raise BadInputError("transfer samples", f"row {first}", f"sample {source[first]}", f"{target[first]}{hint}")


def random_samples(n_samples: int, size: int, seed: int) -> np.ndarray:
    """Return `size` of `n_samples` row numbers at random; with one seed, a larger size adds to a smaller one."""
    _check_size(n_samples, size)
    return np.random.default_rng(seed).permutation(n_samples)[:size]


def kennard_stone(spectra: np.ndarray, size: int) -> np.ndarray:
    """Return `size` row numbers, each as far as possible from those before it; the first two are farthest apart.

    Kennard & Stone 1969, Computer Aided Design of Experiments, doi:10.1080/00401706.1969.10490666.

    Parameters
    ----------
    spectra : shape (n, p); distances are Euclidean
    """
    _check_size(len(spectra), size)
    distance = pairwise_distances(spectra)
    np.fill_diagonal(distance, -1.0)  # equal spectra are at distance zero; none is chosen twice even so
    chosen = [int(i) for i in np.unravel_index(distance.argmax(), distance.shape)][:size]
    nearest = distance[chosen].min(axis=0)
    while len(chosen) < size:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distance[chosen[-1]])
    return np.array(chosen)


def clustered_samples(spectra: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Return a random row and its nearest neighbours: a bad choice, all samples alike. Shape (size,)."""
    _check_size(len(spectra), size)
    first = np.random.default_rng(seed).integers(len(spectra))
    distance = pairwise_distances(spectra[[first]], spectra)[0]
    distance[first] = -1.0
    return np.argsort(distance, kind="stable")[:size]


def _check_size(n_samples: int, size: int) -> None:
    if not 1 <= size <= n_samples:
        raise BadInputError("transfer samples", "number", f"1 to {n_samples}, the pairs there are", size)
