"""The calibration curve: how often what is said with a probability comes true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import DataError, ShapeError
from pellucid.plots import style
from pellucid.plots.page import Path, drawing, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SURE = 1.96  # standard deviations within which 95 % of a normal variable lie


@dataclass(frozen=True)
class Calibration:
    """Rows in bins by the probability that was said.

    Parameters
    ----------
    edges : float64 array (n_bins + 1,)
        From 0 to 1.
    counts : int64 array (n_bins,)
        Rows of each bin.
    said : float64 array (n_bins,)
        Mean probability in each; NaN where it has no row.
    came_true : float64 array (n_bins,)
        Share of its rows for which it came true.
    low, high : float64 array (n_bins,)
        Wilson's interval at 95 % around that share: what so few rows may vary by chance.
    """

    edges: Array
    counts: Array
    said: Array
    came_true: Array
    low: Array
    high: Array

    @property
    def error(self) -> float:
        """The expected calibration error: Σ counts · |came_true − said| / n."""
        gap = np.where(self.counts > 0, np.abs(self.came_true - self.said), 0.0)
        return float((self.counts * gap).sum() / self.counts.sum())


def calibrate(probabilities: ArrayLike, is_true: ArrayLike, n_bins: int = 10) -> Calibration:
    """Put rows into bins of equal width by their probability.

    Formula:  ECE = Σ_b n_b / n · |share that came true_b − mean probability_b|.

    Parameters
    ----------
    probabilities : float array (n_samples,)
        What was said, 0 to 1. One that is the edge of two bins belongs to the upper.
    is_true : bool array (n_samples,)
        Whether it came true.
    n_bins : int
        How many bins.

    Raises
    ------
    DataError
        If there is no row or a probability is none.
    ShapeError
        If the two differ in length.

    References
    ----------
    Guo et al., On calibration of modern neural networks, 2017, equation 3; E. B. Wilson, Probable inference,
    the law of succession, and statistical inference, 1927.

    Examples
    --------
    >>> found = calibrate([0.9, 0.8, 0.1, 0.2], [True, False, False, False], n_bins=2)
    >>> found.counts.tolist(), found.came_true.tolist(), round(found.error, 6)
    ([2, 2], [0.0, 0.5], 0.25)
    """
    p, hit = np.asarray(probabilities, np.float64), np.asarray(is_true, np.float64)
    if p.ndim != 1 or p.shape != hit.shape:
        raise ShapeError(
            f"calibration needs an outcome for each probability, but got {hit.shape} for {p.shape}."
        )
    if not len(p):
        raise DataError("calibration needs at least one row.")
    if not ((p >= 0) & (p <= 1 + 1e-6)).all():
        raise DataError("calibration needs probabilities from 0 to 1. Those of other outputs are none.")
    checks.whole("n_bins", n_bins)
    at = np.minimum((p * n_bins).astype(np.int64), n_bins - 1)
    counts = np.bincount(at, minlength=n_bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        said = np.bincount(at, p, n_bins) / counts
        came_true = np.bincount(at, hit, n_bins) / counts
        middle = (came_true + SURE**2 / (2 * counts)) / (1 + SURE**2 / counts)
        inside = came_true * (1 - came_true) / counts + SURE**2 / (4 * counts**2)
        half = SURE / (1 + SURE**2 / counts) * np.sqrt(inside)
    edges = np.linspace(0, 1, n_bins + 1)
    return Calibration(edges, counts, said, came_true, middle - half, middle + half)


def calibration_curve(
    probabilities: ArrayLike,
    is_true: ArrayLike,
    *,
    of: str = "",
    n_bins: int = 10,
    path: Path | None = None,
) -> Figure:
    """Above, the share that came true against the probability that was said; below, how many rows said it.

    Parameters
    ----------
    probabilities, is_true, n_bins
        As in `calibrate`.
    of : str
        What the probability is of: a class; empty means whatever was predicted.
    path : path, optional
        Where to save it: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
    """
    found = calibrate(probabilities, is_true, n_bins)
    with drawing(path) as new_figure:
        title, note = told(found, of)
        figure = new_figure(5.0, 5.2, title, note)
        curve, bars = plain_axes(figure, 2, sharex=True, height_ratios=[3.6, 1])
        draw_curve(curve, found)
        what = f"probability of {style.name(of)}" if of else "probability of the predicted class"
        curve.set_ylabel(f"share of rows that are {style.name(of, 24)}" if of else "share predicted right")
        bars.bar(
            found.edges[:-1],
            found.counts,
            np.diff(found.edges),
            align="edge",
            color=style.BAND,
            edgecolor=style.PAPER,
        )
        for left, count in zip(found.edges, found.counts, strict=False):
            if count and n_bins <= 12:
                middle = left + 0.5 / n_bins
                bars.text(middle, count, f"{count:,}", ha="center", va="bottom", size=style.SMALL - 1)
        bars.set_ylim(0, 1.25 * found.counts.max())
        bars.locator_params(axis="y", integer=True, nbins=4)
        bars.set_ylabel("rows")
        bars.set_xlabel(what)
    return figure


def draw_curve(ax: Axes, found: Calibration) -> None:
    """The diagonal, and a point with its interval for each bin that has rows."""
    full = found.counts > 0
    said, share = found.said[full], found.came_true[full]
    ax.plot([0, 1], [0, 1], color=style.QUIET, linewidth=1, linestyle=(0, (4, 3)))
    ax.vlines(said, found.low[full], found.high[full], color=style.BAND, linewidth=3)
    ax.plot(said, share, color=style.POSITIVE, marker="o", markersize=4.5)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    ax.text(0.52, 0.49, "as said", va="top", color=style.QUIET, size=style.SMALL)


def told(found: Calibration, of: str) -> tuple[str, str]:
    """The expected calibration error in two sentences."""
    off = 100 * found.error
    title = f"Probabilities are off by {off:.1f} points on average"
    full = found.counts > 0
    leaning = float((found.counts[full] * (found.said - found.came_true)[full]).sum() / found.counts.sum())
    way = "too high" if leaning > 0 else "too low"
    often = (
        f"on average {100 * abs(leaning):.1f} points {way}" if abs(leaning) >= 0.0005 else "on average right"
    )
    who = f"of {style.name(of)}" if of else "of the predicted class"
    rows = style.plural(int(found.counts.sum()), "row")
    note = f"Probabilities {who} on {rows}: {often}. Light bars: 95 % intervals."
    return title, f"{note} Expected calibration error {found.error:.4f}."
