"""One small dataset in every format that can be written here: every reader finds the same numbers in it."""

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import rdata
from scipy.io import savemat

from entries import plain_entry
from etalon.catalogue import Axis, Expect, FileSource, TargetSpec
from etalon.contracts import SpectraSet
from etalon.errors import BadInputError

RNG = np.random.default_rng(7)
WAVELENGTHS = np.array([1000.0, 1010.5, 1020.0, 1030.0])
SPECTRA = RNG.normal(size=(5, 4)).round(6)
BRIX = np.array([10.5, 11.25, np.nan, 12.0, 9.75])
SORT = ["gala", "gala", "fuji", "fuji", "gala"]
TABLE = pd.DataFrame(SPECTRA, columns=["1000", "1010.5", "1020", "1030"]).assign(brix=BRIX, sort=SORT)
APPLES = plain_entry(targets=(TargetSpec("brix", "brix", "sugar", "%", "as_is"),), label="sort")


def read(reader: str, options: dict, files: list[Path], **changes) -> SpectraSet:
    sources = tuple(FileSource(f"apples/{file.name}", "https://example.org", "0" * 64, 1) for file in files)
    entry = dataclasses.replace(APPLES, reader=reader, options=options, files=sources, **changes)
    module = importlib.import_module(f"etalon.data.readers.{reader}")
    return module.read(entry, {source.path: file for source, file in zip(sources, files, strict=True)}, seed=0)


def delimited(folder: Path) -> SpectraSet:
    TABLE.to_csv(folder / "apples.csv", index=False)
    return read("delimited", {"parts": [{"spectra": "apples"}], "label": {"column": "sort"}}, [folder / "apples.csv"])


