"""The decision surface: what is predicted over two features, with the rows of the data on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pellucid.engine.buffer import Array
from pellucid.plots import style
from pellucid.plots.page import Path, drawing, named_legend, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = 121  # of a number axis
MOST_POINTS = 1500  # of the data; of more rows every so manieth is drawn
CLASSES_PALEST, CLASSES_DEEPEST = (
    0.12,
    0.6,
)  # how much of its colour a class has where nothing is sure, and all
GOLDEN, SILVER = (5**0.5 - 1) / 2, 2**0.5 - 1  # their multiples are spread evenly, and not in step
COLOURS = "viridis"  # runs from dark to light, and looks the same to all kinds of eyes


@dataclass(frozen=True)
class Axis:
    """One of the two features.

    Parameters
    ----------
    name : str
        Its name.
    grid : float64 array (n,)
        Where predictions are made, ascending; for categories 0, 1, 2, ...
    levels : sequence of str
        The names of the categories; empty for numbers.
    """

    name: str
    grid: Array
    levels: Sequence[str] = ()

    @classmethod
    def of_numbers(cls, name: str, values: ArrayLike) -> Axis:
        """As far as some values reach, but for a few outliers, and a little beyond."""
        known = np.asarray(values, np.float64)
        known = known[np.isfinite(known)]
        low, high = style.ends_of(known if len(known) else np.array([0.0, 1.0]))
        return cls(name, np.linspace(low, high, STEPS))

    @classmethod
    def of_levels(cls, name: str, levels: Sequence[str]) -> Axis:
        """One place for each category."""
        return cls(name, np.arange(len(levels), dtype=np.float64), levels)

    @property
    def edges(self) -> Array:
        """The ends of the cells around the places of the grid."""
        middle = (self.grid[1:] + self.grid[:-1]) / 2
        first, last = (
            (2 * self.grid[0] - middle[0], 2 * self.grid[-1] - middle[-1]) if len(middle) else (-0.5, 0.5)
        )
        return np.concatenate([[first], middle, [last]])


@dataclass(frozen=True)
class Points:
    """Rows of the data.

    Parameters
    ----------
    x, y : float64 array (n,)
        Where they are on the two axes; not finite where a value is missing.
    true : array (n,)
        Their targets: class indices, or numbers.
    """

    x: Array
    y: Array
    true: Array

    def some(self) -> Points:
        """Those that can be drawn, or some of them spread over the data where there are many."""
        known = np.flatnonzero(np.isfinite(self.x) & np.isfinite(self.y) & np.isfinite(self.true))
        if len(known) > MOST_POINTS:
            known = known[np.linspace(0, len(known) - 1, MOST_POINTS).astype(np.int64)]
        return Points(self.x[known], self.y[known], self.true[known])


def decision_surface(
    x: Axis,
    y: Axis,
    predicted: Array,
    *,
    target: str,
    classes: Sequence[object] = (),
    scores: Array | None = None,
    points: Points | None = None,
    note: str = "",
    path: Path | None = None,
) -> Figure:
    """What is predicted over two features.

    For classes the colour of each place is that of the one answered, the paler the less probable, and lines
    part them; for numbers it is the prediction.

    Parameters
    ----------
    x, y : Axis
        The features, to the right and upwards.
    predicted : float array (n_y, n_x) or (n_y, n_x, n_classes)
        Predictions in the target's own unit, or probabilities.
    target : str
        What is predicted.
    classes : sequence
        The names of the classes; empty in regression.
    scores : float array (n_y, n_x, n_classes), optional
        The class with the largest is answered; the probabilities unless given.
    points : Points, optional
        Rows of the data.
    note : str
        What is said of the other features.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
    """
    predicted = np.asarray(predicted, np.float64)
    shown = points.some() if points else None
    with drawing(path) as new_figure:
        name = style.name(target)
        what = "Which class is predicted" if classes else f"What is predicted for {name}"
        title = f"{what}, by {style.name(x.name)} and {style.name(y.name)}"
        told = "Points are rows of the data in the colour of their true value." if shown else ""
        figure = new_figure(style.WIDE - 0.6, 4.6, title, f"{note} {told}".strip())
        (ax,) = plain_axes(figure)
        ax.grid(visible=False)
        if classes:
            draw_classes(ax, x, y, predicted, predicted if scores is None else scores, classes, shown, name)
        else:
            draw_numbers(ax, x, y, predicted, shown, name)
        for axis, feature in ((ax.xaxis, x), (ax.yaxis, y)):
            axis.set_label_text(style.name(feature.name))
            if feature.levels:
                names = [style.name(level, 22) for level in feature.levels]
                axis.set_ticks(feature.grid, names)
        if x.levels and style.widest(ax_names(x)) > 4.6 / len(x.levels):
            ax.tick_params(axis="x", labelrotation=90)
        ax.set_xlim(x.edges[0], x.edges[-1])
        ax.set_ylim(y.edges[0], y.edges[-1])
    return figure


def ax_names(axis: Axis) -> list[str]:
    """The names of its categories as they are drawn."""
    return [style.name(level, 22) for level in axis.levels]


def draw_numbers(ax: Axes, x: Axis, y: Axis, predicted: Array, points: Points | None, name: str) -> None:
    """Predictions as colours, the true values of the data in the same ones."""
    from matplotlib.colors import Normalize

    low, high = float(predicted.min()), float(predicted.max())
    if points and len(points.true):
        low, high = (
            min(low, float(np.quantile(points.true, 0.02))),
            max(high, float(np.quantile(points.true, 0.98))),
        )
    norm = Normalize(low, high if high > low else low + 1)
    mesh = ax.pcolormesh(x.edges, y.edges, predicted, cmap=COLOURS, norm=norm, rasterized=True)
    colours = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=28)
    colours.set_label(f"predicted {name}")
    colours.ax.yaxis.set_major_formatter(style.tick)
    colours.outline.set_visible(False)
    if not x.levels and not y.levels and predicted.max() > predicted.min():
        ax.contour(x.grid, y.grid, predicted, levels=8, colors=style.PAPER, linewidths=0.5, alpha=0.6)
    if points:
        ax.scatter(
            spread(points.x, x, GOLDEN),
            spread(points.y, y, SILVER),
            c=points.true,
            cmap=COLOURS,
            norm=norm,
            s=16,
            edgecolors=style.PAPER,
            linewidths=0.6,
        )


def draw_classes(
    ax: Axes,
    x: Axis,
    y: Axis,
    p: Array,
    scores: Array,
    classes: Sequence[object],
    points: Points | None,
    name: str,
) -> None:
    """The class that is answered at each place as a colour that is paler the less probable it is."""
    from matplotlib.colors import to_rgb
    from matplotlib.lines import Line2D

    n = len(classes)
    colours = np.array([to_rgb(style.class_colour(i)) for i in range(n)])
    winner = scores.argmax(axis=2)
    of_winner = np.take_along_axis(p, winner[..., None], axis=2)
    sure = np.clip((of_winner - 1 / n) / (1 - 1 / n), 0, 1)
    depth = CLASSES_PALEST + (CLASSES_DEEPEST - CLASSES_PALEST) * sure
    ax.pcolormesh(x.edges, y.edges, (1 - depth) + depth * colours[winner], rasterized=True)
    if not x.levels and not y.levels:
        for i in np.unique(winner):
            others = np.delete(scores, i, axis=2).max(axis=2)
            lead = scores[..., i] - others
            if lead.min() < 0 < lead.max():
                ax.contour(x.grid, y.grid, lead, levels=[0.0], colors=style.INK, linewidths=0.8)
    present = set(np.unique(winner).tolist())
    if points:
        for i in np.unique(points.true).astype(int):
            mine = points.true == i
            ax.scatter(
                spread(points.x[mine], x, GOLDEN),
                spread(points.y[mine], y, SILVER),
                s=16,
                color=style.class_colour(i),
                edgecolors=style.PAPER,
                linewidths=0.6,
            )
        present |= {int(i) for i in np.unique(points.true)}
    listed = sorted(present)[: len(style.CLASSES) - 1]
    handles = [
        Line2D([], [], color=style.class_colour(i), marker="o", linestyle="", markersize=5) for i in listed
    ]
    names = [style.name(classes[i], 22) for i in listed]
    if len(listed) < len(present):
        handles.append(Line2D([], [], color=style.CLASSES[-1], marker="o", linestyle="", markersize=5))
        names.append(f"{len(present) - len(listed)} others")
    named_legend(ax, handles, names, title=name, loc="upper left", bbox_to_anchor=(1.01, 1), alignment="left")


def spread(at: Array, axis: Axis, ratio: float) -> Array:
    """Places on an axis, those of one category side by side rather than on one another."""
    if not axis.levels:
        return at
    aside: Array = 0.6 * ((np.arange(len(at)) * ratio) % 1 - 0.5)
    return at + aside
