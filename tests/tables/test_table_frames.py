"""Data frames of every library and dicts of columns."""

from __future__ import annotations

import datetime
import decimal
import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import TableError
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.reading import read_table
from pellucid.tables.table import Table

COLUMNS = {
    "whole": [1, 2, 3],
    "decimal": [0.5, None, float("nan")],
    "text": [" red", None, "n/a"],
    "truth": [True, False, True],
}
ROWS = [(1, 0.5, "red", True), (2, None, None, False), (3, None, None, True)]


@pytest.mark.parametrize(
    "make",
    [dict, pl.DataFrame, lambda c: pl.LazyFrame(c), pd.DataFrame, pa.table, lambda c: read_table(c)],
    ids=["dict", "polars", "lazy", "pandas", "pyarrow", "table"],
)
def test_every_library_gives_the_same_table(make: object) -> None:
    table = read_table(make(COLUMNS))  # type: ignore[operator]
    assert table.frame.rows() == ROWS
    assert table.frame.columns == list(COLUMNS)


def test_pandas_types() -> None:
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "truth": pd.array([True, None, False], dtype="boolean"),
            "string": pd.array(["a", None, " b"], dtype="string"),
            "object": np.array([1, "a", None], dtype=object),
            "numbers": np.array([1, None, 2.5], dtype=object),
            "texts": pd.Categorical(["u", "v", None]),
            "codes": pd.Categorical([10, 2, 10]),
            "small": np.array([1, 2, 3], dtype=np.uint8),
            "half": np.array([1, 2, 3], dtype=np.float16),
            "date": pd.to_datetime(["2020-01-01"] * 3),
            7: [decimal.Decimal("1.5")] * 3,
        },
        index=[9, 9, 9],
    )
    table = read_table(frame).frame
    assert table["nullable"].to_list() == [1, None, 3]
    assert table["truth"].to_list() == [True, None, False]
    assert table["string"].to_list() == ["a", None, "b"]
    assert table["object"].to_list() == ["1", "a", None]
    assert table["numbers"].to_list() == [1.0, None, 2.5]
    assert table["texts"].dtype == table["codes"].dtype == pl.Categorical
    assert table["texts"].to_list() == ["u", "v", None]
    assert table["codes"].to_list() == ["10", "2", "10"]
    assert table["small"].to_list() == table["half"].to_list() == [1, 2, 3]
    assert table["date"].dtype.is_temporal()
    assert table["7"].cast(pl.Float64).to_list() == [1.5] * 3


def test_pyarrow_dictionary_and_decimal() -> None:
    arrow = pa.table({"c": pa.array(["x", None]).dictionary_encode(), "d": [decimal.Decimal("1.5")] * 2})
    table = read_table(arrow).frame
    assert table["c"].dtype == pl.Categorical
    assert table["c"].to_list() == ["x", None]
    assert table["d"].to_list() == [1.5, 1.5]


def test_lists_and_records_are_no_texts() -> None:
    columns = {"l": [[1], None, [2, 3]], "t": [(1, 2), (3, 4), None], "r": [{"k": 1}, None, {"k": 2}]}
    arrow = pa.table({"l": columns["l"], "t": [[1, 2], [3, 4], None], "r": columns["r"]})
    for source in (columns, pd.DataFrame(columns), arrow, arrow.to_pandas()):
        table = read_table(source)
        assert [dtype.is_nested() for dtype in table.schema.values()] == [True] * 3
        assert table.frame.rows() == [
            ([1], [1, 2], {"k": 1}),
            (None, [3, 4], None),
            ([2, 3], None, {"k": 2}),
        ]


