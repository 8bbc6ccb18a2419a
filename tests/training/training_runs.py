"""Networks and data for tests of training, and the same training in float64, written down from the formulas.

The reference knows dense layers, mse and categorical cross-entropy, and Adam; it shares no code with the
package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import Dense, Input, Network

Doubles = NDArray[np.float64]
N_ROWS, N_IN, N_OUT = 53, 5, 3


def numbers(n_rows: int = N_ROWS, n_in: int = N_IN, seed: int = 1) -> Any:
    """Inputs, float32."""
    return np.random.default_rng(seed).standard_normal((n_rows, n_in)).astype(np.float32)


def values(X: Any, n_out: int = N_OUT, seed: int = 2) -> Any:
    """Numbers to learn, not quite linear in X."""
    T = X @ np.random.default_rng(seed).standard_normal((X.shape[1], n_out))
    return (T + 0.3 * np.sin(3 * T)).astype(np.float32)


def classes(X: Any, n_out: int = N_OUT, seed: int = 2) -> Any:
    """Class indices to learn."""
    return values(X, n_out, seed).argmax(axis=1)


def regression(*hidden: int, activation: str = "tanh", seed: int = 0, n_out: int = N_OUT) -> Network:
    """A network for `values`."""
    widths = hidden or (8,)
    return Network([Input(N_IN), *(Dense(n, activation) for n in widths), Dense(n_out)], seed=seed)


def classification(*hidden: int, activation: str = "relu", seed: int = 0, n_out: int = N_OUT) -> Network:
    """A network for `classes`."""
    widths = hidden or (8,)
    layers = [Input(N_IN), *(Dense(n, activation) for n in widths), Dense(n_out, "softmax")]
    return Network(layers, seed=seed)


def bits(net: Network) -> bytes:
    """All weights and biases."""
    return b"".join(v.tobytes() for v in net.parameters.values())


def softmax(z: Doubles) -> Doubles:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


ACTIVATIONS: dict[str, tuple[Callable[[Doubles], Doubles], Callable[[Doubles], Doubles]]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(np.float64)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "linear": (lambda z: z, np.ones_like),
}


class Reference:
    """The layers of a network in float64."""

    def __init__(self, net: Network) -> None:
        self.layers = [
            (layer.name, layer.definition.activation.name)  # type: ignore[attr-defined]
            for layer in net.layers[1:]
        ]
        self.weights = {n: v.astype(np.float64) for n, v in net.parameters.items()}
        self.moments = {n: (np.zeros_like(v), np.zeros_like(v)) for n, v in self.weights.items()}
        self.t = 0

    def forward(self, X: Any) -> tuple[list[Doubles], list[Doubles]]:
        """Weighted inputs and activations of each layer; X is the first activation."""
        zs, activations = [], [np.asarray(X, np.float64)]
        for name, activation in self.layers:
            zs.append(activations[-1] @ self.weights[f"{name}/weights"] + self.weights[f"{name}/bias"])
            known = softmax if activation == "softmax" else ACTIVATIONS[activation][0]
            activations.append(known(zs[-1]))
        return zs, activations

    def losses(self, X: Any, Y: Doubles) -> Doubles:
        """Loss of each row: mean squared error, or cross-entropy behind a softmax."""
        zs, activations = self.forward(X)
        if self.layers[-1][1] == "softmax":
            z = zs[-1] - zs[-1].max(axis=1, keepdims=True)
            return np.asarray(-(Y * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum(axis=1))
        return np.asarray(((activations[-1] - Y) ** 2).mean(axis=1))

    def backward(self, X: Any, Y: Doubles, w: Doubles) -> tuple[list[Doubles], dict[str, Doubles]]:
        """Deltas of each layer and all gradients of the mean loss of the rows, weighted by w."""
        zs, activations = self.forward(X)
        if self.layers[-1][1] == "softmax":
            delta = (activations[-1] - Y) * w[:, None] / len(Y)
        else:
            delta = 2 * (activations[-1] - Y) * w[:, None] / Y.size
        deltas, gradients = [delta], {}
        for i in range(len(self.layers) - 1, -1, -1):
            name = self.layers[i][0]
            gradients[f"{name}/weights"] = activations[i].T @ deltas[0]
            gradients[f"{name}/bias"] = deltas[0].sum(axis=0)
            if i:
                back = deltas[0] @ self.weights[f"{name}/weights"].T
                deltas.insert(0, back * ACTIVATIONS[self.layers[i - 1][1]][1](zs[i - 1]))
        return deltas, gradients

    def adam(self, gradients: dict[str, Doubles], rate: float) -> None:
        """One update with the usual settings."""
        self.t += 1
        for name, g in gradients.items():
            m, v = self.moments[name]
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            self.moments[name] = m, v
            m, v = m / (1 - 0.9**self.t), v / (1 - 0.999**self.t)
            self.weights[name] = self.weights[name] - rate * m / (np.sqrt(v) + 1e-8)

    def fit(
        self, X: Any, Y: Any, epochs: int, batch_size: int, rates: Sequence[float], w: Any = None
    ) -> list[dict[str, float]]:
        """Epochs over the rows as they come; `rates` is the learning rate of each step of an epoch."""
        Y = np.asarray(Y, np.float64)
        w = np.ones(len(Y)) if w is None else np.asarray(w, np.float64)
        w = w / w.mean()
        records = []
        for _ in range(epochs):
            running, squares = 0.0, []
            for step, first in enumerate(range(0, len(Y), batch_size)):
                rows = slice(first, first + batch_size)
                running += float(self.losses(X[rows], Y[rows]) @ w[rows])
                _, gradients = self.backward(X[rows], Y[rows], w[rows])
                squares.append(sum(float((g**2).sum()) for g in gradients.values()))
                self.adam(gradients, rates[step])
            records.append(
                {
                    "running_loss": running / w.sum(),
                    "loss": float(self.losses(X, Y) @ w) / w.sum(),
                    "gradient_norm": float(np.sqrt(np.mean(squares[::8]))),
                }
            )
        return records
