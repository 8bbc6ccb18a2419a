"""The bytes of files and streams: read once, unpacked within bounds, refused where they are no table."""

from __future__ import annotations

import glob
import gzip
import io
import mmap
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pellucid.errors import TableError, nearest
from pellucid.tables.table import shown

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
LARGE = 1 << 20  # bytes from which it is worth not to copy a file
PIECE = 1 << 24  # bytes that are unpacked at a time

# What unpacks to more than both is no table that was packed, but made to fill the memory.
UNPACKED_AT_MOST, TIMES_AT_MOST = 1 << 26, 50

SAVE_AS_CSV = "Save the table as CSV in UTF-8."
NOT_A_TABLE = {
    rb"PK\x03\x04": "is an Excel file or a zip archive, not a text table. Save the sheet as CSV.",
    rb"\xd0\xcf\x11\xe0": "is an old Excel file, not a text table. Save the sheet as CSV.",
    rb"\x1f\x8b": "is packed by gzip twice. Unpack it once.",
    rb"BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf": "is packed in another way than by gzip. Unpack it.",
    rb"\x80[\x02-\x05]": "is a Python pickle, which is never loaded: it could run code. " + SAVE_AS_CSV,
    rb"%PDF|\{\\rtf": "is a document, not a table. " + SAVE_AS_CSV,
    rb"\x89PNG|\xff\xd8\xff|GIF8": "is a picture, not a table.",
    rb"\x93NUMPY|ARROW1|\x89HDF|SQLite format 3|ORC|Obj\x01": "is a kind of file that is not read here. "
    "Save the table as CSV or Parquet.",
    rb"\s*<(?i:!doctype|html|head|body|table|\?xml)": "is a web page or XML, not a text table. "
    + SAVE_AS_CSV,
    rb"\s*(\{\s*[\"}]|\[\s*[\[{\]])": "is JSON, not a text table. " + SAVE_AS_CSV,
}


Content = bytes | mmap.mmap


def file_content(path: Path) -> Content | None:
    """What is in a file; None of a Parquet file, which can be read column by column where it is.

    A large file stays where it is, and is looked at there.

    Raises
    ------
    TableError
        If there is no such file or it cannot be read.
    """
    with _in_sentences(path), open(path, "rb", buffering=0) as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISCHR(mode) and not file.isatty():
            raise TableError(f"{str(path)!r} is a device, which may never end. Give the path of a file.")
        if stat.S_ISREG(mode):
            if file.read(len(PARQUET)) == PARQUET:
                return None
            file.seek(0)
            if os.fstat(file.fileno()).st_size >= LARGE:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return file.readall()


def stream_bytes(stream: Any) -> tuple[str, bytes]:
    """The name of a stream and all that it gives."""
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


def unpacked(data: bytes, name: str) -> bytes:
    """What gzip has packed; refused where it is damaged, or many times as large as a table can be."""
    most = max(UNPACKED_AT_MOST, TIMES_AT_MOST * len(data))
    whole = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while piece := file.read(PIECE):
                whole.write(piece)
                if whole.tell() > most:
                    raise TableError(
                        f"{name} unpacks to more than {TIMES_AT_MOST} times its size, so it may be made to "
                        "fill the memory. If it is a table, unpack it with gunzip first."
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{name} begins like a gzip file, but cannot be unpacked: {error}.") from None
    return whole.getvalue()


def refuse_other_kinds(data: Content, name: str) -> None:
    """Refuse what begins as no text table does; the message says what it is."""
    for start, meaning in NOT_A_TABLE.items():
        if re.match(start, data[:256]):
            raise TableError(f"{name} {meaning}")


def is_pattern(source: Any) -> bool:
    """Whether a path is none, but a pattern of several."""
    if not isinstance(source, (str, os.PathLike)) or "\0" in os.fspath(source):
        return False
    return glob.has_magic(os.fspath(source)) and not os.path.lexists(source)


def matching(pattern: str | os.PathLike[str]) -> list[Path]:
    """The files that a pattern such as `data/*.csv` stands for, in the order of their names.

    Raises
    ------
    TableError
        If there is none.
    """
    paths = sorted(p for p in map(Path, glob.glob(os.fspath(pattern), recursive=True)) if not p.is_dir())
    if not paths:
        raise TableError(f"there is no file {str(pattern)!r}, nor one that matches it as a pattern.")
    return paths


@contextmanager
def _in_sentences(path: Path) -> Iterator[None]:
    """What goes wrong with a file, in a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise TableError(f"there is no file {str(path)!r}. {_nearest_file(path)}Check the path.") from None
    except IsADirectoryError:
        raise TableError(_folder(path)) from None
    except PermissionError:
        if path.is_dir():  # what Windows says of a folder
            raise TableError(_folder(path)) from None
        raise TableError(f"{str(path)!r} cannot be read: this user has no permission to.") from None
    except (OSError, ValueError) as error:  # too long a name, a zero byte in it, a broken disk
        if isinstance(error, TableError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise TableError(f"{shown(path)} cannot be read: {reason}.") from None


def _folder(path: Path) -> str:
    """The sentence for a folder, with a pattern of the tables in it."""
    try:
        kinds = {p.suffix.lower() for p in path.iterdir() if p.is_file()}
    except OSError:
        kinds = set()
    pattern = "*.parquet" if ".parquet" in kinds and ".csv" not in kinds else "*.csv"
    return (
        f"{str(path)!r} is a folder. Give the path of a file in it, or {str(path / pattern)!r} for several."
    )


def _nearest_file(path: Path) -> str:
    try:
        return nearest(path.name, [p.name for p in path.parent.iterdir() if p.is_file()])
    except OSError:
        return f"There is no folder {str(path.parent)!r} either. " if not path.parent.exists() else ""
