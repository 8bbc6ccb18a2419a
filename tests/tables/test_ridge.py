"""Ridge regression over folds, against solving for each line by itself."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.tables.ridge import STRENGTHS, ridge

RNG = np.random.default_rng(5)
X = (RNG.normal(size=(90, 6)) @ RNG.normal(size=(6, 6)) + 3).astype(np.float32)
Y = (X[:, :2] @ RNG.normal(size=(2, 2)) + RNG.normal(size=(90, 2)) - 7).astype(np.float32)
FOLDS = [np.arange(i, 90, 4) for i in range(3)]  # every fourth row is in no fold


def solved(rows: np.ndarray, strength: float, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A line by itself: rows scaled by the roots of their weights, and the penalty as rows more."""
    v = weights[rows] / weights[rows].sum()
    centre, level = v @ X[rows].astype(float), v @ Y[rows].astype(float)
    root = np.sqrt(weights[rows])[:, None]
    A = np.vstack([(X[rows] - centre) * root, np.sqrt(strength) * np.eye(6)])
    B = np.vstack([(Y[rows] - level) * root, np.zeros((6, 2))])
    w = np.linalg.lstsq(A, B, rcond=None)[0]
    return w, level - centre @ w


@pytest.mark.parametrize("is_weighted", [False, True])
def test_each_line_learns_from_the_others_and_the_strength_from_the_unseen(is_weighted: bool) -> None:
    weights = RNG.uniform(0.1, 3, 90) if is_weighted else np.ones(90)
    found = ridge(X, Y, FOLDS, weights if is_weighted else None)
    errors = []
    for strength in STRENGTHS:
        lines = [solved(np.setdiff1d(np.arange(90), fold), strength, weights) for fold in FOLDS]
        misses = [X[fold] @ w + b - Y[fold] for fold, (w, b) in zip(FOLDS, lines, strict=True)]
        errors.append(sum(float(weights[f] @ (m**2).sum(axis=1)) for f, m in zip(FOLDS, misses, strict=True)))
        if strength == found.strength:
            for (w, b), w_found, b_found in zip(lines, found.weights, found.biases, strict=True):
                assert w_found == pytest.approx(w, rel=1e-7, abs=1e-8)
                assert b_found == pytest.approx(b, rel=1e-7, abs=1e-8)
    assert found.strength == STRENGTHS[int(np.argmin(errors))]


def test_one_line_of_all_rows_where_none_are_held_back() -> None:
    found = ridge(X, Y, [])
    w, b = solved(np.arange(90), 1.0, np.ones(90))
    assert found.strength == 1
    assert found.weights[0] == pytest.approx(w, rel=1e-7)
    assert found.biases[0] == pytest.approx(b, rel=1e-7)


def test_columns_that_are_equal_or_constant_share_and_stay_small() -> None:
    twice = np.column_stack([X[:, 0], X[:, 0], np.ones(90, np.float32)]).astype(np.float32)
    found = ridge(twice, 2 * X[:, :1], FOLDS)
    assert found.weights[0][:, 0] == pytest.approx([1, 1, 0], abs=1e-5)
