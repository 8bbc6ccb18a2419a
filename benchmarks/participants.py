"""Who trains: pellucid and its peers, each as its own documentation would have it.

A participant imports its library when it is made. `reset` brings it to the task's first weights
and a fresh Adam, `train` is what is timed, and `weights` gives what was learned.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import warnings
from typing import Any, Protocol

import numpy as np

from benchmarks.workloads import Task, Weights


class Participant(Protocol):
    """Something that trains the network of a task."""

    def __init__(self, task: Task, threads: int) -> None: ...
    def reset(self) -> None: ...
    def train(self, epochs: int) -> None: ...
    def weights(self) -> Weights: ...


class Pellucid:
    """pellucid's engine; the loss in its history is the running one."""

    train_loss = False

    def __init__(self, task: Task, threads: int) -> None:
        self.task = task
        self.reset()

    def reset(self) -> None:
        from pellucid import Dense, Input, Network

        first, *hidden, last = self.task.workload.sizes
        layers = [Input(first), *(Dense(n, "relu") for n in hidden), Dense(last, "softmax")]
        self.net = Network(layers, seed=0)
        for layer, (W, b) in zip(self.net.layers[1:], self.task.weights, strict=True):
            layer.weights[...] = W
            layer.bias[...] = b

    def train(self, epochs: int) -> None:
        self.net.fit(
            self.task.X,
            self.task.y,
            epochs=epochs,
            batch_size=self.task.workload.batch_size,
            optimizer="adam",
            loss="categorical_crossentropy",
            train_loss=self.train_loss,
            verbose=0,
        )

    def weights(self) -> Weights:
        return [(np.array(layer.weights), np.array(layer.bias)) for layer in self.net.layers[1:]]


class PellucidWithTrainLoss(Pellucid):
    """The same, and after each epoch the loss of all rows at the epoch's final weights."""

    train_loss = True


class Torch:
    """PyTorch: eager, a plain loop over shuffled batches of tensors in memory."""

    fused: bool | None = None

    def __init__(self, task: Task, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch, self.task = torch, task
        self.X, self.y = torch.from_numpy(task.X), torch.from_numpy(task.y)
        self.reset()

    def reset(self) -> None:
        torch = self.torch
        torch.manual_seed(0)
        layers: list[Any] = []
        for W, b in self.task.weights:
            layers += [torch.nn.Linear(*W.shape), torch.nn.ReLU()]
            layers[-2].weight.data.copy_(torch.from_numpy(W.T.copy()))
            layers[-2].bias.data.copy_(torch.from_numpy(b))
        self.net = torch.nn.Sequential(*layers[:-1])  # the loss holds the softmax
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.001, fused=self.fused)

    def train(self, epochs: int) -> None:
        torch, size = self.torch, self.task.workload.batch_size
        loss = torch.nn.CrossEntropyLoss()
        for _ in range(epochs):
            order = torch.randperm(len(self.X))
            for rows in order.split(size):
                self.optimizer.zero_grad()
                loss(self.net(self.X[rows]), self.y[rows]).backward()
                self.optimizer.step()

    def weights(self) -> Weights:
        dense = list(self.net)[::2]
        return [(d.weight.detach().numpy().T.copy(), d.bias.detach().numpy().copy()) for d in dense]


class TorchFused(Torch):
    """The same with the optimizer in one kernel, which is not PyTorch's default."""

    fused = True


class ScikitLearn:
    """scikit-learn: two classes are one logistic output there, which is the same function."""

    def __init__(self, task: Task, threads: int) -> None:
        from sklearn.neural_network import MLPClassifier

        warnings.filterwarnings("ignore")  # that the epochs were over before it converged
        self.task = task
        self.net = MLPClassifier(
            task.workload.sizes[1:-1],
            alpha=0.0,
            batch_size=task.workload.batch_size,
            max_iter=1,
            tol=0.0,
            n_iter_no_change=1_000_000,
            random_state=0,
            warm_start=True,  # later fits begin with `coefs_` as they stand, and a fresh Adam
        ).fit(task.X, task.y)
        self.reset()

    def reset(self) -> None:
        pairs = [(W.copy(), b.copy()) for W, b in self.task.weights]
        if self.task.workload.sizes[-1] == 2:
            W, b = pairs[-1]
            pairs[-1] = W[:, 1:] - W[:, :1], b[1:] - b[:1]
        self.net.coefs_, self.net.intercepts_ = [W for W, _ in pairs], [b for _, b in pairs]

    def train(self, epochs: int) -> None:
        self.net.set_params(max_iter=epochs).fit(self.task.X, self.task.y)

    def weights(self) -> Weights:
        pairs = list(zip(self.net.coefs_, self.net.intercepts_, strict=True))
        if self.task.workload.sizes[-1] == 2:
            W, b = pairs[-1]
            pairs[-1] = np.c_[0 * W, W], np.r_[0 * b, b]
        return pairs


