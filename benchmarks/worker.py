"""A participant in a process of its own, which works whenever it is told to.

Reads lines from standard input: the path of a task, to get ready for it, or `run`, to do it.
Answers each with a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from benchmarks.participants import installed, kinds_of
from benchmarks.participants.base import Participant, judged
from benchmarks.workloads import Task

ENOUGH = 0.3  # seconds; shorter work is repeated, so that one hiccup is not the answer


def main(name: str, threads: int) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        if line != "run\n":
            task = Task.load(Path(line.strip()))
            try:
                participant = ready(name, task, threads)
                print(json.dumps({"ready": True}), file=answers)
            except Exception as error:  # any library may fail in any way, and the others go on
                said = (str(error).strip() or "it said nothing").splitlines()[0]
                print(json.dumps({"ready": False, "why": f"{type(error).__name__}: {said}"}), file=answers)
        else:
            print(json.dumps(run(participant, task)), file=answers)


def ready(name: str, task: Task, threads: int) -> Participant:
    """The participant after its work was done once: all is imported, compiled and warm."""
    participant = kinds_of(name)[task.workload.kind](task, threads)
    participant.reset()
    participant.run()
    return participant


def run(participant: Participant, task: Task) -> dict[str, object]:
    """Seconds of the whole work, each time it was done, and what the participants must agree in."""
    seconds: list[float] = []
    spent = 0.0
    while spent < ENOUGH:
        participant.reset()
        start = time.perf_counter()
        participant.run()
        took = time.perf_counter() - start
        spent += took
        seconds.append(took / participant.repeats)
    return {"seconds": seconds, "answer": judged(task, participant.answer())}


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print(json.dumps(installed()))
    else:
        main(sys.argv[1], int(sys.argv[2]))
