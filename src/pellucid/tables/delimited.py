"""Text with separators (CSV, TSV) to a table, with the line of everything that is wrong.

Polars reads a well-formed file; where it may have read something else than stands there, Python's
slower `csv` module reads the file or names the fault.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

from pellucid.errors import TableError
from pellucid.tables.contents import Content, refuse_other_kinds
from pellucid.tables.fast import Lines, read_fast
from pellucid.tables.header import NUMBER, column_names, refuse_what_is_no_row
from pellucid.tables.records import Text
from pellucid.tables.table import Origin, Table
from pellucid.tables.texts import typed

SEPARATORS = ",;\t|"
MOST_COLUMNS = 1_000_000
SAMPLE = 1 << 16  # characters by which the separator is chosen

UTF16 = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"
SEP = re.compile(rb'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)  # by which Excel is told


def read_delimited(
    data: Content, name: str, keep: Callable[[str], bool], encoding: str = "utf-8", path: Path | None = None
) -> Table:
    """Read a text with separators; the separator and the decimal mark are found out.

    Parameters
    ----------
    data : bytes, or a file in memory
        With or without byte order mark; lines may end in any of the three ways. Blank lines are left
        out; in a table of one column they are missing values, except at the end. Lines before the
        header that begin with `#` are comments.
    name : str
        What to call it in messages.
    keep : callable
        Whether the column of a name is to be kept as texts even where they could be read as numbers.
    encoding : str
        What the bytes are in.
    path : Path, optional
        The file that holds just this.

    Raises
    ------
    TableError
        If it is no such table; the message names the first line at fault.
    """
    if encoding != "utf-8":
        data, path = recoded(data[:], name, encoding), None
    text = as_text(data, name, path)
    del data
    _check_separated(text)
    line, fields = text.header()
    if not fields:
        raise TableError(
            f"{name} is empty. Expected a header line with the names of the columns, and rows below it."
        )
    names = column_names(fields, f"{name}, line {line}")
    kept = {i for i, n in enumerate(names) if keep(n)}
    read = read_fast(text, len(names), kept) or (*text.columns(names), "")
    frame, lines, mark = read
    if not frame.height:
        raise TableError(f"{name} has a header in line {line}, but no rows below it.")
    separator = text.separator
    del text, read
    frame.columns = names
    frame = typed(frame, separator, {names[i] for i in kept}, mark)
    place = places(lines)
    refuse_what_is_no_row(frame, name, line, place)
    return Table(frame, Origin(name, place))


def _check_separated(text: Text) -> None:
    """Refuse values between blanks, and more columns than there can be."""
    first, *others = text.data[:SAMPLE].split(b"\n")[:-1] or [b""]
    n_separators = text.data[: text.data.find(b"\n") + 1].count(text.separator.encode())
    if n_separators >= MOST_COLUMNS:
        raise TableError(
            f"{text.name}, line {text.line}: found {n_separators + 1:,} values, but a table has "
            f"{MOST_COLUMNS:,} columns at most."
        )
    words = [line.decode("utf-8", "replace").split() for line in others]
    n_words = len(first.split())
    is_even = n_words > 1 and words and all(len(w) == n_words for w in words)
    if n_separators == 0 and is_even and any(NUMBER.fullmatch(w) for w in words[0]):
        raise TableError(
            f"{text.name}, line {text.line}: the values are separated by blanks. Separate them by commas, "
            "semicolons or tabs."
        )


def places(lines: Lines) -> Callable[[int], str]:
    """From a row to the line where it begins, as an editor counts."""
    return lambda row: f"line {lines[row]}"


def as_text(data: Content, name: str, path: Path | None = None) -> Text:
    """The text from its header on; `path` is the file that holds just this.

    Raises
    ------
    TableError
        If it is another kind of file.
    """
    if data[:2] in UTF16:
        raise TableError(
            f"{name}, line 1: expected UTF-8 text, but found the byte order mark of UTF-16. Save the file as "
            "CSV in UTF-8, or pass encoding='utf-16'."
        )
    refuse_other_kinds(data, name)
    if (zero := data.find(b"\0")) >= 0:
        line = data[:zero].count(b"\n") + 1
        raise TableError(
            f"{name}, line {line}: found a zero byte, so this is no text table. Save it as CSV in UTF-8, or "
            "pass encoding='utf-16' if it is text in UTF-16."
        )
    if path is not None and _is_plain(data):
        return Text(data, name, sniff(_sample(data)), 1, path)
    data = data[:].removeprefix(UTF8_MARK)
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        data = re.sub(rb"\r(?!\n)", b"\n", data)
    if not data.endswith(b"\n") or data.endswith((b"\n\n", b"\n\r\n")):
        data = data.rstrip(b"\r\n") + b"\n"
    told = SEP.match(data)
    start = _header_start(data, told.end() if told else 0)
    line = data.count(b"\n", 0, start) + 1
    data = data[start:] if start else data
    return Text(data, name, told[1].decode() if told else sniff(_sample(data)), line)


def _is_plain(data: Content) -> bool:
    """Whether a text is nothing but a header and rows, without quotes, so that it can be read where it is."""
    begin = data[: data.find(b"\n") + 1]
    has_more = begin.startswith((UTF8_MARK, b"#")) or SEP.match(begin) is not None
    ends_well = data[-1:] == b"\n" and data[-2:] != b"\n\n" and data[-3:] != b"\n\r\n"
    return bool(begin.strip()) and not has_more and ends_well and data.find(b'"') < 0 > data.find(b"\r")


def _sample(data: Content) -> str:
    return data[: 4 * SAMPLE].decode("utf-8", "replace")[:SAMPLE]


def recoded(data: bytes, name: str, encoding: str) -> bytes:
    """Text of another encoding in UTF-8.

    Raises
    ------
    TableError
        If it is not in that encoding; the line is named.
    """
    try:
        return data.decode(encoding).encode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"{name}, line {line}: the byte 0x{data[error.start]:02x} has no meaning in {encoding}. Pass "
            "another encoding."
        ) from None
    except UnicodeError as error:
        raise TableError(f"{name} cannot be read as {encoding}: {error}. Pass another encoding.") from None


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


def _header_start(data: bytes, start: int) -> int:
    """Where the header begins: behind blank lines, and behind lines with `#` in front that are none."""
    comment = None
    for line in re.finditer(rb"[^\n]*\n", data[start:] if start else data):
        at, content = start + line.start(), line[0].strip()
        if content and not content.startswith(b"#"):
            return at if comment is None or not _is_header(comment[1], content) else comment[0]
        if content:
            comment = at, content
    return comment[0] if comment else 0


def _is_header(comment: bytes, below: bytes) -> bool:
    """Whether a line such as `#name,age` names the values of the line below it."""
    first, second = comment.decode("utf-8", "replace"), below.decode("utf-8", "replace")
    separator = sniff(f"{second}\n")
    values = second.split(separator)
    is_wide = len(first.split(separator)) == len(values) > 1
    return is_wide and any(NUMBER.fullmatch(v.strip()) for v in values)
