"""Activation: an activation function as a layer of its own."""

from __future__ import annotations

from typing import Any

from pellucid.activations import ACTIVATIONS
from pellucid.engine.buffer import Buffer
from pellucid.layers.base import Forward, Layer, Step, activate


class Activation(Layer):
    """An activation function on its own, where it does not follow a Dense layer's sum at once.

    Formula:  a = g(x); backward  ∂loss/∂x = ∂loss/∂a · g'(x). As the last layer it is to the loss what a
    Dense layer's activation is: the loss is computed from x.

    Parameters
    ----------
    activation : str or Activation
        One of `ACTIVATIONS`, also with settings: `"leaky_relu(slope=0.1)"`.
    name : str, optional
        Its name.

    Raises
    ------
    UnknownNameError
        If there is no such activation.

    Examples
    --------
    >>> Activation("relu")
    Activation(activation=relu)
    """

    kind = "activation"

    def __init__(self, activation: Any, *, name: str | None = None) -> None:
        self.name = name
        self.activation = ACTIVATIONS.find(activation)

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        return n_in

    @property
    def settings(self) -> dict[str, Any]:
        return {"activation": self.activation.spec, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        return activate(step, self.label, x, self.activation, lambda delta: delta)
