"""Runs a network forward over any number of rows, from any number of threads at once."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from pellucid import settings
from pellucid.engine.apart import Apart
from pellucid.engine.buffer import Arena, Array
from pellucid.engine.run import Program
from pellucid.kernels import rows
from pellucid.kernels.apart import row_entry, run_apart, run_row
from pellucid.kernels.kernel import Kernel, Now
from pellucid.kernels.products import row_product
from pellucid.kernels.team import NOW_ROW, Team
from pellucid.layers.base import Layer
from pellucid.lowering import lower_prediction

BATCH = 96  # rows in a step: what they make stays in the cache
WORTH_A_TEAM = 2e7  # additions and multiplications
WORTH_LETTING_GO = 2e6  # additions and multiplications of a row, from which other Python threads may go on


class Predictor:
    """The forward pass with work arenas of its own; one thread at a time uses it.

    Parameters
    ----------
    layers, parameters
        The network: its layers and the arena of their parameters.
    dtype : str
        `f4` or `f8`: what X holds.
    weighted : bool
        Whether the weighted inputs of the last layer are wanted, rather than its outputs.
    """

    def __init__(
        self, layers: Sequence[Layer], parameters: Arena, dtype: str, *, weighted: bool = False
    ) -> None:
        self.n_out = layers[-1].n_out
        n_in, n_out = layers[0].n_in, self.n_out
        self.lowered = lower_prediction(
            layers, n_in, n_out, dtype, BATCH, outputs_only=True, weighted=weighted
        )
        self.parameters = parameters
        self.cost = cost_of(layers)
        self._use(1)

    def run(self, X: Array) -> Array:
        """The outputs for the rows of X, float32 `(n_samples, n_out)`."""
        assert self.lowered.data
        assert self.lowered.results
        assert self.lowered.seen
        outputs = np.empty((len(X), self.n_out), np.float32)
        members = settings.threads() if self.cost * len(X) > WORTH_A_TEAM else 1
        if members != self.engine.members:
            self._use(members)
        self.engine.run({self.lowered.data.X: X, self.lowered.results: outputs}, BATCH, len(X))
        return outputs

    def is_sound(self) -> bool:
        """Whether all inputs and outputs of the last run were finite."""
        if not any(seen.any() for seen in self._seen):
            return True
        for seen in self._seen:
            seen[:] = 0
        return False

    def _use(self, members: int) -> None:
        plan, data, seen = self.lowered.plan, self.lowered.data, self.lowered.seen
        assert data
        assert seen
        moving = [data.X] if self.lowered.x is data.X else []
        self.engine = Apart(plan, self.parameters, lambda: Arena(self.lowered.step.work), members, moving)
        self._seen = [work.view(seen) for work in self.engine.arenas]


class Single:
    """The forward pass of one row with as little around it as Python allows; one thread at a time uses it.

    Parameters
    ----------
    layers, parameters
        The network: its layers and the arena of their parameters.
    dtype : str
        `f4` or `f8`: what the row holds.
    """

    def __init__(self, layers: Sequence[Layer], parameters: Arena, dtype: str) -> None:
        n_in, n_out = layers[0].n_in, layers[-1].n_out
        lowered = lower_prediction(layers, n_in, n_out, "" if dtype == "f4" else dtype, 1, outputs_only=True)
        assert lowered.seen
        work = Arena(lowered.step.work)
        self.program = Program(lowered.plan, parameters, work)
        x, seen = work.view(lowered.x), work.view(lowered.seen)
        if lowered.data and lowered.results:
            x = np.zeros((1, n_in), dtype)
            self.program.point(lowered.data.X, x)
            self.program.point(lowered.results, np.zeros((1, n_out), np.float32))
        self._x, self._seen = x[0].data, seen
        self._is_unsound = seen.data  # quicker to look into
        self._copy = work.view(lowered.outputs)[0].copy
        if settings.jit():
            self._now = np.zeros(NOW_ROW, np.int64)
            self._now[Now.ROWS] = 1
            self._row = np.array([self.program.table.ctypes.data, self._now.ctypes.data], np.int64)
            self._address = ctypes.c_void_p(self._row.ctypes.data)
            self._go = row_entry(cost_of(layers) > WORTH_LETTING_GO)
        else:
            self._address, self._go = ctypes.c_void_p(), self._interpret

    def run(self, x: Array) -> Array | None:
        """The outputs for one row of inputs, float32 `(n_out,)`.

        None if x has another shape or type than it should, or if inputs or outputs are not finite.
        """
        try:
            self._x[:] = x  # looks at shape and type, and takes half the time of `array[:] = x`
        except ValueError:
            return None
        self._go(self._address)
        if self._is_unsound[0]:
            self._seen[:] = 0
            return None
        output: Array = self._copy()
        return output

    def _interpret(self, _: ctypes.c_void_p) -> None:
        self.program.run(None, 0, 1, 1, 1)


def kernels_of_answers(dtype: str) -> list[Kernel]:
    """What predictions run beside the kernels of a training, so that all is compiled at once."""
    moved = rows.take if dtype == "f4" else rows.take_double
    return [run_apart, run_row, row_product(), moved, rows.put, rows.look_for_nonfinite]


def cost_of(layers: Sequence[Layer]) -> float:
    """Additions and multiplications for a row."""
    return 2.0 * sum(p.synapses for la in layers for p in la.parameters)


def numbers_of(layers: Sequence[Layer], parameters: Arena, X: Array) -> dict[str, Array]:
    """All that the kernels write on their way from X to the outputs, by name."""
    n_in, n_out = layers[0].n_in, layers[-1].n_out
    lowered = lower_prediction(layers, n_in, n_out, f"f{X.dtype.itemsize}", len(X))
    assert lowered.data
    assert lowered.results
    work = Arena(lowered.step.work)
    given = {lowered.data.X: X, lowered.results: np.empty((len(X), n_out), np.float32)}
    program = Program(lowered.plan, parameters, work, given=given)
    with Team(1) as team:
        program.run(team, 0, 1, len(X), len(X))
    return {b.name: work.view(b)[: len(X)] for b in lowered.step.work if b is not lowered.seen}
