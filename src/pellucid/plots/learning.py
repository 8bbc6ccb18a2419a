"""Learning curves: losses, metrics and the learning rate over the epochs, of one network or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pellucid import checks
from pellucid.errors import DataError
from pellucid.plots import style
from pellucid.plots.page import Path, drawing, logarithmic, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Columns = Mapping[str, Sequence[float]]

SPAN = 20.0  # where the largest value is so many times the smallest, an axis is logarithmic
DOTTED = 30  # with fewer epochs each has a dot
# What is not measured on rows of one kind or the other.
LABELS = {
    "running_loss": "running loss",
    "penalty": "penalty",
    "learning_rate": "learning rate",
    "gradient_norm": "norm of the gradient",
    "seconds": "seconds an epoch",
}


def learning_curves(
    columns: Columns,
    *,
    of: str | Sequence[str] = ("loss",),
    best_epoch: int | None = None,
    reason: str = "",
    log: bool | None = None,
    path: Path | None = None,
) -> Figure:
    """Curves over the epochs, a panel for each name.

    Parameters
    ----------
    columns : dict of str to list of float
        Numbers of each epoch by name, as a `History` has them.
    of : str or sequence of str
        A panel each: `loss`, a metric, `learning_rate`, `gradient_norm`; where there is a `validation_...`
        of that name, it is drawn beside.
    best_epoch : int, optional
        The epoch with the best loss, counted from 1, is marked.
    reason : str
        Why training stopped, in words.
    log : bool, optional
        Whether the axes are logarithmic; unless given, those on which values span a factor of 20.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If there is no epoch yet.
    UnknownNameError
        If there is no such name.
    """
    panels = [series_of(columns, name) for name in checks.several(of) or ["loss"]]
    n_epochs = max((len(values) for series in panels for values in series.values()), default=0)
    if not n_epochs:
        raise DataError("there are no learning curves before the first epoch. Call fit.")
    with drawing(path) as new_figure:
        note = f"Training ran {style.plural(n_epochs, 'epoch')}"
        note += f" and stopped: {reason.rstrip('.')}." if reason else "."
        heights = [2.9] + [1.5] * (len(panels) - 1)
        figure = new_figure(style.WIDE, sum(heights), title_of(panels[0], best_epoch), note)
        axes = plain_axes(figure, len(panels), sharex=True, height_ratios=heights)
        for i, (ax, series) in enumerate(zip(axes, panels, strict=True)):
            draw_panel(ax, [series], log)
            mark_best(ax, best_epoch, is_told=i == 0)
        draw_epochs(axes[-1], n_epochs)
    return figure


def curves_of_several(histories: Sequence[Columns], *, path: Path | None = None) -> Figure:
    """The losses of several networks over the epochs, in one panel.

    Parameters
    ----------
    histories : sequence of dict of str to list of float
        Numbers of each epoch by name, of each network.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If no network was trained for an epoch.
    """
    several = [series for columns in histories if (series := series_of(columns, "loss"))]
    if not several:
        raise DataError("there are no learning curves before the first epoch. Call fit.")
    lengths = [max(map(len, series.values())) for series in several]
    low, high = min(lengths), max(lengths)
    span = f"{low:,} to {high:,} epochs" if low < high else style.plural(high, "epoch")
    what = words(list(several[0])[-1]).capitalize()
    with drawing(path) as new_figure:
        title = f"{what} of {style.plural(len(several), 'network')}, of which the model is the mean"
        figure = new_figure(style.WIDE, 2.9, title, f"They were trained for {span}.")
        [ax] = plain_axes(figure)
        draw_panel(ax, several, None)
        draw_epochs(ax, high)
    return figure


def draw_epochs(ax: Axes, n_epochs: int) -> None:
    """The axis of the epochs."""
    ax.set_xlabel("epoch")
    room = max(0.5, 0.015 * n_epochs)
    ax.set_xlim(1 - room, n_epochs + room)
    ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)  # type: ignore[call-arg]


def series_of(columns: Columns, name: str) -> dict[str, Sequence[float]]:
    """What is drawn in one panel: the name's own values, and those of the validation rows.

    Without a loss over all training rows it is the running one.

    Examples
    --------
    >>> series_of({"running_loss": [2.0], "validation_loss": [3.0]}, "loss")
    {'running_loss': [2.0], 'validation_loss': [3.0]}
    """
    own = "running_loss" if name == "loss" and "loss" not in columns else name
    found = {n: columns[n] for n in (own, f"validation_{name}") if n in columns}
    if not found and columns:
        checks.choice("of", name, [n for n in columns if not n.startswith("validation_")])
    return found


def title_of(series: Columns, best_epoch: int | None) -> str:
    """What the first panel shows, in a sentence."""
    name = list(series)[-1]
    values = np.asarray(series[name], np.float64)
    finite = np.flatnonzero(np.isfinite(values))
    what = words(name).capitalize()
    if not len(finite):
        return f"{what} was never a finite number"
    first, last = values[finite[0]], values[finite[-1]]
    is_best = best_epoch is not None and best_epoch <= len(values) and np.isfinite(values[best_epoch - 1])
    if is_best and best_epoch is not None and "loss" in name:
        last = values[best_epoch - 1]
        if best_epoch == 1:
            return f"{what} was never below the {style.number(last)} of the first epoch"
        return (
            f"{what} fell from {style.number(first)} to {style.number(last)} in epoch {best_epoch}, the best"
        )
    if len(finite) == 1:
        return f"{what} was {style.number(first)} after the one epoch"
    went = "fell" if last < first else "rose" if last > first else "stayed"
    if went == "stayed":
        return f"{what} stayed at {style.number(last)}"
    return f"{what} {went} from {style.number(first)} to {style.number(last)}"


def draw_panel(ax: Axes, several: Sequence[Columns], log: bool | None) -> None:
    """The curves of one panel, of one network or of several."""
    series, lines = several[0], []
    for name, values in (pair for each in several for pair in each.items()):
        y = np.asarray(values, np.float64)
        y = np.where(np.isfinite(y), y, np.nan)
        is_validation = name.startswith("validation_")
        colour = style.NEGATIVE if is_validation else style.POSITIVE
        is_dotted = len(y) <= DOTTED or bool(np.isfinite(y).sum() < 3)
        (line,) = ax.plot(
            np.arange(1, len(y) + 1),
            y,
            color=colour,
            linestyle="-" if is_validation or len(series) == 1 else (0, (5, 1.2)),
            marker="o" if is_dotted else "",
            markersize=3.5,
            linewidth=None if len(several) == 1 else 1,
            label=words(name),
        )
        lines.append(line)
    every = np.concatenate([np.asarray(v, np.float64) for each in several for v in each.values()])
    every = every[np.isfinite(every)]
    is_falling = any("loss" in name or "norm" in name for name in series)
    label = words(list(series)[-1])
    ax.set_ylabel(label if len(series) == 1 else label.removeprefix("validation "))
    if not len(every):
        ax.text(0.5, 0.5, "no finite number", transform=ax.transAxes, ha="center", color=style.QUIET)
        ax.set_yticks([])
    elif every.min() > 0 and (log or (log is None and is_falling and every.max() > SPAN * every.min())):
        logarithmic(ax)
    if len(series) > 1:
        ax.legend(handles=lines[: len(series)], loc="best")


def mark_best(ax: Axes, best_epoch: int | None, *, is_told: bool) -> None:
    """A line at the best epoch."""
    if best_epoch is None:
        return
    ax.axvline(best_epoch, color=style.QUIET, linewidth=1, linestyle=(0, (2, 2)), zorder=0.5)
    if is_told:
        ax.annotate(
            f"best: epoch {best_epoch}",
            (best_epoch, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            size=style.SMALL,
            color=style.QUIET,
        )


def words(name: str) -> str:
    """The name of a quantity for people.

    Examples
    --------
    >>> words("validation_loss"), words("loss"), words("learning_rate")
    ('validation loss', 'training loss', 'learning rate')
    """
    if name in LABELS:
        return LABELS[name]
    return name.replace("_", " ") if name.startswith("validation_") else f"training {name.replace('_', ' ')}"
