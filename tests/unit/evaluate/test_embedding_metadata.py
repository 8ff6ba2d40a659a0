"""Heads under four kinds of metadata, on an encoder whose embedding says what it was told."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.embedding_heads import applicable, run_heads
from etalon.evaluate.embedding_metadata import embed_told, run_conditions, wrong_categories
from etalon.evaluate.embeddings import read_embedding
from etalon.evaluate.tasks import list_tasks
from etalon.models.encoder import Encoder, GridBatch
from etalon.models.metadata_embedding import FIELDS, MetadataEmbedding, categories_of
from etalon.stages import embed_datasets, embedding_metadata
from etalon.storage import load_json, save_array, save_set, save_table
from etalon.train.checkpoint import make_encoder, save_encoder

NAMES = ("ridge", "evidence", "logistic")
HEADS = applicable(NAMES, ("learned", "stats"), None)
SETTINGS = {"repeats": 1, "max_rows": 300, "inner_splits": 3}
NEW = ["metadata_missing", "metadata_never", "metadata_wrong"]


class Shifted(Encoder):
    """Means of neighbouring channels, plus the number of each category; no metadata, nothing added."""

    def __init__(self, listens=True):
        super().__init__()
        self.blocks = {"learned": 10, "stats": 2}
        self.metadata = MetadataEmbedding(10) if listens else None
        if listens:
            with torch.no_grad():
                self.metadata.table.weight[1:] = torch.arange(1.0, len(self.metadata.table.weight))[:, None]

    def forward(self, batch: GridBatch) -> dict[str, torch.Tensor]:
        learned = batch.intensities.unflatten(1, (10, -1)).mean(dim=2)
        if self.metadata is not None and batch.categories is not None:
            learned = learned + self.metadata(batch.categories)
        return {"learned": learned, "stats": nn.functional.pad(batch.intensities.mean(dim=1, keepdim=True), (0, 1))}


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(0)
    n, channel = 36, np.linspace(0, 1, 60)
    y = rng.uniform(1, 3, n)
    X = 0.2 + np.outer(y, np.exp(-0.5 * ((channel - 0.5) / 0.1) ** 2)) + 0.002 * rng.normal(size=(n, 60))
    targets, known = (Target("protein", "protein", "%"),), {"instrument_type": "handheld", "mode": "reflectance"}
    metadata = Metadata("toy", "toy", "Toy", "nir", "absorbance", "nm", targets=targets, label="level", **known)
    ids, label = np.arange(n).astype(str), np.where(y > 2, "high", "low")
    return SpectraSet(metadata, X, 1100.0 + 2 * np.arange(60), ids, ids, y[:, None], label=label)


@pytest.fixture(scope="module")
def folds(spectra):
    return make_folds(spectra, n_splits=3, n_repeats=2, seed=1)


def predictions(spectra, folds, encoder=None):
    told = embed_told(encoder or Shifted(), spectra, np.zeros_like(spectra.intensities), seed=7)
    return told, run_conditions(told, list_tasks(spectra), folds, HEADS, SETTINGS, seed=7).predictions


def test_wrong_metadata_are_other_values_of_every_field():
    known = torch.tensor([1, 2, 0, 4])
    drawn = torch.stack([wrong_categories(known, seed) for seed in range(60)])
    assert not (drawn == known).any()
    for field, names in enumerate(FIELDS.values()):
        assert set(drawn[:, field].tolist()) == set(range(1, len(names) + 1)) - {int(known[field])}
    assert wrong_categories(known, 3).tolist() == wrong_categories(known, 3).tolist()


def test_each_condition_is_told_what_it_says(spectra, folds):
    told, rows = predictions(spectra, folds)
    assert list(told) == ["given", "absent", "wrong"]
    own = Shifted().metadata(categories_of(spectra.metadata)[None])[0].detach().numpy()
    np.testing.assert_allclose(told["given"]["learned"] - told["absent"]["learned"], np.tile(own, (36, 1)), rtol=1e-5)
    assert np.abs(told["wrong"]["learned"] - told["given"]["learned"]).min() > 0.5
    assert rows.groupby(["condition", "head"]).size().to_dict() == {
        (condition, head): 36 for condition in ("cv", *NEW) for head in NAMES
    }
    assert set(rows["repeat"]) == {0}


def test_the_cross_validation_is_that_of_the_heads(spectra, folds):
    """And a head that never has metadata is fitted and tested without."""
    told, rows = predictions(spectra, folds)
    keys = ["task", "target", "head", "fold", "row"]
    for condition, kind in (("cv", "given"), ("metadata_never", "absent")):
        expected = run_heads(told[kind], list_tasks(spectra), folds, HEADS, seed=7, **SETTINGS).predictions
        both = expected[expected["condition"] == "cv"].merge(rows[rows["condition"] == condition], on=keys)
        assert len(both) == 3 * 36
        assert (both["prediction_x"] == both["prediction_y"]).all()
        assert (both["probability_x"].fillna(0) == both["probability_y"].fillna(0)).all()


def test_a_head_that_leans_on_metadata_errs_where_they_are_missing_or_wrong(spectra, folds):
    """Here they move all numbers alike, by hundreds of times what tells specimens apart."""
    _, rows = predictions(spectra, folds)
    ridge = rows[rows["head"] == "ridge"]
    error = ((ridge["prediction"] - ridge["reference"]) ** 2).groupby(ridge["condition"]).mean() ** 0.5
    assert error["cv"] < 0.05 and error["metadata_never"] < 0.05
    assert error["metadata_missing"] > 5 * error["cv"] and error["metadata_wrong"] > 5 * error["cv"]


def test_an_encoder_that_does_not_listen_has_no_rows_of_other_conditions(spectra, folds):
    told, rows = predictions(spectra, folds, Shifted(listens=False))
    assert list(told) == ["given"]
    assert set(rows["condition"]) == {"cv"}


def write_world(root, spectra, folds):
    save_set(root / "toy", spectra)
    save_array(root / "toy" / "baseline_asls.npy", np.zeros_like(spectra.intensities))
    save_table(root / "toy.parquet", folds)


def test_the_stage_writes_predictions_and_refuses_what_was_seen(spectra, folds, tmp_path):
    write_world(tmp_path, spectra, folds)
    config = {"encoder": "fsnl", "size": {"width": 16, "layers": 1, "heads": 2, "metadata": True}}
    encoder = make_encoder(config)
    nn.init.normal_(encoder.metadata.table.weight)
    checkpoint = tmp_path / "fsnl.safetensors"
    arguments = [
        *("--data", str(tmp_path / "toy"), "--folds", str(tmp_path / "toy.parquet"), "--seed", "1"),
        *("--settings", json.dumps(SETTINGS | {"heads": NAMES}), "--variant", "told", "--heldout", "fold0"),
        *("--encoder-seed", "0", "--encoder", "fsnl", "--checkpoint", str(checkpoint)),
        *("--out", str(tmp_path / "out.parquet"), "--record", str(tmp_path / "out.json")),
    ]
    save_encoder(checkpoint, encoder.state_dict(), {"config": config, "data": []})
    embedding_metadata.main(arguments)
    rows, record = pd.read_parquet(tmp_path / "out.parquet"), load_json(tmp_path / "out.json")
    assert set(rows["condition"]) == {"cv", *NEW} and set(rows["head"]) == set(NAMES)
    assert rows["prediction"].notna().all()
    assert record["heads"] == {"regression": ["ridge", "evidence"], "classification": ["logistic"]}
    assert {choice["condition"] for choice in record["datasets"][0]["choices"]} == {"cv", "metadata_never"}

    # The stage that dumps embeddings gives the dataset's own metadata as well.
    index = tmp_path / "embeddings" / "index.json"
    told = ["--encoder", "fsnl", "--checkpoint", str(checkpoint), "--data", str(tmp_path / "toy"), "--out", str(index)]
    embed_datasets.main(told)
    blocks = read_embedding(index, "toy").named()
    expected = embed_told(encoder, spectra, np.zeros_like(spectra.intensities), seed=1)
    np.testing.assert_array_equal(blocks["learned"], expected["given"]["learned"])
    assert np.abs(blocks["learned"] - expected["absent"]["learned"]).max() > 0.01

    seen = [{"dataset": "toy2", "family": "toy", "sha256": "0"}]
    save_encoder(checkpoint, encoder.state_dict(), {"config": config, "data": seen})
    with pytest.raises(BadInputError, match="no spectra of family 'toy'"):
        embedding_metadata.main(arguments)


def test_a_dataset_without_wavelengths_is_not_run(spectra):
    metadata = Metadata.from_json(spectra.metadata.to_json() | {"axis_unit": "index"})
    channels = SpectraSet(
        metadata, spectra.intensities, np.arange(60.0), spectra.sample_id, spectra.specimen, spectra.reference,
        label=spectra.label,
    )  # fmt: skip
    encoder = make_encoder({"encoder": "fsnl", "size": {"metadata": True}})
    with pytest.raises(NotRunError, match="no wavelength axis"):
        embed_told(encoder, channels, np.zeros_like(spectra.intensities), seed=7)
