"""Optimizers: how a gradient becomes a change of the weights.

Each entry is its settings, its states (zero at first) and one update of one weight. What changes only
from step to step, such as Adam's corrections for its first steps, is worked out once a step in float64
by `by_step`, from the number of the update `t` (from 1) and the learning rate.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.kernels.elementary import sqrt
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.loops import elementwise
from pellucid.registry import Formula, Registry, settings_of


@dataclass(frozen=True)
class Optimizer(Formula):
    """A registered optimizer.

    Parameters
    ----------
    function : callable
        (w, g, *states, *step_values, *settings used) -> (w, *states), of one weight and its gradient.
    states : tuple of str
        Names of the numbers it keeps for each weight, 0 at first.
    by_step : callable
        (t, learning_rate, **settings) -> dict of numbers of a step; t and learning_rate are float64
        arrays, one number for each step. By default the learning rate alone.
    """

    kind: ClassVar[str] = "optimizer"

    states: tuple[str, ...] = ()
    by_step: Callable[..., dict[str, Any]] | None = None

    @property
    def step_values(self) -> tuple[str, ...]:
        """Names of the numbers of a step."""
        return tuple(self.table(np.ones(1), np.ones(1)))

    def table(self, t: Any, learning_rate: Any) -> dict[str, Any]:
        """The numbers of each step, by name."""
        if self.by_step is None:
            return {"learning_rate": learning_rate}
        wanted = inspect.signature(self.by_step).parameters
        settings = {k: v for k, v in self.settings.items() if k in wanted and k != "learning_rate"}
        return self.by_step(t, learning_rate, **settings)

    @property
    def used(self) -> tuple[str, ...]:
        """The settings that one update reads."""
        return tuple(
            s
            for s in self.settings
            if s in inspect.signature(self.function).parameters and s != "learning_rate"
        )

    @property
    def kernel(self) -> Kernel:
        """Kernel: the update of some rows of weights and their states."""
        reads = ("w", "g", *self.states)
        arguments = ", ".join([*reads, *self.step_values, *self.used])
        return elementwise(
            self.name,
            f"update({arguments})",
            (("update", self.function),),
            reads,
            ("w", *self.states),
            self.used,
            self.step_values,
        )


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer")


def optimizer(
    *,
    states: tuple[str, ...] = (),
    by_step: Callable[..., dict[str, Any]] | None = None,
    source: str = "",
    **settings: float,
) -> Callable[[Callable[..., Any]], Optimizer]:
    """Decorator: register an update as an optimizer; `settings` are those with their defaults."""
    return lambda function: OPTIMIZERS.add(Optimizer(function, source, settings, states, by_step))


def _adam_step(t, learning_rate, beta_1, beta_2):  # type: ignore[no-untyped-def]
    rate, root = learning_rate / (1 - beta_1**t), 1 / np.sqrt(1 - beta_2**t)
    return {"rate": rate, "root": root, "rest_1": 1 - beta_1, "rest_2": 1 - beta_2}


@optimizer(
    states=("m", "v"),
    by_step=_adam_step,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    source="Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1",
)
def adam(w, g, m, v, rate, root, rest_1, rest_2, beta_1, beta_2, epsilon):  # type: ignore[no-untyped-def]
    """m = β₁m + (1-β₁)g; v = β₂v + (1-β₂)g²; w -= η/(1-β₁ᵗ) m / (√v/√(1-β₂ᵗ) + ε)."""
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    return w - rate * m / (sqrt(v) * root + epsilon), m, v
