"""A team of threads that runs a whole program of kernels inside compiled code.

The program is a table of numbers, so a new network costs no compilation:

    n_stages, then for each stage
        n_groups, then for each group
            size (or the rows of the batch), grain, block, n_calls, then for each call
                address of the kernel, address of its argument row

Within a group each member takes its share of `size` in whole grains and runs all calls of the group on
one block of it after the other. Between stages stands a barrier.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import operator
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pellucid.kernels import compiler
from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Control, Kernel, Now, kernel

ROWS_OF_BATCH = -1  # stands for a group's size where that is the number of rows in the batch
NOW_ROW = 16  # numbers a member has for its `now`: two cache lines
SPINS = 2000  # looks at a closed barrier before a member offers its core to others


FROM_STEP, TO_STEP, BATCH_SIZE, N_ROWS, TICK_0, GIVE_WAY, STOP, LAST_STEP, ARRIVED, OPENED, PLACE_0 = map(
    int, list(Control)[:11]
)
STEP, FIRST, ROWS, TICK, PLACE = map(int, Now)

call_kernel, call_nothing, atomic_add, atomic_load = (
    Instruction(name) for name in ("call_kernel", "call_nothing", "atomic_add", "atomic_load")
)


def barrier(control, members, turn):
    """Wait until every member has come here for the `turn`-th time."""
    if atomic_add(control, ARRIVED, 1) == members * (turn + 1) - 1:
        atomic_add(control, OPENED, 1)
        return
    looks = 0
    while atomic_load(control, OPENED) <= turn:
        looks += 1
        if looks > SPINS:
            call_nothing(control[GIVE_WAY])


def run_group(program, at, now, member, members):
    """Run one group's share of this member; gives where the next group begins."""
    size, grain, block, n_calls = program[at], program[at + 1], program[at + 2], program[at + 3]
    at += 4
    if size == ROWS_OF_BATCH:
        size = now[ROWS]
    grains = (size + grain - 1) // grain
    lo = grains * member // members * grain
    end = min(grains * (member + 1) // members * grain, size)
    while lo < end:
        hi = min(lo + block, end)
        for call in range(n_calls):
            call_kernel(program[at + 2 * call], program[at + 2 * call + 1], now, lo, hi)
        lo = hi
    return at + 2 * n_calls


def run_steps(program, control, meeting, now, member, members, turn):
    """All steps that `control` names, by one member; gives the turn of the next barrier of `meeting`."""
    for step in range(control[FROM_STEP], control[TO_STEP]):
        first = step * control[BATCH_SIZE]
        now[STEP], now[FIRST], now[TICK] = step, first, control[TICK_0] + step
        now[ROWS], now[PLACE] = min(control[BATCH_SIZE], control[N_ROWS] - first), control[PLACE_0] + step
        at = 1
        for _ in range(program[0]):
            n_groups = program[at]
            at += 1
            for _ in range(n_groups):
                at = run_group(program, at, now, member, members)
            if members > 1:
                barrier(meeting, members, turn)
                turn += 1
        if atomic_load(control, STOP) != 0:
            break
        if member == 0:
            control[LAST_STEP] = step + 1
    return turn


@kernel(program="read whole i8", control="update whole i8", overlaps=True)
def run(program, control, now, lo, hi):
    """All steps of a program by member `lo` of a team of `hi`."""
    run_steps(program, control, control, now, lo, hi, 0)


@functools.cache
def entry(kernel: Kernel = run) -> Callable[[int, int, int, int], None]:
    """The compiled `run`, or another that is shared by a team; callable from Python, without its lock."""
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return signature(address_of(kernel))


@functools.cache
def address_of(kernel: Kernel) -> int:
    """Where the kernel's machine code stands."""
    return compiler.addresses([kernel])[kernel]


@functools.cache
def give_way() -> int:
    """Address of the system's function that offers the core to other threads."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


# What to run, the address of its argument row, how many take part, who has finished, what to ring then.
Job: TypeAlias = "tuple[Kernel, int, int, list[int], queue.SimpleQueue[None]]"
Jobs: TypeAlias = "queue.SimpleQueue[Job | None]"


class Team:
    """Threads that run programs together; the caller's own thread is the first member.

    Parameters
    ----------
    members : int
        How many threads work, the caller's included; fewer where the system gives no more.
    """

    def __init__(self, members: int) -> None:
        self.members = members
        self._now = np.zeros((members, NOW_ROW), np.int64)
        self._process = 0
        self._jobs: list[Jobs] = []

    def run(self, row: np.ndarray, control: np.ndarray, kernel: Kernel = run) -> None:
        """Run the steps that `control` names; `row` holds the addresses of the program and of `control`.

        Another kernel than `run` has its own arguments in `row`, and its barrier in `control`.
        A Ctrl-C is raised when all members have come to the end.
        """
        if self._process != os.getpid():  # threads do not survive a fork
            self._gather()
        control[GIVE_WAY] = give_way()
        control[STOP] = control[ARRIVED] = control[OPENED] = 0
        address, members = row.ctypes.data, len(self._jobs) + 1
        own_share = functools.partial(entry(kernel), address, self._now.ctypes.data, 0, members)
        if members == 1:
            own_share()
            return
        finished: list[int] = []
        bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        starts = [
            functools.partial(jobs.put, (kernel, address, members, finished, bell)) for jobs in self._jobs
        ]
        at_once = map(operator.call, [*starts, own_share])
        interrupt = None
        try:
            # One call, in which no Ctrl-C is seen: between two starts it would leave a member at the barrier.
            collections.deque(at_once, maxlen=0)
        except BaseException as raised:
            interrupt = raised
        while len(finished) < members - 1:  # no member may go on alone with memory that is given back
            try:
                bell.get()
            except BaseException as raised:
                interrupt = raised
        if interrupt:
            raise interrupt

    def close(self) -> None:
        """Send the threads home."""
        for jobs in self._jobs:
            jobs.put(None)
        self._jobs, self._process = [], 0

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _gather(self) -> None:
        self._jobs = []
        entry()
        for member in range(1, self.members):
            jobs: Jobs = queue.SimpleQueue()
            arguments = (self._now[member].ctypes.data, member, jobs)
            thread = threading.Thread(target=_work, args=arguments, name=f"pellucid-{member}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads; results do not depend on how many work
                break
            self._jobs.append(jobs)
        self._process = os.getpid()


def _work(now: int, member: int, jobs: Jobs) -> None:
    """What a member does: it holds no reference to its team, so that a forgotten team goes home."""
    while (job := jobs.get()) is not None:
        kernel, address, members, finished, bell = job
        entry(kernel)(address, now, member, members)
        finished.append(member)
        bell.put(None)
