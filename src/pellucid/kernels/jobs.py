"""Threads that take one job after the other inside compiled code, while Python still prepares the next."""

from __future__ import annotations

from enum import IntEnum

from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import kernel


class Board(IntEnum):
    """What threads and Python tell each other: indices into `board`, a cache line each."""

    NEXT = 0  # the job that the next free thread takes
    READY = 8  # jobs that can be taken
    CLOSED = 16  # whether there will be no more
    KERNEL = 24  # address of what a job runs,
    GIVE_WAY = 25  # and of the function that offers the core to other threads
    SIZE = 32


NEXT, READY, CLOSED, KERNEL, GIVE_WAY = map(int, list(Board)[:5])
SPINS = 2000  # looks for a job before a thread offers its core to others
call_kernel, call_system, atomic_add, atomic_load = (
    Instruction(name) for name in ("call_kernel", "call_system", "atomic_add", "atomic_load")
)


@kernel(board="update whole i8", jobs="read whole i8", done="update whole i8", overlaps=True)
def run_jobs(board, jobs, done, now, lo, hi):
    """Run jobs, each by the address of its argument row, until all are taken and there will be no more."""
    while True:
        job, looks = atomic_add(board, NEXT, 1), 0
        while atomic_load(board, READY) <= job:
            if atomic_load(board, CLOSED) != 0 and atomic_load(board, READY) <= job:
                return
            looks += 1
            if looks > SPINS:
                call_system(board[GIVE_WAY], 0, 0, 0, 0)
        call_kernel(board[KERNEL], jobs[job], now, 0, 1)
        atomic_add(done, job, 1)
