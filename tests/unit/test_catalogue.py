"""The catalogue: what the shipped one promises, and what a wrong one is told."""

import copy
import dataclasses
from pathlib import Path

import pytest
import yaml

from etalon.catalogue import SCHEMA, Convert, entry_digest, get_entry, load_catalogue
from etalon.contracts import BASES, MODALITIES, REPRESENTATIONS
from etalon.errors import BadInputError

CATALOGUE = Path(__file__).parents[2] / "config" / "datasets.yaml"
ENTRIES = load_catalogue(CATALOGUE)
SHA256 = "0" * 64
VALID = {
    "id": "apples",
    "family": "apples",
    "title": "Apples",
    "product": "fruit (apple)",
    "modality": "nir",
    "representation": "absorbance",
    "reader": "delimited",
    "options": {"parts": [{"spectra": "apples"}]},
    "files": [{"path": "apples/apples.csv", "url": "https://example.org/apples.csv", "sha256": SHA256, "bytes": 10}],
    "axis": {"unit": "nm"},
    "targets": [{"name": "brix", "analyte": "sugar", "unit": "%", "basis": "as_is"}],
    "expect": {"n_samples": 3, "n_channels": 4},
    "licence": "CC BY 4.0",
    "weights": {"use": True, "reason": "CC BY 4.0."},
    "citation": "Nobody (2020)",
}


def write(folder: Path, *entries: dict) -> Path:
    path = folder / "datasets.yaml"
    path.write_text(yaml.safe_dump({"datasets": list(entries)}))
    return path


def changed(**changes) -> dict:
    """Return the valid entry with keys replaced; a dotted key reaches inside, None takes the key away."""
    entry = copy.deepcopy(VALID)
    for key, value in changes.items():
        place, *rest = key.split("__")
        inside = entry
        while rest:
            inside = inside[int(place) if place.isdigit() else place]
            place, *rest = rest
        if value is None:
            del inside[place]
        else:
            inside[place] = value
    return entry


def refused(path: Path) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        load_catalogue(path)
    assert "\n" not in str(caught.value)
    return caught.value


def test_an_entry_becomes_typed_and_blanks_are_unknown(tmp_path):
    (entry,) = load_catalogue(write(tmp_path, VALID)).values()
    assert entry.files[0].path == "apples/apples.csv"
    assert (entry.instrument, entry.mode, entry.overlaps, entry.paired_with) == ("UNKNOWN", "UNKNOWN", None, ())
    assert entry.targets[0].column == "brix"
    assert entry.targets[0].convert == Convert(0.0, 1.0)
    assert entry.weights is True
    assert entry.synthetic is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": "red"}, "apples: colour"),
        ({"targets__0__sort": "x"}, "apples: targets.0.sort"),
        ({"axis__units": "nm"}, "apples: axis.units"),
        ({"options__seperator": ";"}, "apples: options.seperator"),
        ({"options__sheets": ["a"]}, "apples: options.sheets"),  # an option of another reader
        ({"options__parts": None}, "apples: options.parts"),
        ({"options__laboratory": {"table": "wet", "key": "apple"}}, "apples: options"),
        ({"id": "../apples"}, "../apples: id"),
        ({"id": "apples/golden"}, "apples/golden: id"),
        ({"family": "Apples"}, "apples: family"),
        ({"files__0__path": "../apples.csv"}, "apples: files.0.path"),
        ({"files__0__path": "/etc/passwd"}, "apples: files.0.path"),
        ({"files__0__path": "a/../../b"}, "apples: files.0.path"),
        ({"files__0__path": "a\\..\\b"}, "apples: files.0.path"),
        ({"files__0__path": "a/./b"}, "apples: files.0.path"),
        ({"files__0__sha256": "0" * 63}, "apples: files.0.sha256"),
        ({"files__0__sha256": None}, "apples: files.0.sha256"),
        ({"files__0__url": "http://example.org/apples.csv"}, "apples: files.0.url"),
        ({"files__0__url": "file:///etc/passwd"}, "apples: files.0.url"),
        ({"manifest": "../manifest.tsv"}, "apples: manifest"),
        ({"targets__0__unit": None}, "apples: targets.0.unit"),
        ({"targets__0__unit": "percent"}, "apples: targets.0.unit"),
        ({"targets__0__analyte": "sweetness"}, "apples: targets.0.analyte"),
        ({"targets__0__basis": "wet"}, "apples: targets.0.basis"),
        ({"representation": "absorbence"}, "apples: representation"),
        ({"reader": "os"}, "apples: reader"),
        ({"weights": True}, "apples: weights"),
        ({"weights__reason": None}, "apples: weights.reason"),
        ({"published_split": {"train": ["a"]}}, "apples: published_split"),
        ({"expect__n_samples": 0}, "apples: expect.n_samples"),
        ({"overlaps": "pears"}, "apples: overlaps"),
        ({"overlaps": "apples"}, "apples: overlaps"),
        ({"paired_with": ["pears"]}, "apples: paired_with"),
    ],
)
def test_a_wrong_entry_gives_one_line_that_names_file_entry_and_key(tmp_path, changes, field):
    path = write(tmp_path, changed(**changes))
    error = refused(path)
    assert (error.where, error.field) == (str(path), field)


