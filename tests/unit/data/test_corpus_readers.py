"""Readers of public corpora, on small files of the same formats: what a user with a network would add."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.constants import Boltzmann, Planck, speed_of_light

from entries import plain_entry
from etalon.catalogue import Axis, Expect, FileSource, load_catalogue
from etalon.contracts import SpectraSet
from etalon.data.readers.computed_lines import broadened, raman_intensity
from etalon.errors import BadInputError

CORPUS = plain_entry(id="corpus", product="pure substances", modality="mir", axis=Axis("cm-1"), expect=Expect(2, 5))
PARTS = {"parts": [{"spectra": "spectra"}]}
GRID = {"first": 1000.0, "last": 1200.0, "step": 50.0}
WAVENUMBERS = np.arange(1000.0, 1201.0, 50.0)


def read(reader: str, options: dict, files: list[Path], **changes) -> SpectraSet:
    sources = tuple(FileSource(f"corpus/{file.name}", "https://example.org", "0" * 64, 1) for file in files)
    entry = dataclasses.replace(CORPUS, reader=reader, options=PARTS | options, files=sources, **changes)
    module = importlib.import_module(f"etalon.data.readers.{reader}")
    return module.read(entry, {source.path: file for source, file in zip(sources, files, strict=True)}, seed=0)


def jdx(file: Path, axis: np.ndarray, values: np.ndarray, xunits: str, yunits: str, title: str) -> Path:
    """As NIST writes it: evenly spaced points, several to a line behind the position of the first."""
    factor = 1e-6
    header = {
        "TITLE": title,
        "JCAMP-DX": "4.24",
        "DATA TYPE": "INFRARED SPECTRUM",
        "CAS REGISTRY NO": "64-17-5",
        "STATE": "gas",
        "XUNITS": xunits,
        "YUNITS": yunits,
        "XFACTOR": 1.0,
        "YFACTOR": factor,
        "DELTAX": float(axis[1] - axis[0]),
        "FIRSTX": float(axis[0]),
        "LASTX": float(axis[-1]),
        "NPOINTS": len(axis),
        "XYDATA": "(X++(Y..Y))",
    }
    lines = [f"##{name}={value}" for name, value in header.items()]
    counts = np.rint(values / factor).astype(int)
    lines += [f"{axis[i]:.6f} {' '.join(map(str, counts[i : i + 5]))}" for i in range(0, len(axis), 5)]
    file.write_text("\n".join([*lines, "##END="]) + "\n")
    return file


def test_jcamp_files_in_absorbance_and_in_transmittance_give_one_set(tmp_path):
    axis = np.arange(900.0, 1301.0, 10.0)
    absorbance = 0.2 + 0.001 * (axis - 900.0)
    files = [
        jdx(tmp_path / "a.jdx", axis, absorbance, "1/CM", "ABSORBANCE", "ETHANOL"),
        jdx(tmp_path / "b.jdx", axis, 10.0**-absorbance, "1/CM", "TRANSMITTANCE", "ETHANOL"),
        jdx(tmp_path / "c.jdx", axis, 100.0 * 10.0**-absorbance, "1/CM", "% TRANSMITTANCE", "ETHANOL"),
    ]
    spectra = read("jcamp_dx", {"grid": GRID, "specimen": {"columns": ["title"]}}, files, expect=Expect(3, 5))
    np.testing.assert_allclose(spectra.wavelengths, 1e7 / WAVENUMBERS[::-1])
    expected = 0.2 + 0.001 * (WAVENUMBERS[::-1] - 900.0)
    np.testing.assert_allclose(spectra.intensities, np.tile(expected, (3, 1)), atol=1e-5)
    assert set(spectra.specimen) == {"ETHANOL"}


def test_jcamp_wavelengths_in_micrometres_become_wavenumbers(tmp_path):
    micrometres = np.linspace(8.0, 11.0, 61)
    file = jdx(tmp_path / "a.jdx", micrometres, micrometres / 20.0, "MICROMETERS", "ABSORBANCE", "A")
    spectra = read("jcamp_dx", {"grid": GRID}, [file], expect=Expect(1, 5))
    # The values are the wavelengths / 20: what is found must be the wavelength of each channel, 1e7 / cm-1 in nm.
    np.testing.assert_allclose(spectra.intensities[0], spectra.wavelengths / 1000.0 / 20.0, atol=2e-4)


def test_a_jcamp_file_that_was_cut_is_named(tmp_path):
    axis = np.arange(900.0, 1301.0, 10.0)
    file = jdx(tmp_path / "cut.jdx", axis, axis / 2000.0, "1/CM", "ABSORBANCE", "A")
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-4]) + "\n##END=\n")
    with pytest.raises(BadInputError, match=r"cut\.jdx.*41 points"):
        read("jcamp_dx", {"grid": GRID}, [file])


def test_a_jcamp_file_in_another_unit_is_named(tmp_path):
    axis = np.arange(900.0, 1301.0, 10.0)
    file = jdx(tmp_path / "k.jdx", axis, axis, "1/CM", "(micromol/mol)-1m-1 (base 10)", "A")
    with pytest.raises(BadInputError, match=r"k\.jdx: YUNITS.*absorbance.*micromol"):
        read("jcamp_dx", {"grid": GRID}, [file])


def test_a_spectrum_that_does_not_cover_the_grid_is_named(tmp_path):
    axis = np.arange(1050.0, 1301.0, 10.0)
    file = jdx(tmp_path / "short.jdx", axis, axis / 2000.0, "1/CM", "ABSORBANCE", "A")
    with pytest.raises(BadInputError, match=r"short\.jdx.*1000 to 1200"):
        read("jcamp_dx", {"grid": GRID}, [file])


def rruff(file: Path, name: str, number: str, axis: np.ndarray, values: np.ndarray) -> Path:
    fields = [f"##NAMES={name}", f"##RRUFFID={number}", "##LOCALITY=Unknown", "##URL=rruff.info/" + number]
    points = [f"{x:.4f}, {y:.6f}" for x, y in zip(axis, values, strict=True)]
    file.write_text("\n".join([*fields, *points, "##END=", "", ""]))
    return file


def test_rruff_files_on_different_axes_come_onto_one(tmp_path):
    first, second = np.arange(950.0, 1250.0, 1.3), np.arange(990.0, 1300.0, 2.0)
    name = "{}__{}__Raman__532__0__unoriented__Raman_Data_Processed__1.txt"
    files = [
        rruff(tmp_path / name.format("Quartz", "R040031"), "Quartz", "R040031", first, 2.0 * first),
        rruff(tmp_path / name.format("Calcite", "R040070"), "Calcite", "R040070", second, second),
    ]
    options = {
        "grid": GRID,
        "name_pattern": r"__Raman__(?P<laser>\d+)__",
        "specimen": {"columns": ["rruffid"]},
        "label": {"column": "names"},
    }
    spectra = read("rruff", options, files, modality="raman", representation="counts", label="mineral")
    assert spectra.metadata.axis_unit == "cm-1"
    assert spectra.label.tolist() == ["Calcite", "Quartz"]
    assert spectra.specimen.tolist() == ["R040070", "R040031"]
    np.testing.assert_allclose(spectra.intensities, np.array([[1.0], [2.0]]) * WAVENUMBERS, rtol=1e-6)


def test_a_line_of_a_rruff_file_that_is_no_point_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("##NAMES=Quartz\n1000.0, 1.0\n1001.0 2.0\n##END=\n")
    with pytest.raises(BadInputError, match=r"a\.txt: line 3"):
        read("rruff", {}, [tmp_path / "a.txt"], modality="raman", representation="counts")


GAUSSIAN = """
 Harmonic frequencies (cm**-1), IR intensities (KM/Mole), Raman scattering
 activities (A**4/AMU), depolarization ratios for plane and unpolarized
                      1                      2                      3
                     A1                     A1                     B2
 Frequencies --   1050.0000              1150.0000              3755.9000
 Red. masses --      1.0825                 1.0453                 1.0812
 IR Inten    --     {0}                {1}                  30.0000
 Raman Activ --     {1}                {0}                  20.0000
