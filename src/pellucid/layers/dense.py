"""Dense: every neuron sees every input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.activations import ACTIVATIONS
from pellucid.engine.buffer import Buffer
from pellucid.engine.plan import Axis
from pellucid.kernels.products import products
from pellucid.kernels.rows import column_sums
from pellucid.layers.base import Forward, Layer, Parameter, Step, activate


class Dense(Layer):
    """A layer of neurons, each with a weight for every input and a bias.

    Formula:  z = x @ W + b,  a = g(z);  backward  delta = ∂loss/∂z = ∂loss/∂a · g'(z),
    ∂loss/∂W = xᵀ @ delta,  ∂loss/∂b = sum of delta over the batch,  ∂loss/∂x = delta @ Wᵀ.
    """

    kind = "dense"

    def __init__(self, n_out: int, activation: Any = "linear", *, name: str | None = None) -> None:
        self.n_out, self.name = n_out, name
        self.activation = ACTIVATIONS.find(activation)

    def build(self, n_in: int) -> int:
        self.n_in = n_in
        self.weights = Parameter(f"{self.label}/weights", (n_in, self.n_out), self.activation.initializer)
        self.bias = Parameter(f"{self.label}/bias", (self.n_out,), "zeros")
        return self.n_out

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.weights, self.bias)

    @property
    def settings(self) -> dict[str, Any]:
        return {"n_out": self.n_out, "activation": self.activation.spec, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        product, product_transposed = products()
        W, b, z = self.weights, self.bias, step.matrix(f"{self.label}/z", self.n_out)
        step.call(product, A=x, B=W.buffer, start=b.buffer, has_start=1, C=z)
        step.passes(x, z, W, b)

        def from_delta(delta: Buffer) -> Buffer | None:
            step.gradient(W, product_transposed, A=x, B=delta, C=W.gradient)
            step.gradient(b, column_sums, x=delta, out=b.gradient)
            if not step.wants(x):
                return None
            dx, W_transposed = step.matrix(f"{self.label}/dx", self.n_in), step.transposed(W)
            step.call(product, A=delta, B=W_transposed, start=W_transposed, has_start=0, C=dx)
            return dx

        return activate(step, self.label, z, self.activation, from_delta)
