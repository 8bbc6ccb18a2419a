"""Sound data of several kinds, for networks that nothing is wrong with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import Dense, Input, Network

Arrays = tuple[NDArray[np.float32], NDArray[Any], str, int]  # X, y, the output's activation, outputs
USUAL: dict[str, Any] = {"epochs": 60, "batch_size": 32, "learning_rate": 0.005}


def smooth(n: int = 400, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Inputs and a smooth function of them with some noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 4)).astype(np.float32)
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.2 * rng.standard_normal(n)


def sound(kind: str, seed: int) -> Arrays:
    """Data without fault of some size."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(300, 800)), int(rng.integers(3, 9))
    X = rng.standard_normal((n, d)).astype(np.float32)
    if kind == "linear":
        return X, X @ rng.standard_normal(d) + 0.3 * rng.standard_normal(n), "linear", 1
    if kind == "curved":
        y = np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2] + 0.2 * rng.standard_normal(n)
        return X, y, "linear", 1
    if kind == "two outputs":
        Y = np.stack([np.tanh(X[:, 0] + X[:, 1]), X[:, 2]], axis=1) + 0.2 * rng.standard_normal((n, 2))
        return X, Y, "linear", 2
    if kind == "three classes":
        centres, y = 1.5 * rng.standard_normal((3, d)), rng.integers(0, 3, n)
        return (X + centres[y]).astype(np.float32), y, "softmax", 3
    assert kind == "overlapping classes"
    p = 1 / (1 + np.exp(-3 * (X[:, 0] + X[:, 1] - X[:, 2] * X[:, 0])))
    return X, (rng.random(n) < p).astype(int), "sigmoid", 1


def fitted(*hidden: Any, X: Any, y: Any, output: str = "linear", **options: Any) -> Network:
    """A network with these hidden layers, trained."""
    n_out = 1 if output in ("linear", "sigmoid") and np.ndim(y) == 1 else int(np.max(y)) + 1
    n_out = np.shape(y)[1] if np.ndim(y) == 2 else n_out
    net = Network([Input(X.shape[1]), *hidden, Dense(n_out, output)], seed=0)
    net.fit(X, y, **{**USUAL, **options})
    return net
