"""Loss and outputs of a network over many rows, without learning from them."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from pellucid.built import Built
from pellucid.engine.buffer import Arena, Array, Buffer
from pellucid.engine.run import Program
from pellucid.kernels.team import Team
from pellucid.losses import Loss
from pellucid.lowering import Data, Lowered

BATCH = 384  # rows in a step of an evaluation: small enough to stay in the cache


class Evaluator:
    """Runs the forward pass and the loss over chosen rows of the data.

    Parameters
    ----------
    layers, parameters
        The network: its layers and the arena of their parameters.
    data : Data
        The form of the user's arrays.
    loss : Loss
        What is evaluated.
    """

    def __init__(self, layers: Built, parameters: Arena, data: Data, loss: Loss) -> None:
        self.lowered: Lowered = layers.evaluation(data, loss, BATCH)
        self.work = Arena(self.lowered.step.work)
        self.lowered.fill(self.work)
        self.parameters = parameters
        self.n_out = data.n_out

    @functools.cached_property
    def program(self) -> Program:
        """The plan, bound to memory when it is first needed."""
        return Program(self.lowered.plan, self.parameters, self.work)

    def run(
        self, team: Team | None, given: Mapping[Buffer, Array], rows: Array, total_weight: float
    ) -> tuple[float, Array]:
        """Mean loss over `rows` of the `given` arrays, float64; outputs, float32 `(len(rows), n_out)`."""
        lowered = self.lowered
        assert lowered.data
        assert lowered.results
        assert lowered.total
        outputs = np.empty((len(rows), self.n_out), np.float32)
        for buffer, array in {**given, lowered.data.order: rows, lowered.results: outputs}.items():
            self.program.point(buffer, array)
        total = self.work.view(lowered.total)
        total[:] = 0
        self.program.run(team, 0, -(-len(rows) // BATCH), BATCH, len(rows))
        if self.program.stopped:
            return float("nan"), outputs
        return float(total[0] / total_weight), outputs
