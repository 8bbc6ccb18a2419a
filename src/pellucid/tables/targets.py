"""What is to be predicted: `read_target` finds out the task and takes the target out of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ArgumentError, DataError, TableError, UnknownNameError
from pellucid.tables.columns import are_single, as_numbers, content_of, kind_of
from pellucid.tables.dates import readings_of
from pellucid.tables.features import level_codes
from pellucid.tables.identifiers import LARGEST_EXACT
from pellucid.tables.table import Table, listed, shown
from pellucid.tables.values import LARGEST, category_text, in_natural_order

if TYPE_CHECKING:
    import polars as pl

Task = Literal["regression", "binary", "multiclass"]
ASKED = ("regression", "classification", "binary", "multiclass")
Class = str | int | bool | float

# Whole numbers name classes if there are so few of them, each in so many rows on average.
MOST_WHOLE_CLASSES = 10
ROWS_A_CLASS = 4

# More classes than this must have two rows each on average; else the column is text of another kind.
MANY_CLASSES = 20


@dataclass(frozen=True)
class Target:
    """The target of a table, as it was read.

    Parameters
    ----------
    names : tuple of str
        The target column, or several in multi-output regression.
    task : {"regression", "binary", "multiclass"}
        What kind of prediction it asks for.
    reason : str
        A sentence that says what was decided, why, and how to decide otherwise.
    rows : int64 array (n,)
        The rows of the table that have a target.
    n_missing : int
        The rows that have none and are left out.
    values : int32 array (n,) or float64 array (n, n_targets)
        Class indices, or numbers in their own units; of these rows.
    classes : tuple
        What the class indices stand for, in their own type; empty in regression.
    """

    names: tuple[str, ...]
    task: Task
    reason: str
    rows: NDArray[np.int64]
    n_missing: int
    values: NDArray[np.int32] | NDArray[np.float64]
    classes: tuple[Class, ...] = ()

    @property
    def notes(self) -> list[str]:
        """Sentences for the user: the decision, and rows that are left out."""
        if not self.n_missing:
            return [self.reason]
        rows = "1 row is" if self.n_missing == 1 else f"{self.n_missing} rows are"
        return [self.reason, f"{rows} left out for want of a target."]


def read_target(table: Table, target: str | Sequence[str], *, task: str | None = None) -> Target:
    """Find out what the target is, and take it out of a table.

    ==================================================  ==================
    texts, truth values, categoricals                   classification
    two different whole numbers                         classification
    up to 10 different whole numbers, each in 4 rows
    or more on average                                  classification
    any other numbers                                   regression
    several target columns                              regression
    ==================================================  ==================

    Texts of which 90 % or more are numbers are numbers, and the others are refused. Classification
    is `binary` with two classes and `multiclass` with more.

    Parameters
    ----------
    table : Table
        From `read_table`.
    target : str or sequence of str
        The target column, or several.
    task : {"regression", "classification", "binary", "multiclass"}, optional
        Overrules the table above.

    Raises
    ------
    TableError
        If there is no such column (the nearest name is offered), a number is expected and a text
        found, or a number is infinite.
    DataError
        If nothing can be learned: no row, one row, one class, one value, or a class for nearly every row.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table({"species": ["owl", "cat", None, "cat"], "mass": [2.0, 4.5, 4.1, 3.9]})
    >>> target = read_target(table, "species")
    >>> target.task, target.classes, target.values, target.rows
    ('binary', ('cat', 'owl'), array([1, 0, 0], dtype=int32), array([0, 1, 3]))
    >>> print(*target.notes, sep="\\n")
    Classification of 'species' into 2 classes (cat, owl), because it holds texts.
    1 row is left out for want of a target.
    """
    wanted = target if isinstance(target, Iterable) and not isinstance(target, str) else [target]
    names = tuple(table.find(t, "target column") for t in wanted)
    if not names or len(set(names)) != len(names):
        raise ArgumentError(f"expected one or more different target columns, but got {list(names)}.")
    if task is not None and task not in ASKED:
        raise UnknownNameError("task", task, ASKED)
    if len(names) > 1:
        if task not in (None, "regression"):
            raise ArgumentError(
                f"{task} has one target column, but got {len(names)}: {listed(names)}. Name one."
            )
        return _regression(table, names, f"Regression of {len(names)} columns: {listed(names)}.")
    if task == "regression":
        return _regression(table, names, f"Regression of {names[0]!r}, as asked.")
    if task is not None:
        return _classification(table, names[0], table.column(names[0]), task, "as asked", "")
    return _inferred(table, names[0])


def _inferred(table: Table, name: str) -> Target:
    """The target by what is in its column."""
    import polars as pl

    column = table.column(name)
    kind = kind_of(column)
    if kind == "left out":
        raise _unpredictable(table, name, column)
    if kind == "category":
        if column.dtype == pl.String and readings_of(column.drop_nulls().unique()):
            raise TableError(
                f"{table.origin.name}: column {name!r} holds dates or times, such as "
                f"{shown(column.drop_nulls()[0])}, which cannot be predicted. Predict a number made of them, "
                "such as days from a date, or pass task='classification'."
            )
        holds = {pl.String(): "texts", pl.Boolean(): "truth values"}.get(column.dtype, "categories")
        return _classification(table, name, column, None, f"because it holds {holds}", "")
    numbers = as_numbers(table, name, "Correct it, or pass task='classification'.")
    y = numbers.drop_nulls().cast(pl.Float64)
    if (y != y.floor()).any():
        return _regression(table, (name,), f"Regression of {name!r}, because it holds decimal numbers.")
    n_different = numbers.drop_nulls().n_unique()  # not y, in which large whole ones may be alike
    why = f"because it holds {n_different} different whole numbers"
    is_few = 2 < n_different <= MOST_WHOLE_CLASSES and y.len() >= ROWS_A_CLASS * n_different
    if n_different == 2 or is_few:
        column = column.set(numbers.is_null(), None)  # a text may mean a missing number
        return _classification(
            table, name, column, None, why, " Pass task='regression' to predict it as a number."
        )
    hint = "Pass task='classification' if they are the names of classes."
    return _regression(table, (name,), f"Regression of {name!r}, {why}. {hint}")


def _unpredictable(table: Table, name: str, column: pl.Series) -> TableError:
    return TableError(
        f"{table.origin.name}: column {name!r} holds {content_of(column)}, which cannot be predicted."
    )


def _classification(
    table: Table, name: str, column: pl.Series, task: str | None, why: str, hint: str
) -> Target:
    if not are_single(column.dtype):
        raise _unpredictable(table, name, column)
    if column.dtype.is_float():
        target_numbers(table, (name,), "")
    text = category_text(column)
    texts = tuple(in_natural_order(text.drop_nulls().unique().to_list()))
    n_rows = text.len() - text.null_count()
    if n_rows > 1 and len(texts) == 1:
        raise DataError(
            f"{table.origin.name}: {name!r} has only one class, {shown(texts[0])}, so there is nothing to "
            "learn. Choose another target, or give rows of other classes."
        )
    if len(texts) > max(MANY_CLASSES, n_rows / 2):
        raise DataError(
            f"{table.origin.name}: {name!r} has {len(texts)} different values in {n_rows} rows, too many to "
            "be classes. Choose another target, or pass task='regression' if they are numbers."
        )
    if task == "binary" and len(texts) != 2:
        raise DataError(
            f"{table.origin.name}: binary classification needs 2 classes, but {name!r} has {len(texts)}."
        )
    classes = tuple(_class(t, column) for t in texts)
    codes = level_codes(text, texts)
    decided: Task = "binary" if len(texts) == 2 and task != "multiclass" else "multiclass"
    reason = f"Classification of {name!r} into {len(texts)} classes ({listed(classes, 10)}), {why}.{hint}"
    target = take_target(table, (name,), decided, reason, codes >= 0, codes.astype(np.int32), classes)
    return _with_rows_enough(table, target)


def _regression(table: Table, names: tuple[str, ...], reason: str) -> Target:
    y = target_numbers(table, names, "Correct it, or pass task='classification'.")
    for name, values in zip(names, y.T, strict=True):
        _check_are_told_apart(table, name, values)
    target = take_target(table, names, "regression", reason, ~np.isnan(y).any(axis=1), y, ())
    _with_rows_enough(table, target)
    for name, values in zip(names, target.values.T, strict=True):
        if values.min() == values.max():
            raise DataError(
                f"{table.origin.name}: {name!r} is {values[0]:g} in every row, so there is nothing to learn. "
                "Choose another target, or give other rows."
            )
    return target


def _check_are_told_apart(table: Table, name: str, y: NDArray[np.float64]) -> None:
    """Refuse whole numbers most of which are the same as decimal numbers."""
    column = table.column(name)
    if column.dtype.is_integer() and np.nanmax(np.abs(y), initial=0) > LARGEST_EXACT:
        n, n_kept = column.drop_nulls().n_unique(), len(np.unique(y[~np.isnan(y)]))
        if 2 * n_kept <= n:
            raise DataError(
                f"{table.origin.name}: the {n:,} different whole numbers of {name!r} are so large that only "
                f"{n_kept:,} of them can be told apart as decimal numbers. Subtract {column.min()!r} from "
                "all."
            )


def target_numbers(table: Table, names: tuple[str, ...], advice: str) -> NDArray[np.float64]:
    """The target columns as numbers (n, n_targets), NaN where missing."""
    import polars as pl

    y = np.empty((len(table), len(names)))
    for i, name in enumerate(names):
        y[:, i] = as_numbers(table, name, advice).cast(pl.Float64).to_numpy()
        is_huge = np.abs(y[:, i]) > LARGEST
        if is_huge.any():
            row = int(is_huge.argmax())
            raise TableError(
                f"{table.origin.at(name, row)}: found {y[row, i]:g}, but a target must be finite and not "
                f"beyond {LARGEST:.0e}. Correct it, or leave it empty to leave out the row."
            )
    return y


def take_target(
    table: Table,
    names: tuple[str, ...],
    task: Task,
    reason: str,
    has_target: Any,
    values: NDArray[Any],
    classes: tuple[Class, ...],
) -> Target:
    """Values and rows where there is a target; DataError if there are none."""
    rows = np.flatnonzero(has_target)
    if not len(rows):
        raise DataError(f"{table.origin.name}: no row has a value of the target {listed(map(repr, names))}.")
    return Target(names, task, reason, rows, len(table) - len(rows), values[rows], classes)


def _with_rows_enough(table: Table, target: Target) -> Target:
    if len(target.rows) < 2:
        raise DataError(
            f"{table.origin.name} has only one row with a target, and one row is not enough to learn from. "
            "Give more rows."
        )
    return target


def _class(text: str, column: pl.Series) -> Class:
    """The class that a text stands for, in the type of the column."""
    import polars as pl

    if column.dtype == pl.Boolean:
        return text == "true"
    if not column.dtype.is_numeric():
        return text
    return float(text) if "." in text or "e" in text else int(text)
