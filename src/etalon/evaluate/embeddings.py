"""Dumps of embeddings: one array a dataset with a description beside it, and an index of all of them."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from etalon.errors import BadInputError, NotRunError
from etalon.storage import load_array, load_json, save_array, save_json

OK = "ok"
NOT_RUN = "not run: "


class Embedding(NamedTuple):
    """Embeddings of the spectra of one dataset.

    Attributes
    ----------
    values : float32, shape (n_samples, n_columns), rows in the order of the dataset
    blocks : for each named block its first column and the one after its last
    """

    values: np.ndarray
    blocks: dict[str, tuple[int, int]]

    @classmethod
    def join(cls, blocks: Mapping[str, np.ndarray]) -> "Embedding":
        """Return the blocks, each of shape (n_samples, size), side by side."""
        edges = np.cumsum([0, *(block.shape[1] for block in blocks.values())]).tolist()
        spans = dict(zip(blocks, itertools.pairwise(edges), strict=True))
        return cls(np.concatenate(list(blocks.values()), axis=1, dtype=np.float32), spans)

    def named(self) -> dict[str, np.ndarray]:
        """Return each block, shape (n_samples, size)."""
        return {name: self.values[:, start:stop] for name, (start, stop) in self.blocks.items()}


def save_embedding(folder: Path, dataset: str, embedding: Embedding, checkpoint: str | None) -> None:
    """Write the embeddings of `dataset` into `folder`; `checkpoint` is the digest of the weights, None for none."""
    save_array(folder / f"{dataset}.npy", embedding.values)
    content = {"dataset": dataset, "n": len(embedding.values), "blocks": embedding.blocks, "checkpoint": checkpoint}
    save_json(folder / f"{dataset}.json", content | {"not_run": None})


def save_not_run(folder: Path, dataset: str, reason: str) -> None:
    """Record in `folder` that `dataset` could not be embedded."""
    (folder / f"{dataset}.npy").unlink(missing_ok=True)
    save_json(folder / f"{dataset}.json", {"dataset": dataset, "not_run": reason})


def save_index(path: Path, status: Mapping[str, str], about: Mapping[str, Any]) -> None:
    """Write the index of a folder of dumps, last of all: where it stands, the folder is complete.

    Parameters
    ----------
    status : for each dataset "ok" or "not run: reason"
    about : what the embeddings were computed with; "blocks": names and sizes of the encoder's blocks
    """
    save_json(path, {**about, "datasets": dict(status)})


def load_index(path: Path) -> dict[str, Any]:
    """Return what `save_index` wrote."""
    content = load_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("datasets"), dict):
        raise BadInputError(path, "datasets", "an index of embeddings", "none")
    return content


def read_embedding(index: Path, dataset: str) -> Embedding:
    """Return the embeddings of one dataset of an index.

    Raises
    ------
    NotRunError : it is recorded as not embedded
    BadInputError : it is not in the index, or its files do not agree
    """
    if dataset not in load_index(index)["datasets"]:
        raise BadInputError(index, f"datasets.{dataset}", "a dataset that was embedded", "nothing")
    path = index.parent / f"{dataset}.json"
    content = load_json(path)
    if content["not_run"] is not None:
        raise NotRunError(content["not_run"])
    values = load_array(path.with_suffix(".npy"))
    blocks = {name: (start, stop) for name, (start, stop) in content["blocks"].items()}
    expected = (content["n"], max(stop for _, stop in blocks.values()))
    if values.shape != expected:
        raise BadInputError(path.with_suffix(".npy"), "shape", str(expected), values.shape)
    return Embedding(values, blocks)
