"""What a laboratory's repeats and limits say, from its table to the report of the calibration."""

import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from etalon.storage import load_set

AXIS = np.linspace(1100.0, 2400.0, 40)
BANDS = np.exp(-0.5 * ((AXIS - np.array([[1450.0], [1930.0]])) / 80) ** 2)
RNG = np.random.default_rng(0)
N, TRUE_SEL, LOQ = 30, 0.2, 1.5
SHARES = RNG.uniform(0.0, 1.0, (N, 2))
NAMES = [f"s{i:02d}" for i in range(N)]
DETERMINATIONS = np.round(10 * SHARES[:, :1] + RNG.normal(0, TRUE_SEL, (N, 2)), 2)
BELOW = DETERMINATIONS < LOQ


@pytest.fixture
def run(etalon, tmp_path, monkeypatch):
    """Run `etalon` beside two scans of every sample (decimal commas) and a workbook with two rows of each."""
    monkeypatch.chdir(tmp_path)
    each = np.repeat(SHARES, 2, axis=0)
    spectra = 0.3 + each @ BANDS + RNG.normal(0, 0.002, (2 * N, 40))
    table = pd.DataFrame(spectra, columns=[f"{value:.4f}" for value in AXIS])
    table.insert(0, "sample", [f"{name}_{scan}" for name in NAMES for scan in (1, 2)])
    table.to_csv("spectra.csv", index=False, sep=";", decimal=",")
    workbook = openpyxl.Workbook()
    workbook.active.append(["Probe", "Protein (%)"])
    for k in (0, 1):
        for name, value in zip(NAMES, DETERMINATIONS[:, k], strict=True):
            workbook.active.append([name, "<1,5" if value < LOQ else value])
    workbook.save("lab.xlsx")
    return etalon


def read(run, how, *more):
    found = run(
        *("import", "spectra.csv", "--id", "mine", "--axis-unit", "nm", "--references", "lab.xlsx"),
        *("--scan-separator", "_", "--no-preview", "--average-duplicates", "--beyond-limit", how, *more),
    )
    return found, load_set("data/real/mine")


def test_import_says_counts_and_records_them(run):
    (status, out, err), spectra = read(run, "half")
    assert (status, err) == (0, "")
    (said,) = spectra.metadata.laboratory
    below = BELOW.any(axis=1)
    assert 1 < below.sum() < N / 2
    assert said.below == tuple(
        f"{name}_{scan}" for name, one in zip(NAMES, below, strict=True) if one for scan in (1, 2)
    )
    # Pairs of which both were measured; their references and the single ones are means of two and one.
    pairs = DETERMINATIONS[~below]
    n_measured = (~BELOW).sum(axis=1)
    assert said.sel == pytest.approx(np.sqrt((np.diff(pairs) ** 2).sum() / (2 * len(pairs))))
    assert said.degrees_of_freedom == len(pairs)
    assert said.sel_of_references == pytest.approx(said.sel * np.sqrt(np.mean(1 / n_measured[n_measured > 0])))
    expected = np.where(BELOW, LOQ / 2, DETERMINATIONS).mean(axis=1)
    np.testing.assert_allclose(spectra.reference[:, 0], np.repeat(expected, 2))
    assert f"{2 * below.sum()} of {2 * N} references below a limit, taken as half of it" in out
    assert f"SEL {said.sel:.3g} % for one determination ({len(pairs)} degrees of freedom)" in out
    widest = int(np.argmax(np.ptp(pairs, axis=1)))
    assert f"determinations that differ most: {pairs[widest][0]:g}, {pairs[widest][1]:g} of " in out


def test_the_same_in_json(run):
    (_, out, _), spectra = read(run, "limit", "--json")
    (found,) = json.loads(out)["laboratory"]
    (said,) = spectra.metadata.laboratory
    assert (found["below"], found["above"], found["beyond_limit"]) == (len(said.below), 0, "limit")
    assert found["sel"] == said.sel


