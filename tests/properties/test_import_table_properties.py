"""Any table in any dialect gives its own numbers; one wrong cell is always refused by its row and column."""

import contextlib
import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from etalon.cli import main
from etalon.data.import_table import Request, import_table
from etalon.data.raw_table import column_letters
from etalon.data.table_columns import Wishes
from etalon.errors import BadInputError
from etalon.storage import load_set

LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"])
# Latin-1 letters whose bytes never make valid UTF-8: two encodings of one file cannot be told apart otherwise.
LATIN = st.sampled_from("abcXYZ019 _-.,;\"'äöüß")
WRONG = ["", "NaN", "NA", "inf", "-inf", "1e999", "text", "#DIV/0!", "1_0", "0x1F", "1.2.3", "--1", "½", "1 2"]


@dataclass(frozen=True)
class Table:
    """A table as a person may have it: the numbers that were written, and the records of the file."""

    axis: list[float]
    unit: str
    values: list[list[float]]
    protein: list[float]
    ids: list[str]
    records: list[list[str]]
    dialect: dict
    codec: str
    blank_rows: int

    def content(self) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, **self.dialect)
        writer.writerow(self.records[0])
        text.write(self.dialect["lineterminator"] * self.blank_rows)
        writer.writerows(self.records[1:])
        return text.getvalue().encode(self.codec)

    def with_cell(self, row: int, column: int, cell: str) -> "Table":
        records = [list(record) for record in self.records]
        records[row][column] = cell
        return Table(**{**vars(self), "records": records})


@st.composite
def tables(draw):
    delimiter = draw(st.sampled_from(",;\t"))
    comma = delimiter != "," and draw(st.booleans())
    codec = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    letters = LATIN if codec == "latin-1" else LETTERS
    unit = draw(st.sampled_from(["nm", "cm-1"]))
    low, high = (780, 2500) if unit == "nm" else (4000, 12000)
    n_channels, n_rows = draw(st.integers(3, 9)), draw(st.integers(1, 5))
    digits = draw(st.integers(0, 3))
    steps = st.lists(
        st.integers(low * 10**digits, high * 10**digits), min_size=n_channels, max_size=n_channels, unique=True
    )
    axis = sorted((step / 10**digits for step in draw(steps)), reverse=draw(st.booleans()))
    # Six digits behind the comma are never taken for thousands.
    notation = draw(st.sampled_from(["{:.6f}", "{:.6e}", "{:+.7f}"]))

    def written(number: float, form: str = notation) -> str:
        text = form.format(number)
        return text.replace(".", ",") if comma else text

    numbers = st.floats(-3.0, 3.0).map(lambda number: float(notation.format(number)))
    values = draw(
        st.lists(st.lists(numbers, min_size=n_channels, max_size=n_channels), min_size=n_rows, max_size=n_rows)
    )
    protein = draw(st.lists(st.one_of(st.just(float("nan")), numbers), min_size=n_rows, max_size=n_rows))
    protein[0] = 1.5
    names = st.text(letters, min_size=1).map(str.strip).filter(bool)
    ids = draw(st.lists(names, min_size=n_rows, max_size=n_rows, unique=True))
    head = draw(st.sampled_from(["{}", "X{}", "wl_{}", f"{{}} {unit}"]))
    at_end = draw(st.booleans())
    header = [head.format(written(channel, f"{{:.{digits}f}}")) for channel in axis]
    records = [["sample", "protein", *header] if not at_end else ["sample", *header, "protein"]]
    for name, target, row in zip(ids, protein, values, strict=True):
        target_cell = draw(st.sampled_from(["", "NA", "NaN"])) if np.isnan(target) else written(target)
        cells = [written(number) for number in row]
        records.append([name, target_cell, *cells] if not at_end else [name, *cells, target_cell])
    if draw(st.booleans()):  # a delimiter at the end of every line
        records = [[*record, ""] for record in records]
    dialect = {
        "delimiter": delimiter,
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n"])),
    }
    return Table(axis, unit, values, protein, ids, records, dialect, codec, draw(st.integers(0, 2)))


@contextlib.contextmanager
def file_of(table: Table):
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # away from the repository's catalogue
        path = Path(folder) / "mine.csv"
        path.write_bytes(table.content())
        yield path


def check(spectra, table: Table) -> None:
    wavelengths = np.array(table.axis) if table.unit == "nm" else 1e7 / np.array(table.axis)
    order = np.argsort(wavelengths)
    assert np.array_equal(spectra.wavelengths, wavelengths[order])
    assert np.array_equal(spectra.intensities, np.array(table.values, dtype=np.float32)[:, order])
    assert np.array_equal(spectra.reference[:, 0], table.protein, equal_nan=True)
    assert spectra.sample_id.tolist() == table.ids


