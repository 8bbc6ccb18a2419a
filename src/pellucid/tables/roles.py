"""What each column of a table is for, as asked or as found: `choose_roles`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from pellucid.errors import TableError
from pellucid.tables.columns import as_numbers, as_texts
from pellucid.tables.dates import reading_of
from pellucid.tables.finding import date, found, same_in_all, without_huge
from pellucid.tables.role import Role
from pellucid.tables.schema import Schema, Wish
from pellucid.tables.table import Table, listed, shown
from pellucid.tables.threads import in_threads
from pellucid.tables.values import truth_pair

if TYPE_CHECKING:
    import polars as pl

    from pellucid.tables.finding import Found, Rows

T = TypeVar("T")


def choose_roles(
    table: Table,
    targets: Sequence[str] = (),
    *,
    rows: Iterable[int] | None = None,
    schema: Schema | None = None,
) -> list[Role]:
    """The role of every column but the targets.

    ===============================================  =============================================
    truth values; 0 and 1; yes and no, and the like  boolean
    numbers, also as texts; durations                number
    texts of which 90 % or more are numbers or       refused: the others are probably mistakes
    dates
    dates and times, also as texts                   date
    enums; texts of a known scale; ranges            ordered
    other texts and categoricals                     category
    numbers that count the rows or name them; if     identifier
    there is no other column, they are numbers
    more than 20 texts, more than half of the        identifier, or text if they have several words
    values different, or none in 3 rows
    no value                                         empty
    one value in every row                           constant
    ===============================================  =============================================

    Parameters
    ----------
    table : Table
        All rows. Whether a column holds numbers, dates, truth values, an order or a count of the rows is
        seen in all of them.
    targets : sequence of str
        Columns that get no role.
    rows : array of int, optional
        The rows that are learned from; values are counted in these only. All, by default.
    schema : Schema, optional
        What is asked of columns.

    Returns
    -------
    list of Role
        In the order of the table.

    Raises
    ------
    TableError
        If a column that is meant to hold numbers or dates holds another text (column, line and value are
        named), or the table has no such column.
    ArgumentError
        If an argument names a target.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table({"age": [31, 40, 28], "hair": ["red", "dark", "red"], "planet": ["Earth"] * 3})
    >>> for role in choose_roles(table):
    ...     print(role.name, role.kind, "because", role.reason)
    age number because all 3 values are numbers
    hair category because it holds 2 different texts (dark, red)
    planet constant because every row has the value 'Earth'
    """
    roles: list[Role] = []
    for counts_are_numbers in (False, True):
        roles = each_role(
            table,
            targets,
            lambda role, _: role,
            rows=rows,
            schema=schema,
            counts_are_numbers=counts_are_numbers,
        )
        if any(role.is_used for role in roles):
            break
    return roles


def each_role(
    table: Table,
    targets: Sequence[str],
    use: Callable[[Role, pl.Series], T],
    *,
    rows: Iterable[int] | None,
    schema: Schema | None,
    counts_are_numbers: bool = False,
) -> list[T]:
    """What `use` makes of each role and the values of its column: numbers, moments, or as they are.

    Each column is read once, and no longer held than it is used.
    """
    import polars as pl

    wishes = (schema or Schema()).of_table(table, targets)
    chosen = None if rows is None else pl.Series(rows, dtype=pl.Int64)
    out = set(targets)

    def of_column(name: str) -> T:
        alone = Table(pl.DataFrame({name: table.column(name)}), table.origin)
        if name in wishes:
            return use(*_asked(alone, name, wishes[name], chosen))
        return use(*found(alone, name, chosen, counts_are_numbers=counts_are_numbers))

    return in_threads(of_column, (n for n in table.names if n not in out), len(table))


def _asked(table: Table, name: str, wish: Wish, rows: Rows) -> Found:
    """The role that was asked for; a column with one value in every row, or none, is left out anyway."""
    column = table.column(name)
    if wish.kind == "ignored":
        return Role(name, "ignored", wish.reason), column
    if wish.kind == "date":
        reading = wish.reading or reading_of(table, name)
        return date(table, name, reading, rows, wish.where, wish.reason)
    if wish.kind == "number":
        numbers = without_huge(as_numbers(table, name, f"Correct it, or take it out of {wish.where}."))
        nothing = same_in_all(name, numbers, rows, column)
        return nothing or Role(name, "number", wish.reason), numbers
    text = as_texts(table, name, f"Take it out of {wish.where}.")
    if nothing := same_in_all(name, text, rows, column):
        return nothing, column
    if wish.kind == "ordered":
        _check_levels(table, name, text, wish)
    elif wish.kind == "boolean":
        _check_truths(table, name, text, wish)
    return Role(name, wish.kind, wish.reason, levels=wish.levels), column


def _check_levels(table: Table, name: str, text: pl.Series, wish: Wish) -> None:
    """Refuse values that are none of the levels asked for."""
    wrong = text.is_not_null() & ~text.is_in(list(wish.levels))
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise TableError(
            f"{table.origin.at(name, row)}: found {shown(text[row])}, which is none of the levels "
            f"{listed(wish.levels)} of {wish.where}. Correct it, or add it there."
        )


def _check_truths(table: Table, name: str, text: pl.Series, wish: Wish) -> None:
    """Refuse values that are no words for true and false."""
    different = text.drop_nulls().unique()
    if truth_pair(different) is None:
        raise TableError(
            f"{table.origin.name}: column {name!r}: expected yes and no, true and false, or 1 and 0, but "
            f"found {listed(map(repr, sorted(different)), 3)}. Take it out of {wish.where}."
        )
