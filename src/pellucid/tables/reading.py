"""Reading a table from wherever it is: `read_table`."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pellucid.errors import ArgumentError, TableError, nearest
from pellucid.tables.delimited import read_delimited
from pellucid.tables.frames import from_columns, from_frame, stripped, tidied
from pellucid.tables.table import Origin, Table, shown

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"


def read_table(source: Any, *, text: Iterable[str] = ()) -> Table:
    """Read a table of named columns.

    Parameters
    ----------
    source : str, path, stream, data frame, dict or Table
        The path of a file, `"-"` or a stream (standard input), a data frame of pandas, polars,
        pyarrow or any other library that narwhals knows, or a dict of columns. What a file
        holds is told from its bytes, whatever it is called:

        - text with `,`, `;`, tab or `|` between the values, in UTF-8, with a header line. A
          decimal comma is found out where the separator is another;
        - Parquet;
        - either of them packed by gzip.
    text : iterable of str
        Columns of a text file to keep as texts even where they could be read as numbers, so
        that the category `007` is not 7. Names that the file does not have are ignored.

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
        If `text` is no list.

    Examples
    --------
    >>> table = read_table({"length": [39.1, None], "species": ["Adelie ", "?"]})
    >>> table.frame.rows()
    [(39.1, 'Adelie'), (None, None)]
    """
    import polars as pl

    if isinstance(source, Table):
        return source
    if isinstance(text, str):
        raise ArgumentError(f"text must be a list of columns, but got {text!r}. Write [{text!r}].")
    if isinstance(source, (str, os.PathLike)) and source != "-":
        path = Path(source)
        return _from_bytes(_file_bytes(path), path.name, text, lambda: _file_bytes(path))
    if source == "-" if isinstance(source, str) else hasattr(source, "read"):
        name, data = _stream_bytes(sys.stdin if isinstance(source, str) else source)
        return _from_bytes(data, name, text, lambda: data)
    name = "the table" if isinstance(source, Mapping) else "the data frame"
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
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


def _from_bytes(data: bytes, name: str, text: Iterable[str], again: Callable[[], bytes]) -> Table:
    is_packed = data.startswith(GZIP)
    if is_packed:
        data = _unpacked(data, name)
    if data.startswith(PARQUET):
        return _checked(Table(_parquet(data, name), Origin(name, lambda row: f"row {row + 1}")))
    return read_delimited(data, name, text, (lambda: _unpacked(again(), name)) if is_packed else again)


def _parquet(data: bytes, name: str) -> Any:
    import polars as pl

    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TableError(f"{name} begins like a Parquet file, but cannot be read as one: {reason}.") from None
    frame.columns = stripped(frame.columns, name)
    return tidied(frame)


def _checked(table: Table) -> Table:
    if not table.frame.width:
        raise TableError(f"{table.origin.name} has no columns.")
    if not len(table):
        raise TableError(f"{table.origin.name} has columns, but no rows.")
    return table


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{name} begins like a gzip file, but cannot be unpacked: {error}.") from None


def _stream_bytes(stream: Any) -> tuple[str, bytes]:
    is_stdin = stream is sys.stdin or stream is getattr(sys.stdin, "buffer", None)
    name = "standard input" if is_stdin else str(getattr(stream, "name", "the stream"))
    try:
        data = getattr(stream, "buffer", stream).read()
    except (OSError, ValueError) as error:  # closed, not readable, or a text that is not in its encoding
        raise TableError(f"{name} cannot be read: {error}.") from None
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if not isinstance(data, bytes):
        raise TableError(f"{name} must give bytes or text, but gave {type(data).__name__}.")
    return name, data


def _file_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"there is no file {str(path)!r}. {_nearest_file(path)}Check the path.") from None
    except IsADirectoryError:
        raise TableError(f"{str(path)!r} is a folder. Give the path of a file in it.") from None
    except PermissionError:
        if path.is_dir():  # what Windows says of a folder
            raise TableError(f"{str(path)!r} is a folder. Give the path of a file in it.") from None
        raise TableError(f"{str(path)!r} cannot be read: this user has no permission to.") from None
    except (OSError, ValueError) as error:  # too long a name, a zero byte in it, a broken disk
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise TableError(f"{shown(path)} cannot be read: {reason}.") from None


def _nearest_file(path: Path) -> str:
    try:
        return nearest(path.name, [p.name for p in path.parent.iterdir() if p.is_file()])
    except OSError:
        return f"There is no folder {str(path.parent)!r} either. " if not path.parent.exists() else ""
