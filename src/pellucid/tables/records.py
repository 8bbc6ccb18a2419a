"""The rows of a text with separators one by one, by Python's `csv` module, which knows its line."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.errors import TableError
from pellucid.tables.contents import Content
from pellucid.tables.table import shown

if TYPE_CHECKING:
    import polars as pl

BATCH = 10_000  # rows that become columns at a time


@dataclass(frozen=True)
class Text:
    """A text with separators, ready to be read.

    Parameters
    ----------
    data : bytes, or a file in memory
        UTF-8 from the header on: no byte order mark, no blank lines at the end, lines that end in a line
        feed.
    name : str
        What to call it in messages.
    separator : str
        One character.
    line : int
        That of the header in the file, counted from 1.
    path : Path, optional
        The file that it is, where that has nothing else in it.
    """

    data: Content
    name: str
    separator: str
    line: int
    path: Path | None = None

    def header(self) -> tuple[int, list[str]]:
        """Line and values of the header; no values if there is nothing at all."""
        first = self.data[: self.data.find(b"\n") + 1]
        text = self if b'"' in first else replace(self, data=first)
        return next(text.records(2), (self.line, []))

    def records(self, width: int, encoding: str = "utf-8") -> Iterator[tuple[int, list[str]]]:
        """Line and values of the header and of each row, without blank lines.

        Parameters
        ----------
        width : int
            Of the table: in one of a single column a blank line is a missing value.
        encoding : str
            Another one shows what would stand where no UTF-8 is, as far as it can.

        Raises
        ------
        TableError
            If a quote is never closed or the text is no UTF-8.
        """
        errors = "strict" if encoding == "utf-8" else "replace"
        lines = io.TextIOWrapper(io.BytesIO(self.data), encoding=encoding, errors=errors, newline="")
        reader = csv.reader(lines, delimiter=self.separator, skipinitialspace=True, strict=True)
        is_header = True
        while True:
            line = self.line + reader.line_num
            try:
                fields = next(reader)
            except StopIteration:
                return
            except UnicodeDecodeError:
                raise self._not_utf8() from None
            except csv.Error as error:
                raise TableError(f"{self.name}, line {line}: {_in_words(error)}") from None
            is_blank = not fields or (len(fields) == 1 and not fields[0].strip())
            if is_blank and (is_header or width > 1):
                continue
            is_header = False
            yield line, fields or [""]

    def columns(self, header: Sequence[str]) -> tuple[pl.DataFrame, array[int]]:
        """The columns as texts, and the line of each row.

        Raises
        ------
        TableError
            If a row has too few or too many values.
        """
        import polars as pl

        if self.data.find(b'"') < 0:
            self._check_widths(len(header))
        schema = {f"{i}": pl.String for i in range(len(header))}
        parts, lines = [pl.DataFrame(schema=schema)], array("q")
        batch: list[list[str | None]] = []
        records = self.records(len(header))
        next(records)
        for line, fields in records:
            if len(fields) != len(header):
                raise self._ragged(line, len(header), len(fields))
            lines.append(line)
            batch.append([f or None for f in fields])
            if len(batch) == BATCH:
                parts.append(pl.DataFrame(batch, schema=schema, orient="row"))
                batch = []
        parts.append(pl.DataFrame(batch, schema=schema, orient="row"))
        return pl.concat(parts), lines

    def _check_widths(self, width: int) -> None:
        """Refuse the first line with too few or too many values, in a text without quotes: quickly."""
        mark = self.separator.encode()
        for line, content in enumerate(io.BytesIO(self.data), self.line):
            n = content.count(mark) + 1
            if n != width and content.strip():
                raise self._ragged(line, width, n)

    def _ragged(self, line: int, expected: int, found: int) -> TableError:
        return TableError(
            f"{self.name}, line {line}: expected {expected} values as in the header, but found {found}. "
            f"Check the line for a missing or additional {self.separator!r} or quote."
        )

    def _not_utf8(self) -> TableError:
        """What stands where no UTF-8 is: line, column, and the value as another encoding has it."""
        try:
            str(self.data, "utf-8")
            position = 0
        except UnicodeDecodeError as error:
            position = error.start
        line = self.line + self.data[:position].count(b"\n")
        begin = self.data.rfind(b"\n", 0, position) + 1
        end = self.data.find(b"\n", position)
        guess = likely_encoding(self.data[begin:end])
        try:
            names = next(self.records(2, guess))[1]
            row = Text(self.data[begin:end], "", self.separator, 1)
            fields = next(row.records(len(names), guess))[1]
            i = next(i for i, f in enumerate(fields) if not f.isascii())
            where = f", column {(names[i].strip() or f'column {i + 1}')!r}" if i < len(names) else ""
            what = f" (read as {guess}, the value is {shown(fields[i].strip())})"
        except (TableError, StopIteration):
            where = what = ""
        return TableError(
            f"{self.name}, line {line}{where}: expected UTF-8 text, but found the byte "
            f"0x{self.data[position]:02x}{what}. Save the file as CSV in UTF-8, or pass encoding='{guess}'."
        )


def likely_encoding(text: bytes) -> str:
    """The encoding that bytes which are no UTF-8 are probably in."""
    try:
        text.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _in_words(error: csv.Error) -> str:
    if "field limit" in str(error):
        return (
            f"a value is longer than {csv.field_size_limit():,} characters. Check the line for a quote that "
            "is never closed."
        )
    return f"the quotes in this line cannot be read ({error}). Check that each quote is closed."
