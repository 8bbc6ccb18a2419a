"""JAX: an epoch is one compiled scan, its state given up to it, Adam written out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.participants.base import Answering, Participant
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
)


def forward(workload: Workload, weights: Any, a: Any, key: Any = None) -> Any:
    """The sums of the last layer; with a key, some numbers are left out."""
    import jax
    import jax.numpy as jnp

    weights = list(weights)
    while weights:
        W, b = weights.pop(0)
        a = a @ W + b
        if workload.layer_norm and weights:
            gain, bias = weights.pop(0)
            centred = a - a.mean(axis=1, keepdims=True)
            a = centred * jax.lax.rsqrt((centred**2).mean(axis=1, keepdims=True) + LN_EPSILON) * gain + bias
        if weights:
            a = jax.nn.relu(a)
        if weights and workload.dropout and key is not None:
            key, now = jax.random.split(key)
            kept = 1 - workload.dropout
            a = jnp.where(jax.random.bernoulli(now, kept, a.shape), a / kept, 0)
    return a


def epoch_of(workload: Workload) -> Any:
    """An epoch of one network: from state, order of the rows, learning rate and data to state."""
    import jax
    import jax.numpy as jnp

    size, full = workload.batch_size, workload.n_samples // workload.batch_size

    def loss(weights: Any, X: Any, y: Any, key: Any) -> Any:
        z = forward(workload, weights, X, key)
        return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1).mean()

    def step(state: Any, rows: Any, rate: Any, X: Any, y: Any) -> Any:
        w, m, v, t, key = state
        key, now = jax.random.split(key) if workload.dropout else (key, None)
        g = jax.grad(loss)(w, X[rows], y[rows], now)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate, root = rate / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        w = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + 1e-8), w, m, v)
        return w, m, v, t, key

    def epoch(state: Any, order: Any, rate: Any, X: Any, y: Any) -> Any:
        batches = order[: full * size].reshape(full, size)
        state, _ = jax.lax.scan(lambda s, rows: (step(s, rows, rate, X, y), None), state, batches)
        return step(state, order[full * size :], rate, X, y) if len(order) > full * size else state

    return epoch


class Training:
    """`jit` around the epoch."""

    repeats = 1.0

    def __init__(self, task: Task, threads: int) -> None:
        import jax
        import jax.numpy as jnp

        self.jax, self.jnp, self.task = jax, jnp, task
        self.X, self.y = jnp.array(task.X), jnp.array(task.y)
        self.epoch = functools.partial(jax.jit, donate_argnums=0)(epoch_of(task.workload))

    def first(self, weights: Any) -> Any:
        array, zeros = self.jnp.array, self.jnp.zeros_like
        return [[(make(W), make(b)) for W, b in weights] for make in (array, zeros, zeros)]

    def reset(self) -> None:
        self.state = (*self.first(self.task.weights), self.jnp.float32(0), self.jax.random.key(0))
        self.rng = np.random.default_rng(0)

    def run(self) -> None:
        for _ in range(self.task.workload.epochs):
            order = self.rng.permutation(len(self.task.X)).astype(np.int32)
            self.state = self.epoch(self.state, order, RATE, self.X, self.y)
        self.jax.block_until_ready(self.state[:4])

    def answer(self) -> Any:
        return [(np.asarray(W), np.asarray(b)) for W, b in self.state[0]]


class Population(Training):
    """`jit` around the epoch, mapped over the networks by `vmap`."""

    def __init__(self, task: Task, threads: int) -> None:
        super().__init__(task, threads)
        epoch = self.jax.vmap(epoch_of(task.workload), in_axes=(0, 0, 0, None, None))
        self.epoch = functools.partial(self.jax.jit, donate_argnums=0)(epoch)
        n = task.workload.n_networks
        starts = [first_weights(task.workload, i) for i in range(n)]
        stacked = [[np.stack(a) for a in zip(*layer, strict=True)] for layer in zip(*starts, strict=True)]
        self.stacked = [(W, b) for W, b in stacked]
        self.rates = self.jnp.array(learning_rates(task.workload), "float32")

    def reset(self) -> None:
        n = self.task.workload.n_networks
        keys = self.jax.random.split(self.jax.random.key(0), n)
        self.state = (*self.first(self.stacked), self.jnp.zeros(n), keys)
        self.rng = np.random.default_rng(0)

    def run(self) -> None:
        workload = self.task.workload
        for _ in range(workload.epochs):
            orders = np.tile(np.arange(len(self.task.X), dtype=np.int32), (workload.n_networks, 1))
            orders = self.rng.permuted(orders, axis=1)
            self.state = self.epoch(self.state, orders, self.rates, self.X, self.y)
        self.jax.block_until_ready(self.state[:4])

    def answer(self) -> list[Weights]:
        stacked = super().answer()
        return [[(W[i], b[i]) for W, b in stacked] for i in range(self.task.workload.n_networks)]


class Asked(Answering):
    """The jitted network, from NumPy to NumPy."""

    def asked(self, task: Task, threads: int) -> Callable[[Array], Any]:
        import jax
        import jax.numpy as jnp

        weights = [(jnp.array(W), jnp.array(b)) for W, b in task.weights]
        outputs = jax.jit(lambda weights, x: jax.nn.softmax(forward(task.workload, weights, x)))
        return lambda x: np.asarray(outputs(weights, x))


PLAIN: dict[str, type[Participant]] = {
    TRAINING: Training,
    ONE_ROW: Asked,
    ROWS: Asked,
    POPULATION: Population,
}
