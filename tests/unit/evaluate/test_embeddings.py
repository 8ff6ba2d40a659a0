"""Dumps of embeddings: what is written is read, and what is missing is named."""

import numpy as np
import pytest

from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.embeddings import (
    NOT_RUN,
    OK,
    Embedding,
    read_embedding,
    save_embedding,
    save_index,
    save_not_run,
)


@pytest.fixture
def index(tmp_path):
    rng = np.random.default_rng(0)
    blocks = {"learned": rng.normal(size=(5, 3)).astype(np.float32), "stats": rng.normal(size=(5, 2))}
    save_embedding(tmp_path, "corn", Embedding.join(blocks), "abc")
    save_not_run(tmp_path, "milk", "no wavelength axis")
    path = tmp_path / "index.json"
    save_index(path, {"corn": OK, "milk": NOT_RUN + "no wavelength axis"}, {"checkpoint": "abc"})
    return path, blocks


def test_blocks_come_back_under_their_names(index):
    path, blocks = index
    found = read_embedding(path, "corn")
    assert found.values.dtype == np.float32
    assert found.blocks == {"learned": (0, 3), "stats": (3, 5)}
    for name, block in found.named().items():
        assert np.array_equal(block, blocks[name].astype(np.float32))


def test_only_what_was_embedded_is_read(index):
    path, _ = index
    assert len(read_embedding(path, "corn").values)
    with pytest.raises(NotRunError, match="no wavelength axis"):
        read_embedding(path, "milk")
    with pytest.raises(BadInputError, match="wheat"):
        read_embedding(path, "wheat")


def test_an_older_array_does_not_survive_a_dataset_that_did_not_run(index):
    path, _ = index
    save_not_run(path.parent, "corn", "cannot be fetched")
    assert not (path.parent / "corn.npy").exists()


def test_an_array_of_another_shape_is_refused(index):
    path, _ = index
    np.save(path.parent / "corn.npy", np.zeros((4, 5), np.float32))
    with pytest.raises(BadInputError, match=r"expected \(5, 5\), found \(4, 5\)"):
        read_embedding(path, "corn")
