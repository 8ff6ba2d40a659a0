"""From tables to a SpectraSet: parts, channels, specimens, laboratory tables, splits and classes."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from entries import plain_entry
from etalon.catalogue import Axis, Convert, Entry, Expect, FileSource, TargetSpec
from etalon.data.assemble import assemble, matrix_table, named_columns, scans_table
from etalon.errors import BadInputError

SPECTRA = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [1.0, 2.0, 3.0]])
TABLE = pd.DataFrame(
    {
        "sample": ["a_1", "a_2", "b_1", "c_1"],
        "batch": [1.0, 1.0, 2.0, 2.0],
        "year": [2019, 2019, 2020, 2020],
        "dry": ["90", "91.5", "NA ", ""],
        "1000": SPECTRA[:, 0],
        "1010": SPECTRA[:, 1],
        "1020.5": SPECTRA[:, 2],
    }
)
LABORATORY = pd.DataFrame({"name": ["a", "b", "b", "d"], "dry": [90.0, 80.0, 82.0, 70.0]})
APPLES = plain_entry(
    instrument="Eye",
    instrument_type="handheld",
    mode="reflectance",
    options={"parts": [{"spectra": "apples"}]},
    files=(FileSource("apples.csv", "https://example.org/apples.csv", "0" * 64, 10),),
    targets=(TargetSpec("moisture", "dry", "moisture", "%", "as_is", Convert(100.0, -1.0)),),
    expect=Expect(4, 3),
)


def entry(options: dict | None = None, **changes) -> Entry:
    return dataclasses.replace(APPLES, options=APPLES.options | (options or {}), **changes)


def apples(options: dict | None = None, tables: dict[str, pd.DataFrame] | None = None, **changes):
    return assemble(entry(options, **changes), {"apples": TABLE} | (tables or {}))


def refused(*args, **kwargs) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        apples(*args, **kwargs)
    assert caught.value.where == "apples"
    return caught.value


def test_columns_named_by_numbers_are_the_spectrum_and_their_names_the_axis():
    spectra = apples()
    assert np.array_equal(spectra.intensities, SPECTRA)
    assert spectra.wavelengths.tolist() == [1000.0, 1010.0, 1020.5]
    assert spectra.sample_id.tolist() == spectra.specimen.tolist() == ["1", "2", "3", "4"]
    assert spectra.split is None
    assert spectra.label is None


def test_the_metadata_say_what_the_entry_says():
    metadata = apples().metadata
    assert (metadata.dataset_id, metadata.instrument, metadata.mode) == ("apples", "Eye", "reflectance")
    assert metadata.spectral_range == (1000.0, 1020.5)
    assert metadata.spectral_step == 10.25
    assert [(t.name, t.analyte, t.unit, t.basis) for t in metadata.targets] == [("moisture", "moisture", "%", "as_is")]
    assert [source.sha256 for source in metadata.sources] == ["0" * 64]


def test_values_are_converted_and_blanks_stay_missing():
    np.testing.assert_allclose(apples().reference[:, 0], [10.0, 8.5, np.nan, np.nan])


def test_a_value_that_is_no_number_is_an_error_and_not_a_blank():
    wrong = TABLE.assign(dry=["90", "91,5", "", ""])
    error = refused(tables={"apples": wrong})
    assert error.field == "column dry"
    assert "'91,5' in row 2" in error.found


def test_wavenumbers_become_increasing_wavelengths_and_the_spectra_follow():
    spectra = apples(axis=Axis("cm-1"))
    np.testing.assert_allclose(spectra.wavelengths, 1e7 / np.array([1020.5, 1010.0, 1000.0]))
    assert np.array_equal(spectra.intensities, SPECTRA[:, ::-1])


def test_a_pattern_finds_the_channels_and_its_group_the_axis():
    renamed = TABLE.rename(columns={"1000": "wl_1000nm", "1010": "wl_1010nm", "1020.5": "wl_1020.5nm"})
    spectra = apples({"channels": r"^wl_([0-9.]+)nm$"}, {"apples": renamed})
    assert np.array_equal(spectra.wavelengths, apples().wavelengths)
    assert refused({"channels": "^wn_([0-9]+)$"}).field == "channels"


def test_an_axis_from_first_to_last_is_even():
    assert apples(axis=Axis("index", 1, 3)).wavelengths.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(apples(axis=Axis("cm-1", 4000, 5000)).wavelengths, [2000.0, 1e7 / 4500, 2500.0])


def test_parts_are_stacked_and_their_names_may_be_split_and_class():
    tables = {"one": TABLE[:1], "rest": TABLE[1:]}
    parts = [{"name": "train", "spectra": "rest"}, {"name": "test", "spectra": "one"}]
    spectra = apples({"parts": parts, "split": {"column": "part"}, "label": {"column": "part"}}, tables)
    assert np.array_equal(spectra.intensities, SPECTRA[[1, 2, 3, 0]])
    assert spectra.split.tolist() == spectra.label.tolist() == ["train"] * 3 + ["test"]


def test_parts_on_different_axes_are_refused():
    shifted = TABLE.rename(columns={"1020.5": "1021.5"})
    error = refused({"parts": [{"spectra": "apples"}, {"spectra": "shifted"}]}, {"shifted": shifted})
    assert error.field == "table shifted"


def test_columns_of_a_part_may_be_renamed_so_that_parts_agree():
    other = TABLE.rename(columns={"dry": "DRY"})
    parts = [{"spectra": "apples"}, {"spectra": "other", "rename": {"DRY": "dry"}}]
    spectra = apples({"parts": parts}, {"other": other}, expect=Expect(8, 3))
    assert np.array_equal(spectra.reference[:4], spectra.reference[4:], equal_nan=True)


def test_spectra_and_samples_may_lie_in_separate_tables_of_equal_length():
    tables = {"matrix": matrix_table(SPECTRA), "values": TABLE[["dry"]], "more": TABLE[["year"]]}
    parts = [{"spectra": "matrix", "samples": ["values", "more"]}]
    options = {"parts": parts, "split": {"column": "year"}}
    spectra = apples(options, tables, axis=Axis("nm", 1000, 1020))
    assert np.array_equal(spectra.intensities, SPECTRA)
    assert spectra.split.tolist() == ["2019", "2019", "2020", "2020"]
    tables["values"] = tables["values"][:3]
    assert refused(options | {"parts": [{"spectra": "matrix", "samples": ["values"]}]}, tables).found == "3"


def test_a_specimen_is_what_its_columns_and_pattern_say_and_scans_are_numbered():
    spectra = apples({"specimen": {"columns": ["sample"], "pattern": "^[^_]+"}})
    assert spectra.specimen.tolist() == ["a", "a", "b", "c"]
    assert spectra.sample_id.tolist() == ["a/1", "a/2", "b/1", "c/1"]
    assert apples({"specimen": {"columns": ["sample"]}}).sample_id.tolist() == ["a_1", "a_2", "b_1", "c_1"]
    # Whole numbers carry no decimal point: files of paired sets may hold integers or floats.
    assert apples({"specimen": {"columns": ["year", "batch"]}}).specimen[0] == "2019_1"


def test_specimens_may_be_renamed_so_that_pairs_agree():
    rule = {"columns": ["sample"], "rename": {"c_1": "b_1"}}
    assert apples({"specimen": rule}).specimen.tolist() == ["a_1", "a_2", "b_1", "b_1"]


def test_repeats_number_specimens_and_leave_out_those_that_were_not_measured():
    assert apples({"specimen": {"repeats": 2}}).specimen.tolist() == ["1", "1", "2", "2"]
    assert apples({"specimen": {"repeats": 2, "unmeasured": [1, 3]}}).specimen.tolist() == ["2", "2", "4", "4"]
    assert refused({"specimen": {"repeats": 3}}).field == "specimen.repeats"


def test_identical_spectra_may_be_one_specimen():
    assert apples({"specimen": {"identical_spectra": True}}).specimen.tolist() == ["1", "2", "3", "1"]


def test_laboratory_values_are_found_by_specimen_and_repeated_determinations_averaged():
    options = {
        "specimen": {"columns": ["sample"], "pattern": "^[^_]+"},
        "laboratory": {"table": "wet", "key": "name", "drop_unmatched": True},
    }
    spectra = apples(options, {"wet": LABORATORY}, expect=Expect(3, 3))
    assert spectra.specimen.tolist() == ["a", "a", "b"]
    assert spectra.reference[:, 0].tolist() == [10.0, 10.0, 19.0]
    assert np.array_equal(spectra.intensities, SPECTRA[:3])
    options["laboratory"] = {"table": "wet", "key": "name"}
    assert refused(options, {"wet": LABORATORY}).found == "none for c"


def test_a_split_is_a_column_a_renamed_column_or_stretches_of_rows():
    assert apples({"split": {"column": "year"}}).split.tolist() == ["2019", "2019", "2020", "2020"]
    names = {"2019": "train", "2020": "test"}
    assert apples({"split": {"column": "year", "names": names}}).split.tolist() == ["train", "train", "test", "test"]
    assert apples({"split": {"rows": {"train": 3, "test": 1}}}).split.tolist() == ["train"] * 3 + ["test"]
    assert refused({"split": {"rows": {"train": 3, "test": 2}}}).field == "split.rows"
    assert refused({"split": {"column": "year", "names": {"2019": "train"}}}).found == "'2020'"


def test_channels_without_values_or_with_zeros_may_be_dropped():
    gaps = TABLE.assign(**{"1000": [np.nan, 1.0, 1.0, 1.0], "1010": [0.0, 1.0, 1.0, 1.0], "1030": 1.0})
    spectra = apples({"drop_channels": ["missing", "zero"]}, {"apples": gaps}, expect=Expect(4, 2))
    assert spectra.wavelengths.tolist() == [1020.5, 1030.0]
    assert "finite" in refused(tables={"apples": gaps}, expect=Expect(4, 4)).expected


@pytest.mark.parametrize(
    ("options", "changes", "field"),
    [
        ({"parts": [{"spectra": "pears"}]}, {}, "table pears"),
        ({"specimen": {"columns": ["name"]}}, {}, "column name"),
        ({"specimen": {"columns": ["sample"], "pattern": "^b"}}, {}, "column sample"),
        ({"label": {"column": "sort"}}, {}, "column sort"),
        ({}, {"expect": Expect(5, 3)}, "spectra"),
        ({}, {"expect": Expect(4, 4)}, "spectra"),
        ({}, {"targets": (TargetSpec("fat", "fat", "fat", "%", "dry"),)}, "column fat"),
    ],
)
def test_what_is_not_there_is_named(options, changes, field):
    assert refused(options, **changes).field == field


def test_blank_names_of_columns_are_counted():
    table = pd.DataFrame([[1, 2, 3]], columns=[" ", "Unnamed: 1", " 1000 "])
    assert named_columns(table).columns.tolist() == ["column 1", "column 2", "1000"]


def test_scans_come_onto_the_axis_of_the_first_and_names_into_columns():
    axis = np.array([4000.0, 3998.0, 3996.0, 3994.0])
    scans = [("s1_x.txt", axis[1:-1], axis[1:-1]), ("s2_x.txt", axis - 0.5, axis - 0.5)]
    table = scans_table(scans, r"^s(?P<specimen>\d+)_", "apples")
    assert table["specimen"].tolist() == ["1", "2"]
    np.testing.assert_allclose(table[["3998.0", "3996.0"]].to_numpy(), [[3998.0, 3996.0]] * 2)
    with pytest.raises(BadInputError, match="file names that match"):
        scans_table([("t1.txt", axis, axis)], r"^s(?P<specimen>\d+)_", "apples")
    with pytest.raises(BadInputError, match="at least one spectrum"):
        scans_table([], r"^s(?P<specimen>\d+)_", "apples")
