"""Kernels of numbers that become cosines, and of the sums that are made of these.

Of each of some numbers x_j a row has the cosines c_jk = cos 2π(f_jk x_j + p_jk) and the sums
e_jm = b_jm + Σ_k c_jk W_jmk. `frequencies` and `phases` hold f and p, a row for each j; `weights` the rows
W_jm, those of one j side by side, and `bias` the b_jm. A row of `out` has x_j, e_j1, e_j2, ... for each j.

Forward, and back to x, sixteen rows stand side by side in the lanes of a vector, so that each sum is one
chain of fused multiply-adds in the order of k. Gradients have sixteen k in the lanes; they add up row after
row, by as many threads as there are numbers.
"""

from __future__ import annotations

import math

import numpy as np

from pellucid.kernels.elementary import cos_turns, fma, sin_turns
from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Now, kernel
from pellucid.kernels.lanes import LANES, OnLanes, room_for_lane, room_for_square, turn

f32 = np.float32
ROWS = int(Now.ROWS)
MOST_SUMS = 63  # of one number: with it they fill the vectors of a panel
FOUR = 4  # sums whose gradients are added up at once, in registers
MINUS_TURN = f32(-2 * math.pi)

room_for_panel = Instruction("room_for_panel")


@OnLanes
def same(x):
    """x itself; a single number in all lanes."""
    return x


@OnLanes
def wave(x, f, p):
    """cos 2π(f x + p)."""
    return cos_turns(fma(f, x, p))


@OnLanes
def add_product(x, y, total):
    """The sum with x y."""
    return fma(x, y, total)


@OnLanes
def add_slope(x, f, p, dc, total):
    """The sum with f ∂c/∂t dc, where t = f x + p."""
    return fma(f, MINUS_TURN * sin_turns(fma(f, x, p)) * dc, total)


@OnLanes
def add_slopes(x, f, p, w, w_1, w_2, w_3, s, s_1, s_2, s_3, dc, by_f, by_p, by_w, by_w_1, by_w_2, by_w_3):
    """The sums of x ∂c/∂t ∂loss/∂c, of ∂c/∂t ∂loss/∂c and, for four shares s, of c s, where t = f x + p."""
    t = fma(f, x, p)
    c, dc = cos_turns(t), fma(w, s, fma(w_1, s_1, fma(w_2, s_2, fma(w_3, s_3, dc))))
    slope = MINUS_TURN * sin_turns(t) * dc
    products = fma(c, s, by_w), fma(c, s_1, by_w_1), fma(c, s_2, by_w_2), fma(c, s_3, by_w_3)
    return fma(slope, x, by_f), by_p + slope, *products


@OnLanes
def add_waves(x, f, p, s, s_1, s_2, s_3, by_w, by_w_1, by_w_2, by_w_3):
    """The sums of c s alone, for four shares."""
    c = cos_turns(fma(f, x, p))
    return fma(c, s, by_w), fma(c, s_1, by_w_1), fma(c, s_2, by_w_2), fma(c, s_3, by_w_3)


@OnLanes
def add(x, total):
    """The sum with x."""
    return total + x


def turn_columns_in(x, at, stride, n, columns, square):
    """square[16 j + r] = x[at + r * stride + j] for 16 columns and n rows; zeros in other lanes."""
    if n == LANES:
        turn(x, at, stride, square, 0, LANES)
        return
    for k in range(LANES * LANES):
        square[k] = f32(0)
    for r in range(n):
        row = x[at + r * stride : at + r * stride + columns]
        for j in range(len(row)):
            square[LANES * j + r] = row[j]


def turn_columns_out(square, n, columns, x, at, stride):
    """The inverse, of some columns of the square."""
    if n == LANES and columns == LANES:
        turn(square, 0, LANES, x, at, stride)
        return
    for r in range(n):
        row = x[at + r * stride : at + r * stride + columns]
        for j in range(len(row)):
            row[j] = square[LANES * j + r]


def copy(x, at, y, to, n):
    """n numbers of x from `at` on to y."""
    x, y = x[at : at + n], y[to : to + n]
    for k in range(len(x)):
        y[k] = x[k]


def turns_of(x, frequencies, phases):
    """f x + p for each number of each row, rounded once: (rows, numbers, waves)."""
    products = x[:, :, None].astype(np.float64) * frequencies
    return (products + phases).astype(f32)


