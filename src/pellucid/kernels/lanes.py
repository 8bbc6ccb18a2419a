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

FOUR = 4  # columns that are turned by themselves with less work than a square
turn, turn_four_columns, turn_four_rows, room_for_lane, room_for_square = (
    Instruction(name)
    for name in ("turn", "turn_four_columns", "turn_four_rows", "room_for_lane", "room_for_square")
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


def turn_columns(x, start, stride, columns, out, at, out_stride):
    """out[at + j * out_stride + r] = x[start + r * stride + j] for 16 rows.

    Columns of x up to a multiple of four, or all 16, are read and written.
    """
    if columns > 2 * FOUR:
        turn(x, start, stride, out, at, out_stride)
        return
    for j in range(0, columns, FOUR):
        turn_four_columns(x, start + j, stride, out, at + j * out_stride, out_stride)


def turn_rows(x, start, stride, rows, out, at, out_stride):
    """out[at + r * out_stride + j] = x[start + j * stride + r] for 16 columns; the inverse."""
    if rows > 2 * FOUR:
        turn(x, start, stride, out, at, out_stride)
        return
    for j in range(0, rows, FOUR):
        turn_four_rows(x, start + j * stride, stride, out, at + j, out_stride)


def turn_in(x, columns, i, n, square):
    """square[16 j + r] = x[i + r, j] for n rows of a matrix whose rows are 16 apart; 0 in other lanes."""
    if n == LANES:
        turn_columns(x, i * LANES, LANES, columns, square, 0, LANES)
        return
    for k in range(LANES * columns):
        square[k] = np.float32(0)
    for r in range(n):
        for j in range(columns):
            square[LANES * j + r] = x[(i + r) * LANES + j]


def turn_out(square, columns, i, n, x):
    """The inverse of `turn_in`; in the square the columns that x has not are 0."""
    if n == LANES:
        turn_rows(square, 0, LANES, columns, x, i * LANES, LANES)
        return
    for r in range(n):
        for j in range(columns):
            x[(i + r) * LANES + j] = square[LANES * j + r]
