"""Keras: `compile` and `fit`, on the first of its backends that is installed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.participants.base import Answering, Participant, flat, pairs
from benchmarks.workloads import LN_EPSILON, ONE_ROW, RATE, ROWS, TRAINING, Array, Task, Weights

LARGE_BATCH = 8192  # rows that `predict` takes at once: its 32 would be all overhead


def imported(threads: int) -> Any:
    backends = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]
    os.environ.setdefault("KERAS_BACKEND", backends[0])
    import keras

    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    return keras


def network(keras: Any, task: Task) -> Any:
    workload, layers = task.workload, keras.layers
    first, *hidden, last = workload.sizes
    stack: list[Any] = [keras.Input((first,))]
    for n in hidden:
        if workload.layer_norm:
            stack += [layers.Dense(n), layers.LayerNormalization(epsilon=LN_EPSILON), layers.ReLU()]
        else:
            stack.append(layers.Dense(n, "relu"))
        stack += [layers.Dropout(workload.dropout)] if workload.dropout else []
    net = keras.Sequential([*stack, layers.Dense(last, "softmax")])
    put(net, task.weights)
    return net


def put(net: Any, weights: Weights) -> None:
    for variable, value in zip(net.trainable_variables, flat(weights), strict=True):
        variable.assign(value)


class Training:
    repeats = 1.0

    def __init__(self, task: Task, threads: int) -> None:
        self.keras, self.task = imported(threads), task
        self.net = network(self.keras, task)
        adam = self.keras.optimizers.Adam(RATE, epsilon=1e-8)
        self.net.compile(adam, "sparse_categorical_crossentropy")
        self.net.optimizer.build(self.net.trainable_variables)
        self.fresh = [np.array(v) for v in self.net.optimizer.variables]

    def reset(self) -> None:
        self.keras.utils.set_random_seed(0)
        put(self.net, self.task.weights)
        for variable, value in zip(self.net.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def run(self) -> None:
        task, workload = self.task, self.task.workload
        self.net.fit(task.X, task.y, batch_size=workload.batch_size, epochs=workload.epochs, verbose=0)

    def answer(self) -> Weights:
        return pairs([np.array(v) for v in self.net.trainable_variables])


class Asked(Answering):
    """A call for one row, as the documentation advises for few; `predict` for many."""

    def asked(self, task: Task, threads: int) -> Callable[[Array], Any]:
        keras = imported(threads)
        net = network(keras, task)
        if task.workload.kind == ONE_ROW:
            return lambda x: keras.ops.convert_to_numpy(net(x, training=False))
        return lambda x: net.predict(x, batch_size=LARGE_BATCH, verbose=0)


PLAIN: dict[str, type[Participant]] = {TRAINING: Training, ONE_ROW: Asked, ROWS: Asked}
