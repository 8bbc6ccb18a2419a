"""What a column holds, and how it is read as numbers or as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.errors import TableError
from pellucid.tables.table import Table, shown
from pellucid.tables.values import MOSTLY_NUMBERS, category_text, parse_numbers

if TYPE_CHECKING:
    import polars as pl


def as_numbers(table: Table, name: str, advice: str) -> pl.Series:
    """A column as numbers, without its name; null where missing. Durations are counted in seconds.

    Raises
    ------
    TableError
        If a value is no number; its line and the advice are given.
    """
    import polars as pl

    column = table.column(name)
    if column.dtype.is_numeric():
        return column
    if column.dtype in (pl.Boolean, pl.Null):
        return column.cast(pl.Float64)
    if isinstance(column.dtype, pl.Duration):
        per_second = {"ms": 1e3, "us": 1e6, "ns": 1e9}[column.dtype.time_unit]
        return column.to_physical().cast(pl.Float64) / per_second
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise TableError(
            f"{table.origin.name}: column {name!r}: expected numbers, but found {content_of(column)}. "
            f"{advice}"
        )
    text = column.cast(pl.String)
    values, wrong = parse_numbers(text)
    if wrong.any():
        row = int(wrong.arg_true()[0])
        place = table.origin.at(name, row)
        raise TableError(f"{place}: expected a number, but found {shown(text[row])}. {advice}")
    return values


def as_texts(table: Table, name: str, advice: str) -> pl.Series:
    """A column as the names of categories, without its name; null where missing.

    Raises
    ------
    TableError
        If each of its values is more than one, such as a list, or bytes; the advice is given.
    """
    column = table.column(name)
    if not are_single(column.dtype):
        raise TableError(
            f"{table.origin.name}: column {name!r}: expected single values, but found {content_of(column)}. "
            f"{advice}"
        )
    return category_text(column)


def are_single(dtype: pl.DataType) -> bool:
    """Whether values of a type are single ones that have a text: no lists, no records, no bytes."""
    import polars as pl

    return not (dtype.is_nested() or dtype == pl.Binary)


def kind_of(column: pl.Series) -> str:
    """`number`, `category` or `left out` (dates and times), by what a column holds."""
    import polars as pl

    if column.dtype.is_numeric() or isinstance(column.dtype, pl.Duration):
        return "number"
    if column.dtype in (pl.Boolean, pl.Categorical, pl.Enum, pl.Null):
        return "category"
    if column.dtype != pl.String:
        return "left out"
    if column.cast(pl.Float64, strict=False).null_count() == column.len():
        return "category"  # so are nearly all columns of texts
    values, wrong = parse_numbers(column)
    n_numbers = values.len() - values.null_count()
    n_wrong = int(wrong.sum())
    return "number" if n_numbers and n_numbers >= MOSTLY_NUMBERS * (n_numbers + n_wrong) else "category"


def content_of(column: pl.Series) -> str:
    """What a column holds, in words."""
    return "dates or times" if column.dtype.is_temporal() else f"values of type {column.dtype}"
