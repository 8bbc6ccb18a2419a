"""What a network is made of: its layers, their numbers by name, and what training left behind."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid import checks
from pellucid.activations import ACTIVATIONS
from pellucid.built import Built, build
from pellucid.engine.buffer import Arena, Array
from pellucid.errors import ArgumentError, ShapeError
from pellucid.glass.neurons import Inside, LayerView, Named, Neuron
from pellucid.glass.summary import Summary, summarise
from pellucid.glass.wiring import Wiring, all_layers
from pellucid.initializers import initialize
from pellucid.layers.base import Layer, Parameter
from pellucid.layers.frozen import Frozen
from pellucid.layers.input import Input
from pellucid.losses import LOSSES, Loss
from pellucid.training.history import History
from pellucid.training.state import State


class Anatomy:
    """Layers built and named, the memory of their numbers, and views of it; see `Network`."""

    def __init__(
        self, layers: Sequence[Layer], *, seed: int = 0, parameters: Mapping[str, Array] | None = None
    ) -> None:
        if not isinstance(layers, Built):
            layers = list(layers) if isinstance(layers, Iterable) else [layers]
        if not layers or not isinstance(layers[0], Input):
            raise ArgumentError("a network begins with its inputs: Network([Input(n_features), ...]).")
        if len(layers) < 2:
            raise ArgumentError("a network needs at least one layer after its Input, such as Dense(1).")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise ArgumentError(f"a network is made of layers, but got {layer!r}.")
        self.seed = checks.whole("seed", seed, least=0)
        self._definitions = build(layers)
        self._parameters = self._definitions.parameters
        if parameters is not None:  # before memory is taken for what a file claims to hold
            check_shapes(parameters, self._parameters)
        self._arena = Arena(p.buffer for p in self._parameters)
        for i, p in enumerate(self._parameters):
            drawn = initialize(p, self.seed, i) if parameters is None else parameters[p.name]
            self._arena.view(p.buffer)[:] = drawn
        self.classes: list[Any] | None = None
        self.task: str | None = None
        self._loss: Loss | None = None
        self._state: State | None = None
        self._training = threading.Lock()
        self._of_gradients = threading.RLock()  # whose thread may write the gradients that users see
        self._metrics: list[Any] = []
        self._optimizer: Any = None

    @property
    def layers(self) -> Named[LayerView]:
        """The layers, by position or name; the first is the input. By name also those inside of others."""
        named, inside = self._definitions, self._inside
        inner = [la for outer in named for branch in outer.branches for la in all_layers(branch)]
        others = {la.label: functools.partial(LayerView, la, inside) for la in inner}
        return Named("layer", [la.label for la in named], lambda i: LayerView(named[i], inside), others)

    @property
    def _input(self) -> Input:
        """The first layer, which knows the features."""
        first = self._definitions[0]
        assert isinstance(first, Input)
        return first

    @property
    def features(self) -> list[str]:
        """Names of the inputs."""
        return list(self._input.features)

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self._definitions[0].n_out

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self._definitions[-1].n_out

    @property
    def output_activation(self) -> Any:
        """The activation of the output layer."""
        last = self._definitions[-1]
        while isinstance(last, Frozen):
            last = last.branches[0][-1]
        return getattr(last, "activation", None) or ACTIVATIONS.find("linear")

    @property
    def parameters(self) -> dict[str, Array]:
        """Views of all parameters by name, such as `hidden_1/weights`."""
        return {p.name: self._view(p) for p in self._parameters}

    @property
    def gradients(self) -> dict[str, Array]:
        """Views of all gradients by their parameter's name, as the last step or trace left them."""
        return {p.name: self._gradient(p) for p in self._parameters if p.trainable}

    @property
    def history(self) -> History:
        """Numbers of each epoch so far."""
        return self._state.history if self._state else History()

    @property
    def loss(self) -> Loss:
        """The loss of the last fit, or the one that suits the output."""
        return self._loss_for(None)

    def summary(self) -> Summary:
        """Layers, shapes, synapses, parameters, bytes and multiplications a sample; prints as a table."""
        return summarise(self._definitions)

    def neuron(self, name: str, number: int | None = None) -> Neuron:
        """A neuron by a name such as `hidden_1/3`, or by its layer and number; also of layers inside others.

        Raises
        ------
        ArgumentError
            If there is no such neuron; the message names those that there are.

        Examples
        --------
        >>> from pellucid import Dense, Input, Network
        >>> net = Network([Input(["age", "income"]), Dense(3, "tanh"), Dense(1)], seed=0)
        >>> net.neuron("hidden_1/2").outgoing
        [<synapse 'hidden_1/2' -> 'output/0': -0.4906>]
        """
        return self._inside.neuron(name, number)

    # ---------------------------------------------------------------- inside

    @functools.cached_property
    def wiring(self) -> Wiring:
        """Which synapse leads where, and the names of what comes into each layer."""
        return Wiring(self._definitions, self.features)

    @property
    def _inside(self) -> Inside:
        return Inside(self._definitions, self.wiring, self._view, self._gradient, self._optimizer_states)

    def _view(self, parameter: Parameter) -> Array:
        return self._arena.view(parameter.buffer)

    @functools.cached_property
    def _gradient_arena(self) -> Arena:
        return Arena(p.gradient for p in self._parameters if p.trainable)

    def _gradient(self, parameter: Parameter) -> Array:
        return self._gradient_arena.view(parameter.gradient)

    def _optimizer_states(self, parameter: Parameter) -> dict[str, Array]:
        kept = self._state.optimizer if self._state else {}
        of = {n.rpartition("/")[2]: v for n, v in kept.items() if n.rpartition("/")[0] == parameter.name}
        return {n: v for n, v in of.items() if v.shape == parameter.shape}

    def _loss_for(self, loss: Any) -> Loss:
        if loss is not None:
            return LOSSES.find(loss)
        return self._loss or Loss.default_for(self.output_activation)


def check_shapes(given: Mapping[str, Array], parameters: Sequence[Parameter]) -> None:
    """ShapeError unless there is an array of float32 of the right shape for each parameter."""
    for p in parameters:
        if p.name not in given:
            raise ShapeError(f"the weights lack {p.name!r}.")
        found = given[p.name]
        if found.shape != p.shape or found.dtype != np.float32:
            raise ShapeError(
                f"{p.name!r} has shape {found.shape} and type {found.dtype}, but float32 of shape {p.shape} "
                "is expected."
            )
