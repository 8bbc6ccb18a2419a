"""Puts predictions beside the columns of a table, none of which is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pellucid.tables.table import Table
from pellucid.tables.values import within_calendar

if TYPE_CHECKING:
    import polars as pl


def beside(table: Table, added: Mapping[str, Any]) -> tuple[pl.DataFrame, list[str]]:
    """The table with columns added; a column of its own that has such a name is kept as `NAME_input`."""
    import polars as pl

    names, notes, kept = {*table.names, *added}, [], []
    for name in table.names:
        column = within_calendar(table.column(name)).alias(name)
        if name in added:
            free = f"{name}_input"
            while free in names:
                free += "_"
            names.add(free)
            column = column.alias(free)
            notes.append(f"Column {name!r} of {table.origin.name} is kept as {free!r}.")
        kept.append(column)
    return pl.DataFrame([*kept, *(pl.Series(n, values) for n, values in added.items())]), notes


def missing(table: Table, columns: Iterable[str]) -> list[str]:
    """A sentence for each of some columns that has missing values."""
    counts = {name: table.column(name).null_count() for name in columns}
    return [
        f"Column {name!r}: {n} {'value is' if n == 1 else 'values are'} missing."
        for name, n in counts.items()
        if n
    ]
