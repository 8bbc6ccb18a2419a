"""`python -m benchmarks.scaling.case NAME`: a case in a process of its own, for its memory."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.participants.pellucid import network, options
from benchmarks.scaling.cases import Case, all_cases
from benchmarks.workloads import Array, first_weights

MOST_SECONDS = 1.5  # for all repetitions
MOST_TIMES = 7


def main(name: str) -> None:
    case = next(c for c in all_cases() if c.name == name)
    small = Case("", 0, (4, 8, 3), 300, 128)  # loads the kernels and all else that every fit needs
    X, y = data(small)
    fit(small, X, y)
    before = peak(from_now=True)
    sizes = count_arenas()
    X, y = data(case)
    threads = fit(case, X, y, epochs=1)
    arenas, memory = sum(sizes), peak() - before
    seconds: list[float] = []
    while not seconds or (sum(seconds) + seconds[-1] < MOST_SECONDS and len(seconds) < MOST_TIMES):
        net, start = made(case), time.perf_counter()
        net.fit(X, y, **how(case))
        seconds.append(time.perf_counter() - start)
    answer = {
        "seconds": statistics.median(seconds),
        "times": len(seconds),
        "threads": threads,
        "memory": memory,
        "data": X.nbytes + y.nbytes,
        "arenas": arenas,
    }
    print(json.dumps(answer))


def data(case: Case) -> tuple[Array, Array]:
    """Rows and classes that are made in place, so that nothing but them takes memory."""
    rng = np.random.default_rng(0)
    X = np.empty((case.n_rows, case.sizes[0]), np.float32)
    rng.standard_normal(dtype=np.float32, out=X)
    y = np.arange(case.n_rows) % case.sizes[-1]
    rng.shuffle(y)
    return X, y


def made(case: Case) -> Any:
    return network(case.workload(), first_weights(case.workload(), 0))


def how(case: Case, epochs: int | None = None) -> dict[str, Any]:
    return {**options(case.workload(epochs)), "train_loss": False}


def fit(case: Case, X: Array, y: Array, epochs: int | None = None) -> int:
    """Train a new network; gives the number of threads."""
    told = made(case).fit(X, y, **how(case, epochs)).threads  # such as "2 threads, since ..."
    return int(told.split()[0])


def count_arenas() -> list[int]:
    """The bytes of each arena that is made from now on."""
    from pellucid.engine.buffer import Arena

    sizes: list[int] = []
    init = Arena.__init__

    def noted(self: Arena, *rest: Any, **more: Any) -> None:
        init(self, *rest, **more)
        sizes.append(self.nbytes)

    Arena.__init__ = noted  # type: ignore[method-assign]
    return sizes


def peak(*, from_now: bool = False) -> int:
    """The most bytes that this process had in memory; `from_now` forgets, where that can be, what was before.

    Linux counts the memory of a process's parent into `ru_maxrss`, so there its own count is read.
    """
    status = Path("/proc/self/status")
    if status.exists():
        if from_now:
            Path("/proc/self/clear_refs").write_text("5")
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    main(sys.argv[1])
