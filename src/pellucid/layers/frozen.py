"""Frozen: layers that training leaves as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.engine.buffer import Buffer
from pellucid.layers.base import Forward, Layer, Origins, Step, chain
from pellucid.layers.combinator import Combinator, build_chain, checked


class Frozen(Combinator):
    """Layers whose parameters training does not change; what is before them still learns through them.

    Formula:  a = f(x), with f as it is in prediction: dropout and noise inside are off, and batch
    normalisation uses its running averages and leaves them, so that f is the same function in every
    update. Backward  ∂loss/∂x as it flows back through f; no gradients of its parameters.

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

    References
    ----------
    Yosinski et al., How transferable are features in deep neural networks?, 2014.

    Examples
    --------
    >>> from pellucid.layers.scale import Scale
    >>> Frozen(Scale())
    Frozen(Scale())
    """

    kind = "frozen"

    def __init__(self, *layers: Layer, name: str | None = None) -> None:
        self.name = name
        self._branches = [checked(self.who, layers)]

    def build(self, n_in: int) -> int:
        self.n_in = n_in
        self.n_out = build_chain(self._branches[0], n_in)
        for parameter in self.parameters:
            parameter.trainable = False
        return self.n_out

    def output_names(self, names: Sequence[str]) -> Sequence[str]:
        if any(p.synapses for p in self.parameters):
            return super().output_names(names)
        for layer in self._branches[0]:
            names = layer.output_names(names)
        return names

    @property
    def settings(self) -> dict[str, Any]:
        return {"layers": [layer.spec for layer in self._branches[0]], "name": self.name}

    def joined(self, x: list[Origins], branches: list[list[Origins]]) -> list[Origins]:
        return branches[0]

    def forward(self, step: Step, x: Buffer) -> Forward:
        with step.as_prediction():
            return chain(step, self._branches[0], x)