class Jax:
    """JAX: an epoch is one compiled scan, its state given up to it, Adam written out."""

    def __init__(self, task: Task, threads: int) -> None:
        import jax
        import jax.numpy as jnp

        self.jax, self.jnp, self.task = jax, jnp, task
        self.X, self.y = jnp.array(task.X), jnp.array(task.y)
        size, full = task.workload.batch_size, len(task.X) // task.workload.batch_size

        def loss(weights: Any, a: Any, y: Any) -> Any:
            for W, b in weights[:-1]:
                a = jax.nn.relu(a @ W + b)
            z = a @ weights[-1][0] + weights[-1][1]
            return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1).mean()

        def step(state: Any, rows: Any, X: Any, y: Any) -> Any:
            w, m, v, t = state
            g = jax.grad(loss)(w, X[rows], y[rows])
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            rate, root = 0.001 / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
            w = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + 1e-8), w, m, v)
            return w, m, v, t

        @functools.partial(jax.jit, donate_argnums=0)
        def epoch(state: Any, order: Any, X: Any, y: Any) -> Any:
            batches = order[: full * size].reshape(full, size)
            state, _ = jax.lax.scan(lambda s, rows: (step(s, rows, X, y), None), state, batches)
            return step(state, order[full * size :], X, y) if len(order) > full * size else state

        self.epoch = epoch
        self.reset()

    def reset(self) -> None:
        array, zeros = self.jnp.array, self.jnp.zeros_like
        start = [[(make(W), make(b)) for W, b in self.task.weights] for make in (array, zeros, zeros)]
        self.state = (*start, self.jnp.float32(0))
        self.rng = np.random.default_rng(0)

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.rng.permutation(len(self.task.X)).astype(np.int32)
            self.state = self.epoch(self.state, order, self.X, self.y)
        self.jax.block_until_ready(self.state)

    def weights(self) -> Weights:
        return [(np.asarray(W), np.asarray(b)) for W, b in self.state[0]]


class Keras:
    """Keras: `compile` and `fit`, on the first of its backends that is installed."""

    def __init__(self, task: Task, threads: int) -> None:
        backends = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]
        os.environ.setdefault("KERAS_BACKEND", backends[0])
        import keras

        if keras.backend.backend() == "torch":
            import torch

            torch.set_num_threads(threads)
        self.keras, self.task = keras, task
        first, *hidden, last = task.workload.sizes
        dense = [keras.layers.Dense(n, "relu") for n in hidden]
        self.net = keras.Sequential([keras.Input((first,)), *dense, keras.layers.Dense(last, "softmax")])
        self.net.compile(keras.optimizers.Adam(0.001, epsilon=1e-8), "sparse_categorical_crossentropy")
        self.net.optimizer.build(self.net.trainable_variables)
        self.fresh = [np.array(v) for v in self.net.optimizer.variables]
        self.reset()

    def reset(self) -> None:
        self.keras.utils.set_random_seed(0)
        self.net.set_weights([a for pair in self.task.weights for a in pair])
        for variable, value in zip(self.net.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def train(self, epochs: int) -> None:
        size = self.task.workload.batch_size
        self.net.fit(self.task.X, self.task.y, batch_size=size, epochs=epochs, verbose=0)

    def weights(self) -> Weights:
        flat = self.net.get_weights()
        return list(zip(flat[::2], flat[1::2], strict=True))


# name: class, package to import, distribution that names its version
PARTICIPANTS: dict[str, tuple[type[Participant], str, str]] = {
    "pellucid": (Pellucid, "pellucid", "pellucid"),
    "pellucid, train_loss": (PellucidWithTrainLoss, "pellucid", "pellucid"),
    "PyTorch": (Torch, "torch", "torch"),
    "PyTorch, fused Adam": (TorchFused, "torch", "torch"),
    "scikit-learn": (ScikitLearn, "sklearn", "scikit-learn"),
    "JAX": (Jax, "jax", "jax"),
    "Keras": (Keras, "keras", "keras"),
}


def installed() -> dict[str, str]:
    """Names and versions of the participants that this Python can import."""
    return {
        name: importlib.metadata.version(distribution)
        for name, (_, package, distribution) in PARTICIPANTS.items()
        if importlib.util.find_spec(package)
    }
