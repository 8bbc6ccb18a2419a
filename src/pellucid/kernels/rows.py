"""Kernels that move rows: gathering a batch, transposing, summing columns, copying."""

from __future__ import annotations

import numpy as np

from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Control, Now, kernel
from pellucid.kernels.lanes import room_for_square, turn, turn_columns

STEP, FIRST, ROWS, STOP = int(Now.STEP), int(Now.FIRST), int(Now.ROWS), int(Control.STOP)
SQUARES_EVERY = 8  # steps of an epoch, the first among them, from one norm of the gradient to the next
SIDE = 16  # of a square that is transposed in registers

LINE = 16  # numbers in a cache line

fetch = Instruction("fetch")


@kernel(data="read whole", order="read whole i8", out="write part")
def gather(data, data_stride, order, out, out_stride, out_columns, now, lo, hi):
    """The rows of the batch, in the epoch's order, from data that stays where it is.

    Rows that are far apart in memory are asked for before the first is waited for, and so are those of the
    next block.
    """
    first, last = now[FIRST], now[ROWS]
    for i in range(lo, min(2 * hi - lo, last)):
        start = order[first + i] * data_stride
        for j in range(0, out_columns, LINE):
            fetch(data, start + j)
    for i in range(lo, hi):
        start = order[first + i] * data_stride
        x, y = data[start : start + out_columns], out[i * out_stride : i * out_stride + out_columns]
        for j in range(out_columns):
            y[j] = np.float32(x[j])


@gather.twin
def _(data, data_stride, order, out, out_stride, out_columns, now, lo, hi):
    out[lo:hi] = data[order[now[FIRST] + lo : now[FIRST] + hi]]


gather_double = gather.of("gather_double", data="read whole f8")


@kernel(data="read whole", out="write part")
def take(data, data_stride, out, out_stride, out_columns, now, lo, hi):
    """The rows of the batch, as they come."""
    first = now[FIRST]
    for i in range(lo, hi):
        start = (first + i) * data_stride
        x, y = data[start : start + out_columns], out[i * out_stride : i * out_stride + out_columns]
        for j in range(out_columns):
            y[j] = np.float32(x[j])


@take.twin
def _(data, data_stride, out, out_stride, out_columns, now, lo, hi):
    out[lo:hi] = data[now[FIRST] + lo : now[FIRST] + hi]


take_double = take.of("take_double", data="read whole f8")


@kernel(x="read part", out="write part")
def put(x, x_stride, x_columns, out, out_stride, now, lo, hi):
    """The rows of the batch to their places in an array with a row for each row of the data."""
    first = now[FIRST]
    for i in range(lo, hi):
        start = (first + i) * out_stride
        row, place = x[i * x_stride : i * x_stride + x_columns], out[start : start + x_columns]
        for j in range(x_columns):
            place[j] = row[j]


@put.twin
def _(x, x_stride, x_columns, out, out_stride, now, lo, hi):
    out[now[FIRST] + lo : now[FIRST] + hi] = x[lo:hi]


@kernel(labels="read whole i8", order="read whole i8", out="write part")
def gather_one_hot(labels, order, out, out_stride, now, lo, hi):
    """Class indices as rows of zeros with a one."""
    first, part = now[FIRST], out[lo * out_stride : hi * out_stride]
    for k in range(len(part)):
        part[k] = np.float32(0)
    for i in range(lo, hi):
        out[i * out_stride + labels[order[first + i]]] = np.float32(1)


@gather_one_hot.twin
def _(labels, order, out, out_stride, now, lo, hi):
    first = now[FIRST]
    out[lo:hi] = np.eye(out.shape[1], dtype=np.float32)[labels[order[first + lo : first + hi]]]


@kernel(x="read whole", out="write part")
def column_sums(x, x_stride, out, now, lo, hi):
    """out = x summed over the rows of the batch; the parts are columns."""
    out, rows = out[lo:hi], now[ROWS]
    fours = rows // 4 * 4  # rows added to the sums at once, so that these are read and written less often
    for j in range(len(out)):
        out[j] = np.float32(0)
    for i in range(0, fours, 4):
        at = i * x_stride + lo
        one, two = x[at : at + hi - lo], x[at + x_stride : at + x_stride + hi - lo]
        at += 2 * x_stride
        three, four = x[at : at + hi - lo], x[at + x_stride : at + x_stride + hi - lo]
        for j in range(len(out)):
            out[j] += (one[j] + two[j]) + (three[j] + four[j])
    for i in range(fours, rows):
        row = x[i * x_stride + lo : i * x_stride + hi]
        for j in range(len(out)):
            out[j] += row[j]


