"""What every step on a table works on: a polars frame, and where it came from for messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pellucid.errors import TableError, nearest

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
    """

    name: str
    place: Callable[[int], str] = row_from_zero

    def at(self, column: str, row: int) -> str:
        """Where a value stands, to begin a message with."""
        return f"{self.name}: column {column!r}, {self.place(row)}"


@dataclass(frozen=True)
class Table:
    """A table that has been read.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of distinct, stripped names. Blanks around texts are stripped and missing values null.
    origin : Origin
        Where it came from.
    """

    frame: pl.DataFrame
    origin: Origin = field(default_factory=lambda: Origin("the table"))

    def __len__(self) -> int:
        return self.frame.height

    def column(self, name: str) -> pl.Series:
        """The values of a column, without its name."""
        return nameless(self.frame[name])

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
        if wanted not in self.frame.columns:
            known = self.frame.columns
            raise TableError(
                f"{self.origin.name} has no {what} {wanted!r}. {nearest(wanted, known)}"
                f"Its columns: {listed(known)}."
            )
        return wanted


def nameless(column: pl.Series) -> pl.Series:
    """The same values without a name; polars takes a name such as `^a$` for a pattern in some methods."""
    return column.alias("")


def listed(values: Iterable[object], most: int = 20) -> str:
    """Values with commas between; the first ones only where there are many.

    Examples
    --------
    >>> listed(range(100), most=3)
    '0, 1, 2, ... (100 in all)'
    """
    texts = [str(v) for v in values]
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
