"""Arrays between scikit-learn and the engine: sparse ones, rows that are the same, scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit

from pellucid.engine.buffer import Array

BLOCK = 4096  # rows of a sparse matrix that are written out at once
LARGEST = float(np.finfo(np.float32).max)
NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


def as_float32(X: Any) -> Array:
    """A matrix as the engine reads it fastest; a sparse one is written out.

    Raises
    ------
    ValueError
        In scikit-learn's words, if a number is too large for float32: no training would stay finite.
    """
    with np.errstate(over="ignore"):
        if sparse.issparse(X):
            dense: Array = X.astype(np.float32).toarray(order="C")
        else:
            dense = np.ascontiguousarray(X, np.float32)
    if not np.isfinite(dense.sum(dtype=np.float64)):
        raise ValueError(NON_FINITE)
    return dense


def in_blocks(answer: Callable[[Array], Array], X: Any) -> Array:
    """What `answer` gives for the rows of a matrix; a sparse one is written out in parts."""
    if not sparse.issparse(X):
        return answer(X)
    rows = X.tocsr()
    return np.concatenate([answer(part.toarray()) for part in _parts(rows)])


def _parts(X: Any) -> Iterator[Any]:
    for start in range(0, X.shape[0], BLOCK):
        yield X[start : start + BLOCK]


def distinct(X: Array, targets: Array, weights: Array | None) -> tuple[Array, Array, Array | None]:
    """Each row once, with its weight; in an order that depends on the rows alone.

    Where all rows are one batch neither their order nor their number matters: a row that is there twice
    weighs twice. So that this holds to the last bit, and less is to be computed.
    """
    weights = np.ones(len(X)) if weights is None else weights.astype(np.float64)
    X, targets, weights = X[weights > 0], targets[weights > 0], weights[weights > 0]
    columns = np.column_stack([X, targets])
    order = np.lexsort(columns.T)
    columns = columns[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (columns[1:] != columns[:-1]).any(axis=1)
    totals = np.add.reduceat(weights[order], np.flatnonzero(is_first))
    chosen = order[is_first]
    return X[chosen], targets[chosen], None if (totals == totals[0]).all() else totals


def activated(z: Array, activation: str) -> Array:
    """The outputs of a layer by its weighted inputs; the names are scikit-learn's."""
    if activation == "softmax":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))
    if activation == "logistic":
        return np.asarray(expit(z))
    return np.exp(z) if activation == "exp" else z


def accuracy(y: Array, found: Array, weights: Array | None) -> float:
    """Share of the rows in which all columns are right."""
    return float(np.average((y == found).reshape(len(y), -1).all(axis=1), weights=weights))


def r2(y: Array, found: Array, weights: Array | None) -> float:
    """1 - Σ(y - found)² / Σ(y - mean)², the mean over the columns; NaN where something is not finite."""
    if not np.isfinite(found).all():
        return float("nan")
    y = y.reshape(len(y), -1)
    mean = np.average(y, axis=0, weights=weights)
    wrong = np.average((y - found.reshape(y.shape)) ** 2, axis=0, weights=weights)
    spread = np.average((y - mean) ** 2, axis=0, weights=weights)
    scores = np.where(wrong == 0, 1.0, 0.0)
    np.divide(spread - wrong, spread, out=scores, where=spread > 0)
    return float(scores.mean())
