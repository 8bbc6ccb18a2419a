"""Markup in which every text is escaped unless it is markup already."""

from __future__ import annotations

import html
from collections.abc import Sequence

EMPTY = ("meta", "br", "hr")  # elements without an end


class Html(str):
    """Markup that may stand in a page as it is."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as markup: escaped, and without what a page may not hold.

    Examples
    --------
    >>> text("<script>"), text("a\\x00b")
    ('&lt;script&gt;', 'a b')
    """
    if isinstance(value, Html):
        return value
    shown = "".join(c if c.isprintable() or c.isspace() else "□" if ord(c) > 31 else " " for c in str(value))
    return Html(html.escape(shown))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """An element; what is no markup among its children is escaped, and so are all attributes.

    An underscore at the end of an attribute's name keeps it from being a word of Python, others stand for
    hyphens; an attribute that is None is left out.

    Examples
    --------
    >>> element("p", "a < b", element("b", "c"), class_="note", title=None)
    '<p class="note">a &lt; b<b>c</b></p>'
    """
    named = {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items() if v is not None}
    start = tag + "".join(f' {name}="{text(value)}"' for name, value in named.items())
    if tag in EMPTY:
        return Html(f"<{start}>")
    return Html(f"<{start}>{joined(children)}</{tag}>")


def joined(parts: Sequence[object]) -> Html:
    """Parts behind one another."""
    return Html("".join(text(p) for p in parts))


def table(head: Sequence[object], rows: Sequence[Sequence[object]], n_texts: int = 1) -> Html:
    """A table; the first `n_texts` columns are flush left, the numbers after them flush right."""
    kinds = ["text" if i < n_texts else "number" for i in range(len(head))]
    top = element("tr", *(element("th", h, class_=k, scope="col") for h, k in zip(head, kinds, strict=True)))
    body = [
        element("tr", *(element("td", c, class_=k) for c, k in zip(row, kinds, strict=True))) for row in rows
    ]
    inside = element("table", element("thead", top), element("tbody", *body))
    return element("div", inside, class_="scroll")


def bar(value: float, largest: float, *, is_signed: bool = True) -> Html:
    """A bar as wide as a value beside the largest.

    With a sign it begins in the middle and goes to the right where the value is positive, else to the left.
    """
    middle = 50.0 if is_signed else 0.0
    share = (100.0 - middle) * min(abs(value) / largest, 1.0) if largest > 0 else 0.0
    left = middle if value >= 0 else middle - share
    inside = element("i", class_="up" if value >= 0 else "down", style=f"left:{left:.2f}%;width:{share:.2f}%")
    return element("span", inside, class_="bar" if is_signed else "bar whole")
