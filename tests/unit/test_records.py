"""Records have exactly the columns and types in which stages meet."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etalon.errors import BadInputError
from etalon.records import METRIC_COLUMNS, PREDICTION_COLUMNS, as_records, concatenate

COLUMNS = [pytest.param(PREDICTION_COLUMNS, id="predictions"), pytest.param(METRIC_COLUMNS, id="metrics")]


def types(table: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in table.dtypes.items()}


@pytest.mark.parametrize("columns", COLUMNS)
def test_columns_stand_in_their_order_and_types(columns):
    reversed_order = list(columns)[::-1]
    rows = pd.DataFrame({name: ["x"] if columns[name] == "category" else [1] for name in reversed_order})
    table = as_records(rows, columns)
    assert types(table) == columns
    assert list(table) == list(columns)


@pytest.mark.parametrize("columns", COLUMNS)
def test_what_is_absent_is_blank(columns):
    table = as_records(pd.DataFrame({"dataset": ["corn_m5", "tecator"]}), columns)
    assert types(table) == columns
    blank = {"category": "", "int32": -1, "bool": False}
    for name, dtype in columns.items():
        if name == "dataset":
            assert table[name].tolist() == ["corn_m5", "tecator"]
        elif dtype == "float64":
            assert table[name].isna().all()
        else:
            assert table[name].tolist() == [blank[dtype]] * 2


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("rows", [pd.DataFrame(), pd.DataFrame({"dataset": []})], ids=["nothing", "no rows"])
def test_no_rows_keep_the_types(columns, rows):
    assert types(as_records(rows, columns)) == columns
    assert len(as_records(rows, columns)) == 0
    assert types(concatenate([rows], columns)) == columns
    assert types(concatenate([], columns)) == columns


@pytest.mark.parametrize("columns", COLUMNS)
def test_an_unknown_column_is_named(columns):
    with pytest.raises(BadInputError) as caught:
        as_records(pd.DataFrame({"datset": ["a"], "dataset": ["a"]}), columns, where="scores.json")
    assert (caught.value.where, caught.value.field) == ("scores.json", "datset")


def test_rows_are_counted_anew():
    rows = pd.DataFrame({"dataset": ["a", "b"], "value": [1.0, 2.0]}, index=[7, 7])
    table = as_records(rows, METRIC_COLUMNS)
    assert table.index.tolist() == [0, 1]
    assert table["value"].tolist() == [1.0, 2.0]


def test_the_rows_given_are_not_changed():
    rows = pd.DataFrame({"dataset": ["a"]})
    as_records(rows, METRIC_COLUMNS)
    assert list(rows) == ["dataset"]


def test_missing_cells_are_blank_as_missing_columns_are():
    rows = pd.DataFrame(
        {"fold": [0.0, np.nan], "dataset": ["a", None], "value": [np.nan, 1.0], "synthetic": [True, None]}
    )
    table = as_records(rows, METRIC_COLUMNS)
    assert types(table) == METRIC_COLUMNS
    assert table["fold"].tolist() == [0, -1]
    assert table["dataset"].tolist() == ["a", ""]
    assert table["synthetic"].tolist() == [True, False]
    assert np.array_equal(table["value"], [np.nan, 1.0], equal_nan=True)


@pytest.mark.parametrize("cell", ["first", 2**31])
def test_what_is_no_number_of_its_type_is_no_silent_blank(cell):
    with pytest.raises((ValueError, OverflowError)):
        as_records(pd.DataFrame({"fold": [0, cell]}), METRIC_COLUMNS)


names = st.lists(st.sampled_from(["corn_m5", "tecator", "süß", ""]), max_size=4)


@given(st.lists(names, max_size=4))
@settings(deadline=None)
def test_all_rows_of_all_tables_in_their_order(parts):
    tables = [
        as_records(pd.DataFrame({"dataset": part, "row": range(len(part))}), PREDICTION_COLUMNS) for part in parts
    ]
    together = concatenate(tables, PREDICTION_COLUMNS)
    assert types(together) == PREDICTION_COLUMNS
    assert together["dataset"].tolist() == [name for part in parts for name in part]
    assert together["row"].tolist() == [row for part in parts for row in range(len(part))]
    assert set(together["dataset"].cat.categories) == {name for part in parts for name in part}


def test_records_survive_parquet(tmp_path):
    table = as_records(pd.DataFrame({"dataset": ["a", "b"], "value": [1.0, np.nan]}), METRIC_COLUMNS)
    table.to_parquet(tmp_path / "metrics.parquet", index=False)
    back = as_records(pd.read_parquet(tmp_path / "metrics.parquet"), METRIC_COLUMNS)
    pd.testing.assert_frame_equal(back, table)
