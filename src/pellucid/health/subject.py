"""What the checks look at: a network, some rows, and all that is worked out from them, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.activations import Activation, RowActivation
from pellucid.engine.buffer import Array
from pellucid.glass.trace import Trace
from pellucid.glass.wiring import all_layers
from pellucid.health.finding import Trial
from pellucid.health.trials import Trials
from pellucid.kernels.random import permutation
from pellucid.layers.base import Layer, layer_from_spec
from pellucid.losses import Loss
from pellucid.training.data import Targets
from pellucid.training.history import History

if TYPE_CHECKING:
    from pellucid.network import Network

MOST_TRACED = 2000  # rows whose every number is looked at


@dataclass(frozen=True, eq=False)
class Activity:
    """What the rows make of a hidden layer of neurons, its weights, and its share of the error."""

    layer: Layer
    activation: Activation
    z: Array
    a: Array
    delta: Array | None
    weights: Array | None
    bias: Array | None

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.label

    @cached_property
    def slopes(self) -> Array:
        """|da/dz| of each neuron in each row, as a share of the largest there can be."""
        if isinstance(self.activation, RowActivation):
            slope, most = self.a * (1 - self.a), 0.25
        else:
            grid = np.linspace(-8, 8, 1601)
            settings = self.activation.settings
            with np.errstate(all="ignore"):
                slope = self.activation.derivative(self.z, self.a, **settings)
                most = np.abs(self.activation.derivative(grid, self.activation(grid), **settings)).max()
        return np.asarray(np.abs(slope) / most)


class Subject:
    """A network and rows to examine it on.

    Parameters
    ----------
    net : Network
        A copy that may be changed.
    X : float array (n_samples, n_in)
        Inputs.
    y : Targets
        Their targets.
    rows : sequence of int
        What each row is called.
    columns : mapping of str to list of int
        The inputs that belong together, such as those of a category, by their common name.
    trials : Trials or None
        For trying what may help; None where nothing is to be tried.
    histories : sequence of History
        Of the networks that this one is the mean of; its own where it is none.
    """

    def __init__(
        self,
        net: Network,
        X: Array,
        y: Targets,
        rows: Sequence[int],
        columns: Mapping[str, Sequence[int]],
        trials: Trials | None,
        histories: Sequence[History] = (),
    ) -> None:
        self.net, self.X, self.y, self.rows, self.columns, self.trials = net, X, y, rows, columns, trials
        self.histories = histories or [net.history]

    def trial(self, change: str, **changes: Any) -> Trial | None:
        """Whether a change helps, see `Trials.of`; None where nothing is to be tried."""
        return self.trials.of(change, **changes) if self.trials else None

    @property
    def features(self) -> list[str]:
        """Names of the inputs."""
        return self.net.features

    @property
    def history(self) -> History:
        """What the training left behind."""
        return self.net.history

    @property
    def loss(self) -> Loss:
        """What the network minimises."""
        return self.net._loss_for(None)

    @cached_property
    def sample(self) -> Array:
        """Some of the rows, drawn by the seed; all where they are not many."""
        n = len(self.X)
        return np.arange(n) if n <= MOST_TRACED else np.sort(permutation(self.net.seed, 0, n)[:MOST_TRACED])

    @cached_property
    def trace(self) -> Trace:
        """Every number of the sample's way through the network."""
        return self.net.trace(self.X[self.sample], self.y.values[self.sample])

    @cached_property
    def outputs(self) -> Array:
        """What the network answers to each row."""
        return self.net.predict(self.X)

    @cached_property
    def matrix(self) -> Array:
        """Targets as (n_samples, n_out), one-hot for classes."""
        return np.eye(self.net.n_out, dtype=np.float32)[self.y.values] if self.y.is_indexed else self.y.values

    @cached_property
    def losses(self) -> Array:
        """Loss of each row."""
        return self.loss(self.outputs, self.matrix)

    @cached_property
    def trivial_loss(self) -> float:
        """Mean loss of who answers the mean of the targets, or the shares of the classes, to every row."""
        mean = np.broadcast_to(self.matrix.mean(axis=0), self.matrix.shape)
        return float(self.loss(mean, self.matrix).mean())

    @cached_property
    def classes(self) -> Array | None:
        """Index of the class of each row; None where the targets are no classes, or several at once."""
        if self.y.is_indexed:
            return self.y.values
        if self.y.task == "multiclass":
            return np.asarray(self.y.values.argmax(axis=1))
        return (self.y.values[:, 0] > 0.5).astype(np.int64) if self.y.task == "binary" else None

    def probabilities(self, outputs: Array) -> Array | None:
        """Outputs as the probability of each class, (n_samples, n_classes); None where they are none."""
        if self.classes is None or self.loss.only or self.net.output_activation.range != (0.0, 1.0):
            return None
        p = np.asarray(outputs, np.float64)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p

    @cached_property
    def is_code(self) -> Array:
        """Which inputs hold codes that an Embedding replaces."""
        found = np.zeros(self.net.n_in, np.bool_)
        for layer in self.net._definitions[1:]:
            if layer.kind != "embedding":
                break
            found[[c.index for c in layer.columns]] = True  # type: ignore[attr-defined]
        return found

    @cached_property
    def hidden(self) -> list[Activity]:
        """The hidden layers of neurons that the trace shows, from the input to the output."""
        return self._activities(self.net, self.trace)

    @cached_property
    def first(self) -> Network:
        """The network as it was before it learned anything."""
        net = type(self.net)([layer_from_spec(la.spec) for la in self.net._definitions], seed=self.net.seed)
        net._loss = self.net._loss
        return net

    @cached_property
    def hidden_at_first(self) -> list[Activity]:
        """The hidden layers as they were before the network learned anything."""
        return self._activities(self.first, self.first.trace(self.X[self.sample], self.y.values[self.sample]))

    def _activities(self, net: Network, trace: Trace) -> list[Activity]:
        numbers, views, found = trace.numbers, net.parameters, []
        for layer in all_layers(net._definitions[: self._output_at()]):
            activation, z = getattr(layer, "activation", None), numbers.get(f"{layer.label}/z")
            if activation is None or z is None:
                continue
            a, delta = numbers.get(f"{layer.label}/a", z), numbers.get(f"{layer.label}/delta")
            weights, bias = views.get(f"{layer.label}/weights"), views.get(f"{layer.label}/bias")
            found.append(Activity(layer, activation, z, a, delta, weights, bias))
        return found

    def _output_at(self) -> int:
        """Position of the last layer of neurons, which answers."""
        definitions = self.net._definitions
        return max((i for i, layer in enumerate(definitions) if layer.parameters), default=0)
