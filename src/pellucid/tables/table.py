"""What every step on a table works on: columns by name, and where they came from for messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from pellucid.errors import TableError, nearest
from pellucid.tables.values import within_calendar

if TYPE_CHECKING:
    import polars as pl


def row_from_zero(row: int) -> str:
    """The place of a row of a data frame, as `iloc` counts."""
    return f"row {row} (counted from 0)"


@dataclass(frozen=True)
class Origin:
    """Where a table came from.

    Parameters
    ----------
    name : str
        `"penguins.csv"`, `"standard input"`, `"the data frame"`.
    place : callable
        From the index of a row to words: `"line 17"` of a text file, as an editor counts.
    parts : tuple of (Origin, int)
        Of a table from several files: each one's origin and number of rows.

    Examples
    --------
    >>> a, b = (Origin(name, lambda row: f"line {row + 2}") for name in ("a.csv", "b.csv"))
    >>> Origin("a.csv and b.csv", parts=((a, 10), (b, 5))).at("age", 12)
    "b.csv: column 'age', line 4"
    """

    name: str
    place: Callable[[int], str] = row_from_zero
    parts: tuple[tuple[Origin, int], ...] = ()

    def at(self, column: str, row: int) -> str:
        """Where a value stands, to begin a message with."""
        for part, n_rows in self.parts:
            if row < n_rows:
                return part.at(column, row)
            row -= n_rows
        return f"{self.name}: column {column!r}, {self.place(row)}"

    def of_row(self, row: int) -> Origin:
        """The origin of a table that is one row of this one."""
        for part, n_rows in self.parts:
            if row < n_rows:
                return part.of_row(row)
            row -= n_rows
        place = self.place(row)
        return Origin(self.name, lambda _: place)


class Stored(Protocol):
    """Columns by their names, in memory or not; a polars frame is one."""

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The type of each column, by its name."""

    @property
    def height(self) -> int:
        """How many rows there are."""

    def get_column(self, name: str) -> pl.Series:
        """The values of a column, tidied."""


@dataclass(frozen=True)
class Table:
    """A table that has been read.

    Parameters
    ----------
    stored : polars.DataFrame or Stored
        Columns of distinct, stripped names. Blanks around texts are stripped and missing values null.
        Those of a Parquet file stay in it until they are asked for, each time anew.
    origin : Origin
        Where it came from.
    """

    stored: pl.DataFrame | Stored
    origin: Origin = field(default_factory=lambda: Origin("the table"))

    def __len__(self) -> int:
        return self.stored.height

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The type of each column, by its name, in the order of the table."""
        return dict(self.stored.schema)

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.schema)

    def column(self, name: str) -> pl.Series:
        """The values of a column, without its name."""
        return nameless(self.stored.get_column(name))

    def value(self, name: str, row: int = 0) -> Any:
        """A value; None where it is missing, and where there is no such column."""
        return within_calendar(self.column(name)[row : row + 1])[0] if name in self.schema else None

    def row(self, at: int, names: Iterable[str]) -> Table:
        """Some columns of one row, as a table that still knows where it stood."""
        import polars as pl

        columns = {name: self.column(name)[at : at + 1] for name in names}
        return Table(pl.DataFrame(columns), self.origin.of_row(at))

    @property
    def frame(self) -> pl.DataFrame:
        """All columns at once, in memory; to look at one after the other, use `column`."""
        import polars as pl

        if isinstance(self.stored, pl.DataFrame):
            return self.stored
        return pl.DataFrame({name: self.stored.get_column(name) for name in self.names})

    def find(self, name: object, what: str = "column") -> str:
        """The column of that name.

        Raises
        ------
        TableError
            If there is none; the nearest name is offered.

        Examples
        --------
        >>> import polars as pl
        >>> Table(pl.DataFrame({"species": ["a"]})).find("spezies", "target column")
        Traceback (most recent call last):
            ...
        pellucid.errors.TableError: the table has no target column 'spezies'. Did you mean 'species'? \
Its columns: species.
        """
        wanted = str(name).strip()
        if wanted not in self.schema:
            raise TableError(
                f"{self.origin.name} has no {what} {wanted!r}. {nearest(wanted, self.names)}"
                f"Its columns: {listed(self.names)}."
            )
        return wanted


def nameless(column: pl.Series) -> pl.Series:
    """The same values without a name; polars takes a name such as `^a$` for a pattern in some methods."""
    return column.alias("")


def listed(values: Iterable[object], most: int = 20) -> str:
    """Values with commas between, cut where they are long; the first ones only where there are many.

    Examples
    --------
    >>> listed(range(100), most=3)
    '0, 1, 2, ... (100 in all)'
    """
    texts = [text if len(text) <= 60 else f"{text[:60]}..." for text in map(str, values)]
    if len(texts) <= most:
        return ", ".join(texts)
    return f"{', '.join(texts[:most])}, ... ({len(texts)} in all)"


def shown(value: object, most: int = 60) -> str:
    """A value from a table as it may stand in a message: quoted, and cut where it is long.

    Examples
    --------
    >>> shown("abc"), shown("x" * 100, most=5)
    ("'abc'", "'xxxxx...'")
    """
    text = str(value)
    return repr(text if len(text) <= most else text[:most] + "...")
