"""Runs a plan: binds its buffers to memory and hands it to the team, or walks it on the twins."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import numpy as np

from pellucid import settings
from pellucid.engine.buffer import Arena, Array, Buffer, line
from pellucid.engine.plan import Call, Plan
from pellucid.kernels import compiler
from pellucid.kernels.kernel import Control, Kernel, Now
from pellucid.kernels.team import NOW_ROW, WITH_TEAMS, Team

CONTROL = line("control", int(Control.SIZE), "i8")


def compile_plans(*plans: Plan, also: Iterable[Kernel] = ()) -> None:
    """Have everything compiled at once that the plans and the team need, so that it is announced once."""
    if settings.jit():
        compiler.addresses(
            dict.fromkeys([*(k for plan in plans for k in plan.kernels()), *WITH_TEAMS, *also])
        )


class Program:
    """A plan bound to memory, ready to run.

    Parameters
    ----------
    plan : Plan
        What to run.
    arenas : sequence of Arena
        Where its buffers live.
    given : mapping of Buffer to array
        Memory that somebody else owns; more can be given later with `point`.
    """

    def __init__(self, plan: Plan, *arenas: Arena, given: Mapping[Buffer, Array] | None = None) -> None:
        self.plan = plan
        self.control = np.zeros(int(Control.SIZE), np.int64)
        self._arenas = arenas
        self._given: dict[Buffer, Array] = {CONTROL: self.control}
        self._compiled = settings.jit()
        if settings.debug():
            print(plan.table(), file=sys.stderr)
        if self._compiled:
            self._bind()
        for buffer, array in (given or {}).items():
            self.point(buffer, array)

    def point(self, buffer: Buffer, array: Array) -> None:
        """Let a given buffer mean this array: C-contiguous, of the buffer's dtype; it is kept alive."""
        self._given[buffer] = array
        if self._compiled:
            address = array.ctypes.data
            for place in self._places.get(buffer, ()):
                self._arguments[place] = address

    def run(
        self, team: Team | None, from_step: int, to_step: int, batch_size: int, n_rows: int, tick: int = 0
    ) -> int:
        """Run steps from `from_step` to before `to_step`; gives the step at which it stopped.

        The batch of a step is the `batch_size` rows from `step * batch_size`, fewer at the end.
        """
        c = self.control
        c[: Control.LAST_STEP + 1] = from_step, to_step, batch_size, n_rows, tick, 0, 0, from_step
        if not self._compiled:
            self._interpret()
        else:
            assert team is not None
            team.run(self.address_row(), c)
        return int(c[Control.LAST_STEP])

    def address_row(self) -> Array:
        """What the compiled `run` is called with: the addresses of the program and of its control."""
        return self._row

    @property
    def table(self) -> Array:
        """The program as `kernels.team.run` reads it."""
        return self._table

    def slots(self, buffer: Buffer) -> list[tuple[Array, int]]:
        """Where the address of a given buffer stands: in which array, and at which place."""
        return [(self._arguments, place) for place in self._places.get(buffer, ())]

    @property
    def stopped(self) -> bool:
        """Whether a kernel asked to stop in the last run."""
        return bool(self.control[Control.STOP])

    def view(self, buffer: Buffer) -> Array:
        """The numbers of a buffer, as `(rows, columns)` or, of a line, `(rows,)`."""
        if (given := self._given.get(buffer)) is not None:
            return given
        return next(arena for arena in self._arenas if buffer in arena).view(buffer)

    def _bind(self) -> None:
        """Write the plan as the numbers that `kernels.team.run` reads."""
        numbers = self.plan.numbers
        buffers = {CONTROL: self.control.ctypes.data}
        for arena in self._arenas:
            buffers |= arena.addresses
        self._places = numbers.given
        self._arguments = numbers.arguments(buffers)
        self._table = numbers.program(compiler.addresses(numbers.kernels), self._arguments)
        self._row = np.array([self._table.ctypes.data, self.control.ctypes.data], np.int64)

    def _interpret(self) -> None:
        """What `kernels.team.run` does, on the twins, by one thread."""
        c, now = self.control, np.zeros(NOW_ROW, np.int64)
        for step in range(c[Control.FROM_STEP], c[Control.TO_STEP]):
            first = step * c[Control.BATCH_SIZE]
            now[Now.STEP], now[Now.FIRST], now[Now.TICK] = step, first, c[Control.TICK] + step
            now[Now.ROWS] = min(c[Control.BATCH_SIZE], c[Control.N_ROWS] - first)
            now[Now.PLACE] = c[Control.PLACE] + step
            for stage in self.plan.stages:
                for group in stage.groups:
                    size = int(now[Now.ROWS] if group.axis.size is None else group.axis.size)
                    for lo in range(0, size, group.axis.block):
                        for call in group.calls:
                            self._call_twin(call, now, lo, min(lo + group.axis.block, size))
            if c[Control.STOP]:
                break
            c[Control.LAST_STEP] = step + 1

    def _call_twin(self, call: Call, now: Array, lo: int, hi: int) -> None:
        values = [
            now if p == "now" else self.view(a) if isinstance(a, Buffer) else a
            for p, a in zip(call.kernel.parameters, call.arguments, strict=True)
        ]
        assert call.kernel.reference is not None
        with np.errstate(all="ignore"):
            call.kernel.reference(*values, lo, hi)
