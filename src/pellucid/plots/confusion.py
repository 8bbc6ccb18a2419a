"""The confusion matrix: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import DataError, ShapeError
from pellucid.plots import style
from pellucid.plots.page import Path, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Counts = NDArray[np.int64]

WITH_SHARES = 12  # with more classes a cell holds its count alone
WITH_COUNTS = 40  # with more classes colours alone
MOST_CLASSES = 100  # whose names are written


def confusion_counts(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> Counts:
    """How many rows of each class were predicted to be of each class.

    Parameters
    ----------
    true, predicted : int array (n_samples,)
        Class indices, 0 to n_classes − 1.
    n_classes : int
        How many classes there are.

    Returns
    -------
    int64 array (n_classes, n_classes)
        `[i, j]` counts the rows of class i that were predicted to be of class j.

    Examples
    --------
    >>> confusion_counts([0, 0, 1], [0, 1, 1], 2)
    array([[1, 1],
           [0, 1]])
    """
    pairs = np.asarray(true, np.int64) * n_classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=n_classes * n_classes).reshape(n_classes, n_classes)


def confusion_matrix(
    true: ArrayLike,
    predicted: ArrayLike,
    classes: Sequence[object],
    *,
    target: str = "",
    path: Path | None = None,
) -> Figure:
    """The confusion matrix as a picture: a row for each true class, a column for each predicted one.

    A cell holds its count, and the share of its row where there is room; colours show these shares.

    Parameters
    ----------
    true, predicted : int array (n_samples,)
        Class indices.
    classes : sequence
        The names of the classes.
    target : str
        What the classes are classes of.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If there is no row.
    ShapeError
        If there are not as many predictions as true classes.
    """
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.shape != predicted.shape:
        raise ShapeError(
            f"a confusion matrix needs a prediction for each row, but got {predicted.shape} for {true.shape}."
        )
    if not true.size:
        raise DataError("a confusion matrix needs at least one row.")
    counts = confusion_counts(true, predicted, len(classes))
    n = len(classes)
    with drawing(path) as new_figure:
        most = 30 if n <= WITH_SHARES else 22
        names = [style.name(c, most) for c in classes]
        totals = [f"{name}  ({count:,})" for name, count in zip(names, counts.sum(axis=1), strict=True)]
        cell, size = cell_of(n, int(counts.max()))
        left, below = style.widest(totals, size) + 0.5, style.widest(names, size) * 0.72 + 0.55
        width = max(left + n * cell + 0.3, 5.2)
        figure = new_figure(width, n * cell + below + 0.1, title_of(counts), note_of(counts, classes))
        ax = figure.add_subplot()
        draw_cells(ax, counts, size)
        is_named = n <= MOST_CLASSES
        what = f" {style.name(target)}" if target else " class"
        ax.set_xlabel(f"predicted{what}")
        ax.set_ylabel(f"true{what}  (rows)")
        if is_named:
            slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
            is_fitting = style.widest(names, size) < 0.95 * cell
            ax.set_xticks(range(n), names, size=size, **({} if is_fitting else slant))
            ax.set_yticks(range(n), totals, size=size)
        else:
            ax.set_xticks([])
            ax.set_yticks([])
    return figure


def cell_of(n: int, largest: int) -> tuple[float, float]:
    """The size of a cell in inches and of its numbers in points, so that they fit into it."""
    digits = len(f"{largest:,}")
    if n <= WITH_SHARES:
        return max(0.62, 0.095 * digits), 8.0
    if n <= WITH_COUNTS:
        return max(0.25, 0.07 * digits), 6.5
    return max(0.06, min(0.16, 9.0 / n)), 5.0


def draw_cells(ax: Axes, counts: Counts, size: float) -> None:
    """The coloured cells with their numbers."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    n = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    blues = LinearSegmentedColormap.from_list("shares", [style.PAPER, "#9dc1e4", style.POSITIVE, "#12386a"])
    ax.pcolormesh(
        np.arange(n + 1) - 0.5,
        np.arange(n + 1) - 0.5,
        shares,
        cmap=blues,
        norm=PowerNorm(1.0 if n <= WITH_COUNTS else 0.5, 0, 1),  # without numbers a few must be seen too
        edgecolors="#e8e8e8",
        linewidth=0.5 if n <= WITH_COUNTS else 0,
    )
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if n > WITH_COUNTS:
        return
    for i, j in np.ndindex(n, n):
        count = int(counts[i, j])
        if not count and n > WITH_SHARES:
            continue  # so that what is there is seen
        text = f"{count:,}"
        if n <= WITH_SHARES and count:
            text += f"\n{style.share(count, counts[i].sum())}"
        colour = style.PAPER if shares[i, j] > 0.45 else style.INK if count else "#aaaaaa"
        ax.text(j, i, text, ha="center", va="center", size=size, color=colour)


def title_of(counts: Counts) -> str:
    """How often it was right, in a sentence."""
    right, n = int(np.trace(counts)), int(counts.sum())
    return f"Right in {right:,} of {style.plural(n, 'row')} ({style.share(right, n)})"


def note_of(counts: Counts, classes: Sequence[object]) -> str:
    """The most frequent mistake, in a sentence."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return "No row was taken for another class."
    i, j = divmod(int(wrong.argmax()), len(wrong))
    taken, true = style.name(classes[j]), style.name(classes[i])
    n, of = int(wrong[i, j]), int(counts[i].sum())
    return f"The most frequent mistake: {true} taken for {taken}, {n:,} of {style.plural(of, 'row')}."
