"""What is trained: data, network, batch size, number of updates. Needs NumPy alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Weights = list[tuple[Array, Array]]  # (weights (n_in, n_out), bias (n_out,)) of each layer


@dataclass(frozen=True)
class Workload:
    """A dense network of relu layers and a softmax, and how it is trained."""

    sizes: tuple[int, ...]
    n_samples: int
    batch_size: int
    epochs: int

    @property
    def name(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def steps(self) -> int:
        """Updates in one training; the last batch of an epoch may be smaller."""
        return self.epochs * -(-self.n_samples // self.batch_size)


WORKLOADS = [
    Workload((10, 32, 32, 2), n_samples=1_000, batch_size=32, epochs=20),
    Workload((30, 100, 2), n_samples=10_000, batch_size=200, epochs=10),
    Workload((784, 128, 10), n_samples=20_000, batch_size=128, epochs=2),
    Workload((784, 512, 512, 10), n_samples=20_000, batch_size=128, epochs=2),
]


@dataclass(frozen=True)
class Task:
    """A workload with its numbers: the same for every participant."""

    workload: Workload
    X: Array  # float32 (n_samples, n_features)
    y: Array  # int64 (n_samples,)
    weights: Weights  # where everyone starts

    def save(self, path: Path) -> None:
        w = self.workload
        arrays: dict[str, Any] = {"X": self.X, "y": self.y, "sizes": w.sizes}
        for i, (W, b) in enumerate(self.weights):
            arrays |= {f"W{i}": W, f"b{i}": b}
        np.savez(path, settings=[w.n_samples, w.batch_size, w.epochs], **arrays)

    @staticmethod
    def load(path: Path) -> Task:
        with np.load(path) as file:
            workload = Workload(tuple(file["sizes"].tolist()), *file["settings"].tolist())
            weights = [(file[f"W{i}"], file[f"b{i}"]) for i in range(len(workload.sizes) - 1)]
            return Task(workload, file["X"], file["y"], weights)

    def loss(self, weights: Weights) -> float:
        """Categorical cross-entropy over all rows, in float64."""
        a = self.X.astype(np.float64)
        for W, b in weights[:-1]:
            a = np.maximum(a @ W + b, 0)
        z = a @ weights[-1][0] + weights[-1][1]
        z -= z.max(axis=1, keepdims=True)
        log_probability = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return -float(log_probability[np.arange(len(z)), self.y].mean())


def make_task(workload: Workload, seed: int = 0) -> Task:
    """Four clusters for each class, one label in twenty wrong, so that no network reaches a loss of 0."""
    rng = np.random.default_rng(seed)
    n, n_features, n_classes = workload.n_samples, workload.sizes[0], workload.sizes[-1]
    centres = rng.normal(size=(4 * n_classes, n_features)) * 3 / np.sqrt(n_features)
    cluster = rng.integers(len(centres), size=n)
    X = centres[cluster] + rng.normal(size=(n, n_features)) / np.log2(n_features)
    y = np.where(rng.random(n) < 0.05, rng.integers(n_classes, size=n), cluster % n_classes)
    weights = [
        (rng.uniform(-1, 1, (n_in, n_out)) * np.sqrt(6 / (n_in + n_out)), np.zeros(n_out))
        for n_in, n_out in zip(workload.sizes, workload.sizes[1:], strict=False)
    ]
    start = [(W.astype(np.float32), b.astype(np.float32)) for W, b in weights]
    return Task(workload, X.astype(np.float32), y, start)


def describe(workload: Workload) -> dict[str, Any]:
    return {"name": workload.name, **dataclasses.asdict(workload), "steps": workload.steps}
