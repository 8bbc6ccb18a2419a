"""What is measured: networks, data, batch sizes, numbers of updates. Needs NumPy alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
# The numbers of each layer: weights (n_in, n_out) and bias (n_out,) of a dense one, gain and bias (n,) of a
# layer norm.
Weights = list[tuple[Array, Array]]

TRAINING, ONE_ROW, ROWS, POPULATION = "training", "one row", "rows", "population"
RATE = 0.001  # Adam's learning rate; a population's are spread around it
LN_EPSILON = 1e-5


@dataclass(frozen=True)
class Workload:
    """A dense network of relu layers and a softmax, and what is done with it.

    Parameters
    ----------
    name : str
        What it is called.
    kind : str
        `training`; `one row` and `rows`, answers of a network; or `population`: many networks trained on the
        same data, each from weights of its own with a learning rate of its own.
    sizes : tuple of int
        Inputs, neurons of each layer.
    n_samples, batch_size, epochs : int
        Rows, rows of an update, passes over the rows.
    dropout : float
        Share of each hidden layer that is left out in training; 0 for none.
    layer_norm : bool
        Whether each hidden layer's sums are normalised before its relu.
    n_networks : int
        Networks of a population.
    """

    name: str
    kind: str
    sizes: tuple[int, ...]
    n_samples: int
    batch_size: int = 0
    epochs: int = 0
    dropout: float = 0.0
    layer_norm: bool = False
    n_networks: int = 1

    @property
    def trains(self) -> bool:
        return self.kind in (TRAINING, POPULATION)

    @property
    def steps(self) -> int:
        """Updates of each network in one training; the last batch of an epoch may be smaller."""
        return self.epochs * -(-self.n_samples // self.batch_size) if self.trains else 0

    def __str__(self) -> str:
        text = "-".join(map(str, self.sizes)) + f", {self.n_samples:,} row" + "s" * (self.n_samples > 1)
        if self.n_networks > 1:
            text = f"{self.n_networks} networks {text}"
        if self.layer_norm:
            text += ", layer norm"
        if self.dropout:
            text += f", dropout {self.dropout:g}"
        if self.trains:
            text += f", batch {self.batch_size}, {self.epochs} epoch" + "s" * (self.epochs > 1)
        return text


WORKLOADS = [
    Workload("10-32-32-2", TRAINING, (10, 32, 32, 2), 1_000, batch_size=32, epochs=20),
    Workload("30-100-2", TRAINING, (30, 100, 2), 10_000, batch_size=200, epochs=10),
    Workload("784-128-10", TRAINING, (784, 128, 10), 20_000, batch_size=128, epochs=2),
    Workload("784-512-512-10", TRAINING, (784, 512, 512, 10), 20_000, batch_size=128, epochs=2),
    Workload(
        "3x256-norm-dropout",
        TRAINING,
        (100, 256, 256, 256, 10),
        100_000,
        batch_size=256,
        epochs=1,
        dropout=0.1,
        layer_norm=True,
    ),
    Workload("one-row", ONE_ROW, (30, 100, 2), 1),
    Workload("million-rows", ROWS, (30, 100, 2), 1_000_000),
    Workload("256-networks", POPULATION, (10, 32, 32, 2), 1_000, batch_size=32, epochs=20, n_networks=256),
]


@dataclass(frozen=True)
class Task:
    """A workload with its numbers: the same for every participant."""

    workload: Workload
    X: Array  # float32 (n_samples, n_features)
    y: Array  # int64 (n_samples,)
    weights: Weights  # where everyone starts; a population's are those of `first_weights(workload, i)`

    def save(self, path: Path) -> None:
        flat = {f"w{i}": a for i, a in enumerate(a for pair in self.weights for a in pair)}
        np.savez(path, X=self.X, y=self.y, workload=json.dumps(dataclasses.asdict(self.workload)), **flat)

    @staticmethod
    def load(path: Path) -> Task:
        with np.load(path) as file:
            given = json.loads(str(file["workload"]))
            workload = Workload(**{**given, "sizes": tuple(given["sizes"])})
            flat = [file[f"w{i}"] for i in range(len(file.files) - 3)]
            return Task(workload, file["X"], file["y"], list(zip(flat[::2], flat[1::2], strict=True)))

    def outputs(self, weights: Weights) -> Array:
        """Probabilities of the classes `(n_samples, n_classes)` in float64, nothing left out."""
        return np.exp(self._log_probabilities(weights))

    def loss(self, weights: Weights) -> float:
        """Categorical cross-entropy over all rows, in float64."""
        log_p = self._log_probabilities(weights)
        return -float(log_p[np.arange(len(log_p)), self.y].mean())

    def _log_probabilities(self, weights: Weights) -> Array:
        a, last = self.X.astype(np.float64), len(weights) - 1
        for i, (W, b) in enumerate(weights):
            if W.ndim == 1:
                centred = a - a.mean(axis=1, keepdims=True)
                a = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + LN_EPSILON) * W + b
            else:
                a = a @ W + b
            if i < last and weights[i + 1][0].ndim == 2:  # a layer norm comes before the relu
                a = np.maximum(a, 0)
        z = a - a.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def make_task(workload: Workload, seed: int = 0) -> Task:
    """Four clusters for each class, one label in twenty wrong, so that no network reaches a loss of 0."""
    rng = np.random.default_rng(seed)
    n, n_features, n_classes = workload.n_samples, workload.sizes[0], workload.sizes[-1]
    centres = rng.normal(size=(4 * n_classes, n_features)) * 3 / np.sqrt(n_features)
    cluster = rng.integers(len(centres), size=n)
    X = centres[cluster] + rng.normal(size=(n, n_features)) / np.log2(n_features)
    y = np.where(rng.random(n) < 0.05, rng.integers(n_classes, size=n), cluster % n_classes)
    return Task(workload, X.astype(np.float32), y, first_weights(workload, seed))


def first_weights(workload: Workload, seed: int) -> Weights:
    """Glorot's uniform weights, no bias; gain 1 and bias 0 of a layer norm."""
    rng = np.random.default_rng([seed, 1])
    pairs: Weights = []
    for i, (n_in, n_out) in enumerate(zip(workload.sizes, workload.sizes[1:], strict=False), 2):
        W = rng.uniform(-1, 1, (n_in, n_out)) * np.sqrt(6 / (n_in + n_out))
        pairs.append((W.astype(np.float32), np.zeros(n_out, np.float32)))
        if workload.layer_norm and i < len(workload.sizes):
            pairs.append((np.ones(n_out, np.float32), np.zeros(n_out, np.float32)))
    return pairs


def learning_rates(workload: Workload) -> Array:
    """One for each network, from a third of `RATE` to three times as much."""
    return RATE * np.geomspace(1 / 3, 3, workload.n_networks)


def sample(workload: Workload, n: int) -> list[int]:
    """`n` of a population's networks, evenly spread over its learning rates."""
    return [round((i + 0.5) * workload.n_networks / n - 0.5) for i in range(n)]


def mean_loss(task: Task, population: Sequence[Weights]) -> float:
    return float(np.mean([task.loss(weights) for weights in population]))
