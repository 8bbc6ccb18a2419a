"""Scale: a learnable factor for each feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.kernels.columns import column_products, scale_columns
from pellucid.layers.base import Forward, Layer, Parameter, Step


class Scale(Layer):
    """Multiplies each feature with a factor of its own, 1 at first, that training changes.

    Formula:  a_j = s_j x_j; backward  ∂loss/∂x_j = s_j ∂loss/∂a_j,  ∂loss/∂s_j = sum of ∂loss/∂a_j · x_j
    over the batch. With its input first in a network it learns which features matter.

    Parameters
    ----------
    learning_rate : float
        Factor on the learning rate of `factors`.
    name : str, optional
        Its name.

    Raises
    ------
    ArgumentError
        If the factor on the learning rate is below 0.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data, 2024, section 3 (there with learning_rate=6).

    Examples
    --------
    >>> Scale(learning_rate=6)
    Scale(learning_rate=6.0)
    """

    kind = "scale"

    def __init__(self, *, learning_rate: float = 1.0, name: str | None = None) -> None:
        self.name = name
        self.learning_rate = checks.number(f"{self.who}: learning_rate", learning_rate, 0)

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        self.factors = Parameter(
            f"{self.label}/factors",
            (n_in,),
            {"name": "constant", "value": 1.0},
            learning_rate=self.learning_rate,
        )
        return n_in

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.factors,)

    @property
    def settings(self) -> dict[str, Any]:
        return {"learning_rate": self.learning_rate, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        s, a = self.factors, step.matrix(f"{self.label}/a", x.columns)
        step.call(scale_columns, x=x, factors=s.buffer, out=a)
        step.passes(x, a, s)

        def backward(da: Buffer) -> Buffer | None:
            step.gradient(s, column_products, x=da, y=x, out=s.gradient)
            if not step.wants(x):
                return None
            dx = step.matrix(f"{self.label}/dx", x.columns)
            step.call(scale_columns, x=da, factors=s.buffer, out=dx)
            return dx

        return Forward(a, backward)