@kernel(
    x="read part",
    frequencies="read whole",
    phases="read whole",
    weights="read whole",
    bias="read whole",
    cosines="write part",
    out="write part",
)
def periodic_forward(
    x,
    x_stride,
    frequencies,
    frequencies_stride,
    frequencies_rows,
    frequencies_columns,
    phases,
    weights,
    weights_rows,
    bias,
    cosines,
    cosines_stride,
    out,
    out_stride,
    source,
    place,
    width,
    lo,
    hi,
):
    """The cosines of x's columns from `source` on; in `out`, from `place` on, each with its sums."""
    number, total, totals = room_for_lane(), room_for_lane(), room_for_panel()
    numbers, cosine, made = room_for_square(), room_for_square(), room_for_square()
    waves, sums, stride = frequencies_columns, weights_rows // frequencies_rows, frequencies_stride
    for i in range(lo, hi, LANES):
        n, to = min(LANES, hi - i), i * out_stride + place
        filled = 0
        for j in range(frequencies_rows):
            slot = j % LANES
            if slot == 0:
                some = min(LANES, frequencies_rows - j)
                turn_columns_in(x, i * x_stride + source + j, x_stride, n, some, numbers)
            same(number, 0, numbers, LANES * slot)
            same(totals, 0, number, 0)
            b = bias[j * sums : (j + 1) * sums]
            for m in range(sums):
                same(totals, LANES * (1 + m), b[m])
            for v in range(0, waves, LANES):
                some, at = min(LANES, waves - v), j * stride + v
                f, p = frequencies[at : at + some], phases[at : at + some]
                for k in range(some):
                    wave(cosine, LANES * k, number, 0, f[k], p[k])
                for m in range(sums):
                    at = (j * sums + m) * stride + v
                    w = weights[at : at + some]
                    same(total, 0, totals, LANES * (1 + m))
                    for k in range(some):
                        add_product(total, 0, cosine, LANES * k, w[k], total, 0)
                    same(totals, LANES * (1 + m), total, 0)
                at = i * cosines_stride + j * waves + v
                turn_columns_out(cosine, n, some, cosines, at, cosines_stride)
            for m in range(1 + sums):
                same(made, LANES * filled, totals, LANES * m)
                filled += 1
                if filled == LANES or (m == sums and j == frequencies_rows - 1):
                    turn_columns_out(made, n, filled, out, to, out_stride)
                    to += filled
                    filled = 0


@periodic_forward.twin
def _(
    x,
    x_stride,
    frequencies,
    frequencies_stride,
    frequencies_rows,
    frequencies_columns,
    phases,
    weights,
    weights_rows,
    bias,
    cosines,
    cosines_stride,
    out,
    out_stride,
    source,
    place,
    width,
    lo,
    hi,
):
    numbers = x[lo:hi, source : source + frequencies_rows]
    c = cos_turns(turns_of(numbers, frequencies, phases))
    W = weights.reshape(frequencies_rows, -1, frequencies_columns)
    sums = np.einsum("ijk,jmk->ijm", c, W) + bias.reshape(frequencies_rows, -1)
    cosines[lo:hi] = c.reshape(len(c), -1)
    out[lo:hi, place : place + width] = np.dstack([numbers[:, :, None], sums]).reshape(len(c), -1)


@kernel(
    x="read whole",
    da="read whole",
    frequencies="read whole",
    phases="read whole",
    weights="read whole",
    d_frequencies="write part",
    d_phases="write part",
    d_weights="write part",
    d_bias="write part",
)
def periodic_gradients(
    x,
    x_stride,
    da,
    da_stride,
    frequencies,
    frequencies_stride,
    frequencies_rows,
    frequencies_columns,
    phases,
    weights,
    weights_rows,
    d_frequencies,
    d_phases,
    d_weights,
    d_bias,
    source,
    place,
    now,
    lo,
    hi,
):
    """Derivatives by frequencies, phases, weights and bias, summed over the batch's rows; parts are j."""
    by_f, by_p, by_bias, dc = room_for_lane(), room_for_lane(), room_for_lane(), room_for_lane()
    w, by_w = room_for_square(), room_for_square()
    waves, sums, stride = frequencies_columns, weights_rows // frequencies_rows, frequencies_stride
    for j in range(lo, hi):
        for v in range(0, waves, LANES):
            some, at = min(LANES, waves - v), j * stride + v
            for c in range(0, sums, FOUR):
                few, row = min(FOUR, sums - c), (j * sums + c) * stride + v
                for m in range(FOUR):
                    same(w, LANES * m, f32(0))
                    same(by_w, LANES * m, f32(0))
                for m in range(few):
                    same(w, LANES * m, weights, row + m * stride)
                same(by_f, 0, f32(0))
                same(by_p, 0, f32(0))
                same(by_bias, 0, f32(0))
                for i in range(now[ROWS]):
                    number, d = x[i * x_stride + source + j], i * da_stride + place + j * (1 + sums) + 1
                    share, others = da[d + c : d + c + few], da[d : d + sums]
                    s = share[0]
                    s_1 = share[1] if few > 1 else f32(0)
                    s_2 = share[2] if few > 2 else f32(0)
                    s_3 = share[3] if few > 3 else f32(0)
                    if c == 0:
                        same(dc, 0, f32(0))
                        for m in range(FOUR, sums):
                            add_product(dc, 0, weights, row + m * stride, others[m], dc, 0)
                        add_slopes(
                            by_f, 0, by_p, 0, by_w, 0, by_w, 16, by_w, 32, by_w, 48,
                            number, frequencies, at, phases, at, w, 0, w, 16, w, 32, w, 48, s, s_1, s_2, s_3,
                            dc, 0, by_f, 0, by_p, 0, by_w, 0, by_w, 16, by_w, 32, by_w, 48,
                        )  # fmt: skip
                    else:
                        add_waves(
                            by_w, 0, by_w, 16, by_w, 32, by_w, 48,
                            number, frequencies, at, phases, at, s, s_1, s_2, s_3,
                            by_w, 0, by_w, 16, by_w, 32, by_w, 48,
                        )  # fmt: skip
                    add(by_bias, 0, da, d + c, by_bias, 0)
                if c == 0:
                    copy(by_f, 0, d_frequencies, at, some)
                    copy(by_p, 0, d_phases, at, some)
                for m in range(few):
                    copy(by_w, LANES * m, d_weights, row + m * stride, some)
                copy(by_bias, 0, d_bias, j * sums + c, few)


