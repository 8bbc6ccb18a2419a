"""Compiles kernels in several processes at once: this one, and helpers that it starts.

Numba compiles one function at a time in a process. A helper is a fresh interpreter, whatever this process
is: a notebook, a `python -c`, a worker of somebody's pool. It is sent kernels by value and imports nothing
but this package and what that stands on. What a helper cannot compile or does not deliver is compiled here.
"""

from __future__ import annotations

import copy
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from pellucid import settings
from pellucid.kernels import cache, jit
from pellucid.kernels.kernel import Kernel, Wide

HELPERS = 7  # at most: each takes some 150 MB
STARTING = 0.8  # seconds until a helper can compile
PATIENCE = 3.0  # how many times as long as all the rest took the last kernel of a helper may take
LENGTH = 8  # bytes that say how many follow

# -P: nothing is imported from the current folder before the path of this process is known.
MEMBER = (
    "-P",
    "-c",
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from pellucid.kernels import crew_member; crew_member.serve()",
)
READY = b"ready"

Made = tuple[Kernel, bytes]


def machine_codes(kernels: Sequence[Kernel], make: Callable[[Kernel], bytes]) -> Iterator[Made]:
    """Each kernel with its machine code, in the order in which they are made.

    Parameters
    ----------
    kernels : sequence of Kernel
        What to compile.
    make : callable
        Compiles one in this process; what it raises ends everything.
    """
    costs = {kernel: seconds(kernel) for kernel in kernels}
    waiting = deque(sorted(kernels, key=costs.__getitem__, reverse=True))  # the longest first
    here: deque[Kernel] = deque()  # what is left to this process
    made: queue.SimpleQueue[Made] = queue.SimpleQueue()
    missing = set(kernels)
    start = time.perf_counter()
    helpers = [Helper(waiting, made) for _ in range(how_many(sum(costs.values())))]
    try:
        while missing:
            if made.empty() and (waiting or here):
                try:
                    kernel = (waiting or here).popleft()
                except IndexError:  # a helper was quicker
                    continue
                code = make(kernel) if kernel in missing else b""
            else:
                try:
                    kernel, code = made.get(timeout=PATIENCE * (STARTING + time.perf_counter() - start))
                except queue.Empty:
                    here.extend(missing)
                    continue
                if not code:
                    here.append(kernel)
            if code and kernel in missing:
                missing.remove(kernel)
                yield kernel, code
    finally:
        for helper in helpers:
            helper.leave()


def seconds(kernel: Kernel) -> float:
    """About how long a core of 2025 compiles a kernel."""
    tiles = 1.2 if isinstance(kernel, Wide) else 0.0
    return tiles + 0.075 + 8e-5 * jit.length(kernel.body, *kernel.formulas.values())


def how_many(work: float) -> int:
    """Helpers for some seconds of work: each should have as much to do as it takes to start it."""
    least = min(settings.threads() - 1, int(work / (2 * STARTING)), HELPERS)
    return least if least > 0 and can_help() else 0


def can_help() -> bool:
    """Whether a fresh interpreter may be started.

    In a frozen application, or where Python is part of another program, `sys.executable` is that program; and
    a debugger would follow.
    """
    program = Path(sys.executable or "").name.lower()
    return program.startswith("python") and not getattr(sys, "frozen", False) and sys.gettrace() is None


class Helper:
    """A process that compiles, and the thread that waits for it.

    Parameters
    ----------
    waiting : deque of Kernel
        Where it takes the next one from, as soon as it is ready.
    made : queue
        Where what it made goes; without machine code where it made none.
    """

    def __init__(self, waiting: deque[Kernel], made: queue.SimpleQueue[Made]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._has_left = False
        arguments = (waiting, made)
        self._thread = threading.Thread(target=self._work, args=arguments, name="pellucid-crew", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the system has no more threads
            self._has_left = True

    def leave(self) -> None:
        """End it, whatever it is doing."""
        self._has_left = True
        if self._process is not None:
            self._process.kill()
        if self._thread.ident is not None:
            self._thread.join(STARTING)

    def _work(self, waiting: deque[Kernel], made: queue.SimpleQueue[Made]) -> None:
        try:
            process = self._process = subprocess.Popen(
                [sys.executable, *MEMBER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError:
            return
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                pickle.dump(sys.path, process.stdin)
                send(process.stdin, cache.state().encode())
                is_ready = receive(process.stdout) == READY
                while is_ready and waiting and not self._has_left:
                    kernel = waiting.popleft()
                    code = b""
                    try:
                        send(process.stdin, by_value(kernel))
                        code = receive(process.stdout)
                    finally:
                        made.put((kernel, code))
            except Exception:  # whatever went wrong, its kernel is compiled in this process
                pass
            process.kill()


def by_value(kernel: Kernel) -> bytes:
    """A kernel for another process: with the code of functions that are not this package's."""
    from numba import cloudpickle

    plain = copy.copy(kernel)
    plain.reference = None
    return bytes(cloudpickle.dumps(plain))


def send(stream: IO[bytes], content: bytes) -> None:
    """Write some bytes that `receive` reads."""
    stream.write(len(content).to_bytes(LENGTH, "little") + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """What was sent.

    Raises
    ------
    EOFError
        If nobody sends any more.
    """
    length = stream.read(LENGTH)
    content = stream.read(int.from_bytes(length, "little"))
    if len(length) < LENGTH or len(content) < int.from_bytes(length, "little"):
        raise EOFError
    return content
