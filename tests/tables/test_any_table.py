"""Whatever a table holds, its encoding works on whatever another table holds."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import DataError, TableError
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.features import Report
from pellucid.tables.reading import read_table
from pellucid.tables.role import USED

NUMBER = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(), st.sampled_from([0, 1, 2, 1e308, math.inf]))
WORD = st.sampled_from(
    ["red", "dark", "yes", "no", "low", "medium", "high", "S", "18-24", "25-34", "1", "NA", "é"]
)
DAY = st.dates().map(str)
KINDS: list[st.SearchStrategy[Any]] = [
    NUMBER,
    st.integers(0, 3),
    st.booleans(),
    WORD,
    st.text(max_size=5),
    DAY,
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
]
LISTS = [st.lists(st.one_of(kind, st.none()), min_size=6, max_size=6) for kind in KINDS]
ENUM = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=6, max_size=6).map(
    lambda values: pl.Series(values, dtype=pl.Enum(["c", "a", "b"]))
)
MANY = st.permutations([f"city {i % 25}" for i in range(100)])
COLUMN = st.one_of(*LISTS, ENUM)
NORMALISATION = st.sampled_from(["robust", "standard", "minmax", "none"])


@settings(deadline=None, max_examples=150)
@given(st.lists(COLUMN, min_size=1, max_size=4), st.lists(COLUMN, min_size=4, max_size=4), NORMALISATION)
def test_every_column_gets_a_role_and_any_other_table_is_encoded_or_refused_with_a_sentence(
    columns: list[Any], others: list[Any], normalisation: str
) -> None:
    table = read_table({f"c{i}": v for i, v in enumerate(columns)})
    try:
        encoding = TableEncoding.fit(table, rows=[0, 1, 2, 3, 4], normalisation=normalisation)
    except DataError:
        return
    assert [r.name for r in encoding.roles] == table.names
    assert all(r.reason for r in encoding.roles)
    assert [r.name for r in encoding.roles if r.kind in USED] == [c.name for c in encoding.columns]

    X = encoding.encode(table)
    assert (X.dtype, X.shape) == (np.float32, (6, encoding.n_features))
    assert np.isfinite(X).all()
    again = TableEncoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    assert again.feature_names == encoding.feature_names
    np.testing.assert_array_equal(again.encode(table), X)
    np.testing.assert_array_equal(encoding.encode(table, rows=[5, 2, 2]), X[[5, 2, 2]])
    assert list(encoding.describe(table, 5)) == [c.name for c in encoding.columns]

    report = Report()
    try:
        other = encoding.encode(
            read_table({f"c{i}": v for i, v in enumerate(others[: len(columns)])}), report=report
        )
    except TableError:
        return
    assert other.shape == X.shape
    assert np.isfinite(other).all()
    assert all(isinstance(note, str) for note in report.notes)


@settings(deadline=None, max_examples=60)
@given(COLUMN, st.integers(0, 5))
def test_equal_values_give_equal_features(column: Any, row: int) -> None:
    values = [*column, column[row]]
    dtype = column.dtype if isinstance(column, pl.Series) else None
    try:
        table = read_table({"c": pl.Series(values, dtype=dtype) if dtype else values, "x": range(7)})
        X = TableEncoding.fit(table).encode(table)
    except DataError:
        return
    np.testing.assert_array_equal(X[row, :-1], X[6, :-1])


@settings(deadline=None, max_examples=20)
@given(
    MANY,
    st.lists(st.one_of(st.none(), st.text(max_size=4), st.sampled_from(["city 3", "city 24"])), min_size=1),
)
def test_codes_are_whole_numbers_below_their_number(cities: list[str], new: list[str | None]) -> None:
    encoding = TableEncoding.fit(read_table({"city": cities}), rows=range(90))
    if not encoding.embedded:
        return
    (at, n_codes, name), X = encoding.embedded[0], encoding.encode(read_table({"city": new}))
    assert (at, name) == (0, "city")
    assert ((np.floor(X) == X) & (X >= 0) & (n_codes > X)).all()
    known = {c: encoding.encode(read_table({"city": [c]}))[0, 0] for c in set(cities[:90])}
    assert len(set(known.values())) == encoding.columns[0].n_levels  # type: ignore[attr-defined]
    for value, code in zip(new, X[:, 0], strict=True):
        assert code == known.get(value or "", code)


def test_dates_of_any_year() -> None:
    days = [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(2021, 3, 4)]
    X = TableEncoding.fit(read_table({"c": days})).encode(read_table({"c": days}))
    assert np.isfinite(X).all()
