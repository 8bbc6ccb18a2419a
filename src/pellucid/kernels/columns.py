"""Kernels that work on the columns of a batch: factors, sums down the rows, moves."""

from __future__ import annotations

import numpy as np

from pellucid.kernels.kernel import Now, kernel
from pellucid.kernels.loops import elementwise

ROWS = int(Now.ROWS)

add = elementwise("add", "x + y", (), ("x", "y"), ("out",))
multiply = elementwise("multiply", "x * y", (), ("x", "y"), ("out",))


@kernel(x="read part", factors="read whole", out="write part")
def scale_columns(x, x_stride, x_columns, factors, out, lo, hi):
    """out = x with each column times its factor."""
    f = factors[:x_columns]
    for i in range(lo, hi):
        row = x[i * x_stride : i * x_stride + x_columns]
        y = out[i * x_stride : i * x_stride + x_columns]
        for j in range(len(f)):
            y[j] = row[j] * f[j]


@scale_columns.twin
def _(x, x_stride, x_columns, factors, out, lo, hi):
    out[lo:hi] = x[lo:hi] * factors


@kernel(x="read part", y="read part", factors="read whole", out="write part")
def blend_columns(x, x_stride, x_columns, y, factors, out, lo, hi):
    """out = (1 - factor) x + factor y, with a factor for each column."""
    f = factors[:x_columns]
    for i in range(lo, hi):
        one = x[i * x_stride : i * x_stride + x_columns]
        other = y[i * x_stride : i * x_stride + x_columns]
        blend = out[i * x_stride : i * x_stride + x_columns]
        for j in range(len(f)):
            blend[j] = (np.float32(1) - f[j]) * one[j] + f[j] * other[j]


@blend_columns.twin
def _(x, x_stride, x_columns, y, factors, out, lo, hi):
    out[lo:hi] = (1 - factors) * x[lo:hi] + factors * y[lo:hi]


@kernel(x="read whole", y="read whole", z="read whole", out="write part")
def difference_products(x, x_stride, y, z, out, now, lo, hi):
    """out = x * (y - z) summed over the rows of the batch; the parts are columns."""
    out, rows, width = out[lo:hi], now[ROWS], hi - lo
    for j in range(len(out)):
        out[j] = np.float32(0)
    for i in range(rows):
        at = i * x_stride + lo
        a, b, c = x[at : at + width], y[at : at + width], z[at : at + width]
        for j in range(len(out)):
            out[j] += a[j] * (b[j] - c[j])


@difference_products.twin
def _(x, x_stride, y, z, out, now, lo, hi):
    rows = now[ROWS]
    out[lo:hi] = (x[:rows, lo:hi] * (y[:rows, lo:hi] - z[:rows, lo:hi])).sum(axis=0)


@kernel(x="read whole", y="read whole", out="write part")
def column_products(x, x_stride, y, out, now, lo, hi):
    """out = x * y summed over the rows of the batch; the parts are columns."""
    out, rows, width = out[lo:hi], now[ROWS], hi - lo
    twos = rows // 2 * 2  # rows added to the sums at once, so that these are read and written less often
    for j in range(len(out)):
        out[j] = np.float32(0)
    for i in range(0, twos, 2):
        at, next_at = i * x_stride + lo, (i + 1) * x_stride + lo
        a_one, a_two = x[at : at + width], x[next_at : next_at + width]
        b_one, b_two = y[at : at + width], y[next_at : next_at + width]
        for j in range(len(out)):
            out[j] += a_one[j] * b_one[j] + a_two[j] * b_two[j]
    for i in range(twos, rows):
        a_one, b_one = x[i * x_stride + lo : i * x_stride + hi], y[i * x_stride + lo : i * x_stride + hi]
        for j in range(len(out)):
            out[j] += a_one[j] * b_one[j]


@column_products.twin
def _(x, x_stride, y, out, now, lo, hi):
    rows = now[ROWS]
    out[lo:hi] = (x[:rows, lo:hi] * y[:rows, lo:hi]).sum(axis=0)


@kernel(x="read part", out="write part")
def copy_columns(x, x_stride, out, out_stride, source, place, width, lo, hi):
    """The `width` columns of `out` from `place` on = those of x from `source` on."""
    for i in range(lo, hi):
        row = x[i * x_stride + source : i * x_stride + source + width]
        y = out[i * out_stride + place : i * out_stride + place + width]
        for j in range(len(row)):
            y[j] = row[j]


@copy_columns.twin
def _(x, x_stride, out, out_stride, source, place, width, lo, hi):
    out[lo:hi, place : place + width] = x[lo:hi, source : source + width]


@kernel(out="write part")
def clear_columns(out, out_stride, place, width, lo, hi):
    """The `width` columns of `out` from `place` on = 0."""
    for i in range(lo, hi):
        y = out[i * out_stride + place : i * out_stride + place + width]
        for j in range(len(y)):
            y[j] = np.float32(0)


@clear_columns.twin
def _(out, out_stride, place, width, lo, hi):
    out[lo:hi, place : place + width] = 0