def test_the_calibration_shows_them_beside_its_errors(run):
    _, spectra = read(run, "half")
    (said,) = spectra.metadata.laboratory
    arguments = ("calibrate", "mine", "--method", "tuned_pls", "--encoder", "fs", "--folds", 3)
    status, out, _ = run(*arguments, "--json")
    assert status == 0
    found = json.loads(out)["statistics"]["laboratory"]
    assert (found["sel"], found["n_below"], found["n_references"]) == (said.sel, len(said.below), 2 * N)
    # Without the samples whose references were not measured, from the table of all.
    samples = pd.read_csv("models/mine_Protein/samples.csv").fillna({"beyond_limit": ""})
    assert set(samples["sample_id"][samples["beyond_limit"] == "below"]) == set(said.below)
    others = samples[samples["beyond_limit"] == ""]
    assert found["rmsecv_measured"] == pytest.approx(np.sqrt((others["error"] ** 2).mean()), rel=1e-4)
    status, out, _ = run(*arguments, "--overwrite")
    assert f"SEL              {said.sel:.3g} % for one determination" in out
    assert f"{len(said.below)} of {2 * N} references below a limit, taken as half of it; without them RMSECV" in out
    report = Path("models/mine_Protein/report.html").read_text(encoding="utf-8")
    assert f"Standard error of laboratory (SEL): {said.sel:.3g} %" in report
    assert "references below a limit, taken as half of it" in report
    assert "for a value below a limit" in report


def test_a_calibration_without_the_missing_says_so(run):
    _, spectra = read(run, "missing")
    assert np.isnan(spectra.reference[:, 0]).sum() == 2 * BELOW.any(axis=1).sum()
    arguments = ("calibrate", "mine", "--method", "tuned_pls", "--encoder", "fs", "--folds", 3)
    status, out, _ = run(*arguments)
    assert status == 0
    assert (
        f"{len(spectra.metadata.laboratory[0].below)} of {2 * N} references below a limit, taken as not measured\n"
        in out
    )


def test_copied_values_are_no_repeats(run):
    table = pd.DataFrame({"Probe": NAMES * 2, "Fat (%)": np.tile(np.round(SHARES[:, 1], 3), 2)})
    table.to_csv("fat.csv", index=False)
    status, out, _ = run(
        *("import", "spectra.csv", "--id", "fat", "--axis-unit", "nm", "--references", "fat.csv"),
        *("--scan-separator", "_", "--no-preview", "--average-duplicates"),
    )
    assert status == 0
    assert "SEL none: repeats are equal in every sample; copies of one determination?" in out


def test_columns_that_look_like_repeats_are_pointed_out(run):
    rng = np.random.default_rng(2)
    spectra = pd.read_csv("spectra.csv", sep=";", decimal=",").iloc[::2]
    lab = {
        "N 1 (%)": DETERMINATIONS[:, 0],
        "N 2 (%)": DETERMINATIONS[:, 1],
        "N 3 (%)": rng.permutation(DETERMINATIONS[:, 0]),
    }
    arguments = ("import", "two.csv", "--id", "two", "--axis-unit", "nm", "--no-preview", "--overwrite")
    found = {}
    for first, second in (("N 1 (%)", "N 2 (%)"), ("N 1 (%)", "N 3 (%)")):
        table = spectra.assign(**{first: lab[first], second: lab[second]})
        table.to_csv("two.csv", index=False)
        found[second] = run(*arguments)[1]
    said = "'N 1' and 'N 2' look like determinations of one quantity (then --target 'N *:%' --average-duplicates)"
    assert said in found["N 2 (%)"]
    assert "look like determinations" not in found["N 3 (%)"]


def test_asking_for_repeats_where_there_are_none_is_answered(run):
    status, out, _ = run(
        *("import", "spectra.csv", "--id", "plain", "--axis-unit", "nm", "--no-preview", "--no-targets"),
        "--average-duplicates",
    )
    assert status == 0
    assert "repeats      none: no sample has two determinations that were measured" in out


def test_several_tables_are_one_set_and_each_file_is_named(run):
    table = pd.read_csv("spectra.csv", sep=";", decimal=",")
    table.iloc[:20].to_csv("jan.csv", index=False)
    table.iloc[20:].to_csv("feb.csv", index=False, sep=";", decimal=",")
    arguments = ("--id", "year", "--axis-unit", "nm", "--no-preview", "--overwrite", "--no-targets")
    status, out, err = run("import", "jan.csv", "feb.csv", *arguments)
    assert (status, err) == (0, "")
    assert "files        jan.csv (comma, UTF-8, decimal point): 20 rows\n" in out
    assert f"             feb.csv (semicolon, UTF-8, decimal comma): {2 * N - 20} rows\n" in out
    together = load_set("data/real/year")
    run("import", "spectra.csv", *arguments)
    whole = load_set("data/real/year")
    assert np.array_equal(together.intensities, whole.intensities)
    assert together.sample_id.tolist() == whole.sample_id.tolist()
    status, out, err = run("import", "[fj]*.csv", "spectra.csv", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: feb.csv and 2 more: spectra.csv, row 2, column A ('sample'): expected ids that occur")
    assert err.endswith(", found 's00_1', as in jan.csv, row 2\n")
