"""Two columns of a table as the axes of a surface, and the rows in which only these two change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import ArgumentError, DataError, UnknownNameError
from pellucid.plots.surface import Axis, Points
from pellucid.tables.columns import as_numbers, as_texts
from pellucid.tables.features import Column
from pellucid.tables.table import Table
from pellucid.tables.targets import Target
from pellucid.tables.values import in_natural_order

if TYPE_CHECKING:
    import polars as pl

MOST_LEVELS = 30  # of a category on an axis; the most frequent of more


def axis_of(table: Table, name: str, columns: Sequence[Column]) -> Axis:
    """One of the two columns of a surface as an axis.

    Raises
    ------
    UnknownNameError
        If the model has no such column.
    ArgumentError
        If it holds neither numbers nor categories.
    """
    known = {column.name: column for column in columns}
    if name not in known:
        raise UnknownNameError("column of the model", name, known)
    kind = known[name].kind
    if kind == "date":
        raise ArgumentError(
            f"a surface needs columns of numbers or categories, but {name!r} holds dates or times."
        )
    if kind == "number":
        return Axis.of_numbers(name, _floats(as_numbers(table, name, "Correct it.")))
    text = as_texts(table, name, "Correct it.").drop_nulls().alias("level")
    if text.is_empty():
        raise DataError(f"column {name!r} of {table.origin.name} holds no value, so it makes no axis.")
    counts = text.value_counts(name="n").sort(["n", "level"], descending=[True, False])
    levels = counts["level"].to_list()[:MOST_LEVELS]
    ranked = getattr(known[name], "levels", ()) if kind == "ordered" else in_natural_order(levels)
    return Axis.of_levels(name, [level for level in ranked if level in levels])


def cross(row: dict[str, Any], x: Axis, y: Axis) -> pl.DataFrame:
    """A row for each place of the grid: x runs within y; the other columns are those of the row."""
    import polars as pl

    n_x, n_y = len(x.grid), len(y.grid)
    columns = {name: pl.Series([value]).new_from_index(0, n_x * n_y) for name, value in row.items()}
    columns[x.name] = _places(x).gather(np.tile(np.arange(n_x), n_y))
    columns[y.name] = _places(y).gather(np.repeat(np.arange(n_y), n_x))
    return pl.DataFrame(columns)


def points_of(table: Table, target: Target, x: Axis, y: Axis) -> Points:
    """The rows that have a target, on the two axes."""
    true = np.asarray(target.values)
    places = [_on_axis(table, axis)[target.rows] for axis in (x, y)]
    return Points(places[0], places[1], true if true.ndim == 1 else true[:, 0])


def _on_axis(table: Table, axis: Axis) -> Any:
    if not axis.levels:
        return _floats(as_numbers(table, axis.name, "Correct it."))
    index = {level: float(i) for i, level in enumerate(axis.levels)}
    return np.array([index.get(v, np.nan) for v in as_texts(table, axis.name, "Correct it.").to_list()])


def _places(axis: Axis) -> pl.Series:
    import polars as pl

    return pl.Series(list(axis.levels) if axis.levels else axis.grid)


def _floats(values: pl.Series) -> Any:
    import polars as pl

    return np.asarray(values.cast(pl.Float64).to_numpy(), np.float64)
