"""Text with separators (CSV, TSV) to a table of texts, with the line of everything that is wrong.

Polars reads a well-formed file. It accepts some that are not: a line with too few values is filled
up, a blank line becomes a row, and a repeated name gets another one. So the separators are counted,
and where they do not come out Python's slower `csv` module, which knows its line, reads the file or
names the fault.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from pellucid.errors import TableError
from pellucid.tables.table import Origin, Table, shown
from pellucid.tables.texts import typed

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = ",;\t|"
SAMPLE = 1 << 16  # characters by which the separator is chosen
BATCH = 10_000  # rows that the slow way turns into columns at a time

NOT_TEXT = {
    b"PK\3\4": "is an Excel file or a zip archive, not a text table: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel file, not a text table: save the sheet as CSV",
    b"\xff\xfe": "is text in UTF-16: save it as CSV in UTF-8",
    b"\xfe\xff": "is text in UTF-16: save it as CSV in UTF-8",
}


def read_delimited(data: bytes, name: str, text: Iterable[str], again: Callable[[], bytes]) -> Table:
    """Read a text with separators; the separator and the decimal mark are found out.

    Parameters
    ----------
    data : bytes
        UTF-8, with or without byte order mark; lines may end in any of the three ways. Blank lines
        are left out; in a table of one column they are missing values, except at the end.
    name : str
        What to call it in messages.
    text : iterable of str
        Columns to keep as texts even where they could be read as numbers.
    again : callable
        Gives `data` again when the line of a row is asked for, so that it need not be kept.

    Raises
    ------
    TableError
        If it is no such table; the message names the first line at fault.
    """
    data = _normal(data, name)
    separator = sniff(data[: 4 * SAMPLE].decode("utf-8", "replace")[:SAMPLE])
    header_line, header = _header(data, name, separator)
    frame = _read_fast(data, separator, len(header)) if header_line == 1 else None
    if frame is None:
        frame = _read_slow(data, name, separator, header)
    if not frame.height:
        raise TableError(f"{name} has a header in line {header_line}, but no rows below it.")
    frame.columns = header

    def place(row: int) -> str:
        return _place(_normal(again(), name), name, separator, len(header), row)

    return Table(typed(frame, separator, set(text)), Origin(name, place))


def sniff(text: str) -> str:
    """The separator: that which cuts the lines into as many values as the header.

    Examples
    --------
    >>> sniff("height;weight\\n1,80;75,5\\n")
    ';'
    """
    if len(text) == SAMPLE and text.count("\n") > 1:
        text = text[: text.rindex("\n") + 1]  # the last line is probably cut
    best, best_score = ",", (0.0, 1)
    for separator in SEPARATORS:
        try:
            rows = [r for r in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if r]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 1
        same = sum(len(r) == width for r in rows[1:])
        score = (same / len(rows[1:]) if rows[1:] else 1.0, width)
        if width > 1 and score > best_score:
            best, best_score = separator, score
    return best


def _normal(data: bytes, name: str) -> bytes:
    """The text without byte order mark and blank lines at the end, each line with a line feed."""
    for magic, meaning in NOT_TEXT.items():
        if data.startswith(magic):
            raise TableError(f"{name} {meaning}.")
    if b"\0" in data:
        line = _line_of(data, data.index(b"\0"))
        raise TableError(
            f"{name}, line {line}: found a zero byte, so this is no text table. Save it as CSV in UTF-8."
        )
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    if not data.endswith(b"\n") or data.endswith((b"\n\n", b"\n\r\n")):
        data = data.rstrip(b"\r\n") + b"\n"
    return data


def _header(data: bytes, name: str, separator: str) -> tuple[int, list[str]]:
    """Line and names of the columns; a column without a name is called by its number."""
    header = next(_records(data, name, separator, 1), None)
    if header is None:
        raise TableError(
            f"{name} is empty. Expected a header line with the names of the columns, and rows below it."
        )
    line, fields = header
    names = [f.strip() or f"column {i}" for i, f in enumerate(fields, 1)]
    first: dict[str, int] = {}
    for i, column in enumerate(names, 1):
        if column in first:
            raise TableError(
                f"{name}, line {line}: the column name {shown(column)} stands twice, "
                f"in columns {first[column]} and {i}. Rename one of them."
            )
        first[column] = i
    return line, names


def _read_fast(data: bytes, separator: str, width: int) -> pl.DataFrame | None:
    """What polars reads, or None where it fails or may have read something else than stands there."""
    import polars as pl

    mark = separator.encode()
    if b' "' in data and re.search(rb'(^|[\n%s]) +"' % re.escape(mark), data):
        return None  # a quote after blanks, which polars takes for a part of the text
    try:
        frame = pl.read_csv(data, separator=separator, infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if frame.width != width:
        return None
    n_separators, n_inside = data.count(mark), 0
    if b'"' in data:
        # Where each line is a row, no quote has joined lines; those few that mean it are read slowly.
        if data.count(b"\n") != frame.height + 1:
            return None
        header = next(_records(data, "", separator, width))[1]
        inside = frame.select(pl.all().str.count_matches(separator, literal=True).sum().cast(pl.Int64))
        n_inside = sum(inside.row(0)) + sum(f.count(separator) for f in header)
    # No line has too many values, for polars refuses it. So the sum is right only if none has too few.
    return frame if n_separators - n_inside == (width - 1) * (frame.height + 1) else None


def _read_slow(data: bytes, name: str, separator: str, header: list[str]) -> pl.DataFrame:
    """The same by Python's csv module; a line with too few or too many values is refused."""
    import polars as pl

    schema = {f"{i}": pl.String for i in range(len(header))}
    parts = [pl.DataFrame(schema=schema)]
    batch: list[list[str | None]] = []
    records = _records(data, name, separator, len(header))
    next(records)
    for line, fields in records:
        if len(fields) != len(header):
            raise TableError(
                f"{name}, line {line}: expected {len(header)} values as in the header, but found "
                f"{len(fields)}. Check the line for a missing or additional {separator!r} or quote."
            )
        batch.append([f or None for f in fields])
        if len(batch) == BATCH:
            parts.append(pl.DataFrame(batch, schema=schema, orient="row"))
            batch = []
    parts.append(pl.DataFrame(batch, schema=schema, orient="row"))
    return pl.concat(parts)


def _records(data: bytes, name: str, separator: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """Line and values of the header and of each row, without blank lines."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    is_header = True
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError:
            raise _not_utf8(data, name) from None
        except csv.Error as error:
            raise TableError(
                f"{name}, line {line}: the quotes in this line cannot be read ({error})."
            ) from None
        is_blank = not fields or (len(fields) == 1 and not fields[0].strip())
        if is_blank and (is_header or width > 1):
            continue
        is_header = False
        yield line, fields or [""]


def _not_utf8(data: bytes, name: str) -> TableError:
    try:
        data.decode("utf-8")
        position = 0
    except UnicodeDecodeError as error:
        position = error.start
    return TableError(
        f"{name}, line {_line_of(data, position)}: expected UTF-8 text, but found the byte "
        f"0x{data[position]:02x}. Save the file as CSV in UTF-8."
    )


def _place(data: bytes, name: str, separator: str, width: int, row: int) -> str:
    """The line where a row begins, as an editor counts."""
    try:
        for index, (line, _) in enumerate(_records(data, name, separator, width), -1):
            if index == row:
                return f"line {line}"
    except TableError:
        pass  # polars has read what the csv module does not
    return f"row {row + 1}"


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