def test_an_unknown_key_is_told_the_known_ones(tmp_path):
    error = refused(write(tmp_path, changed(options__seperator=";")))
    assert "separator" in error.expected
    assert "parts" in error.expected


def test_ids_occur_once(tmp_path):
    assert refused(write(tmp_path, VALID, VALID)).field == "apples: id"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("datasets: ]", "line 1"),
        ("- id: apples", "file"),
        ("datasets: []\nmore: 1", "file"),
        ("datasets: {apples: {}}", "file"),
        ("datasets: [apples]", "entry 1: entry"),
        ("datasets:\n- id: apples\n  axis: {unit: nm, unit: cm-1}", "line 3"),
    ],
)
def test_a_file_that_is_no_catalogue_is_told_so(tmp_path, text, field):
    path = tmp_path / "datasets.yaml"
    path.write_text(text)
    assert refused(path).field == field


def test_loading_executes_nothing(tmp_path):
    witness = tmp_path / "witness"
    path = tmp_path / "datasets.yaml"
    path.write_text(
        f"datasets: [!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{witness}]]]"
    )
    refused(path)
    assert not witness.exists()


def test_no_such_file(tmp_path):
    assert refused(tmp_path / "datasets.yaml").found == "no such file"


def test_a_manifest_lists_further_files(tmp_path):
    path = write(tmp_path, changed(files=None, manifest="manifests/apples.tsv"))
    manifest = tmp_path / "manifests" / "apples.tsv"
    assert refused(path).where == str(manifest)
    manifest.parent.mkdir()
    rows = ["path\turl\tsha256\tbytes", f"a b.txt\thttps://example.org/a\t{SHA256}\t12"]
    manifest.write_text("\n".join(rows))
    (file,) = load_catalogue(path)["apples"].files
    assert (file.path, file.bytes) == ("a b.txt", 12)
    manifest.write_text("\n".join([*rows, f"../b.txt\thttps://example.org/b\t{SHA256}\t12"]))
    assert (refused(path).where, refused(path).field) == (str(manifest), "line 3: path")
    manifest.write_text("\n".join([*rows, f"b.txt\thttps://example.org/b\t{SHA256}\tmany"]))
    assert refused(path).field == "line 3: bytes"
    manifest.write_text("name\turl\n")
    assert refused(path).field == "header"


def test_an_unknown_dataset_is_told_the_nearest_ones():
    with pytest.raises(BadInputError, match=r"such as .*corn_m5"):
        get_entry(CATALOGUE, "corn_m6")


