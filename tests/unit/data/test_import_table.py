"""What `import_table` makes of a person's file, and how it refuses one."""

import datetime
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from etalon.data.import_table import Request, import_table
from etalon.data.raw_table import Layout, column_letters, read_raw_table
from etalon.data.table_columns import Wishes
from etalon.errors import BadInputError

GOOD = """sample;protein;1100;1102;1104
a;12,5;0,10;0,20;0,30
b;;0,11;0,21;0,31
c;13,5;0,12;0,22;0,32
"""
PROTEIN = Wishes(targets=("protein:%",))


def read(path: Path, axis_unit="nm", **choices):
    spectra, _, _ = import_table(path, Request("mine", axis_unit, **choices))
    return spectra


def refuse(path: Path, axis_unit="nm", **choices) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        import_table(path, Request(choices.pop("dataset_id", "mine"), axis_unit, **choices))
    error = caught.value
    assert error.where == str(path)
    assert "\n" not in str(error)
    return error


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name="mine.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def write_excel(tmp_path):
    def write(rows: list[list], name="mine.xlsx", sheet="Data") -> Path:
        workbook = openpyxl.Workbook()
        workbook.active.title = sheet
        for row in rows:
            workbook.active.append(row)
        workbook.save(tmp_path / name)
        return tmp_path / name

    return write


# What is understood


def test_reads_numbers_ids_and_targets_of_a_semicolon_table_with_decimal_commas(write):
    spectra = read(write(GOOD), wishes=PROTEIN)
    assert spectra.wavelengths.tolist() == [1100, 1102, 1104]
    assert np.array_equal(spectra.intensities, np.float32([[0.10, 0.20, 0.30], [0.11, 0.21, 0.31], [0.12, 0.22, 0.32]]))
    assert spectra.sample_id.tolist() == ["a", "b", "c"]
    assert np.array_equal(spectra.reference[:, 0], [12.5, np.nan, 13.5], equal_nan=True)
    target = spectra.metadata.targets[0]
    assert (target.name, target.unit, target.analyte, target.basis) == ("protein", "%", "protein", "unknown")


def test_wavenumbers_become_increasing_nanometres_with_their_channels(write):
    spectra = read(write("4000,5000,10000\n1,2,3\n"), "cm-1")
    assert spectra.wavelengths.tolist() == [1000, 2000, 2500]
    assert spectra.intensities.tolist() == [[3, 2, 1]]
    assert spectra.metadata.axis_unit == "nm"
    assert spectra.metadata.modality == "nir"


def test_a_raman_shift_stays_in_wavenumbers(write):
    spectra = read(write("1800,1000,200\n1,2,3\n"), "cm-1", modality="raman")
    assert spectra.wavelengths.tolist() == [200, 1000, 1800]
    assert spectra.intensities.tolist() == [[3, 2, 1]]
    assert spectra.metadata.axis_unit == "cm-1"


@pytest.mark.parametrize("pattern", ["X{}", "{} nm", "wl_{}", "{}nm", "Abs {} (nm)", "{}.5", "{}.0e0"])
def test_channels_may_stand_in_a_text_that_is_the_same_for_all(write, pattern):
    header = ",".join(pattern.format(channel) for channel in (1100, 1102, 1104))
    spectra = read(write(f"name,{header}\na,1,2,3\n"))
    assert spectra.wavelengths.round().tolist() == [1100, 1102, 1104]


@pytest.mark.parametrize(
    ("first", "modality"), [(350, "visnir"), (699, "visnir"), (700, "nir"), (1100, "nir")], ids=str
)
def test_without_a_modality_the_first_channel_tells_visible_from_near_infrared(write, first, modality):
    spectra = read(write(f"{first},1800,2400\n1,2,3\n"))
    assert spectra.metadata.modality == modality


