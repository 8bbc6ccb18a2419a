"""What layers made of other layers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.errors import ArgumentError
from pellucid.layers.base import Layer, Parameter


class Combinator(Layer):
    """A layer with others inside it, in branches that all begin with its input."""

    _branches: list[list[Layer]]

    @property
    def branches(self) -> Sequence[Sequence[Layer]]:
        return self._branches

    @property
    def parameters(self) -> Sequence[Parameter]:
        return [p for branch in self._branches for layer in branch for p in layer.parameters]

    def __repr__(self) -> str:
        branches = [", ".join(map(repr, branch)) for branch in self._branches]
        shown = [f"[{b}]" for b in branches] if len(branches) > 1 else [b for b in branches if b]
        return f"{type(self).__name__}({', '.join(shown + ([f'name={self.name!r}'] if self.name else []))})"


def checked(who: str, layers: Sequence[Any]) -> list[Layer]:
    """The same as a list, if all of them are layers."""
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ArgumentError(f"{who} is made of layers, but got {layer!r}.")
    return list(layers)


def build_chain(layers: Sequence[Layer], n_in: int) -> int:
    """Build layers one behind the other; gives the number of outputs."""
    for layer in layers:
        n_in = layer.build(n_in)
    return n_in
