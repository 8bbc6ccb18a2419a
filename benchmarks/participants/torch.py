"""PyTorch: eager, with its fused optimizer, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.participants.base import Answering, Participant, flat, pairs
from benchmarks.workloads import (
    LN_EPSILON,
    ONE_ROW,
    POPULATION,
    RATE,
    ROWS,
    TRAINING,
    Array,
    Task,
    Weights,
    Workload,
    first_weights,
    learning_rates,
    sample,
)

N_SAMPLED = 4  # networks of a population, which takes one after the other minutes


def network(workload: Workload, weights: Weights) -> Any:
    """Without the softmax, which the loss holds."""
    import torch

    first, *hidden, last = workload.sizes
    layers: list[Any] = []
    for n_in, n_out in zip([first, *hidden], hidden, strict=False):
        layers.append(torch.nn.Linear(n_in, n_out))
        layers += [torch.nn.LayerNorm(n_out, eps=LN_EPSILON)] if workload.layer_norm else []
        layers += [torch.nn.ReLU()]
        layers += [torch.nn.Dropout(workload.dropout)] if workload.dropout else []
    net = torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1], last))
    with torch.no_grad():
        for parameter, start in zip(net.parameters(), flat(weights), strict=True):
            parameter.copy_(torch.from_numpy(start.T.copy()))  # a Linear's weights are (n_out, n_in)
    return net


def learned(net: Any) -> Weights:
    return pairs([np.array(p.detach().numpy().T, order="C") for p in net.parameters()])


class Training:
    """A plain loop over shuffled batches of tensors in memory."""

    repeats = 1.0
    fused: bool | None = None

    def __init__(self, task: Task, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch, self.task = torch, task
        self.X, self.y = torch.from_numpy(task.X), torch.from_numpy(task.y)
        self.loss = torch.nn.CrossEntropyLoss()

    def start(self, weights: Weights, rate: float) -> None:
        self.net = network(self.task.workload, weights)
        self.optimizer = self.torch.optim.Adam(self.net.parameters(), lr=rate, fused=self.fused)

    def reset(self) -> None:
        self.torch.manual_seed(0)
        self.start(self.task.weights, RATE)

    def step(self, X: Any, y: Any) -> None:
        self.optimizer.zero_grad()
        self.loss(self.net(X), y).backward()
        self.optimizer.step()

    def run(self) -> None:
        workload = self.task.workload
        for _ in range(workload.epochs):
            order = self.torch.randperm(len(self.X))
            for rows in order.split(workload.batch_size):
                self.step(self.X[rows], self.y[rows])

    def answer(self) -> Any:
        return learned(self.net)


class FusedTraining(Training):
    """The same with the optimizer in one kernel, which is not PyTorch's default."""

    fused = True


class CompiledTraining(Training):
    """Network and optimizer through `torch.compile`, once; a reset puts its numbers back."""

    def __init__(self, task: Task, threads: int) -> None:
        super().__init__(task, threads)
        self.start(task.weights, RATE)
        self.first = [p.detach().clone() for p in self.net.parameters()]
        self.model = self.torch.compile(self.net)
        self.update = self.torch.compile(self.optimizer.step)

    def reset(self) -> None:
        torch = self.torch
        torch.manual_seed(0)
        with torch.no_grad():
            for parameter, start in zip(self.net.parameters(), self.first, strict=True):
                parameter.copy_(start)
            for state in self.optimizer.state.values():
                for number in state.values():
                    number.zero_()

    def step(self, X: Any, y: Any) -> None:
        self.optimizer.zero_grad()
        self.loss(self.model(X), y).backward()
        self.update()


class Asked(Answering):
    """The network and a softmax, from NumPy to NumPy."""

    compiled = False

    def asked(self, task: Task, threads: int) -> Callable[[Array], Any]:
        import torch

        torch.set_num_threads(threads)
        net = torch.nn.Sequential(*network(task.workload, task.weights), torch.nn.Softmax(1)).eval()
        model = torch.compile(net) if self.compiled else net

        @torch.inference_mode()
        def ask(x: Array) -> Any:
            return model(torch.from_numpy(x)).numpy()

        return ask


class CompiledAsked(Asked):
    compiled = True


class OneAfterTheOther(Training):
    """Some networks of a population in a loop."""

    def __init__(self, task: Task, threads: int) -> None:
        super().__init__(task, threads)
        self.chosen = sample(task.workload, N_SAMPLED)
        self.repeats = N_SAMPLED / task.workload.n_networks

    def reset(self) -> None:
        self.weights: list[Weights] = []

    def run(self) -> None:
        workload = self.task.workload
        rates = learning_rates(workload)
        for i in self.chosen:
            self.torch.manual_seed(i)
            self.start(first_weights(workload, i), rates[i])
            super().run()
            self.weights.append(learned(self.net))

    def answer(self) -> list[Weights]:
        return self.weights


EAGER: dict[str, type[Participant]] = {
    TRAINING: Training,
    ONE_ROW: Asked,
    ROWS: Asked,
    POPULATION: OneAfterTheOther,
}
FUSED: dict[str, type[Participant]] = {TRAINING: FusedTraining}
COMPILED: dict[str, type[Participant]] = {
    TRAINING: CompiledTraining,
    ONE_ROW: CompiledAsked,
    ROWS: CompiledAsked,
}