@given(tables())
@settings(deadline=None)
def test_a_table_in_any_dialect_gives_its_numbers(table):
    with file_of(table) as path:
        request = Request("mine", table.unit, wishes=Wishes(targets=("protein:%",)))
        spectra, _, columns = import_table(path, request)
    check(spectra, table)
    assert columns.left_out == []


@given(tables())
@settings(deadline=None, max_examples=25)
def test_the_command_writes_the_numbers_that_it_read(table):
    with file_of(table) as path, contextlib.redirect_stdout(io.StringIO()):
        out = path.parent / "out"
        arguments = [str(path), "--id", "mine", "--axis-unit", table.unit, "--target", "protein:%", "--out", str(out)]
        with pytest.raises(SystemExit) as left:
            main(["import", *arguments])
        assert left.value.code in (0, None)
        assert [entry.name for entry in out.iterdir()] == ["mine"]
        check(load_set(out / "mine"), table)


@given(tables(), st.data())
@settings(deadline=None, max_examples=200)
def test_one_wrong_cell_is_named_and_nothing_is_written(table, data):
    row = data.draw(st.integers(1, len(table.values)))
    channels = [column for column, header in enumerate(table.records[0]) if header not in ("sample", "protein", "")]
    column = data.draw(st.sampled_from(channels))
    cell = data.draw(st.sampled_from(["" if word == "½" and table.codec == "latin-1" else word for word in WRONG]))
    with file_of(table.with_cell(row, column, cell)) as path:
        out = path.parent / "out"
        arguments = [str(path), "--id", "mine", "--axis-unit", table.unit, "--target", "protein:%", "--out", str(out)]
        with pytest.raises(SystemExit) as left, contextlib.redirect_stderr(io.StringIO()) as stderr:
            main(["import", *arguments])
        assert left.value.code == 2
        message = stderr.getvalue()
        place = f"row {row + 1 + table.blank_rows}, column {column_letters(column)} ({table.records[0][column]!r})"
        assert message.startswith(f"error: {path}: {place}: expected ")
        assert message.count("\n") == 1
        assert [entry.name for entry in path.parent.iterdir()] == ["mine.csv"]


@given(tables(), st.data())
@settings(deadline=None)
def test_a_row_with_a_cell_too_few_or_too_many_is_named(table, data):
    row = data.draw(st.integers(1, len(table.values)))
    records = [list(record) for record in table.records]
    if data.draw(st.booleans()):
        del records[row][1 : 3 + data.draw(st.integers(0, 1))]
    else:
        records[row].extend(["1", "2"])
    message = rf": row {row + 1 + table.blank_rows}: expected \d+ cells"
    with file_of(Table(**{**vars(table), "records": records})) as path, pytest.raises(BadInputError, match=message):
        import_table(path, Request("mine", table.unit, wishes=Wishes(targets=("protein:%",))))


@given(tables())
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_an_excel_sheet_gives_its_numbers(table):
    assume(not any(name.startswith("=") for name in table.ids))  # openpyxl would write a formula
    workbook = openpyxl.Workbook()
    workbook.active.append(["protein", "sample", *table.axis])
    for name, target, row in zip(table.ids, table.protein, table.values, strict=True):
        workbook.active.append([None if np.isnan(target) else target, name, *row])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.xlsx"
        workbook.save(path)
        spectra, _, _ = import_table(path, Request("mine", table.unit, wishes=Wishes(targets=("protein:%",))))
    check(spectra, table)


@given(tables(), st.data(), st.sampled_from([".csv", ".xlsx"]))
@settings(deadline=None)
def test_whatever_the_bytes_it_ends_in_a_set_or_in_one_line(table, data, suffix):
    """Bytes lost, repeated, or not a table at all."""
    content = table.content()
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    content = content[:start] + data.draw(st.binary(max_size=20) | st.just(content[start:stop] * 2)) + content[stop:]
    with file_of(table) as path, contextlib.redirect_stderr(io.StringIO()) as stderr:
        path = path.rename(path.with_suffix(suffix))
        path.write_bytes(content)
        with pytest.raises(SystemExit) as left, contextlib.redirect_stdout(io.StringIO()):
            main(
                [
                    "import",
                    str(path),
                    "--id",
                    "mine",
                    "--axis-unit",
                    table.unit,
                    "--target",
                    "protein:%",
                    "--out",
                    "out",
                ]
            )
        if left.value.code:
            assert left.value.code == 2
            assert stderr.getvalue().startswith(f"error: {path}: ")
            assert stderr.getvalue().count("\n") == 1
            assert not Path("out").exists()
        else:
            load_set("out/mine")
