"""A curve in one line of text."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.,-~=*#"  # where the former cannot be printed


def sparkline(values: Sequence[float], width: int = 60, bars: str = BARS) -> str:
    """A bar for each value, the lowest for the smallest; means of neighbours where they are too many.

    A blank stands for what is not finite.

    Examples
    --------
    >>> sparkline([3.0, 2.0, 1.0, float("nan"), 1.0])
    '█▅▁ ▁'
    >>> sparkline([0.0, 1.0, 2.0, 3.0], width=2)
    '▁█'
    """
    n = len(values)
    cuts = [n * i // width for i in range(width + 1)] if n > width else range(n + 1)
    parts = [[v for v in values[a:b] if math.isfinite(v)] for a, b in itertools.pairwise(cuts)]
    means = [math.fsum(part) / len(part) if part else math.nan for part in parts]
    finite = [m for m in means if math.isfinite(m)]
    if not finite:
        return " " * len(means)
    low, high = min(finite), max(finite)
    step = (high - low) / (len(bars) - 1) or 1.0
    return "".join(bars[round((m - low) / step)] if math.isfinite(m) else " " for m in means)
