"""A step of a recorded fit, run again, with all its numbers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.glass.trace import Trace
from pellucid.training.state import State, Tensors

if TYPE_CHECKING:
    from pellucid.network import Network
    from pellucid.optimizers import Factors
    from pellucid.training.recording import Recording
    from pellucid.training.why import Why


@dataclass(frozen=True, eq=False)
class Replay:
    """One step of a fit with all its numbers, those of the training itself.

    Parameters
    ----------
    recording : Recording
        What it was run from.
    step : int
        Its number, from 1 over all epochs.
    epoch, step_in_epoch : int
        The epoch, from 1, and the number of the step in it, from 1.
    rows : int64 array (n,)
        The rows of X that made up the batch, in their order.
    X : array (n, n_in)
        The rows themselves.
    y : float32 array (n, n_out)
        Their targets as the network saw them.
    weights : float32 array (n,) or None
        Their weights.
    learning_rate : float
        The learning rate of the step, before a layer's own factor.
    trace : Trace
        The way of the batch through the network, forward and backward, with dropout and noise as they
        were drawn in that step. Its gradients are those of the loss alone.
    gradients : dict of str to dict of str to array
        What became of the gradients: under `loss` as they came, then after each of `regularizer`,
        `clip_norm`, `clip_value` and `noise` that the fit had. The optimizer got the last.
    numbers : dict of Factors to dict of str to float
        What the optimizer was told of the step, such as its `learning_rate`, by the factors that a
        parameter has on the learning rate and the weight decay.
    column_factors : dict of str to float64 array
        By what the columns of a parameter with a `max_norm` were multiplied after the update.
    state_before, state_after : State
        Weights (`last`) and states of the optimizer (`optimizer`) by name, before and after the step.
    operands : dict of str to sequence of str
        The names in `trace.numbers` of what a parameter's gradient is the sum of products of.
    """

    recording: Recording
    step: int
    epoch: int
    step_in_epoch: int
    rows: Array
    X: Array
    y: Array
    weights: Array | None
    learning_rate: float
    trace: Trace
    gradients: Mapping[str, Tensors]
    numbers: Mapping[Factors, Mapping[str, float]]
    column_factors: Tensors
    state_before: State
    state_after: State
    operands: Mapping[str, Sequence[str]]

    @functools.cached_property
    def before(self) -> Network:
        """The network as it was before the step, without a past."""
        net: Network = self.recording.network_of(self.state_before.last)
        return net

    @functools.cached_property
    def after(self) -> Network:
        """The network as the step left it, without a past."""
        net: Network = self.recording.network_of(self.state_after.last)
        return net

    @property
    def loss(self) -> float:
        """The loss of the batch, each row times its weight; what the gradients are derivatives of."""
        assert self.trace.loss is not None
        losses = self.trace.loss.astype(np.float64)
        return float(losses.mean() if self.weights is None else losses @ self.weights / len(losses))

    def why(self, name: str) -> Why:
        """Why a weight moved in this step; see `History.why`."""
        from pellucid.training.why import explain

        return explain(self, name)

    def __repr__(self) -> str:
        where = f"step {self.step_in_epoch} of epoch {self.epoch}"
        return f"<replay of step {self.step}, {where}: {len(self.rows)} rows, loss {self.loss:.4g}>"
