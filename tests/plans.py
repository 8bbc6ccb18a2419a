"""A linear network of two layers in the engine, and the same in float64 with any update rule.

Both see the same batches; the float64 one is NumPy written down from the formulas, so it is what the
tests of optimizers and regularizers compare the engine's weights with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.buffer import Arena
from pellucid.engine.run import Program
from pellucid.kernels.team import Team
from pellucid.layers.base import Layer, Parameter
from pellucid.losses import LOSSES
from pellucid.lowering import Data, lower_training, parameters_of
from pellucid.optimizers import Optimizer
from pellucid.regularizers import Gradients

Doubles = NDArray[np.float64]
Update = Callable[[int, dict[str, Doubles], dict[str, Doubles]], dict[str, Doubles]]


class Run:
    """Layers on data, first weights and batches that a seed decides; `steps` runs them in the engine."""

    def __init__(
        self,
        layers: Sequence[Layer],
        optimizer: Optimizer,
        *,
        loss: str = "mse",
        gradients: Gradients | None = None,
        n_in: int = 5,
        n_rows: int = 24,
        batch_size: int = 24,
        scale: float = 0.5,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(7)
        self.layers, self.optimizer, self.batch_size = layers, optimizer, batch_size
        width = n_in
        for i, layer in enumerate(layers):
            layer.name = layer.name or f"layer_{i}"
            width = layer.build(width)
        self.parameters: list[Parameter] = parameters_of(layers)
        self.X = rng.standard_normal((n_rows, n_in)).astype(np.float32)
        truth = self.X @ rng.standard_normal((n_in, width)).astype(np.float32)
        indexed = loss == "categorical_crossentropy"
        self.y = truth.argmax(axis=1) if indexed else truth + np.float32(0.3)
        data = Data(n_in, width, is_indexed=indexed)
        self.lowered = lower_training(
            layers, data, LOSSES.find(loss), optimizer, batch_size, seed, gradients=gradients
        )
        self.weights = Arena(p.buffer for p in self.parameters)
        for p in self.parameters:
            self.weights.view(p.buffer)[:] = scale * rng.standard_normal(p.shape)
        self.first = self.values()
        states = [s for kept in self.lowered.states.values() for s in kept]
        self.work = Arena([*self.lowered.step.work, *(p.gradient for p in self.parameters), *states])
        self.lowered.fill(self.work)
        self.program = Program(self.lowered.plan, self.weights, self.work)
        assert self.lowered.refresh
        self.refresh = Program(self.lowered.refresh, self.weights, self.work)
        for buffer, array in {data.X: self.X, data.y: self.y}.items():
            self.program.point(buffer, np.ascontiguousarray(array))
        self.order, self.data, self.done = np.zeros(0, np.int64), data, 0

    def steps(self, many: int, learning_rate: float | None = None, members: int = 1) -> dict[str, Doubles]:
        """Run so many more steps; gives the weights after them."""
        rate = self.optimizer.settings["learning_rate"] if learning_rate is None else learning_rate
        self.order = np.concatenate([batch_of(self, self.done + i) for i in range(many)])
        self.program.point(self.data.order, self.order)
        for factor, buffer in self.lowered.tables.items():
            t = np.arange(self.done + 1, self.done + many + 1)
            self.program.point(buffer, self.optimizer.rows(t, rate, factor))
        with Team(members) as team:
            self.refresh.run(team, 0, 1, 1, 1)
            self.program.run(team, 0, many, self.batch_size, len(self.order), self.done)
        self.done += many
        return self.values()

    def values(self) -> dict[str, Doubles]:
        """All weights and biases by name."""
        return {p.name: self.weights.view(p.buffer).astype(np.float64) for p in self.parameters}

    def gradients(self) -> dict[str, Doubles]:
        """The gradients as the last step left them."""
        return {p.name: self.work.view(p.gradient).astype(np.float64) for p in self.parameters}

    def loss(self) -> float:
        """Mean loss of the steps since it was last asked for."""
        assert self.lowered.total is not None
        total = self.work.view(self.lowered.total)
        loss = float(total[0]) / max(1, len(self.order))
        total[:] = 0
        return loss

    def bits(self) -> bytes:
        """Everything that training leaves behind, padding included."""
        kept = [self.weights.padded(p.buffer) for p in self.parameters]
        kept += [self.work.padded(s) for states in self.lowered.states.values() for s in states]
        kept += [self.work.view(s) for s in self.lowered.squares.values()]
        return b"".join(k.tobytes() for k in kept)


def batch_of(run: Run, step: int) -> NDArray[np.int64]:
    """The rows of a step's batch."""
    return np.random.default_rng(step).permutation(len(run.X))[: run.batch_size]


def reference(run: Run, many: int, update: Update) -> dict[str, Doubles]:
    """The weights after so many steps from the first weights, in float64, for linear layers and mse."""
    values = dict(run.first)
    names = [str(layer.name) for layer in run.layers]
    for step in range(many):
        batch = batch_of(run, step)
        a = [run.X[batch].astype(np.float64)]
        for name in names:
            a.append(a[-1] @ values[f"{name}/weights"] + values[f"{name}/bias"])
        delta = 2 * (a[-1] - run.y[batch]) / a[-1].size
        gradients: dict[str, Any] = {}
        for i in range(len(names) - 1, -1, -1):
            gradients[f"{names[i]}/weights"] = a[i].T @ delta
            gradients[f"{names[i]}/bias"] = delta.sum(axis=0)
            delta = delta @ values[f"{names[i]}/weights"].T
        values = update(step + 1, values, gradients)
    return values


def assert_close(found: dict[str, Doubles], wanted: dict[str, Doubles], first: dict[str, Doubles]) -> None:
    """Weights equal to 1e-5 of the largest; their change since the first to 1e-4 and ten roundings."""
    for name in wanted:
        error, size = np.abs(found[name] - wanted[name]).max(), np.abs(wanted[name]).max()
        assert error <= 1e-5 * size, (name, error)
        assert error <= 1e-4 * np.abs(wanted[name] - first[name]).max() + 10 * 2**-24 * size, (name, error)
