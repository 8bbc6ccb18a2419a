"""The role of a column by what is in it: `found`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.tables.columns import are_single, as_numbers, content_of, kind_of
from pellucid.tables.dates import SAMPLE, as_moments, readings_of, ways_to_say
from pellucid.tables.identifiers import numbering, sounds_like_one
from pellucid.tables.role import Role
from pellucid.tables.scales import in_order
from pellucid.tables.table import Table, listed, shown
from pellucid.tables.values import (
    LARGEST,
    are_all_good,
    are_whole,
    category_text,
    in_natural_order,
    level_counts,
    truth_pair,
    without_missing,
)

if TYPE_CHECKING:
    import polars as pl

    Found = tuple[Role, pl.Series]
    Rows = pl.Series | None

# Texts that are (nearly) all different say nothing of a new row: names, numbers of orders, free text.
MANY_CATEGORIES = 20
MOSTLY_DIFFERENT = 0.5
WORDS_OF_TEXT = 2  # on average, from which texts are no identifiers

# Levels in fewer training rows than these are pooled. Measured with 50 to 500 levels: where levels explain
# most of the variance, pooling those with 3 or 4 rows too makes the error 4 to 8 % larger; where they
# explain little, it makes it 1 % smaller.
LEAST_ROWS = 3

# So few different whole numbers, each in so many rows on average, may be the names of something.
FEW_NUMBERS = 10
ROWS_A_NUMBER = 4


def found(table: Table, name: str, rows: Rows, *, counts_are_numbers: bool = False) -> Found:
    """The role of a column, and its values as its kind has them: numbers, moments, or as they are.

    Parameters
    ----------
    table : Table
        Has the column.
    name : str
        The column.
    rows : polars.Series of int, or None
        The rows in which values are counted; None for all.
    counts_are_numbers : bool
        Whether whole numbers that count the rows are used.

    Raises
    ------
    TableError
        If it holds a few texts among numbers or dates.
    """
    import polars as pl

    column = table.column(name)
    if kind_of(column) == "number":
        advice = f"Correct it, or pass categories=[{name!r}] to use it as categories."
        numbers = without_huge(as_numbers(table, name, advice))
        what = "durations, counted in seconds" if isinstance(column.dtype, pl.Duration) else "numbers"
        nothing = same_in_all(name, numbers, rows, column)
        return nothing or _number(name, numbers, of_rows(numbers, rows), what, counts_are_numbers), numbers
    if column.dtype.is_temporal():
        return date(table, name, "time" if column.dtype == pl.Time else "", rows)
    if not are_single(column.dtype):
        return Role(name, "ignored", f"it holds {content_of(column)}, which no network takes in"), column
    text = category_text(column)
    if nothing := same_in_all(name, text, rows, column):
        return nothing, column
    seen = of_rows(text, rows)
    different = without_missing(text.unique())
    if column.dtype == pl.Boolean:
        return Role(name, "boolean", f"it holds truth values{_missing(seen)}"), column
    if pair := truth_pair(different):
        return Role(name, "boolean", f"it says {pair[0]} or {pair[1]}{_missing(seen)}"), column
    readings = readings_of(different)
    if len(readings) == 1:
        return date(table, name, readings[0], rows)
    if readings:
        ways, asked = ways_to_say(name, readings)
        reason = f"its dates, such as {shown(different.min())}, can be read as {ways}; pass {asked}"
        return Role(name, "text", reason), column
    return _of_texts(name, column, seen, different), column


def date(table: Table, name: str, reading: str, rows: Rows, wanted: str = "", reason: str = "") -> Found:
    """The role of a column of dates or times, as found or, with its place and a reason, as wanted."""
    column = table.column(name)
    instead = f"take it out of {wanted}" if wanted else f"pass categories=[{name!r}] to use it as categories"
    moments = as_moments(table, name, reading, "", f"Correct it, or {instead}.")
    if nothing := same_in_all(name, moments, rows, column):
        return nothing, column
    seen = of_rows(moments, rows)
    is_read = not column.dtype.is_temporal() and reading != "time"
    what = "times" if reading == "time" else f"dates, read as {reading}" if is_read else "dates"
    n = seen.len() - seen.null_count()
    reason = reason or f"all {n:,} values are {what}{_missing(seen)}"
    if column.dtype.is_temporal() and (n_beyond := moments.null_count() - column.null_count()):
        reason += f"; {n_beyond:,} beyond the years 1 to 9999 count as missing"
    return Role(name, "date", reason, reading=reading), moments


def same_in_all(name: str, values: pl.Series, rows: Rows, column: pl.Series) -> Role | None:
    """The role of a column that has no value, or one in every row; of its values as they are used."""
    seen = of_rows(values, rows)
    n_missing = seen.null_count()
    if n_missing == seen.len():
        return Role(name, "empty", _why_empty(values, column))
    if not n_missing and seen[0] == seen[-1] and seen.min() == seen.max():
        is_whole = not values.null_count() and values.min() == values.max()
        which = "row" if is_whole else "row that is learned from"
        return Role(name, "constant", f"every {which} has the value {shown(seen[0])}")
    return None


def _why_empty(values: pl.Series, column: pl.Series) -> str:
    if values.null_count() < values.len():
        return "it has no values in the rows that are learned from"
    if column.null_count() < column.len():
        if column.dtype.is_numeric():
            return f"its numbers are infinite or beyond {LARGEST:.0e}"
        if column.dtype.is_temporal():
            return "its dates are beyond the years 1 to 9999"
    return "it has no values"


def without_huge(numbers: pl.Series) -> pl.Series:
    """Numbers, null where they are infinite or beyond what counts as a number."""
    is_good = are_all_good(numbers) or numbers.null_count() == numbers.len()
    return numbers if is_good else numbers.set(numbers.abs() > LARGEST, None)


def of_rows(values: pl.Series, rows: Rows) -> pl.Series:
    """Some values, or all."""
    return values if rows is None else values.gather(rows)


def _number(name: str, numbers: pl.Series, seen: pl.Series, what: str, counts_are_numbers: bool) -> Role:
    """The role of numbers: they may also be truth values, or count the rows."""
    may_be = {*numbers[:SAMPLE]} <= {0, 1, None}  # as a rule there is no need to look further
    if may_be and numbers.min() == 0 and numbers.max() == 1 and are_whole(without_missing(numbers)):
        return Role(name, "boolean", f"it holds 0 and 1 only{_missing(seen)}")
    counts, question = numbering(name, numbers), ""
    if counts and not counts_are_numbers:
        return Role(name, "identifier", counts)
    values = without_missing(seen)
    is_whole = are_whole(values)
    n_different = values.n_unique() if is_whole and len(set(values[:SAMPLE])) <= FEW_NUMBERS else SAMPLE
    if counts:
        question = f"it is used as a number, but {counts}; there is no other column to learn from"
    elif is_whole and sounds_like_one(name):
        question = (
            "it is used as a number, but its name says that it names something; "
            f"if so, pass ignore=[{name!r}], or categories=[{name!r}] where the same ones come again"
        )
    elif 2 < n_different <= FEW_NUMBERS and values.len() >= ROWS_A_NUMBER * n_different:
        question = (
            f"it is used as a number, but holds {n_different} different whole numbers only; "
            f"if they are names of something, pass categories=[{name!r}]"
        )
    return Role(name, "number", f"all {values.len():,} values are {what}{_missing(seen)}", question)


def _of_texts(name: str, column: pl.Series, seen: pl.Series, different: pl.Series) -> Role:
    """The role of other texts: ordered, categories, or left out because they say nothing of a new row."""
    import polars as pl

    counts = level_counts(seen)
    n, n_different, missing = seen.len() - seen.null_count(), len(counts), _missing(seen)
    if 1 < n_different <= MANY_CATEGORIES:
        if isinstance(column.dtype, pl.Enum):
            order, reason = tuple(column.dtype.categories), "its type has an order"
        else:
            order, reason = in_order(different) if different.len() <= MANY_CATEGORIES else ((), "")
        if order:
            levels = tuple(level for level in order if level in counts)
            return Role(name, "ordered", reason + missing, levels=levels)
    if n_different > max(MANY_CATEGORIES, MOSTLY_DIFFERENT * n):
        return _left_out(name, seen, f"{n_different:,} of its {n:,} values are different")
    if n_different >= MANY_CATEGORIES and max(counts.values()) < LEAST_ROWS:
        reason = f"none of its {n_different:,} different values is in {LEAST_ROWS} rows or more"
        return _left_out(name, seen, reason)
    some = f" ({listed(in_natural_order(list(counts)), 5)})" if n_different <= 5 else ""
    what = ("text", "texts") if column.dtype == pl.String else ("category", "categories")
    many = f"one {what[0]}" if n_different == 1 else f"{n_different:,} different {what[1]}"
    return Role(name, "category", f"it holds {many}{some}{missing}", counts=counts)


def _left_out(name: str, seen: pl.Series, reason: str) -> Role:
    words = 1 + float(seen.str.count_matches(r"\s+").mean())  # type: ignore[arg-type]
    if words < WORDS_OF_TEXT:
        return Role(name, "identifier", reason)
    return Role(name, "text", f"{reason}, with {words:.1f} words on average")


def _missing(seen: pl.Series) -> str:
    """What a reason says of missing values."""
    n = seen.null_count()
    return f"; {n:,} {'is' if n == 1 else 'are'} missing" if n else ""
