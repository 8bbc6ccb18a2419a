"""Softmax over the neurons of each row, and what flows back through it."""

from __future__ import annotations

import numpy as np

from pellucid.kernels.elementary import bits, exp, from_bits, where
from pellucid.kernels.kernel import kernel
from pellucid.kernels.lanes import LANES, OnLanes, room_for_lane, room_for_square, turn_in, turn_out


def rank(x):
    """A whole number that is greater where x is: the search for the greatest of these becomes vector code.

    The compiler leaves a search among floats scalar, since it may not assume that none is NaN.
    """
    return at_sign(bits(x))


def of_rank(k):
    """The inverse of `rank`."""
    return from_bits(at_sign(k))


def at_sign(k):
    """The bits of a float32 in the order of what they stand for, or back: those below 0 count downwards."""
    return np.int32(k ^ ((k >> 31) & 0x7FFFFFFF))


def row_maximum(z):
    """The greatest number of a row."""
    greatest = rank(z[0])
    for j in range(len(z)):
        greatest = max(greatest, rank(z[j]))
    return of_rank(greatest)


@kernel(z="read part", a="write part", reassociate=True)
def softmax_forward(z, z_stride, z_columns, a, lo, hi):
    """a = softmax(z) for each row.

    The exponentials run over the padding too, which gets zeros: whole vectors and no sum in their loop
    make it faster.
    """
    n = np.int32(z_columns)
    for i in range(lo, hi):
        start = i * z_stride
        x, y = z[start : start + z_stride], a[start : start + z_stride]
        greatest, total = row_maximum(x[:z_columns]), np.float32(0)
        for j in range(z_stride):
            y[j] = where(np.int32(j) < n, exp(x[j] - greatest), np.float32(0))
        for j in range(z_columns):
            total += y[j]
        share = np.float32(1) / total
        for j in range(z_columns):
            y[j] *= share


@softmax_forward.twin
def _(z, z_stride, z_columns, a, lo, hi):
    e = np.exp(z[lo:hi] - z[lo:hi].max(axis=1, keepdims=True))
    a[lo:hi] = e / e.sum(axis=1, keepdims=True)


@OnLanes
def begin_softmax(x):
    """The greatest number so far, and the sum so far."""
    return x, np.float32(0)


@OnLanes
def greater(x, greatest):
    """The greater of two."""
    return where(x > greatest, x, greatest)


@OnLanes
def add_exponential(x, greatest, total):
    """e^(x - greatest), and the sum with it."""
    e = exp(x - greatest)
    return e, total + e


@OnLanes
def inverse(total):
    """1 / total."""
    return np.float32(1) / total


@OnLanes
def product(x, y):
    """x y."""
    return x * y


@kernel(z="read part", a="write part")
def softmax_of_few(z, z_columns, a, lo, hi):
    """The same for rows of at most 16 numbers, sixteen rows at once."""
    x, y, greatest, total = room_for_square(), room_for_square(), room_for_lane(), room_for_lane()
    for k in range(LANES * LANES):
        y[k] = np.float32(0)
    for i in range(lo, hi, LANES):
        n = min(LANES, hi - i)
        turn_in(z, z_columns, i, n, x)
        begin_softmax(greatest, 0, total, 0, x, 0)
        for j in range(1, z_columns):
            greater(greatest, 0, x, LANES * j, greatest, 0)
        for j in range(z_columns):
            add_exponential(y, LANES * j, total, 0, x, LANES * j, greatest, 0, total, 0)
        inverse(total, 0, total, 0)
        for j in range(z_columns):
            product(y, LANES * j, y, LANES * j, total, 0)
        turn_out(y, z_columns, i, n, a)


@softmax_of_few.twin
def _(z, z_columns, a, lo, hi):
    e = np.exp(z[lo:hi] - z[lo:hi].max(axis=1, keepdims=True))
    a[lo:hi] = e / e.sum(axis=1, keepdims=True)


@kernel(a="read part", da="read part", delta="write part", reassociate=True)
def softmax_backward(a, a_stride, a_columns, da, delta, lo, hi):
    """delta_i = a_i (da_i - sum over j of da_j a_j)."""
    for i in range(lo, hi):
        start = i * a_stride
        end = start + a_columns
        y, g, d = a[start:end], da[start:end], delta[start:end]
        inner = np.float32(0)
        for j in range(len(y)):
            inner += g[j] * y[j]
        for j in range(len(y)):
            d[j] = y[j] * (g[j] - inner)


@softmax_backward.twin
def _(a, a_stride, a_columns, da, delta, lo, hi):
    y, g = a[lo:hi], da[lo:hi]
    delta[lo:hi] = y * (g - (g * y).sum(axis=1, keepdims=True))
