"""Runs a plan whose steps need nothing of each other: threads share them out and never wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pellucid import settings
from pellucid.engine.buffer import Arena, Array, Buffer
from pellucid.engine.plan import Plan
from pellucid.engine.run import Program
from pellucid.kernels.apart import run_apart
from pellucid.kernels.kernel import Control
from pellucid.kernels.team import Team

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
                for program in self._programs:
                    program.point(buffer, array)
                for place in self._bases.get(buffer, ()):
                    self._table[place] = array.ctypes.data
            self._control[:4] = 0, -(-n_rows // batch_size), batch_size, n_rows
            self._control[Control.TAKEN] = 0
            self._team.run_apart(run_apart, self._row)
        else:
            self._interpret(given, batch_size, n_rows)
        for buffer in given:
            for program in self._programs:
                program.point(buffer, NOTHING)

    def _lay_out(self) -> None:
        """One table for all members, see `kernels.apart`."""
        self._bases: dict[Buffer, list[int]] = {b: [] for b in self._moving}
        table = [0] * self.members
        for member, program in enumerate(self._programs):
            table[member] = len(table)
            slots = [(b, slot) for b in self._moving for slot in program.slots(b)]
            table.append(len(slots))
            for buffer, slot in slots:
                self._bases[buffer].append(len(table) + 1)
                table += [slot, 0, buffer.stride * int(buffer.dtype[1])]
            table += program.table.tolist()
        self._table = np.array(table, np.int64)
        self._row = np.array([self._table.ctypes.data, self._control.ctypes.data], np.int64)

    def _interpret(self, given: Mapping[Buffer, Array], batch_size: int, n_rows: int) -> None:
        program = self._programs[0]
        for first in range(0, n_rows, batch_size):
            for buffer, array in given.items():
                program.point(buffer, array[first:] if buffer in self._moving else array)
            program.run(None, first // batch_size, first // batch_size + 1, batch_size, n_rows)
