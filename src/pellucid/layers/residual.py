"""Residual: what some layers make of x, added to x."""

from __future__ import annotations

from typing import Any

from pellucid.engine.buffer import Buffer
from pellucid.errors import ShapeError
from pellucid.kernels.columns import add
from pellucid.layers.base import Forward, Layer, Origins, Step, chain
from pellucid.layers.combinator import Combinator, build_chain, checked


class Residual(Combinator):
    """Adds its input to what the layers inside make of it.

    Formula:  a = x + f(x); backward  ∂loss/∂x = ∂loss/∂a + what flows back through f. Shapes: the last
    layer inside gives as many numbers as come in.

    Parameters
    ----------
    *layers : Layer
        f, one behind the other.
    name : str, optional
        Its name; the layers inside are called `NAME/dense_1` and so on.

    Raises
    ------
    ArgumentError
        If something inside is no layer.
    ShapeError
        When it is built, if f gives another number of outputs than it has inputs.

    References
    ----------
    He et al., Deep residual learning for image recognition, 2016, equation 1.

    Examples
    --------
    >>> from pellucid.layers.dropout import Dropout
    >>> Residual(Dropout(0.1))
    Residual(Dropout(rate=0.1))
    """

    kind = "residual"

    def __init__(self, *layers: Layer, name: str | None = None) -> None:
        self.name = name
        self._branches = [checked(self.who, layers)]

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        n_out = build_chain(self._branches[0], n_in)
        if n_out != n_in:
            raise ShapeError(
                f"{self.who} adds its {n_in} inputs to what the layers inside give, but they give {n_out} "
                f"numbers. Let the last of them give {n_in}."
            )
        return n_out

    @property
    def settings(self) -> dict[str, Any]:
        return {"layers": [layer.spec for layer in self._branches[0]], "name": self.name}

    def joined(self, x: list[Origins], branches: list[list[Origins]]) -> list[Origins]:
        return [tuple(dict.fromkeys(here + there)) for here, there in zip(x, branches[0], strict=True)]

    def forward(self, step: Step, x: Buffer) -> Forward:
        inside, a = chain(step, self._branches[0], x), step.matrix(f"{self.label}/a", x.columns)
        step.call(add, x=x, y=inside.a, out=a)
        step.passes(x, a)
        step.passes(inside.a, a)

        def backward(da: Buffer) -> Buffer | None:
            through = inside.backward(da)
            if not step.wants(x) or through is None:
                return None
            dx = step.matrix(f"{self.label}/dx", x.columns)
            step.call(add, x=da, y=through, out=dx)
            return dx

        return Forward(a, backward)
