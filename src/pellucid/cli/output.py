"""Everything that the command prints: results on standard output, all else on standard error.

Text for people is plain; where standard output is a terminal, tables are drawn by rich, which
respects `NO_COLOR`. A reader that stops reading is no error, but an output that is full is.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pellucid.errors import CallError
from pellucid.glass.text import cell, harmless, table_text


def prepare() -> None:
    """Make the streams safe to use: a closed one is empty and swallows, and no character is refused."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def can_print(text: str) -> bool:
    """Whether standard output has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def say(sentence: str) -> None:
    """Print a note on standard error."""
    with contextlib.suppress(OSError, ValueError):  # nobody can be told that nobody can be told
        print(harmless(sentence), file=sys.stderr, flush=True)


def write(text: str) -> None:
    """Print a line, or several, on standard output."""
    with _output():
        print(harmless(text), flush=True)


def write_bytes(data: bytes) -> None:
    """Put bytes on standard output as they are, whatever its encoding."""
    with _output():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def write_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; NaN and infinities, which JSON does not have, become null."""
    write(json.dumps(plain(value), allow_nan=False))


def write_table(head: Sequence[str], rows: Sequence[Sequence[str]], n_texts: int = 1) -> None:
    """Print a table; the first `n_texts` columns are flush left, the numbers after them flush right."""
    if not sys.stdout.isatty():
        write(table_text(head, rows, n_texts))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(head):
        table.add_column(Text(cell(name)), justify="left" if i < n_texts else "right")
    for row in rows:
        table.add_row(*(Text(cell(text)) for text in row))
    with _output():
        Console(file=sys.stdout).print(table)


def plain(value: Any) -> Any:
    """A value as JSON has it: dates and everything else it does not know as texts.

    Examples
    --------
    >>> plain({"loss": [0.5, float("nan")], 3: (True, None)})
    {'loss': [0.5, None], '3': [True, None]}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # arrays, and single numbers of NumPy
        return plain(value.tolist())
    return str(value)


def abandon() -> None:
    """Write no more to standard output: what waits in its buffer goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        place = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, place)
        os.close(nowhere)


@contextlib.contextmanager
def _output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon()
        reason = (error.strerror or str(error)).lower()
        raise CallError(f"cannot write to standard output: {reason}.") from error