def test_columns_that_the_user_names_win_over_headers(write):
    path = write("sample,code,label,X1,1100,1102,1104\ns,c1,l,5,1,2,3\ns,c2,l,6,1,2,3\n")
    wishes = Wishes(sample="code", specimen="sample", targets=("X1:g/kg:moisture:dry",))
    spectra = read(path, wishes=wishes)
    assert spectra.sample_id.tolist() == ["c1", "c2"]
    assert spectra.specimen.tolist() == ["s", "s"]
    assert spectra.label.tolist() == ["l", "l"]
    assert spectra.metadata.label == "label"
    target = spectra.metadata.targets[0]
    assert (target.name, target.unit, target.analyte, target.basis) == ("X1", "g/kg", "moisture", "dry")
    assert spectra.wavelengths.tolist() == [1100, 1102, 1104]


def test_a_unit_in_brackets_in_the_header_is_the_unit(write):
    spectra = read(write("Fat [g/kg],1100,1102,1104\n5,1,2,3\n"))
    target = spectra.metadata.targets[0]
    assert (target.name, target.unit) == ("Fat", "g/kg")


def test_a_target_whose_header_holds_a_colon(write):
    spectra = read(write("fat: total,1100,1102,1104\n5,1,2,3\n"), wishes=Wishes(targets=("fat: total:%",)))
    assert spectra.metadata.targets[0].name == "fat: total"


def test_with_targets_named_other_numbers_are_left_out(write):
    _, table, columns = import_table(
        write("run,fat,note,1100,1102,1104\n7,5,x,1,2,3\n"), Request("mine", "nm", wishes=Wishes(targets=("fat:%",)))
    )
    assert [table.header[column] for column in columns.left_out] == ["run", "note"]


def test_rows_without_ids_are_named_after_their_row_in_the_file(write):
    spectra = read(write("1100,1102,1104\n1,2,3\n\n4,5,6\n"))
    assert spectra.sample_id.tolist() == ["row 2", "row 4"]
    assert spectra.specimen.tolist() == spectra.sample_id.tolist()


def test_row_names_in_a_column_without_header_are_the_ids(write):
    spectra = read(write('"","1100","1102","1104"\n"s1",1,2,3\n"s2",4,5,6\n'))
    assert spectra.sample_id.tolist() == ["s1", "s2"]


@pytest.mark.parametrize("missing", ["", "NA", "nan", "n/a", "-", "."])
def test_laboratory_values_that_were_not_measured_are_nan(write, missing):
    spectra = read(write(f"protein,1100,1102,1104\n{missing},1,2,3\n5,1,2,3\n"), wishes=PROTEIN)
    assert np.array_equal(spectra.reference, [[np.nan], [5.0]], equal_nan=True)


@pytest.mark.parametrize(
    ("names", "meaning"),
    [
        (("cal", "val"), {"train": ["cal"], "test": ["val"]}),
        (("Train", "Test"), {"train": ["Train"], "test": ["Test"]}),
        (("1", "fold 2"), {"folds": True}),
    ],
    ids=str,
)
def test_a_published_split_is_understood_by_its_words(write, names, meaning):
    path = write(f"set,1100,1102,1104\n{names[0]},1,2,3\n{names[1]},4,5,6\n")
    spectra = read(path, wishes=Wishes(split="set"))
    assert spectra.metadata.published_split == meaning
    assert spectra.split.tolist() == list(names)


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode("utf-8-sig"),
        GOOD.encode("utf-16"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace(";", "\t").encode(),
        GOOD.replace("\n", ";\n").encode(),
        GOOD.replace(",", ".").replace(";", ",").encode(),
        GOOD.replace(";", " ; ").encode(),
        ("\n;;;;\n" + GOOD + "\n;;;;\n").encode(),
    ],
    ids=["BOM", "UTF-16", "CRLF", "tab", "trailing delimiters", "comma and point", "blanks", "blank rows"],
)
def test_one_table_in_any_dialect_is_one_and_the_same(write, content):
    expected = read(write(GOOD, "good.csv"), wishes=PROTEIN)
    spectra = read(write(content), wishes=PROTEIN)
    assert np.array_equal(spectra.intensities, expected.intensities)
    assert np.array_equal(spectra.reference, expected.reference, equal_nan=True)
    assert spectra.sample_id.tolist() == expected.sample_id.tolist()


def test_latin_1_letters(write):
    spectra = read(write("name,1100,1102,1104\nGrünkern,1,2,3\n".encode("latin-1")))
    assert spectra.sample_id.tolist() == ["Grünkern"]