@periodic_gradients.twin
def _(
    x,
    x_stride,
    da,
    da_stride,
    frequencies,
    frequencies_stride,
    frequencies_rows,
    frequencies_columns,
    phases,
    weights,
    weights_rows,
    d_frequencies,
    d_phases,
    d_weights,
    d_bias,
    source,
    place,
    now,
    lo,
    hi,
):
    rows, n, each = now[ROWS], frequencies_rows, weights_rows // frequencies_rows
    numbers = x[:rows, source : source + n]
    t = turns_of(numbers, frequencies, phases)
    de = da[:rows, place : place + n * (1 + each)].reshape(rows, n, 1 + each)[:, :, 1:]
    slopes = MINUS_TURN * sin_turns(t) * np.einsum("ijm,jmk->ijk", de, weights.reshape(n, each, -1))
    first, last = lo * each, hi * each
    d_frequencies[lo:hi] = np.einsum("ij,ijk->jk", numbers, slopes)[lo:hi]
    d_phases[lo:hi] = slopes.sum(axis=0)[lo:hi]
    d_weights[first:last] = np.einsum("ijm,ijk->jmk", de, cos_turns(t)).reshape(weights_rows, -1)[first:last]
    d_bias[first:last] = de.sum(axis=0).reshape(-1)[first:last]


@kernel(
    x="read part",
    da="read part",
    frequencies="read whole",
    phases="read whole",
    weights="read whole",
    dx="write part",
)
def periodic_backward(
    x,
    x_stride,
    da,
    da_stride,
    frequencies,
    frequencies_stride,
    frequencies_rows,
    frequencies_columns,
    phases,
    weights,
    weights_rows,
    dx,
    source,
    place,
    width,
    lo,
    hi,
):
    """dx = da where x itself stands + Σ over its waves of f ∂c/∂t ∂loss/∂c."""
    number, dc, total, shares = room_for_lane(), room_for_lane(), room_for_lane(), room_for_panel()
    numbers, given, made = room_for_square(), room_for_square(), room_for_square()
    waves, sums, stride = frequencies_columns, weights_rows // frequencies_rows, frequencies_stride
    for i in range(lo, hi, LANES):
        n, taken = min(LANES, hi - i), 0
        for j in range(width):
            slot = j % LANES
            if slot == 0:
                some, at = min(LANES, width - j), i * x_stride + place + j
                turn_columns_in(x, at, x_stride, n, some, numbers)
            same(number, 0, numbers, LANES * slot)
            for m in range(1 + sums):
                if taken % LANES == 0:
                    at = i * da_stride + source + taken
                    turn_columns_in(da, at, da_stride, n, min(LANES, width * (1 + sums) - taken), given)
                same(shares, LANES * m, given, LANES * (taken % LANES))
                taken += 1
            same(total, 0, shares, 0)
            f, p = frequencies[j * stride : j * stride + waves], phases[j * stride : j * stride + waves]
            w = weights[j * sums * stride : (j + 1) * sums * stride]
            for k in range(waves):
                same(dc, 0, f32(0))
                for m in range(sums):
                    add_product(dc, 0, shares, LANES * (1 + m), w[m * stride + k], dc, 0)
                add_slope(total, 0, number, 0, f[k], p[k], dc, 0, total, 0)
            same(made, LANES * slot, total, 0)
            if slot == LANES - 1 or j == width - 1:
                turn_columns_out(made, n, 1 + slot, dx, i * x_stride + place + j - slot, x_stride)


@periodic_backward.twin
def _(
    x,
    x_stride,
    da,
    da_stride,
    frequencies,
    frequencies_stride,
    frequencies_rows,
    frequencies_columns,
    phases,
    weights,
    weights_rows,
    dx,
    source,
    place,
    width,
    lo,
    hi,
):
    each = weights_rows // frequencies_rows
    t = turns_of(x[lo:hi, place : place + width], frequencies, phases)
    d = da[lo:hi, source : source + width * (1 + each)].reshape(hi - lo, width, 1 + each)
    dc = np.einsum("ijm,jmk->ijk", d[:, :, 1:], weights.reshape(width, each, -1))
    slopes = MINUS_TURN * sin_turns(t) * dc
    dx[lo:hi, place : place + width] = d[:, :, 0] + np.einsum("ijk,jk->ij", slopes, frequencies)
