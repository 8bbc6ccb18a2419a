"""Ways through a program without a meeting of threads: steps that need nothing of each other, and one row.

A member of `run_apart` has a table of its own in `programs`, since it has memory of its own to work in; where
each begins stand first. A table is that of `kernels.team` behind

    n_moving, then for each operand that is the rows of the step in a larger array
        address of its place in the argument row, address of the array, bytes of a row
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

from pellucid.kernels import compiler
from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Control, Now, kernel
from pellucid.kernels.team import atomic_add, run_group

FROM_STEP, TO_STEP, BATCH_SIZE, N_ROWS = map(int, list(Control)[:4])
TOGETHER = int(Control.TICK)  # how many neighbours a member takes at once; nothing is updated here
TAKEN = int(Control.TAKEN)
STEP, FIRST, ROWS, TICK = map(int, list(Now)[:4])

store = Instruction("store")


@kernel(programs="read whole i8", control="update whole i8", overlaps=True)
def run_apart(programs, control, now, lo, hi):
    """Steps by member `lo`: always the next ones that no member has taken, some at once.

    Neighbours are read from memory more quickly than every other step.
    """
    start = programs[lo]
    n_moving = programs[start]
    program = programs[start + 1 + 3 * n_moving :]
    while True:
        at = control[FROM_STEP] + atomic_add(control, TAKEN, control[TOGETHER])
        if at >= control[TO_STEP]:
            return
        for step in range(at, min(at + control[TOGETHER], control[TO_STEP])):
            first = step * control[BATCH_SIZE]
            now[STEP], now[FIRST], now[TICK] = step, first, 0
            now[ROWS] = min(control[BATCH_SIZE], control[N_ROWS] - first)
            for i in range(start + 1, start + 1 + 3 * n_moving, 3):
                store(programs[i], programs[i + 1] + first * programs[i + 2])
            walk(program, now)


@kernel(program="read whole i8", place="read whole i8", overlaps=True)
def run_row(program, place, lo, hi):
    """A program of one step; `place` is what the kernels get as `now`, so that no argument is left."""
    walk(program, place)


def walk(program, now):
    """All groups of a program, by one member."""
    at = 1
    for _ in range(program[0]):
        n_groups = program[at]
        at += 1
        for _ in range(n_groups):
            at = run_group(program, at, now, 0, 1)


@functools.cache
def row_entry(lets_go: bool) -> Callable[[ctypes.c_void_p], None]:
    """The compiled `run_row`, callable from Python with the address of its argument row.

    Without declared arguments, and none but that one, a call costs a third of one with four. To let go of the
    interpreter lock costs as much again, so `lets_go` is for what takes long enough.
    """
    prototype = ctypes.CFUNCTYPE if lets_go else ctypes.PYFUNCTYPE
    return prototype(None)(compiler.addresses([run_row])[run_row])
