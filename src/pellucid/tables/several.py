"""Several tables as one, whose rows follow each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pellucid.errors import TableError, nearest
from pellucid.tables.table import Origin, Table, listed, shown
from pellucid.tables.values import category_text, parse_numbers

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class JoinedColumns:
    """The columns of several tables, each one below the other when it is asked for.

    Parameters
    ----------
    parts : sequence of Table
        All with the same columns, in any order.
    schema : mapping of str to polars.DataType
        The types that hold the values of all parts.
    height : int
        The rows of all parts.
    """

    parts: Sequence[Table]
    schema: Mapping[str, pl.DataType]
    height: int

    def get_column(self, name: str) -> pl.Series:
        """The values of a column of all parts."""
        import polars as pl

        dtype = self.schema[name]
        return pl.concat([_as_type(part.column(name), dtype) for part in self.parts]).alias(name)


def joined(parts: Sequence[Table]) -> Table:
    """Tables with the same columns, in any order, as one.

    Raises
    ------
    TableError
        If a column is missing in one of them or is there in one only, or its values are of another kind;
        the message names the table and the column, and the line of such a value.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table([read_table({"x": [1], "y": ["a"]}), read_table({"y": ["b"], "x": [2.5]})])
    >>> table.frame.rows()
    [(1.0, 'a'), (2.5, 'b')]
    """
    if len(parts) == 1:
        return parts[0]
    for part in parts[1:]:
        _check_names(parts[0], part)
    origins = tuple((part.origin, len(part)) for part in parts)
    names = listed((origin.name for origin, _ in origins), 3)
    schema = {name: _common_type(name, parts) for name in parts[0].names}
    height = sum(map(len, parts))
    return Table(JoinedColumns(tuple(parts), schema, height), Origin(names, parts=origins))


def _check_names(first: Table, other: Table) -> None:
    ours, theirs = first.origin.name, other.origin.name
    new = [n for n in other.names if n not in first.schema]
    lacking = [n for n in first.names if n not in other.schema]
    if lacking:
        raise TableError(
            f"{theirs} lacks the column {lacking[0]!r} that {ours} has. {nearest(lacking[0], new)}"
            f"Its columns: {listed(other.names)}."
        )
    if new:
        raise TableError(
            f"{theirs} has a column {new[0]!r} that {ours} lacks. Give it there, or take it out here."
        )


def _common_type(name: str, parts: Sequence[Table]) -> pl.DataType:
    """The type that holds the values of a column of all parts."""
    import polars as pl

    if len({part.schema[name] for part in parts}) == 1:
        return parts[0].schema[name]
    filled = [part for part in parts if part.column(name).count()] or [parts[0]]
    types = {part.schema[name] for part in filled}
    kinds = {_kind(dtype) for dtype in types}
    if len(types) == 1:
        return types.pop()
    if kinds == {"numbers"}:
        return pl.Int64() if all(dtype.is_signed_integer() for dtype in types) else pl.Float64()
    if kinds == {"numbers", "texts"}:
        _check_are_numbers(name, filled)
        return pl.Float64()
    if kinds == {"durations"}:
        return pl.Duration("us")
    if kinds <= {"texts", "dates or times"}:  # a text file writes dates as texts
        return pl.String()
    first = filled[0]
    kind = _kind(first.schema[name])
    other = next((part for part in filled if _kind(part.schema[name]) != kind), filled[-1])
    raise TableError(
        f"{other.origin.name}: column {name!r} holds {_kind(other.schema[name])}, but in {first.origin.name} "
        f"{kind}. Correct it, or pass categories={[name]} or ignore={[name]}."
    )


def _kind(dtype: pl.DataType) -> str:
    """What a column holds, in words."""
    import polars as pl

    if dtype.is_numeric():
        return "numbers"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "texts"
    if isinstance(dtype, pl.Duration):
        return "durations"
    if dtype.is_temporal():
        return "dates or times"
    return "truth values" if dtype == pl.Boolean else f"values of type {dtype}"


def _check_are_numbers(name: str, parts: Sequence[Table]) -> None:
    """Refuse the first text that is no number in a column that holds numbers elsewhere."""
    import polars as pl

    with_numbers = next(part for part in parts if part.schema[name].is_numeric())
    for part in parts:
        if not part.schema[name].is_numeric():
            texts = part.column(name).cast(pl.String)
            wrong = parse_numbers(texts)[1]
            if wrong.any():
                row = int(wrong.arg_true()[0])
                raise TableError(
                    f"{part.origin.at(name, row)}: found {shown(texts[row])}, but {with_numbers.origin.name} "
                    f"has numbers in this column. Correct it, or pass categories={[name]} to use it as "
                    "categories."
                )


def _as_type(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    import polars as pl

    if dtype == pl.Float64 and not column.dtype.is_numeric():
        return parse_numbers(column.cast(pl.String))[0]
    if dtype == pl.String:
        return category_text(column)
    return column if column.dtype == dtype else column.cast(dtype)
