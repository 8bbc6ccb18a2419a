"""Layers in float64, written down from their formulas: what the tests compare the engine with.

Gradients are central differences of the loss, so that not even the rules of differentiation are shared
with the engine. What is drawn at random (masks, noise) is taken from the engine's buffers by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Values = dict[str, Doubles]

FUNCTIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
}


def outputs(layers: Sequence[Any], x: Doubles, values: Mapping[str, Any], training: bool = True) -> Doubles:
    """What layers, one behind the other, make of x; `values` holds parameters, masks and noise by name."""
    for layer in layers:
        x = output(
            layer, x, {n.removeprefix(f"{layer.name}/"): v for n, v in values.items()}, values, training
        )
    return x


def output(
    layer: Any, x: Doubles, own: Mapping[str, Any], values: Mapping[str, Any], training: bool
) -> Doubles:
    """What one layer makes of x; `own` are its numbers by the name within it."""
    match layer.kind:
        case "input":
            return x
        case "dense":
            return FUNCTIONS[layer.activation.name](x @ own["weights"] + own["bias"])
        case "activation":
            return FUNCTIONS[layer.activation.name](x)
        case "parametric_activation":
            g = FUNCTIONS[layer.settings["activation"]["name"]](x)
            return (1 - own["alpha"]) * x + own["alpha"] * g
        case "dropout":
            return x * own["mask"] if training else x
        case "gaussian_noise":
            return x + own["noise"] if training else x
        case "scale":
            return x * own["factors"]
        case "batch_norm":
            mean, variance = (
                (x.mean(axis=0), x.var(axis=0))
                if training
                else (own["running_mean"], own["running_variance"])
            )
            return own["gain"] * (x - mean) / np.sqrt(variance + layer.epsilon) + own["bias"]
        case "layer_norm":
            centred = x - x.mean(axis=1, keepdims=True)
            deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + layer.epsilon)
            return own["gain"] * centred / deviation + own["bias"]
        case "embedding":
            passing = np.delete(x, [c.index for c in layer.columns], axis=1)
            vectors = []
            for c in layer.columns:
                known = {float(code): code for code in range(c.codes)}
                vectors.append(own[c.name][[known.get(float(np.float32(v)), 0) for v in x[:, c.index]]])
            return np.hstack([passing, *vectors])
        case "periodic_embedding":
            chosen = range(x.shape[1]) if layer.columns is None else layer.columns
            parts = [np.delete(x, chosen, axis=1)]
            W = own["weights"].reshape(len(chosen), layer.width, layer.waves)
            for j, at in enumerate(chosen):
                turns = np.outer(x[:, at], own["frequencies"][j]) + own["phases"][j]
                sums = np.cos(2 * np.pi * turns) @ W[j].T + own["bias"].reshape(len(W), -1)[j]
                parts += [x[:, [at]], sums]
            return np.hstack(parts)
        case "residual":
            return x + outputs(layer.branches[0], x, values, training)
        case "concat":
            return np.hstack([outputs(branch, x, values, training) for branch in layer.branches])
        case "frozen":
            return outputs(layer.branches[0], x, values, training=False)
    raise NotImplementedError(layer.kind)


def loss_of(a: Doubles, y: NDArray[Any]) -> float:
    """Mean squared error, or the cross-entropy of probabilities where y holds class indices."""
    if y.ndim == 1:
        return float(-np.log(a[np.arange(len(a)), y]).mean())
    return float(((a - y) ** 2).mean())


def gradients(
    layers: Sequence[Any],
    x: Doubles,
    y: NDArray[Any],
    values: Values,
    names: Sequence[str],
    training: bool = True,
) -> Values:
    """∂loss/∂value for each number of the named values, by central differences."""
    result = {}
    for name in names:
        result[name] = np.zeros_like(values[name])
        for at in np.ndindex(values[name].shape):
            sides = []
            for h in (1e-5, -1e-5):
                moved = values[name].copy()
                moved[at] += h
                sides.append(loss_of(outputs(layers, x, {**values, name: moved}, training), y))
            result[name][at] = (sides[0] - sides[1]) / 2e-5
    return result