def test_excel_sheet_by_name_with_numbers_as_ids(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.append(["not", "this"])
    sheet = workbook.create_sheet("Data")
    for row in (["id", "fat", 1100, 1102.5, 1105], [240141, None, 0.1, 0.2, 0.3], ["007", 5, 1, 2, 3]):
        sheet.append(row)
    workbook.save(tmp_path / "mine.xlsx")
    spectra = read(tmp_path / "mine.xlsx", sheet="Data", wishes=Wishes(targets=("fat:%",)))
    assert spectra.wavelengths.tolist() == [1100, 1102.5, 1105]
    assert np.array_equal(spectra.intensities, np.float32([[0.1, 0.2, 0.3], [1, 2, 3]]))
    assert spectra.sample_id.tolist() == ["240141", "007"]
    assert np.array_equal(spectra.reference, [[np.nan], [5.0]], equal_nan=True)


def test_the_metadata_names_the_file_by_its_checksum(write):
    path = write("1100,1102,1104\n1,2,3\n")
    source = read(path).metadata.sources[0]
    assert source.path == "mine.csv"
    assert source.sha256 == hashlib.sha256(b"1100,1102,1104\n1,2,3\n").hexdigest()


# What is refused, and by which name


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("1100,1104,1102,1106", "1102 after 1104"),
        ("1106,1104,1105,1102", "1105 after 1104"),
        ("1100,1102,1102,1104", "1102 in column C and column D"),
        ("1100,1102,1104,1100.0", "1100 in column B and column E"),
    ],
)
def test_an_axis_that_turns_or_repeats(write, header, found):
    error = refuse(write(f"name,{header}\na,1,2,3,4\n"))
    assert error.field.startswith("header")
    assert error.found == found


@pytest.mark.parametrize("header", ["a,b,c,d", "a,b,1100,1102", "X1,Y2,Z3,1100"])
def test_a_header_without_an_axis(write, header):
    error = refuse(write(f"{header}\n1,2,3,4\n"))
    assert error.field == "header"
    assert "headed by their channel" in error.expected


@pytest.mark.parametrize("header", ["11O2", "", "1102.1.1", "1102 cm-1", "note"])
def test_a_foreign_column_among_the_channels_is_not_skipped(write, header):
    error = refuse(write(f"1100,{header},1104,1106\n1,2,3,4\n"))
    assert error.field == "header, column B"
    assert error.found == repr(header)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("", "an empty cell"),
        ("NaN", "'NaN'"),
        ("NA", "'NA'"),
        ("inf", "'inf'"),
        ("1e999", "'1e999'"),
        ("1e39", "'1e39'"),  # beyond float32
        ("abc", "'abc'"),
        ("1_000", "'1_000'"),
        ("#DIV/0!", "'#DIV/0!'"),
        ('"1,234"', "'1,234'"),
        ('"1,234.5"', "'1,234.5'"),
        ("2024-05-01", "'2024-05-01'"),
    ],
)
def test_a_cell_that_is_no_intensity_is_named_as_the_spreadsheet_shows_it(write, cell, found):
    error = refuse(write(f"name,1100,1102,1104\na,1,2,3\nb,4,{cell},6\n"))
    assert error.field == "row 3, column C ('1102')"
    assert error.found == found


def test_rows_are_counted_as_a_spreadsheet_counts_them(write):
    error = refuse(write('name,1100,1102,1104\n\n"two\nlines",1,2,3\nb,4,x,6\n'))
    assert error.field == "row 4, column C ('1102')"


@pytest.mark.parametrize("value", [None, "", "n.d.", True, datetime.datetime(2024, 5, 1), "#N/A"], ids=str)
def test_an_excel_cell_that_is_no_intensity(write_excel, value):
    error = refuse(write_excel([["name", 1100, 1102, 1104], ["a", 1, 2, 3], ["b", 4, value, 6]]))
    assert error.field == "row 3, column C ('1102')"


def test_the_last_cell_of_an_excel_row_is_missing(write_excel):
    error = refuse(write_excel([["name", 1100, 1102, 1104], ["a", 1, 2, 3], ["b", 4, 5]]))
    assert error.field == "row 3, column D ('1104')"


