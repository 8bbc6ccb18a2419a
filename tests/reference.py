"""Networks of dense layers in float64, from plain formulas: what tests compare the engine with.

Nothing here is taken from pellucid but the names of activations and losses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Doubles = NDArray[np.float64]
Function = Callable[..., Any]
Layer = tuple[Doubles, Doubles, str | Function]  # weights (n_in, n_out), bias (n_out,), activation

ACTIVATIONS: dict[str, Callable[..., Doubles]] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z, slope=0.01: np.where(z > 0, z, slope * z),
    "elu": lambda z, alpha=1.0: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
    "selu": lambda z: 1.0507009873554805 * ACTIVATIONS["elu"](z, 1.6732632423543772),
    "gelu": lambda z: z * special.ndtr(z),
    "gelu_tanh": lambda z: z / (1 + np.exp(-2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z * special.expit(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "softplus": lambda z: np.logaddexp(0, z),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "sigmoid": special.expit,
    "hard_sigmoid": lambda z: np.clip((z + 3) / 6, 0, 1),
    "tanh": np.tanh,
    "exponential": np.exp,
    "softmax": lambda z: special.softmax(z, axis=-1),
}


def _log(p: Doubles) -> Doubles:
    return np.log(np.maximum(p, 1e-7))


def _smooth(y: Doubles, n: int, s: float) -> Doubles:
    return (1 - s) * y + s / n


def _binary_crossentropy(a: Doubles, y: Doubles, label_smoothing: float = 0.0) -> Doubles:
    t = _smooth(y, 2, label_smoothing)
    return -(t * _log(a) + (1 - t) * _log(1 - a)).mean(axis=1)


def _categorical_crossentropy(a: Doubles, y: Doubles, label_smoothing: float = 0.0) -> Doubles:
    return -(_smooth(y, y.shape[1], label_smoothing) * _log(a)).sum(axis=1)


# Of outputs and targets (n_samples, n_out): the loss of each row.
LOSSES: dict[str, Callable[..., Doubles]] = {
    "mse": lambda a, y: ((a - y) ** 2).mean(axis=1),
    "half_squares": lambda a, y: ((a - y) ** 2).sum(axis=1) / 2,
    "mae": lambda a, y: np.abs(a - y).mean(axis=1),
    "huber": lambda a, y, threshold=1.0: special.huber(threshold, a - y).mean(axis=1),
    "log_cosh": lambda a, y: (np.logaddexp(a - y, y - a) - np.log(2)).mean(axis=1),
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
    "kl_divergence": lambda a, y: special.rel_entr(y, np.maximum(a, 1e-7)).sum(axis=1),
    "hinge": lambda a, y: np.maximum(0, 1 - y * a).mean(axis=1),
    "squared_hinge": lambda a, y: (np.maximum(0, 1 - y * a) ** 2).mean(axis=1),
    "poisson": lambda a, y: (a - y * _log(a)).mean(axis=1),
    "quantile": lambda a, y, q=0.5: np.where(y > a, q * (y - a), (1 - q) * (a - y)).mean(axis=1),
}


def forward(layers: Sequence[Layer], X: Doubles) -> list[tuple[Doubles, Doubles]]:
    """The weighted inputs and activations of each layer, for inputs (n_samples, n_in).

    An activation, and below a loss, is a name of the tables above or a function of its own.
    """
    passed, a = [], np.asarray(X, np.float64)
    for W, b, activation in layers:
        z = a @ W + b
        a = activation(z) if callable(activation) else ACTIVATIONS[activation](z)
        passed.append((z, a))
    return passed


def mean_loss(
    layers: Sequence[Layer], X: Doubles, y: Doubles, loss: str | Function, weights: Doubles | None = None
) -> float:
    """The mean over the rows of each row's loss times its weight."""
    losses = (loss if callable(loss) else LOSSES[loss])(forward(layers, X)[-1][1], y)
    return float(np.mean(losses if weights is None else losses * weights))


def gradients(
    layers: Sequence[Layer], X: Doubles, y: Doubles, loss: str | Function, weights: Doubles | None = None
) -> list[tuple[Doubles, Doubles]]:
    """∂ mean loss / ∂W and / ∂b of each layer, by finite differences."""
    layers = [(W.copy(), b.copy(), activation) for W, b, activation in layers]

    def of(array: Doubles) -> Doubles:
        return differences(lambda: mean_loss(layers, X, y, loss, weights), array)

    return [(of(W), of(b)) for W, b, _ in layers]


def differences(value: Callable[[], Any], array: Doubles, step: float = 1e-6) -> Doubles:
    """The central difference of `value()` by each number of an array, which is changed and put back."""
    result = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        above = value()
        array[place] = kept - step
        below = value()
        array[place] = kept
        result[place] = (above - below) / (2 * step)
    return result


def slope(function: Callable[[Doubles], Doubles], z: Doubles) -> Doubles:
    """The derivative of a function of single numbers, by differences of fourth order."""
    h = 1e-3 * np.minimum(1, np.maximum(np.abs(z), 1e-3))
    return (8 * (function(z + h) - function(z - h)) - function(z + 2 * h) + function(z - 2 * h)) / (12 * h)


def relative_error(found: Any, expected: Doubles) -> float:
    """The largest error of an array, relative to its largest number."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())
