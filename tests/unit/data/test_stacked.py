"""Several tables of spectra as one: rows of all, columns by name, every refusal with its own file."""

from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etalon.data.import_table import Request, to_spectra
from etalon.data.raw_table import Layout, RawTable, read_raw_table
from etalon.data.references import JoinedTable, names_of
from etalon.data.stacked import StackedTable
from etalon.data.table_columns import Wishes
from etalon.data.table_shape import part_units
from etalon.errors import BadInputError

JAN = "sample;N (%);set;1100;1102,5;1105\na;1,5;cal;0,1;0,2;0,3\nb;2,5;cal;0,4;0,5;0,6\n"
# Another order, another notation, an axis that falls, another spelling of the channels.
FEB = "set,sample,1105 nm,1102.5 nm,1100 nm,N (%),note\nval,c,0.9,0.8,0.7,3.125,x\n"


@pytest.fixture
def stack(tmp_path):
    def stack(*texts: str, decimal=None, lab=None, **wishes):
        paths = [tmp_path / f"{name}.csv" for name, _ in zip(("jan", "feb", "mar"), texts, strict=False)]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        said = Wishes(**wishes)
        parts = [part_units(read_raw_table(path)) for path in paths]
        table: RawTable = StackedTable.of(parts, said, decimal, "nm")
        if lab is not None:
            (tmp_path / "lab.csv").write_text(lab)
            names = names_of(table, said.sample, said.specimen, said.scan_separator)
            table = JoinedTable.of(table, read_raw_table(tmp_path / "lab.csv"), names, None)
        return to_spectra(table, Request("mine", "nm", wishes=said))

    return stack


def test_rows_are_stacked_and_columns_found_by_name(stack):
    spectra, table, columns = stack(JAN, FEB)
    assert spectra.sample_id.tolist() == ["a", "b", "c"]
    assert spectra.wavelengths.tolist() == [1100, 1102.5, 1105]
    assert np.array_equal(spectra.intensities, np.float32([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]]))
    assert spectra.reference[:, 0].tolist() == [1.5, 2.5, 3.125]
    # One file holds the training rows, another those of the test.
    assert spectra.metadata.published_split == {"train": ["cal"], "test": ["val"]}
    assert [source.path for source in spectra.metadata.sources] == ["jan.csv", "feb.csv"]
    assert [table.header[column] for column in columns.left_out] == ["note"]
    assert table.lacking(columns.left_out[0]) == ["jan.csv"]


def test_an_axis_within_a_channel_is_brought_onto_the_first(stack):
    spectra, table, _ = stack(JAN, FEB.replace("1105", "1106").replace("1102.5", "1103.5").replace("1100", "1101"))
    assert table.shifted == (False, True)
    # Lines between (1101, 0.7), (1103.5, 0.8), (1106, 0.9); nothing is known below 1101.
    np.testing.assert_allclose(spectra.intensities[2], [0.7, 0.76, 0.86], rtol=1e-6)


