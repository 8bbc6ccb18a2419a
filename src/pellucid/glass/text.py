"""Tables and bars in plain text."""

from __future__ import annotations

from collections.abc import Sequence


def table_text(head: Sequence[str], rows: Sequence[Sequence[str]], n_texts: int = 1) -> str:
    """A table as plain text; the first `n_texts` columns are flush left, the numbers after them flush right.

    Examples
    --------
    >>> print(table_text(["from", "weight"], [["age", "0.5"], ["income", "-12"]]))
    from    weight
    age        0.5
    income     -12
    """
    lines = [head, *rows]
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