def delimited_with_decimal_commas(folder: Path) -> SpectraSet:
    TABLE.to_csv(folder / "apples.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    options = {"separator": ";", "decimal": ",", "parts": [{"spectra": "apples"}], "label": {"column": "sort"}}
    return read("delimited", options, [folder / "apples.csv"])


def excel(folder: Path) -> SpectraSet:
    TABLE.rename(columns={"1000": 1000, "1020": 1020}).to_excel(folder / "apples.xlsx", index=False)
    return read("excel", {"parts": [{"spectra": "apples"}], "label": {"column": "sort"}}, [folder / "apples.xlsx"])


def excel_with_sheets(folder: Path) -> SpectraSet:
    with pd.ExcelWriter(folder / "apples.xlsx") as workbook:
        pd.DataFrame({"note": ["read me"]}).to_excel(workbook, sheet_name="Readme", index=False)
        TABLE[:3].to_excel(workbook, sheet_name="first", index=False)
        TABLE[3:].to_excel(workbook, sheet_name="second", index=False)
    parts = [{"spectra": "first"}, {"spectra": "second"}]
    options = {"sheets": ["first", "second"], "parts": parts, "label": {"column": "sort"}}
    return read("excel", options, [folder / "apples.xlsx"])


def matlab_matrix_with_labels(folder: Path) -> SpectraSet:
    variety = np.array([[1.0 if sort == "gala" else 2.0] for sort in SORT])
    content = {
        "Matrix": np.hstack([BRIX[:, None], variety, SPECTRA]),
        "VarLabels": np.array(["brix ", "kind", "1000.0", "1010.5", "1020.0", "1030.0"]),
        "ObjLabels": np.array([f"{sort} {n}" for n, sort in enumerate(SORT)]),
    }
    savemat(folder / "apples.mat", content)
    spectra = read("matlab", {"parts": [{"spectra": "Matrix"}], "label": {"column": "object"}}, [folder / "apples.mat"])
    return dataclasses.replace(spectra, label=[name.split()[0] for name in spectra.label])


def matlab_dataset_objects(folder: Path) -> SpectraSet:
    def cells(row: object, column: object) -> np.ndarray:
        content = np.empty((2, 2), dtype=object)
        content[:] = ""
        content[0, 0], content[1, 0] = row, column
        return content

    content = {
        "X": {"data": SPECTRA, "axisscale": cells("", WAVELENGTHS), "label": cells(np.array(SORT), "")},
        "Y": {"data": np.column_stack([BRIX, BRIX]), "axisscale": cells("", ""), "label": cells("", ["brix", "twice"])},
    }
    savemat(folder / "apples.mat", content)
    options = {"parts": [{"spectra": "X", "samples": ["X", "Y"]}], "label": {"column": "object"}}
    return read("matlab", options, [folder / "apples.mat"])


def r_data(folder: Path) -> SpectraSet:
    rdata.write_rda(folder / "apples.rda", {"apples": TABLE.astype({"sort": "string[python]"})})
    return read("rdata", {"parts": [{"spectra": "apples"}], "label": {"column": "sort"}}, [folder / "apples.rda"])


def r_data_with_a_matrix_in_a_list(folder: Path) -> SpectraSet:
    content = {"x": SPECTRA, "brix": BRIX, "rest": TABLE[["sort"]].astype("string[python]")}
    rdata.write_rda(folder / "apples.rda", {"apples": content})
    parts = [{"spectra": "apples.x", "samples": ["apples.brix", "apples.rest"]}]
    spectra = read(
        "rdata", {"parts": parts, "label": {"column": "sort"}}, [folder / "apples.rda"], axis=Axis("nm", 1, 4)
    )
    return dataclasses.replace(spectra, wavelengths=WAVELENGTHS)


def jld2(folder: Path) -> SpectraSet:
    """As Julia writes it: a struct of links to data frames, whose names and columns are links again."""
    with h5py.File(folder / "apples.jld2", "w") as file:
        text = h5py.string_dtype()

        def frame(name: str, columns: dict[str, np.ndarray]) -> h5py.Reference:
            links = [file.create_dataset(f"{name}/{column}", data=data).ref for column, data in columns.items()]
            file.create_dataset(f"{name}_columns", data=np.array(links, dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
            file.create_dataset(f"{name}_names", data=np.array(list(columns), dtype=object), dtype=text)
            index = np.zeros((), dtype=[("names", h5py.ref_dtype)])
            index["names"] = file[f"{name}_names"].ref
            file.create_dataset(f"{name}_index", data=index)
            value = np.zeros((), dtype=[("columns", h5py.ref_dtype), ("colindex", h5py.ref_dtype)])
            value["columns"], value["colindex"] = file[f"{name}_columns"].ref, file[f"{name}_index"].ref
            return file.create_dataset(f"{name}_frame", data=value).ref

        dat = np.zeros((), dtype=[("X", h5py.ref_dtype), ("Y", h5py.ref_dtype), ("M", h5py.ref_dtype)])
        dat["X"] = frame("X", {name: TABLE[name].to_numpy() for name in TABLE.columns[:4]})
        dat["Y"] = frame("Y", {"brix": BRIX, "sort": np.array(SORT, dtype=object)})
        dat["M"] = file.create_dataset("matrix", data=SPECTRA.T).ref  # Julia stores columns first
        file.create_dataset("dat", data=dat)
    options = {"parts": [{"spectra": "X", "samples": ["Y"]}], "label": {"column": "sort"}}
    spectra = read("jld2", options, [folder / "apples.jld2"])
    options["parts"] = [{"spectra": "M", "samples": ["Y"]}]
    matrix = read("jld2", options, [folder / "apples.jld2"], axis=Axis("index"))
    assert np.array_equal(matrix.intensities, spectra.intensities)
    assert matrix.wavelengths.tolist() == [1.0, 2.0, 3.0, 4.0]
    return spectra


def arrays(folder: Path) -> SpectraSet:
    files = []
    for sort in ("fuji", "gala"):
        np.save(folder / f"{sort}.npy", SPECTRA[[name == sort for name in SORT]])
        files.append(folder / f"{sort}.npy")
    parts = [{"name": "gala", "spectra": "gala"}, {"name": "fuji", "spectra": "fuji"}]
    options = {"parts": parts, "label": {"column": "part"}}
    spectra = read("npy", options, files, axis=Axis("nm", 1, 4), targets=())
    order = np.argsort(np.argsort([name != "gala" for name in SORT], kind="stable"))
    metadata = dataclasses.replace(spectra.metadata, targets=delimited(folder).metadata.targets)
    return SpectraSet(
        metadata=metadata,
        intensities=spectra.intensities[order],
        wavelengths=WAVELENGTHS,
        sample_id=spectra.sample_id,
        specimen=spectra.specimen,
        reference=BRIX[:, None],
        label=spectra.label[order],
    )


def text_files(folder: Path) -> SpectraSet:
    files = []
    for n, (values, brix, sort) in enumerate(zip(SPECTRA, BRIX, SORT, strict=True)):
        file = folder / f"{n}_{sort}_{brix:g}_scan.txt"
        np.savetxt(file, np.column_stack([WAVELENGTHS, values])[::-1], delimiter=",", fmt="%.8f")
        files.append(file)
    options = {
        "name_pattern": r"^\d+_(?P<sort>[a-z]+)_(?P<brix>[^_]+)_",
        "parts": [{"spectra": "spectra"}],
        "label": {"column": "sort"},
    }
    return read("text_spectra", options, files[::-1])


@pytest.mark.parametrize(
    "written",
    [
        delimited,
        delimited_with_decimal_commas,
        excel,
        excel_with_sheets,
        matlab_matrix_with_labels,
        matlab_dataset_objects,
        r_data,
        r_data_with_a_matrix_in_a_list,
        jld2,
        arrays,
        text_files,
    ],
)
def test_every_reader_finds_what_was_written(written: Callable[[Path], SpectraSet], tmp_path):
    spectra = written(tmp_path)
    assert np.array_equal(spectra.intensities, SPECTRA.astype(np.float32))
    np.testing.assert_allclose(spectra.wavelengths, WAVELENGTHS, rtol=1e-12)
    assert np.array_equal(spectra.reference[:, 0], BRIX, equal_nan=True)
    assert spectra.label.tolist() == SORT


def test_arrays_that_hold_python_objects_are_refused(tmp_path):
    np.save(tmp_path / "apples.npy", np.array([[{"a": 1}, 2]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read("npy", {"parts": [{"spectra": "apples"}]}, [tmp_path / "apples.npy"])


def test_a_file_that_is_no_opus_file_is_named(tmp_path):
    (tmp_path / "a_1.0").write_bytes(b"\x00" * 2000)
    options = {"name_pattern": "^(?P<sort>[a-z])_", "parts": [{"spectra": "spectra"}]}
    with pytest.raises(BadInputError, match=r"a_1\.0.*OPUS"):
        read("opus", options, [tmp_path / "a_1.0"])


def test_a_julia_file_without_the_struct_is_named(tmp_path):
    with h5py.File(tmp_path / "apples.jld2", "w") as file:
        file["other"] = 1
    with pytest.raises(BadInputError, match=r"apples\.jld2: dat"):
        read("jld2", {"parts": [{"spectra": "X"}]}, [tmp_path / "apples.jld2"])


def test_online_spectra_carry_the_laboratory_values_of_their_time():
    options = {"name": "fermentation_test", "parts": [{"spectra": "spectra", "samples": ["samples"]}]}
    glucose = (TargetSpec("glucose", "glucose", "glucose", "g/L", "as_is"),)
    spectra = read(
        "chemotools", options, [], axis=Axis("cm-1"), modality="mir", targets=glucose, expect=Expect(1629, 1047)
    )
    measured = np.flatnonzero(np.isfinite(spectra.reference[:, 0]))
    # Samplings at 0, 0.667, 1.833 h and, the last of 34, at 33.883 h; a spectrum every 1.25 minutes.
    assert measured[:3].tolist() == [0, 32, 88]
    assert (len(measured), measured[-1]) == (34, 1626)
    assert spectra.reference[measured[0], 0] == pytest.approx(44.41567094)
