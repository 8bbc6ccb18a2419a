"""Predicted against true numbers, and how far they are apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pellucid.engine.buffer import Array
from pellucid.errors import DataError, ShapeError
from pellucid.plots import style
from pellucid.plots.page import Path, drawing, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 3000  # with more rows the plane is divided into hexagons that count them
MOST_TARGETS = 6


def predicted_against_true(
    true: ArrayLike, predicted: ArrayLike, names: Sequence[str], *, path: Path | None = None
) -> Figure:
    """For each target, predictions against true values, and beside it how their differences spread.

    The band and the dashed lines hold the middle 90 % of the differences, predicted − true.

    Parameters
    ----------
    true, predicted : float array (n_samples, n_targets) or (n_samples,)
        In the targets' own units.
    names : sequence of str
        The names of the targets.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If there is no row, or a number is not finite.
    ShapeError
        If the two differ in shape.
    """
    y, y_pred = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    y, y_pred = (a[:, None] if a.ndim == 1 else a for a in (y, y_pred))
    if y.shape != y_pred.shape or y.shape[1] != len(names):
        raise ShapeError(
            f"expected a prediction for each of {y.shape} true values of {len(names)} targets, "
            f"but got {y_pred.shape}."
        )
    if not len(y):
        raise DataError("a picture of predictions needs at least one row.")
    if not (np.isfinite(y).all() and np.isfinite(y_pred).all()):
        raise DataError("a picture of predictions needs finite numbers.")
    drawn = min(len(names), MOST_TARGETS)
    with drawing(path) as new_figure:
        figure = new_figure(style.WIDE, 3.7 * drawn, *told(y, y_pred, names))
        axes = plain_axes(figure, drawn, 2, width_ratios=[1.35, 1])
        for i in range(drawn):
            draw_points(axes[2 * i], y[:, i], y_pred[:, i], style.name(names[i], 26))
            draw_differences(axes[2 * i + 1], y_pred[:, i] - y[:, i], style.name(names[i], 26))
    return figure


def told(y: Array, y_pred: Array, names: Sequence[str]) -> tuple[str, str]:
    """How far off predictions are, in sentences."""
    errors = y_pred - y
    half, most = np.quantile(np.abs(errors[:, 0]), [0.5, 0.9])
    name = style.name(names[0])
    title = f"Half of the predictions are within {style.number(half)} of the true {name}"
    rmse = float(np.sqrt(np.mean(errors[:, 0] ** 2)))
    note = (
        f"On {style.plural(len(y), 'row')}; 90 % are within {style.number(most)}; rmse {style.number(rmse)}"
    )
    total = float(((y[:, 0] - y[:, 0].mean()) ** 2).sum())
    if total > 0:
        r2 = 1 - float((errors[:, 0] ** 2).sum()) / total
        note += f", r2 {style.number(r2, 3)}"
    if len(names) > MOST_TARGETS:
        note += f". The first {MOST_TARGETS} of {len(names)} targets are drawn"
    return title, note + "."


def draw_points(ax: Axes, y: Array, y_pred: Array, name: str) -> None:
    """Predicted against true, with the diagonal and the band of the middle 90 % of the differences."""
    ends = style.ends_of(np.concatenate([y, y_pred]))
    outside = int(((np.minimum(y, y_pred) < ends[0]) | (np.maximum(y, y_pred) > ends[1])).sum())
    if outside:
        beyond = f"{style.plural(outside, 'row')} beyond these axes"
        ax.set_title(beyond, size=style.SMALL + 0.5)
    below, above = np.quantile(y_pred - y, [0.05, 0.95])
    ax.fill_between(ends, ends + below, ends + above, color=style.BAND, alpha=0.3, linewidth=0, zorder=0.6)
    ax.plot(ends, ends, color=style.QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=0.7)
    if len(y) > MOST_POINTS:
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.ticker import NullFormatter

        blues = LinearSegmentedColormap.from_list("rows", ["#c9dcef", style.POSITIVE, "#0b2447"])
        extent = (ends[0], ends[1], ends[0], ends[1])
        hexagons = ax.hexbin(
            y, y_pred, gridsize=45, extent=extent, mincnt=1, cmap=blues, bins="log", linewidths=0.1
        )
        colours = ax.figure.colorbar(hexagons, ax=ax, pad=0.02, aspect=30)
        colours.set_label("rows", size=style.SMALL)
        colours.ax.yaxis.set_major_formatter(style.tick)
        colours.ax.yaxis.set_minor_formatter(NullFormatter())
        colours.outline.set_visible(False)
    else:
        opacity = float(np.clip(14 / np.sqrt(len(y)), 0.25, 0.85))
        ax.scatter(y, y_pred, s=14, color=style.POSITIVE, alpha=opacity, linewidths=0)
    ax.set_xlim(*ends)
    ax.set_ylim(*ends)
    ax.set_box_aspect(1)
    ax.set_xlabel(f"true {name}")
    ax.set_ylabel(f"predicted {name}")


def draw_differences(ax: Axes, errors: Array, name: str) -> None:
    """How often predictions are off by how much."""
    low, high = np.quantile(errors, [0.001, 0.999])
    reach = max(abs(low), abs(high)) or 1.0
    n_bins = int(np.clip(1.3 * np.sqrt(len(errors)), 7, 41)) | 1  # odd, so that one bin holds 0
    ax.hist(
        np.clip(errors, -reach, reach),
        np.linspace(-reach, reach, n_bins + 1).tolist(),
        color=style.POSITIVE,
        alpha=0.85,
    )
    below, above = np.quantile(errors, [0.05, 0.95])
    ax.axvspan(below, above, color=style.BAND, alpha=0.3, linewidth=0, zorder=0.6)
    for at in (below, above):
        ax.axvline(at, color=style.QUIET, linewidth=1, linestyle=(0, (4, 3)))
    ax.axvline(0, color=style.INK, linewidth=0.8)
    ax.set_xlabel(f"predicted − true {name}")
    ax.set_ylabel("rows")
    ax.set_title(f"90 % from {style.number(below, 3)} to {style.number(above, 3)}", size=style.SMALL + 0.5)
    ax.locator_params(axis="x", nbins=5)
    ax.locator_params(axis="y", integer=True)
