"""Dates as texts and as values, against Python's own datetime."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import TableError
from pellucid.tables.dates import READINGS, as_moments, moments_of, readings_of
from pellucid.tables.reading import read_table
from pellucid.tables.roles import choose_roles
from pellucid.tables.schema import Schema

FORMATS = {
    "year-month-day": "%Y-%m-%d",
    "year/month/day": "%Y/%m/%d",
    "year.month.day": "%Y.%m.%d",
    "day.month.year": "%d.%m.%Y",
    "day/month/year": "%d/%m/%Y",
    "month/day/year": "%m/%d/%Y",
    "day-month-year": "%d-%m-%Y",
    "month-day-year": "%m-%d-%Y",
    "day month year": "%d %B %Y",
    "day-month-name-year": "%d-%b-%Y",
    "month day, year": "%B %d, %Y",
    "yearmonthday": "%Y%m%d",
}
CLOCKS = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S%p"]
MOMENTS = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 31))


def test_every_reading_is_tested() -> None:
    assert {*FORMATS, "time"} == set(READINGS)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(CLOCKS), st.lists(MOMENTS, min_size=1, max_size=5))
def test_texts_are_read_as_python_reads_them(reading: str, clock: str, moments: list[dt.datetime]) -> None:
    form = FORMATS[reading] + clock
    texts = [m.strftime(form) for m in moments]
    expected = [dt.datetime.strptime(t, form) for t in texts]
    assert moments_of(pl.Series(texts), reading).to_list() == expected
    if reading != "yearmonthday":
        found = readings_of(pl.Series(texts))
        assert reading in found or moments_of(pl.Series(texts), found[0]).to_list() == expected
        assert len(found) == 1 or all(m.day <= 12 for m in moments)


def test_a_day_beyond_twelve_tells_day_and_month_apart() -> None:
    assert readings_of(pl.Series(["03/04/2021", "05/13/2021"])) == ["month/day/year"]
    assert readings_of(pl.Series(["03/04/2021", "13/05/2021"])) == ["day/month/year"]
    assert readings_of(pl.Series(["03-04-2021"])) == ["day-month-year", "month-day-year"]
    assert readings_of(pl.Series(["05/05/2021"])) == ["day/month/year"], "both ways are the same day"


@pytest.mark.parametrize(
    "texts", [["red"], ["12"], ["2021-02-30"], ["1.5.2021.7"], ["25:10"], ["555-1234"], ["0000-01-01"], []]
)
def test_what_is_no_date(texts: list[str]) -> None:
    assert readings_of(pl.Series(texts, dtype=pl.String)) == []


def test_offsets_are_brought_to_utc() -> None:
    texts = ["2021-03-04T10:00:00+02:00", "2021-03-04 10:00Z", "2021-03-04 10:00 -0130", "2021-03-04"]
    expected = [8.0, 10.0, 11.5, 0.0]
    moments = moments_of(pl.Series(texts), "year-month-day").to_list()
    assert [(m - dt.datetime(2021, 3, 4)).total_seconds() / 3600 for m in moments] == expected


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_values_with_a_zone_are_a_wall_clock(unit: Any) -> None:
    utc = [dt.datetime(2021, 7, 1, 22, 30), dt.datetime(2021, 1, 1, 22, 30), None]
    zoned = pl.Series("t", utc).dt.replace_time_zone("UTC").dt.cast_time_unit(unit)
    berlin = read_table({"t": zoned.dt.convert_time_zone("Europe/Berlin")})
    expected = [dt.datetime(2021, 7, 2, 0, 30), dt.datetime(2021, 1, 1, 23, 30), None]
    assert as_moments(berlin, "t", "year-month-day", "", "").to_list() == expected
    assert as_moments(read_table({"t": zoned}), "t", "", "Europe/Berlin", "").to_list() == expected
    assert as_moments(read_table({"t": zoned}), "t", "", "", "").to_list() == utc


def test_values_beyond_the_years_are_missing() -> None:
    days = pl.Series([2**31 - 1, -(2**31), 0], dtype=pl.Int32).cast(pl.Date)
    assert as_moments(read_table({"t": days}), "t", "", "", "").to_list() == [
        None,
        None,
        dt.datetime(1970, 1, 1),
    ]
    for unit in ("ms", "us", "ns"):
        far = pl.Series([2**62, -(2**62)]).cast(pl.Datetime(unit))  # type: ignore[arg-type]
        moments = as_moments(read_table({"t": far}), "t", "", "", "").to_list()
        years = [np.datetime64(v, unit).astype("datetime64[Y]").astype(int) + 1970 for v in (2**62, -(2**62))]
        assert [m is None for m in moments] == [not 1 <= y <= 9999 for y in years]


def test_a_wrong_date_is_named_with_its_line() -> None:
    lines = [f"2021-03-{i + 1:02},{i}" for i in range(20)]
    data = "day,x\n" + "\n".join([*lines, "soon,3"])
    with pytest.raises(TableError) as caught:
        choose_roles(read_table(io.BytesIO(data.encode())))
    assert str(caught.value) == (
        "the stream: column 'day', line 22: expected a date such as 2021-12-31, but found 'soon'. "
        "Correct it, or pass categories=['day'] to use it as categories."
    )


def test_dates_that_can_be_read_in_two_ways() -> None:
    table = read_table({"day": ["03/04/2021", "05/04/2021"], "x": [1, 2]})
    role = choose_roles(table)[0]
    assert (role.kind, role.reason) == (
        "text",
        "its dates, such as '03/04/2021', can be read as day/month/year or month/day/year; pass "
        "dates=['day=day/month/year'] or dates=['day=month/day/year'] to say how",
    )
    with pytest.raises(TableError, match=r"can be read as day/month/year or month/day/year\. Pass dates="):
        choose_roles(table, schema=Schema.of(dates=["day"]))
    for asked in (["day=month/day/year"], {"day": "month/day/year"}):
        role = choose_roles(table, schema=Schema.of(dates=asked))[0]
        assert (role.kind, role.reading, role.reason) == ("date", "month/day/year", "as asked")


def test_numbers_are_dates_if_asked() -> None:
    table = read_table({"day": [20210304, 20211231, None], "x": [1, 2, 3]})
    assert choose_roles(table)[0].kind == "number"
    role = choose_roles(table, schema=Schema.of(dates=["day"]))[0]
    assert (role.kind, role.reading) == ("date", "yearmonthday")
    moments = as_moments(table, "day", "yearmonthday", "", "").to_list()
    assert moments == [dt.datetime(2021, 3, 4), dt.datetime(2021, 12, 31), None]
    with pytest.raises(TableError, match="expected dates, but found values of type Boolean"):
        choose_roles(read_table({"day": [True, False]}), schema=Schema.of(dates=["day"]))
