"""The network as neurons and synapses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.plots import style
from pellucid.plots.page import MARGIN, Path, drawing
from pellucid.plots.stages import Placed, Stage, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

MOST = 24  # neurons of a layer that are shown unless asked otherwise
BAR = 0.2  # inches wide
GAP, BAR_GAP = 1.5, 0.5  # inches between columns, more between tall ones, and beside a bar
FOOT = 0.34  # inches of the key below
HEADER = 3  # lines above a column
CROWD = 60  # synapses between two layers; of more the strong ones must stand out


def network_diagram(
    stages: Sequence[Stage],
    *,
    title: str = "",
    note: str = "",
    most: int = MOST,
    marked: tuple[int, int] | None = None,
    path: Path | None = None,
) -> Figure:
    """Neurons in columns, and synapses between them: blue where a weight is positive, orange where negative.

    The width of a synapse is its weight relative to the largest of its layer; the ring of a neuron is its
    bias in the same way. Where a stage has `values`, its neurons are filled by them.

    Parameters
    ----------
    stages : sequence of Stage
        From the inputs to the outputs.
    title, note : str
        What stands above.
    most : int
        How many neurons of a layer are shown; of a larger one these are the strongest.
    marked : (int, int), optional
        A stage and a neuron of it: only its synapses are drawn in colour.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
    """
    checks.whole("most", most)
    placed = place(stages, most, marked)
    with drawing(path) as new_figure:
        last = max(i for i, p in enumerate(placed) if not p.stage.is_bar)
        labels = [labels_of(p) if i in (0, last) else [] for i, p in enumerate(placed)]
        columns, taken = places(placed, labels)
        is_cut = any(p.n_more for p in placed)
        reach = max(float(p.heights.max()) + p.pitch / 2 for p in placed)
        top = reach + 0.12 + HEADER * 0.15
        bottom = reach + 0.1 + (0.26 if is_cut else 0.0) + FOOT
        width = max(taken, 5.4)
        figure = new_figure(width, top + bottom, title, note)
        figure.set_layout_engine(None)
        ax = figure.add_axes((0.0, 0.0, 1.0, (top + bottom) / figure.get_figheight()))
        ax.set_xlim(0, width)
        ax.set_ylim(-bottom, top)
        ax.set_axis_off()
        columns = columns + (width - taken) / 2
        for i, column in enumerate(placed):
            if i:
                connect(ax, placed[i - 1], column, columns[i - 1], columns[i], in_colour(placed, i, marked))
            draw_stage(ax, column, columns[i], labels[i], is_left=i == 0, reach=reach)
        draw_key(ax, -bottom + 0.16, has_values=any(s.values is not None for s in stages))
    return figure


def labels_of(placed: Placed) -> list[str]:
    """What stands beside the neurons of a stage: their names, and values where there are any."""
    stage, labels = placed.stage, []
    for i in placed.shown if stage.names else []:
        value = "" if stage.values is None else f" = {style.number(float(stage.values[i]), 3)}"
        labels.append(style.name(stage.names[i], 34) + value)
    return labels


def places(placed: Sequence[Placed], labels: Sequence[Sequence[str]]) -> tuple[Array, float]:
    """How far each column is from the left, in inches, and the width of all.

    The labels of the first column stand before it, those of the last behind it; no header touches another.
    """
    tall = 2 * max(float(p.heights.max()) for p in placed)
    gap = float(np.clip(0.22 * tall, GAP, 4.0))
    at = [MARGIN + max(style.widest(labels[0]) + 0.3, header_width(placed[0].stage) / 2)]
    end = at[0] + header_width(placed[0].stage) / 2
    for (before, told), now in zip(zip(placed, labels, strict=True), placed[1:], strict=False):
        beside = style.widest(told) + 0.35 if len(at) > 1 and told else 0.0
        if now.stage.is_bar:
            x = at[-1] + max(BAR_GAP, beside)
            end = max(end, x + BAR / 2)
        else:
            x = at[-1] + max(gap - BAR_GAP / 2 if before.stage.is_bar else gap, beside)
            half = header_width(now.stage) / 2
            x = max(x, end + half + 0.15)
            end = x + half
        at.append(x)
    behind = at[-1] + style.widest(labels[-1]) + 0.3 if len(at) > 1 else 0.0
    return np.array(at), max(end, behind) + MARGIN


def header(stage: Stage) -> list[str]:
    """The lines above a column: its name, how many neurons it has, what they do."""
    what = "neuron" if stage.weights is not None else "input"
    return [
        style.name(stage.name, 24),
        style.plural(stage.n, what),
        style.name(stage.caption, 24) if stage.caption else "",
    ]


def header_width(stage: Stage) -> float:
    """The width of the widest of these lines."""
    first, *others = header(stage)
    return (
        0.0
        if stage.is_bar
        else max(style.width_of(first, style.TEXT, bold=True), style.widest(others, style.SMALL))
    )


def in_colour(placed: Sequence[Placed], i: int, marked: tuple[int, int] | None) -> Array | None:
    """Which synapses to stage i, (n_in, n), are those of the marked neuron; None where none is marked."""
    weights = placed[i].stage.weights
    if marked is None or weights is None:
        return None
    keep, (at, neuron) = np.zeros(weights.shape), marked
    if at == i:
        keep[:, neuron] = 1
    elif at < i and all(p.stage.weights is None for p in placed[at + 1 : i]):
        keep[neuron, :] = 1
    return keep


def connect(ax: Axes, before: Placed, now: Placed, left: float, right: float, keep: Array | None) -> None:
    """Synapses between two stages, the strongest on top; into a bar just lines."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb

    if before.stage.is_bar:
        left += BAR / 2
    if now.stage.is_bar or now.stage.weights is None:
        lines = [[(left, y), (right - BAR / 2, y)] for y in before.heights]
        ax.add_collection(LineCollection(lines, colors=style.FAINT, linewidths=0.8, zorder=1))
        return
    all_weights = np.nan_to_num(np.asarray(now.stage.weights, np.float64))
    weights = all_weights[np.ix_(before.shown, now.shown)]
    sizes = np.abs(weights) / (np.abs(all_weights).max() or 1.0)
    order = np.argsort(sizes, axis=None, kind="stable")
    i, j = np.unravel_index(order, weights.shape)
    ends = np.stack(
        [
            np.stack([np.full(len(i), left), before.heights[i]], axis=1),
            np.stack([np.full(len(j), right), now.heights[j]], axis=1),
        ],
        axis=1,
    )
    size = sizes[i, j]
    colours = np.empty((len(i), 4))
    colours[:, :3] = np.where(weights[i, j][:, None] < 0, to_rgb(style.NEGATIVE), to_rgb(style.POSITIVE))
    is_crowd = len(i) > CROWD
    colours[:, 3] = 0.04 + 0.86 * size ** (3.0 if is_crowd else 1.0)
    if keep is not None:
        is_kept = keep[np.ix_(before.shown, now.shown)][i, j] > 0
        colours[:, 3] = np.where(is_kept, 0.3 + 0.7 * size, 0.04)
    widest = 2.7 * float(np.clip((CROWD / len(i)) ** 0.3, 0.4, 1.0))
    synapses = LineCollection(list(ends), colors=colours, linewidths=0.3 + widest * size, zorder=1)
    synapses.set_gid(f"synapses to {now.stage.name}")
    ax.add_collection(synapses)


