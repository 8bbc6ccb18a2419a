"""LayerNorm: each row brought to mean 0 and variance 1, then each feature scaled and shifted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.kernels.columns import column_products
from pellucid.kernels.norms import LEAST_EPSILON, layer_norm_backward, layer_norm_forward
from pellucid.kernels.rows import column_sums
from pellucid.layers.base import Forward, Layer, Parameter, Step


class LayerNorm(Layer):
    """Normalises each row over its features, then scales and shifts each feature by learnt numbers.

    Formula:  x̂ = (x - μ) / √(σ² + ε),  a = γ x̂ + β, with μ and σ² a row's mean and mean squared distance
    from it; backward with d = γ ∂loss/∂a, and means along the row,
    ∂loss/∂x = (d - mean of d - x̂ · mean of d x̂) / √(σ² + ε),
    ∂loss/∂γ = sum of ∂loss/∂a · x̂,  ∂loss/∂β = sum of ∂loss/∂a, over the batch.

    It does the same in training and in prediction. A row of one number, or of equal ones, gives β.

    Parameters
    ----------
    epsilon : float
        ε, above 0.
    name : str, optional
        Its name.

    Attributes
    ----------
    gain, bias : Parameter (n_in,)
        γ, 1 at first, and β, 0 at first.

    Raises
    ------
    ArgumentError
        If epsilon is not above 0.

    References
    ----------
    Ba, Kiros and Hinton, Layer normalization, 2016, equations 3 and 4.

    Examples
    --------
    >>> LayerNorm(epsilon=0.001)
    LayerNorm(epsilon=0.001)
    """

    kind = "layer_norm"

    def __init__(self, epsilon: float = 1e-5, *, name: str | None = None) -> None:
        self.name = name
        self.epsilon = checks.number(f"{self.who}: epsilon", epsilon, LEAST_EPSILON, 1)

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        self.gain = Parameter(f"{self.label}/gain", (n_in,), {"name": "constant", "value": 1.0})
        self.bias = Parameter(f"{self.label}/bias", (n_in,), "zeros")
        return n_in

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.gain, self.bias)

    @property
    def settings(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        name, gain, bias = self.label, self.gain, self.bias
        x_hat, inverse = step.matrix(f"{name}/normal", x.columns), step.line(f"{name}/inverse_deviation")
        a = step.matrix(f"{name}/a", x.columns)
        step.call(
            layer_norm_forward,
            x=x,
            gain=gain.buffer,
            bias=bias.buffer,
            normal=x_hat,
            inverse=inverse,
            a=a,
            epsilon=self.epsilon,
        )
        step.passes(x, a, gain, bias)

        def backward(da: Buffer) -> Buffer | None:
            step.gradient(gain, column_products, x=da, y=x_hat, out=gain.gradient)
            step.gradient(bias, column_sums, x=da, out=bias.gradient)
            if not step.wants(x):
                return None
            dx = step.matrix(f"{name}/dx", x.columns)
            step.call(layer_norm_backward, normal=x_hat, da=da, inverse=inverse, gain=gain.buffer, dx=dx)
            return dx

        return Forward(a, backward)
