"""Input: what a network is fed with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.errors import ArgumentError, ShapeError
from pellucid.layers.base import Forward, Layer, Step


class Input(Layer):
    """The features of a network, by number or by name; the first of its layers.

    Formula:  a = x; backward  ∂loss/∂x = ∂loss/∂a. Nothing is computed: x itself is passed on.

    Parameters
    ----------
    n_features : int or sequence of str
        How many features there are, or their names; without names they are `x1`, `x2`, ...
    name : str, optional
        Its name.

    Attributes
    ----------
    features : list of str
        The names of the features.

    Raises
    ------
    ArgumentError
        If it is neither a whole number from 1 nor a sequence of different names.

    Examples
    --------
    >>> Input(2).features, Input(["age", "income"]).n_out
    (['x1', 'x2'], 2)
    """

    kind = "input"

    def __init__(self, n_features: int | Sequence[str], *, name: str | None = None) -> None:
        self.name = name
        if isinstance(n_features, str):
            raise ArgumentError(
                f"{self.who}: n_features must be a number or a list of names, not {n_features!r}."
            )
        self.is_named = isinstance(n_features, Sequence)
        if isinstance(n_features, Sequence):
            self.features = _checked(self.who, n_features)
        else:
            n = checks.whole(f"{self.who}: n_features", n_features, most=MOST)
            self.features = [f"x{i}" for i in range(1, n + 1)]
        self.n_in = self.n_out = len(self.features)

    def build(self, n_in: int) -> int:
        if n_in != self.n_out:
            raise ShapeError(
                f"{self.who} stands for {self.n_out} features, but what comes in has {n_in}. "
                "Put it first, and once."
            )
        return self.n_out

    @property
    def settings(self) -> dict[str, Any]:
        return {"n_features": list(self.features) if self.is_named else self.n_out, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        return Forward(x, lambda da: da)


MOST = 1 << 20  # features: a model file may not make us name billions


def _checked(who: str, names: Sequence[Any]) -> list[str]:
    for name in names:
        if not isinstance(name, str) or not name:
            raise ArgumentError(f"{who}: the name of a feature must be text, but got {name!r}.")
    if not names:
        raise ArgumentError(f"{who}: there must be at least one feature.")
    if len(set(names)) < len(names):
        twice = next(n for n, times in Counter(names).items() if times > 1)
        raise ArgumentError(f"{who}: two features are called {twice!r}. Give each a name of its own.")
    return list(names)
