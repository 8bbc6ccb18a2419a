"""The network and the optimizer behind a perceptron."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from pellucid.layers.dense import Dense
from pellucid.layers.input import Input
from pellucid.network import Network
from pellucid.optimizers import OPTIMIZERS, Optimizer

ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
OUTPUTS = {"softmax": "softmax", "logistic": "sigmoid", "identity": "linear", "exp": "exponential"}
LEAST_EPSILON = 1e-30  # as a float32 it still keeps 0 / (0 + ε) at 0


def optimizer_of(estimator: Any) -> Optimizer:
    """The engine's optimizer for the solvers `sgd` and `adam`."""
    if estimator.solver == "adam":
        epsilon = max(float(estimator.epsilon), LEAST_EPSILON)
        betas = {"beta_1": float(estimator.beta_1), "beta_2": float(estimator.beta_2)}
        return OPTIMIZERS.find("adam_hat").using(**betas, epsilon=epsilon)
    name = "nesterov_velocity" if estimator.nesterovs_momentum else "velocity"
    below_1 = float(np.nextafter(1.0, 0.0))  # which is 1 in float32
    return OPTIMIZERS.find(name).using(momentum=min(float(estimator.momentum), below_1))


def units_of(estimator: Any) -> list[int]:
    """How many neurons the layers have whose weights are in `coefs_`, the inputs first."""
    return [len(estimator.coefs_[0]), *(len(b) for b in estimator.intercepts_)]


def network_of(estimator: Any, seed: int = 0, *, continues: bool = True) -> Network:
    """The network with the weights that `coefs_` and `intercepts_` have now.

    With `continues` it is that of the last fit, with what its optimizer keeps, unless its form has changed.
    """
    units = units_of(estimator)
    form = units, estimator.activation, estimator.out_activation_
    net: Network | None = getattr(estimator, "_network", None)
    if net is None or not continues or estimator._form != form:
        hidden = [Dense(n, ACTIVATIONS[estimator.activation]) for n in units[1:-1]]
        output = Dense(units[-1], OUTPUTS[estimator.out_activation_])
        net = Network([Input(units[0]), *hidden, output], seed=seed)
        estimator._network, estimator._form = net, form
    arrays = (a for pair in zip(estimator.coefs_, estimator.intercepts_, strict=True) for a in pair)
    for (name, view), array in zip(net.parameters.items(), arrays, strict=True):
        if view.shape != array.shape:
            raise ValueError(f"{name} has shape {view.shape}, but coefs_ and intercepts_ hold {array.shape}.")
        with np.errstate(over="ignore"):
            view[...] = array
    return net


def publish(estimator: Any, net: Network) -> None:
    """Let `coefs_` and `intercepts_` have the network's weights."""
    dtype = estimator.coefs_[0].dtype
    arrays = [view.astype(dtype) for view in net.parameters.values()]
    estimator.coefs_, estimator.intercepts_ = arrays[::2], arrays[1::2]


def summed(loss: Any) -> Any:
    """A loss whose outputs are added up rather than averaged, as scikit-learn's are."""
    return dataclasses.replace(loss, over_outputs="sum")
