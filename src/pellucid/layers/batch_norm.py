"""BatchNorm: each feature brought to mean 0 and variance 1 over the batch, then scaled and shifted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid import checks
from pellucid.engine.buffer import LANE, Buffer
from pellucid.engine.plan import Axis
from pellucid.kernels.columns import column_products, multiply, scale_columns
from pellucid.kernels.norms import (
    LEAST_EPSILON,
    batch_norm_backward,
    batch_statistics,
    follow,
    inverse_deviation,
    normalise,
)
from pellucid.kernels.rows import column_sums
from pellucid.layers.base import Forward, Layer, Parameter, Step


class BatchNorm(Layer):
    """Normalises each feature over the rows of the batch, then scales and shifts it by learnt numbers.

    Formula:  x̂ = (x - μ) / √(σ² + ε),  a = γ x̂ + β, with μ and σ² a column's mean and mean squared
    distance from it over the m rows of the batch; backward with d = ∂loss/∂a and sums over the rows
    ∂loss/∂γ = Σ d x̂,  ∂loss/∂β = Σ d,  ∂loss/∂x = γ / √(σ² + ε) · (d - Σ d / m - x̂ Σ d x̂ / m).

    In prediction, and inside `Frozen`, μ and σ² are running averages over the batches of the training:
    running = momentum · running + (1 - momentum) · batch, with m σ² / (m - 1) for the variance. They are
    parameters that training does not change by a gradient. Weights of rows do not count.

    A batch of one row has no variance: then x̂ = 0 and a = β, nothing flows back to x, and the running
    averages stay as they are.

    Parameters
    ----------
    momentum : float
        Share of the running averages that a batch leaves, from 0 to below 1. (Keras's meaning; PyTorch's
        `momentum` is 1 minus it.)
    epsilon : float
        ε, above 0.
    name : str, optional
        Its name.

    Attributes
    ----------
    gain, bias : Parameter (n_in,)
        γ, 1 at first, and β, 0 at first.
    running_mean, running_variance : Parameter (n_in,)
        0 and 1 at first.

    Raises
    ------
    ArgumentError
        If momentum is outside [0, 1) or epsilon is not above 0.

    References
    ----------
    Ioffe and Szegedy, Batch normalization, 2015, algorithm 1 and section 3.

    Examples
    --------
    >>> BatchNorm(momentum=0.8)
    BatchNorm(momentum=0.8)
    """

    kind = "batch_norm"

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, *, name: str | None = None) -> None:
        self.name = name
        self.momentum = checks.number(f"{self.who}: momentum", momentum, 0, 1, open_ends="most")
        self.epsilon = checks.number(f"{self.who}: epsilon", epsilon, LEAST_EPSILON, 1)

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        one, name = {"name": "constant", "value": 1.0}, self.label
        self.gain = Parameter(f"{name}/gain", (n_in,), one)
        self.bias = Parameter(f"{name}/bias", (n_in,), "zeros")
        self.running_mean = Parameter(f"{name}/running_mean", (n_in,), "zeros", trainable=False)
        self.running_variance = Parameter(f"{name}/running_variance", (n_in,), one, trainable=False)
        return n_in

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.gain, self.bias, self.running_mean, self.running_variance)

    @property
    def settings(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "epsilon": self.epsilon, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        n, name = x.columns, self.label
        columns = Axis(f"columns of {name}", n, LANE)
        mean, variance = self._statistics(step, x, columns)
        inverse = step.numbers(f"{name}/inverse_deviation", n)
        step.call(inverse_deviation, columns, variance=variance, inverse=inverse, epsilon=self.epsilon)
        x_hat, a = step.matrix(f"{name}/normal", n), step.matrix(f"{name}/a", n)
        step.call(
            normalise,
            x=x,
            mean=mean,
            inverse=inverse,
            gain=self.gain.buffer,
            bias=self.bias.buffer,
            normal=x_hat,
            a=a,
        )
        step.passes(x, a, self.gain, self.bias)
        back = self._back_through_batch if step.is_training else self._back
        return Forward(a, lambda da: back(step, x, x_hat, inverse, da))

    def _statistics(self, step: Step, x: Buffer, columns: Axis) -> tuple[Buffer, Buffer]:
        """Mean and variance: those of the batch in training, the running ones otherwise."""
        running_mean, running_variance = self.running_mean.buffer, self.running_variance.buffer
        if not step.is_training:
            return running_mean, running_variance
        mean = step.numbers(f"{self.label}/mean", x.columns)
        variance = step.numbers(f"{self.label}/variance", x.columns)
        step.call(batch_statistics, columns, x=x, mean=mean, variance=variance)
        if step.keeps_statistics:
            step.call(
                follow,
                columns,
                mean=mean,
                variance=variance,
                running_mean=running_mean,
                running_variance=running_variance,
                momentum=self.momentum,
            )
        return mean, variance

    def _back(self, step: Step, x: Buffer, x_hat: Buffer, inverse: Buffer, da: Buffer) -> Buffer | None:
        """Where mean and variance do not depend on x."""
        step.gradient(self.gain, column_products, x=da, y=x_hat, out=self.gain.gradient)
        step.gradient(self.bias, column_sums, x=da, out=self.bias.gradient)
        if not step.wants(x):
            return None
        slope = step.numbers(f"{self.label}/slope", x.columns)
        columns = Axis(f"columns of {self.label}", x.columns, LANE)
        step.call(multiply, columns, x=self.gain.buffer, y=inverse, out=slope)
        dx = step.matrix(f"{self.label}/dx", x.columns)
        step.call(scale_columns, x=da, factors=slope, out=dx)
        return dx

    def _back_through_batch(
        self, step: Step, x: Buffer, x_hat: Buffer, inverse: Buffer, da: Buffer
    ) -> Buffer | None:
        """The sums over the batch are the gradients of gain and bias, and ∂loss/∂x needs them too."""
        columns = Axis(f"columns of {self.label}", x.columns, LANE)
        sums = []
        for p in (self.gain, self.bias):
            sums.append(p.gradient if p.trainable else step.numbers(f"{p.name}/sum", x.columns))
            step.made(p)
        step.call(column_products, columns, x=da, y=x_hat, out=sums[0])
        step.call(column_sums, columns, x=da, out=sums[1])
        if not step.wants(x):
            return None
        dx = step.matrix(f"{self.label}/dx", x.columns)
        step.call(
            batch_norm_backward,
            normal=x_hat,
            da=da,
            inverse=inverse,
            gain=self.gain.buffer,
            d_gain=sums[0],
            d_bias=sums[1],
            dx=dx,
        )
        return dx
