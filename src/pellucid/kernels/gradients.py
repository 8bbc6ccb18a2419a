"""Kernels around the update of weights: ridge, norms and noise of gradients, norms of columns of weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.kernels.elementary import bits, exp, log
from pellucid.kernels.kernel import Now, kernel
from pellucid.kernels.random import fill_words, mix, normal, random_words, state, thrice

TICK, ROWS = int(Now.TICK), int(Now.ROWS)


@kernel(x="read part", squares="write part f8", reassociate=True)
def row_squares(x, x_stride, x_columns, squares, lo, hi):
    """squares[i] = sum of the squares of row i."""
    for i in range(lo, hi):
        row, total = x[i * x_stride : i * x_stride + x_columns], np.float32(0)
        for j in range(len(row)):
            total += row[j] * row[j]
        squares[i] = np.float64(total)


@row_squares.twin
def _(x, x_stride, x_columns, squares, lo, hi):
    squares[lo:hi] = (x[lo:hi].astype(np.float64) ** 2).reshape(hi - lo, -1).sum(axis=1)


@kernel(g="update part", w="read part", penalties="update part f8", numbers=("ridge",), reassociate=True)
def add_ridge(g, g_stride, g_columns, w, penalties, now, ridge, lo, hi):
    """g += ridge w / rows of the batch; penalties[i] += ridge / 2 times the squares of row i of w."""
    share = ridge / np.float32(now[ROWS])
    for i in range(lo, hi):
        start, end = i * g_stride, i * g_stride + g_columns
        gradient, weights, squares = g[start:end], w[start:end], np.float32(0)
        for j in range(len(gradient)):
            gradient[j] += share * weights[j]
            squares += weights[j] * weights[j]
        penalties[i] += 0.5 * np.float64(ridge) * np.float64(squares)


@add_ridge.twin
def _(g, g_stride, g_columns, w, penalties, now, ridge, lo, hi):
    g[lo:hi] += np.float32(ridge) / np.float32(now[ROWS]) * w[lo:hi]
    squares = (w[lo:hi].astype(np.float64) ** 2).reshape(hi - lo, -1).sum(axis=1)
    penalties[lo:hi] += 0.5 * np.float64(np.float32(ridge)) * squares


@kernel(x="read whole f8", total="update part f8")
def add_line(x, x_rows, total, is_first, lo, hi):
    """total += sum of the numbers of a line, in their order; the first line of several begins at 0."""
    line, result = x[:x_rows], np.float64(0)
    if is_first == 0:
        result = total[0]
    for i in range(len(line)):
        result += line[i]
    total[0] = result


@add_line.twin
def _(x, x_rows, total, is_first, lo, hi):
    total[0] = (0 if is_first else total[0]) + x.sum()


@kernel(x="update part", squares="read whole f8", numbers=("limit",))
def clip_to_norm(x, x_stride, squares, limit, lo, hi):
    """x *= limit / norm where the norm, the root of `squares`, is above the limit."""
    norm = np.sqrt(squares[0])
    if norm > np.float64(limit):
        part, factor = x[lo * x_stride : hi * x_stride], np.float32(np.float64(limit) / norm)
        for i in range(len(part)):
            part[i] *= factor


@clip_to_norm.twin
def _(x, x_stride, squares, limit, lo, hi):
    limit, norm = np.float64(np.float32(limit)), np.sqrt(squares[0])
    if norm > limit:
        x[lo:hi] *= np.float32(limit / norm)


@kernel(w="update across", factors="write part f8", numbers=("limit",))
def limit_columns(w, w_stride, w_rows, factors, limit, lo, hi):
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
def _(w, w_stride, w_rows, factors, limit, lo, hi):
    norms = np.sqrt((w[:, lo:hi].astype(np.float64) ** 2).sum(axis=0))
    limit = np.float64(np.float32(limit))
    factors[lo:hi] = np.where(norms > limit, limit / norms, 1.0)
    w[:, lo:hi] *= factors[lo:hi]


def fading(tick: Any, std: Any, decay: Any) -> Any:
    """std / (1 + tick)^(decay / 2)."""
    return std * exp(np.float32(-0.5) * decay * log(np.float32(tick + 1)))


@kernel(x="update part", noise="write part", numbers=("std", "decay"))
def add_fading_noise(x, x_stride, x_columns, noise, stream, seed_low, seed_high, now, std, decay, lo, hi):
    """x += normal noise whose variance is std² / (updates so far + 1)^decay."""
    sigma = fading(now[TICK], std, decay)
    fill_words(noise, x_stride, x_columns, now[TICK], stream, seed_low, seed_high, lo, hi)
    for i in range(lo, hi):
        start, end = i * x_stride, i * x_stride + x_columns
        row, n = x[start:end], noise[start:end]
        for j in range(len(row)):
            n[j] = sigma * normal(bits(n[j]))
            row[j] += n[j]


@add_fading_noise.twin
def _(x, x_stride, x_columns, noise, stream, seed_low, seed_high, now, std, decay, lo, hi):
    words = random_words(x_columns, now[TICK], stream, seed_low, seed_high, lo, hi)
    noise[lo:hi] = fading(now[TICK], np.float32(std), np.float32(decay)) * normal(words)
    x[lo:hi] += noise[lo:hi]


@kernel(x="update part", numbers=("std", "decay"))
def add_fading_noise_to_line(x, stream, seed_low, seed_high, now, std, decay, lo, hi):
    """The same for numbers side by side, as if they were one row."""
    sigma, tick, part = fading(now[TICK], std, decay), now[TICK], x[lo:hi]
    for i in range(len(part)):
        counter = state(lo + i, 0, tick, stream, seed_low, seed_high)
        word, _, _, _, _, _ = mix(*thrice(*thrice(*thrice(*counter))))
        part[i] += sigma * normal(np.int32(word))


@add_fading_noise_to_line.twin
def _(x, stream, seed_low, seed_high, now, std, decay, lo, hi):
    words = random_words(hi, now[TICK], stream, seed_low, seed_high, 0, 1)[0, lo:hi]
    x[lo:hi] += fading(now[TICK], np.float32(std), np.float32(decay)) * normal(words)
