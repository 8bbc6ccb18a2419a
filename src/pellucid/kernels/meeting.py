"""Where the members of a team meet: counters that they all see, and ways to wait for each other.

Who waits looks for a while, since another core answers within a tenth of a microsecond, and then sleeps
until it is woken. A member that only looked, or that offered its core again and again, would use up its time
on a busy machine while the member that it waits for has none.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import sys
from enum import IntEnum

import numpy as np

from pellucid.kernels.jit import Instruction

LOOKS_AT_ONCE = 100  # without a pause between them
LOOKS = 3000  # then about 60 us have passed: a thread that sleeps is awake again after 50
WAIT, WAKE = 128, 129  # of Linux' futex, among the threads of one process
FUTEX = {"x86_64": 202, "AMD64": 202, "aarch64": 98, "riscv64": 98}  # number of that system call
EVERYBODY = 2**31 - 1


class Meeting(IntEnum):
    """What the members of a team share: indices into `meeting`; what different threads write lies apart."""

    ARRIVED = 0  # members that have come to the barrier
    OPENED = 8  # how often it has opened
    ROUND = 16  # how much work the first member has announced, and what it is:
    KERNEL = 17
    ROW = 18
    COUNT = 19  # members that share it
    STAY = 20  # members from this one on go home
    PRESENT = 24  # number of the run, and how many have come for it
    LEFT = 32  # how many of them have gone home
    SLEEPERS = 40  # members that sleep or are about to
    SYSTEM = 41  # address of the function that puts a thread to sleep and wakes it
    FIRST_ARGUMENT = 42
    HERE = 43  # address of all this
    CALLED = 48  # members that may come, the first included
    FIXED = 49  # 1 where all of them shall work
    ALLOWED = 50  # members that other teams leave room for
    CLOCK = 51  # address of the function that reads it, and its arguments
    CLOCK_KIND = 52
    CLOCK_PLACE = 53
    SECONDS = 54  # what it has read
    PARTS = 55
    PARTS_IN_NS = 56
    NUMBER = 57  # of the last run
    GATHERED = 64  # as ARRIVED and OPENED, for all who have come, also those who had nothing to do
    RELEASED = 72
    SIZE = 80


GATHERED, RELEASED = int(Meeting.GATHERED), int(Meeting.RELEASED)
OPENED, ARRIVED, SLEEPERS = int(Meeting.OPENED), int(Meeting.ARRIVED), int(Meeting.SLEEPERS)
SYSTEM, FIRST_ARGUMENT, HERE = int(Meeting.SYSTEM), int(Meeting.FIRST_ARGUMENT), int(Meeting.HERE)
CLOCK, CLOCK_KIND, CLOCK_PLACE = int(Meeting.CLOCK), int(Meeting.CLOCK_KIND), int(Meeting.CLOCK_PLACE)
SECONDS, PARTS, PARTS_IN_NS = int(Meeting.SECONDS), int(Meeting.PARTS), int(Meeting.PARTS_IN_NS)

call_system, pause, atomic_add, atomic_load = (
    Instruction(name) for name in ("call_system", "pause", "atomic_add", "atomic_load")
)


def wait(meeting, place, value):
    """Until the counter at `place` has reached `value`."""
    for look in range(LOOKS):
        if atomic_load(meeting, place) >= value:
            return
        if look >= LOOKS_AT_ONCE:
            pause()
    atomic_add(meeting, SLEEPERS, 1)
    found = atomic_load(meeting, place)
    while found < value:
        call_system(meeting[SYSTEM], meeting[FIRST_ARGUMENT], meeting[HERE] + 8 * place, WAIT, found)
        found = atomic_load(meeting, place)
    atomic_add(meeting, SLEEPERS, -1)


def count(meeting, place):
    """Add 1 to a counter and wake those who wait for it."""
    atomic_add(meeting, place, 1)
    if atomic_load(meeting, SLEEPERS) > 0:
        call_system(meeting[SYSTEM], meeting[FIRST_ARGUMENT], meeting[HERE] + 8 * place, WAKE, EVERYBODY)


def barrier(meeting, members, arrived=ARRIVED, opened=OPENED):
    """Wait until so many members have come here."""
    turn = atomic_load(meeting, opened)  # it cannot open before this member has come
    if atomic_add(meeting, arrived, 1) == members - 1:
        meeting[arrived] = 0
        count(meeting, opened)
    else:
        wait(meeting, opened, turn + 1)


def gather(meeting, members):
    """The same at another place: some may be here already while others still meet at the barrier."""
    barrier(meeting, members, GATHERED, RELEASED)


def nanoseconds(meeting):
    """What the clock says; for the first member alone."""
    call_system(meeting[CLOCK], meeting[CLOCK_KIND], meeting[CLOCK_PLACE], 0, 0)
    return meeting[SECONDS] * 1_000_000_000 + meeting[PARTS] * meeting[PARTS_IN_NS]


def new_meeting() -> np.ndarray:
    """The counters of a team, at first of one member."""
    meeting = nobody().copy()
    meeting[HERE] = here = meeting.ctypes.data
    meeting[CLOCK_PLACE] = here + 8 * SECONDS
    if sys.platform == "win32":
        meeting[CLOCK_KIND] = here + 8 * PARTS  # its only argument
    return meeting


@functools.cache
def nobody() -> np.ndarray:
    """Counters at zero, and the functions of the system."""
    meeting = np.zeros(int(Meeting.SIZE), np.int64)
    meeting[SYSTEM], meeting[FIRST_ARGUMENT] = sleeping()
    meeting[CLOCK], meeting[CLOCK_KIND], meeting[PARTS_IN_NS] = clock()
    meeting[Meeting.CALLED] = 1
    return meeting


@functools.cache
def sleeping() -> tuple[int, int]:
    """Address of a function that puts threads to sleep and wakes them, and its first argument.

    Where none is known here, that of one that offers the core to other threads, which needs no arguments.
    """
    number = FUTEX.get(platform.machine(), 0)
    if sys.platform.startswith("linux") and number:
        return address(ctypes.CDLL(None).syscall), number
    return give_way(), 0


@functools.cache
def give_way() -> int:
    """Address of the system's function that offers the core to other threads."""
    if sys.platform == "win32":
        return address(ctypes.windll.kernel32.SwitchToThread)
    return address(ctypes.CDLL(None).sched_yield)


@functools.cache
def clock() -> tuple[int, int, int]:
    """Address of a clock that only goes forward, its first argument, and its smaller unit in nanoseconds."""
    if sys.platform == "win32":
        kernel32, frequency = ctypes.windll.kernel32, ctypes.c_int64()
        kernel32.QueryPerformanceFrequency(ctypes.byref(frequency))
        return address(kernel32.QueryPerformanceCounter), 0, max(1, 10**9 // frequency.value)
    import time

    return address(ctypes.CDLL(None).clock_gettime), int(time.CLOCK_MONOTONIC), 1


def address(function: object) -> int:
    """Where a function of the system's library stands."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
