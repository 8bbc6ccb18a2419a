"""Which rows of a table train and which validate, with sentences that say so: `split_rows`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, DataError, TableError
from pellucid.tables.columns import content_of
from pellucid.tables.dates import as_moments, reading_of
from pellucid.tables.table import Table, shown
from pellucid.tables.targets import Target
from pellucid.tables.values import parse_numbers
from pellucid.training.folds import folds
from pellucid.training.group_split import split_groups, without_groups_of
from pellucid.training.splits import Indices, check_fraction, split, split_by_time


@dataclass(frozen=True)
class RowSplit:
    """Training and validation rows.

    Parameters
    ----------
    training, held : int64 array
        Indices into `Target.rows`, each in ascending order; a row in neither is left out.
    notes : list of str
        Sentences for the user.
    folds : list of int64 array
        Where several networks are validated in turn, the rows that validate each, of which `held` are the
        first; else `held` alone, or none.
    """

    training: Indices
    held: Indices
    notes: list[str] = field(default_factory=list)
    folds: list[Indices] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.folds and len(self.held):
            self.folds.append(self.held)


def split_rows(
    table: Table,
    target: Target,
    *,
    fraction: float | Sequence[int] = 0.2,
    n_folds: int = 1,
    group: str | None = None,
    time: str | None = None,
    reading: str = "",
    seed: int = 0,
) -> RowSplit:
    """Divide the rows that have a target.

    ===============  ===============================================================================
    nothing          at random, of each class its share
    group            at random, no value of the column on both sides; of each class about its share;
                     a row without a value is a group of its own
    time             the newest rows validate; a row without a time is left out, as it may be newer
    rows             those validate
    group and time   the newest rows validate; older rows of the groups that they are of are left out
    ===============  ===============================================================================

    With several folds, and without a time, each row validates in one of them, as the table says, see
    `training.folds`.

    Parameters
    ----------
    table : Table
        From `read_table`.
    target : Target
        From `read_target`.
    fraction : float or sequence of int
        Share of the rows that validates; 0 for none. Or the rows of the table themselves, counted from 0.
    n_folds : int
        More than 1 where several networks are validated in turn; `fraction` then says only whether.
    group, time : str, optional
        Columns of the table. A time is a date, a date with a time of day, or a number.
    reading : str
        How the texts of the time column are read, a name in `dates.READINGS`; found out unless given.
    seed : int
        Decides what is drawn.

    Raises
    ------
    TableError, ArgumentError
        If there is no such column, it is the target, or it holds no times.
    DataError
        If the groups or times leave nothing to validate on or to learn from.
    """
    if np.ndim(fraction):
        return _named_rows(
            table, target, np.asarray(fraction), has_other=group is not None or time is not None
        )
    check_fraction(fraction)
    assert isinstance(fraction, int | float)
    classes = target.values if target.classes else None
    if group is not None:
        group = _column(table, target, group, "group")
        groups = group_codes(table, group)[target.rows]
        if (groups < 0).all():
            raise TableError(f"{table.origin.name}: no row with a target has a value of the group {group!r}.")
    if time is None and n_folds > 1 and fraction > 0:
        parts = folds(len(target.rows), n_folds, classes, groups=None if group is None else groups, seed=seed)
        if parts:
            training = np.setdiff1d(np.arange(len(target.rows)), parts[0])
            notes = [] if group is None else _notes_on_folds(group, groups, len(parts))
            return RowSplit(training, parts[0], notes, parts)
    if time is None:
        if group is None:
            return RowSplit(*split(len(target.rows), classes, fraction=fraction, seed=seed))
        with _named(table, group):
            training, held = split_groups(groups, classes, fraction=fraction, seed=seed)
        return RowSplit(training, held, _notes_on_groups(group, groups, held))
    time = _column(table, target, time, "time")
    times = _times(table, time, reading)[target.rows]
    if np.isnan(times).all():
        raise TableError(f"{table.origin.name}: no row with a target has a value of the time {time!r}.")
    with _named(table, time):
        training, held = split_by_time(times, fraction=fraction)
    if not len(held):
        return RowSplit(training, held)
    notes = _notes_on_times(table, target, time, times, held)
    if group is not None:
        kept = without_groups_of(training, held, groups)
        if n_left_out := len(training) - len(kept):
            notes.append(
                f"{_rows(n_left_out)} older than these {_is(n_left_out)} left out: the same {group!r} is "
                "among the newest."
            )
        training = kept
    _check_training(table, target, training, time, group)
    return RowSplit(training, held, notes)


def _named_rows(table: Table, target: Target, rows: Array, *, has_other: bool) -> RowSplit:
    """The rows validate that the user has named."""
    if has_other:
        raise ArgumentError("validation names rows, so group and time have nothing to say: leave them out.")
    lowest, highest = (rows.min(initial=0), rows.max(initial=0)) if rows.dtype.kind in "iu" else (-1, -1)
    if rows.ndim != 1 or lowest < 0 or highest >= len(table):
        raise ArgumentError(f"validation must be a share, or rows of the table from 0 to {len(table) - 1}.")
    is_held = np.isin(target.rows, rows)
    if is_held.all() or not is_held.any():
        raise DataError(
            f"{table.origin.name}: validation names {'every row' if is_held.all() else 'no row'} with a "
            "target. Some have to train and some to validate."
        )
    return RowSplit(np.flatnonzero(~is_held), np.flatnonzero(is_held))


def _column(table: Table, target: Target, name: str, what: str) -> str:
    found = table.find(name, f"{what} column")
    if found in target.names:
        raise ArgumentError(f"{found!r} is the target, so it cannot be the {what} column too.")
    return found


@contextmanager
def _named(table: Table, column: str) -> Iterator[None]:
    """Puts table and column before the message of a DataError."""
    try:
        yield
    except DataError as error:
        raise TableError(
            f"{table.origin.name}: column {column!r}: {error} Name another column, or none."
        ) from None


def group_codes(table: Table, name: str) -> NDArray[np.int64]:
    """A number for each different value of a column; −1 where there is none."""
    import polars as pl

    column = table.column(name)
    if column.dtype.is_nested():
        raise TableError(
            f"{table.origin.name}: the group column {name!r} must hold single values, but holds "
            f"{content_of(column)}. Name another column."
        )
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    return column.rank("dense").cast(pl.Int64).fill_null(-1).to_numpy()


def _times(table: Table, name: str, reading: str) -> Array:
    """A column as numbers that grow with time; NaN where there is none."""
    import polars as pl

    column = table.column(name)
    is_text = column.dtype in (pl.String, pl.Categorical, pl.Enum)
    if is_text and not reading:
        numbers, wrong = parse_numbers(column.cast(pl.String))
        if not wrong.any():
            column, is_text = numbers, False
    if is_text or column.dtype.is_temporal():
        advice = "Correct it, or name another time column."
        how = (reading or reading_of(table, name)) if is_text else ""
        column = as_moments(table, name, how, "", advice).to_physical()
    if not column.dtype.is_numeric() and column.dtype != pl.Null:
        raise TableError(
            f"{table.origin.name}: the time column {name!r} must hold dates or numbers, but holds values of "
            f"type {column.dtype}. Name another column."
        )
    times = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.where(np.isfinite(times), times, np.nan)


def _notes_on_groups(name: str, groups: NDArray[np.int64], held: Indices) -> list[str]:
    if not len(held):
        return []
    different, n_without = np.unique(groups[groups >= 0]), int((groups < 0).sum())
    n_held = len(np.unique(groups[held][groups[held] >= 0]))
    notes = [
        f"Validated on {n_held:,} of the {len(different):,} groups of {name!r} ({_rows(len(held))}); no "
        "group is on both sides."
    ]
    if n_without:
        each = "it counts as a group of its own" if n_without == 1 else "each counts as a group of its own"
        notes.append(f"{_rows(n_without)} {_has(n_without)} no {name!r}; {each}.")
    return notes


def _notes_on_folds(name: str, groups: NDArray[np.int64], n_folds: int) -> list[str]:
    n = len(np.unique(groups[groups >= 0]))
    return [f"The {n:,} groups of {name!r} validate in {n_folds} parts; none is on both sides."]


def _notes_on_times(table: Table, target: Target, name: str, times: Array, held: Indices) -> list[str]:
    first = table.column(name)[int(target.rows[held[times[held].argmin()]])]
    newest = "row" if len(held) == 1 else "rows"
    notes = [f"Validated on the {len(held):,} newest {newest}, from {first} of {name!r} on."]
    if n_without := int(np.isnan(times).sum()):
        notes.append(
            f"{_rows(n_without)} {_has(n_without)} no {name!r} and {_is(n_without)} left out, because "
            f"{'it' if n_without == 1 else 'they'} may be newer than these."
        )
    return notes


def _check_training(table: Table, target: Target, training: Indices, time: str, group: str | None) -> None:
    """Refuse to learn from older rows that are too few, or of one class."""
    who = f"{table.origin.name}: the rows that are older by {time!r}"
    if group is not None:
        who += f" and of other groups of {group!r}"
    advice = "Validate on fewer rows, or at random."
    if len(training) < 2:
        raise DataError(f"{who} are {len(training)}, too few to learn from. {advice}")
    present = np.unique(target.values[training]) if target.classes else np.arange(2)
    if len(present) == 1:
        name = shown(target.classes[int(present[0])])
        raise DataError(f"{who} are all of one class, {name}, so there is nothing to learn. {advice}")


def _rows(n: int) -> str:
    return f"{n:,} {'row' if n == 1 else 'rows'}"


def _has(n: int) -> str:
    return "has" if n == 1 else "have"


def _is(n: int) -> str:
    return "is" if n == 1 else "are"
