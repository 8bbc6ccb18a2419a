"""pellucid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.participants.base import Answering, Participant, flat, pairs
from benchmarks.workloads import (
    LN_EPSILON,
    ONE_ROW,
    POPULATION,
    ROWS,
    TRAINING,
    Array,
    Task,
    Weights,
    Workload,
    first_weights,
    learning_rates,
)


def network(workload: Workload, weights: Weights, seed: int = 0) -> Any:
    from pellucid import Activation, Dense, Dropout, Input, LayerNorm, Network

    first, *hidden, last = workload.sizes
    layers: list[Any] = [Input(first)]
    for n in hidden:
        layers += [Dense(n), LayerNorm(LN_EPSILON), Activation("relu")] if workload.layer_norm else []
        layers += [] if workload.layer_norm else [Dense(n, "relu")]
        layers += [Dropout(workload.dropout)] if workload.dropout else []
    net = Network([*layers, Dense(last, "softmax")], seed=seed)
    for view, start in zip(net.parameters.values(), flat(weights), strict=True):
        view[...] = start
    return net


def learned(net: Any) -> Weights:
    return pairs([np.array(view) for view in net.parameters.values()])


def options(workload: Workload) -> dict[str, Any]:
    return {
        "epochs": workload.epochs,
        "batch_size": workload.batch_size,
        "optimizer": "adam",
        "loss": "categorical_crossentropy",
        "verbose": 0,
    }


class Training:
    """One call of `fit`; the loss in its history is the running one."""

    repeats = 1.0
    train_loss = False

    def __init__(self, task: Task, threads: int) -> None:
        self.task = task

    def reset(self) -> None:
        self.net = network(self.task.workload, self.task.weights)

    def run(self) -> None:
        task = self.task
        self.net.fit(task.X, task.y, train_loss=self.train_loss, **options(task.workload))

    def answer(self) -> Weights:
        return learned(self.net)


class TrainingWithLoss(Training):
    """The same, and after each epoch the loss of all rows at the epoch's final weights."""

    train_loss = True


class Asked(Answering):
    """`net(x)` for a row, `net.predict(X)` for many."""

    def asked(self, task: Task, threads: int) -> Callable[[Array], Any]:
        net = network(task.workload, task.weights)
        if task.workload.kind == ONE_ROW:
            self.x = task.X[0]
            return net
        return net.predict


class Population:
    """One call of `fit_many`."""

    repeats = 1.0

    def __init__(self, task: Task, threads: int) -> None:
        self.task = task
        self.rates = learning_rates(task.workload)

    def reset(self) -> None:
        workload = self.task.workload
        self.nets = [
            network(workload, first_weights(workload, i), seed=i) for i in range(workload.n_networks)
        ]

    def run(self) -> None:
        from pellucid import fit_many

        task, given = self.task, options(self.task.workload)
        del given["verbose"]
        each = [{"learning_rate": float(rate)} for rate in self.rates]
        fit_many(self.nets, task.X, task.y, each=each, train_loss=False, **given)

    def answer(self) -> list[Weights]:
        return [learned(net) for net in self.nets]


PLAIN: dict[str, type[Participant]] = {
    TRAINING: Training,
    ONE_ROW: Asked,
    ROWS: Asked,
    POPULATION: Population,
}
WITH_LOSS: dict[str, type[Participant]] = {TRAINING: TrainingWithLoss}