@pytest.mark.parametrize(
    ("row", "found"), [("b,4,5", "3"), ("b,4,5,6,7", "5"), ("b", "1")], ids=["short", "long", "one cell"]
)
def test_rows_of_unequal_length(write, row, found):
    error = refuse(write(f"name,1100,1102,1104\na,1,2,3\n{row}\n"))
    assert error.field == "row 3"
    assert (error.expected, error.found) == ("4 cells, as in the header", found)


def test_row_names_without_a_header_cell_do_not_shift_the_table(write):
    # As R's write.table() writes them; pandas would take the first column for an index.
    error = refuse(write("1100,1102,1104\na,1,2,3\nb,4,5,6\n"))
    assert (error.field, error.found) == ("row 2", "4; has the first column no header?")


def test_numbers_without_unit_are_no_targets(write):
    error = refuse(write("protein,fat,1100,1102,1104\n1,2,1,2,3\n"))
    assert error.field == "column A ('protein')"
    assert "--target 'protein:%'" in error.expected
    assert "--no-targets" in error.expected
    assert "'fat'" in error.found
    assert not read(write("protein,fat,1100,1102,1104\n1,2,1,2,3\n"), wishes=Wishes(no_targets=True)).metadata.targets


def test_a_target_named_without_unit(write):
    error = refuse(write(GOOD), wishes=Wishes(targets=("protein",)))
    assert "--target 'protein:%'" in error.expected


def test_a_stray_text_does_not_hide_a_target(write):
    path = write("fat (%),1100,1102,1104\n<0.5,1,2,3\n1.5,1,2,3\n2.5,1,2,3\n")
    error = refuse(path)
    assert (error.field, error.found) == ("row 2, column A ('fat (%)')", "'<0.5'")


@pytest.mark.parametrize("cell", ["inf", "1e999", "12,5,1", "<3"])
def test_a_laboratory_value_that_is_no_number(write, cell):
    error = refuse(write(f"protein;1100;1102;1104\n5;1;2;3\n{cell};1;2;3\n"), wishes=PROTEIN)
    assert error.field == "row 3, column A ('protein')"
    assert ("--beyond-limit missing, half or limit" in error.expected) == (cell[0] == "<")


def test_a_target_column_without_any_value(write):
    error = refuse(write("protein,1100,1102,1104\nNA,1,2,3\n,1,2,3\n"), wishes=PROTEIN)
    assert (error.field, error.found) == ("column A ('protein')", "none")


@pytest.mark.parametrize("basis", ["wet", "DRY"])
def test_an_unknown_basis(write, basis):
    error = refuse(write(GOOD), wishes=Wishes(targets=(f"protein:%:protein:{basis}",)))
    assert "as_is, dry, unknown" in error.expected


def test_one_column_twice_as_target(write):
    error = refuse(write(GOOD), wishes=Wishes(targets=("protein:%", "protein:g/kg")))
    assert (error.field, error.found) == ("--target", "'protein' twice")
    assert refuse(write(GOOD), wishes=Wishes(targets=("protein:%",), no_targets=True)).found == "--no-targets as well"


@pytest.mark.parametrize("role", ["sample", "specimen", "split", "label"])
def test_a_column_that_is_not_there(write, role):
    error = refuse(write("protien,1100,1102,1104\n1,1,2,3\n"), wishes=Wishes(**{role: "protein"}))
    assert error.field == f"--{role}-column"
    assert (error.expected, error.found) == ("the header of a column, such as 'protien'", "'protein'")


def test_a_header_that_occurs_twice_cannot_be_named(write):
    error = refuse(write("fat,fat,1100,1102,1104\n1,2,1,2,3\n"), wishes=Wishes(targets=("fat:%",)))
    assert error.found == "'fat' in column A and column B"


def test_duplicate_sample_ids(write):
    error = refuse(write("sample,1100,1102,1104\na,1,2,3\nb,1,2,3\na,4,5,6\n"))
    assert (error.field, error.found) == ("row 4, column A ('sample')", "'a', as in row 2")
    assert "--specimen-column 'sample'" in error.expected


