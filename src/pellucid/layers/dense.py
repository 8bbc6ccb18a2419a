"""Dense: every neuron sees every input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid import checks
from pellucid.activations import ACTIVATIONS
from pellucid.engine.buffer import Buffer
from pellucid.initializers import INITIALIZERS
from pellucid.kernels.products import PLAIN, products, row_product
from pellucid.kernels.rows import column_sums
from pellucid.layers.base import Forward, Layer, Parameter, Step, activate
from pellucid.regularizers import LEAST, MOST, REGULARIZERS


class Dense(Layer):
    """A layer of neurons, each with a weight for every input and a bias.

    Formula:  z = x @ W + b,  a = g(z);  backward  delta = ∂loss/∂z = ∂loss/∂a · g'(z),
    ∂loss/∂W = xᵀ @ delta,  ∂loss/∂b = sum of delta over the batch,  ∂loss/∂x = delta @ Wᵀ.

    Parameters
    ----------
    n_out : int
        Number of neurons.
    activation : str or Activation
        One of `ACTIVATIONS`, also with settings: `"leaky_relu(slope=0.1)"`.
    initializer : str or Initializer, optional
        First weights, one of `INITIALIZERS`; the activation's own unless given.
    bias_initializer : str or Initializer
        First biases.
    regularizer, bias_regularizer : str or Regularizer, optional
        Penalty on the weights and on the biases, one of `REGULARIZERS`: `"l2(l2=0.001)"`.
    max_norm : float, optional
        After each update the weights into a neuron are scaled down to this Euclidean norm where theirs
        is larger (Srebro and Shraibman, Rank, trace-norm and max-norm, 2005).
    learning_rate : float or dict
        Factor on the learning rate, also as {"weights": 1, "bias": 0.1}.
    weight_decay : float
        Factor on the weight decay of the weights, of optimizers that have one; biases have none.
    name : str, optional
        Its name.

    Raises
    ------
    ArgumentError
        If an argument has a wrong value.

    Examples
    --------
    >>> Dense(32, "relu", regularizer="l2(l2=0.001)", max_norm=3)
    Dense(n_out=32, activation=relu, regularizer={'name': 'l2', 'l2': 0.001}, max_norm=3.0)
    """

    kind = "dense"

    def __init__(
        self,
        n_out: int,
        activation: Any = "linear",
        *,
        initializer: Any = None,
        bias_initializer: Any = "zeros",
        regularizer: Any = None,
        bias_regularizer: Any = None,
        max_norm: float | None = None,
        learning_rate: float | Mapping[str, float] = 1.0,
        weight_decay: float = 1.0,
        name: str | None = None,
    ) -> None:
        self.name = name
        who = f"Dense {name!r}" if name else "Dense"
        self.n_out = checks.whole(f"{who}: n_out", n_out)
        self.activation = ACTIVATIONS.find(activation)
        self.initializer = None if initializer is None else INITIALIZERS.find(initializer)
        self.bias_initializer = INITIALIZERS.find(bias_initializer)
        self.regularizer = None if regularizer is None else REGULARIZERS.find(regularizer)
        self.bias_regularizer = None if bias_regularizer is None else REGULARIZERS.find(bias_regularizer)
        self.max_norm = None if max_norm is None else checks.number(f"{who}: max_norm", max_norm, LEAST, MOST)
        self.learning_rate = checks.factors(who, learning_rate, ("weights", "bias"))
        self.weight_decay = checks.number(f"{who}: weight_decay", weight_decay, 0)

    def build(self, n_in: int) -> int:
        self.n_in = n_in
        self.weights = Parameter(
            f"{self.label}/weights",
            (n_in, self.n_out),
            self.initializer or self.activation.initializer,
            learning_rate=self.learning_rate["weights"],
            regularizer=self.regularizer,
            max_norm=self.max_norm,
            weight_decay=self.weight_decay,
        )
        self.bias = Parameter(
            f"{self.label}/bias",
            (self.n_out,),
            self.bias_initializer,
            learning_rate=self.learning_rate["bias"],
            regularizer=self.bias_regularizer,
        )
        return self.n_out

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.weights, self.bias)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "n_out": self.n_out,
            "activation": self.activation.spec,
            "initializer": self.initializer and self.initializer.spec,
            "bias_initializer": self.bias_initializer.spec,
            "regularizer": self.regularizer and self.regularizer.spec,
            "bias_regularizer": self.bias_regularizer and self.bias_regularizer.spec,
            "max_norm": self.max_norm,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "name": self.name,
        }

    def forward(self, step: Step, x: Buffer) -> Forward:
        product, product_transposed = products()
        forward = row_product() if step.batch_size == 1 and not step.is_training else product
        W, b = self.weights, self.bias
        z = step.matrix(f"{self.label}/z", self.n_out)
        step.call(forward, A=x, B=W.buffer, start=b.buffer, has_start=1, ending=PLAIN, mask=x, C=z)
        step.passes(x, z, W, b)

        def from_delta(delta: Buffer) -> Buffer | None:
            step.gradient(W, product_transposed, A=x, B=delta, C=W.gradient)
            step.gradient(b, column_sums, x=delta, out=b.gradient)
            if not step.wants(x):
                return None
            dx, W_transposed = step.matrix(f"{self.label}/dx", self.n_in), step.transposed(W)
            sources: dict[str, Any] = {"A": delta, "B": W_transposed, "start": W_transposed, "mask": delta}
            step.call(product, **sources, has_start=0, ending=PLAIN, C=dx)
            return dx

        return activate(step, self.label, z, self.activation, from_delta)
