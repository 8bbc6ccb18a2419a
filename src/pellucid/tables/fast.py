"""Polars reads a well-formed text with separators, with types that are guessed from a sample.

It accepts some that are not well-formed: a line with too few values is filled up, and a blank line
becomes a row. So what it gives is used only where each line and each separator is accounted for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid.tables.contents import PIECE, Content
from pellucid.tables.distinct import Distinct
from pellucid.tables.number_marks import are_by_comma
from pellucid.tables.records import Text
from pellucid.tables.table import nameless
from pellucid.tables.values import MISSING

if TYPE_CHECKING:
    import polars as pl

    Types = dict[str, pl.DataType]

SAMPLE = 1 << 15  # bytes from the beginning, the middle and the end by which types are guessed
LOOKED_AT = 128  # lines by which polars counts columns, and some more
ENDLESS = 1 << 17  # bytes of a line
SPELLED_MISSING = sorted({s for m in MISSING if m for s in (m, m.upper(), m.title(), "NaN", "NULL")})


Lines = Sequence[int] | NDArray[np.int64]


def read_fast(text: Text, width: int, keep: Collection[int]) -> tuple[pl.DataFrame, Lines, str] | None:
    """Columns of numbers and of texts, the line of each row, and the decimal mark of the numbers.

    None where this is no way to read it.

    Parameters
    ----------
    text : Text
        What to read.
    width : int
        Its columns.
    keep : collection of int
        The columns to read as texts, whatever they hold.
    """
    import polars as pl

    has_quotes = text.data.find(b'"') >= 0
    if has_quotes and not are_paired(text.data[:], text.separator):
        return None
    if _has_endless_line(text, width):
        return None
    texts: Types = {f"{i}": pl.String() for i in range(width)}
    guessed, has_commas = _guessed(text, texts, keep, has_quotes)
    types = texts | guessed
    # Spellings of missing numbers are looked for only where there are some: it takes time.
    for guess, missing in ((types, []), (types, SPELLED_MISSING), (texts, [])):
        source = text.path or text.data[:]
        frame = _read(source, text.separator, guess, missing, header=1, has_commas=has_commas)
        if frame is not None:
            found = _accounted(text, frame, has_quotes) if frame.width == width else None
            return found and (*found, "," if has_commas else ".")
    return None


def _has_endless_line(text: Text, width: int) -> bool:
    """Whether one of the first lines has so many values that polars would take a gigabyte to name them."""
    at, mark = 0, text.separator.encode()
    for _ in range(LOOKED_AT):
        end = text.data.find(b"\n", at)
        if end < 0:
            return False
        if end - at > ENDLESS and text.data[at:end].count(mark) > 2 * width:
            return True
        at = end + 1
    return False


def are_paired(data: bytes, separator: str) -> bool:
    """Whether each quote opens a value, closes it, or stands twice within; polars does not mind others.

    Two quotes within a value close it and open it again.

    Examples
    --------
    >>> are_paired(b'a,"b, c","say ""hi"" "\\n', ","), are_paired(b'a,"b" c,d"\\n', ",")
    (True, False)
    """
    text = np.frombuffer(data, np.uint8)  # ends with a line feed, which so stands before the first byte, too
    may_stand_before = np.isin(np.arange(256), [ord(separator), *b'\n"'])
    may_stand_behind = np.isin(np.arange(256), [ord(separator), *b'\r\n"'])
    n = 0
    for at in range(0, len(text), PIECE):
        quotes = at + np.flatnonzero(text[at : at + PIECE] == ord('"'))
        opening, closing = quotes[n % 2 :: 2], quotes[1 - n % 2 :: 2]
        if not (may_stand_before[text[opening - 1]].all() and may_stand_behind[text[closing + 1]].all()):
            return False
        n += len(quotes)
    return n % 2 == 0


def _read(
    source: Path | bytes,
    separator: str,
    types: Types,
    missing: list[str],
    *,
    header: int,
    has_commas: bool = False,
) -> pl.DataFrame | None:
    """The columns by their numbers, below so many lines of a header; None where polars refuses."""
    import polars as pl

    try:
        return pl.read_csv(
            source,
            separator=separator,
            schema=types,
            null_values=missing,
            has_header=False,  # with one, polars would look for its names in the schema
            skip_rows=header,
            decimal_comma=has_commas,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return None  # the last where a sample begins like a packed file


def _guessed(text: Text, texts: Types, keep: Collection[int], has_quotes: bool) -> tuple[Types, bool]:
    """The columns that hold numbers in a sample, with their types, and whether these have decimal commas."""
    import polars as pl

    data, first = text.data, text.data.find(b"\n") + 1
    size = max(SAMPLE, 16 * first)
    starts = [first]
    if not has_quotes and len(data) > 4 * size:
        starts += [data.find(b"\n", at) + 1 for at in (len(data) // 2, len(data) - size)]
    sample = b"".join(data[at : data.rfind(b"\n", at, at + size) + 1] for at in starts)
    frame = _read(sample, text.separator, texts, SPELLED_MISSING, header=0)
    if frame is None:
        return {}, False
    has_commas, is_sure = False, False
    if text.separator != ",":
        has_commas, is_sure = are_by_comma(Distinct.of(frame.get_columns()), text.separator)
    if has_commas:
        if not is_sure or data.find(b".") >= 0:
            return {}, False  # a point may stand between thousands, and so may the comma
        frame = frame.select(pl.all().str.replace(",", ".", literal=True))
    left = [s for i, s in enumerate(frame) if i not in keep and s.null_count() < s.len()]
    guessed: Types = {}
    for dtype in (pl.Float64(), pl.Int64()):
        numbers = pl.DataFrame(left).select(pl.all().cast(dtype, strict=False))
        left = [s for s, v in zip(left, numbers, strict=True) if v.null_count() == s.null_count()]
        guessed |= {s.name: dtype for s in left}
    return guessed, has_commas


def n_times(data: Content, mark: bytes) -> int:
    """How often a byte stands in a text."""
    return sum(data[at : at + PIECE].count(mark) for at in range(0, len(data), PIECE))


def _accounted(text: Text, frame: pl.DataFrame, has_quotes: bool) -> tuple[pl.DataFrame, Lines] | None:
    """The frame and the line of each row, if it holds all lines and separators of the text."""
    import polars as pl

    data, header = text.data, text.data[: text.data.find(b"\n")]
    quoted = [nameless(s) for s in frame if s.dtype == pl.String] if has_quotes else []
    lines: Lines = range(text.line + 1, text.line + 1 + frame.height)
    if has_quotes and n_times(data, b"\n") != frame.height + 1:
        # A quote has joined lines. It was meant to, if there are as many line feeds in the values.
        joined = np.zeros(frame.height + 1, np.int64)
        for s in quoted:
            joined[1:] += s.str.count_matches("\n", literal=True).fill_null(0).to_numpy()
        if b'"' in header or n_times(data, b"\n") != frame.height + 1 + joined.sum():
            return None
        lines = np.asarray(lines) + joined.cumsum()[:-1]
    if frame.width == 1 or not frame[:, -1].null_count():
        return frame, lines  # neither is a line too short: its last value would be missing
    mark = text.separator
    n_within = sum(int(s.str.count_matches(mark, literal=True).sum()) for s in quoted)
    n_between = n_times(data, mark.encode()) - header.count(mark.encode()) - n_within
    n_lacking = (frame.width - 1) * frame.height - n_between
    return (frame, lines) if not n_lacking else _without_blank_lines(data, frame, lines, n_lacking)


def _without_blank_lines(
    data: Content, frame: pl.DataFrame, lines: Lines, n_lacking: int
) -> tuple[pl.DataFrame, Lines] | None:
    """The same without rows that are blank lines, if these explain all separators that are lacking."""
    import polars as pl

    is_empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    n_empty = int(is_empty.sum())
    n_blank = sum(1 for _ in re.finditer(rb"(?<=\n)\r?\n", data))
    if n_blank != n_empty or n_lacking != n_blank * (frame.width - 1):
        return None
    return frame.filter(~is_empty), np.asarray(lines)[~is_empty.to_numpy()]
