"""The way of one row through a network: what feeds each layer, and where its error comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.glass.neurons import LayerView
from pellucid.glass.text import table_text
from pellucid.glass.trace import Trace
from pellucid.glass.wiring import has_neurons

MOST = 4  # neurons, inputs and weights that are named


@dataclass(frozen=True)
class Source:
    """What comes into a layer from one neuron or input.

    Parameters
    ----------
    name : str
        Such as `hidden_1/3`, or a feature.
    a : float
        Its activation.
    share : float
        Its part, from 0 to 1, of all |activation × weight| that come into the layer.
    """

    name: str
    a: float
    share: float


@dataclass(frozen=True)
class Station:
    """What happens to a row in one layer with neurons.

    Parameters
    ----------
    name : str
        The layer.
    sources : tuple of Source
        What feeds it most.
    delta : float or None
        The Euclidean norm of its delta = ∂loss/∂z, if the row went backward too.
    blamed : tuple of (str, float)
        The neurons with the largest delta, and theirs.
    """

    name: str
    sources: tuple[Source, ...]
    delta: float | None = None
    blamed: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Journey:
    """The way of one row, forward and, if its target is known, backward.

    Parameters
    ----------
    layers : tuple of Station
        Those with neurons, in order.
    outputs : tuple of (str, float, float)
        Name, weighted input z and activation a of each output neuron.
    loss : float or None
        The loss of the row.
    moved : tuple of (str, float, float)
        The weights that the row would move most: name such as `hidden_1/3/age`, weight, ∂loss/∂weight.
    in_own_unit : tuple of float
        Each output in the unit of the table's target, where that is another one.
    """

    layers: tuple[Station, ...]
    outputs: tuple[tuple[str, float, float], ...]
    loss: float | None = None
    moved: tuple[tuple[str, float, float], ...] = ()
    in_own_unit: tuple[float, ...] = ()

    def forward(self) -> str:
        """The way forward, for people."""
        rows = [
            [la.name, ", ".join(f"{s.name} {s.a:.3g} ({100 * s.share:.0f} %)" for s in la.sources)]
            for la in self.layers
        ]
        head = ["output", "z", "a", *["in its own unit"] * bool(self.in_own_unit)]
        outputs = [[name, f"{z:.5g}", f"{a:.5g}"] for name, z, a in self.outputs]
        for line, value in zip(outputs, self.in_own_unit, strict=False):
            line.append(f"{value:.6g}")
        fed = table_text(["layer", "fed most by (activation, share of what comes in)"], rows, 2)
        return f"{fed}\n\n{table_text(head, outputs)}"

    def backward(self) -> str:
        """The way backward, for people."""
        rows = [
            [la.name, f"{la.delta:.3g}", ", ".join(f"{name} {delta:.3g}" for name, delta in la.blamed)]
            for la in reversed(self.layers)
            if la.delta is not None
        ]
        moved = [[name, f"{weight:.4g}", f"{gradient:.3g}"] for name, weight, gradient in self.moved]
        deltas = table_text(["layer", "|delta|", "neurons with the largest delta"], rows, 3)
        return f"{deltas}\n\n{table_text(['moves most', 'weight', 'gradient'], moved)}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)


def journey_of(layers: Sequence[LayerView], x: Array, trace: Trace, names: Sequence[str]) -> Journey:
    """The way of the one row of a trace.

    Parameters
    ----------
    layers : sequence of LayerView
        All layers of the network.
    x : array (n_in,)
        The row.
    trace : Trace
        Of this row alone.
    names : sequence of str
        What the outputs are called.
    """
    stations, a = [], x
    for layer, traced in zip(layers[1:], trace.layers, strict=True):
        if has_neurons(layer.definition):
            stations.append(_station(layer, a, None if traced.delta is None else traced.delta[0]))
        if traced.a is not None:  # in a prediction dropout makes nothing: a is what it was
            a = traced.a[0]
    last = trace.layers[-1]
    z = trace.outputs[0] if last.z is None else last.z[0]
    outputs = tuple(
        (name, float(z_k), float(a_k)) for name, z_k, a_k in zip(names, z, trace.outputs[0], strict=True)
    )
    if trace.loss is None:
        return Journey(tuple(stations), outputs)
    return Journey(tuple(stations), outputs, float(trace.loss[0]), _moved(layers, trace))


def _station(layer: LayerView, a: Array, delta: Array | None) -> Station:
    comes_in = np.abs(a.astype(np.float64)) * np.abs(layer.weights.astype(np.float64)).sum(axis=1)
    total, names = comes_in.sum() or 1.0, layer.sources
    sources = tuple(Source(names[i], float(a[i]), float(comes_in[i] / total)) for i in _largest(comes_in))
    if delta is None:
        return Station(layer.name, sources)
    blamed = tuple((f"{layer.name}/{j}", float(delta[j])) for j in _largest(delta))
    return Station(layer.name, sources, float(np.linalg.norm(delta.astype(np.float64))), blamed)


def _moved(layers: Sequence[LayerView], trace: Trace) -> tuple[tuple[str, float, float], ...]:
    found: list[tuple[str, float, float]] = []
    for layer, traced in zip(layers[1:], trace.layers, strict=True):
        weights = layer.parameters
        for short, gradient in traced.gradients.items():
            for at in _largest(gradient):
                place = np.unravel_index(at, gradient.shape)
                name = _name_of(layer, short, tuple(map(int, place)))
                found.append((name, float(weights[short][place]), float(gradient[place])))
    return tuple(sorted(found, key=lambda f: -abs(f[2]))[:MOST])


def _name_of(layer: LayerView, parameter: str, place: tuple[int, ...]) -> str:
    """Such as `hidden_1/3/age` of a weight, `hidden_1/3/bias`, and `scale_1/factors[age]` of other layers."""
    if has_neurons(layer.definition) and parameter in ("weights", "bias"):
        source = layer.sources[place[0]] if parameter == "weights" else "bias"
        return f"{layer.name}/{place[-1]}/{source}"
    if len(place) == 1 and layer.n_in == layer.n_out == len(layer.parameters[parameter]):
        return f"{layer.name}/{parameter}[{layer.sources[place[0]]}]"
    return f"{layer.name}/{parameter}[{', '.join(map(str, place))}]"


def _largest(numbers: Array) -> list[int]:
    """Where the largest of some numbers stand, whatever their sign."""
    order = np.argsort(-np.abs(numbers), axis=None, kind="stable")[:MOST].tolist()
    return [i for i in order if numbers.flat[i] != 0]
