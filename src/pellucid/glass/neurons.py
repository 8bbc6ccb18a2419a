"""A network's layers, neurons and synapses, as one can name and follow them.

Nothing is copied: a weight read here is the number that the kernels use, and setting one sets it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, ShapeError, UnknownNameError
from pellucid.layers.base import Layer, Parameter

T = TypeVar("T")
View = Callable[[Parameter], Array]


class Named(Sequence[T], Generic[T]):
    """Things in order that also have names: `layers[1]`, `layers["hidden_1"]`."""

    def __init__(self, kind: str, names: Sequence[str], make: Callable[[int], T]) -> None:
        self._kind, self._names, self._make = kind, list(names), make

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
            if at not in self._names:
                raise UnknownNameError(self._kind, at, self._names)
            return self._make(self._names.index(at))
        if not -len(self) <= at < len(self):
            raise IndexError(f"there is no {self._kind} {at}: there are {len(self)}.")
        return self._make(at % len(self))

    def __iter__(self) -> Iterator[T]:
        return map(self._make, range(len(self)))

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self))}]" if len(self) <= 20 else f"<{len(self)} {self._kind}s>"


class LayerView:
    """One layer of a network with its numbers.

    Each parameter is an attribute under its own name: `weights` `(n_in, n_out)`, `bias` `(n_out,)`, and
    so on; each is a view into the network, and setting it sets the network's numbers. `gradients` holds
    the same names, as the last step left them.
    """

    def __init__(self, layer: Layer, sources: Sequence[str], view: View, gradient: View) -> None:
        self._layer, self._sources, self._view, self._gradient = layer, sources, view, gradient

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
        if not any(p.synapses and self._short(p) == "weights" for p in self._layer.parameters):
            raise ArgumentError(f"layer {self.name!r} ({self.kind}) has no neurons of its own.")
        return Named("neuron", [f"{self.name}/{j}" for j in range(self.n_out)], lambda j: Neuron(self, j))

    def _short(self, parameter: Parameter) -> str:
        return parameter.name.removeprefix(f"{self.name}/")

    def __getattr__(self, name: str) -> Array:
        if not name.startswith("_"):
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

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}: {self.n_in} -> {self.n_out}>"


@dataclass(frozen=True)
class Neuron:
    """One neuron: its bias and the synapses that lead to it."""

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

    @property
    def weights(self) -> Array:
        """View of its incoming weights, `(n_in,)`."""
        return self.layer.weights[:, self.index]

    @property
    def synapses(self) -> Named[Synapse]:
        """Its incoming synapses, in the order of what they come from."""
        return Named("synapse", self.layer._sources, lambda i: Synapse(self, i))

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
        return str(self.neuron.layer._sources[self.index])

    @property
    def weight(self) -> float:
        """The number its source is multiplied with."""
        return float(self.neuron.weights[self.index])

    @weight.setter
    def weight(self, value: float) -> None:
        self.neuron.weights[self.index] = value

    @property
    def gradient(self) -> float:
        """The derivative of the loss by its weight, as the last training step or trace left it."""
        return float(self.neuron.layer.gradients["weights"][self.index, self.neuron.index])

    def __repr__(self) -> str:
        return f"<synapse {self.source!r} -> {self.neuron.name!r}: {self.weight:.4g}>"