def draw_stage(
    ax: Axes, placed: Placed, x: float, labels: Sequence[str], *, is_left: bool, reach: float
) -> None:
    """One column: its header, its neurons with their names, how many more there are; or a bar."""
    stage = placed.stage
    if stage.is_bar:
        draw_bar(ax, stage, x, reach)
        return
    first, *others = header(stage)
    top = reach + 0.12 + 0.15 * (HEADER - 1)
    ax.text(x, top, first, ha="center", va="bottom", weight="bold", size=style.TEXT)
    for line, text in enumerate(others, start=1):
        ax.text(x, top - 0.15 * line, text, ha="center", va="bottom", color=style.QUIET, size=style.SMALL)
    draw_neurons(ax, placed, x)
    side = placed.radius + 0.07
    behind = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.6}
    for y, label in zip(placed.heights, labels, strict=False):
        ha = "right" if is_left else "left"
        ax.text(x - side if is_left else x + side, y, label, ha=ha, va="center_baseline", bbox=behind)
    if placed.n_more:
        y = float(placed.heights.min()) - placed.pitch / 2 - 0.06
        ax.text(
            x, y, f"and {placed.n_more:,} more", ha="center", va="top", color=style.QUIET, size=style.SMALL
        )


def draw_bar(ax: Axes, stage: Stage, x: float, reach: float) -> None:
    """A slim bar with the layer's name along it, for a layer without neurons."""
    from matplotlib.patches import FancyBboxPatch

    bar = FancyBboxPatch(
        (x - BAR / 2, -reach),
        BAR,
        2 * reach,
        boxstyle="round,pad=0,rounding_size=0.05",
        facecolor="#f0f0f0",
        edgecolor="#bbbbbb",
        linewidth=0.8,
        zorder=2,
    )
    ax.add_patch(bar)
    text = f"{stage.name}  {stage.caption}".strip()
    while len(text) > 8 and style.width_of(text, style.SMALL) > 2 * reach - 0.1:
        text = style.name(text, len(text) - 2)
    ax.text(x, 0, text, rotation=90, ha="center", va="center", size=style.SMALL, color=style.QUIET, zorder=3)


