"""A team of threads that runs a whole program of kernels inside compiled code.

The program is a table of numbers, so a new network costs no compilation:

    n_stages, then for each stage
        n_groups, then for each group
            size (or the rows of the batch), grain, block, n_calls, then for each call
                address of the kernel, address of its argument row

Within a group each member takes its share of `size` in whole grains and runs all calls of the group on
one block of it after the other. Between stages stands a barrier.

The first member, the caller's own thread, decides who works; see `kernels.pace`. The others follow.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import operator
import os
import queue
import threading
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pellucid import settings
from pellucid.kernels import compiler, sharing
from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Control, Kernel, Now, kernel
from pellucid.kernels.meeting import Meeting, barrier, new_meeting
from pellucid.kernels.pace import begin, dismiss, follow, invite, lead, members_for, told

ROWS_OF_BATCH = -1  # stands for a group's size where that is the number of rows in the batch
NOW_ROW = 16  # numbers a member has for its `now`: two cache lines

FROM_STEP, TO_STEP, BATCH_SIZE, N_ROWS, TICK_0, PLACE_0, STOP, LAST_STEP = map(int, list(Control)[:8])
STEP, FIRST, ROWS, TICK, PLACE = map(int, Now)

call_kernel, atomic_add, atomic_load = (
    Instruction(name) for name in ("call_kernel", "atomic_add", "atomic_load")
)


def run_group(program, at, now, member, members):
    """Run one group's share of this member; gives where the next group begins."""
    size, grain, block, n_calls = program[at], program[at + 1], program[at + 2], program[at + 3]
    at += 4
    if size == ROWS_OF_BATCH:
        size = now[ROWS]
    lo, end = 0, size
    if members > 1:
        grains = (size + grain - 1) // grain
        lo = grains * member // members * grain
        end = min(grains * (member + 1) // members * grain, size)
    while lo < end:
        hi = min(lo + block, end)
        for call in range(n_calls):
            call_kernel(program[at + 2 * call], program[at + 2 * call + 1], now, lo, hi)
        lo = hi
    return at + 2 * n_calls


@kernel(program="read whole i8", control="update whole i8", meeting="update whole i8", overlaps=True)
def run(program, control, meeting, now, lo, hi):
    """The steps of a program that `control` names, by member `lo` of `hi`."""
    for step in range(control[FROM_STEP], control[TO_STEP]):
        first = step * control[BATCH_SIZE]
        now[STEP], now[FIRST], now[TICK] = step, first, control[TICK_0] + step
        now[ROWS], now[PLACE] = min(control[BATCH_SIZE], control[N_ROWS] - first), control[PLACE_0] + step
        at = 1
        for _ in range(program[0]):
            n_groups = program[at]
            at += 1
            for _ in range(n_groups):
                at = run_group(program, at, now, lo, hi)
            if hi > 1:
                barrier(meeting, hi)
        if atomic_load(control, STOP) != 0:
            break
        if lo == 0:
            control[LAST_STEP] = step + 1


@kernel(control="update whole i8", meeting="update whole i8", overlaps=True)
def lead_steps(steps, row, control, meeting, now, lo, hi):
    """Have the steps that `control` names run by the kernel at the address `steps`, each by all who work."""
    lead(steps, row, control, meeting, now)
    dismiss(meeting)


@kernel(meeting="update whole i8", overlaps=True)
def lead_apart(steps, row, meeting, now, lo, hi):
    """Have the kernel at the address `steps` run by the first member, and by the others if they come."""
    invite(steps, row, meeting)
    call_kernel(steps, row, now, 0, 1)
    dismiss(meeting)


@kernel(meeting="update whole i8", overlaps=True)
def help_out(meeting, now, lo, hi):
    """Member `lo` works in the run of the number `hi`, until it is over."""
    follow(meeting, now, lo, hi)


@functools.cache
def entry(kernel: Kernel = run) -> Callable[[int, int, int, int], None]:
    """The compiled `run`, or another kernel, callable from Python; it lets go of the interpreter lock."""
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return signature(address_of(kernel))


@functools.cache
def address_of(kernel: Kernel) -> int:
    """Where a kernel's machine code stands."""
    return compiler.addresses([kernel])[kernel]


# The argument row of `help_out`, the meeting that it points to, and the number of the run.
Job: TypeAlias = "tuple[np.ndarray, np.ndarray, int]"
Jobs: TypeAlias = "queue.SimpleQueue[Job | None]"
WITH_TEAMS = (run, lead_steps, lead_apart, help_out)


class Team:
    """Threads that run programs together; the caller's own thread is the first member.

    Parameters
    ----------
    members : int, optional
        How many threads work, the caller's included; fewer where the system gives no more. Unless given,
        as many as take the least time, which is measured, and fewer beside other teams.
    """

    def __init__(self, members: int | None = None) -> None:
        self.is_measured = members is None
        self.members = settings.threads() if members is None else members
        self.meeting = new_meeting()
        self.meeting[Meeting.ALLOWED] = self.members
        self._now = np.zeros((self.members, NOW_ROW), np.int64)
        self._process = 0
        self._jobs: list[Jobs] = []

    def run(self, row: np.ndarray, control: np.ndarray) -> None:
        """Run the steps that `control` names; `row` holds the addresses of the program and of `control`.

        A Ctrl-C is raised when all members have come to the end.
        """
        control[STOP] = 0
        row = np.array([*row[:2], self.meeting.ctypes.data], np.int64)
        if self.members == 1:
            entry()(row.ctypes.data, self._now.ctypes.data, 0, 1)
            return
        first, to = int(control[FROM_STEP]), int(control[TO_STEP])
        if self.is_measured and not control[Control.ALONE] and to - first > 1:
            control[TO_STEP] = first + 1  # what a step takes says whether the others are worth a call
            self._run(row, control)
            if control[STOP]:
                return
            control[FROM_STEP], control[TO_STEP] = first + 1, to
        self._run(row, control)

    def _run(self, row: np.ndarray, control: np.ndarray) -> None:
        steps = int(control[TO_STEP] - control[FROM_STEP])
        given = [address_of(run), row.ctypes.data, control.ctypes.data, self.meeting.ctypes.data]
        self.run_led(lead_steps, np.array(given, np.int64), control, steps)

    def run_apart(self, kernel: Kernel, row: np.ndarray) -> None:
        """Run a kernel that takes steps until there are none, once for each member that comes in time."""
        members = min(self.members, int(self.meeting[Meeting.ALLOWED]))
        if members == 1:
            entry(kernel)(row.ctypes.data, self._now.ctypes.data, 0, 1)
            return
        given = np.array([address_of(kernel), row.ctypes.data, self.meeting.ctypes.data], np.int64)
        self._run_with(lead_apart, given, members)

    def run_led(
        self, kernel: Kernel, row: np.ndarray, control: np.ndarray, steps: int, guess: float = 0.0
    ) -> None:
        """Run a kernel that leads the team at `meeting` through so many steps, and dismisses it in the end.

        Parameters
        ----------
        kernel, row
            What the first member runs, and its arguments.
        control : int64 array
            Of the program whose steps these are; knows what a step took before.
        steps : int
            How many there are.
        guess : float
            Nanoseconds of a step if that is not known.
        """
        members = members_for(control, self.meeting, self.members, steps, guess, self.is_measured)
        self._run_with(kernel, row, members)

    def _run_with(self, kernel: Kernel, row: np.ndarray, members: int) -> None:
        if members > 1 and self._process != os.getpid():  # threads do not survive a fork
            self._gather()
        members = min(members, len(self._jobs) + 1)
        number = begin(self.meeting, members, is_fixed=not self.is_measured)
        job = np.array([self.meeting.ctypes.data], np.int64), self.meeting, number
        calls = [functools.partial(jobs.put, job) for jobs in self._jobs[: members - 1]]
        own_share = functools.partial(entry(kernel), row.ctypes.data, self._now.ctypes.data, 0, members)
        # One call, in which no Ctrl-C is seen: between two others it would leave a member without a leader.
        collections.deque(map(operator.call, [*calls, own_share]), maxlen=0)

    def told(self, control: np.ndarray) -> str:
        """How many threads ran the program of `control`, and why."""
        return told(control, self.members, self.is_measured)

    def close(self) -> None:
        """Send the threads home."""
        for jobs in self._jobs:
            jobs.put(None)
        self._jobs, self._process = [], 0

    def __enter__(self) -> Team:
        sharing.enter(self.meeting)
        return self

    def __exit__(self, *_: object) -> None:
        sharing.leave(self.meeting)
        self.close()

    def __del__(self) -> None:
        self.close()

    def _gather(self) -> None:
        self._jobs = []
        entry(help_out)
        for member in range(1, self.members):
            jobs: Jobs = queue.SimpleQueue()
            arguments = (self._now[member], member, jobs)
            thread = threading.Thread(target=_work, args=arguments, name=f"pellucid-{member}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads; results do not depend on how many work
                break
            self._jobs.append(jobs)
        self._process = os.getpid()


def _work(now: np.ndarray, member: int, jobs: Jobs) -> None:
    """What a member does: it holds no reference to its team, so that a forgotten team goes home."""
    while (job := jobs.get()) is not None:
        row, _, number = job
        entry(help_out)(row.ctypes.data, now.ctypes.data, member, number)
        del job, row, _
