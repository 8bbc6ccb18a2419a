"""Tables and bars in plain text, and texts from elsewhere that a terminal may show."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_CELL = 400  # characters

# A terminal obeys these: colours, what it types for its user, the direction of all that follows.
COMMANDS = [*range(32), *range(127, 160), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
ESCAPES = {code: ascii(chr(code))[1:-1] for code in COMMANDS if chr(code) not in "\t\n"}


def harmless(text: str) -> str:
    """A text in which characters that a terminal obeys are spelled out; tabs and line feeds stay.

    Examples
    --------
    >>> print(harmless("\\x1b[31mred"))
    \\x1b[31mred
    """
    return text.translate(ESCAPES)


def shortened(text: str, most: int) -> str:
    """A text cut where it is long.

    Examples
    --------
    >>> shortened("a long story", most=9)
    'a long...'
    """
    return text if len(text) <= most else f"{text[: most - 3]}..."


def cell(text: str) -> str:
    """A text in one line and not too long.

    Examples
    --------
    >>> print(cell("a\\nb"), len(cell("x" * 1000)))
    a\\nb 400
    """
    return harmless(shortened(text, LONGEST_CELL)).replace("\n", "\\n").replace("\t", "\\t")


def table_text(head: Sequence[str], rows: Sequence[Sequence[str]], n_texts: int = 1) -> str:
    """A table as plain text; the first `n_texts` columns are flush left, the numbers after them flush right.

    Examples
    --------
    >>> print(table_text(["from", "weight"], [["age", "0.5"], ["income", "-12"]]))
    from    weight
    age        0.5
    income     -12
    """
    lines = [[*map(cell, line)] for line in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [[*map(str.ljust, line[:n_texts], widths)] for line in lines]
    numbers = [[*map(str.rjust, line[n_texts:], widths[n_texts:])] for line in lines]
    return "\n".join("  ".join(t + n).rstrip() for t, n in zip(texts, numbers, strict=True))


def bar(value: float, largest: float, width: int = 12, block: str = "█") -> str:
    """A bar for a number beside others, to the left of the middle where it is negative.

    Examples
    --------
    >>> [bar(v, 4.0, width=4, block="#") for v in (4.0, -2.0, 0.1)]
    ['    |####', '  ##|    ', '    |    ']
    """
    blocks = block * (round(width * min(1.0, abs(value) / largest)) if largest > 0 else 0)
    left, right = (blocks, "") if value < 0 else ("", blocks)
    return f"{left:>{width}}|{right:<{width}}"