@pytest.mark.parametrize(
    ("feb", "message"),
    [
        (
            FEB.replace("N (%)", "n (%)"),
            "feb.csv: header: expected a column 'N (%)', as in jan.csv, found none, but 'n",
        ),
        (FEB.replace("set,", "part,"), "feb.csv: header: expected a column 'set', as in jan.csv, found none"),
        (FEB.replace("1105", "1405").replace("1102.5", "1402.5").replace("1100", "1400"), "feb.csv: range: expected "),
        (
            FEB.replace("nm", "cm-1"),
            "feb.csv: axis unit: expected nm, as in --axis-unit, found cm-1 in the header '1105",
        ),
        (FEB.replace("0.8", "0,8"), "feb.csv: row 2: expected 7 cells, as in the header, found 8"),
        (FEB.replace("0.8", "x"), "feb.csv: row 2, column D ('1102.5 nm'): expected a finite number, found 'x'"),
        (FEB.replace("3.125", "x"), "feb.csv, row 2, column F ('N (%)'): expected a number, or an empty cell"),
        (FEB.replace("val,c", "val,"), "feb.csv, row 2, column B ('sample'): expected a sample id, found an empty"),
        (
            FEB.replace("val,c", "val,b"),
            "feb.csv, row 2, column B ('sample'): expected ids that occur once (scans of one specimen: "
            "--specimen-column 'sample'; --file-in-id tells files apart), found 'b', as in jan.csv, row 3",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_file(stack, feb, message):
    with pytest.raises(BadInputError) as caught:
        stack(JAN, feb, split="set")
    assert message in str(caught.value)


def test_a_number_is_read_as_its_own_file_is_written(stack):
    """1.234 in a file with decimal commas may be a thousand: refused as in a table of its own."""
    march = "sample;N (%);set;1100;1102,5;1105\nd;1.234;cal;0,1;0,2;0,3\n"
    with pytest.raises(BadInputError, match=r"mar\.csv, row 2, column B \('N \(%\)'\): expected a number"):
        stack(JAN, FEB, march)
    with pytest.raises(BadInputError, match=r"mar\.csv, row 2, column B \('N \(%\)'\): expected a number"):
        stack(FEB, JAN, march)
    spectra, _, _ = stack(FEB, JAN, march.replace("1.234", "<1,234"), beyond_limit="limit")
    assert spectra.reference[:, 0].tolist() == [3.125, 1.5, 2.5, 1.234]


def test_ids_that_occur_again_are_told_apart_on_request(stack):
    spectra, _, _ = stack(JAN, FEB.replace("val,c", "val,a"), file_in_id=True)
    assert spectra.sample_id.tolist() == ["jan/a", "jan/b", "feb/a"]
    assert spectra.specimen.tolist() == spectra.sample_id.tolist()


def test_rows_without_ids_are_named_after_file_and_row(stack):
    text = "1100,1102,1104\n1,2,3\n4,5,6\n"
    spectra, _, _ = stack(text, text, no_targets=True)
    assert spectra.sample_id.tolist() == ["jan/row 2", "jan/row 3", "feb/row 2", "feb/row 3"]


def test_scans_of_one_specimen_may_stand_in_several_files(stack):
    text = "sample,1100,1102,1104\nw/1_{0},1,2,3\nw/2_{0},4,5,6\n"
    tables = (text.format(1), text.format(2))
    assert stack(*tables, scan_separator="_")[0].specimen.tolist() == ["w/1", "w/2", "w/1", "w/2"]
    other = stack(*tables, scan_separator="_", file_in_id=True)[0].specimen.tolist()
    assert other == ["jan/w/1", "jan/w/2", "feb/w/1", "feb/w/2"]
    named, _, _ = stack(JAN, FEB.replace("val,c", "cal,a"), specimen="sample", split=None)
    assert named.sample_id.tolist() == ["jan/row 2", "jan/row 3", "feb/row 2"]
    assert named.specimen.tolist() == ["a", "b", "a"]


def test_a_specimen_is_in_one_part_of_a_split_whatever_the_file(stack):
    with pytest.raises(BadInputError) as caught:
        stack(JAN, FEB.replace("val,c", "val,a"), specimen="sample")
    expected = "jan.csv and feb.csv: feb.csv, row 2, column A ('set'): expected 'cal', as in jan.csv, row 2 of the same"
    assert expected in str(caught.value)


def test_references_are_joined_to_all(stack):
    lab = "bag;fat (g/kg)\nc;1,5\na;2,5\n"
    spectra, table, _ = stack(JAN, FEB, lab=lab, targets=("fat (g/kg)", "N (%)"))
    assert [target.name for target in spectra.metadata.targets] == ["fat", "N"]
    assert np.array_equal(spectra.reference[:, 0], [2.5, np.nan, 1.5], equal_nan=True)
    assert (table.matches.without, table.matches.unmatched) == (1, 0)
    assert [source.path for source in spectra.metadata.sources] == ["jan.csv", "feb.csv", "lab.csv"]


def test_rows_of_units_agree(stack):
    text = "sample;N;1100;1102;1104\n;{};nm;nm;nm\n{};1,5;0,1;0,2;0,3\n"
    assert stack(text.format("%", "a"), text.format("%", "b"))[0].metadata.targets[0].unit == "%"
    with pytest.raises(BadInputError) as caught:
        stack(text.format("%", "a"), text.format("g/kg", "b"))
    assert "feb.csv: row of units, column B ('N'): expected '%', as in jan.csv, found 'g/kg'" in str(caught.value)


def test_a_workbook_and_a_text_table(tmp_path):
    workbook = openpyxl.Workbook()
    for row in (["sample", "N (%)", 1100, 1102.5, 1105], [7, 4.5, 0.7, 0.8, 0.9], [8, None, 0.7, 0.8, 0.95]):
        workbook.active.append(row)
    workbook.save(tmp_path / "book.xlsx")
    (tmp_path / "jan.csv").write_text(JAN.replace("set;", "").replace("cal;", ""))
    parts = [read_raw_table(tmp_path / name) for name in ("jan.csv", "book.xlsx")]
    spectra, _, _ = to_spectra(StackedTable.of(parts, Wishes()), Request("mine", "nm"))
    assert spectra.sample_id.tolist() == ["a", "b", "7", "8"]
    assert np.array_equal(spectra.reference[:, 0], [1.5, 2.5, 4.5, np.nan], equal_nan=True)


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4), st.permutations(["sample", "N (%)", "1100", "1102", "1104"])
)
def test_tables_stacked_are_the_table_they_were_cut_from(sizes, order):
    """Whatever the order of the columns that are no channels in each part."""
    rng = np.random.default_rng(len(sizes))
    header = ["sample", "N (%)", "1100", "1102", "1104"]
    rows = [[f"s{i}", *np.round(rng.uniform(0, 2, 4), 4).tolist()] for i in range(sum(sizes))]
    channels = ["1100", "1102", "1104"]
    others = [name for name in order if name not in channels]
    parts, start = [], 0
    for number, size in enumerate(sizes):
        names = [*others, *channels] if number % 2 else header
        cells = [[row[header.index(name)] for name in names] for row in rows[start : start + size]]
        parts.append(RawTable(Path(f"{number}.csv"), list(names), cells, list(range(2, 2 + size)), "comma", "point"))
        start += size
    stacked = StackedTable.of(parts, Wishes())
    assert [row[:2] for row in stacked.rows] == [row[:2] for row in rows]
    np.testing.assert_allclose([row[2:] for row in stacked.rows], [row[2:] for row in rows], rtol=1e-7)
    assert [stacked.entries(i, 1)[0].cell for i in range(len(rows))] == [row[1] for row in rows]


def test_a_unit_in_the_header_of_transposed_tables_is_that_of_all(tmp_path):
    for name in ("jan", "feb"):
        (tmp_path / f"{name}.csv").write_text(f"wavelength (nm),{name}\nN (%),1.5\n1100,1\n1102,2\n1104,3\n")
    layout = Layout(transpose=True)
    parts = [read_raw_table(tmp_path / f"{name}.csv", layout=layout) for name in ("jan", "feb")]
    spectra, _, _ = to_spectra(StackedTable.of(parts, Wishes()), Request("mine"))
    assert spectra.sample_id.tolist() == ["jan", "feb"]
    assert spectra.reference[:, 0].tolist() == [1.5, 1.5]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for year in ("2025", "2026"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "data.csv").write_text("sample,1100,1102,1104\na,1,2,3\n")
    parts = [read_raw_table(tmp_path / year / "data.csv") for year in ("2025", "2026")]
    table = StackedTable.of(parts, Wishes())
    with pytest.raises(BadInputError, match=r"2026/data\.csv, row 2, .* as in .*2025/data\.csv, row 2"):
        to_spectra(table, Request("mine", "nm"))
    spectra, _, _ = to_spectra(table, Request("mine", "nm", wishes=Wishes(file_in_id=True)))
    assert spectra.sample_id.tolist() == [f"{tmp_path}/{year}/data/a" for year in ("2025", "2026")]


def test_tables_that_state_different_units_are_refused(tmp_path):
    for name, unit in (("jan", "nm"), ("feb", "cm-1")):
        (tmp_path / f"{name}.csv").write_text(f"sample,1100 {unit},1102 {unit},1104 {unit}\n{name},1,2,3\n")
    parts = [read_raw_table(tmp_path / name) for name in ("jan.csv", "feb.csv")]
    with pytest.raises(
        BadInputError, match=r"feb\.csv: axis unit: expected nm, as in jan\.csv, found cm-1 in the head"
    ):
        StackedTable.of(parts, Wishes())
