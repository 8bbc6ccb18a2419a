"""What a participant is, and what those that only answer have in common."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from benchmarks.workloads import ONE_ROW, TRAINING, Array, Task, Weights, mean_loss

CALLS = 200  # of a network that answers one row: a single call is shorter than the clock is good for


class Participant(Protocol):
    """Something that does a task. It imports its library when it is made.

    `reset` brings it back to where the task starts, `run` is what is timed, `answer` is what came out:
    weights, outputs, or the weights of each network of a population. `repeats` is how many times over one
    `run` does the work: less than 1 where it does a part of it, because all would take too long.
    """

    repeats: float

    def __init__(self, task: Task, threads: int) -> None: ...
    def reset(self) -> None: ...
    def run(self) -> None: ...
    def answer(self) -> Any: ...


class Answering(ABC):
    """Gives the outputs for the rows of a task, from the task's weights."""

    def __init__(self, task: Task, threads: int) -> None:
        self.task = task
        self.x = task.X
        self.repeats = CALLS if task.workload.kind == ONE_ROW else 1
        self.ask = self.asked(task, threads)
        self.outputs: Any = None

    @abstractmethod
    def asked(self, task: Task, threads: int) -> Callable[[Array], Any]:
        """The function from a NumPy array of rows to one of outputs."""

    def reset(self) -> None:
        self.outputs = None

    def run(self) -> None:
        ask, x = self.ask, self.x
        for _ in itertools.repeat(None, self.repeats):
            outputs = ask(x)
        self.outputs = outputs

    def answer(self) -> Array:
        return np.asarray(self.outputs).reshape(len(self.task.X), -1)


def judged(task: Task, answer: Any) -> float:
    """What participants must agree in: the loss of what was learned, the largest error of the outputs."""
    if task.workload.kind == TRAINING:
        return task.loss(answer)
    if task.workload.trains:
        return mean_loss(task, answer)
    return float(np.abs(answer - task.outputs(task.weights)).max())


def flat(weights: Weights) -> list[Array]:
    return [a for pair in weights for a in pair]


def pairs(arrays: Sequence[Array]) -> Weights:
    return list(zip(arrays[::2], arrays[1::2], strict=True))
