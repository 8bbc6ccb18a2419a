"""What each column is for: `choose_roles`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pellucid.errors import ArgumentError, TableError
from pellucid.tables.table import Table, shown
from pellucid.tables.values import LARGEST, MOSTLY_NUMBERS, category_text, parse_numbers

if TYPE_CHECKING:
    import polars as pl

# Texts that are (nearly) all different say nothing of a new row: names, numbers of orders, free text.
MANY_CATEGORIES = 20
MOSTLY_DIFFERENT = 0.5


@dataclass(frozen=True)
class Role:
    """What a column is for.

    Parameters
    ----------
    name : str
        The column.
    kind : {"number", "category", "left out"}
        How it is encoded.
    reason : str
        Why it is left out; empty otherwise.
    """

    name: str
    kind: Literal["number", "category", "left out"]
    reason: str = ""


def choose_roles(
    table: Table,
    targets: Sequence[str] = (),
    *,
    rows: Iterable[int] | None = None,
    categories: Iterable[str] = (),
    numbers: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> list[Role]:
    """The role of every column but the targets.

    ======================================  ========================================================
    whole and decimal numbers               number
    truth values, categoricals, enums       category
    texts that are all numbers or missing   number
    texts of which 90 % or more are         refused: the others are probably mistakes
    other texts                             category
    no value, or one value in every row     left out
    texts nearly all different              left out: more than 20 and more than half of the values
    dates and times                         left out
    ======================================  ========================================================

    Parameters
    ----------
    table : Table
        All rows; every text in it is looked at for whether it is a number.
    targets : sequence of str
        Columns that get no role.
    rows : array of int, optional
        The rows that are learned from; values are counted in these only. All, by default.
    categories, numbers, ignore : iterable of str
        Columns to use as categories, to use as numbers, and to leave out, whatever is in them.

    Returns
    -------
    list of Role
        In the order of the table.

    Raises
    ------
    TableError
        If a column that is meant to hold numbers holds a text (column, line and value are named),
        or the table has no such column.
    ArgumentError
        If a column is named twice, or is a target.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table({"age": [31, 40, 28], "hair": ["red", "dark", "red"], "planet": ["Earth"] * 3})
    >>> [(role.name, role.kind) for role in choose_roles(table)]
    [('age', 'number'), ('hair', 'category'), ('planet', 'left out')]
    >>> choose_roles(table)[2].reason
    "every row has the value 'Earth'"
    """
    asked = _asked(table, targets, categories=categories, numbers=numbers, ignore=ignore)
    used = [n for n in table.names if n not in targets]
    return [_role(table, name, asked.get(name), rows) for name in used]


def as_numbers(table: Table, name: str, advice: str) -> pl.Series:
    """A column as numbers, without its name; null where missing.

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


def _role(table: Table, name: str, asked: str | None, rows: Iterable[int] | None) -> Role:
    import polars as pl

    column = table.column(name)
    if asked == "left out":
        return Role(name, "left out", "as asked")
    kind = asked or kind_of(column)
    if kind == "left out":
        return Role(name, "left out", f"it holds {content_of(column)}")
    if kind == "number":
        instead = (
            f"take it out of numbers={[name]}"
            if asked
            else f"pass categories={[name]} to use it as categories"
        )
        values = as_numbers(table, name, f"Correct it, or {instead}.")
        values = values.set(values.abs() > LARGEST, None)
    else:
        values = category_text(column)
    seen = values if rows is None else values.gather(pl.Series(rows, dtype=pl.Int64))
    found = seen.drop_nulls()
    if found.is_empty():
        return Role(name, "left out", "it has no values")
    if found.min() == found.max() and found.len() == seen.len():
        return Role(name, "left out", f"every row has the value {shown(found[0])}")
    if kind == "number":
        return Role(name, "number")
    n_different = found.n_unique()
    if asked is None and n_different > max(MANY_CATEGORIES, MOSTLY_DIFFERENT * found.len()):
        return Role(name, "left out", f"{n_different} of its {found.len()} values are different")
    return Role(name, "category")


def kind_of(column: pl.Series) -> str:
    """`number`, `category` or `left out`, by what a column holds."""
    import polars as pl

    if column.dtype.is_numeric():
        return "number"
    if column.dtype in (pl.Boolean, pl.Categorical, pl.Enum, pl.Null):
        return "category"
    if column.dtype != pl.String:
        return "left out"
    values, wrong = parse_numbers(column)
    n_numbers = values.len() - values.null_count()
    n_wrong = int(wrong.sum())
    return "number" if n_numbers and n_numbers >= MOSTLY_NUMBERS * (n_numbers + n_wrong) else "category"


def _asked(table: Table, targets: Sequence[str], **lists: Iterable[str]) -> dict[str, str]:
    """The role that was asked for, by column."""
    asked: dict[str, str] = {}
    kinds = {"categories": "category", "numbers": "number", "ignore": "left out"}
    for argument, given in lists.items():
        if isinstance(given, str):
            raise ArgumentError(
                f"{argument} must be a list of columns, but got {given!r}. Write [{given!r}]."
            )
        for wanted in given:
            name = table.find(wanted)
            if name in targets:
                raise ArgumentError(
                    f"{argument}=[{name!r}] names the target. Take it out there, or choose another target."
                )
            if asked.get(name, kinds[argument]) != kinds[argument]:
                raise ArgumentError(
                    f"column {name!r} is named in more than one of {', '.join(lists)}. Choose one."
                )
            asked[name] = kinds[argument]
    return asked


def content_of(column: pl.Series) -> str:
    """What a column holds, in words."""
    return "dates or times" if column.dtype.is_temporal() else f"values of type {column.dtype}"
