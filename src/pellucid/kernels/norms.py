"""Kernels that bring numbers to mean 0 and variance 1: down the columns of a batch, or along each row."""

from __future__ import annotations

import numpy as np

from pellucid.kernels.elementary import sqrt
from pellucid.kernels.kernel import Now, kernel
from pellucid.kernels.loops import elementwise

f32 = np.float32
ROWS = int(Now.ROWS)
LEAST_EPSILON = 1e-30  # what is added to a variance: below it 1 / √ε comes near the end of float32


def inverse_root(x):
    """1 / √x."""
    return 1 / sqrt(x)


inverse_deviation = elementwise(
    "inverse_deviation",
    "inverse_root(variance + epsilon)",
    (("inverse_root", inverse_root),),
    ("variance",),
    ("inverse",),
    ("epsilon",),
)


@kernel(x="read whole", mean="write part", variance="write part")
def batch_statistics(x, x_stride, mean, variance, now, lo, hi):
    """Mean of each column over the rows of the batch, and mean squared distance from it; parts are columns.

    Sums are of distances from the first row: numbers far from 0 would lose their digits in a plain sum.
    """
    first, mean, variance = x[lo:hi], mean[lo:hi], variance[lo:hi]
    rows, width, share = now[ROWS], hi - lo, f32(1) / f32(now[ROWS])
    twos = rows // 2 * 2  # rows added to the sums at once, so that these are read and written less often
    for j in range(len(mean)):
        mean[j] = f32(0)
    for i in range(0, twos, 2):
        at, next_at = i * x_stride + lo, (i + 1) * x_stride + lo
        one, two = x[at : at + width], x[next_at : next_at + width]
        for j in range(len(mean)):
            mean[j] += (one[j] - first[j]) + (two[j] - first[j])
    for i in range(twos, rows):
        row = x[i * x_stride + lo : i * x_stride + hi]
        for j in range(len(mean)):
            mean[j] += row[j] - first[j]
    for j in range(len(mean)):
        mean[j] = first[j] + share * mean[j]
        variance[j] = f32(0)
    for i in range(0, twos, 2):
        at, next_at = i * x_stride + lo, (i + 1) * x_stride + lo
        one, two = x[at : at + width], x[next_at : next_at + width]
        for j in range(len(mean)):
            d_one, d_two = one[j] - mean[j], two[j] - mean[j]
            variance[j] += d_one * d_one + d_two * d_two
    for i in range(twos, rows):
        row = x[i * x_stride + lo : i * x_stride + hi]
        for j in range(len(mean)):
            variance[j] += (row[j] - mean[j]) * (row[j] - mean[j])
    for j in range(len(mean)):
        variance[j] *= share


@batch_statistics.twin
def _(x, x_stride, mean, variance, now, lo, hi):
    batch = x[: now[ROWS], lo:hi].astype(np.float64)
    mean[lo:hi], variance[lo:hi] = batch.mean(axis=0), batch.var(axis=0)


@kernel(
    mean="read part",
    variance="read part",
    running_mean="update part",
    running_variance="update part",
    numbers=("momentum",),
)
def follow(mean, variance, running_mean, running_variance, now, momentum, lo, hi):
    """Running averages of the means and of the unbiased variances; a batch of one row leaves them."""
    rows = now[ROWS]
    if rows < 2:
        return
    share = f32(1) - momentum
    unbiased = share * f32(rows) / f32(rows - 1)
    mean, variance = mean[lo:hi], variance[lo:hi]
    running_mean, running_variance = running_mean[lo:hi], running_variance[lo:hi]
    for j in range(len(mean)):
        running_mean[j] = momentum * running_mean[j] + share * mean[j]
        running_variance[j] = momentum * running_variance[j] + unbiased * variance[j]


@follow.twin
def _(mean, variance, running_mean, running_variance, now, momentum, lo, hi):
    rows = int(now[ROWS])
    if rows > 1:
        for running, batch in (running_mean, mean), (running_variance, variance * (rows / (rows - 1))):
            running[lo:hi] = momentum * running[lo:hi] + (1 - momentum) * batch[lo:hi]


@kernel(
    x="read part",
    mean="read whole",
    inverse="read whole",
    gain="read whole",
    bias="read whole",
    normal="write part",
    a="write part",
)
def normalise(x, x_stride, x_columns, mean, inverse, gain, bias, normal, a, lo, hi):
    """normal = (x - mean) * inverse;  a = gain * normal + bias: one number of each for a column."""
    m, s, g, b = mean[:x_columns], inverse[:x_columns], gain[:x_columns], bias[:x_columns]
    for i in range(lo, hi):
        start, end = i * x_stride, i * x_stride + x_columns
        row, n, y = x[start:end], normal[start:end], a[start:end]
        for j in range(len(m)):
            n[j] = (row[j] - m[j]) * s[j]
            y[j] = g[j] * n[j] + b[j]


