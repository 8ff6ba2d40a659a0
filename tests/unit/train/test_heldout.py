"""Nothing of a held-out family reaches a checkpoint: what it lists, by name, family and checksum of the spectra."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from etalon.errors import BadInputError
from etalon.evaluate.embed import refuse_seen
from etalon.stages import embed_datasets, pretrain, synthetic_corpus
from etalon.storage import load_json, load_set, save_array, save_set
from etalon.train.batches import drawn_sets

LOSSES = {"perceiver": {"masked": 1.0}, "fsnl": {"episodic": 1.0}}
ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}


def train(training, encoder, out, names, heldout_families, p_synthetic=0.0, synthetic=None):
    arguments = training.arguments(encoder, LOSSES[encoder], out, heldout_families=heldout_families, spectra=48)
    first, last = arguments.index("--data") + 1, arguments.index("--variant")
    arguments[first:last] = [str(training.folder / name) for name in names]
    at = arguments.index("--settings") + 1
    settings = json.loads(arguments[at])
    settings["variant"]["p_synthetic"] = p_synthetic
    arguments[at] = json.dumps(settings)
    pretrain.main([*arguments, *(("--synthetic", str(synthetic)) if synthetic else ())])
    return training.checkpoint(out)


def checksum(folder):
    return hashlib.sha256(np.load(folder / "spectra.npy").astype(np.float32).tobytes()).hexdigest()


@pytest.mark.parametrize("encoder", LOSSES)
def test_a_checkpoint_lists_all_that_trained_it_and_nothing_held_out(training, encoder):
    path = train(training, encoder, f"without_b_{encoder}", ["a", "c"], ["family_b"])
    record = load_json(path.with_suffix(".json"))
    listed = {entry["dataset"]: entry for entry in record["data"]}
    assert listed.keys() == {"a", "c"}
    assert record["heldout_families"] == ["family_b"]
    assert not {entry["family"] for entry in listed.values()} & set(record["heldout_families"])
    for name, entry in listed.items():
        assert entry["sha256"] == checksum(training.folder / name)
    assert checksum(training.folder / "b") not in {entry["sha256"] for entry in listed.values()}
    assert set(record["monitored"]) <= {"a", "c"}
    # Other spectra in a listed dataset make other weights: the list is what reached them.
    weights = load_file(path)
    again = load_file(train(training, encoder, f"without_c_{encoder}", ["a", "b"], ["family_c"]))
    assert not all(torch.equal(weights[name], tensor) for name, tensor in again.items())


def embed(training, checkpoint, folder, out):
    arguments = ["--encoder", "fsnl", "--checkpoint", str(checkpoint), "--data", str(folder)]
    embed_datasets.main([*arguments, "--out", str(out / "index.json")])


def test_what_trained_a_checkpoint_is_not_embedded_by_it(training, tmp_path):
    """Neither under the name of its family nor, with the same spectra, under that of another."""
    checkpoint = train(training, "fsnl", "embeds", ["a", "c"], ["family_b"])
    embed(training, checkpoint, training.folder / "b", tmp_path / "heldout")
    assert load_json(tmp_path / "heldout" / "index.json")["datasets"] == {"b": "ok"}
    with pytest.raises(BadInputError, match="no spectra of family 'family_a', to which a belongs"):
        embed(training, checkpoint, training.folder / "a", tmp_path / "seen")

    spectra = load_set(training.folder / "a")
    content = spectra.metadata.to_json() | {"dataset_id": "renamed", "family": "elsewhere"}
    renamed = type(spectra)(
        type(spectra.metadata).from_json(content),
        spectra.intensities,
        spectra.wavelengths,
        spectra.sample_id,
        spectra.specimen,
        spectra.reference,
    )
    save_set(tmp_path / "renamed", renamed)
    save_array(tmp_path / "renamed" / "baseline_asls.npy", np.zeros_like(spectra.intensities))
    with pytest.raises(BadInputError, match="no spectra of renamed, found they are in a"):
        embed(training, checkpoint, tmp_path / "renamed", tmp_path / "out")
    assert not (tmp_path / "out" / "index.json").exists()
    record = load_json(checkpoint.with_suffix(".json"))
    refuse_seen(checkpoint, record, renamed.metadata, spectra.intensities + 1)


def test_a_training_on_synthetic_spectra_alone_lists_no_real_ones(training, tmp_path):
    corpus = tmp_path / "corpus.safetensors"
    settings = json.dumps({"n_sets": 3, "n_specimens": 12, "shards": 1, "asls": ASLS})
    synthetic_corpus.main(["--settings", settings, "--seed", "5", "--shard", "0", "--out", str(corpus)])
    only = train(training, "fsnl", "only", ["a", "b"], ["family_c"], 1.0, corpus)
    record = load_json(only.with_suffix(".json"))
    assert {entry["family"] for entry in record["data"]} == {"synthetic_corpus"}
    assert set(record["monitored"]) == {"a", "b"}
    mixed = train(training, "fsnl", "mixed", ["a", "b"], ["family_c"], 0.5, corpus)
    families = {entry["family"] for entry in load_json(mixed.with_suffix(".json"))["data"]}
    assert families == {"synthetic_corpus", "family_a", "family_b"}
    # Real spectra have no part in the weights.
    other = load_file(train(training, "fsnl", "only_c", ["c"], ["family_a"], 1.0, corpus))
    assert all(torch.equal(tensor, other[name]) for name, tensor in load_file(only).items())


def test_sets_that_cannot_be_drawn_are_no_part_of_a_corpus():
    real, synthetic = ["r1", "r2"], ["s1"]
    assert drawn_sets(real, synthetic, 0.0) == real
    assert drawn_sets(real, synthetic, 0.35) == real + synthetic
    assert drawn_sets(real, synthetic, 1.0) == synthetic
    assert drawn_sets(real, [], 1.0) == real
    assert drawn_sets([], synthetic, 0.0) == synthetic
