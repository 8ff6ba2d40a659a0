"""The weights that the package carries: what they were shown, and what their card says."""

import json

from safetensors.numpy import load_file

from etalon.catalogue import load_catalogue
from etalon.weights import card, shipped


def record():
    return json.loads(shipped().with_suffix(".json").read_text())


def test_they_are_small_and_finite():
    assert shipped().stat().st_size < 16e6
    assert all(abs(tensor).max() < 1e3 for tensor in load_file(shipped()).values())


def test_they_saw_only_what_may_be_shipped():
    catalogue = load_catalogue()
    families = {entry.family for entry in catalogue.values() if not entry.weights}
    real = [entry for entry in record()["data"] if entry["family"] != "synthetic_corpus"]
    assert len(real) > 20
    for entry in real:
        assert catalogue[entry["dataset"]].weights
        assert entry["family"] not in families
    assert record()["weights_may_be_shipped"]


def test_the_card_names_every_family_and_the_controls():
    text = card()
    assert all(f"| {entry['family']} |" in text for entry in record()["data"] if entry["family"] != "synthetic_corpus")
    for word in ("untrained", "fs, no weights", "## Limits", "BSD-3-Clause"):
        assert word in text
