"""Participants in processes of their own, measured in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import environment
from benchmarks.participants import does
from benchmarks.workloads import TRAINING, Task

ROOT = Path(__file__).resolve().parent.parent
LOSSES_APART = 0.1  # of the losses' median: the participants shuffle differently
OUTPUTS_APART = 1e-4  # from those in float64
GOODBYE = 5.0  # seconds
PAUSE = 0.5  # seconds, until the threads of the one before are asleep: OpenMP lets them spin for 0.2

Row = dict[str, Any]


class Worker:
    """A participant's process, held to a number of threads."""

    def __init__(self, name: str, python: str, threads: int) -> None:
        self.name, self.threads = name, threads
        command = [python, "-m", "benchmarks.worker", name, str(threads)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise SystemExit(f"{self.name} failed with {self.threads} threads; what it said stands above.")
        return dict(json.loads(answer))

    def stop(self) -> None:
        try:
            self.process.communicate(timeout=GOODBYE)  # it ends where its input does, and tidies up
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def find(python: str) -> dict[str, str]:
    """Names and versions of the participants that a Python can import."""
    command = [python, "-m", "benchmarks.worker", "--list"]
    try:
        text = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{python!r} must be a Python in which NumPy can be imported: {error}.") from None
    return dict(json.loads(text))


def measure(task: Task, pythons: dict[str, str], threads: list[int], rounds: int, folder: Path) -> list[Row]:
    """Let those who can do the task do it in turn, A B A B; one row for each and its number of threads."""
    path = folder / f"{task.workload.name}.npz"
    task.save(path)
    kind = task.workload.kind
    able = [name for name in pythons if does(name, kind)]
    workers = [Worker(name, pythons[name], n) for name in able for n in threads]
    try:
        rows = [(worker, row) for worker in workers if (row := get_ready(worker, path)) is not None]
        for _ in range(rounds):
            for worker, row in rows:
                answer = worker.ask("run")
                row["all_seconds"] += answer["seconds"]
                row["answer"] = answer["answer"]
                time.sleep(PAUSE)
    finally:
        for worker in workers:
            worker.stop()
    for _, row in rows:
        row["seconds"] = statistics.median(row["all_seconds"])
    return [row for _, row in rows]


def get_ready(worker: Worker, path: Path) -> Row | None:
    """The row of a worker that did the task once, None of one that cannot."""
    answer = worker.ask(str(path))
    if not answer["ready"]:
        print(f"{worker.name} goes without: {answer['why']}", file=sys.stderr)
        return None
    return {"name": worker.name, "threads": worker.threads, "all_seconds": []}


def best_of(rows: list[Row]) -> list[Row]:
    """For each participant, the row of its best number of threads."""
    names = dict.fromkeys(row["name"] for row in rows)
    return [min((r for r in rows if r["name"] == n), key=lambda r: r["seconds"]) for n in names]


def mark_apart(task: Task, rows: list[Row]) -> float | None:
    """Set `agrees` in each row; gives the loss at the start, where there is one.

    A loss agrees that is near the median of all and below that of the first weights. Outputs agree that are
    near those computed in float64.
    """
    if not task.workload.trains:
        for row in rows:
            row["agrees"] = row["answer"] <= OUTPUTS_APART
        return None
    start = task.loss(task.weights) if task.workload.kind == TRAINING else float("inf")
    middle = statistics.median(row["answer"] for row in rows)
    for row in rows:
        row["agrees"] = abs(row["answer"] - middle) <= LOSSES_APART * middle and row["answer"] < start
    return start