@pytest.mark.parametrize("role", ["sample", "specimen", "split", "label"])
def test_an_empty_name(write, role):
    error = refuse(write("what,1100,1102,1104\n1,1,2,3\n,4,5,6\n"), wishes=Wishes(**{role: "what"}))
    assert (error.field, error.found) == ("row 3, column A ('what')", "an empty cell")


@pytest.mark.parametrize("role", ["split", "label"])
def test_scans_of_one_specimen_in_two_classes_or_parts(write, role):
    path = write("bottle,what,1100,1102,1104\nb,train,1,2,3\nb,test,4,5,6\n")
    error = refuse(path, wishes=Wishes(specimen="bottle", **{role: "what"}))
    assert (error.field, error.found) == ("row 3, column B ('what')", "'test'")


@pytest.mark.parametrize("names", ["true,false", "a,b", "train,train"])
def test_a_split_that_is_not_understood(write, names):
    first, second = names.split(",")
    error = refuse(write(f"set,1100,1102,1104\n{first},1,2,3\n{second},4,5,6\n"), wishes=Wishes(split="set"))
    assert error.field == "column A ('set')"
    assert error.expected == "train and test (or cal, val), or numbered folds"


def test_reflectance_in_percent_declared_as_a_fraction(write):
    error = refuse(write("1100,1102,1104\n51,52,53\n"), representation="reflectance")
    assert error.field == "spectra"
    assert "percent declared as a fraction?" in error.found


@pytest.mark.parametrize(
    ("axis", "unit", "modality"),
    [
        ("4000,6000,10000", "nm", None),
        ("1100,1800,2500", "cm-1", None),
        ("600,2000,4000", "cm-1", None),
        ("1100,1800,2500", "nm", "mir"),
        ("2,3,4", "nm", "nir"),
        ("1000,4000,9000", "cm-1", "raman"),
    ],
    ids=str,
)
def test_an_axis_where_no_such_instrument_measures(write, axis, unit, modality):
    error = refuse(write(f"{axis}\n1,2,3\n"), unit, modality=modality)
    assert error.field == "header"
    assert "--axis-unit or --modality" in error.found


def test_a_unit_that_the_header_contradicts(write):
    error = refuse(write("1100 nm,1102 nm,1104 nm\n1,2,3\n"), "cm-1")
    assert (error.field, error.found) == ("--axis-unit", "'cm-1'")


def test_raman_in_nanometres(write):
    assert refuse(write("200,300,400\n1,2,3\n"), "nm", modality="raman").field == "--axis-unit"


@pytest.mark.parametrize(
    "dataset_id", ["", ".", "..", "../x", "a/b", "/etc", ".hidden", "a b", "Ä", "a\n", "A", "a" * 61]
)
def test_an_id_that_is_no_plain_name(write, dataset_id):
    error = refuse(write(GOOD), dataset_id=dataset_id, wishes=PROTEIN)
    assert (error.field, error.found) == ("--id", repr(dataset_id))


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("--modality", {"modality": "uv"}),
        ("--representation", {"representation": "absorbence"}),
        ("--axis-unit", {"axis_unit": "um"}),
        ("--decimal", {"decimal": "dot"}),
        ("--family", {"family": "../x"}),
        ("--sheet", {"sheet": "Data"}),
        ("--delimiter", {"delimiter": "::"}),
    ],
    ids=lambda value: str(value),
)
def test_choices_that_do_not_exist(write, option, choices):
    assert refuse(write(GOOD), wishes=PROTEIN, **choices).field == option


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\n \n", "an empty file"),
        (b";;;\n;;\n", "one cell, ';;;' (comma, UTF-8)"),
        (b"name,1100,1102,1104\n", "nothing below row 1"),
        (b"\x00\x01\x02\x03,1,2", "a binary file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or a password-protected Excel workbook"),
        (b'name,1100,1102,1104\n"a,1,2,3\n', "unexpected end of data"),
        (b"just a line\nand one more\n", "one cell, 'just a line'"),
    ],
    ids=str,
)
def test_a_file_that_is_no_table(write, content, found):
    assert found in refuse(write(content)).found


