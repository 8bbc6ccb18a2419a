"""Runs a network forward over any number of rows, from any number of threads at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid import settings
from pellucid.engine.buffer import Arena, Array
from pellucid.engine.run import Program
from pellucid.kernels.kernel import Control
from pellucid.kernels.team import NOW_ROW, Team, entry
from pellucid.layers.base import Layer
from pellucid.lowering import lower_prediction

BATCH = 384  # rows in a step: what they make stays in the cache
WORTH_A_TEAM = 2e7  # additions and multiplications
NOTHING: Array = np.empty(0, np.float32)


class Predictor:
    """The forward pass with a work arena of its own; one thread at a time uses it.

    Parameters
    ----------
    layers, parameters
        The network: its layers and the arena of their parameters.
    dtype : str
        `f4` or `f8`: what X holds.
    """

    def __init__(self, layers: Sequence[Layer], parameters: Arena, dtype: str) -> None:
        self.n_out = layers[-1].n_out
        self.lowered = lower_prediction(layers, layers[0].n_in, self.n_out, dtype, BATCH)
        self.work = Arena(self.lowered.step.work)
        self.program = Program(self.lowered.plan, parameters, self.work)
        self.team = Team(1)
        self.cost = 2.0 * sum(p.synapses for la in layers for p in la.parameters)

    def run(self, X: Array) -> Array:
        """The outputs for the rows of X, float32 `(n_samples, n_out)`."""
        assert self.lowered.data
        assert self.lowered.results
        outputs = np.empty((len(X), self.n_out), np.float32)
        members = settings.threads() if self.cost * len(X) > WORTH_A_TEAM else 1
        if members != self.team.members:
            self.team = Team(members)
        self.program.point(self.lowered.data.X, X)
        self.program.point(self.lowered.results, outputs)
        self.program.run(self.team, 0, -(-len(X) // BATCH), BATCH, len(X))
        self.program.point(self.lowered.data.X, NOTHING)  # the user's memory is not kept
        self.program.point(self.lowered.results, NOTHING)
        return outputs

    def numbers(self) -> dict[str, Array]:
        """All that the kernels wrote for the last rows, by name."""
        return {b.name: self.work.view(b) for b in self.lowered.step.work}


class Single:
    """The forward pass of one row with as little around it as Python allows."""

    def __init__(self, layers: Sequence[Layer], parameters: Arena) -> None:
        self.lowered = lower_prediction(layers, layers[0].n_in, layers[-1].n_out, "", 1)
        work = Arena(self.lowered.step.work)
        self.program = Program(self.lowered.plan, parameters, work)
        self.x = work.view(self.lowered.x)[0]
        self.output = work.view(self.lowered.outputs)[0]
        c = self.program.control
        c[Control.TO_STEP] = c[Control.BATCH_SIZE] = c[Control.N_ROWS] = 1
        if settings.jit():
            self._row = self.program.address_row()
            self._now = np.zeros(NOW_ROW, np.int64)
            self._arguments = (self._row.ctypes.data, self._now.ctypes.data, 0, 1)
            self._run = entry()
        else:
            self._run, self._arguments = self._interpret, ()  # type: ignore[assignment]

    def run(self, x: Array) -> Array:
        """The outputs for one row of inputs, float32 `(n_out,)`."""
        self.x[:] = x
        self._run(*self._arguments)
        output: Array = self.output.copy()
        return output

    def _interpret(self) -> None:
        self.program.run(None, 0, 1, 1, 1)
