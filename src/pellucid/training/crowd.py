"""Short trainings, each run from beginning to end inside compiled code while Python prepares others."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from pellucid.kernels.epochs import Words, run_epochs
from pellucid.kernels.jobs import Board, run_jobs
from pellucid.kernels.meeting import give_way
from pellucid.kernels.team import NOW_ROW, Team, address_of, entry
from pellucid.training.fit import Fit

LARGEST = 1 << 28  # bytes of the trainings that are ready or under way
OFTEN = 16  # trainings that are added between two looks at what is over
LOOK = 0.002  # seconds between two looks at what is over
NOBODY = 1 << 40  # no job has this number


class Crowd:
    """Threads that run whole trainings, one each; they take the next by themselves.

    Parameters
    ----------
    threads : int
        How many at most.
    most : int
        How many trainings will be added at most.
    """

    def __init__(self, threads: int, most: int) -> None:
        self.threads = threads
        self.board = np.zeros(Board.SIZE, np.int64)
        self.jobs, self.done = np.zeros(most, np.int64), np.zeros(most, np.int64)
        self._row = np.array([a.ctypes.data for a in (self.board, self.jobs, self.done)], np.int64)
        self._now = np.zeros((threads, NOW_ROW), np.int64)
        self._workers: list[threading.Thread] = []
        self._under_way: dict[int, tuple[Fit, Any]] = {}
        self._bytes = 0
        self._looked = 0.0
        self.is_interrupted = False

    def add(self, fit: Fit, lock: Any) -> bool:
        """Have a training run and hold its lock until it is over; False where it cannot be run so."""
        if fit.needs_python() or fit.settings.epochs > fit.together.most:
            return False
        while self._bytes > LARGEST:
            time.sleep(LOOK)
            self._collect()
        lock.acquire()
        fit.team = Team(1)
        stop = fit.load()
        fit.begin()
        if stop:
            fit.finish(stop)
            lock.release()
            return True
        job = int(self.board[Board.READY])
        self._under_way[job] = fit, lock
        self._bytes += fit.work.nbytes
        self.jobs[job] = fit.together.begin(fit.settings.epochs).ctypes.data
        self.board[Board.READY] = job + 1
        if len(self._workers) < self.threads:
            self._start_one()
        if job % OFTEN == OFTEN - 1:
            self._collect()
        return True

    def wait(self) -> None:
        """Wait until all are over."""
        self.board[Board.CLOSED] = 1
        while any(w.is_alive() for w in self._workers):
            self._collect()
            time.sleep(LOOK)
        self._end()

    def interrupt(self) -> None:
        """Let no further one be taken."""
        self.is_interrupted = True
        self.board[Board.NEXT] = NOBODY

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.interrupt()
        self._end("" if kind is None else kind.__name__)

    def _end(self, error: str = "") -> None:
        """Send the threads home; what they have not taken was stopped before its first step."""
        self.board[Board.CLOSED] = 1
        for worker in self._workers:
            worker.join()
        self._collect()
        for fit, lock in self._under_way.values():
            fit.finish(
                ("error", f"{error} after epoch {fit.state.epoch}") if error else fit.stopped_by_hand()
            )
            lock.release()
        self._under_way.clear()

    def _start_one(self) -> None:
        """One thread more."""
        now = self._now[len(self._workers)].ctypes.data
        self.board[Board.KERNEL], self.board[Board.GIVE_WAY] = address_of(run_epochs), give_way()
        arguments = self._row.ctypes.data, now, 0, 1
        worker = threading.Thread(target=entry(run_jobs), args=arguments, name="pellucid-many", daemon=True)
        self._workers.append(worker)
        self._looked = self._looked or time.perf_counter()
        worker.start()

    def _collect(self) -> None:
        """Finish the trainings that are over, and share the time since the last look among their epochs."""
        over = [self._under_way.pop(job) for job in list(self._under_way) if self.done[job]]
        if not over:
            return
        last, self._looked = self._looked, time.perf_counter()
        busy = (self._looked - last) * len(self._workers)
        epochs = [int(fit.together.words[Words.DONE]) for fit, _ in over]
        for (fit, lock), done in zip(over, epochs, strict=True):
            fit.finish(fit.after_several(busy * done / max(1, sum(epochs))))
            self._bytes -= fit.work.nbytes
            lock.release()
