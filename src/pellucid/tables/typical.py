"""A typical row of a table: what explanations compare other rows with."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from pellucid.saved import Saved
from pellucid.tables.columns import as_numbers
from pellucid.tables.date_column import DateColumn
from pellucid.tables.features import Column
from pellucid.tables.table import Table
from pellucid.tables.values import LARGEST, category_text
from pellucid.training.splits import Indices

ENOUGH = 100_000  # rows that are looked at, spread evenly

Typical = dict[str, float | str]


def typical_values(table: Table, columns: Sequence[Column], rows: Indices) -> Typical:
    """The median of each column of numbers or dates, the most frequent category of each other one.

    Dates are given as texts. Missing values do not count. A median is a value of the table: the lower one of
    two in the middle.

    Parameters
    ----------
    table : Table
        Has the columns.
    columns : sequence of Column
        Those of the encoding.
    rows : int64 array
        The training rows.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.tables.encoding import TableEncoding
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table({"age": [30, None, 50, 60], "hair": ["red", "dark", "fair", "dark"]})
    >>> typical_values(table, TableEncoding.fit(table).columns, np.arange(4))
    {'age': 50.0, 'hair': 'dark'}
    """
    spread = rows[:: -(-len(rows) // ENOUGH)]
    return {c.name: (_typical(table, c, spread) or _typical(table, c, rows))[0] for c in columns}


def typical_from(value: object, columns: Sequence[Column]) -> Typical:
    """What `typical_values` gave, read from a model file; refused by a ModelFileError if it is none."""
    saved = Saved(value, "the typical row", [c.name for c in columns])
    return {
        c.name: saved.number(c.name, -LARGEST, LARGEST) if c.kind == "number" else saved.text(c.name)
        for c in columns
    }


def _typical(table: Table, column: Column, rows: Indices) -> list[Any]:
    """The typical one of the values in some rows; none where all are missing."""
    if isinstance(column, DateColumn):
        return [_written(column)]
    if column.kind == "number":
        numbers = as_numbers(table, column.name, "").gather(rows).drop_nulls()
        numbers = numbers.filter(numbers.abs() <= LARGEST).sort()
        return [float(numbers[(numbers.len() - 1) // 2])] if numbers.len() else []
    texts = category_text(table.column(column.name).gather(rows)).drop_nulls().alias("level")
    counts = texts.value_counts(name="n").sort(["n", "level"], descending=[True, False])
    return counts["level"].to_list()[:1]


def _written(column: DateColumn) -> str:
    """The median of dates or times, as any column of them understands it."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=column.median)
    if column.reading == "time":
        return moment.time().isoformat()
    return moment.date().isoformat() if moment.time() == datetime.time() else moment.isoformat(" ")