def test_whole_numbers_of_pandas_beside_missing_ones_stay_whole() -> None:
    large = 2**62 + 1
    arrow = pd.array([large, None], "int64[pyarrow]")
    frame = pd.DataFrame({"n": pd.array([large, None], "Int64"), "a": arrow})
    assert read_table(frame).frame.rows() == [(large, large), (None, None)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5, None], [1.0, 2.5, None]),
        ([np.float32(3), "q"], ["3.0", "q"]),
        ([2**200, 1], [float(2**200), 1.0]),
        ([10**400, -(10**400)], [np.inf, -np.inf]),
        ([1, "a", None], ["1", "a", None]),
        (["a", float("nan"), pd.NA], ["a", None, None]),
        ([1, pd.NA], [1, None]),
        ([{"k": 1}, [2]], ["{'k': 1}", "[2]"]),
        ([b"x", b"y"], ["b'x'", "b'y'"]),
        (["\ud800x", "b"], ["?x", "b"]),
        ([datetime.date(2020, 1, 1), "x"], ["2020-01-01", "x"]),
        ([decimal.Decimal("1.5"), decimal.Decimal("sNaN"), 2], [1.5, None, 2.0]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([1, 2], dtype=">i4"), [1, 2]),
        (np.array([1.5, np.nan], dtype=">f8"), [1.5, None]),
        (np.array([1.5, 2], dtype=np.longdouble), [1.5, 2.0]),
        (np.arange(6)[::2], [0, 2, 4]),
        (np.array([True, False]), [True, False]),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), [datetime.date(2020, 1, 1)]),
        (np.array(["2020-01-01", "NaT"], dtype="datetime64[ns]"), [datetime.datetime(2020, 1, 1), None]),
        (np.array(["2020-01-01"], dtype="datetime64[s]"), [datetime.datetime(2020, 1, 1)]),
        (np.array([90], dtype="timedelta64[m]"), [datetime.timedelta(minutes=90)]),
        (pd.Series(pd.to_datetime(["2020-01-01", None])), [datetime.datetime(2020, 1, 1), None]),
        (pd.Index(["u", "v"]), ["u", "v"]),
        (pd.Series([1, 2]), [1, 2]),
        (range(2), [0, 1]),
        ((True, None), [True, None]),
    ],
    ids=str,
)
def test_columns_of_mixed_values_lose_none(values: object, expected: list[object]) -> None:
    assert read_table({"v": values}).frame["v"].to_list() == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (5, "expected a table .* but got int '5'"),
        (None, "expected a table"),
        ([1, 2], "expected a table"),
        (np.zeros((2, 2)), "expected a table .* but got ndarray"),
        ({}, "the table has no columns"),
        (pd.DataFrame(), "the data frame has no columns"),
        ({"a": []}, "the table has columns, but no rows"),
        ({"a": [1, 2], "b": [1]}, "column 'a' has 2 values, but column 'b' has 1"),
        ({"a": 1}, "column 'a' must be a list"),
        ({"a": np.zeros((2, 2))}, r"column 'a' must be a list, .* but is an array of shape \(2, 2\)"),
        ({"a": [1], " a ": [2]}, "more than one column 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Expected unique column names"),
        (pl.DataFrame({"a": [1], "a ": [2]}), "more than one column 'a'"),
    ],
    ids=lambda v: None if isinstance(v, str) else type(v).__name__,
)
def test_what_is_no_table_is_refused(source: object, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(source)


def test_rows_of_a_frame_are_counted_from_zero() -> None:
    frame = pd.DataFrame({"x": [str(i) for i in range(30)], "y": range(30)})
    frame.loc[17, "x"] = "abc"
    with pytest.raises(
        TableError, match=r"the data frame: column 'x', row 17 \(counted from 0\): expected a number"
    ):
        TableEncoding.fit(read_table(frame), "y")


def test_numbers_as_texts_in_a_frame_stay_texts_but_are_used_as_numbers() -> None:
    table = read_table({"x": ["1", "2", "10"], "y": [1, 2, 3]})
    assert table.frame["x"].to_list() == ["1", "2", "10"]
    encoding = TableEncoding.fit(table, "y", normalisation="none")
    np.testing.assert_array_equal(encoding.encode(table), [[1], [2], [10]])


def test_frames_are_not_modified() -> None:
    ours = pl.DataFrame({" a": [" x"]})
    theirs = pd.DataFrame({" a": [" x"]})
    read_table(ours), read_table(theirs)
    assert ours.rows() == [(" x",)] == [tuple(theirs.iloc[0])]
    assert ours.columns == [" a"] == list(theirs.columns)


def test_file_and_frame_encode_alike() -> None:
    frame = pd.DataFrame(
        {
            "age": [31.0, np.nan, 28.0, 40.0],
            "hair": ["red", None, "dark", "fair"],
            "ok": [True, False, True, False],
        }
    )
    frame["y"] = [1.5, 2.5, 3.5, 4.5]
    file = read_table(io.BytesIO(frame.to_csv(index=False).encode()))
    encoding = TableEncoding.fit(file, "y")
    np.testing.assert_array_equal(encoding.encode(read_table(frame)), encoding.encode(file))
    assert encoding.encode(read_table(frame.iloc[:, ::-1])).tolist() == encoding.encode(file).tolist()


NUMBER = [st.booleans(), st.integers(), st.floats(), st.decimals(allow_nan=False), st.just(1j)]
TIME = [st.dates(), st.datetimes(), st.just(datetime.timedelta(1))]
OTHER = [st.none(), st.text(max_size=4), st.binary(max_size=2), st.just(object()), st.lists(st.none())]
MISSING = ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "?")
VALUE = st.one_of(*NUMBER, *TIME, *OTHER)


@settings(deadline=None, max_examples=150)
@given(st.lists(VALUE, min_size=1, max_size=5))
def test_whatever_a_column_holds_it_is_read_or_refused(values: list[object]) -> None:
    try:
        table = read_table({"v": values})
    except TableError:
        return
    assert isinstance(table, Table)
    assert len(table) == len(values)
    kept = [v for v in values if v is not None and v == v]
    texts_of_missing = sum(isinstance(v, str) and v.strip().casefold() in MISSING for v in kept)
    assert table.frame["v"].count() >= len(kept) - texts_of_missing
