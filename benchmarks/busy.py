"""`python -m benchmarks.busy`: how much longer a fit takes while others use the cores.

Each network is trained alone, beside one foreign busy loop (pinned to the first core) and beside one on every
core, in turn, with one thread, with one a core, and with the number that pellucid chooses.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.participants.pellucid import network
from benchmarks.workloads import WORKLOADS, Task, Workload, make_task

NAMES = "10-32-32-2", "30-100-2", "784-128-10"
LOOP = "print(flush=True)\nwhile True: pass"


def cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


class Loops:
    """Busy loops, one pinned to each core where the system can do that, all of them stopped at first."""

    def __init__(self, own_session: bool) -> None:
        self.all = []
        for core in cores():
            command = [sys.executable, "-c", LOOP]
            loop = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=own_session)
            assert loop.stdout
            loop.stdout.readline()
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(loop.pid, {core})
            loop.send_signal(signal.SIGSTOP)
            self.all.append(loop)

    @contextmanager
    def at_work(self, many: int) -> Iterator[None]:
        """The first so many of them run."""
        for loop in self.all[:many]:
            loop.send_signal(signal.SIGCONT)
        time.sleep(0.05)
        yield
        for loop in self.all[:many]:
            loop.send_signal(signal.SIGSTOP)
        time.sleep(0.02)

    def end(self) -> None:
        for loop in self.all:
            loop.kill()
            loop.communicate()


def fit(task: Task, epochs: int, threads: int | None) -> float:
    """Seconds of a fit."""
    net = network(task.workload, task.weights)
    start = time.perf_counter()
    size = task.workload.batch_size
    net.fit(task.X, task.y, epochs=epochs, batch_size=size, threads=threads, train_loss=False, verbose=0)
    return time.perf_counter() - start


def measure(task: Task, loops: Loops, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """One row for each number of threads; epochs as many as take about `seconds` alone."""
    n_cores = len(loops.all)
    fit(task, 1, None)
    epochs = max(1, round(seconds / (fit(task, 11, 1) - fit(task, 1, 1)) * 10))
    rows = [
        {"threads": t, "epochs": epochs, "seconds": {n: [] for n in sorted({0, 1, n_cores})}}
        for t in dict.fromkeys((1, n_cores, None))
    ]
    for _ in range(rounds):
        for row in rows:
            for many, all_seconds in row["seconds"].items():
                with loops.at_work(many):
                    all_seconds.append(fit(task, epochs, row["threads"]))
    return rows


def show(workload: Workload, rows: list[dict[str, Any]]) -> None:
    print(f"\n{workload.name}, batches of {workload.batch_size}, {rows[0]['epochs']} epochs")
    kinds = list(rows[0]["seconds"])
    head = "".join(f"{f'{n} busy':>10}" for n in kinds[1:])
    print(f"{'threads':>9}{'alone, s':>10}{head}{'spread of the ratios':>26}")
    for row in rows:
        alone = statistics.median(row["seconds"][0])
        ratios = {n: [s / alone for s in row["seconds"][n]] for n in kinds[1:]}
        middle = "".join(f"{statistics.median(r):10.2f}" for r in ratios.values())
        spread = ", ".join(f"{min(r):.2f} to {max(r):.2f}" for r in ratios.values())
        print(f"{row['threads'] or 'chosen':>9}{alone:10.3f}{middle}{spread:>26}")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.busy", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="how often each is measured, in turn (5)")
    add("--seconds", type=float, default=0.3, help="how long a fit with one thread takes alone, about (0.3)")
    add("--only", nargs="+", choices=NAMES, default=NAMES, help="some networks")
    add(
        "--own-session", action="store_true", help="loops in a session of their own, as from another terminal"
    )
    add("--json", type=Path, help="file for all figures")
    given = parser.parse_args()
    loops, results = Loops(given.own_session), []
    try:
        for workload in WORKLOADS:
            if workload.name in given.only:
                rows = measure(make_task(workload), loops, given.seconds, given.rounds)
                show(workload, rows)
                results.append({"name": workload.name, "rows": rows})
    finally:
        loops.end()
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
