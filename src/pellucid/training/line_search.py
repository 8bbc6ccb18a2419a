"""How far to go along a direction: the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Function = Callable[[Vector], tuple[float, Vector]]

DECREASE = 1e-4  # of what the slope at the start promises, at least: c₁
CURVATURE = 0.9  # of the slope at the start, at most, in size: c₂
NOISE = 2.0**-22  # of a value, relatively: sums of float32 numbers tell no more
MOST_TRIES = 20
LONGEST = 10.0  # of the last try, when none was too long


@dataclass(frozen=True)
class Point:
    """A place with the function's value and gradient there."""

    x: Vector
    value: float
    gradient: Vector


@dataclass(frozen=True)
class Try:
    """A length t, the value and the slope φ(t), φ'(t) there, and the place."""

    t: float
    value: float
    slope: float
    point: Point


def search(function: Function, start: Point, direction: Vector, first: float, most: int) -> Point | None:
    """The place x + t d of a length t that is neither too long nor too short; None if none is found.

    Formula:  φ(t) ≤ φ(0) + c₁ t φ'(0) and |φ'(t)| ≤ c₂ |φ'(0)|. Where the decrease is lost in rounding,
    φ'(t) ≤ (2c₁ - 1) φ'(0) stands for the first condition.

    Parameters
    ----------
    function : callable
        For x, the value and the gradient.
    start : Point
        Where to begin.
    direction : float64 array (n,)
        Downhill: d.
    first : float
        The length that is tried first.
    most : int
        How often the function may be asked at most.

    References
    ----------
    J. Nocedal, S. Wright, Numerical optimization, 2006, algorithms 3.5 and 3.6; W. Hager, H. Zhang, A new
    conjugate gradient method with guaranteed descent and an efficient line search, 2005, equation 4.1.
    """
    downhill = float(start.gradient @ direction)
    if not downhill < 0:
        return None
    low, high, t = Try(0.0, start.value, downhill, start), None, first
    for _ in range(min(MOST_TRIES, most)):
        x = start.x + t * direction
        value, gradient = function(x)
        slope = float(gradient @ direction) if np.isfinite(value) else np.nan
        new = Try(t, value, slope, Point(x, value, gradient))
        if not _is_lower(new, low, start.value, downhill):
            high = new
        elif abs(slope) <= -CURVATURE * downhill:
            return new.point
        else:
            if slope > 0 if high is None else slope * (high.t - low.t) >= 0:
                high = low
            low = new
        t = low.t * LONGEST if high is None else _between(low, high)
        if high is not None and abs(high.t - low.t) <= 1e-12 * max(high.t, low.t):
            break
    return low.point if low.t > 0 and low.value < start.value else None


def _is_lower(new: Try, low: Try, value: float, downhill: float) -> bool:
    """Whether a try goes down enough, and is lower than the lowest so far."""
    if not np.isfinite(new.value) or not np.isfinite(new.slope):
        return False
    noise = NOISE * abs(value)
    if new.value <= value + DECREASE * new.t * downhill and new.value <= low.value:
        return True
    return new.value <= min(value, low.value) + noise and new.slope <= (2 * DECREASE - 1) * downhill


def _between(low: Try, high: Try) -> float:
    """Where the cubic through both values and slopes is least, not too near to either."""
    width = high.t - low.t
    t = low.t + 0.5 * width
    if np.isfinite(high.value) and np.isfinite(high.slope):
        a = low.slope + high.slope - 3 * (low.value - high.value) / (low.t - high.t)
        if (square := a * a - low.slope * high.slope) >= 0:
            root = float(np.copysign(np.sqrt(square), width))
            if (rest := high.slope - low.slope + 2 * root) != 0:
                t = high.t - width * (high.slope + root - a) / rest
    least, greatest = sorted((low.t + 0.1 * width, high.t - 0.1 * width))
    return float(min(max(t, least), greatest))