def test_the_digest_follows_what_decides_the_data_and_nothing_else(tmp_path):
    (entry,) = load_catalogue(write(tmp_path, VALID)).values()
    digest = entry_digest(entry)
    elsewhere = (dataclasses.replace(entry.files[0], url="https://example.org/elsewhere.csv"),)
    for same in (
        {"title": "Pommes"},
        {"citation": "Somebody (2021)"},
        {"caveats": "none"},
        {"weights_reason": "permitted"},
        {"files": elsewhere},
    ):
        assert entry_digest(dataclasses.replace(entry, **same)) == digest
    rotten = (dataclasses.replace(entry.files[0], sha256="1" * 64),)
    halved = (dataclasses.replace(entry.targets[0], convert=Convert(0.0, 0.5)),)
    for other in (
        {"options": {"parts": [{"spectra": "apples", "name": "train"}]}},
        {"files": rotten},
        {"targets": halved},
        {"family": "fruit"},
        {"representation": "reflectance"},
        {"weights": False},
        {"axis": dataclasses.replace(entry.axis, unit="cm-1")},
    ):
        assert entry_digest(dataclasses.replace(entry, **other)) != digest


def test_the_schema_and_the_contract_share_their_vocabularies():
    schema = yaml.safe_load(SCHEMA.read_text())
    assert set(schema["properties"]["representation"]["enum"]) == set(REPRESENTATIONS)
    assert set(schema["properties"]["modality"]["enum"]) == set(MODALITIES)
    assert set(schema["$defs"]["target"]["properties"]["basis"]["enum"]) == set(BASES)


def test_every_field_of_the_schema_is_described():
    schema = yaml.safe_load(SCHEMA.read_text())

    def check(node: dict, name: str) -> None:
        for key, value in node.get("properties", {}).items():
            target = schema["$defs"].get(str(value.get("$ref", "")).rpartition("/")[2], {})
            assert value.get("description") or target.get("description"), f"{name}.{key}"
            check(value, f"{name}.{key}")

    check(schema, "entry")
    for name, node in schema["$defs"].items():
        check(node, name)


def test_every_word_of_the_vocabularies_is_used():
    schema = yaml.safe_load(SCHEMA.read_text())
    targets = [target for entry in ENTRIES.values() for target in entry.targets]
    assert set(schema["$defs"]["analyte"]["enum"]) == {t.analyte for t in targets}
    assert set(schema["$defs"]["unit"]["enum"]) == {t.unit for t in targets}


def test_pairs_are_mutual_and_one_family():
    for entry in ENTRIES.values():
        for other in entry.paired_with:
            assert entry.id in ENTRIES[other].paired_with
            assert entry.family == ENTRIES[other].family


def test_what_overlaps_is_one_family_and_the_one_that_stands_for_it_overlaps_nothing():
    overlaps = {entry.id: entry.overlaps for entry in ENTRIES.values() if entry.overlaps}
    assert {"meat_tecator_215", "soil_geeves_dry", "cassava_c16_mashed66", "coffee_mir_chemotools"} <= set(overlaps)
    for entry, other in overlaps.items():
        assert ENTRIES[other].overlaps is None
        assert ENTRIES[entry].family == ENTRIES[other].family


def test_labels_and_published_splits_are_read_from_somewhere():
    for entry in ENTRIES.values():
        if not entry.synthetic:
            assert (entry.label is None) == ("label" not in entry.options), entry.id
            assert entry.published_split is None or "split" in entry.options, entry.id


def test_weights_are_never_trained_on_non_commercial_or_unlicensed_data():
    for entry in ENTRIES.values():
        if "BY-NC" in entry.licence or entry.licence.startswith("Not stated"):
            assert not entry.weights, entry.id
        if entry.weights:
            allowed = ("CC BY", "Public domain", "Free to analyse and redistribute", "generated by Etalon")
            assert any(words in entry.licence for words in allowed), entry.id


def test_entries_that_read_one_file_agree_on_its_checksum():
    checksums: dict[str, set[str]] = {}
    for entry in ENTRIES.values():
        for file in entry.files:
            checksums.setdefault(file.path, set()).add(file.sha256)
    assert not {path for path, found in checksums.items() if len(found) > 1}


def test_only_installed_and_generated_data_has_no_files():
    assert {entry.reader for entry in ENTRIES.values() if not entry.files} == {
        "chemotools",
        "synthetic",
        "synthetic_soil",
    }
