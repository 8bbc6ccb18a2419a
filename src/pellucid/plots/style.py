"""How every picture looks: colours, sizes, and numbers and names as texts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from pellucid.engine.buffer import Array

# Blue and orange are told apart by all kinds of eyes, and by their lightness on paper without colours.
POSITIVE, NEGATIVE = "#1f5fa8", "#e6892a"
INK, QUIET, FAINT, PAPER = "#222222", "#666666", "#dddddd", "#ffffff"
BAND = "#8fb4dc"
# Okabe and Ito, Color universal design, 2008, without its black and its yellow, and then darker ones.
CLASSES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7a5c00", "#5b3a8c", "#888888")

WIDE = 7.2  # inches; what a page of text or half a screen holds
TITLE, TEXT, SMALL = 11.0, 9.0, 7.5  # points
HINTED = 1.04  # so much wider letters may become where they are drawn to whole pixels
ROOMY = 0.4  # where nearly all values take less than this of an axis, a few outliers are left out
FONT = "DejaVu Sans"  # comes with matplotlib, so a picture is the same everywhere

SETTINGS: dict[str, Any] = {
    "font.family": FONT,
    "font.size": TEXT,
    "text.parse_math": False,  # a column may be called `price in $ or $/kg`
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlesize": TEXT,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL + 0.5,
    "ytick.labelsize": SMALL + 0.5,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": SMALL + 0.5,
    "savefig.dpi": 200,
    "svg.hashsalt": "pellucid",  # the same numbers give the same file
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


def number(value: float, digits: int = 4) -> str:
    """A number for people, with a true minus sign.

    Examples
    --------
    >>> number(1234567.0), number(-0.0125), number(float("nan"))
    ('1,234,567', '−0.0125', 'not a number')
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if 10 ** (digits - 1) <= size < 1e9:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{digits}g}"
    return text.replace("-", "−")


def tick(value: float, _: float | None = None) -> str:
    """A number beside an axis, in full unless it is very large or very small.

    Examples
    --------
    >>> tick(0.1 + 0.2), tick(-1500.0), tick(1e-7), tick(3e12)
    ('0.3', '−1,500', '1e−07', '3e+12')
    """
    size = abs(value)
    text = f"{value:,.10g}" if size < 1e9 and (size >= 1e-4 or size == 0) else f"{value:.3g}"
    return text.replace("-", "−")


def share(part: float, whole: float) -> str:
    """A share in per cent.

    Examples
    --------
    >>> share(1, 3), share(344, 344), share(0, 0), share(999_999, 1_000_000)
    ('33.3 %', '100 %', '0 %', '99.9 %')
    """
    percent = 100 * part / whole if whole else 0.0
    if 99.9 < percent < 100:
        return "99.9 %"  # not all, however few are missing
    return f"{percent:.1f} %" if 0 < percent < 100 else f"{percent:.0f} %"


def plural(n: int, what: str) -> str:
    """A number of things.

    Examples
    --------
    >>> plural(1, "row"), plural(1200, "row"), plural(2, "class")
    ('1 row', '1,200 rows', '2 classes')
    """
    return f"{n:,} {what}{'' if n == 1 else 'es' if what.endswith('s') else 's'}"


def name(text: object, most: int = 40) -> str:
    """A name from a table as it can be drawn: on one line, cut in its middle, boxes for what no font has.

    Examples
    --------
    >>> name("income\\nin the year before the last one", most=20)
    'income in… last one'
    >>> name("\\ud800")
    '□'
    """
    drawable = "".join(
        c if c.isprintable() else " " if c.isspace() or ord(c) < 32 else "□" for c in str(text)
    )
    line = " ".join(drawable.split()) or "(blank)"
    if len(line) > most:
        tail = most // 2 - 1
        line = f"{line[: most - tail - 1].rstrip()}…{line[-tail:]}"
    return "".join(c if font_of(c) else "□" for c in line)


@cache
def font_of(character: str) -> str | None:
    """The font that has a character: the pictures' own, else any that is installed; None if none has it."""
    if ord(character) < 128:
        return FONT
    for font, characters in _fonts():
        if ord(character) in characters:
            return font
    return None


def families(text: str) -> list[str]:
    """The fonts that a text needs, the pictures' own first."""
    fonts = [font_of(c) for c in text]
    return list(dict.fromkeys([FONT, *(f for f in fonts if f)]))


def _fonts() -> Iterator[tuple[str, dict[int, Any]]]:
    """Fonts and the characters that each has, the pictures' own first; opened one after the other."""
    from matplotlib.font_manager import fontManager

    entries = [
        f for f in fontManager.ttflist if f.style == "normal" and f.name != "Last Resort High-Efficiency"
    ]
    for entry in sorted(entries, key=lambda f: (f.name != FONT, f.weight != 400, f.name)):
        yield entry.name, _characters(entry.fname)


@cache
def _characters(path: str) -> dict[int, Any]:
    from matplotlib.ft2font import FT2Font

    try:
        return dict(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # a damaged font is as good as none
        return {}


def width_of(text: str, size: float = TEXT, *, bold: bool = False) -> float:
    """How wide a text is, in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=families(text), size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return HINTED * float(width) / 72


def widest(texts: Sequence[str], size: float = TEXT) -> float:
    """The width of the widest of some texts, in inches; 0 without any."""
    return max((width_of(t, size) for t in texts), default=0.0)


def wrapped(text: str, width: float, size: float = TEXT, *, bold: bool = False) -> str:
    """A text in lines of at most `width` inches, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size, bold=bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def ends_of(values: Array) -> Array:
    """Where an axis begins and ends: at the extremes, unless a few of them would leave all others no room.

    Examples
    --------
    >>> import numpy as np
    >>> ends_of(np.array([0.0, 100.0])).tolist()
    [-4.0, 104.0]
    >>> ends_of(np.append(np.linspace(0, 100, 1001), 10_000.0)).round().tolist()
    [-4.0, 104.0]
    """
    low, high = float(values.min()), float(values.max())
    inner, outer = np.quantile(values, [0.002, 0.998])
    if outer - inner < ROOMY * (high - low):
        low, high = float(inner), float(outer)
    room = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return np.array([low - room, high + room])


def class_colour(i: int) -> str:
    """A colour for each class; those beyond the last share a grey."""
    return CLASSES[min(i, len(CLASSES) - 1)]
