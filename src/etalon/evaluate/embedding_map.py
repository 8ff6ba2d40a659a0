"""A map of embeddings: spectra as points of a plane, near where their embeddings are near."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from etalon.contracts import SpectraSet

# One row a spectrum. `value` is the reference of `analyte`, the first target with references; NaN, "" where none is.
MAP_COLUMNS = {
    "run": "category",
    "variant": "category",
    "heldout": "category",
    "seed": "int32",
    "dataset": "category",
    "family": "category",
    "instrument": "category",
    "modality": "category",
    "synthetic": "bool",
    "analyte": "category",
    "value": "float64",
    "x": "float64",
    "y": "float64",
}
N_COMPONENTS = 50
PERPLEXITY = 30.0


class Sample(NamedTuple):
    """Some spectra of one dataset: what is known of each, and their embeddings, shape (n, size)."""

    rows: pd.DataFrame
    embeddings: np.ndarray


def draw_sample(spectra: SpectraSet, embeddings: np.ndarray, most: int, seed: int) -> Sample:
    """Return `most` spectra of a set, or all, drawn with equal chance."""
    n = len(spectra)
    rows = np.sort(np.random.default_rng(seed).permutation(n)[:most])
    metadata = spectra.metadata
    known = {name: getattr(metadata, name) for name in ("family", "instrument", "modality", "synthetic")}
    measured = np.flatnonzero(np.isfinite(spectra.reference).any(axis=0))
    if len(measured):
        known |= {"analyte": metadata.targets[measured[0]].analyte}
    table = pd.DataFrame({"dataset": [metadata.dataset_id] * len(rows)}).assign(**known)
    value = spectra.reference[rows, measured[0]] if len(measured) else np.nan
    return Sample(table.assign(value=value), embeddings[rows])


def draw_map(samples: Sequence[Sample], seed: int) -> pd.DataFrame:
    """Return the spectra of all samples with their `places`, `x` and `y`, on one map.

    The embeddings have to be those of one encoder: others have no common space.
    """
    rows = pd.concat([sample.rows for sample in samples], ignore_index=True)
    xy = places(np.concatenate([sample.embeddings for sample in samples]), seed)
    return rows.assign(x=xy[:, 0], y=xy[:, 1])


def places(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """Return where embeddings, shape (n, size), lie on a map, shape (n, 2).

    t-SNE (van der Maaten & Hinton 2008, JMLR 9, 2579) of the first principal components of the embeddings, each column
    standardised. Distances between groups mean little on such a map, neighbours much.
    """
    Z = embeddings.astype(np.float64)
    spread = Z.std(axis=0)
    Z = (Z - Z.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scores = PCA(min(N_COMPONENTS, *Z.shape), svd_solver="full").fit_transform(Z)
    perplexity = min(PERPLEXITY, (len(Z) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(scores)


def mapped_block(blocks: Mapping[str, np.ndarray], wanted: str) -> np.ndarray:
    """Return the block to map: `wanted`, or, of an encoder without it (`fs`), all blocks that leave scale out."""
    if wanted in blocks:
        return blocks[wanted]
    return np.concatenate([block for name, block in blocks.items() if name != "raw"], axis=1)
