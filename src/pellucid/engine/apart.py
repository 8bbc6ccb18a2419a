"""Runs a plan whose steps need nothing of each other: threads share them out and never wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pellucid import settings
from pellucid.engine.buffer import Arena, Array, Buffer
from pellucid.engine.plan import Plan
from pellucid.engine.run import Program
from pellucid.kernels.apart import TOGETHER, run_apart
from pellucid.kernels.kernel import Control
from pellucid.kernels.team import Team

SHARES = 8  # at least so many times a member takes steps: one that is held up leaves the others enough to do
MOST_TOGETHER = 16  # steps that it takes at once
NOTHING: Array = np.empty(0, np.float32)


class Apart:
    """A plan bound once for each member of a team, with memory of its own to work in.

    Parameters
    ----------
    plan : Plan
        What to run. No step may need what another one writes.
    parameters : Arena
        What all steps read.
    work : callable
        Makes the memory that one member works in.
    members : int
        How many threads there are.
    moving : sequence of Buffer
        Given buffers of which a step sees the rows from its first on, rather than all.
    """

    def __init__(
        self,
        plan: Plan,
        parameters: Arena,
        work: Callable[[], Arena],
        members: int,
        moving: Sequence[Buffer] = (),
    ) -> None:
        self.members, self.arenas = members, [work() for _ in range(members)]
        self._programs = [Program(plan, parameters, arena) for arena in self.arenas]
        self._control, self._moving = self._programs[0].control, moving
        self._team = Team(members)
        self._compiled = settings.jit()
        if self._compiled:
            self._lay_out()

    def run(self, given: Mapping[Buffer, Array], batch_size: int, n_rows: int) -> None:
        """Run all steps on some arrays, of which none is kept.

        The batch of a step is the `batch_size` rows from `step * batch_size`, fewer at the end.
        """
        if self._compiled:
            for buffer, array in given.items():
                address = array.ctypes.data
                for numbers, place in self._slots[buffer]:
                    numbers[place] = address
            steps = -(-n_rows // batch_size)
            together = min(max(steps // (SHARES * self.members), 1), MOST_TOGETHER)
            self._control[: TOGETHER + 1] = 0, steps, batch_size, n_rows, together
            self._control[Control.TAKEN] = 0
            self._team.run_apart(run_apart, self._row)
        else:
            self._interpret(given, batch_size, n_rows)

    def _lay_out(self) -> None:
        """One table for all members, see `kernels.apart`."""
        bases: list[tuple[Buffer, int]] = []
        table = [0] * self.members
        for member, program in enumerate(self._programs):
            table[member] = len(table)
            slots = [(b, *slot) for b in self._moving for slot in program.slots(b)]
            table.append(len(slots))
            for buffer, numbers, place in slots:
                bases.append((buffer, len(table) + 1))
                table += [numbers.ctypes.data + 8 * place, 0, buffer.stride * int(buffer.dtype[1])]
            table += program.table.tolist()
        self._table = np.array(table, np.int64)
        given = [b for b in self._programs[0].plan.buffers() if b.given and b not in self._moving]
        self._slots = {b: [slot for p in self._programs for slot in p.slots(b)] for b in given}
        for buffer, place in bases:
            self._slots.setdefault(buffer, []).append((self._table, place))
        self._row = np.array([self._table.ctypes.data, self._control.ctypes.data], np.int64)

    def _interpret(self, given: Mapping[Buffer, Array], batch_size: int, n_rows: int) -> None:
        program = self._programs[0]
        for first in range(0, n_rows, batch_size):
            for buffer, array in given.items():
                program.point(buffer, array[first:] if buffer in self._moving else array)
            program.run(None, first // batch_size, first // batch_size + 1, batch_size, n_rows)
        for buffer in given:
            program.point(buffer, NOTHING)
