"""Sixteen rows at once, side by side in vectors, for rows of at most sixteen numbers.

A row of a few numbers leaves most of a vector empty, and what is computed once a row is not vector code
at all. So a square of 16 rows and 16 columns is turned, computed on with a row in each lane, and turned
back. What a lane holds depends on its row alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.kernels.jit import Instruction

LANES = 16  # rows in a square, and the most numbers that a row may have

turn, room_for_lane, room_for_square = (
    Instruction(name) for name in ("turn", "room_for_lane", "room_for_square")
)


class OnLanes(Instruction):
    """A word for a function that compiled code evaluates on sixteen numbers at once.

    Called with the places of its results and then its arguments; see `kernels.lane_values.on_lanes`.

    Parameters
    ----------
    function : callable
        Arithmetic and words, as in a formula; gives a number or a tuple of them.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function.__name__)
        self.function = function

    def intrinsic(self) -> Any:
        from pellucid.kernels.lane_values import on_lanes

        return on_lanes(self.function)


def turn_in(x, columns, i, n, square):
    """square[16 j + r] = x[i + r, j] for n rows of a matrix whose rows are 16 apart; 0 in other lanes."""
    if n == LANES:
        turn(x, i * LANES, LANES, square, 0, LANES)
        return
    for k in range(LANES * columns):
        square[k] = np.float32(0)
    for r in range(n):
        for j in range(columns):
            square[LANES * j + r] = x[(i + r) * LANES + j]


def turn_out(square, columns, i, n, x):
    """The inverse of `turn_in`; in the square the columns that x has not are 0."""
    if n == LANES:
        turn(square, 0, LANES, x, i * LANES, LANES)
        return
    for r in range(n):
        for j in range(columns):
            x[(i + r) * LANES + j] = square[LANES * j + r]
