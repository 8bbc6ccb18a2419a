"""What each column is for, and why: `choose_roles`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

from pellucid.errors import TableError
from pellucid.tables.columns import as_numbers, kind_of
from pellucid.tables.dates import SAMPLE, as_moments, reading_of, readings_of
from pellucid.tables.identifiers import numbering, sounds_like_one
from pellucid.tables.scales import in_order
from pellucid.tables.schema import Schema, Wish
from pellucid.tables.table import Table, listed, shown
from pellucid.tables.values import LARGEST, category_text, in_natural_order, truth_pair

if TYPE_CHECKING:
    import polars as pl

Kind = Literal[
    "number", "boolean", "category", "ordered", "date", "identifier", "text", "constant", "empty", "ignored"
]
KINDS: tuple[str, ...] = get_args(Kind)
USED = KINDS[:5]

# Texts that are (nearly) all different say nothing of a new row: names, numbers of orders, free text.
MANY_CATEGORIES = 20
MOSTLY_DIFFERENT = 0.5
WORDS_OF_TEXT = 2  # on average, from which texts are no identifiers

# What is learned of a level is the mean of its rows. With n rows it is nearer to the truth than the mean of
# all levels if n > σ²/τ², the variance among the rows of a level over that among levels. With fewer than
# these rows the levels would have to explain more than a fifth of all variance.
LEAST_ROWS = 5

# So few different whole numbers, each in so many rows on average, may be the names of something.
FEW_NUMBERS = 10
ROWS_A_NUMBER = 4


@dataclass(frozen=True)
class Role:
    """What a column is for.

    Parameters
    ----------
    name : str
        The column.
    kind : str
        `number`, `boolean`, `category`, `ordered` and `date` are used; `identifier`, `text`, `constant`,
        `empty` and `ignored` are left out.
    reason : str
        Why, for people: "all 344 values are numbers".
    question : str
        What may be wrong with it and what to do then; mostly empty.
    levels : tuple of str
        From the least to the greatest; of an ordered column.
    reading : str
        How texts are read as dates, a name in `READINGS`.
    """

    name: str
    kind: Kind
    reason: str
    question: str = ""
    levels: tuple[str, ...] = field(default=(), compare=False)
    reading: str = field(default="", compare=False)

    @property
    def is_used(self) -> bool:
        """Whether the network sees the column."""
        return self.kind in USED

    def because(self, remark: str) -> Role:
        """The role with a remark behind its reason."""
        return replace(self, reason=f"{self.reason}; {remark}") if remark else self


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
    numbers or texts that number or name the rows    identifier
    more than 20 texts, more than half of the        identifier, or text if they have several words
    values different, or none in 5 rows
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
    import polars as pl

    wishes = (schema or Schema()).of_table(table, targets)
    chosen = None if rows is None else pl.Series(rows, dtype=pl.Int64)
    out = set(targets)
    roles = [_role(_alone(table, n), n, wishes.get(n), chosen) for n in table.names if n not in out]
    if any(role.is_used for role in roles):
        return roles
    return [_used_after_all(table, role) for role in roles]  # an example with one column that counts


def _alone(table: Table, name: str) -> Table:
    """The same with one column only, read once."""
    import polars as pl

    return Table(pl.DataFrame({name: table.column(name)}), table.origin)


def _role(table: Table, name: str, wish: Wish | None, rows: pl.Series | None) -> Role:
    """The role of one column, as asked or as found."""
    column = table.column(name)
    if wish is None:
        return _found(table, name, column, rows)
    if wish.kind == "ignored":
        return Role(name, "ignored", wish.reason)
    if wish.kind == "date":
        return _date(table, name, wish.reading, rows, wish)
    if wish.kind == "number":
        advice = f"Correct it, or take it out of {wish.where}."
        values = as_numbers(table, name, advice)
        return _unless_same(name, values.set(values.abs() > LARGEST, None), rows) or Role(
            name, "number", wish.reason
        )
    text = category_text(column)
    if nothing := _unless_same(name, text, rows):
        return nothing
    if wish.kind == "ordered":
        _check_levels(table, name, text, wish)
        return Role(name, "ordered", wish.reason, levels=wish.levels)
    if wish.kind == "boolean":
        different = text.drop_nulls().unique()
        if truth_pair(different) is None:
            raise TableError(
                f"{table.origin.name}: column {name!r}: expected yes and no, true and false, or 1 and 0, but "
                f"found {listed(map(repr, sorted(different)), 3)}. Take it out of {wish.where}."
            )
        return Role(name, "boolean", wish.reason)
    return Role(name, "category", wish.reason)


def _found(table: Table, name: str, column: pl.Series, rows: pl.Series | None) -> Role:
    """The role of one column by what is in it."""
    import polars as pl

    kind = kind_of(column)
    if kind == "number":
        advice = f"Correct it, or pass categories=[{name!r}] to use it as categories."
        return _number(name, column, as_numbers(table, name, advice), rows)
    if column.dtype.is_temporal():
        return _date(table, name, "time" if column.dtype == pl.Time else "", rows)
    text = category_text(column)
    if nothing := _unless_same(name, text, rows):
        return nothing
    if column.dtype == pl.Boolean:
        return Role(name, "boolean", f"it holds truth values{_missing(column, rows)}")
    different = text.drop_nulls().unique()
    if pair := truth_pair(different):
        return Role(name, "boolean", f"it says {pair[0]} or {pair[1]}{_missing(column, rows)}")
    if readings := readings_of(different):
        if len(readings) == 1:
            return _date(table, name, readings[0], rows)
        ways = " or ".join(readings)
        return Role(
            name,
            "text",
            f"its dates, such as {shown(different.min())}, can be read as {ways}; "
            f"pass dates=['{name}={readings[0]}'] or dates=['{name}={readings[1]}'] to say how",
        )
    return _texts(name, column, text, different, rows)


def _number(name: str, column: pl.Series, numbers: pl.Series, rows: pl.Series | None) -> Role:
    """A column of numbers, which may also be truth values or count the rows."""
    import polars as pl

    values = numbers.set(numbers.abs() > LARGEST, None)
    if nothing := _unless_same(name, values, rows):
        return nothing
    if values.min() == 0 and values.max() == 1 and bool(values.drop_nulls().is_in([0, 1]).all()):
        return Role(name, "boolean", f"it holds 0 and 1 only{_missing(values, rows)}")
    if reason := numbering(name, values):
        return Role(name, "identifier", reason)
    found = _of(values, rows).drop_nulls()
    what = "durations, counted in seconds" if isinstance(column.dtype, pl.Duration) else "numbers"
    reason = f"all {found.len():,} values are {what}{_missing(values, rows)}"
    question = ""
    is_whole = not found.dtype.is_float() or bool((found == found.floor()).all())
    is_few = is_whole and found.head(SAMPLE).n_unique() <= FEW_NUMBERS
    n_different = found.n_unique() if is_few else SAMPLE
    if is_whole and sounds_like_one(name):
        question = (
            "it is used as a number, but its name says that it names something; "
            f"if so, pass ignore=[{name!r}], or categories=[{name!r}] where the same ones come again"
        )
    elif 2 < n_different <= FEW_NUMBERS and found.len() >= ROWS_A_NUMBER * n_different:
        question = (
            f"it is used as a number, but holds {n_different} different whole numbers only; "
            f"if they are names of something, pass categories=[{name!r}]"
        )
    return Role(name, "number", reason, question)


def _texts(
    name: str, column: pl.Series, text: pl.Series, different: pl.Series, rows: pl.Series | None
) -> Role:
    """A column of other texts: ordered, categories, or left out because they say nothing of a new row."""
    import polars as pl

    seen = _of(text, rows).drop_nulls().alias("level")
    counts = seen.value_counts(name="n")
    n_different, missing = counts.height, _missing(text, rows)
    if n_different <= MANY_CATEGORIES:
        if isinstance(column.dtype, pl.Enum):
            present = set(counts["level"])
            levels = tuple(v for v in column.dtype.categories if v in present)
            return Role(name, "ordered", f"its type has an order{missing}", levels=levels)
        levels, reason = in_order(different) if different.len() <= MANY_CATEGORIES else ((), "")
        if levels:
            present = set(counts["level"])
            levels = tuple(v for v in levels if v in present)
            return Role(name, "ordered", reason + missing, levels=levels)
    elif n_different > MOSTLY_DIFFERENT * seen.len():
        return _left_out(name, seen, f"{n_different:,} of its {seen.len():,} values are different")
    if n_different >= MANY_CATEGORIES and counts["n"].max() < LEAST_ROWS:  # type: ignore[operator]
        return _left_out(
            name, seen, f"none of its {n_different:,} different values is in {LEAST_ROWS} rows or more"
        )
    some = f" ({listed(in_natural_order(counts['level'].to_list()), 5)})" if n_different <= 5 else ""
    what = "texts" if column.dtype == pl.String else "categories"
    return Role(name, "category", f"it holds {n_different:,} different {what}{some}{missing}")


def _left_out(name: str, seen: pl.Series, reason: str) -> Role:
    words = 1 + float(seen.str.count_matches(r"\s+").mean())  # type: ignore[arg-type]
    if words < WORDS_OF_TEXT:
        return Role(name, "identifier", reason)
    return Role(name, "text", f"{reason}, with {words:.1f} words on average")


def _date(table: Table, name: str, reading: str, rows: pl.Series | None, wish: Wish | None = None) -> Role:
    """A column of dates or times."""
    column = table.column(name)
    if wish is not None and not reading:
        reading = reading_of(table, name)
    where = f"take it out of {wish.where}" if wish else f"pass categories=[{name!r}] to use it as categories"
    moments = as_moments(table, name, reading, "", f"Correct it, or {where}.")
    if nothing := _unless_same(name, moments, rows):
        return nothing
    n = _of(moments, rows).drop_nulls().len()
    what = "times" if reading == "time" else "dates"
    how = "" if column.dtype.is_temporal() or reading == "time" else f", read as {reading}"
    reason = wish.reason if wish else f"all {n:,} values are {what}{how}{_missing(moments, rows)}"
    return Role(name, "date", reason, reading="" if column.dtype.is_temporal() and not reading else reading)


def _check_levels(table: Table, name: str, text: pl.Series, wish: Wish) -> None:
    """Refuse values that are none of the levels asked for."""
    wrong = text.is_not_null() & ~text.is_in(list(wish.levels))
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise TableError(
            f"{table.origin.at(name, row)}: found {shown(text[row])}, which is none of the levels "
            f"{listed(wish.levels)} of {wish.where}. Correct it, or add it there."
        )


def _unless_same(name: str, values: pl.Series, rows: pl.Series | None) -> Role | None:
    """The role of a column that has no value, or one in every row."""
    seen = _of(values, rows)
    found = seen.drop_nulls()
    if found.is_empty():
        return Role(name, "empty", "it has no values")
    if found.len() == seen.len() and found.min() == found.max():
        return Role(name, "constant", f"every row has the value {shown(found[0])}")
    return None


def _of(values: pl.Series, rows: pl.Series | None) -> pl.Series:
    return values if rows is None else values.gather(rows)


def _missing(values: pl.Series, rows: pl.Series | None) -> str:
    """What a reason says of missing values."""
    n = _of(values, rows).null_count()
    return f"; {n:,} {'is' if n == 1 else 'are'} missing" if n else ""


def _used_after_all(table: Table, role: Role) -> Role:
    """A column that counts the rows, as a number: there is nothing else to learn from."""
    column = table.column(role.name)
    if role.kind != "identifier" or kind_of(column) != "number":
        return role
    question = f"it is used as a number, but {role.reason}; there is no other column to learn from"
    return Role(role.name, "number", f"all {column.len():,} values are numbers", question)