"""


def test_areas_of_computed_lines_are_their_strengths():
    axis = np.arange(-40_000.0, 44_000.0, 1.0)
    spectrum = broadened(axis, np.array([1050.0, 1150.0]), np.array([3.0, 5.0]), fwhm=10.0)
    assert np.trapezoid(spectrum, axis) == pytest.approx(8.0, rel=1e-3)
    alone = broadened(axis, np.array([1050.0]), np.array([3.0]), fwhm=10.0)
    half = axis[alone >= alone.max() / 2]
    assert np.ptp(half) == pytest.approx(10.0)


def test_raman_intensities_follow_the_fourth_power_and_the_thermal_population():
    shifts = np.array([200.0, 1000.0, 3000.0])
    found = raman_intensity(shifts, np.ones(3), laser_nm=785.0, temperature_k=300.0)

    def independent(shift: float) -> float:
        population = 1.0 / (1.0 - np.exp(-Planck * speed_of_light * 100 * shift / (Boltzmann * 300.0)))
        return (1e7 / 785.0 - shift) ** 4 * population / shift

    assert found == pytest.approx([independent(s) / independent(1000.0) for s in shifts], rel=1e-12)


@pytest.mark.parametrize(("modality", "strongest"), [("mir", 1050.0), ("raman", 1150.0)])
def test_computed_lines_make_infrared_or_raman_spectra(tmp_path, modality, strongest):
    (tmp_path / "mol_1.log").write_text(GAUSSIAN.format("80.0000", "2.0000"))
    (tmp_path / "mol_2.log").write_text(GAUSSIAN.format("80.0000", "2.0000"))
    options = {
        "name_pattern": r"mol_(?P<molecule>\d+)",
        "grid": {"first": 1000.0, "last": 1200.0, "step": 1.0},
        "fwhm": 8.0,
        "scale": 1.0,
        "laser_nm": 532.0,
        "specimen": {"columns": ["molecule"]},
    }
    files = sorted(tmp_path.glob("*.log"))
    spectra = read("computed_lines", options, files, modality=modality, representation="unknown", expect=Expect(2, 201))
    axis = spectra.wavelengths if modality == "raman" else 1e7 / spectra.wavelengths
    assert axis[spectra.intensities[0].argmax()] == pytest.approx(strongest)
    assert spectra.specimen.tolist() == ["1", "2"]


def test_a_calculation_without_raman_activities_is_named(tmp_path):
    text = "\n".join(line for line in GAUSSIAN.format("1.0", "2.0").splitlines() if "Raman Activ" not in line)
    (tmp_path / "mol_1.log").write_text(text)
    options = {"name_pattern": r"mol_(?P<molecule>\d+)", "grid": GRID, "fwhm": 8.0, "laser_nm": 532.0}
    with pytest.raises(BadInputError, match=r"mol_1\.log: Raman Activ.*0 and 3"):
        read("computed_lines", options, [tmp_path / "mol_1.log"], modality="raman", representation="unknown")


def test_a_table_of_broadened_spectra_is_read_from_the_top(tmp_path):
    """As in QM9S: the number of the molecule in a column without a name, then one channel a wavenumber."""
    table = pd.DataFrame(np.arange(15.0).reshape(3, 5), columns=[str(int(v)) for v in WAVENUMBERS])
    table.to_csv(tmp_path / "ir_boraden.csv")
    options = {"rows": 2, "parts": [{"spectra": "ir_boraden"}], "specimen": {"columns": ["column 1"]}}
    spectra = read("delimited", options, [tmp_path / "ir_boraden.csv"], representation="unknown")
    assert spectra.specimen.tolist() == ["0", "1"]
    assert np.array_equal(spectra.intensities[:, ::-1], np.arange(10.0).reshape(2, 5))


def test_the_entries_of_the_documentation_pass_the_schema(tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "reference" / "catalogue.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
    (tmp_path / "manifests").mkdir()
    for name in ("nist_infrared", "rruff_raman", "molecules_computed"):
        row = f"{name}/a.txt\thttps://example.org/a.txt\t{'0' * 64}\t10"
        (tmp_path / "manifests" / f"{name}.tsv").write_text(f"path\turl\tsha256\tbytes\n{row}\n")
    (tmp_path / "datasets.yaml").write_text("datasets:\n" + "".join(blocks))
    found = load_catalogue(tmp_path / "datasets.yaml")
    assert {entry.reader for entry in found.values()} == {"delimited", "jcamp_dx", "rruff", "computed_lines"}
