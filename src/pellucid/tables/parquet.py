"""Columns of a Parquet file, read one at a time when they are asked for."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pellucid.errors import TableError
from pellucid.tables.frames import stripped, tidied_columns, tidied_type
from pellucid.tables.table import nameless

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")


# Bytes of numbers that are read at a time: to find columns in a file takes time, too, if it has many.
TOGETHER = 1 << 26


@dataclass(frozen=True)
class ParquetColumns:
    """The columns of a Parquet file, which stays where it is.

    Parameters
    ----------
    source : Path or bytes
        The file, or what is in it.
    name : str
        What to call it in messages.
    schema : mapping of str to polars.DataType
        The types of the columns as they are read, by their stripped names.
    height : int
        Its rows.
    changed : int
        When the file was written; it must not change between two columns. 0 of bytes.
    """

    source: Path | bytes
    name: str
    schema: Mapping[str, pl.DataType]
    height: int
    changed: int
    _held: dict[int, list[pl.Series]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, source: Path | bytes, name: str) -> ParquetColumns:
        """Read what a file says of its columns.

        Raises
        ------
        TableError
            If it cannot be read, two names are the same, or there are more rows than memory.
        """
        import polars as pl

        changed = _time(source)
        schema = _reading(name, lambda: pl.read_parquet_schema(_openable(source)))
        height = _reading(
            name, lambda: int(pl.scan_parquet(_openable(source)).select(pl.len()).collect().item())
        )
        if height * 8 > _memory():
            raise TableError(f"{name} has {height:,} rows, more than there is memory. Give fewer.")
        types = map(tidied_type, schema.values())
        return cls(source, name, dict(zip(stripped(schema, name), types, strict=True)), height, changed)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.schema)}

    def get_column(self, name: str) -> pl.Series:
        """The values of a column, tidied; those of small columns are read with its neighbours.

        Raises
        ------
        TableError
            If it cannot be read, or the file has changed since it was opened.
        """
        n_together = max(1, TOGETHER // (8 * max(1, self.height)))
        group, place = divmod(self._places[name], n_together)
        columns = self._held.get(group)
        if columns is None:
            first = group * n_together
            columns = self._read(range(first, min(first + n_together, len(self.schema))))
            if n_together > 1:
                self._held.clear()
                self._held[group] = columns
        return columns[place].alias(name)

    def _read(self, places: range) -> list[pl.Series]:
        """Some columns; by their numbers, for a name such as `^a$` would be a pattern."""
        import polars as pl

        if _time(self.source) != self.changed:
            raise TableError(f"{self.name} has changed while it was read. Start again.")
        source = _openable(self.source)
        frame = _reading(self.name, lambda: pl.read_parquet(source, columns=list(places)))
        return tidied_columns([nameless(s) for s in frame.get_columns()])


def _openable(source: Path | bytes) -> Path | io.BytesIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source


def _time(source: Path | bytes) -> int:
    try:
        return 0 if isinstance(source, bytes) else os.stat(source).st_mtime_ns
    except OSError:
        return -1


def _memory() -> float:
    """Bytes of the machine's memory, as far as it says."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _reading(name: str, read: Callable[[], T]) -> T:
    """What polars reads, or a sentence."""
    import polars as pl

    try:
        return read()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TableError(f"{name} begins like a Parquet file, but cannot be read as one: {reason}.") from None