def test_a_title_above_the_header(write_excel):
    error = refuse(write_excel([["My spectra of 2024"], ["name", 1100, 1102, 1104], ["a", 1, 2, 3]]))
    assert (error.field, error.expected) == ("row 1", "the columns' names")
    assert error.found == "one cell, 'My spectra of 2024' (sheet 'Data'); is row 2 the header? --header-row 2"


def test_excel_with_the_suffix_of_text_and_text_with_the_suffix_of_excel(write, write_excel):
    path = write_excel([["name", 1100, 1102, 1104], ["a", 1, 2, 3]])
    assert refuse(path.rename(path.with_suffix(".csv"))).found == "an Excel workbook"
    assert refuse(write(GOOD, "mine.xlsx")).found == "a text table"
    assert refuse(write(GOOD, "mine.xls")).found == "a text table"


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
def test_a_damaged_workbook(tmp_path, write_excel, part):
    sound = write_excel([["name", 1100, 1102, 1104], ["a", 1, 2, 3]])
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(tmp_path / "damaged.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[: 40 if name == part else None])
    assert "damaged" in refuse(tmp_path / "damaged.xlsx").found
    assert refuse(tmp_path / "damaged.xlsx", sheet="Data").field == "file"


def test_bytes_of_a_workbook_that_were_lost_or_changed(tmp_path, write_excel):
    content = write_excel([["name", 1100, 1102, 1104], ["a", 1, 2, 3]]).read_bytes()
    middle = len(content) // 3
    for name, damaged in (("half", content[: len(content) // 2]), ("gap", content[:middle] + content[middle + 9 :])):
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(damaged)
        assert "damaged" in refuse(path).found


def test_a_sheet_that_does_not_exist_or_is_empty(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.title = "Data"
    workbook.active.append(["name", 1100, 1102, 1104])
    workbook.create_sheet("Empty")
    workbook.save(tmp_path / "mine.xlsx")
    error = refuse(tmp_path / "mine.xlsx", sheet="Dta")
    assert (error.field, error.expected, error.found) == ("--sheet", "one of 'Data', 'Empty'", "'Dta'")
    assert "no filled cell" in refuse(tmp_path / "mine.xlsx", sheet="Empty").found


def test_a_folder_and_a_file_that_is_not_there(tmp_path):
    assert refuse(tmp_path).found == "a folder"
    assert refuse(tmp_path / "none.csv").found == "no such file"


def test_commas_that_may_be_thousands_are_not_guessed(write):
    path = write("1100;1102;1104\n1,234;2,345;1,999\n")
    error = refuse(path)
    assert (error.field, error.found) == ("numbers", "commas that may be either, as in 1,234")
    assert np.allclose(read(path, decimal="comma").intensities, [[1.234, 2.345, 1.999]])
    assert refuse(path, decimal="point").field == "row 2, column A ('1100')"


@pytest.mark.parametrize(
    ("header", "cell", "wavelength", "value"),
    [
        ("1100.5", "0,25", 1100.5, 0.25),  # as R's write.csv2() writes
        ("1100,5", "0,25", 1100.5, 0.25),
        ("1100,5", "1,234", 1100.5, 1.234),
        ("900,125", "0,25", 900.125, 0.25),
        ("1100,5", "25", 1100.5, 25),
        ("1100", "0.25", 1100, 0.25),
    ],
)
def test_header_and_cells_each_have_their_decimal_mark(write, header, cell, wavelength, value):
    spectra = read(write(f"{header};1200;1300\n{cell};1;2\n"))
    assert spectra.wavelengths[0] == wavelength
    assert spectra.intensities[0, 0] == np.float32(value)


def test_among_counts_the_laboratory_values_tell_the_decimal_mark(write):
    spectra = read(write("fat (%);1100;1102;1104\n12,5;100;200;300\n"))
    assert spectra.reference.tolist() == [[12.5]]


def test_one_cell_in_the_other_decimal_notation(write):
    error = refuse(write("1100;1102;1104\n0,1;0,2;0.3\n"))
    assert error.field == "row 2, column C ('1104')"


def test_letters_of_columns():
    assert [column_letters(column) for column in (0, 25, 26, 51, 52, 701, 702, 16383)] == (
        ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"]
    )


# Files as instruments and laboratories write them


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("dataset", "unit", "choices"),
    [
        ("cookie_dough", "nm", {}),
        ("cassava_u16_mashed", "nm", {}),  # Excel
        ("textile_mir", "cm-1", {"modality": "mir"}),  # semicolon, decimal comma, wavenumbers that fall
        ("soil_bungoma_mir", "cm-1", {"modality": "mir"}),  # headers such as m4001.6
        ("raman_pufa_emulsion", "cm-1", {"modality": "raman"}),  # headers such as 1.77000e+03cm-1
        ("sugarcane_tellspec", "nm", {}),  # blanks around the numbers
    ],
)
def test_a_public_file_gives_what_the_catalogue_makes_of_it(mirror, mirrored, dataset, unit, choices):
    """The catalogue's readers were told where everything stands; here it is found."""
    expected = mirrored(dataset)
    path = mirror / expected.metadata.sources[0].path
    spectra = read(path, unit, wishes=Wishes(no_targets=True), **choices)
    assert np.array_equal(spectra.wavelengths, expected.wavelengths)
    assert np.array_equal(spectra.intensities, expected.intensities)
    assert spectra.metadata.modality == expected.metadata.modality
    assert spectra.metadata.axis_unit == expected.metadata.axis_unit
    assert spectra.metadata.sources[0].sha256 == expected.metadata.sources[0].sha256


def test_a_cell_millions_of_rows_below_the_table_is_refused_at_once(tmp_path):
    workbook = openpyxl.Workbook()
    for row in (["sample", 1100, 1102, 1104], ["a", 0.1, 0.2, 0.3], ["b", 0.1, 0.2, 0.3]):
        workbook.active.append(row)
    workbook.active.cell(1_000_000, 1, "x")
    workbook.save(tmp_path / "mine.xlsx")
    with pytest.raises(BadInputError, match="10000 blank rows"):
        read_raw_table(tmp_path / "mine.xlsx")


# How a table lies in its file


UNITS_BELOW = (
    "Probe;Eiweiß;Fett;1100;1102;1104\n{first};%;g/kg;{under}\ns1;12,5;3,0;0,1;0,2;0,3\ns2;11,5;4,0;0,1;0,2;0,4\n"
)


@pytest.mark.parametrize("under", ["nm;nm;nm", ";;", "log 1/R;log 1/R;log 1/R"])
def test_a_row_of_units_below_the_header_is_one(write, under):
    path = write(UNITS_BELOW.format(first="", under=under))
    spectra, table, _ = import_table(path, Request("mine", None if under == "nm;nm;nm" else "nm"))
    assert [(target.name, target.unit) for target in spectra.metadata.targets] == [("Eiweiß", "%"), ("Fett", "g/kg")]
    assert spectra.sample_id.tolist() == ["s1", "s2"]
    assert table.row_numbers == [3, 4]
    error = refuse(write(path.read_text().replace("0,4", "x")))
    assert error.field == "row 4, column F ('1104')"


@pytest.mark.parametrize(("first", "under"), [("s0", ";;"), ("s0", "x;x;x"), ("", "a;b;c"), ("", "NA;NA;NA")])
def test_a_row_without_spectrum_is_no_row_of_units(write, first, under):
    error = refuse(write(UNITS_BELOW.format(first=first, under=under)), wishes=Wishes(no_targets=True))
    assert error.field == "row 2, column D ('1100')"


def test_text_above_the_header_is_passed_over_when_told(write):
    path = write("Instrument;FOSS\nDate;3.5.2024\n\n" + GOOD)
    assert refuse(path).found == "5; is row 4 the header? --header-row 4"
    spectra = read(path, layout=Layout(header_row=4), wishes=PROTEIN)
    assert np.array_equal(spectra.intensities, read(write(GOOD, "good.csv"), wishes=PROTEIN).intensities)
    error = refuse(path, layout=Layout(header_row=3))
    assert (error.field, error.found) == ("--header-row", "row 3, which is blank")
    assert refuse(path, layout=Layout(header_row=99)).field == "--header-row"


def test_a_title_of_one_cell_does_not_hide_the_delimiter(write):
    path = write("Measured in May\n" + GOOD)
    assert refuse(path).found == "one cell, 'Measured in May' (semicolon, UTF-8); is row 2 the header? --header-row 2"
    assert len(read(path, layout=Layout(header_row=2), wishes=PROTEIN)) == 3


def columns_of(rows: list[list[str]]) -> str:
    return "\n".join(";".join(cells) for cells in zip(*rows, strict=True)) + "\n"


CHANNELS = range(1100, 1124, 2)
SIDEWAYS = [
    ["nm", "fat (%)", *map(str, CHANNELS)],
    ["7", "1,5", *(f"0,{channel}" for channel in CHANNELS)],
    ["9", "", *(f"1,{channel}" for channel in CHANNELS)],
]


def test_spectra_in_columns_are_recognised_and_read_when_told(write):
    path = write(columns_of(SIDEWAYS))
    error = refuse(path)
    assert (error.field, error.expected) == ("table", "one spectrum a row")
    assert error.found == "column A ('nm') runs from 1100 to 1122 like an axis: spectra in columns? --transpose"
    spectra = read(path, axis_unit=None, layout=Layout(transpose=True))
    as_rows = read(write("\n".join(";".join(row) for row in SIDEWAYS), "rows.csv"), wishes=Wishes(sample="nm"))
    assert spectra.sample_id.tolist() == ["7", "9"]
    assert np.array_equal(spectra.intensities, as_rows.intensities)
    assert np.array_equal(spectra.reference, as_rows.reference, equal_nan=True)
    assert spectra.metadata.targets == as_rows.metadata.targets


def test_a_cell_of_a_transposed_table_is_named_by_its_place_in_the_file(write):
    rows = [list(row) for row in SIDEWAYS]
    rows[2][5] = "x"
    error = refuse(write(columns_of(rows)), layout=Layout(transpose=True))
    assert (error.field, error.found) == ("row 6 ('1106'), column C", "'x'")


def test_cells_that_are_merged_downwards_are_one_cell(tmp_path):
    workbook = openpyxl.Workbook()
    for row in (
        ["scan", "bottle", "fat (%)", 1100, 1102, 1104],
        ["a1", "a", 1.5, 0.1, 0.2, 0.3],
        ["a2", None, None, 0.1, 0.2, 0.4],
        ["b1", "b", None, 0.1, 0.2, 0.5],
    ):
        workbook.active.append(row)
    for cells in ("B2:B3", "C2:C3"):
        workbook.active.merge_cells(cells)
    workbook.save(tmp_path / "mine.xlsx")
    spectra = read(tmp_path / "mine.xlsx", wishes=Wishes(specimen="bottle"))
    assert spectra.specimen.tolist() == ["a", "a", "b"]
    assert np.array_equal(spectra.reference[:, 0], [1.5, 1.5, np.nan], equal_nan=True)


# Names


def test_a_first_column_of_names_that_differ_holds_the_sample_ids_whatever_its_header(write):
    assert read(write("Probe;1100;1102;1104\na;1;2;3\nb;1;2;4\n")).sample_id.tolist() == ["a", "b"]
    assert read(write("Probe;1100;1102;1104\na;1;2;3\na;1;2;4\n")).sample_id.tolist() == ["row 2", "row 3"]


SCANS = "sample,1100,1102,1104\nw_7_1,1,2,3\nw_7_2,1,2,4\nw_8,1,2,5\n"


def test_the_sign_before_the_number_of_a_scan_tells_the_specimen(write):
    spectra = read(write(SCANS), wishes=Wishes(scan_separator="_"))
    assert spectra.specimen.tolist() == ["w_7", "w_7", "w"]
    error = refuse(write(SCANS), wishes=Wishes(scan_separator="-"))
    assert error.field == "--scan-separator"
    assert error.found == "none, such as 'w_7_1'"
    error = refuse(write(SCANS), wishes=Wishes(scan_separator="_", specimen="sample"))
    assert error.found == "column A ('sample') as well"
    error = refuse(write("1100,1102,1104\n1,2,3\n"), wishes=Wishes(scan_separator="_"))
    assert error.found == "rows without names"


def test_an_axis_in_micrometres_is_called_so(write):
    assert "micrometres?" in refuse(write("sample,1.1,1.2,1.3\na,1,2,3\n")).found
