"""`etalon datasets` on a small catalogue: what it lists, gets, forgets and finds wrong."""

import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from etalon.catalogue import load_catalogue
from etalon.cli import main
from etalon.storage import load_json, load_set, save_array, save_json, save_set, save_unavailable

TABLE = "fat,1100,1102,1104\n1,0.1,0.2,0.3\n2,0.4,0.5,0.6\n3,0.7,0.8,0.8\n"
NOWHERE = "https://127.0.0.1:1"  # no server listens on this port


def entry(name: str, family: str) -> dict:
    return {
        "id": name,
        "family": family,
        "title": name.title(),
        "product": "milk",
        "modality": "nir",
        "representation": "absorbance",
        "reader": "delimited",
        "options": {"parts": [{"spectra": name}]},
        "files": [
            {
                "path": f"raw/{name}.csv",
                "url": f"{NOWHERE}/{name}.csv",
                "sha256": hashlib.sha256(TABLE.encode()).hexdigest(),
                "bytes": len(TABLE),
            }
        ],
        "axis": {"unit": "nm"},
        "targets": [{"name": "fat", "analyte": "fat", "unit": "%", "basis": "unknown"}],
        "expect": {"n_samples": 3, "n_channels": 3},
        "licence": "CC0",
        "weights": {"use": True, "reason": "The data is CC0."},
        "citation": "Nobody",
    }


