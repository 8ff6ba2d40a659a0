"""Stage fetch_dataset: the record that it leaves, and when it fails instead."""

import hashlib
import json
from pathlib import Path

import pytest
import requests
import yaml

from etalon.errors import BadInputError
from etalon.stages.fetch_dataset import main

BODY = b"1000,1010\n0.1,0.2\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Return a catalogue with one dataset of one file."""
    file = {
        "path": "apples/apples.csv",
        "url": "https://example.org/apples.csv",
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "bytes": len(BODY),
    }
    entry = {
        "id": "apples",
        "family": "apples",
        "title": "Apples",
        "product": "fruit (apple)",
        "modality": "nir",
        "representation": "absorbance",
        "reader": "delimited",
        "options": {"parts": [{"spectra": "apples"}]},
        "files": [file],
        "axis": {"unit": "nm"},
        "expect": {"n_samples": 1, "n_channels": 2},
        "licence": "CC0",
        "weights": {"use": True, "reason": "CC0."},
        "citation": "Nobody (2020)",
    }
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump({"datasets": [entry]}))
    return path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address is out of reach, as on a node of a cluster."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise requests.ConnectionError("no route to host")

    monkeypatch.setattr(requests, "get", refuse)
    monkeypatch.delenv("ETALON_MIRROR", raising=False)


def fetch(catalogue: Path, dataset: str = "apples", mirror: Path | None = None) -> dict:
    folder = catalogue.parent
    out = folder / "raw" / "status" / f"{dataset}.json"
    options = ["--catalogue", catalogue, "--dataset", dataset, "--raw", folder / "raw", "--out", out]
    if mirror is not None:
        options += ["--mirror", mirror]
    main([str(option) for option in options])
    return json.loads(out.read_text())


def mirrored(folder: Path, content: bytes) -> Path:
    (folder / "mirror" / "apples").mkdir(parents=True)
    (folder / "mirror" / "apples" / "apples.csv").write_bytes(content)
    return folder / "mirror"


def test_a_dataset_that_is_there_is_available(catalogue):
    status = fetch(catalogue, mirror=mirrored(catalogue.parent, BODY))
    assert status == {"dataset": "apples", "available": True, "reason": None}


def test_the_environment_names_a_mirror_too(catalogue, monkeypatch):
    monkeypatch.setenv("ETALON_MIRROR", str(mirrored(catalogue.parent, BODY)))
    assert fetch(catalogue)["available"]


def test_a_dataset_out_of_reach_is_recorded_with_a_reason_of_one_line(catalogue):
    status = fetch(catalogue)
    assert (status["dataset"], status["available"]) == ("apples", False)
    assert "example.org" in status["reason"]
    assert "`etalon datasets fetch apples`" in status["reason"]
    assert "\n" not in status["reason"]


def test_a_wrong_checksum_fails_and_leaves_no_record(catalogue):
    with pytest.raises(BadInputError, match="sha256"):
        fetch(catalogue, mirror=mirrored(catalogue.parent, BODY[:-1]))
    assert not (catalogue.parent / "raw" / "status" / "apples.json").exists()


def test_an_unknown_dataset_fails(catalogue):
    with pytest.raises(BadInputError, match="pears"):
        fetch(catalogue, "pears")
