"""A network's layers, neurons and synapses, as one can name and follow them.

Nothing is copied: a weight read here is the number that the kernels use, and setting one sets it there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, ShapeError, UnknownNameError
from pellucid.glass.wiring import Wiring, all_layers, has_neurons
from pellucid.layers.base import Layer, Parameter

T = TypeVar("T")
View = Callable[[Parameter], Array]
LARGEST = float(np.finfo(np.float32).max)


class Named(Sequence[T], Generic[T]):
    """Things in order that also have names: `layers[1]`, `layers["hidden_1"]`.

    Parameters
    ----------
    kind : str
        What they are, for messages.
    names : sequence of str
        Of each.
    make : callable
        Gives one by its place.
    others : mapping of str to callable, optional
        Give by their names things that have no place among these, such as layers inside others.
    """

    def __init__(
        self,
        kind: str,
        names: Sequence[str],
        make: Callable[[int], T],
        others: Mapping[str, Callable[[], T]] | None = None,
    ) -> None:
        self._kind, self._names, self._make, self._others = kind, list(names), make, others or {}

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, at: int | str) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | str | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self._make(i) for i in range(len(self))[at]]
        if isinstance(at, str):
            if at in self._others:
                return self._others[at]()
            if at not in self._names:
                raise UnknownNameError(self._kind, at, [*self._names, *self._others])
            return self._make(self._names.index(at))
        if isinstance(at, bool) or not hasattr(at, "__index__"):
            raise ArgumentError(f"a {self._kind} is chosen by its name or its number, but got {at!r}.")
        if not -len(self) <= at < len(self):
            raise IndexError(f"there is no {self._kind} {at}: there are {len(self)}, counted from 0.")
        return self._make(operator.index(at) % len(self))

    def __iter__(self) -> Iterator[T]:
        return map(self._make, range(len(self)))

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self))}]" if len(self) <= 20 else f"<{len(self)} {self._kind}s>"


@dataclass(frozen=True)
class Inside:
    """How the views of one network reach its numbers.

    Parameters
    ----------
    layers : sequence of Layer
        Its layers.
    wiring : Wiring
        What leads where.
    view, gradient : callable
        The numbers of a parameter, and those of its gradient.
    states : callable
        What the optimizer kept for a parameter, by name.
    """

    layers: Sequence[Layer]
    wiring: Wiring
    view: View
    gradient: View
    states: Callable[[Parameter], dict[str, Array]]

    def neuron(self, name: str, number: int | None = None) -> Neuron:
        """The neuron of a name such as `hidden_1/3`, or of a layer, also inside another one, and a number.

        Raises
        ------
        ArgumentError
            If there is none; the message names the layers or the numbers that there are.
        """
        found, j = find_neuron(self.wiring, name, number)
        return Neuron(LayerView(found, self), j)


def find_neuron(wiring: Wiring, name: str, number: int | None = None) -> tuple[Layer, int]:
    """The layer and the number of a neuron, see `Inside.neuron`; a layer inside others also by its end."""
    known = {la.label: la for la in all_layers(wiring.layers) if has_neurons(la)}
    label = name
    if number is None:
        if makers := wiring.makers.get(str(name)):
            more = f" (and {len(makers) - 1} more)" if len(makers) > 1 else ""
            raise ArgumentError(
                f"{name!r} is no neuron: layer {makers[0]!r}{more} makes it without synapses. Ask for a "
                f"neuron that it leads to, LAYER/NUMBER. Layers: {', '.join(known)}."
            )
        label, _, digits = str(name).rpartition("/")
        if not label or not digits.isdecimal():
            like = f", such as {next(iter(known))}/0" if known else ""
            raise ArgumentError(
                f"a neuron is named LAYER/NUMBER{like}, but got {name!r}. Layers: {', '.join(known)}."
            )
        number = int(digits)
    if label not in known:
        inner = [n for n in known if n.endswith(f"/{label}")]
        if len(inner) != 1:
            raise UnknownNameError("layer with neurons", label, known)
        label = inner[0]
    number = checks.whole(f"the number of a neuron of {label!r}", number, least=0)
    if number >= known[label].n_out:
        raise ArgumentError(
            f"layer {label!r} has the neurons 0 to {known[label].n_out - 1}, but got {number}. "
            "Choose one of them."
        )
    return known[label], number


class LayerView:
    """One layer of a network with its numbers.

    Each parameter is an attribute under its own name: `weights` `(n_in, n_out)`, `bias` `(n_out,)`, and
    so on; each is a view into the network, and setting it sets the network's numbers. `gradients` holds
    the same names, as the last step left them.
    """

    def __init__(self, layer: Layer, inside: Inside) -> None:
        self._layer, self._inside = layer, inside
        self._view, self._gradient = inside.view, inside.gradient

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._layer.label

    @property
    def kind(self) -> str:
        """What it is: `dense`, `dropout`, ..."""
        return self._layer.kind

    @property
    def n_in(self) -> int:
        """Numbers that come in, for each row."""
        return self._layer.n_in

    @property
    def n_out(self) -> int:
        """Numbers that go out, for each row; in a dense layer its neurons."""
        return self._layer.n_out

    @property
    def definition(self) -> Layer:
        """The layer as it was written."""
        return self._layer

    @property
    def parameters(self) -> dict[str, Array]:
        """Views of its parameters, by the name within the layer."""
        return {self._short(p): self._view(p) for p in self._layer.parameters}

    @property
    def gradients(self) -> dict[str, Array]:
        """Views of the gradients of its trainable parameters as the last training step or trace left them."""
        return {self._short(p): self._gradient(p) for p in self._layer.parameters if p.trainable}

    @property
    def neurons(self) -> Named[Neuron]:
        """Its neurons; only a layer with weights has them."""
        if not has_neurons(self._layer):
            raise ArgumentError(f"layer {self.name!r} ({self.kind}) has no neurons of its own.")
        return Named("neuron", [f"{self.name}/{j}" for j in range(self.n_out)], lambda j: Neuron(self, j))

    @property
    def sources(self) -> list[str]:
        """The names of what comes in: features, or neurons such as `hidden_1/3`."""
        return self._inside.wiring.sources[self.name]

    def _gradient_of(self, name: str) -> Array:
        gradients = self.gradients
        if name not in gradients:
            raise ArgumentError(f"layer {self.name!r} is frozen: training makes no gradient of its {name}.")
        return gradients[name]

    def _kept(self, name: str) -> dict[str, Array]:
        """What the optimizer kept for a parameter."""
        return next((self._inside.states(p) for p in self._layer.parameters if self._short(p) == name), {})

    def _short(self, parameter: Parameter) -> str:
        return parameter.name.removeprefix(f"{self.name}/")

    def __getattr__(self, name: str) -> Array:
        if name.startswith("_"):  # asked for before there is a layer, by what copies or unpickles
            raise AttributeError(name)
        for parameter in self._layer.parameters:
            if self._short(parameter) == name:
                return self._view(parameter)
        raise AttributeError(f"layer {self.name!r} ({self.kind}) has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        view = self.parameters.get(name)
        if view is None:
            raise ArgumentError(f"layer {self.name!r} ({self.kind}) has no parameter {name!r} to set.")
        try:
            array = np.asarray(value, np.float32)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"layer {self.name!r}: {name} must be numbers, but got {value!r:.60}."
            ) from None
        if array.shape not in (view.shape, ()):
            expected = f"layer {self.name!r}: {name} has shape {view.shape}"
            raise ShapeError(f"{expected}, but got an array of shape {array.shape}.")
        view[:] = array

    def __reduce__(self) -> tuple[Any, ...]:
        raise ArgumentError(
            f"{self!r} is a view into its network and cannot be copied alone. Copy the network: net.copy()."
        )

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}: {self.n_in} -> {self.n_out}>"


@dataclass(eq=False)
class Neuron:
    """One neuron: its bias, the synapses that lead to it and those that lead on from it."""

    layer: LayerView
    index: int

    @property
    def name(self) -> str:
        """Such as `hidden_1/3`."""
        return f"{self.layer.name}/{self.index}"

    @property
    def bias(self) -> float:
        """The number added to its weighted inputs."""
        return float(self.layer.bias[self.index])

    @bias.setter
    def bias(self, value: float) -> None:
        name = f"the bias of {self.name!r}"
        self.layer.bias[self.index] = checks.number(name, value, -LARGEST, LARGEST)

    @property
    def bias_gradient(self) -> float:
        """The derivative of the loss by its bias, as the last training step or trace left it."""
        return float(self.layer._gradient_of("bias")[self.index])

    @property
    def bias_optimizer(self) -> dict[str, float]:
        """What the optimizer keeps for its bias, see `Synapse.optimizer`."""
        return {n: float(v[self.index]) for n, v in self.layer._kept("bias").items()}

    @property
    def weights(self) -> Array:
        """View of its incoming weights, `(n_in,)`."""
        return self.layer.weights[:, self.index]

    @property
    def synapses(self) -> Named[Synapse]:
        """Its incoming synapses, in the order of what they come from."""
        return Named("synapse", self.layer.sources, lambda i: Synapse(self, i))

    @property
    def incoming(self) -> Named[Synapse]:
        """The same as `synapses`."""
        return self.synapses

    @property
    def outgoing(self) -> Named[Synapse]:
        """The synapses that lead on from it, by the neuron that they lead to; none from the last layer.

        Layers between that keep a neuron in its place, such as dropout, activations, scaling and
        normalisation, are passed over: the weight is then on what they make of its activation. Around a
        `Residual` and into a `Concat` there are several ways, and all of them are given.
        """
        inside = self.layer._inside
        ways: list[tuple[Layer, int, int]] = []
        known = {la.label: la for la in all_layers(inside.layers)}
        for label, i in inside.wiring.reached.get((self.layer.name, self.index), []):
            ways += [(known[label], i, k) for k in range(known[label].n_out)]

        def synapse(at: int) -> Synapse:
            layer, i, k = ways[at]
            return Synapse(Neuron(LayerView(layer, inside), k), i)

        return Named("synapse", [f"{layer.label}/{k}" for layer, _, k in ways], synapse)

    def __repr__(self) -> str:
        return f"<neuron {self.name!r}: {self.layer.n_in} synapses, bias {self.bias:.4g}>"


@dataclass(eq=False)
class Synapse:
    """One weight, from an input or a neuron to a neuron."""

    neuron: Neuron
    index: int

    @property
    def source(self) -> str:
        """The name of what it comes from: a feature, or a neuron such as `hidden_1/0`."""
        return str(self.neuron.layer.sources[self.index])

    @property
    def target(self) -> str:
        """The name of the neuron that it leads to."""
        return self.neuron.name

    @property
    def weight(self) -> float:
        """The number its source is multiplied with."""
        return float(self.neuron.weights[self.index])

    @weight.setter
    def weight(self, value: float) -> None:
        name = f"the weight from {self.source!r} to {self.target!r}"
        self.neuron.weights[self.index] = checks.number(name, value, -LARGEST, LARGEST)

    @property
    def gradient(self) -> float:
        """The derivative of the loss by its weight, as the last training step or trace left it."""
        return float(self.neuron.layer._gradient_of("weights")[self.index, self.neuron.index])

    @property
    def optimizer(self) -> dict[str, float]:
        """What the optimizer keeps for its weight, as the last fit left it: `{"m": ..., "v": ...}` for adam.

        Empty before a fit, after a fit whose optimizer keeps nothing, and in a network from a file that was
        saved without its training.
        """
        kept = self.neuron.layer._kept("weights")
        return {n: float(v[self.index, self.neuron.index]) for n, v in kept.items()}

    def __repr__(self) -> str:
        return f"<synapse {self.source!r} -> {self.target!r}: {self.weight:.4g}>"