def draw_neurons(ax: Axes, placed: Placed, x: float) -> None:
    """Circles: filled by activation, ringed by bias, with the neuron's number where it has no name."""
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Circle

    stage, shown = placed.stage, placed.shown
    fills = [to_rgba(style.PAPER)] * len(shown) if stage.values is None else fills_of(stage.values, shown)
    rings, widths = rings_of(stage, shown)
    circles = PatchCollection(
        [Circle((x, y), placed.radius) for y in placed.heights],
        facecolors=fills,
        edgecolors=rings,
        linewidths=widths,
        zorder=2,
    )
    circles.set_gid(f"neurons of {stage.name}")
    ax.add_collection(circles)
    if stage.names:
        return
    for i, y, fill in zip(shown, placed.heights, fills, strict=True):
        size = min(style.SMALL, 2 * placed.radius * 72 / (0.64 * len(str(i)) + 0.9))
        ink = style.INK if is_light(fill) else style.PAPER
        ax.text(x, y, str(i), ha="center", va="center_baseline", size=size, color=ink, zorder=3)
        if stage.values is not None and placed.pitch >= 0.5:
            value = style.number(float(stage.values[i]), 3)
            behind = {"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.4}
            below = y - placed.radius - 0.04
            ax.text(x, below, value, ha="center", va="top", size=style.SMALL - 1, bbox=behind, zorder=3)


def fills_of(values: Array, shown: Array) -> list[tuple[float, ...]]:
    """Colours of activations, relative to the largest of their layer."""
    values = np.nan_to_num(np.asarray(values, np.float64))
    largest = np.abs(values).max() or 1.0
    return [tuple(c) for c in activation_colours()(0.5 + 0.5 * values[shown] / largest)]


def activation_colours() -> Colormap:
    """From orange, which is negative, through white to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("activations", [style.NEGATIVE, "#ffffff", style.POSITIVE])


def is_light(colour: Sequence[float]) -> bool:
    """Whether dark letters are read better on it."""
    red, green, blue = colour[:3]
    return 0.3 * red + 0.59 * green + 0.11 * blue > 0.5


def rings_of(stage: Stage, shown: Array) -> tuple[list[str], Array]:
    """Colour and width of the ring of each neuron: sign and size of its bias, relative to the largest."""
    if stage.bias is None:
        return [style.QUIET] * len(shown), np.full(len(shown), 0.8)
    bias = np.nan_to_num(np.asarray(stage.bias, np.float64))
    size = np.abs(bias[shown]) / (np.abs(bias).max() or 1.0)
    colours = [style.QUIET if b == 0 else style.NEGATIVE if b < 0 else style.POSITIVE for b in bias[shown]]
    return colours, 0.6 + 1.8 * size


def draw_key(ax: Axes, y: float, *, has_values: bool) -> None:
    """What colours and widths mean, in one line."""
    from matplotlib.patches import Circle

    x = MARGIN
    for colour, text in ((style.POSITIVE, "positive weight"), (style.NEGATIVE, "negative weight")):
        ax.plot([x, x + 0.3], [y, y], color=colour, linewidth=2.5)
        ax.text(x + 0.36, y, text, size=style.SMALL, color=style.QUIET, va="center_baseline")
        x += 0.36 + style.width_of(text, style.SMALL) + 0.2
    ax.add_patch(Circle((x + 0.06, y), 0.06, facecolor=style.PAPER, edgecolor=style.POSITIVE, linewidth=1.8))
    text = "ring: bias"
    ax.text(x + 0.18, y, text, size=style.SMALL, color=style.QUIET, va="center_baseline")
    x += 0.18 + style.width_of(text, style.SMALL) + 0.2
    if has_values:
        colours = activation_colours()
        for k, value in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
            ax.add_patch(
                Circle(
                    (x + 0.06 + 0.13 * k, y),
                    0.06,
                    facecolor=colours(value),
                    edgecolor=style.QUIET,
                    linewidth=0.6,
                )
            )
        text = "filled: activation"
        ax.text(x + 0.72, y, text, size=style.SMALL, color=style.QUIET, va="center_baseline")
