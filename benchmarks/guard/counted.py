"""What is counted: `python -m benchmarks.guard.counted`, within valgrind.

Each workload is done in a small and in a large amount. Their difference holds nothing of what surrounds it:
planning, the call from Python, the loading of kernels.
"""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.guard.callgrind import Callgrind
from benchmarks.guard.narrow import narrow
from benchmarks.participants.pellucid import network, options
from benchmarks.workloads import POPULATION, TRAINING, Workload, make_task

Work = Callable[[int], Callable[[], object]]  # gives, for an amount, what to do


@dataclass(frozen=True)
class Counted:
    """Something that is done in two amounts; what one of it takes is (large - small) / (amounts apart)."""

    work: Work
    small: int
    large: int

    def one(self, small: int, large: int) -> int:
        """Instructions of one, from those of the two amounts."""
        return round((large - small) / (self.large - self.small))


def training(
    sizes: tuple[int, ...], batch_size: int, steps: int, train_loss: bool = False, **how: Any
) -> Work:
    """Fits of some epochs with so many steps each."""
    workload = Workload("", TRAINING, sizes, batch_size * steps, batch_size=batch_size, epochs=1, **how)
    task = make_task(workload)

    def work(epochs: int) -> Callable[[], object]:
        net = network(workload, task.weights)
        how = {**options(workload), "epochs": epochs, "threads": 1, "train_loss": train_loss}
        return lambda: net.fit(task.X, task.y, **how)

    return work


def calls(sizes: tuple[int, ...]) -> Work:
    """Calls of a network with one row."""
    task = make_task(Workload("", TRAINING, sizes, 10))
    net, x = network(task.workload, task.weights), task.X[0]

    def work(many: int) -> Callable[[], object]:
        def call() -> None:
            for _ in itertools.repeat(None, many):
                net(x)

        return call

    return work


def answers(sizes: tuple[int, ...]) -> Work:
    """`predict` of some rows."""
    task = make_task(Workload("", TRAINING, sizes, 1536))
    net = network(task.workload, task.weights)
    return lambda many: lambda: net.predict(task.X[:many])


def fits(sizes: tuple[int, ...]) -> Work:
    """Whole fits of one step each: nearly all of it is planning."""
    one = training(sizes, batch_size=32, steps=1)

    def work(many: int) -> Callable[[], object]:
        prepared = [one(1) for _ in range(many)]
        return lambda: [fit() for fit in prepared]

    return work


def population(sizes: tuple[int, ...]) -> Work:
    """Some networks, trained together for two epochs of ten steps."""
    workload = Workload("", POPULATION, sizes, 320, batch_size=32, epochs=2)
    task = make_task(workload)

    def work(many: int) -> Callable[[], object]:
        from pellucid import fit_many

        nets = [network(workload, task.weights, seed) for seed in range(many)]
        how = {**options(workload), "threads": 1, "train_loss": False}
        del how["verbose"]
        return lambda: fit_many(nets, task.X, task.y, **how)

    return work


STEPS = 10  # in an epoch of the trainings below


def all_counted() -> dict[str, Counted]:
    return {
        "an epoch, 10-32-32-2, batch 32": Counted(training((10, 32, 32, 2), 32, STEPS), 4, 24),
        "an epoch, 30-100-2, batch 200": Counted(training((30, 100, 2), 200, STEPS), 2, 5),
        "an epoch of 2 steps, 784-128-10, batch 32": Counted(training((784, 128, 10), 32, 2), 2, 6),
        "an epoch, 100-64-64-10, layer norm, dropout, batch 64": Counted(
            training((100, 64, 64, 10), 64, STEPS, layer_norm=True, dropout=0.1), 2, 5
        ),
        "an epoch with its loss, 10-32-32-2, batch 32": Counted(
            training((10, 32, 32, 2), 32, STEPS, train_loss=True), 4, 14
        ),
        "a row of predict, 30-100-2": Counted(answers((30, 100, 2)), 384, 1536),
        "a call with one row, 30-100-2": Counted(calls((30, 100, 2)), 100, 300),
        "a fit of one step, 10-32-32-2": Counted(fits((10, 32, 32, 2)), 2, 6),
        "a network of fit_many, 2 epochs, 10-32-32-2": Counted(population((10, 32, 32, 2)), 4, 12),
    }


def main() -> None:
    narrow()
    everything = all_counted()
    for counted in [*everything.values()] * 2:
        counted.work(counted.small)()  # compiled and loaded; the interpreter has adapted its code
    gc.disable()
    clock = itertools.count()
    time.perf_counter = lambda: next(clock) * 1e-9  # what a run does may not depend on how slow it is
    callgrind = Callgrind()
    for name, counted in everything.items():
        callgrind.count(f"{name} | small", counted.work(counted.small))
        callgrind.count(f"{name} | large", counted.work(counted.large))


if __name__ == "__main__":
    main()
