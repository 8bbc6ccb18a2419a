"""The integral of slopes along the straight line between two rows: how far each input moved the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import DataError
from pellucid.glass.slopes import Slopes

# A rule of 7 points that holds Gauss's of 3, from 0 to 1; at the ends, which weigh nothing, the answer
# itself is looked at. A. Kronrod, Nodes and weights of quadrature formulas, 1965.
OUTER, MIDDLE, INNER = 0.9604912687080203, 0.7745966692414834, 0.4342437493468025
NODES = 0.5 + np.array([-1, -OUTER, -MIDDLE, -INNER, 0, INNER, MIDDLE, OUTER, 1]) / 2
HALF = [0, 0.1046562260264673, 0.2684880898683334, 0.4013974147759622]
KRONROD = np.array([*HALF, 0.4509165386584741, *HALF[::-1]]) / 2
GAUSS = np.array([0, 0, 5, 0, 8, 0, 5, 0, 0]) / 18

SEGMENTS = 8  # of the line, at first
FINEST = 2.0**-14  # of the line; a shorter segment is not halved any more
MOST_POINTS = 20_000
MOST_NUMBERS = 4_000_000  # of slopes held at once
GAP, ERROR = 1e-4, 1e-3  # aimed at: of the difference of the answers, of the largest contribution
SHARE = 32  # one part in so many of what is aimed at is allowed to a segment
NOISE = 8 * 2.0**-24  # of an output: what float32 leaves unknown of a difference

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

    Formula:  c_i = (end_i − start_i) ∫₀¹ ∂answer/∂x_i (start + t (end − start)) dt. The c_i add up to the
    answer at the end less that at the start.

    A segment of the line is halved as long as its sum misses the difference of the answers at its ends, or
    the two rules disagree about an input: that is where the answer has a kink or bends much.

    Parameters
    ----------
    slopes : Slopes
        Gives outputs and the slopes of one of them.
    start, end : float32 array (n_in,)
        The rows.
    measure : callable
        Takes all outputs `(n, n_out)`; gives the answer and its derivative by the output that is followed,
        float64 `(n,)` each.

    Raises
    ------
    DataError
        If the sums of the network overflow on the way.

    References
    ----------
    M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks, 2017, equation 1.
    """
    a, b = start.astype(np.float64), end.astype(np.float64)
    left, width = np.arange(SEGMENTS) / SEGMENTS, np.full(SEGMENTS, 1 / SEGMENTS)
    total, n_points = np.zeros(len(a)), 0
    first_answer = last_answer = gap = error = 0.0
    room = max(SEGMENTS, MOST_NUMBERS // (len(NODES) * len(a)))
    while len(left):
        here, wide, left, width = left[:room], width[:room], left[room:], width[room:]
        t = (here[:, None] + wide[:, None] * NODES).reshape(-1, 1)
        outputs, by_input = slopes.at(((1 - t) * a + t * b).astype(np.float32))
        answers, by_output = measure(outputs)
        if not all(np.isfinite(v).all() for v in (outputs, by_input, answers, by_output)):
            raise DataError("between the two rows the network's sums overflow, so nothing can be attributed.")
        F = answers.reshape(-1, len(NODES))
        G = (by_input * by_output[:, None]).reshape(*F.shape, len(a))
        sums, others = ((rule @ G) * wide[:, None] * (b - a) for rule in (KRONROD, GAUSS))
        if not n_points:
            first_answer, last_answer = float(F[0, 0]), float(F[-1, -1])
            if np.array_equal(G, np.broadcast_to(G[0, 0], G.shape)):
                return PathSum(first_answer, last_answer, G[0, 0] * (b - a), len(t), True)
            noise = NOISE * float(np.abs(outputs).max() * np.abs(by_output).max())
            gap = max(GAP / SHARE * abs(last_answer - first_answer), noise)
            error = max(ERROR / SHARE * float(np.abs(sums.sum(axis=0)).max()), noise)
        n_points += len(t)
        is_good = np.abs(sums.sum(axis=1) - (F[:, -1] - F[:, 0])) <= gap
        is_good &= np.abs(sums - others).max(axis=1) <= error
        is_good |= (wide <= FINEST) | (n_points >= MOST_POINTS)
        total += sums[is_good].sum(axis=0)
        here, wide = here[~is_good], wide[~is_good] / 2
        left, width = np.concatenate([left, here, here + wide]), np.concatenate([width, wide, wide])
    return PathSum(first_answer, last_answer, total, n_points, False)
