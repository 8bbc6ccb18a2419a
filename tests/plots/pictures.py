"""Reading a picture back: what its artists hold, and whether its texts lie on one another."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from pellucid.plots.page import render


def texts(figure: Figure) -> list[str]:
    """Every text that is seen."""
    FigureCanvasAgg(figure).draw()
    return [t.get_text() for t in seen(figure)]


def seen(figure: Figure) -> list[Text]:
    """The visible texts; without the numbers of ticks beyond the ends of an axis, which are not drawn."""
    hidden = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low <= tick.get_loc() <= high or not ax.axison or not ax.get_visible():
                    hidden |= {tick.label1, tick.label2}
    found = [t for t in figure.findobj(Text) if isinstance(t, Text) and t not in hidden]
    return [t for t in found if t.get_visible() and t.get_text().strip()]


def colliding(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts of which one covers a part of the other, and texts beyond the edge."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [(t.get_text(), t.get_window_extent(canvas.get_renderer())) for t in seen(figure)]
    found = []
    for (one, a), (other, b) in combinations(boxes, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > 1 and high > 1:
            found.append((one, other))
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in boxes:
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            found.append((text, "the edge"))
    return found


def letters(figure: Figure) -> list[str]:
    """The texts of the figure saved as SVG, whose XML is parsed."""
    root = ElementTree.fromstring(render(figure, "svg", letters=True))
    return ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
