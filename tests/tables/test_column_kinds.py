"""Features of each kind of column, against a second, slow encoding in plain Python."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pellucid.errors import TableError
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.features import Report
from pellucid.tables.reading import read_table

rng = np.random.default_rng(0)
EPOCH = dt.datetime(1970, 1, 1)


def encode(column: list[Any], new: list[Any] | None = None, **options: Any) -> tuple[list[str], np.ndarray]:
    """Names and features of one column."""
    encoding = TableEncoding.fit(read_table({"c": column}), normalisation="none", **options)
    again = TableEncoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    X = again.encode(read_table({"c": column if new is None else new}))
    return encoding.feature_names, X


def waves(share: float) -> list[float]:
    return [math.sin(2 * math.pi * share), math.cos(2 * math.pi * share)]


def slow_date(moment: dt.datetime, origin: dt.date, parts: str) -> list[float]:
    """Features of a date: m(onth), d(ay of the month), w(eek), h(our), y(ear), p(assed)."""
    month_after = (moment.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    n_days = (month_after.date() - moment.date().replace(day=1)).days
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    values = {
        "m": waves((moment.month - 1) / 12),
        "d": waves((moment.day - 1) / n_days),
        "w": waves(moment.weekday() / 7),
        "h": waves((moment - midnight) / dt.timedelta(days=1)),
        "y": [moment.year],
        "p": [(moment - dt.datetime.combine(origin, dt.time())) / dt.timedelta(days=1)],
    }
    return [v for part in parts for v in values[part]]


def test_dates_with_times() -> None:
    moments = [EPOCH + dt.timedelta(seconds=int(s)) for s in rng.integers(10**9, 2 * 10**9, 60)]
    origin = min(moments).date()
    expected = [slow_date(m, origin, "mdwhyp") for m in moments]
    for column in (
        moments,
        [m.isoformat() for m in moments],
        [m.strftime("%d.%m.%Y %H:%M:%S") for m in moments],
    ):
        names, X = encode(column)
        np.testing.assert_allclose(X, expected, rtol=1e-6, atol=1e-6)
        assert names == [
            "c: month (sine)", "c: month (cosine)",
            "c: day of the month (sine)", "c: day of the month (cosine)",
            "c: day of the week (sine)", "c: day of the week (cosine)",
            "c: hour (sine)", "c: hour (cosine)",
            "c: year", f"c: days since {origin}",
        ]  # fmt: skip


def test_only_parts_that_vary() -> None:
    firsts = [dt.date(2021, m, 1) for m in range(1, 13)]
    names, X = encode(firsts)
    assert [n.split(" (")[0] for n in names[::2]] == [
        "c: month",
        "c: day of the week",
        "c: days since 2021-01-01",
    ]
    slow = [slow_date(dt.datetime.combine(d, dt.time()), firsts[0], "mwp") for d in firsts]
    np.testing.assert_allclose(X, slow, rtol=1e-6, atol=1e-6)


def test_times_alone() -> None:
    times = [dt.time(9, 30), dt.time(0, 0), dt.time(23, 59, 59)]
    expected = [[*waves(h / 24), h] for h in (9.5, 0, 24 - 1 / 3600)]
    for column in (times, ["9:30", "00:00:00", "11:59:59 PM"]):
        names, X = encode(column)
        assert names == ["c: hour (sine)", "c: hour (cosine)", "c: hours since midnight"]
        np.testing.assert_allclose(X, expected, rtol=1e-6, atol=1e-6)
    _, X = encode(times, [dt.datetime(2021, 5, 6, 9, 30)])
    np.testing.assert_allclose(X, expected[:1], rtol=1e-6, atol=1e-6)


def test_missing_dates() -> None:
    days = ["2021-01-05", None, "2021-03-09", "2022-07-11"]
    names, X = encode(days)
    assert names[-1] == "c is missing"
    middle = slow_date(dt.datetime(2021, 3, 9), dt.date(2021, 1, 5), "yp")
    np.testing.assert_allclose(X[1], [0] * 6 + middle + [1], rtol=1e-6)
    encoding = TableEncoding.fit(read_table({"c": [d for d in days if d], "x": [1.5, 2.5, 3.5]}))
    report = Report()
    X = encoding.encode(read_table({"c": [None, "2021-03-09"], "x": [1, 1]}), report=report)
    np.testing.assert_array_equal(X[0, :6], 0)
    np.testing.assert_array_equal(X[0, 6:], X[1, 6:])
    assert report.missing == {"c": (1, "the median, at no time of a year, month, week or day")}


def test_dates_of_another_zone_or_form_mean_the_same() -> None:
    utc = pl.Series([dt.datetime(2021, 7, 1, 22), dt.datetime(2021, 1, 1, 5)]).dt.replace_time_zone("UTC")
    berlin = utc.dt.convert_time_zone("Europe/Berlin")
    encoding = TableEncoding.fit(read_table({"c": berlin}))
    X = encoding.encode(read_table({"c": utc}))
    np.testing.assert_array_equal(encoding.encode(read_table({"c": berlin})), X)
    local = [dt.datetime(2021, 7, 2, 0), dt.datetime(2021, 1, 1, 6)]
    np.testing.assert_array_equal(encoding.encode(read_table({"c": local})), X)
    np.testing.assert_array_equal(encoding.encode(read_table({"c": [t.isoformat() for t in local]})), X)
    with pytest.raises(TableError, match=r"expected a date such as 2021-12-31, but found 'soon'"):
        encoding.encode(read_table({"c": ["soon"]}))
    with pytest.raises(TableError, match=r"expected dates, but found times alone"):
        encoding.encode(read_table({"c": [dt.time(3)]}))


SIZES = ["S", "M", "L", "XL"]


@pytest.mark.parametrize(
    "column",
    [
        ["L", "S", "XL", "M", "S"],
        pl.Series(["L", "S", "XL", "M", "S"], dtype=pl.Enum(["XS", *SIZES])),
        pd.Series(pd.Categorical(["L", "S", "XL", "M", "S"], categories=SIZES, ordered=True)),
    ],
    ids=["texts", "polars", "pandas"],
)
def test_ordered(column: Any) -> None:
    encoding = TableEncoding.fit(read_table({"size": column}))
    assert encoding.feature_names == ["size ≥ M", "size ≥ L", "size ≥ XL"]
    ranks = [2, 0, 3, 1, 0]
    expected = [[1 if rank > step else -1 for step in range(3)] for rank in ranks]
    np.testing.assert_array_equal(encoding.encode(read_table({"size": column})), expected)
    report = Report()
    X = encoding.encode(read_table({"size": ["XXL", None, "M"]}), report=report)
    np.testing.assert_array_equal(X, [[0, 0, 0], [0, 0, 0], [1, -1, -1]])
    assert report.unseen == {"size": (1, "XXL", "none")}
    assert report.missing == {"size": (1, "none of its categories")}


def test_ordered_as_asked() -> None:
    column = ["b", None, "a", "c"]
    names, X = encode(column, ordered={"c": ["c", "a", "b", "z"]})
    assert names == ["c ≥ a", "c ≥ b", "c ≥ z", "c is missing"]
    np.testing.assert_array_equal(X, [[1, 1, -1, 0], [0, 0, 0, 1], [1, -1, -1, 0], [-1, -1, -1, 0]])
    names, X = encode([3, 1, 2.0], ordered={"c": [1, 2.0, 3]})
    assert names == ["c ≥ 2", "c ≥ 3"]
    np.testing.assert_array_equal(X, [[1, 1], [-1, -1], [1, -1]])


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ([True, False, None], "c = true"),
        ([1, 0, None], "c = 1"),
        ([1.0, 0.0, math.nan], "c = 1"),
        (["Yes", "no", None], "c = yes"),
        (["T", "f", "NA"], "c = t"),
        (["on", "OFF", ""], "c = on"),
    ],
)
def test_boolean(column: list[Any], name: str) -> None:
    names, X = encode(column)
    assert names == [name, "c is missing"]
    np.testing.assert_array_equal(X, [[1, 0], [-1, 0], [0, 1]])
    for new in ([True, False, None], [1, 0, None], [1.0, 0.0, None], ["TRUE", "No", None], ["1", "0", "NA"]):
        np.testing.assert_array_equal(encode(column, new)[1], X)
    np.testing.assert_array_equal(encode(column, ["maybe"])[1], [[0, 0]])


def test_durations_are_seconds() -> None:
    names, X = encode([dt.timedelta(hours=1), dt.timedelta(milliseconds=250)])
    assert names == ["c"]
    np.testing.assert_array_equal(X, [[3600], [0.25]])


def test_a_row_in_the_words_of_the_table() -> None:
    columns = {
        "age": [30, 41, 52],
        "height": [1.7123456, None, 1.9],
        "hair": ["red", None, "dark"],
        "size": ["S", "M", "L"],
        "born": ["2021-03-04", "2022-05-06", "2023-07-08"],
        "married": [True, False, True],
    }
    table = read_table(columns)
    encoding = TableEncoding.fit(table)
    assert list(encoding.describe(table, 0).values()) == [
        "age = 30", "height = 1.71235", "hair = red", "size = S", "born = 2021-03-04", "married = true",
    ]  # fmt: skip
    assert encoding.describe(table, 1)["height"] == "height is missing"
    assert encoding.describe(read_table({"age": [1]}), 0)["hair"] == "hair is missing"
    assert [encoding.feature_names[i] for i in encoding.spans["hair"]] == ["hair = red", "hair is missing"]
    flat = [i for span in encoding.spans.values() for i in span]
    assert flat == list(range(encoding.n_features))
