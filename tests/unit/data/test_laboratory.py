"""One reference out of a laboratory's determinations: repeats are averaged, limits replaced as asked, both counted."""

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etalon.data.import_table import Request, import_table, to_spectra
from etalon.data.laboratory import Determined, determined
from etalon.data.raw_table import RawTable, read_raw_table
from etalon.data.references import JoinedTable, names_of
from etalon.data.table_columns import Wishes
from etalon.data.table_numbers import Beyond, parse_beyond
from etalon.errors import BadInputError

CHANNELS = "1100;1102;1104"
LIMITS = f"sample;N (%);{CHANNELS}\na;<0,5;1;2;3\nb;1,5;1;2;3\nc;> 100;1;2;3\nd;;1;2;3\ne;<=0,8;1;2;3\n"


@pytest.fixture
def read(tmp_path):
    def read(text: str, **wishes):
        (tmp_path / "mine.csv").write_text(text)
        return import_table(tmp_path / "mine.csv", Request("mine", "nm", wishes=Wishes(**wishes)))[0]

    return read


@pytest.mark.parametrize(
    ("cell", "comma", "expected"),
    [
        ("<0.5", False, Beyond(True, 0.5)),
        ("< 0,5", True, Beyond(True, 0.5)),
        ("≤0,05", True, Beyond(True, 0.05)),
        ("<= 3", False, Beyond(True, 3.0)),
        (">1e2", False, Beyond(False, 100.0)),
        ("≥ 100", True, Beyond(False, 100.0)),
        # In the other notation, where that cannot part thousands.
        ("<0,5", False, Beyond(True, 0.5)),
        ("<12.5", True, Beyond(True, 12.5)),
        ("<1,234", False, Beyond(True, None)),
        ("<1.234", True, Beyond(True, None)),
        ("<1,234", True, Beyond(True, 1.234)),
        ("<LOQ", False, Beyond(True, None)),
        ("<1e999", False, Beyond(True, None)),
        ("0.5", False, None),
        ("-", False, None),
        (0.5, False, None),
    ],
)
def test_what_a_cell_says_of_a_limit(cell, comma, expected):
    assert parse_beyond(cell, comma) == expected


@pytest.mark.parametrize(
    ("how", "values"),
    [
        ("missing", [np.nan, 1.5, np.nan, np.nan, np.nan]),
        ("half", [0.25, 1.5, 100.0, np.nan, 0.4]),  # half of a limit above would be a small value
        ("limit", [0.5, 1.5, 100.0, np.nan, 0.8]),
    ],
)
def test_what_stands_for_a_value_beyond_a_limit_is_recorded(read, how, values):
    spectra = read(LIMITS, beyond_limit=how)
    assert np.array_equal(spectra.reference[:, 0], values, equal_nan=True)
    (said,) = spectra.metadata.laboratory
    assert (said.target, said.below, said.above, said.beyond_limit) == ("N", ("a", "e"), ("c",), how)


def test_without_such_values_nothing_is_recorded(read):
    spectra = read(f"sample;N (%);{CHANNELS}\na;0,5;1;2;3\nb;;1;2;3\n", beyond_limit="half")
    assert spectra.metadata.laboratory == ()


@pytest.mark.parametrize(
    ("cell", "how", "expected", "found"),
    [
        (
            "<0,5",
            None,
            "a number (or --beyond-limit missing, half or limit, for values below or above a limit)",
            "<0,5",
        ),
        ("<LOQ", "half", "the limit as a number (or --beyond-limit missing)", "<LOQ"),
        ("<-2", "half", "a limit of which half is below it (or --beyond-limit missing or limit)", "<-2"),
    ],
)
def test_a_value_that_cannot_be_replaced_is_named_by_its_place(read, cell, how, expected, found):
    with pytest.raises(BadInputError) as caught:
        read(f"sample;N (%);{CHANNELS}\na;1,5;1;2;3\nb;{cell};1;2;3\n", beyond_limit=how)
    error = caught.value
    assert (error.field, error.expected, error.found) == ("row 3, column B ('N (%)')", expected, repr(found))


def test_an_unknown_way_is_refused(read):
    with pytest.raises(BadInputError, match="--beyond-limit: expected one of missing, half, limit, found 'zero'"):
        read(LIMITS, beyond_limit="zero")


def test_a_column_all_of_whose_values_are_missing_says_how_many_lie_beyond_a_limit(read):
    with pytest.raises(BadInputError, match=r"expected laboratory values, found none \(2 beyond a limit\)"):
        read(f"sample;N;{CHANNELS}\na;<1;1;2;3\nb;<1;1;2;3\n", targets=("N:%",), beyond_limit="missing")


def test_a_target_of_few_numbers_and_many_limits_is_one(read):
    """Not left out in silence, as a column of texts is."""
    spectra = read(f"sample;N (%);{CHANNELS}\na;<1;1;2;3\nb;<1;1;2;3\nc;2,5;1;2;3\n", beyond_limit="limit")
    assert spectra.reference[:, 0].tolist() == [1, 1, 2.5]


