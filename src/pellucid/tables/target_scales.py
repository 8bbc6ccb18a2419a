"""The scales in which a network learns numbers: as they are, or in logarithms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ArgumentError, TableError
from pellucid.tables.row_split import RowSplit
from pellucid.tables.table import Table
from pellucid.tables.targets import Target
from pellucid.tables.values import LARGEST

Numbers = NDArray[np.float64]

TARGET_SCALES = ("auto", "linear", "log")
SKEWED = 1.0  # skewness from which logarithms are tried
FEWEST_TO_TRY = 10  # rows, below which skewness says nothing


@dataclass(frozen=True)
class TargetScale:
    """A scale of a target.

    Parameters
    ----------
    name : str
        What a model file calls it.
    forward : callable
        From the target's own unit to the scale.
    inverse : callable
        Back, with a factor on what was the logarithm's argument.
    slope : callable
        The derivative of `inverse`.
    """

    name: str
    forward: Callable[[Numbers], Numbers]
    inverse: Callable[[Numbers, float], Numbers]
    slope: Callable[[Numbers, float], Numbers]


def _exp(z: Numbers) -> Numbers:
    """e^z, never beyond the largest number that a table may hold."""
    return np.exp(np.minimum(z, np.log(LARGEST)))


def _slope(z: Numbers) -> Numbers:
    """The derivative of `_exp`."""
    return np.where(z < np.log(LARGEST), _exp(z), 0.0)


# Examples of the inverse: exp(log(5)) · 1 = 5; exp(log(1 + 5)) · 1 − 1 = 5.
SCALES = {
    scale.name: scale
    for scale in (
        TargetScale("linear", lambda y: y, lambda z, factor: z, lambda z, factor: np.ones_like(z)),
        TargetScale("log", np.log, lambda z, factor: factor * _exp(z), lambda z, factor: factor * _slope(z)),
        TargetScale(
            "log1p",
            np.log1p,
            lambda z, factor: np.maximum(factor * _exp(z) - 1, 0.0),
            lambda z, factor: np.where(factor * _exp(z) > 1, factor * _slope(z), 0.0),
        ),
    )
}


def logarithm_for(y: Numbers) -> str:
    """The logarithm that all numbers have: `log`, `log1p` where some are 0, nothing where some are negative.

    Examples
    --------
    >>> [logarithm_for(np.array(y)) for y in ([2.0, 5.0], [0.0, 5.0], [-2.0, 5.0])]
    ['log', 'log1p', '']
    """
    least = y.min()
    return "log" if least > 0 else "log1p" if least == 0 else ""


def is_skewed(y: Numbers) -> bool:
    """Whether 10 or more numbers have a long tail of large ones, in which logarithms make a difference.

    Formula:  mean(((y − mean) / σ)³) > 1 and max > 2 median

    Examples
    --------
    >>> is_skewed(np.arange(100.0)), is_skewed(np.exp(np.arange(100.0) / 25))
    (False, True)
    """
    if len(y) < FEWEST_TO_TRY or not (spread := float(y.std())) > 0:
        return False
    skewness = np.mean(((y - y.mean()) / spread) ** 3)
    return bool(skewness > SKEWED and y.max() > 2 * np.median(y))


def scales_to_try(table: Table, target: Target, split: RowSplit, asked: str) -> list[tuple[str, ...]]:
    """The scales that a target is modelled in; of two the better on the validation rows is kept.

    Raises
    ------
    ArgumentError
        If logarithms of classes are asked for.
    TableError
        If logarithms of negative numbers are asked for.
    """
    linear = ("linear",) * len(target.names)
    if target.classes:
        if asked == "log":
            raise ArgumentError(
                f"target_scale='log' is for numbers, but {target.names[0]!r} is predicted as classes."
            )
        return [linear]
    if asked == "log":
        for name, y in zip(target.names, target.values.T, strict=True):
            if (y < 0).any():
                place = table.origin.at(name, int(target.rows[(y < 0).argmax()]))
                raise TableError(
                    f"{place}: found {y[y < 0][0]:g}, but negative numbers have no logarithm. Correct it, or "
                    "pass target_scale='linear'."
                )
        return [tuple(logarithm_for(y) for y in target.values.T)]
    y = np.asarray(target.values[:, 0], np.float64)
    if asked == "linear" or len(target.names) > 1 or not len(split.held):
        return [linear]
    may_be_better = logarithm_for(y) and is_skewed(y[split.training])
    return [linear, (logarithm_for(y),)] if may_be_better else [linear]


def smearing(residuals: Numbers, weights: Numbers | None = None) -> float:
    """What to multiply e^(predicted logarithm) with, so that it is right on average: mean(e^residual).

    The logarithm that a network predicts is a mean of logarithms, so its e^ is nearer to a median.

    Parameters
    ----------
    residuals : float64 array (n,)
        Logarithms of some training rows' targets less what the network predicts for them.
    weights : float64 array (n,), optional
        What each row counts.

    References
    ----------
    N. Duan, Smearing estimate: a nonparametric retransformation method, 1983.

    Examples
    --------
    >>> round(smearing(np.log([1.0, 4.0]) - np.log(2.0)), 3)
    1.25
    """
    return float(np.average(_exp(residuals), weights=weights))
