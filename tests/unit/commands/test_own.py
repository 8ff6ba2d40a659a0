"""From a file to an answer, as it is typed: import, calibrate, predict, embed, transfer, doctor."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

AXIS = np.linspace(1100.0, 2400.0, 40)
BANDS = np.exp(-0.5 * ((AXIS - np.array([[1450.0], [1930.0]])) / 80) ** 2)
RNG = np.random.default_rng(0)
SHARES = RNG.uniform(0.1, 1.0, (24, 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("own")


@pytest.fixture
def run(etalon, folder, monkeypatch):
    """Run `etalon` in the folder of this module."""
    monkeypatch.chdir(folder)
    return etalon


def table(gain: float = 1.0, offset: float = 0.0, protein: bool = True) -> pd.DataFrame:
    spectra = gain * (0.3 + SHARES @ BANDS) + offset + RNG.normal(0, 0.002, (24, 40))
    values = pd.DataFrame(spectra, columns=[f"{value:.4f}" for value in AXIS])
    values.insert(0, "sample", [f"s{i}" for i in range(24)])
    if protein:
        values.insert(1, "protein (%)", 10 * SHARES[:, 0])
    return values


@pytest.fixture
def calibrated(run, folder):
    """A model, made once."""
    if not (folder / "models/mine_protein/model.json").exists():
        table().to_csv("mine.csv", index=False)
        table(1.3, 0.1).to_csv("other.csv", index=False)
        table(protein=False).head(5).to_csv("new.csv", index=False)
        for name in ("mine", "other"):
            assert run("import", f"{name}.csv", "--id", name, "--axis-unit", "nm")[0] == 0
        status, out, err = run("calibrate", "mine", "--analyte", "protein", "--encoder", "fs", "--folds", 3)
        assert (status, err) == (0, "")
        assert out.endswith("model, report.html and samples.csv in models/mine_protein\n")
    return folder / "models/mine_protein"


def test_calibrate_writes_a_model_a_report_and_a_table(calibrated):
    assert {path.name for path in calibrated.iterdir()} == {
        *("model.json", "model.safetensors", "report.html", "samples.csv")
    }
    samples = pd.read_csv(calibrated / "samples.csv")
    assert len(samples) == 24
    np.testing.assert_allclose(samples["error"], samples["predicted"] - samples["reference"], atol=1e-4)


def test_calibrate_does_not_overwrite_unless_told(run, calibrated):
    status, out, err = run("calibrate", "mine")
    assert (status, out) == (2, "")
    assert err.startswith("error: models/mine_protein: --out: expected a folder that does not exist, or --overwrite")
    status, out, _ = run("calibrate", "mine", "--method", "tuned_pls", "--encoder", "fs", "--json", "--out", "models/b")
    assert status == 0
    found = json.loads(out)
    assert (found["method"], found["why"], found["n_calibration"]) == ("tuned_pls", "It was asked for.", 24)


def test_predict_prints_a_table_or_writes_one(run, calibrated):
    status, out, err = run("predict", calibrated, "new.csv")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "sample_id,prediction,lower,upper,t2,q,unlike,beyond"
    assert len(lines) == 6
    assert err.startswith("5 predictions of protein (%)")
    predicted = [float(line.split(",")[1]) for line in lines[1:]]
    np.testing.assert_allclose(predicted, 10 * SHARES[:5, 0], atol=0.5)
    status, out, _ = run("predict", calibrated, "new.csv", "--out", "today.parquet")
    assert out.startswith("5 predictions of protein (%) in today.parquet")
    np.testing.assert_allclose(pd.read_parquet("today.parquet")["prediction"], predicted, atol=1e-4)


def test_predict_takes_wavenumbers_and_datasets(run, calibrated):
    frame = table(protein=False).head(3)
    frame.columns = ["sample", *(f"{1e7 / value:.6f}" for value in AXIS)]
    frame.to_csv("wavenumbers.csv", index=False)
    status, out, _ = run("predict", calibrated, "wavenumbers.csv", "--json")
    found = json.loads(out)
    assert status == 0
    np.testing.assert_allclose([row["prediction"] for row in found["predictions"]], 10 * SHARES[:3, 0], atol=0.5)
    assert run("predict", calibrated, "mine")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "nowhere", "new.csv"), "error: nowhere/model.json: file: expected a model"),
        (("predict", "{model}", "nothing"), "error: data: DATASET: expected the id of an imported dataset"),
        (
            ("predict", "{model}", "new.csv", "--out", "a.txt"),
            "error: command line: --out: expected a file that ends in",
        ),
        (("calibrate", "mine", "--analyte", "fat"), "error: mine: --analyte: expected one of protein, found 'fat'"),
        (("calibrate", "mien"), "error: data: DATASET: expected the id of an imported dataset, such as mine"),
        (("embed", "mine", "--out", "z.txt"), "error: command line: --out: expected a file that ends in"),
        (("embed", "mine", "--out", "z.csv", "--encoder", "x"), "error: command line: --encoder: expected shipped, fs"),
        (("transfer", "--from", "mine", "--to", "other", "--method", "x"), "error: command line: --method: expected"),
        (("transfer", "--from", "mine", "--to", "mine"), "error: command line: --to: expected another dataset"),
        (("predict", "{model}/report.html", "new.csv"), "error: {model}/report.html: MODEL: expected the folder"),
        (("embed", "mine", "--out", "z.csv", "--device", "gpu"), "error: device: device: expected auto, cpu, cuda or"),
        (("embed", "mine", "--out", "z.csv", "--encoder", "mine.csv"), "error: mine.csv: --encoder: expected weights"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_line(run, calibrated, arguments, message):
    status, out, err = run(*(str(part).replace("{model}", str(calibrated)) for part in arguments))
    assert (status, out) == (2, "")
    assert err.startswith(message.replace("{model}", str(calibrated)))
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.iloc[:, :20], "axis: expected scans that cover 1100 to 2400"),
        (lambda frame: frame.replace(frame.iloc[1, 3], "n/a"), "row 3, column D ('1166.6667'): expected a finite"),
    ],
)
def test_spectra_that_do_not_fit_are_refused_for_what_is_wrong_with_them(run, calibrated, change, message):
    change(table(protein=False).head(4).astype(object)).to_csv("odd.csv", index=False)
    for unit in ((), ("--axis-unit", "nm")):
        status, out, err = run("predict", calibrated, "odd.csv", *unit)
        assert (status, out) == (2, "")
        assert err.startswith(f"error: odd.csv: {message}")


def test_transfer_says_before_its_work_that_the_spectra_would_replace_others(run, calibrated, folder, monkeypatch):
    monkeypatch.setattr("etalon.applied.transfer.compare", lambda *arguments: pytest.fail("it has begun"))
    (folder / "data/real/new_as_mine").mkdir(exist_ok=True)
    table(protein=False).to_csv("new_all.csv", index=False)
    assert run("import", "new_all.csv", "--id", "new", "--axis-unit", "nm", "--overwrite")[0] == 0
    status, _, err = run("transfer", "--from", "mine", "--to", "new", "--out", "models/elsewhere")
    assert status == 2
    assert err.startswith("error: data/real/new_as_mine: --to: expected no dataset of that id")


@pytest.mark.parametrize("encoder", ["fs", "shipped"])
def test_embed_writes_a_wide_table(run, calibrated, encoder):
    status, out, _ = run("embed", "mine", "--out", "z.parquet", "--encoder", encoder, "--json")
    assert status == 0
    found, z = json.loads(out), pd.read_parquet("z.parquet")
    assert list(z)[:2] == ["sample_id", "specimen"]
    assert z.shape == (24, 2 + sum(found["blocks"].values()))
    assert run("embed", "mine", "--out", "z.csv", "--encoder", encoder)[0] == 0
    np.testing.assert_allclose(pd.read_csv("z.csv").iloc[:, 2:], z.iloc[:, 2:], rtol=1e-4, atol=1e-5)


def test_transfer_writes_a_model_and_spectra(run, calibrated):
    status, out, _ = run("transfer", "--from", "mine", "--to", "other", "--analyte", "protein", "--json")
    assert status == 0
    found = json.loads(out)
    assert found["transfer_samples"] == 24
    assert found["methods"][found["recommended"]]["rmse"] < found["methods"]["none"]["rmse"]
    samples = pd.read_csv(Path(found["folder"]) / "samples.csv")
    assert np.sqrt((samples["error"] ** 2).mean()) == pytest.approx(
        found["methods"][found["recommended"]]["rmse"], rel=1e-4
    )
    assert Path(found["report"]).read_text().startswith("<!doctype html>")
    status, out, _ = run("predict", found["folder"], "other")
    assert status == 0
    predicted = [float(line.split(",")[1]) for line in out.splitlines()[1:]]
    np.testing.assert_allclose(predicted, 10 * SHARES[:, 0], atol=1.0)
    assert run("datasets", "check", "--help")[0] == 0
    assert json.loads(Path(found["spectra"], "metadata.json").read_text())["dataset_id"] == "other_as_mine"


def test_doctor_says_what_works(run):
    status, out, _ = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)}
    assert status == (1 if any(check["state"] == "failed" for check in checks.values()) else 0)
    for name in ("python", "packages", "torch", "shipped weights", "fs", "data folder"):
        assert checks[name]["state"] == "ok", checks[name]
    assert checks["catalogue"]["state"] == "absent"  # outside a clone
    assert "258 numbers" in checks["shipped weights"]["text"]


def test_doctor_fails_where_weights_are_missing(run, monkeypatch):
    monkeypatch.setattr("etalon.weights.NAME", "lost")
    status, out, _ = run("doctor")
    assert status == 1
    assert "shipped weights  failed  " in out


def test_doctor_prints_the_model_card(run):
    assert run("doctor", "--card")[1].startswith("# Model card")
