"""Ridge regression over several folds of the rows, its strength chosen on unseen rows: `ridge`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.buffer import Array
from pellucid.training.splits import Indices

STRENGTHS = 10.0 ** np.arange(-4, 5)
BLOCK = 8192  # rows that are in double precision at a time

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Ridge:
    """Straight lines that each learned from all rows but those of a fold.

    Parameters
    ----------
    strength : float
        α, the same for all of them.
    weights : list of float64 array (n_features, n_targets)
    biases : list of float64 array (n_targets,)
    """

    strength: float
    weights: list[Numbers]
    biases: list[Numbers]


def ridge(X: Array, y: Array, folds: Sequence[Indices], weights: Numbers | None = None) -> Ridge:
    """The lines with the least Σ v (y − wᵀx − b)² + α wᵀw, v being the weights of rows.

    Formula:  w = Q (Λ + α)⁻¹ Qᵀ Σ v (x − x̄)(y − ȳ), with QΛQᵀ = Σ v (x − x̄)(x − x̄)ᵀ, so one
    decomposition serves every α. Of 10⁻⁴, 10⁻³, ..., 10⁴ the α is taken with which the lines err least on
    the rows of their folds; without folds there is one line of all rows, and α is 1.

    Parameters
    ----------
    X : float32 array (n, n_features)
    y : float32 array (n, n_targets)
    folds : sequence of int64 array
        The rows that each line does not learn from.
    weights : float64 array (n,), optional
        What each row counts.

    References
    ----------
    Hoerl and Kennard, Ridge regression: biased estimation for nonorthogonal problems, 1970.

    Examples
    --------
    >>> X = np.arange(8, dtype=np.float32)[:, None]
    >>> found = ridge(X, 3 * X + 1, [np.array([0, 4]), np.array([3, 7])])
    >>> found.strength, found.weights[0].round(3).tolist(), found.biases[0].round(3).tolist()
    (0.0001, [[3.0]], [1.0])
    """
    n, n_features = X.shape
    shift = np.concatenate([X.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64)])
    count = np.ones(n) if weights is None else weights

    def blocks(rows: Indices) -> Any:
        """Rows about the mean of all, inputs and targets side by side, and what they count."""
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            yield np.hstack([X[some], y[some]]) - shift, count[some]

    def sums(rows: Indices) -> tuple[float, Numbers, Numbers]:
        """What the rows count in all, and their first and second moments."""
        total, first = 0.0, np.zeros(len(shift))
        second = np.zeros((len(shift), len(shift)))
        for z, v in blocks(rows):
            total += v.sum()
            first += v @ z
            second += (v[:, None] * z).T @ z
        return total, first, second

    of_folds = [sums(fold) for fold in folds]
    of_all = sums(np.arange(n))
    lines = []  # for each fold the weights for every strength, and the biases
    for part in of_folds or [(0.0, np.zeros_like(of_all[1]), np.zeros_like(of_all[2]))]:
        total, first, second = of_all[0] - part[0], of_all[1] - part[1], of_all[2] - part[2]
        mean = first / total
        moments = second - total * np.outer(mean, mean)
        squares, axes = np.linalg.eigh(moments[:n_features, :n_features])
        along = axes.T @ moments[:n_features, n_features:]
        scale = np.maximum(squares, 0) + (STRENGTHS if folds else np.ones(1))[:, None]
        w = np.array([axes @ (along / s[:, None]) for s in scale])
        lines.append((w, mean[n_features:] - mean[:n_features] @ w))
    errors = np.zeros(len(lines[0][0]))
    for fold, (w, b) in zip(folds, lines, strict=False):
        for z, v in blocks(fold):
            misses = z[:, :n_features] @ w + b[:, None, :] - z[:, n_features:]
            errors += (v * (misses**2).sum(axis=2)).sum(axis=1)
    best = int(errors.argmin())
    chosen = [(w[best], b[best]) for w, b in lines]
    return Ridge(
        float(STRENGTHS[best]) if folds else 1.0,
        [w for w, _ in chosen],
        [b + shift[n_features:] - shift[:n_features] @ w for w, b in chosen],
    )
