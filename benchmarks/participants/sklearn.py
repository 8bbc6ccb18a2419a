"""scikit-learn: two classes are one logistic output there, which is the same function."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.participants.base import Answering, Participant
from benchmarks.workloads import (
    ONE_ROW,
    POPULATION,
    RATE,
    ROWS,
    TRAINING,
    Array,
    Task,
    Weights,
    Workload,
    learning_rates,
    sample,
)

N_SAMPLED = 32  # networks of a population


def classifier(workload: Workload, **settings: Any) -> Any:
    """A network that trains for as many epochs as it is told to."""
    from sklearn.neural_network import MLPClassifier

    warnings.filterwarnings("ignore")  # that the epochs were over before it converged
    return MLPClassifier(
        workload.sizes[1:-1],
        alpha=0.0,
        batch_size=workload.batch_size or "auto",
        tol=0.0,
        n_iter_no_change=1_000_000,
        **{"learning_rate_init": RATE, "random_state": 0, **settings},
    )


def started(task: Task) -> Any:
    """One that goes on from `coefs_` as they stand, with a fresh Adam."""
    rows = slice(None, 1000)
    return classifier(task.workload, max_iter=1, warm_start=True).fit(task.X[rows], task.y[rows])


def put(net: Any, weights: Weights) -> None:
    pairs = [(W.copy(), b.copy()) for W, b in weights]
    if weights[-1][1].size == 2:
        W, b = pairs[-1]
        pairs[-1] = W[:, 1:] - W[:, :1], b[1:] - b[:1]
    net.coefs_, net.intercepts_ = [W for W, _ in pairs], [b for _, b in pairs]


def learned(net: Any) -> Weights:
    pairs = list(zip(net.coefs_, net.intercepts_, strict=True))
    if pairs[-1][1].size == 1:
        W, b = pairs[-1]
        pairs[-1] = np.c_[0 * W, W], np.r_[0 * b, b]
    return pairs


class Training:
    repeats = 1.0

    def __init__(self, task: Task, threads: int) -> None:
        if task.workload.dropout or task.workload.layer_norm:
            raise NotImplementedError("scikit-learn has neither dropout nor layer norm")
        self.task, self.net = task, started(task)

    def reset(self) -> None:
        put(self.net, self.task.weights)

    def run(self) -> None:
        self.net.set_params(max_iter=self.task.workload.epochs).fit(self.task.X, self.task.y)

    def answer(self) -> Weights:
        return learned(self.net)


class Asked(Answering):
    def asked(self, task: Task, threads: int) -> Callable[[Array], Any]:
        random = np.random.default_rng(0).normal(size=(100, task.X.shape[1])).astype(np.float32)
        net = classifier(task.workload, max_iter=1).fit(random, np.arange(100) % task.workload.sizes[-1])
        put(net, task.weights)
        return lambda x: net.predict_proba(x)  # type: ignore[no-any-return]


def trained(workload: Workload, X: Array, y: Array, seed: int, rate: float) -> Weights:
    """A network of a population, from weights that scikit-learn draws itself."""
    net = classifier(workload, max_iter=workload.epochs, random_state=seed, learning_rate_init=rate)
    return learned(net.fit(X, y))


class Population:
    """Some networks of a population in as many processes as threads are allowed, by joblib."""

    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = task, threads
        self.chosen = sample(task.workload, N_SAMPLED)
        self.repeats = N_SAMPLED / task.workload.n_networks

    def reset(self) -> None: ...

    def run(self) -> None:
        from joblib import Parallel, delayed, parallel_config

        task, rates = self.task, learning_rates(self.task.workload)
        jobs = [delayed(trained)(task.workload, task.X, task.y, i, rates[i]) for i in self.chosen]
        with parallel_config("loky", inner_max_num_threads=1):
            self.weights = list(Parallel(self.threads)(jobs))

    def answer(self) -> list[Weights]:
        return self.weights


PLAIN: dict[str, type[Participant]] = {TRAINING: Training, ONE_ROW: Asked, ROWS: Asked}
JOBLIB: dict[str, type[Participant]] = {POPULATION: Population}
