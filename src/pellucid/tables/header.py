"""The first line of a text table, and what stands in it or below it that is no data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pellucid.errors import TableError
from pellucid.tables.distinct import numbered
from pellucid.tables.table import listed, nameless, shown

if TYPE_CHECKING:
    import polars as pl

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
ADVICE = "Put a line with the names of the columns first."

# What begins a line below the data that sums them up.
SUMS = {"total", "totals", "grand total", "subtotal", "sum", "average", "mean"}
SUMS |= {"gesamt", "summe", "insgesamt", "mittelwert", "durchschnitt"}


def column_names(fields: Sequence[str], place: str) -> list[str]:
    """The names in a header, stripped; a column without one is called by its number.

    Parameters
    ----------
    fields : sequence of str
        What stands in the line.
    place : str
        File and line, to begin a message with.

    Raises
    ------
    TableError
        If a name stands twice, or the names are numbers as in a row.
    """
    names = [f.strip() or f"column {i}" for i, f in enumerate(fields, 1)]
    decimals = [n for n in names if NUMBER.fullmatch(n) and not n.isdecimal()]
    if decimals:
        raise TableError(
            f"{place}: expected the names of the columns, but found the number {decimals[0]!r}, so the table "
            f"probably has no header. {ADVICE}"
        )
    first: dict[str, int] = {}
    for i, column in enumerate(names, 1):
        if column in first:
            hint = f"Rename one of them, or, if the table has no header: {ADVICE[0].lower()}{ADVICE[1:]}"
            raise TableError(
                f"{place}: the column name {shown(column)} stands twice, in columns {first[column]} and {i}. "
                f"{hint if _is_like_data(names) else 'Rename one of them.'}"
            )
        first[column] = i
    whole = [int(n) for n in names if n.isdecimal()]
    if len(whole) == len(names) > 1 and whole != sorted(whole) and whole != sorted(whole, reverse=True):
        raise TableError(
            f"{place}: expected the names of the columns, but found the numbers {listed(whole, 5)}, so the "
            f"table probably has no header. {ADVICE}"
        )
    return names


def _is_like_data(names: Sequence[str]) -> bool:
    """Whether names repeat themselves as values do."""
    return 2 * len(set(names)) <= len(names) or any(n.isdecimal() for n in names)


def refuse_what_is_no_row(frame: pl.DataFrame, name: str, line: int, place: Callable[[int], str]) -> None:
    """Refuse a table whose header is a row, or whose rows hold the header again or a sum at the end.

    Parameters
    ----------
    frame : polars.DataFrame
        The typed columns.
    name : str
        What to call the table.
    line : int
        The line of the header.
    place : callable
        From a row to words.

    Raises
    ------
    TableError
        The message names the line.
    """
    import polars as pl

    names = [n for n, dtype in frame.schema.items() if dtype == pl.String]
    columns = numbered([frame[n] for n in names])
    rows = columns.select(pl.col(str(i)).index_of(n) for i, n in enumerate(names)).row(0) if names else ()
    again = {n: int(row) for n, row in zip(names, rows, strict=True) if row is not None}
    for row in set(again.values()) if frame.width > 1 else ():
        if all(str(v) == n for n, v in zip(frame.columns, frame.row(row), strict=True)):
            raise TableError(
                f"{name}, {place(row)}: the header stands here again. Take the line out, or give the files "
                "that were joined one by one."
            )
    has_numbers = any(n.isdecimal() for n in frame.columns)
    if again and (has_numbers or 2 * len(again) >= max(frame.width, 4)):
        column, row = next(iter(again.items()))
        raise TableError(
            f"{name}, line {line}: expected the names of the columns, but found {shown(column)}, which is a "
            f"value of this column in {place(row)} too, so the table probably has no header. {ADVICE}"
        )
    values = zip(frame.columns, frame.row(-1), strict=True)
    first, begin = next(((n, v) for n, v in values if v is not None), ("", None))
    is_sum = isinstance(begin, str) and begin.strip(": ").casefold() in SUMS
    if is_sum and frame.width > 1 and nameless(frame[first]).index_of(begin) == frame.height - 1:
        raise TableError(
            f"{name}: column {first!r}, {place(frame.height - 1)}: the last line begins with {begin!r}, so "
            "it sums up the others and is no row. Take it out."
        )