@column_sums.twin
def _(x, x_stride, out, now, lo, hi):
    out[lo:hi] = x[: now[ROWS], lo:hi].sum(axis=0)


@kernel(x="read part", out="write across")
def transpose(x, x_stride, x_columns, out, out_stride, lo, hi):
    """out = x.T for some rows of x, which are columns of out; squares at once where they are whole."""
    square = room_for_square()
    i = lo
    while i < hi:
        n = min(SIDE, hi - i)
        for j in range(0, x_columns, SIDE):
            start, at, left = i * x_stride + j, j * out_stride + i, min(SIDE, x_columns - j)
            if n == SIDE and left == SIDE:
                turn(x, start, x_stride, out, at, out_stride)
            elif n == SIDE:  # the padding of x has no place in out
                turn_columns(x, start, x_stride, left, square, 0, SIDE)
                for m in range(left):
                    line, place = square[m * SIDE : m * SIDE + SIDE], out[at + m * out_stride :]
                    for k in range(SIDE):
                        place[k] = line[k]
            else:
                for k in range(n):
                    for m in range(left):
                        out[at + m * out_stride + k] = x[start + k * x_stride + m]
        i += n


@transpose.twin
def _(x, x_stride, x_columns, out, out_stride, lo, hi):
    out[:, lo:hi] = x[lo:hi].T


@kernel(data="read whole", order="read whole i8", out="write part")
def gather_line(data, order, out, now, lo, hi):
    """`gather` of one number a row, kept side by side."""
    first = now[FIRST]
    for i in range(lo, hi):
        out[i] = data[order[first + i]]


@gather_line.twin
def _(data, order, out, now, lo, hi):
    out[lo:hi] = data[order[now[FIRST] + lo : now[FIRST] + hi]]


@kernel(
    losses="read whole",
    weights="read whole",
    total="update part f8",
    control="update whole i8",
    overlaps=True,
)
def add_losses(losses, weights, total, control, now, lo, hi):
    """total += loss of each row of the batch times its weight; asks to stop where that is not finite."""
    batch = 0.0
    for i in range(now[ROWS]):
        batch += np.float64(losses[i]) * np.float64(weights[i])
    total[0] += batch
    if not np.isfinite(batch):
        control[STOP] = 1


@add_losses.twin
def _(losses, weights, total, control, now, lo, hi):
    rows = now[ROWS]
    batch = np.dot(losses[:rows].astype(np.float64), weights[:rows].astype(np.float64))
    total[0] += batch
    control[STOP] = not np.isfinite(batch)


@kernel(x="read part", total="update part f8", reassociate=True)
def add_squares(x, x_stride, x_rows, total, now, lo, hi):
    """total[i] += sum of the squares of row i; of a line, total[i] has those of the numbers i to i + 15.

    In one step of `SQUARES_EVERY`: a small network would spend a tenth of its time on them.
    """
    if now[STEP] % SQUARES_EVERY != 0:
        return
    if x_stride == 1:
        for i in range(lo, hi, SIDE):
            part, squares = x[i : min(i + SIDE, x_rows)], np.float32(0)
            for j in range(len(part)):
                squares += part[j] * part[j]
            total[i] += np.float64(squares)
        return
    vectors = x_stride // SIDE * SIDE  # the padding is zero, and a known multiple leaves no rest to the loop
    for i in range(lo, hi):
        row, squares = x[i * x_stride : i * x_stride + vectors], np.float32(0)
        for j in range(vectors):
            squares += row[j] * row[j]
        total[i] += np.float64(squares)


@add_squares.twin
def _(x, x_stride, x_rows, total, now, lo, hi):
    if now[STEP] % SQUARES_EVERY:
        return
    squares = x[lo:hi].astype(np.float64) ** 2
    if x_stride == 1:
        total[lo:hi:SIDE] += [squares[i : i + SIDE].sum() for i in range(0, hi - lo, SIDE)]
    else:
        total[lo:hi] += squares.sum(axis=1)


@kernel(x="read part", seen="update part", reassociate=True)
def look_for_nonfinite(x, x_stride, seen, lo, hi):
    """seen[lo] becomes NaN where one of the numbers of these rows is not finite, and stays so."""
    numbers, total = x[lo * x_stride : hi * x_stride], np.float32(0)
    for i in range(len(numbers)):
        total += numbers[i] * np.float32(0)
    seen[lo] += total


@look_for_nonfinite.twin
def _(x, x_stride, seen, lo, hi):
    seen[lo] += (x[lo:hi] * np.float32(0)).sum()
