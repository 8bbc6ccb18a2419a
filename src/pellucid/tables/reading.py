"""Reading a table from wherever it is: `read_table`."""

from __future__ import annotations

import codecs
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import ArgumentError, TableError
from pellucid.tables.contents import (
    GZIP,
    PARQUET,
    file_content,
    is_pattern,
    matching,
    stream_bytes,
    unpacked,
)
from pellucid.tables.delimited import read_delimited
from pellucid.tables.frames import from_columns, from_frame, stripped, tidied
from pellucid.tables.parquet import ParquetColumns
from pellucid.tables.several import joined
from pellucid.tables.table import Origin, Table, shown

Keep = Callable[[str], bool]


def read_table(source: Any, *, text: Iterable[str] | Keep = (), encoding: str = "utf-8") -> Table:
    """Read a table of named columns.

    Parameters
    ----------
    source : str, path, stream, data frame, dict, Table, or a list of them
        The path of a file, a pattern such as `"data/*.csv"`, `"-"` or a stream (standard input), a
        data frame of pandas, polars, pyarrow or any other library that narwhals knows, or a dict of
        columns. Several are read as one table, whose rows follow each other. What a file holds is
        told from its bytes, whatever it is called:

        - text with `,`, `;`, tab or `|` between the values, with a header line. A decimal comma and
          marks between thousands are found out;
        - Parquet, whose columns are read from the file when they are asked for;
        - either of them packed by gzip.
    text : iterable of str, or callable
        Columns of a text file to keep as texts even where they could be read as numbers, so
        that the category `007` is not 7: their names, or what says so of a name. Names that the file
        does not have are ignored.
    encoding : str
        Of text files: UTF-8 unless given, with or without byte order mark.

    Returns
    -------
    Table
        Blanks around names and texts are stripped, and missing values are null: empty, NaN, and
        the spellings in `pellucid.tables.values`.

    Raises
    ------
    TableError
        If there is no such table or it cannot be read; the message names file, column and line.
    ArgumentError
        If `text` is no list, or there is no such encoding.

    Examples
    --------
    >>> table = read_table({"length": [39.1, None], "species": ["Adelie ", "?"]})
    >>> table.frame.rows()
    [(39.1, 'Adelie'), (None, None)]
    """
    if isinstance(text, str):
        raise ArgumentError(f"text must be a list of columns, but got {text!r}. Write [{text!r}].")
    keep = text if callable(text) else frozenset(text).__contains__
    encoding = _known_encoding(encoding)
    are_several = isinstance(source, (list, tuple)) and source and all(map(_is_part, source))
    parts = source if are_several else [source]
    parts = [found for part in parts for found in (matching(part) if is_pattern(part) else [part])]
    names = _different_names([Path(part) for part in parts if _is_path(part)])
    return joined([_read(part, keep, encoding, names) for part in parts])


def _is_part(source: Any) -> bool:
    """Whether it may be one of several tables; a list of numbers, say, is none."""
    is_file = isinstance(source, (str, os.PathLike)) or hasattr(source, "read")
    return is_file or isinstance(source, (Table, Mapping)) or hasattr(source, "columns")


def _is_path(source: Any) -> bool:
    return isinstance(source, (str, os.PathLike)) and source != "-"


def _different_names(paths: Sequence[Path]) -> dict[Path, str]:
    """What to call each of several files: its name, or its path where another has the same name."""
    if twice := [path for path, n in Counter(paths).items() if n > 1]:
        raise TableError(f"{str(twice[0])!r} is given twice. Give each file once.")
    counts = Counter(path.name for path in paths)
    return {path: path.name if counts[path.name] == 1 else str(path) for path in paths}


def _known_encoding(name: str) -> str:
    """The usual name of an encoding of text."""
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, TypeError, ValueError):
        raise ArgumentError(
            f"there is no encoding {name!r} of text. Known are utf-8, utf-16, latin-1, cp1252 and the others "
            "of Python."
        ) from None


def _read(source: Any, keep: Keep, encoding: str, names: Mapping[Path, str]) -> Table:
    """One table; `names` says what to call files."""
    import polars as pl

    if isinstance(source, Table):
        return source
    if _is_path(source):
        path = Path(source)
        name, data = names.get(path, path.name), file_content(path)
        if data is None:
            return _checked(_parquet(path, name))
        if isinstance(data, bytes) or data[: len(GZIP)] == GZIP:
            return _from_bytes(data[:], name, keep, encoding)
        return read_delimited(data, name, keep, encoding, path)
    if source == "-" if isinstance(source, str) else hasattr(source, "read"):
        name, data = stream_bytes(sys.stdin if isinstance(source, str) else source)
        return _from_bytes(data, name, keep, encoding)
    name = "the table" if isinstance(source, Mapping) else "the data frame"
    if isinstance(source, pl.LazyFrame):
        try:
            source = source.collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise TableError(f"{name} cannot be computed: {str(error).splitlines()[0]}.") from None
    if isinstance(source, pl.DataFrame):
        frame = source.clone()
        frame.columns = stripped(source.columns, name)
    elif isinstance(source, Mapping):
        frame = from_columns(source, name)
    else:
        other = from_frame(source, name)
        if other is None:
            raise TableError(
                f"expected a table (the path of a CSV or Parquet file, a data frame, or a dict of columns), "
                f"but got {type(source).__name__} {shown(source)}."
            )
        frame = other
    return _checked(Table(tidied(frame), Origin(name)))


def _from_bytes(data: bytes, name: str, keep: Keep, encoding: str) -> Table:
    if data.startswith(GZIP):
        data = unpacked(data, name)
    if data.startswith(PARQUET):
        return _checked(_parquet(data, name))
    return read_delimited(data, name, keep, encoding)


def _parquet(source: Path | bytes, name: str) -> Table:
    return Table(ParquetColumns.of(source, name), Origin(name, lambda row: f"row {row + 1}"))


def _checked(table: Table) -> Table:
    if not table.names:
        raise TableError(f"{table.origin.name} has no columns.")
    if not len(table):
        raise TableError(f"{table.origin.name} has columns, but no rows.")
    return table
