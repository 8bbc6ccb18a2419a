"""ParametricActivation: an activation function that each neuron takes on to a share of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid import checks
from pellucid.activations import ACTIVATIONS, RowActivation
from pellucid.engine.buffer import Buffer
from pellucid.errors import ArgumentError
from pellucid.kernels.columns import blend_columns, difference_products
from pellucid.layers.base import Forward, Layer, Parameter, Step


class ParametricActivation(Layer):
    """An activation function that each neuron takes on to a share that it learns, all of it at first.

    Formula:  a_j = (1 - α_j) z_j + α_j g(z_j); backward with d = ∂loss/∂a:
    ∂loss/∂z_j = (1 - α_j) d_j + α_j d_j g'(z_j),  ∂loss/∂α_j = sum of d_j (g(z_j) - z_j) over the batch.
    It stands behind a Dense layer without an activation of its own. g(z) is kept as `NAME/g`, g'(z) d as
    `NAME/slope`.

    Parameters
    ----------
    activation : str or Activation
        g, one of `ACTIVATIONS` that look at each neuron alone.
    learning_rate : float
        Factor on the learning rate of `alpha`.
    name : str, optional
        Its name.

    Attributes
    ----------
    alpha : Parameter (n_in,)
        α, 1 at first; 0 is no activation at all.

    Raises
    ------
    UnknownNameError
        If there is no such activation.
    ArgumentError
        If the activation looks at all neurons of a row, or the factor on the learning rate is below 0.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data, 2024, section 3 (there with learning_rate=0.1).

    Examples
    --------
    >>> ParametricActivation("selu", learning_rate=0.1)
    ParametricActivation(activation=selu, learning_rate=0.1)
    """

    kind = "parametric_activation"

    def __init__(self, activation: Any, *, learning_rate: float = 1.0, name: str | None = None) -> None:
        self.name = name
        self.g = ACTIVATIONS.find(activation)  # not `activation`: that would be what its a is alone
        if isinstance(self.g, RowActivation):
            raise ArgumentError(
                f"{self.who}: activation must be one that looks at each neuron alone, but {self.g.name!r} "
                "looks at all neurons of a row."
            )
        self.learning_rate = checks.number(f"{self.who}: learning_rate", learning_rate, 0)

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        one = {"name": "constant", "value": 1.0}
        self.alpha = Parameter(f"{self.label}/alpha", (n_in,), one, learning_rate=self.learning_rate)
        return n_in

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.alpha,)

    @property
    def settings(self) -> dict[str, Any]:
        return {"activation": self.g.spec, "learning_rate": self.learning_rate, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        name, alpha = self.label, self.alpha
        numbers: dict[str, Any] = {k: float(v) for k, v in self.g.settings.items()}
        g, a = step.matrix(f"{name}/g", x.columns), step.matrix(f"{name}/a", x.columns)
        step.call(self.g.forward_of(x.columns), z=x, a=g, **numbers)
        step.call(blend_columns, x=x, y=g, factors=alpha.buffer, out=a)
        step.passes(x, a, alpha)

        def backward(da: Buffer) -> Buffer | None:
            step.gradient(alpha, difference_products, x=da, y=g, z=x, out=alpha.gradient)
            if not step.wants(x):
                return None
            slope, dx = step.matrix(f"{name}/slope", x.columns), step.matrix(f"{name}/dx", x.columns)
            kernel = self.g.backward
            known: dict[str, Any] = {n: b for n, b in (("z", x), ("a", g)) if n in kernel.operands}
            step.call(kernel, da=da, delta=slope, **known, **numbers)
            step.call(blend_columns, x=da, y=slope, factors=alpha.buffer, out=dx)
            return dx

        return Forward(a, backward)
