"""How the weights and activations of each layer are spread, now and over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pellucid.engine.buffer import Array
from pellucid.errors import DataError
from pellucid.plots import style
from pellucid.plots.page import Path, drawing, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 41
COLUMNS = 3  # panels side by side
MOST_PANELS = 24
HIGH = 1.75  # inches of a panel


def distribution_curves(
    distributions: Mapping[str, ArrayLike],
    *,
    epochs: ArrayLike | None = None,
    best_epoch: int | None = None,
    path: Path | None = None,
) -> Figure:
    """Quantiles of each layer's numbers over the epochs, a panel for each name.

    Parameters
    ----------
    distributions : dict of str to float array (n_epochs, 7)
        The quantiles 0, 5, 25, 50, 75, 95 and 100 % of each epoch, by names such as `hidden_1/weights`.
    epochs : int array (n_epochs,), optional
        After which epochs they were taken, 0 before the first; 1, 2, 3, ... unless given.
    best_epoch : int, optional
        The epoch with the best loss, counted from 1, is marked.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If there are none.
    """
    tables = {n: np.asarray(v, np.float64) for n, v in distributions.items()}
    if not tables or not all(len(t) for t in tables.values()):
        raise DataError("there are no distributions over the epochs. Train with record=True.")
    with drawing(path) as new_figure:
        n_taken = max(map(len, tables.values()))
        at = np.arange(1, n_taken + 1) if epochs is None else np.asarray(epochs)
        title = f"How numbers spread over {style.plural(int(at[-1]), 'epoch')}, by layer"
        note = "Line: median. Dark: middle half. Pale: middle 90 %. Dotted: smallest and largest."
        axes = panels(new_figure, len(tables), title, note)
        for ax, (name, table) in zip(axes, tables.items(), strict=False):
            draw_quantiles(ax, at[: len(table)], table)
            head(ax, name)
            if best_epoch is not None:
                ax.axvline(best_epoch, color=style.QUIET, linewidth=1, linestyle=(0, (2, 2)))
            ax.set_xlabel("epoch", size=style.SMALL)
    return axes[0].get_figure()  # type: ignore[return-value]


def distribution_bars(values: Mapping[str, ArrayLike], *, path: Path | None = None) -> Figure:
    """A histogram of each layer's numbers as they are now, a panel for each name.

    Parameters
    ----------
    values : dict of str to float array
        By names such as `hidden_1/weights`.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If there are none.
    """
    numbers = {n: np.asarray(v, np.float64).ravel() for n, v in values.items()}
    numbers = {n: v for n, v in numbers.items() if len(v)}
    if not numbers:
        raise DataError("there are no numbers to show: the network has no parameters.")
    with drawing(path) as new_figure:
        note = "Bars count numbers. The line is the median, the band holds the middle 90 %."
        axes = panels(new_figure, len(numbers), "How the numbers of each layer are spread now", note)
        for ax, (name, found) in zip(axes, numbers.items(), strict=False):
            draw_histogram(ax, found)
            head(ax, name, f"{len(found):,}")
    return axes[0].get_figure()  # type: ignore[return-value]


def panels(new_figure: object, n: int, title: str, note: str) -> list[Axes]:
    """Axes for so many panels, in rows."""
    drawn = min(n, MOST_PANELS)
    if drawn < n:
        note += f" The first {drawn} of {n} are drawn."
    columns = min(COLUMNS, drawn)
    rows = -(-drawn // columns)
    width = style.WIDE if columns > 1 else 4.6
    figure = new_figure(width, HIGH * rows, title, note)  # type: ignore[operator]
    axes = plain_axes(figure, rows, columns)
    for ax in axes[drawn:]:
        ax.set_visible(False)
    for ax in axes:
        ax.tick_params(labelsize=style.SMALL)
        ax.locator_params(nbins=5)
    return axes[:drawn]


def head(ax: Axes, name: str, note: str = "") -> None:
    """What a panel shows, above it."""
    shown = style.name(name, 30)
    ax.set_title(f"{shown}  ({note})" if note else shown, size=style.SMALL + 0.5)


def draw_quantiles(ax: Axes, epochs: Array, table: Array) -> None:
    """Bands between quantiles over the epochs."""
    finite = np.where(np.isfinite(table), table, np.nan)
    low, p5, p25, median, p75, p95, high = finite.T
    if len(table) == 1:  # a band needs two
        epochs = epochs[0] + np.array([-0.2, 0.2])
        low, p5, p25, median, p75, p95, high = (
            np.repeat(v, 2) for v in (low, p5, p25, median, p75, p95, high)
        )
    ax.fill_between(epochs, p5, p95, color=style.BAND, alpha=0.4, linewidth=0)
    ax.fill_between(epochs, p25, p75, color=style.BAND, linewidth=0)
    ax.plot(epochs, median, color=style.POSITIVE)
    for edge in (low, high):
        ax.plot(epochs, edge, color=style.QUIET, linewidth=0.8, linestyle=(0, (1, 1.5)))
    ax.locator_params(axis="x", integer=True, nbins=5)


def draw_histogram(ax: Axes, values: Array) -> None:
    """Bars, the median, and the band of the middle 90 %; what is not finite is counted in words."""
    finite = values[np.isfinite(values)]
    if n_bad := len(values) - len(finite):
        ax.text(
            0.98,
            0.95,
            f"{n_bad:,} not finite",
            transform=ax.transAxes,
            ha="right",
            va="top",
            size=style.SMALL,
        )
    if not len(finite):
        ax.set_yticks([])
        return
    low, median, high = np.quantile(finite, [0.05, 0.5, 0.95])
    ax.axvspan(low, high, color=style.BAND, alpha=0.3, linewidth=0, zorder=0.6)
    n_bins = int(np.clip(2 * np.sqrt(len(finite)), 5, BINS))
    ax.hist(finite, n_bins, color=style.POSITIVE, alpha=0.85)
    ax.axvline(median, color=style.INK, linewidth=0.8)
    ax.locator_params(axis="y", integer=True, nbins=4)