def test_columns_of_one_target_are_averaged_on_request(read):
    text = f"sample;N_1 (%);N_2 (%);{CHANNELS}\na;1,0;1,4;1;2;3\nb;2,0;;1;2;3\nc;;;1;2;3\n"
    assert [target.name for target in read(text).metadata.targets] == ["N_1", "N_2"]
    spectra = read(text, targets=("N_*",), average=True)
    (target,) = spectra.metadata.targets
    assert (target.name, target.analyte, target.unit) == ("N", "n", "%")
    assert np.array_equal(spectra.reference[:, 0], [1.2, 2.0, np.nan], equal_nan=True)
    with pytest.raises(BadInputError, match=r"'N_\*' and --average-duplicates say, found no --average-duplicates"):
        read(text, targets=("N_*",))
    with pytest.raises(BadInputError, match=r"expected several columns .*, found 'N_2 "):
        read(text, targets=("N_2*",), average=True)


def test_columns_of_one_header_are_averaged_on_request(read):
    text = f"sample;N (%);N (%);{CHANNELS}\na;1,0;1,4;1;2;3\nb;2,0;3,0;1;2;3\n"
    assert read(text, average=True).reference[:, 0].tolist() == [1.2, 2.5]
    with pytest.raises(BadInputError, match=r"column C \('N \(%\)'\): expected targets that occur once \(--average-"):
        read(text)


def test_columns_of_one_target_have_one_unit(read):
    text = f"sample;N 1 (%);N 2 (g/kg);{CHANNELS}\na;1,0;1,4;1;2;3\n"
    with pytest.raises(BadInputError, match=r"column C \('N 2 \(g/kg\)'\): expected the unit '%', as in column B"):
        read(text, targets=("N *",), average=True)


def test_a_pair_of_which_one_lies_beyond_a_limit(read):
    """The mean of what was measured would lie too high: the reference is missing, or the mean with what stands in."""
    text = f"sample;N 1 (%);N 2 (%);{CHANNELS}\na;0,6;<0,5;1;2;3\nb;2,0;3,0;1;2;3\n"
    wishes = {"targets": ("N *",), "average": True}
    missing, half = (read(text, beyond_limit=how, **wishes) for how in ("missing", "half"))
    assert np.array_equal(missing.reference[:, 0], [np.nan, 2.5], equal_nan=True)
    assert half.reference[:, 0].tolist() == [pytest.approx((0.6 + 0.25) / 2), 2.5]
    assert half.metadata.laboratory[0].below == ("a",)


def joined(tmp_path, rows, average=True):
    (tmp_path / "spectra.csv").write_text("sample,1100,1102,1104\na_1,1,2,3\na_2,1,2,3\nb_1,1,2,3\nc_1,1,2,3\n")
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(tmp_path / "lab.xlsx")
    table, lab = read_raw_table(tmp_path / "spectra.csv"), read_raw_table(tmp_path / "lab.xlsx")
    wishes = Wishes(scan_separator="_", average=average, beyond_limit="limit")
    table = JoinedTable.of(table, lab, names_of(table, None, None, "_"), None, repeats=average)
    return to_spectra(table, Request("mine", "nm", wishes=wishes))


LAB = [["bag", "day", "N (%)", "set"], ["a", "mo", 1.0, "cal"], ["b", "mo", 2.5, "val"], ["c", "mo", None, "cal"]]


def test_rows_of_one_name_are_averaged_on_request(tmp_path):
    rows = [*LAB, ["a", "di", 2.0, "cal"], ["a", "mi", 6.0, "cal"], ["b", "di", "<3,5", "val"]]
    spectra, table, columns = joined(tmp_path, rows)
    assert np.array_equal(spectra.reference[:, 0], [3, 3, 3, np.nan], equal_nan=True)
    assert spectra.split.tolist() == ["cal", "cal", "val", "cal"]
    assert spectra.metadata.laboratory[0].below == ("b_1",)
    found = determined(table, columns.by_target()[spectra.metadata.targets[0]], False, "limit")
    assert found.duplicates(spectra.specimen) == [[1, 2, 6]]  # once, whatever the scans; limits are no determinations
    with pytest.raises(
        BadInputError, match=r"row 5, column A \('bag'\): expected names that occur once \(--average-dup"
    ):
        joined(tmp_path, rows, average=False)


def test_rows_of_one_name_agree_in_what_is_no_number(tmp_path):
    with pytest.raises(BadInputError) as caught:
        joined(tmp_path, [*LAB, ["a", "di", 2.0, "val"]])
    assert caught.value.field == "lab.xlsx, row 5, column D ('set')"
    assert "expected 'cal', as in lab.xlsx, row 2, column D ('set') of the same name, found 'val'" in str(caught.value)


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=0, max_size=4), min_size=1, max_size=6))
def test_a_reference_is_the_mean_of_its_determinations_in_any_number_of_columns(rows):
    if not any(rows):
        return
    cells = [[*map(repr, row), *[""] * (4 - len(row))] for row in rows]
    table = RawTable("mine.csv", ["N"] * 4, cells, list(range(2, 2 + len(rows))), "comma", "point")
    found = determined(table, range(4), False)
    expected = [np.mean(row) if row else np.nan for row in rows]
    assert np.array_equal(found.values, expected, equal_nan=True)
    assert found.measured == rows


def test_determinations_of_one_specimen_count_once():
    values = np.array([1.5, 1.5, 2.0, 2.0])
    found = Determined(values, values < 0, values < 0, [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [2.0]])
    assert found.duplicates(np.array(["a", "a", "b", "c"])) == [[1.0, 2.0], [1.0, 2.0]]
