"""Pictures inside a page: their colours are those of the page, and their names do not clash."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from pellucid.plots import style
from pellucid.plots.page import render
from pellucid.tables.report.html import Html, element

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONTS = f"'{style.FONT}', Verdana, sans-serif"  # the second is nearly as wide as the first
SCALE = 0.9  # of a picture on paper: letters look larger on a screen
LEFT_OUT = ("metadata", "style")
# What the page gives another colour in the dark.
COLOURS = {
    style.INK: "var(--ink)",
    style.QUIET: "var(--quiet)",
    style.PAPER: "var(--paper)",
    style.FAINT: "var(--line)",
    "#e8e8e8": "var(--line)",
    "#f0f0f0": "var(--panel)",
    "#bbbbbb": "var(--line)",
    style.POSITIVE: "var(--positive)",
    style.NEGATIVE: "var(--negative)",
    style.BAND: "var(--band)",
}


def picture(figure: Figure, name: str, caption: str, *, is_plain: bool = True) -> Html:
    """A figure as markup.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The picture.
    name : str
        A word of its own, with which all names inside it begin.
    caption : str
        What it shows, for who cannot see it.
    is_plain : bool
        Whether its colours are those of the page; else it keeps its own, on white paper.
    """
    root = ElementTree.fromstring(render(figure, "svg", letters=True))
    _tidy(root, name, is_plain)
    root.attrib = {"viewBox": root.get("viewBox", ""), "role": "img", "aria-label": caption}
    wide = SCALE * figure.get_figwidth()
    drawn = Html(ElementTree.tostring(root, encoding="unicode"))
    kind = "plain" if is_plain else "paper"
    return element("figure", drawn, class_=kind, style=f"width:{wide:.2f}in")


def _tidy(node: ElementTree.Element, name: str, is_plain: bool) -> None:
    """Take out namespaces, which HTML does not need, and what is no drawing; rename and recolour."""
    node.tag = _local(node.tag)
    for key, value in list(node.attrib.items()):
        del node.attrib[key]
        if _local(key) == "id":
            value = f"{name}-{value}"
        elif _local(key) == "href" and value.startswith("#"):
            value = f"#{name}-{value.removeprefix('#')}"
        elif _local(key) in ("style", "clip-path"):
            value = re.sub(r"url\(#", f"url(#{name}-", value.replace(f"'{style.FONT}'", FONTS))
            for own, shared in COLOURS.items() if is_plain else ():
                value = value.replace(own, shared)
        node.set(_local(key), value)
    for child in list(node):
        if _local(child.tag) in LEFT_OUT:
            node.remove(child)
        else:
            _tidy(child, name, is_plain)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
