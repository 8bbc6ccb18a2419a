"""The integral of slopes along the straight line between two rows: how far each input moved the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.glass.slopes import Slopes

# The rule of 7 points that holds Gauss's of 3, on 0 to 1; the ends, where the answer itself is looked at,
# weigh nothing. A. Kronrod, Nodes and weights of quadrature formulas, 1965.
HALF = ((0.9604912687080203, 0.1046562260264673, 0.0), (0.7745966692414834, 0.2684880898683334, 5 / 9),
        (0.4342437493468025, 0.4013974147759622, 0.0))  # fmt: skip
NODES, KRONROD, GAUSS = (np.array([(-1.0, 0.0, 0.0), *((-x, k, g) for x, k, g in HALF),
    (0.0, 0.4509165386584741, 8 / 9), *(HALF[::-1]), (1.0, 0.0, 0.0)]) / 2).T  # fmt: skip
NODES = NODES + 0.5

SEGMENTS = 8  # of the line, at first
FINEST = 2.0**-14  # of the line; a shorter segment is not halved any more
MOST_POINTS = 20_000
GAP, ERROR = 1e-4, 1e-3  # aimed at: of the difference of the answers, of the largest contribution
SHARE = 32  # of what is aimed at, one part is for a segment
NOISE = 8 * 2.0**-24  # of the answer: what float32 leaves unknown of it

Measure = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True)
class PathSum:
    """What the way from one row to another adds up to.

    Parameters
    ----------
    start, answer : float
        The answer for the row at the start and for the one at the end.
    contributions : float64 array (n_in,)
        How far each input moved the answer.
    n_points : int
        At so many rows on the line the slopes were taken.
    is_linear : bool
        Whether the slopes were the same, bit for bit, at all of them, so that each contribution is slope
        times difference.
    """

    start: float
    answer: float
    contributions: Array
    n_points: int
    is_linear: bool


def integrate(slopes: Slopes, start: Array, end: Array, measure: Measure) -> PathSum:
    """Integrate the slopes of an answer from one row to another.

    Formula:  c_i = (end_i - start_i) ∫₀¹ ∂answer/∂x_i (start + t (end - start)) dt; the c_i add up to the
    answer at the end less that at the start.

    A segment of the line whose sum misses the difference of the answers at its ends, or for which two rules
    disagree about an input, is halved: a kink of the answer lies in it.

    Parameters
    ----------
    slopes : Slopes
        Gives outputs and the slopes of one of them.
    start, end : float32 array (n_in,)
        The rows.
    measure : callable
        Takes all outputs `(n, n_out)`; gives the answer and its derivative by the output that is followed,
        float64 `(n,)` each.
    """
    a, b = start.astype(np.float64), end.astype(np.float64)
    left, width = np.arange(SEGMENTS) / SEGMENTS, np.full(SEGMENTS, 1 / SEGMENTS)
    total, n_points = np.zeros(len(a)), 0
    first = None
    while len(left):
        t = (left[:, None] + width[:, None] * NODES).reshape(-1, 1)
        outputs, raw = slopes.at(((1 - t) * a + t * b).astype(np.float32))
        answers, by_output = measure(outputs)
        n_points += len(t)
        F = answers.reshape(-1, len(NODES))
        G = (raw * by_output[:, None]).reshape(*F.shape, -1)
        sums, others = ((rule @ G) * width[:, None] * (b - a) for rule in (KRONROD, GAUSS))
        if first is None:
            first = F[0, 0], F[-1, -1]
            if (G == G[0, 0]).all():
                return PathSum(*map(float, first), G[0, 0] * (b - a), n_points, True)
            noise = NOISE * float(np.abs(outputs).max() * np.abs(by_output).max())
            gap = max(GAP / SHARE * abs(first[1] - first[0]), noise)
            error = max(ERROR / SHARE * np.abs(sums.sum(axis=0)).max(), noise)
        is_good = np.abs(sums.sum(axis=1) - (F[:, -1] - F[:, 0])) <= gap
        is_good &= np.abs(sums - others).max(axis=1) <= error
        is_good |= (width <= FINEST) | (n_points >= MOST_POINTS)
        total += sums[is_good].sum(axis=0)
        left, width = left[~is_good], width[~is_good] / 2
        left, width = np.concatenate([left, left + width]), np.concatenate([width, width])
    assert first is not None
    return PathSum(float(first[0]), float(first[1]), total, n_points, False)
