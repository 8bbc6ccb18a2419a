"""Concat: what several branches make of one input, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.engine.buffer import Buffer
from pellucid.errors import ArgumentError
from pellucid.kernels.columns import add, copy_columns
from pellucid.layers.base import Forward, Layer, Origins, Step, chain
from pellucid.layers.combinator import Combinator, build_chain, checked


class Concat(Combinator):
    """Puts the outputs of its branches, which all have its input, side by side.

    Formula:  a = [f₁(x), f₂(x), ...]; backward  each branch gets its columns of ∂loss/∂a, and ∂loss/∂x is
    the sum of what flows back through them. Shapes: as many outputs as all branches have together. An
    empty branch passes x on: `Concat([], [Dense(8)])`.

    Parameters
    ----------
    *layers : list of Layer
        The branches, two or more.
    name : str, optional
        Its name; the layers inside are called `NAME/dense_1` and so on, counted through all branches.

    Raises
    ------
    ArgumentError
        If there are less than two branches, or something in them is no layer.

    References
    ----------
    Szegedy et al., Going deeper with convolutions, 2015; with an empty branch Huang et al., Densely
    connected convolutional networks, 2017, equation 2.

    Examples
    --------
    >>> from pellucid.layers.scale import Scale
    >>> Concat([], [Scale()])
    Concat([], [Scale()])
    """

    kind = "concat"

    def __init__(self, *layers: Sequence[Layer], name: str | None = None) -> None:
        self.name = name
        if len(layers) < 2 or not all(isinstance(branch, (list, tuple)) for branch in layers):
            raise ArgumentError(
                f"{self.who} needs two or more lists of layers: Concat([Dense(8)], [Scale()])."
            )
        self._branches = [checked(self.who, branch) for branch in layers]

    def build(self, n_in: int) -> int:
        self.n_in = n_in
        self.n_out = sum(build_chain(branch, n_in) for branch in self._branches)
        return self.n_out

    @property
    def settings(self) -> dict[str, Any]:
        return {"layers": [[la.spec for la in branch] for branch in self._branches], "name": self.name}

    def joined(self, x: list[Origins], branches: list[list[Origins]]) -> list[Origins]:
        return [origin for branch in branches for origin in branch]

    def forward(self, step: Step, x: Buffer) -> Forward:
        inside = [chain(step, branch, x) for branch in self._branches]
        a, places, at = step.matrix(f"{self.label}/a", self.n_out), [], 0
        for branch in inside:
            step.call(copy_columns, x=branch.a, out=a, source=0, place=at, width=branch.a.columns)
            step.passes(branch.a, a)
            places.append(at)
            at += branch.a.columns

        def backward(da: Buffer) -> Buffer | None:
            dx: Buffer | None = None
            for i, (branch, at) in enumerate(zip(inside, places, strict=True), 1):
                if not step.wants(branch.a):
                    continue
                d = step.matrix(f"{self.label}/branch_{i}/da", branch.a.columns)
                step.call(copy_columns, x=da, out=d, source=at, place=0, width=d.columns)
                d_x = branch.backward(d)
                if d_x is None or not step.wants(x):
                    continue
                if dx is None:
                    dx = d_x
                    continue
                both = step.matrix(f"{self.label}/dx_{i}", x.columns)
                step.call(add, x=dx, y=d_x, out=both)
                dx = both
            return dx

        return Forward(a, backward)
