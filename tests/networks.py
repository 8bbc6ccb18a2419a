"""Networks and data for the tests of `Network`, and their forward pass in float64."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid import (
    BatchNorm,
    Concat,
    Dense,
    Dropout,
    Input,
    LayerNorm,
    Network,
    Residual,
    Scale,
)

N_IN = 6
rng = np.random.default_rng(0)
X = rng.standard_normal((1000, N_IN)).astype(np.float32)
T = np.stack([X[:, 0] * X[:, 1], X.sum(axis=1), np.abs(X[:, 2])], axis=1)
Y = T.argmax(axis=1)


def plain(last: str = "linear", seed: int = 0) -> Network:
    return Network([Input(N_IN), Dense(9, "tanh"), Dense(17, "relu"), Dense(3, last)], seed=seed)


def in_threads(work: Callable[[int], object], n: int) -> None:
    """Do work(0), work(1), ... at once, each in a thread of its own."""
    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def rich() -> Network:
    layers = [
        Input(N_IN),
        Scale(),
        Dense(8, "relu"),
        BatchNorm(),
        Residual(Dense(8, "tanh"), Dropout(0.2)),
        Concat([Dense(5, "sigmoid")], [Dense(4), LayerNorm()]),
        Dense(3, "softmax"),
    ]
    net = Network(layers, seed=2)
    net.fit(X[:200], Y[:200], epochs=2)
    return net


def forward(net: Network, X: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weighted inputs and activations of a plain network in float64, by the layer's name."""
    a, zs, activations = np.asarray(X, np.float64), {}, {}
    known = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "linear": lambda z: z}
    for layer in net.layers[1:]:
        z = a @ layer.weights.astype(np.float64) + layer.bias
        name = layer.definition.activation.name  # type: ignore[attr-defined]
        if name == "softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            a = e / e.sum(axis=1, keepdims=True)
        else:
            a = known[name](z)
        zs[layer.name], activations[layer.name] = z, a
    return zs, activations
