"""Normalisations: how the numbers of a column are brought to a common scale. One registered entry each.

A normalisation is fitted on the training rows of a column, which gives a centre and a scale, and is
applied to any row. Differences are computed in float64, so that a column of 1e9 plus small ones keeps
their digits. A column that is constant gets the scale 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.registry import Formula, Registry

SMALLEST_WIDTH = 1e-120
FARTHEST = 1e15  # beyond this many quartile ranges x' is ±3 to the last digit of float32

Values = NDArray[np.float64]
Fit = Callable[[Values], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Normalisation(Formula):
    """A named normalisation.

    Parameters
    ----------
    fit : callable
        Takes the finite values of a column, float64 (n,), n at least 1; gives centre and scale.
    bends : bool
        Whether equal steps count less the further they are from the centre; at the centre, and everywhere
        where it does not bend, the slope is the scale.
    has_median : bool
        Whether the centre is the median.
    """

    kind: ClassVar[str] = "normalisation"

    fit: Fit
    bends: bool = False
    has_median: bool = False

    def apply(self, x: Values, center: float, scale: float) -> Values:
        """The normalised values; NaN stays NaN.

        Parameters
        ----------
        x : float64 array
            Values of the column, in its own unit.
        center, scale : float
            What `fit` gave.
        """
        return np.asarray(self.function(x, center, scale))


NORMALISATIONS: Registry[Normalisation] = Registry("normalisation")


def normalisation(
    fit: Fit, source: str, *, bends: bool = False, has_median: bool = False
) -> Callable[[Callable[[Values, float, float], Values]], Normalisation]:
    """Register a function of values, centre and scale as a normalisation."""
    return lambda function: NORMALISATIONS.add(
        Normalisation(function=function, source=source, fit=fit, bends=bends, has_median=has_median)
    )


def quantiles(x: Values, shares: Sequence[float]) -> list[float]:
    """Values below which these rising shares of all values are, linear between neighbours.

    The same as `np.quantile` gives, which looks for all of them at once; one after the other, NumPy finds
    them with vector instructions, many times faster.

    Examples
    --------
    >>> quantiles(np.array([5.0, 1.0, 4.0, 2.0]), [0.25, 0.5, 1.0])
    [1.75, 3.0, 5.0]
    """
    left, found, begin = x.copy(), [], 0
    for share in shares:
        at = share * (len(x) - 1)
        k = int(at)
        left[begin:].partition(k - begin)
        low = left[k]
        high = left[k + 1 :].min() if k < at else low
        found.append(
            float(high - (high - low) * (1 - (at - k)) if at - k >= 0.5 else low + (high - low) * (at - k))
        )
        begin = k
    return found


def _inverse(width: float) -> float:
    """1 / width, and 0 where it is so small that the square of a scaled value could overflow."""
    return 1 / width if width > SMALLEST_WIDTH else 0.0


def _mean_and_deviation(x: Values) -> tuple[float, float]:
    center = float(x.mean())
    deviation = float(np.sqrt(np.mean((x - center) ** 2)))
    # The mean of equal numbers may be off by a rounding, which is no deviation.
    return center, _inverse(deviation) if x.min() < x.max() else 0.0


def _minimum_and_range(x: Values) -> tuple[float, float]:
    return float(x.min()), _inverse(float(x.max() - x.min()))


def _median_and_quartiles(x: Values) -> tuple[float, float]:
    q25, median, q75 = quantiles(x, [0.25, 0.5, 0.75])
    return median, _inverse(q75 - q25) or 2 * _inverse(float(x.max() - x.min()))


@normalisation(
    fit=_median_and_quartiles,
    source="D. Holzmüller, L. Grinsztajn, I. Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted "
    "Trees on Tabular Data, 2024, section 3 and appendix A; arXiv 2407.04491",
    bends=True,
    has_median=True,
)
def robust(x: Values, center: float, scale: float) -> Values:
    """x' = z / √(1 + (z/3)²), z = (x − median) / (q75 − q25); with 2 / (max − min) where q75 = q25.

    An outlier moves neither median nor quartiles, and x' stays between −3 and 3.

    Examples
    --------
    >>> center, scale = robust.fit(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    >>> robust.apply(np.array([3.0, 5.0, 1000.0]), center, scale).round(3)
    array([0.   , 0.949, 3.   ], dtype=float32)
    """
    z = np.clip((x - center) * scale, -FARTHEST, FARTHEST).astype(np.float32)
    return z / np.sqrt(1 + (z / 3) ** 2)


@normalisation(fit=_mean_and_deviation, source="Y. LeCun et al., Efficient BackProp, 1998, section 4.3")
def standard(x: Values, center: float, scale: float) -> Values:
    """x' = (x − mean) / σ, σ² the mean of (x − mean)².

    Examples
    --------
    >>> center, scale = standard.fit(np.array([1.0, 3.0]))
    >>> standard.apply(np.array([1.0, 3.0, 5.0]), center, scale)
    array([-1.,  1.,  3.])
    """
    return (x - center) * scale


@normalisation(
    fit=_minimum_and_range, source="J. Han, M. Kamber, J. Pei, Data Mining, 3rd ed. 2012, equation 3.8"
)
def minmax(x: Values, center: float, scale: float) -> Values:
    """x' = (x − min) / (max − min): 0 to 1 on the training rows, beyond it where a new value is.

    Examples
    --------
    >>> center, scale = minmax.fit(np.array([10.0, 30.0]))
    >>> minmax.apply(np.array([10.0, 20.0, 40.0]), center, scale)
    array([0. , 0.5, 1.5])
    """
    return (x - center) * scale


@normalisation(fit=lambda x: (0.0, 1.0), source="the numbers themselves")
def none(x: Values, center: float, scale: float) -> Values:
    """x' = x.

    Examples
    --------
    >>> none.apply(np.array([10.0, 20.0]), *none.fit(np.array([10.0])))
    array([10., 20.])
    """
    return (x - center) * scale
