"""The derivative of an output by the inputs, from the kernels that train the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.engine.buffer import Arena, Array
from pellucid.engine.run import Program
from pellucid.kernels.team import Team
from pellucid.layers.base import Layer
from pellucid.lowering import lower_slopes, parameters_of

BATCH = 384  # rows in a step: what they make stays in the cache


class Slopes:
    """Runs layers forward for some rows and back to what came in.

    Formula:  ∂a_k/∂x = the ∂loss/∂x of a loss whose ∂loss/∂a is 1 at output k and 0 at the others.

    Parameters
    ----------
    layers : sequence of Layer
        One behind the other, as in a prediction; what comes into the first is x.
    parameters : Arena
        Holds their numbers.
    output : int
        k, which output is followed back.
    """

    def __init__(self, layers: Sequence[Layer], parameters: Arena, output: int) -> None:
        lowered = lower_slopes(layers, layers[0].n_in, layers[-1].n_out, BATCH)
        assert lowered.refresh
        assert lowered.shares
        assert lowered.slopes
        work = Arena(lowered.step.work)
        made = set(lowered.plan.buffers())
        gradients = Arena(p.gradient for p in parameters_of(layers) if p.gradient in made)
        self.team = Team(1)
        Program(lowered.refresh, parameters, work).run(self.team, 0, 1, 1, 1)
        self.program = Program(lowered.plan, parameters, gradients, work)
        work.view(lowered.shares)[:, output] = 1
        self.x, self.outputs, self.slopes = (
            work.view(b) for b in (lowered.x, lowered.outputs, lowered.slopes)
        )

    def at(self, X: Array) -> tuple[Array, Array]:
        """All outputs `(n, n_out)` and the slopes of the one `(n, n_in)` at rows X, float32."""
        outputs = np.empty((len(X), self.outputs.shape[1]), np.float32)
        slopes = np.empty(X.shape, np.float32)
        for start in range(0, len(X), BATCH):
            n = len(part := X[start : start + BATCH])
            self.x[:n] = part
            self.program.run(self.team, 0, 1, n, n)
            outputs[start : start + n], slopes[start : start + n] = self.outputs[:n], self.slopes[:n]
        return outputs, slopes
