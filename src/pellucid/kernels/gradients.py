"""Kernels between a gradient and the update of its weights: norms of gradients and of columns of weights."""

from __future__ import annotations

import numpy as np

from pellucid.kernels.kernel import kernel


@kernel(x="read part", squares="write part f8", reassociate=True)
def row_squares(x, x_stride, x_columns, squares, lo, hi):  # type: ignore[no-untyped-def]
    """squares[i] = sum of the squares of row i."""
    for i in range(lo, hi):
        row, total = x[i * x_stride : i * x_stride + x_columns], np.float32(0)
        for j in range(len(row)):
            total += row[j] * row[j]
        squares[i] = np.float64(total)


@row_squares.twin
def _(x, x_stride, x_columns, squares, lo, hi):  # type: ignore[no-untyped-def]
    squares[lo:hi] = (x[lo:hi].astype(np.float64) ** 2).reshape(hi - lo, -1).sum(axis=1)


@kernel(x="read whole f8", total="update part f8")
def add_line(x, x_rows, total, is_first, lo, hi):  # type: ignore[no-untyped-def]
    """total += sum of the numbers of a line, in their order; the first line of several begins at 0."""
    line, result = x[:x_rows], np.float64(0)
    if is_first == 0:
        result = total[0]
    for i in range(len(line)):
        result += line[i]
    total[0] = result


@add_line.twin
def _(x, x_rows, total, is_first, lo, hi):  # type: ignore[no-untyped-def]
    total[0] = (0 if is_first else total[0]) + x.sum()


@kernel(x="update part", squares="read whole f8", numbers=("limit",))
def clip_to_norm(x, x_stride, squares, limit, lo, hi):  # type: ignore[no-untyped-def]
    """x *= limit / norm where the norm, the root of `squares`, is above the limit."""
    norm = np.sqrt(squares[0])
    if norm > np.float64(limit):
        part, factor = x[lo * x_stride : hi * x_stride], np.float32(np.float64(limit) / norm)
        for i in range(len(part)):
            part[i] *= factor


@clip_to_norm.twin
def _(x, x_stride, squares, limit, lo, hi):  # type: ignore[no-untyped-def]
    limit, norm = np.float64(np.float32(limit)), np.sqrt(squares[0])
    if norm > limit:
        x[lo:hi] *= np.float32(limit / norm)


@kernel(w="update part", factors="write part f8", numbers=("limit",))
def limit_columns(w, w_stride, w_rows, factors, limit, lo, hi):  # type: ignore[no-untyped-def]
    """Each column of w whose norm is above the limit is scaled down to it; the parts are columns."""
    factors = factors[lo:hi]
    for j in range(len(factors)):
        factors[j] = 0.0
    for i in range(w_rows):
        row = w[i * w_stride + lo : i * w_stride + hi]
        for j in range(len(factors)):
            factors[j] += np.float64(row[j]) * np.float64(row[j])
    for j in range(len(factors)):  # until here the square of its norm
        norm = np.sqrt(factors[j])
        factors[j] = np.float64(limit) / norm if norm > np.float64(limit) else 1.0
    for i in range(w_rows):
        row = w[i * w_stride + lo : i * w_stride + hi]
        for j in range(len(factors)):
            row[j] = np.float32(np.float64(row[j]) * factors[j])


@limit_columns.twin
def _(w, w_stride, w_rows, factors, limit, lo, hi):  # type: ignore[no-untyped-def]
    norms = np.sqrt((w[:, lo:hi].astype(np.float64) ** 2).sum(axis=0))
    limit = np.float64(np.float32(limit))
    factors[lo:hi] = np.where(norms > limit, limit / norms, 1.0)
    w[:, lo:hi] *= factors[lo:hi]