@pytest.fixture
def run(etalon, tmp_path, monkeypatch):
    """Run `etalon datasets` in a folder with a catalogue of milk_a, milk_b (in the mirror) and cheese (nowhere)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ETALON_MIRROR", raising=False)
    Path("config").mkdir()
    content = {"datasets": [entry("milk_a", "milk"), entry("milk_b", "milk"), entry("cheese", "cheese")]}
    Path("config/datasets.yaml").write_text(yaml.safe_dump(content))
    Path("mirror/raw").mkdir(parents=True)
    for name in ("milk_a", "milk_b"):
        Path(f"mirror/raw/{name}.csv").write_text(TABLE)
    return partial(etalon, "datasets")


def lines(out: str) -> dict[str, tuple[str, str]]:
    """Return outcome and text by dataset."""
    words = [line.split(maxsplit=2) for line in out.splitlines()]
    return {line[0]: (line[1], line[2]) for line in words if len(line) == 3 and not line[0].isdecimal()}


def imported(name: str, data="data"):
    from etalon.data.readers import delimited

    path = f"raw/{name}.csv"
    spectra = delimited.read(load_catalogue()[name], {path: Path("mirror") / path}, seed=0)
    save_set(Path(data) / "real" / name, spectra)
    return Path(data) / "real" / name


# list


def test_list_shows_every_set_with_its_size(run):
    status, out, err = run("list")
    assert (status, err) == (0, "")
    assert out.splitlines()[1].split() == ["milk_a", "milk", "nir", "3", "3", "fat"]
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["milk_a", "milk_b", "cheese"]
    assert out.splitlines()[-1].startswith("3 datasets, 2 families, ")


def test_list_of_one_family(run):
    _, out, _ = run("list", "--family", "cheese")
    assert "cheese" in out
    assert "milk" not in out
    status, _, err = run("list", "--family", "chese")
    assert status == 2
    assert err == "error: config/datasets.yaml: --family: expected one of cheese, milk, found 'chese'\n"


def test_list_as_json_holds_the_whole_entry(run):
    _, out, _ = run("list", "--json", "--family", "milk")
    listed = json.loads(out)
    assert [one["id"] for one in listed] == ["milk_a", "milk_b"]
    assert listed[0]["files"][0]["path"] == "raw/milk_a.csv"
    assert listed[0]["targets"][0]["unit"] == "%"


def test_outside_a_clone_the_missing_catalogue_is_named(run, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    status, _, err = run("list")
    assert status == 2
    assert err == "error: config/datasets.yaml: file: expected a catalogue of datasets, found no such file\n"


def test_an_id_of_the_catalogue_is_not_free_for_own_spectra(run, capsys):
    with pytest.raises(SystemExit) as left:
        main(["import", "mirror/raw/milk_a.csv", "--id", "milk_a", "--axis-unit", "nm", "--target", "fat:%"])
    assert left.value.code == 2
    assert "--id: expected an id that the catalogue does not use, found 'milk_a'" in capsys.readouterr().err
    assert not Path("data").exists()


# fetch


@pytest.mark.parametrize("arguments", [(), ("--all", "milk_a")], ids=["neither", "both"])
def test_fetch_wants_ids_or_all(run, arguments):
    status, _, err = run("fetch", *arguments)
    assert status == 2
    assert "expected ids of datasets, or --all" in err


def test_fetch_of_an_unknown_id_fetches_nothing(run):
    status, out, err = run("fetch", "milk_a", "milk_c", "--mirror", "mirror")
    assert (status, out) == (2, "")
    assert err.startswith("error: config/datasets.yaml: dataset: expected an id of the catalogue, such as milk")
    assert err.endswith("found 'milk_c'\n")


def test_fetch_takes_what_the_mirror_holds_and_reports_the_rest(run):
    status, out, _ = run("fetch", "--all", "--mirror", "mirror")
    assert status == 1
    found = lines(out)
    assert found["milk_a"] == ("ok", "1 raw file, 0.0 MB")
    assert found["cheese"][0] == "absent"
    assert "no complete answer from 127.0.0.1" in found["cheese"][1]
    assert out.endswith("2 ok, 1 absent\n")
    assert not list(Path("data").rglob("*.csv"))  # the mirror is read in place


def test_a_file_with_another_checksum_fails_and_does_not_stop_the_others(run):
    Path("mirror/raw/milk_a.csv").write_text(TABLE.replace("0.1", "0.9"))
    status, out, _ = run("fetch", "milk_a", "milk_b", "--mirror", "mirror")
    assert status == 1
    assert lines(out)["milk_a"][0] == "failed"
    assert "mirror/raw/milk_a.csv: sha256: expected" in lines(out)["milk_a"][1]
    assert lines(out)["milk_b"][0] == "ok"


def test_a_successful_fetch_forgets_that_a_set_could_not_be_had(run):
    status_file = Path("data/raw/status/milk_a.json")
    save_json(status_file, {"dataset": "milk_a", "available": False, "reason": "no answer"})
    save_unavailable("data/real/milk_a", "milk_a", "no answer")
    run("fetch", "milk_a", "--mirror", "mirror")
    assert not status_file.exists()
    assert not Path("data/real/milk_a/metadata.json").exists()


def test_a_failed_fetch_forgets_nothing(run):
    status_file = Path("data/raw/status/cheese.json")
    save_json(status_file, {"dataset": "cheese", "available": False, "reason": "no answer"})
    save_unavailable("data/real/cheese", "cheese", "no answer")
    assert run("fetch", "cheese")[0] == 1
    assert load_json(status_file)["available"] is False
    assert load_json("data/real/cheese/metadata.json")["not_run"] == "no answer"


def test_a_fetch_leaves_an_imported_set_alone(run):
    status_file = Path("data/raw/status/milk_a.json")
    save_json(status_file, {"dataset": "milk_a", "available": True, "reason": None})
    folder = imported("milk_a")
    run("fetch", "milk_a", "--mirror", "mirror")
    assert status_file.exists()
    assert len(load_set(folder)) == 3


# check


def test_check_reads_imported_sets_raw_files_and_your_own(run):
    imported("milk_a")
    own = load_set(imported("milk_b", data="other"))
    save_set("data/real/mine", own.__class__(**{**vars(own), "metadata": rename(own.metadata, "mine")}))
    status, out, _ = run("check", "--mirror", "mirror")
    assert status == 0
    found = lines(out)
    assert found["milk_a"] == ("ok", "3 x 3, 1100 to 1104 nm, 1 target; data/real/milk_a")
    assert found["milk_b"] == ("ok", "3 x 3, 1100 to 1104 nm, 1 target; raw files")
    assert found["cheese"] == ("absent", "neither imported nor fetched: 1 of 1 raw files missing")
    assert found["mine"] == ("ok", "3 x 3, 1100 to 1104 nm, 1 target; data/real/mine, not in the catalogue")


def rename(metadata, name):
    return metadata.from_json({**metadata.to_json(), "dataset_id": name})


def test_an_absent_set_fails_only_where_it_was_named(run):
    assert run("check")[0] == 0
    assert run("check", "cheese")[0] == 1
    save_unavailable("data/real/cheese", "cheese", "the server answered 404")
    status, out, _ = run("check", "cheese")
    assert (status, lines(out)["cheese"]) == (1, ("absent", "the server answered 404"))


def test_check_of_an_unknown_id(run):
    status, out, err = run("check", "milk_a", "mine")
    assert (status, out) == (2, "")
    assert "found 'mine'" in err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: save_array(folder / "spectra.npy", np.full((3, 3), np.nan)), "expected finite intensities"),
        (lambda folder: save_array(folder / "wavelengths.npy", np.arange(4.0)), "wavelengths"),
        (lambda folder: (folder / "samples.parquet").unlink(), "samples.parquet: file: expected a table of samples"),
        (lambda folder: (folder / "spectra.npy").write_bytes(b"no array"), "spectra.npy: file"),
        (lambda folder: edit(folder, representation="reflectance"), "representation: expected 'absorbance'"),
        (lambda folder: edit(folder, licence="MIT"), "licence: expected 'CC0', as in the catalogue, found 'MIT'"),
        (lambda folder: edit(folder, licence=5, lamda=1), "lamda"),
    ],
    ids=["NaN", "axis", "no samples", "no array", "other representation", "other licence", "unknown key"],
)
def test_a_damaged_or_outdated_set_fails_and_does_not_stop_the_others(run, damage, message):
    damage(imported("milk_a"))
    status, out, _ = run("check", "milk_a", "milk_b", "--mirror", "mirror")
    assert status == 1
    outcome, text = lines(out)["milk_a"]
    assert outcome == "failed"
    assert message in text
    assert lines(out)["milk_b"][0] == "ok"
    assert out.endswith("1 failed, 1 ok\n")


def edit(folder: Path, **changes) -> None:
    save_json(folder / "metadata.json", {**load_json(folder / "metadata.json"), **changes})


def test_a_set_of_another_size_than_the_catalogue_says(run):
    content = yaml.safe_load(Path("config/datasets.yaml").read_text())
    content["datasets"][0]["expect"]["n_samples"] = 4
    folder = imported("milk_a")
    Path("config/datasets.yaml").write_text(yaml.safe_dump(content))
    status, out, _ = run("check", "milk_a")
    assert (status, lines(out)["milk_a"]) == (1, ("failed", f"{folder}: spectra: expected 4 x 3, found 3 x 3"))


def test_an_own_set_that_was_moved(run):
    imported("milk_a").rename("data/real/mine")
    status, out, _ = run("check", "mine")
    assert status == 1
    assert "dataset_id: expected mine, found milk_a" in lines(out)["mine"][1]
