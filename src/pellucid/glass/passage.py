"""One pass of rows through a network, kept so that each number can be followed to where it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.engine.buffer import Arena, Array, Buffer
from pellucid.engine.plan import Axis, Call, PlanBuilder
from pellucid.engine.run import Program
from pellucid.glass.step import Method, NextStep, make_step
from pellucid.glass.wiring import Wiring
from pellucid.kernels.team import Team
from pellucid.layers.base import Layer, Parameter
from pellucid.losses import Loss
from pellucid.lowering import Data, Lowered, lower_training, parameters_of

Numbers = Mapping[str, Array]
Answer = Callable[[Array], tuple[Array, Numbers, Numbers]]


@dataclass(frozen=True, eq=False)
class Passage:
    """The plan that ran and copies of all numbers that it read and wrote.

    Parameters
    ----------
    layers : sequence of Layer
        The network's layers, its `Input` first.
    lowered : Lowered
        The plan, for as many rows as were run.
    values : mapping of Buffer to array
        The numbers of each buffer of the plan after it ran; parameters as they were then.
    n_rows : int
        Rows that were run.
    loss : Loss
        What was minimised, where it went backward.
    is_training : bool
        Whether dropout dropped, and so on.
    seed : int
        Decided what was drawn at random.
    method : Method
        How a step from here would be made.
    wiring : Wiring
        Which synapse leads where.
    answer : callable
        Gives for rows `(n, n_in)` what the network answers now, all numbers of that prediction by name, and
        the parameters by name.
    made : NextStep, optional
        The step that was made from here, where it is known; else one is made when it is asked for.
    """

    layers: Sequence[Layer]
    lowered: Lowered
    values: Mapping[Buffer, Array]
    n_rows: int
    loss: Loss
    is_training: bool
    seed: int
    method: Method
    wiring: Wiring
    answer: Answer = field(repr=False)
    made: NextStep | None = field(default=None, repr=False)

    @property
    def goes_back(self) -> bool:
        """Whether there were targets."""
        return self.lowered.losses is not None

    @cached_property
    def next_step(self) -> NextStep:
        """What a step from here would make of the parameters; only where there were targets."""
        return self.made or make_step(self)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """All parameters by name."""
        return {p.name: p for p in parameters_of(self.layers)}

    @cached_property
    def makers(self) -> dict[Buffer, Call]:
        """The call that wrote each buffer last."""
        return {b: call for call in self.lowered.plan.calls() for b, access in call.uses if access.writes}

    def maker(self, buffer: Buffer, j: int) -> Call:
        """The call that wrote column j of a buffer last, of several that each write some columns."""
        for call in reversed(list(self.lowered.plan.calls())):
            place, width = call.operands.get("place", 0), call.operands.get("width", buffer.columns)
            writes = any(b is buffer and access.writes for b, access in call.uses)
            if writes and place <= j < place + width:  # type: ignore[operator]
                return call
        return self.makers[buffer]

    @cached_property
    def buffers(self) -> dict[str, Buffer]:
        """The buffers of the plan by name."""
        return {b.name: b for b in self.values}

    @cached_property
    def of_the_way_back(self) -> frozenset[Buffer]:
        """All that was made from the loss's derivative, itself included."""
        found: set[Buffer] = set()
        for call in self.lowered.plan.calls():
            uses = call.uses
            if "losses" in call.operands and "delta" in call.operands:
                found.add(call.operands["delta"])  # type: ignore[arg-type]
            elif any(a.reads and b in found for b, a in uses):
                found |= {b for b, a in uses if a.writes}
        return frozenset(found)

    def run_again(self, call: Call, row: int) -> dict[str, Array]:
        """What a call that works row by row makes of the numbers of one row alone, by operand."""
        own: dict[Buffer, Buffer] = {}
        for buffer, access in call.uses:
            rows = 1 if access.part and buffer.rows == self.n_rows else buffer.rows
            own[buffer] = Buffer(buffer.name, rows, buffer.columns, buffer.dtype, is_line=buffer.is_line)
        operands = {n: own[o] if isinstance(o, Buffer) else o for n, o in call.operands.items()}
        builder = PlanBuilder()
        builder.add(call.kernel, Axis("the row", 1), **operands)
        arena = Arena(own.values())
        for buffer, alone in own.items():
            numbers = self.values[buffer]
            arena.view(alone)[:] = numbers if len(numbers) == alone.rows else numbers[row]
        with Team(1) as team:
            Program(builder.plan(own.values()), arena).run(team, 0, 1, self.n_rows, self.n_rows)
        written = {n for n, access in call.kernel.operands.items() if access.writes}
        return {n: arena.view(operands[n])[0] for n in written}  # type: ignore[arg-type]


def run_passage(
    layers: Sequence[Layer],
    parameters: Arena,
    gradients: Arena,
    data: Data,
    given: Mapping[Buffer, Array],
    loss: Loss,
    seed: int,
    *,
    is_training: bool,
    goes_back: bool,
    method: Method,
    wiring: Wiring,
    answer: Answer,
) -> tuple[Passage, Arena]:
    """Run rows through layers as a training step does, forward and, if wanted, backward; update nothing."""
    n = len(given[data.X])
    lowered = lower_training(
        layers,
        data,
        loss,
        None,
        n,
        seed,
        is_training=is_training,
        goes_back=goes_back,
        keeps_statistics=False,
    )
    work = Arena(lowered.step.work)
    lowered.fill(work)
    arenas = (parameters, gradients, work)
    assert lowered.refresh is not None
    with Team(1) as team:
        Program(lowered.refresh, *arenas).run(team, 0, 1, 1, 1)
        Program(lowered.plan, *arenas, given={**given, data.order: np.arange(n)}).run(team, 0, 1, n, n)
    values = {b: work.view(b) for b in lowered.step.work}
    values |= {p.buffer: parameters.view(p.buffer).copy() for p in parameters_of(layers)}
    values |= {p.gradient: gradients.view(p.gradient).copy() for p, _, _ in lowered.step.gradients}
    return Passage(layers, lowered, values, n, loss, is_training, seed, method, wiring, answer), work


def plain(value: Any) -> float:
    """One number of an array as Python has it."""
    return float(np.asarray(value).reshape(-1)[0])
