"""The step that an optimizer would make from a pass: made by the engine, on copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Arena, Array, Buffer
from pellucid.engine.run import Program
from pellucid.errors import ArgumentError
from pellucid.kernels.team import Team
from pellucid.lowering import Data, Lowered, lower_training, parameters_of
from pellucid.optimizers import OPTIMIZERS, Factors, Optimizer
from pellucid.regularizers import Gradients

if TYPE_CHECKING:
    from pellucid.glass.passage import Passage


@dataclass(frozen=True)
class Method:
    """How a step would be made.

    Parameters
    ----------
    optimizer : Optimizer
        With its settings.
    learning_rate : float
        Of the step.
    t : int
        Which update of the optimizer it is, from 1.
    states : mapping of str to array
        What the optimizer kept, by names such as `hidden_1/weights/m`; what is not there is 0.
    changes : Gradients
        What is done to gradients before the optimizer sees them.
    origin : str
        Where all this is from, in words.
    """

    optimizer: Optimizer
    learning_rate: float
    t: int = 1
    states: Mapping[str, Array] = field(default_factory=dict)
    changes: Gradients = Gradients()  # noqa: RUF009
    origin: str = ""

    @classmethod
    def named(cls, spec: Any, origin: str) -> Method:
        """The first step of an optimizer, at its own learning rate."""
        optimizer = OPTIMIZERS.find(spec)
        return cls(optimizer, float(optimizer.settings["learning_rate"]), origin=origin)

    @classmethod
    def of_last_fit(cls, note: Any, t: int, states: Mapping[str, Array], factor: float) -> Method:
        """The next step of the last fit, of which a network keeps a note, see `note_of`.

        Raises
        ------
        ArgumentError
            If the note is not right, as it may be in a file.
        """
        if not isinstance(note, Mapping):
            raise ArgumentError("the note of the optimizer is no dict.")
        optimizer = OPTIMIZERS.find(note["optimizer"])
        rate = checks.number("learning_rate", note["learning_rate"], 0)
        found: dict[str, Any] = {name: note.get(name) for name in CHANGES}
        changes = Gradients(**found)
        kept = "as that left it" if states or not optimizer.states else "beginning with nothing kept"
        return cls(optimizer, rate * factor, t, states, changes, f"of the last fit, {kept}")

    def __str__(self) -> str:
        return f"{self.optimizer}, learning rate {self.learning_rate:g}, update {self.t}"


CHANGES = ("clip_value", "clip_norm", "noise", "ridge")


def note_of(optimizer: Optimizer, learning_rate: float, changes: Gradients) -> dict[str, Any]:
    """What a network keeps of the way in which it was trained, as plain values."""
    note = {"optimizer": optimizer.spec, "learning_rate": float(learning_rate)}
    return note | {name: getattr(changes, name) for name in CHANGES}


@dataclass(frozen=True, eq=False)
class NextStep:
    """What one step made of the parameters.

    Parameters
    ----------
    lowered : Lowered
        Its plan.
    before, after : mapping of Buffer to array
        Parameters, their gradients and the optimizer's states; the gradients as the optimizer saw them.
    numbers : mapping of float to mapping of str to float
        The optimizer's numbers of the step, by the factor on the learning rate.
    """

    lowered: Lowered
    before: Mapping[Buffer, Array]
    after: Mapping[Buffer, Array]
    numbers: Mapping[Factors, Mapping[str, float]]


def make_step(passage: Passage) -> NextStep:
    """The step from a pass that went backward, by the kernels that train, on copies of everything."""
    lowered, values, method, n = passage.lowered, passage.values, passage.method, passage.n_rows
    X, y = values[lowered.x], values[passage.buffers["y"]]
    data = Data(X.shape[1], y.shape[1])
    step = lower_training(
        passage.layers,
        data,
        passage.loss,
        method.optimizer,
        n,
        passage.seed,
        gradients=method.changes,
        is_training=passage.is_training,
        keeps_statistics=False,
    )
    parameters = parameters_of(passage.layers)
    kept = Arena(p.buffer for p in parameters)
    gradients = Arena(p.gradient for p in parameters if p.trainable)
    states = [b for buffers in step.states.values() for b in buffers]
    work = Arena([*step.step.work, *states])
    step.fill(work)
    for p in parameters:
        kept.view(p.buffer)[:] = values[p.buffer]
    for buffer in states:
        known = method.states.get(buffer.name)
        if known is not None and known.shape == work.view(buffer).shape:
            work.view(buffer)[:] = known
    given: dict[Buffer, Array] = {
        data.X: np.ascontiguousarray(X),
        data.y: np.ascontiguousarray(y),
        data.order: np.arange(n),
    }
    numbers = {}
    for factors, table in step.tables.items():
        given[table] = method.optimizer.rows([method.t], method.learning_rate, factors)
        columns = method.optimizer.step_values
        numbers[factors] = dict(zip(columns, map(float, given[table][0]), strict=True))
    before = {b: work.view(b).copy() for b in states} | {p.buffer: values[p.buffer] for p in parameters}
    arenas = (kept, gradients, work)
    assert step.refresh is not None
    with Team(1) as team:
        Program(step.refresh, *arenas).run(team, 0, 1, 1, 1)
        Program(step.plan, *arenas, given=given).run(team, 0, 1, n, n)
    after = {b: arena.view(b) for arena in arenas for b in arena.buffers}
    return NextStep(step, before, after, numbers)
