"""What a user sees: exit status, one line an error, and nothing half-written."""

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from etalon import storage
from etalon.storage import load_set

TABLE = "sample,protein,note,1100,1102,1104\na,12.5,x,0.1,0.2,0.3\nb,,x,0.4,0.5,0.6\n"


@pytest.fixture
def run(etalon, tmp_path, monkeypatch):
    """Run `etalon` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return etalon


@pytest.fixture
def import_mine(run):
    Path("mine.csv").write_text(TABLE)

    def import_mine(*arguments, file="mine.csv", dataset_id="mine", unit="nm"):
        return run("import", file, "--id", dataset_id, "--axis-unit", unit, "--target", "protein:%", *arguments)

    return import_mine


# etalon


def test_version(run):
    assert run("--version") == (0, f"etalon {importlib.metadata.version('etalon')}\n", "")


@pytest.mark.parametrize("command", [(), ("import",), ("datasets",), ("datasets", "fetch")], ids=" ".join)
def test_help_shows_examples_or_commands(run, command):
    status, out, _ = run(*command, "--help")
    assert status == 0
    assert out.startswith("Usage: etalon")


@pytest.mark.parametrize(
    "arguments", [("imprt",), ("import",), ("import", "a.csv"), ("import", "a.csv", "--id", "a", "--axis", "nm")]
)
def test_a_wrong_command_line_is_status_2(run, arguments):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "Traceback" not in err


def test_help_needs_no_numerical_library():
    """It shall come at once; importing pandas alone takes half a second."""
    heavy = {"numpy", "pandas", "scipy", "sklearn", "yaml", "rich"}
    code = f"import sys, etalon.cli; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_installed_command_prints_one_line_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "etalon.cli", "import", "none.csv", "--id", "mine", "--axis-unit", "nm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: none.csv: file: expected a table, found no such file\n"
    assert list(tmp_path.iterdir()) == []


# etalon import


def test_import_writes_the_contract_and_says_what_it_understood(import_mine):
    status, out, err = import_mine("--representation", "absorbance", "--family", "cereals")
    assert (status, err) == (0, "")
    spectra = load_set("data/real/mine")
    assert np.array_equal(spectra.intensities, np.float32([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]))
    assert spectra.metadata.family == "cereals"
    said = dict(line.split(maxsplit=1) for line in out.splitlines() if line[:1].strip() and len(line.split()) > 1)
    assert said["samples"] == "2, ids from column A ('sample')"
    assert said["channels"].startswith("3, columns D to F")
    assert said["axis"].startswith("1100 to 1104 nm")
    assert said["targets"].startswith("protein: 12.5 to 12.5 %, 1 of 2 rows")
    assert said["replicates"].startswith("none")
    assert said["intensities"] == "0.1 to 0.6, representation absorbance"
    assert "left out     note\n" in out
    assert out.endswith("written to data/real/mine, plot in data/real/mine/preview.png\n")


def test_the_example_in_the_documentation_prints_what_stands_there(run):
    text = Path(__file__).parents[2].joinpath("docs", "howto", "own-data.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```(csv|sh|text)\n(.*?)^```", text[: text.index("Read these lines")], re.S | re.M))
    Path("mine.csv").write_text(blocks["csv"])
    command = shlex.split(blocks["sh"])
    assert run(*command[1:]) == (0, blocks["text"], "")
    Path("mine.csv").write_text(blocks["csv"].replace("0,405", "O,405"))
    message = re.search(r"^error: .*\n", text, re.M)[0]
    assert run(*command[1:]) == (2, "", message)


def test_import_counts_replicates_classes_and_parts(run):
    rows = "bottle,kind,set,1100,1102,1104\na,x,cal,1,2,3\na,x,cal,1,2,3\nb,y,val,1,2,4\n"
    Path("scans.csv").write_text(rows)
    options = ("--specimen-column", "bottle", "--label-column", "kind", "--split-column", "set")
    status, out, _ = run("import", "scans.csv", "--id", "scans", "--axis-unit", "nm", *options)
    assert status == 0
    assert "3 scans of 2 specimens, from column A ('bottle')" in out
    assert "2 x, 1 y (column 'kind')" in out
    assert "2 cal, 1 val (column C ('set'))" in out
    assert "exact copies of another row's spectrum: 1" in out


DOUBTS = """Probe;Datum (d);fat (%);1100;1102;1104
s1_1;3.5.2024;1,5;0,1;0,2;0,3
s1_2;3.5.2024;1,5;0,1;0,2;0,31
s2_1;3.5.2024;-999;0,1;0,2;0,32
s2_2;3.5.2024;-999;0,1;0,2;0,33
s3_1;3.5.2024;2,5;0;0;0
s3_2;3.5.2024;2,5;0,1;0,2;0,34
"""


def test_import_says_what_it_doubts(run):
    Path("mine.csv").write_text(DOUBTS)
    status, out, _ = run("import", "mine.csv", "--id", "mine", "--axis-unit", "nm", "--no-preview")
    assert status == 0
    for said in (
        "CAREFUL: 's1_1' and 's1_2' look like scans of one (then --scan-separator '_')",
        "no signal    one value in all channels: s3_1",
        "fat: -999 to 2.5 %, 6 of 6 rows (does -999 stand for not measured? then leave the cell empty)",
        "left out     Datum (d) (no numbers, such as '3.5.2024')",
    ):
        assert said in out
    status, out, _ = run(
        "import", "mine.csv", "--id", "b", "--axis-unit", "nm", "--scan-separator", "_", "--no-preview"
    )
    assert "replicates   6 scans of 3 specimens, from the sample ids, such as s1\n" in out


@pytest.mark.parametrize(
    "names", [[f"wheat_{k}" for k in range(6)], ["a_1", "a_2", "b_1", "c_1", "d_1", "e_1"], list("abcdef")]
)
def test_names_that_only_end_in_a_number_raise_no_doubt(run, names):
    rows = "".join(f"{name},{k},1,2,{k}\n" for k, name in enumerate(names))
    Path("mine.csv").write_text(f"sample,fat (%),1100,1102,1104\n{rows}")
    _, out, _ = run("import", "mine.csv", "--id", "mine", "--axis-unit", "nm", "--no-preview")
    assert "every row is a specimen of its own (else --specimen-column)" in out
    assert "does" not in out


def test_spectra_and_laboratory_values_in_two_sheets_of_one_workbook(run):
    book = openpyxl.Workbook()
    book.active.title = "Lab"
    for row in (["sample", "fat (%)"], ["a", 1.5], ["b", 2.5]):
        book.active.append(row)
    sheet = book.create_sheet("Spectra")
    for row in (["sample", 1100, 1102, 1104], ["b", 0.1, 0.2, 0.3], ["a", 0.1, 0.2, 0.4]):
        sheet.append(row)
    book.save("mine.xlsx")
    shared = ("import", "mine.xlsx", "--id", "mine", "--axis-unit", "NM", "--no-preview")
    _, _, err = run(*shared)
    assert err.endswith("found 'sample', 'fat (%)' in sheet 'Lab'; not read: 'Spectra' (--sheet)\n")
    _, _, err = run(*shared, "--sheet", "Spectra", "--references", "mine.xlsx")
    assert err == "error: mine.xlsx: --references-sheet: expected the sheet of laboratory values, found none\n"
    status, out, _ = run(*shared, "--sheet", "Spectra", "--references", "mine.xlsx", "--references-sheet", "Lab")
    assert status == 0
    assert "references from mine.xlsx (sheet 'Lab'; not read: 'Spectra')" in out
    assert load_set("data/real/mine").reference[:, 0].tolist() == [2.5, 1.5]


def test_an_id_in_use_is_kept_unless_told_otherwise(import_mine):
    import_mine()
    before = {path.name: path.read_bytes() for path in Path("data/real/mine").iterdir()}
    Path("mine.csv").write_text(TABLE.replace("0.1", "0.9"))
    status, _, err = import_mine()
    assert status == 2
    assert err == (
        "error: data/real/mine: --id: expected an id that is not in use, or --overwrite, found a dataset of that id\n"
    )
    assert {path.name: path.read_bytes() for path in Path("data/real/mine").iterdir()} == before
    Path("data/real/mine/baseline_asls.npy").write_bytes(b"of the old spectra")
    assert import_mine("--overwrite")[0] == 0
    assert load_set("data/real/mine").intensities[0, 0] == np.float32(0.9)
    assert not Path("data/real/mine/baseline_asls.npy").exists()
    assert [path.name for path in Path("data/real").iterdir()] == ["mine"]


def test_overwrite_replaces_nothing_but_a_dataset(import_mine):
    Path("src").mkdir()
    Path("src/precious.py").write_text("work of years")
    status, _, err = import_mine("--overwrite", "--out", ".", dataset_id="src")
    assert status == 2
    assert "expected a folder with metadata.json to replace" in err
    assert Path("src/precious.py").read_text() == "work of years"


@pytest.mark.parametrize("step", ["save_array", "save_table", "save_json"])
def test_a_full_disk_leaves_nothing_new_and_nothing_lost(import_mine, monkeypatch, step):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, step, fail)
        status, out, err = import_mine()
    assert (status, out, err) == (2, "", "error: file system: No space left on device\n")
    assert not list(Path("data/real").iterdir())
    assert import_mine()[0] == 0
    with monkeypatch.context() as patch:
        patch.setattr(storage, step, fail)
        assert import_mine("--overwrite")[0] == 2
    assert len(load_set("data/real/mine")) == 2
    assert [path.name for path in Path("data/real").iterdir()] == ["mine"]


@pytest.mark.parametrize("dataset_id", ["../x", "a/b", "", ".hidden", "/etc"])
def test_an_id_with_a_path_in_it(import_mine, tmp_path, dataset_id):
    status, _, err = import_mine(dataset_id=dataset_id)
    assert status == 2
    assert err.startswith("error: mine.csv: --id: expected at most 60 small letters")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    assert not tmp_path.parent.joinpath("x").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--modality", "uv"), "error: mine.csv: --modality: expected one of nir, visnir, mir, raman, found 'uv'\n"),
        (
            ("--sheet", "Data"),
            "error: mine.csv: --sheet: expected an Excel workbook (.xlsx, .xlsm), found a text file\n",
        ),
        (
            ("--delimiter", "tab"),
            "error: mine.csv: row 1: expected the columns' names, found one cell, 'sample,protein",
        ),
        (("--label-column", "kind"), "error: mine.csv: --label-column: expected the header of a column"),
        (("--target", "fat:%"), "error: mine.csv: --target: expected the header of a column"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_option_that_does_not_fit(import_mine, tmp_path, arguments, message):
    status, out, err = import_mine(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_a_target_without_unit_says_how_to_give_it(run, tmp_path):
    Path("mine.csv").write_text(TABLE)
    status, _, err = run("import", "mine.csv", "--id", "mine", "--axis-unit", "nm")
    assert status == 2
    assert "column B ('protein'): expected a unit, as in --target 'protein:%'" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(import_mine, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    status, _, err = import_mine("--out", "closed")
    assert (status, err.count("\n")) == (2, 1)
    assert "Permission denied" in err


def test_out_may_not_be_a_file(import_mine):
    status, _, err = import_mine("--out", "mine.csv")
    assert (status, err.count("\n")) == (2, 1)
    assert Path("mine.csv").read_text() == TABLE
