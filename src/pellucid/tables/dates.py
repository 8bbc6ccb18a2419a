"""Dates and times, also written as texts, to moments: `as_moments`.

A moment is a date and a time of a wall clock, without a zone. Times with an offset (`+02:00`, `Z`) are
brought to UTC, and those beside them without one are taken to be in UTC; those of a data frame with a zone
are brought to the zone of the training. A time alone is a moment of 1970-01-01.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pellucid.errors import TableError
from pellucid.tables.table import Table, shown
from pellucid.tables.values import (
    DAY,
    FIRST,
    LAST,
    MISSING_AMONG_NUMBERS,
    MOSTLY_NUMBERS,
    category_text,
    within_calendar,
)

if TYPE_CHECKING:
    import polars as pl

# Ways to write a date: what it looks like, and how polars is told to read it.
READINGS: dict[str, tuple[str, str]] = {
    "year-month-day": (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    "year/month/day": (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    "year.month.day": (r"\d{4}\.\d{1,2}\.\d{1,2}", "%Y.%m.%d"),
    "day.month.year": (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    "day/month/year": (r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y"),
    "month/day/year": (r"\d{1,2}/\d{1,2}/\d{4}", "%m/%d/%Y"),
    "day-month-year": (r"\d{1,2}-\d{1,2}-\d{4}", "%d-%m-%Y"),
    "month-day-year": (r"\d{1,2}-\d{1,2}-\d{4}", "%m-%d-%Y"),
    "day month year": (r"\d{1,2} [[:alpha:]]{3,9} \d{4}", "%d %B %Y"),
    "day-month-name-year": (r"\d{1,2}-[[:alpha:]]{3,9}-\d{4}", "%d-%B-%Y"),
    "month day, year": (r"[[:alpha:]]{3,9} \d{1,2}, \d{4}", "%B %d, %Y"),
    "yearmonthday": (r"\d{8}", "%Y%m%d"),
    "time": ("", ""),
}
ISO = "year-month-day"
ONLY_ASKED = ("yearmonthday",)  # else it is a number

CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?"
OFFSET = r" ?(Z|[+-]\d{2}:?\d{2})"
FORMS = (" %H:%M:%S%.f", " %H:%M", " %I:%M:%S%.f %p", " %I:%M %p")
LIKELY = re.compile(r"\d{1,4}[-/.: ]|[^\W\d]{3,9} \d")  # how all of them begin

SAMPLE = 100  # values by which it is found out whether a column may hold dates at all


def readings_of(text: pl.Series) -> list[str]:
    """The ways to read texts as dates that fit most of them: all those that fit as many as the best.

    Several are left where day and month could change places. The best fits at least 90 % of the texts, so
    those that it does not fit are probably mistakes.

    Examples
    --------
    >>> import polars as pl
    >>> readings_of(pl.Series(["2021-03-04"])), readings_of(pl.Series(["3/4/2021", "3/31/2021"]))
    (['year-month-day'], ['month/day/year'])
    >>> readings_of(pl.Series(["03/04/2021"])), readings_of(pl.Series(["red"]))
    (['day/month/year', 'month/day/year'], [])
    """
    if not any(LIKELY.match(value) for value in text[:SAMPLE] if value is not None):
        return []
    values = _without_missing(text).drop_nulls()
    sample = values.head(SAMPLE)
    found = []
    for reading in READINGS:
        n_fit = int(sample.str.contains(_pattern(reading)).sum())
        if reading not in ONLY_ASKED and n_fit and n_fit >= MOSTLY_NUMBERS * sample.len() - 1:
            moments = moments_of(values, reading)
            found.append((values.len() - moments.null_count(), reading, moments))
    best = max((count for count, *_ in found), default=0)
    if not best or best < MOSTLY_NUMBERS * values.len():
        return []
    alike = [(reading, moments) for count, reading, moments in found if count == best]
    is_one = all(moments.equals(alike[0][1]) for _, moments in alike)
    return [reading for reading, _ in (alike[:1] if is_one else alike)]


def reading_of(table: Table, name: str) -> str:
    """The way to read a column that holds dates; empty where it needs none, as it is no text.

    Raises
    ------
    TableError
        If day and month could change places.
    """
    import polars as pl

    column = table.column(name)
    if column.dtype.is_numeric():
        return "yearmonthday"
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return "time" if column.dtype == pl.Time else ""
    different = category_text(column).drop_nulls().unique()
    readings = readings_of(different)
    if len(readings) > 1:
        ways, asked = ways_to_say(name, readings)
        raise TableError(
            f"{table.origin.name}: column {name!r}: dates such as {shown(different.min())} can be read as "
            f"{ways}. Pass {asked}."
        )
    is_compact = different.str.contains(r"^\d{8}$").all()
    return readings[0] if readings else "yearmonthday" if is_compact else ISO


def ways_to_say(name: str, readings: list[str]) -> tuple[str, str]:
    """In words: the ways to read a column, and what to pass for each."""
    asked = [f"dates={[f'{name}={reading}']}" for reading in readings]
    return " or ".join(readings), f"{' or '.join(asked)} to say how"


def moments_of(text: pl.Series, reading: str) -> pl.Series:
    """Texts as moments by one way to read them; null where a text cannot be read so."""
    import polars as pl

    plain = text.set(~text.str.contains(_pattern(reading)).fill_null(True), None)
    moments = pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, text.len())
    has_offset = plain.str.contains(rf"{CLOCK}{OFFSET}$")
    form = READINGS[reading][1]
    if reading == "time":
        form, plain = "%Y-%m-%d", "1970-01-01 " + plain
    forms = ["", *FORMS]
    if has_offset.any():
        forms = [*(clock + "%#z" for clock in FORMS), *forms]
        plain = plain.str.replace(" (Z|[+-][0-9:]+)$", "${1}")
    plain = plain.str.replace(r"(\d)T(\d)", "${1} ${2}")
    some = plain.drop_nulls().head(SAMPLE)
    for clock in sorted(
        forms, key=lambda clock: some.str.to_datetime(form + clock, strict=False).null_count()
    ):
        left = moments.is_null() & plain.is_not_null()
        if not left.any():
            break
        rest = plain if left.all() else plain.set(~left, None)
        read = rest.str.to_datetime(form + clock, strict=False, time_unit="us")
        moments = read.dt.replace_time_zone(None).zip_with(left, moments)
    return moments.set(~moments.to_physical().is_between(FIRST, LAST), None)


def as_moments(table: Table, name: str, reading: str, zone: str, advice: str) -> pl.Series:
    """A column as moments, without its name; null where missing, and beyond the years 1 to 9999.

    Parameters
    ----------
    table : Table
        The table.
    name : str
        One of its columns: of dates, times or both, or of texts or whole numbers that are read.
    reading : str
        How texts are read, a name in `READINGS`; `ISO` is understood besides.
    zone : str
        Whose wall clock counts where a column has a zone; empty for the column's own.
    advice : str
        What to do, for the message.

    Raises
    ------
    TableError
        If a value is no date; its line and the advice are given.
    """
    import polars as pl

    column = table.column(name)
    if column.dtype == pl.Null:
        return column.cast(pl.Datetime("us"))
    if column.dtype == pl.Time:
        if reading != "time":
            raise TableError(
                f"{table.origin.name}: column {name!r}: expected dates, but found times alone. {advice}"
            )
        return (column.to_physical() // 1000).cast(pl.Datetime("us"))
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        moments = _typed(column, zone)
        return _of_day(moments) if reading == "time" else moments
    if not (column.dtype in (pl.String, pl.Categorical, pl.Enum) or column.dtype.is_numeric()):
        raise TableError(
            f"{table.origin.name}: column {name!r}: expected dates, but found values of type {column.dtype}. "
            f"{advice}"
        )
    text = _without_missing(category_text(column))
    moments = moments_of(text, reading)
    wrong = moments.is_null() & text.is_not_null()
    if wrong.any() and reading not in ("time", ISO):
        moments = moments.zip_with(~wrong, moments_of(text, ISO))
        wrong = moments.is_null() & text.is_not_null()
    if wrong.any():
        row = int(wrong.arg_true()[0])
        expected = "a time such as 14:30" if reading == "time" else f"a date such as {example_of(reading)}"
        raise TableError(
            f"{table.origin.at(name, row)}: expected {expected}, but found {shown(text[row])}. {advice}"
        )
    return moments


def example_of(reading: str) -> str:
    """How 31 December 2021 is written.

    Examples
    --------
    >>> example_of("day.month.year"), example_of("month day, year")
    ('31.12.2021', 'December 31, 2021')
    """
    import datetime

    return datetime.date(2021, 12, 31).strftime(READINGS[reading][1])


def _pattern(reading: str) -> str:
    if reading == "time":
        return f"^{CLOCK}$"
    return f"^{READINGS[reading][0]}([T ]{CLOCK}({OFFSET})?)?$"


def _without_missing(text: pl.Series) -> pl.Series:
    """Texts, null where they mean a missing value among dates."""
    return text.set(text.str.to_lowercase().is_in(MISSING_AMONG_NUMBERS).fill_null(False), None)


def _typed(column: pl.Series, zone: str) -> pl.Series:
    """Dates, or dates with times, as moments."""
    import polars as pl

    moments = within_calendar(column).cast(pl.Datetime("us"))
    if own := getattr(column.dtype, "time_zone", None):
        local = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone or own)
        moments = local.dt.replace_time_zone(None)
    return moments


def _of_day(moments: pl.Series) -> pl.Series:
    """The time of the day, as a moment of 1970-01-01."""
    import polars as pl

    return (moments.to_physical() % DAY).cast(pl.Datetime("us"))
