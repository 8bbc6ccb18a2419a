"""What each row of a table counts: `read_weights`, and a table `without` those that count nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ArgumentError, DataError, ShapeError, TableError, UnknownNameError
from pellucid.tables.columns import as_numbers, content_of
from pellucid.tables.table import Stored, Table
from pellucid.tables.targets import Target
from pellucid.tables.values import LARGEST
from pellucid.training.data import Targets, class_factors
from pellucid.training.data import as_numbers as numbers_of
from pellucid.training.splits import Indices

if TYPE_CHECKING:
    import polars as pl

Numbers = NDArray[np.float64]


def read_weights(table: Table, weight: str | None, sample_weight: Any) -> Numbers | None:
    """The weight of each row of a table, from a column or from an array; None where neither is given.

    Parameters
    ----------
    table : Table
        From `read_table`.
    weight : str or None
        A column of numbers.
    sample_weight : array-like (n_rows,) or None
        Numbers for the rows of the table, those without a target too.

    Raises
    ------
    ArgumentError
        If both are given.
    TableError, ShapeError, DataError
        If a weight is missing, negative, infinite or no number, or all are 0; the message says where.
    """
    if weight is None and sample_weight is None:
        return None
    if weight is not None and sample_weight is not None:
        raise ArgumentError("give the weights of rows once: as the column weight, or as sample_weight.")
    weights = _given(table, sample_weight) if weight is None else _of_column(table, weight)
    if not weights.any():
        raise DataError(f"{table.origin.name}: the weights of all rows are 0, so there is nothing to learn.")
    return weights


def combined(weights: Numbers | None, class_weight: Any, target: Target, training: Indices) -> Numbers | None:
    """The weight of each row that has a target, times that of its class, of mean 1; None if all count alike.

    Parameters
    ----------
    weights : float64 array (n,) or None
        Of the rows of the target.
    class_weight : mapping of class to number, "balanced" or None
        As in `Network.fit`; balanced by the numbers of training rows.
    target : Target
        From `read_target`.
    training : int64 array
        The rows of the target that any network trains on.
    """
    if class_weight is not None:
        if not target.classes:
            raise ArgumentError(
                f"class_weight is for classes, but {target.names[0]!r} is predicted as numbers."
            )
        if isinstance(class_weight, Mapping):
            class_weight = _by_index(class_weight, target.classes)
        known = Targets(target.values, "multiclass", list(range(len(target.classes))))
        factors = class_factors(class_weight, known, training)[target.values]
        weights = factors if weights is None else weights * factors
    if weights is None:
        return None
    if not weights[training].any():
        raise DataError("the weights of all training rows are 0, so there is nothing to learn.")
    return np.asarray(weights / weights[training].mean(), np.float64)


def without(table: Table, target: str | Sequence[str], weights: Numbers) -> Table:
    """The table with no target in rows of weight 0, so that they are left out like others without one."""
    names = [target] if isinstance(target, str) else list(target)
    found = {table.find(name, "target column") for name in names}
    return table if weights.all() else Table(_Emptied(table.stored, found, weights == 0), table.origin)


@dataclass(frozen=True)
class _Emptied:
    """Columns of which some hold nothing in some rows."""

    stored: Stored
    names: set[str]
    rows: NDArray[np.bool_]

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The type of each column."""
        return self.stored.schema

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.stored.height

    def get_column(self, name: str) -> pl.Series:
        """The values of a column."""
        import polars as pl

        column = self.stored.get_column(name)
        if name not in self.names:
            return column
        kept = pl.DataFrame({"kept": pl.Series(~self.rows), "value": column.alias("value")})
        return kept.select(pl.when("kept").then(pl.col("value")))["value"].alias(column.name)


def _of_column(table: Table, name: str) -> Numbers:
    """A column of weights."""
    import polars as pl

    name = table.find(name, "weight column")
    column = table.column(name)
    if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Boolean)):
        raise TableError(
            f"{table.origin.name}: the weight column {name!r} must hold numbers, but holds "
            f"{content_of(column)}. Name another column."
        )
    numbers = as_numbers(table, name, "Correct it, or name another weight column.").cast(pl.Float64)
    weights = numbers.fill_null(float("nan")).to_numpy()
    if (row := _wrong(weights)) is not None:
        found = "no weight" if np.isnan(weights[row]) else f"{weights[row]:g}"
        raise TableError(
            f"{table.origin.at(name, row)}: found {found}, but a weight must be a finite number and not "
            "negative. Correct it; 0 leaves out the row."
        )
    return weights


def _given(table: Table, sample_weight: Any) -> Numbers:
    """An array of weights."""
    if isinstance(sample_weight, str):
        raise ArgumentError(
            f"sample_weight must be an array of numbers; pass weight={sample_weight!r} for a column."
        )
    weights = numbers_of(sample_weight, "sample_weight").astype(np.float64)
    if weights.shape != (len(table),):
        raise ShapeError(
            f"sample_weight must have a number for each of the {len(table):,} rows of {table.origin.name}, "
            f"but its shape is {weights.shape}."
        )
    if (row := _wrong(weights)) is not None:
        raise DataError(
            f"sample_weight must be finite and not negative, but holds {weights[row]:g} in row {row}."
        )
    return weights


def _wrong(weights: Numbers) -> int | None:
    """The first row whose weight is none."""
    wrong = ~((weights >= 0) & (weights <= LARGEST))
    return int(wrong.argmax()) if wrong.any() else None


def _by_index(weights: Mapping[Any, Any], classes: Sequence[Any]) -> dict[int, Any]:
    """Weights of classes by the index that the network knows them by."""
    for name in weights:
        if name not in classes:
            raise UnknownNameError("class", name, map(str, classes))
    return {classes.index(name): weight for name, weight in weights.items()}
