"""Counts validation rows that training has seen: `n_twins`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.buffer import Array
from pellucid.training.splits import Indices

BLOCK = 8192  # rows that are read at a time


def n_twins(X: Array, y: Array, training: Indices, held: Indices) -> int:
    """How many validation rows equal a training row in every feature and in the target.

    Formula:  h = Σᵢ mᵢ xᵢ mod 2⁶⁴ over the bits of a row, with random odd mᵢ, sorted and searched; where
    two rows have the same h, they are compared.

    Parameters
    ----------
    X : float32 array (n_samples, n_features)
        Features.
    y : int32 array (n_samples,) or float64 array (n_samples, n_targets)
        Targets.
    training, held : int64 array
        Row indices.

    References
    ----------
    M. Dietzfelbinger, Universal hashing and k-wise independent random variables via integer arithmetic
    without primes, 1996.

    Examples
    --------
    >>> X = np.array([[1, 2], [3, 4], [1, 2], [3, 4]], np.float32)
    >>> n_twins(X, np.array([0, 1, 0, 0], np.int32), np.array([0, 1]), np.array([2, 3]))
    1
    """
    if not len(held) or not len(training):
        return 0
    keys = _keys(X) + _keys(y.reshape(len(y), -1))
    by_key = training[np.argsort(keys[training])]
    place = np.minimum(np.searchsorted(keys[by_key], keys[held]), len(by_key) - 1)
    alike = keys[by_key[place]] == keys[held]
    mine, theirs = held[alike], by_key[place[alike]]
    n = 0
    for start in range(0, len(mine), BLOCK):
        a, b = mine[start : start + BLOCK], theirs[start : start + BLOCK]
        is_twin = (X[a] == X[b]).all(axis=1) & (y[a] == y[b]).reshape(len(a), -1).all(axis=1)
        n += int(is_twin.sum())
    return n


def _keys(rows: Array) -> NDArray[np.uint64]:
    """A number for each row, the same for equal rows."""
    width = rows.shape[1]
    factors = np.random.Philox(key=rows.dtype.itemsize).random_raw(width) | np.uint64(1)
    keys = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] + rows.dtype.type(0)  # so that −0 is 0
        bits = block.view(f"u{block.dtype.itemsize}").astype(np.uint64)
        bits ^= bits >> np.uint64(23)  # the last bits of a float are often 0, and would stay so
        keys[start : start + BLOCK] = bits @ factors
    return keys
