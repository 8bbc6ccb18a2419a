"""PyTorch: a population of networks as one, by `torch.func`."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.participants.base import Participant, flat, pairs
from benchmarks.workloads import POPULATION, Task, Weights, first_weights, learning_rates


class Population:
    """Stacked weights, a gradient mapped over them, Adam written out; each network in an order of its own."""

    repeats = 1.0

    def __init__(self, task: Task, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch, self.task = torch, task
        self.X, self.y = torch.from_numpy(task.X), torch.from_numpy(task.y)
        n = task.workload.n_networks
        starts = [flat(first_weights(task.workload, i)) for i in range(n)]
        self.first = [torch.from_numpy(np.stack(arrays)) for arrays in zip(*starts, strict=True)]
        self.rates = torch.from_numpy(learning_rates(task.workload).astype(np.float32))

        def loss(weights: list[Any], a: Any, y: Any) -> Any:
            for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                a = torch.relu(a @ W + b)
            return torch.nn.functional.cross_entropy(a @ weights[-2] + weights[-1], y)

        self.gradient = torch.func.vmap(torch.func.grad(loss))

    def reset(self) -> None:
        self.torch.manual_seed(0)
        self.w = [w.clone() for w in self.first]
        self.m = [self.torch.zeros_like(w) for w in self.w]
        self.v = [self.torch.zeros_like(w) for w in self.w]
        self.t = 0

    def run(self) -> None:
        torch, workload = self.torch, self.task.workload
        for _ in range(workload.epochs):
            orders = torch.rand(workload.n_networks, len(self.X)).argsort(1)
            for rows in orders.split(workload.batch_size, 1):
                self.update(self.gradient(self.w, self.X[rows], self.y[rows]))

    def update(self, gradients: list[Any]) -> None:
        self.t += 1
        root = (1 - 0.999**self.t) ** 0.5
        rates = self.rates / (1 - 0.9**self.t)
        for w, m, v, g in zip(self.w, self.m, self.v, gradients, strict=True):
            m.mul_(0.9).add_(g, alpha=0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            w.sub_(rates.reshape(-1, *[1] * (w.ndim - 1)) * m / (v.sqrt() / root + 1e-8))

    def answer(self) -> list[Weights]:
        arrays = [w.numpy() for w in self.w]
        return [pairs([a[i] for a in arrays]) for i in range(self.task.workload.n_networks)]


PLAIN: dict[str, type[Participant]] = {POPULATION: Population}
