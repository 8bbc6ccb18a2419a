"""One participant in a process of its own, which trains whenever it is told to.

Reads lines from standard input: the path of a task, to get ready for it, or `run`, to train it.
Answers each with a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from benchmarks.participants import PARTICIPANTS, Participant, installed
from benchmarks.workloads import Task

ENOUGH = 0.3  # seconds; a shorter training is repeated, so that one hiccup is not the answer


def main(name: str, threads: int) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        if line != "run\n":
            task = Task.load(Path(line.strip()))
            participant = PARTICIPANTS[name][0](task, threads)
            participant.train(1)  # imports, compiles, warms up
            print("{}", file=answers)
        else:
            print(json.dumps(run(participant, task)), file=answers)


def run(participant: Participant, task: Task) -> dict[str, object]:
    """Seconds of each training, and the loss after the last."""
    seconds: list[float] = []
    while sum(seconds) < ENOUGH:
        participant.reset()
        start = time.perf_counter()
        participant.train(task.workload.epochs)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "loss": task.loss(participant.weights())}


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print(json.dumps(installed()))
    else:
        main(sys.argv[1], int(sys.argv[2]))