@normalise.twin
def _(x, x_stride, x_columns, mean, inverse, gain, bias, normal, a, lo, hi):
    normal[lo:hi] = (x[lo:hi] - mean) * inverse
    a[lo:hi] = gain * normal[lo:hi] + bias


@kernel(
    normal="read part",
    da="read part",
    inverse="read whole",
    gain="read whole",
    d_gain="read whole",
    d_bias="read whole",
    dx="write part",
)
def batch_norm_backward(
    normal, normal_stride, normal_columns, da, inverse, gain, d_gain, d_bias, dx, now, lo, hi
):
    """dx = gain * inverse * (da - (d_bias + normal * d_gain) / rows)."""
    share = f32(1) / f32(now[ROWS])
    s, g = inverse[:normal_columns], gain[:normal_columns]
    dg, db = d_gain[:normal_columns], d_bias[:normal_columns]
    for i in range(lo, hi):
        start, end = i * normal_stride, i * normal_stride + normal_columns
        n, d, y = normal[start:end], da[start:end], dx[start:end]
        for j in range(len(s)):
            y[j] = g[j] * s[j] * (d[j] - share * (db[j] + n[j] * dg[j]))


@batch_norm_backward.twin
def _(normal, normal_stride, normal_columns, da, inverse, gain, d_gain, d_bias, dx, now, lo, hi):
    means = (d_bias + normal[lo:hi] * d_gain) / np.float32(now[ROWS])
    dx[lo:hi] = gain * inverse * (da[lo:hi] - means)


@kernel(
    x="read part",
    gain="read whole",
    bias="read whole",
    normal="write part",
    inverse="write part",
    a="write part",
    numbers=("epsilon",),
    reassociate=True,
)
def layer_norm_forward(x, x_stride, x_columns, gain, bias, normal, inverse, a, epsilon, lo, hi):
    """normal = each row with mean 0 and variance 1;  a = gain * normal + bias."""
    g, b, share = gain[:x_columns], bias[:x_columns], f32(1) / f32(x_columns)
    for i in range(lo, hi):
        start, end = i * x_stride, i * x_stride + x_columns
        row, n, y = x[start:end], normal[start:end], a[start:end]
        total, squares = f32(0), f32(0)
        for j in range(len(row)):
            total += row[j]
        mean = share * total
        for j in range(len(row)):
            squares += (row[j] - mean) * (row[j] - mean)
        s = f32(1) / sqrt(share * squares + epsilon)
        inverse[i] = s
        for j in range(len(row)):
            n[j] = (row[j] - mean) * s
            y[j] = g[j] * n[j] + b[j]


@layer_norm_forward.twin
def _(x, x_stride, x_columns, gain, bias, normal, inverse, a, epsilon, lo, hi):
    rows = x[lo:hi].astype(np.float64)
    s = 1 / np.sqrt(rows.var(axis=1) + epsilon)
    inverse[lo:hi] = s
    normal[lo:hi] = (rows - rows.mean(axis=1, keepdims=True)) * s[:, None]
    a[lo:hi] = gain * normal[lo:hi] + bias


@kernel(
    normal="read part",
    da="read part",
    inverse="read part",
    gain="read whole",
    dx="write part",
    reassociate=True,
)
def layer_norm_backward(normal, normal_stride, normal_columns, da, inverse, gain, dx, lo, hi):
    """dx = inverse * (d - mean of d - normal * mean of d * normal) with d = gain * da."""
    g, share = gain[:normal_columns], f32(1) / f32(normal_columns)
    for i in range(lo, hi):
        start, end = i * normal_stride, i * normal_stride + normal_columns
        n, d, y = normal[start:end], da[start:end], dx[start:end]
        total, along = f32(0), f32(0)
        for j in range(len(n)):
            total += g[j] * d[j]
            along += g[j] * d[j] * n[j]
        mean, mean_along, s = share * total, share * along, inverse[i]
        for j in range(len(n)):
            y[j] = s * (g[j] * d[j] - mean - n[j] * mean_along)


@layer_norm_backward.twin
def _(normal, normal_stride, normal_columns, da, inverse, gain, dx, lo, hi):
    d, n = gain * da[lo:hi], normal[lo:hi]
    mean, along = d.mean(axis=1, keepdims=True), (d * n).mean(axis=1, keepdims=True)
    dx[lo:hi] = inverse[lo:hi, None] * (d - mean - n * along)
