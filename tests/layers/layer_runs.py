"""Layers in the engine, for tests: a network of them on some data, and everything it computes by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.buffer import Arena
from pellucid.engine.run import Program
from pellucid.kernels.team import Team
from pellucid.layers.base import Layer, name_layers
from pellucid.losses import LOSSES
from pellucid.lowering import Data, lower_prediction, lower_training, parameters_of
from pellucid.optimizers import OPTIMIZERS

Numbers = dict[str, NDArray[Any]]


def coded(layers: Sequence[Layer]) -> Iterator[Any]:
    """The columns of an Embedding that comes first: they hold codes, some of them beyond its table."""
    for layer in layers[:1]:
        yield from getattr(layer, "columns", ()) if layer.kind == "embedding" else ()
        for branch in layer.branches:
            yield from coded(branch)


class LayerRun:
    """Layers with random parameters on random data; with softmax at the end the targets are classes."""

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        n_in: int = 5,
        n_rows: int = 13,
        seed: int = 1,
        optimizer: str | None = None,
        is_training: bool = True,
    ) -> None:
        rng = np.random.default_rng(3)
        self.layers, self.n_rows = list(layers), n_rows
        name_layers(self.layers)
        width = n_in
        for layer in self.layers:
            width = layer.build(width)
        last = getattr(self.layers[-1], "activation", None)
        indexed = last is not None and last.name == "softmax"
        self.X = rng.standard_normal((n_rows, n_in)).astype(np.float32)
        for column in coded(self.layers):
            self.X[:, column.index] = rng.integers(-1, column.codes + 1, n_rows)
        self.y: NDArray[Any] = rng.standard_normal((n_rows, width)).astype(np.float32)
        if indexed:
            self.y = rng.integers(0, width, n_rows)
        self.optimizer = OPTIMIZERS.find(optimizer) if optimizer else None
        loss = LOSSES.find("categorical_crossentropy" if indexed else "mse")
        self.data = Data(n_in, width, is_indexed=indexed)
        self.lowered = lower_training(
            self.layers, self.data, loss, self.optimizer, n_rows, seed, is_training=is_training
        )
        self.parameters = parameters_of(self.layers)
        self.weights = Arena(p.buffer for p in self.parameters)
        for p in self.parameters:
            numbers = rng.standard_normal(p.shape)
            self.weights.view(p.buffer)[:] = 0.5 + numbers**2 if p.name.endswith("variance") else numbers
        states = [s for kept in self.lowered.states.values() for s in kept]
        trainable = [p.gradient for p in self.parameters if p.trainable]
        self.work = Arena([*self.lowered.step.work, *trainable, *states])
        self.lowered.fill(self.work)

    def run(self, members: int = 1, *, steps: int = 1, tick: int = 0, rows: int | None = None) -> None:
        """Run so many updates on all rows, or on some of them from the first."""
        n, order = rows or self.n_rows, np.tile(np.arange(rows or self.n_rows), steps)
        given = {self.data.X: self.X, self.data.y: self.y, self.data.order: order}
        for factor, table in self.lowered.tables.items():
            assert self.optimizer
            given[table] = self.optimizer.rows(np.arange(1, steps + 1), 0.01, factor)
        assert self.lowered.refresh
        with Team(members) as team:
            Program(self.lowered.refresh, self.weights, self.work).run(team, 0, 1, 1, 1)
            Program(self.lowered.plan, self.weights, self.work, given=given).run(
                team, 0, steps, n, n * steps, tick
            )

    def values(self) -> Numbers:
        """Copies of the parameters by name."""
        return {p.name: self.weights.view(p.buffer).copy() for p in self.parameters}

    def numbers(self) -> Numbers:
        """Copies of what the last step left in the work buffers, by name."""
        return {b.name: self.work.view(b).copy() for b in self.lowered.step.work}

    def gradients(self) -> Numbers:
        """Copies of the gradients by the name of their parameter."""
        return {p.name: self.work.view(p.gradient).copy() for p in self.parameters if p.trainable}

    def outputs(self) -> NDArray[np.float32]:
        """The outputs of the last step."""
        return self.work.view(self.lowered.outputs).copy()

    def predict(self, members: int = 1) -> NDArray[np.float32]:
        """The outputs for all rows, by a plan for prediction."""
        lowered = lower_prediction(self.layers, self.data.n_in, self.data.n_out, "f4", self.n_rows)
        assert lowered.data
        assert lowered.results
        results = np.full((self.n_rows, self.data.n_out), np.nan, np.float32)
        given = {lowered.data.X: self.X, lowered.results: results}
        with Team(members) as team:
            Program(lowered.plan, self.weights, Arena(lowered.step.work), given=given).run(
                team, 0, 1, self.n_rows, self.n_rows
            )
        return results

    def bits(self) -> bytes:
        """Everything that steps leave behind, padding included."""
        arenas = (self.weights, self.work)
        return b"".join(arena.padded(b).tobytes() for arena in arenas for b in arena.buffers)
