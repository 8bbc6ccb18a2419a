"""Columns that number or name the rows, and so say nothing of a new one: `numbering`, `naming`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# Fewer rows than these may all be different by chance, or for the reason that they are an example.
LEAST_ROWS = 20

LARGEST_EXACT = 2**53  # whole numbers beyond it are not all numbers of 64 bits

NAMES = {
    "id", "ids", "uid", "uuid", "guid", "key", "pk", "index", "idx", "nr", "no", "row", "rownames",
    "rownum", "serial", "identifier", "unnamed",
}  # fmt: skip
TIMES = {
    "year", "month", "week", "day", "date", "time", "hour", "minute", "second", "quarter", "age", "t",
    "step", "epoch", "period", "timestamp",
}  # fmt: skip


def words_of(name: str) -> set[str]:
    """The words in the name of a column.

    Examples
    --------
    >>> sorted(words_of("PassengerId")), sorted(words_of("row_no.2")), sorted(words_of("userID"))
    (['id', 'passenger'], ['no', 'row'], ['id', 'user'])
    """
    return {w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def sounds_like_one(name: str) -> bool:
    """Whether the name of a column says that it numbers or names something."""
    return bool(words_of(name) & NAMES) or re.fullmatch(r"column \d+", name) is not None


def numbering(name: str, values: pl.Series) -> str:
    """Why a column of whole numbers is an identifier; empty where it is none.

    It is one if its numbers are all different, none is missing, and

    - they count the rows one by one from 0 or 1, and the name says nothing of time, or
    - the name says that it is one (`id`, `no`, ...), or
    - they are too large to be numbers that are measured (hashes).

    Numbers that are all different are no more than that by themselves: prices are, too.

    Parameters
    ----------
    name : str
        The column.
    values : polars.Series
        Its numbers in all rows, of any numeric type.

    Examples
    --------
    >>> import polars as pl
    >>> numbering("nr", pl.Series(range(7, 107)))
    'its whole numbers are all different, and its name says that it is one'
    >>> numbering("x", pl.Series(range(1, 101)))
    'it counts the rows from 1 to 100'
    >>> numbering("price", pl.Series(range(7, 107))), numbering("day", pl.Series(range(1, 101)))
    ('', '')
    """
    import polars as pl

    n = values.len()
    if n < LEAST_ROWS or values.null_count() or len(set(values[:LEAST_ROWS])) < LEAST_ROWS:
        return ""
    if not values.dtype.is_integer():
        whole = values[:LEAST_ROWS].cast(pl.Int64, strict=False)
        if not (whole == values[:LEAST_ROWS]).all():
            return ""  # as a rule there is no need to look further
        whole = values.cast(pl.Int64, strict=False)
        if whole.null_count() or not (whole.cast(pl.Float64) == values.cast(pl.Float64)).all():
            return ""
        values = whole
    first, last = int(values[0]), int(values[-1])
    rises_by_one = last - first == n - 1 and bool((values.diff().drop_nulls() == 1).all())
    if rises_by_one and first in (0, 1) and not words_of(name) & TIMES:
        return f"it counts the rows from {first} to {last}"
    is_named, is_large = sounds_like_one(name), int(values.max()) > LARGEST_EXACT  # type: ignore[arg-type]
    if not (is_named or is_large) or values.n_unique() < n:
        return ""
    if is_large:
        return "its whole numbers are all different and too large to be measured"
    return "its whole numbers are all different, and its name says that it is one"
