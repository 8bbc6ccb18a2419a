"""A network's layers as the stages of its picture, and the words above it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.glass.wiring import all_layers, has_neurons

if TYPE_CHECKING:
    from pellucid.glass.neurons import LayerView
    from pellucid.glass.trace import Trace
    from pellucid.plots.stages import Stage

MOST_NAMED = 4  # hidden layers whose sizes are said one by one


def stages_of(
    layers: Sequence[LayerView],
    features: Sequence[str],
    outputs: Sequence[str],
    trace: Trace | None = None,
    row: int = 0,
) -> list[Stage]:
    """The stages of a network's picture.

    Parameters
    ----------
    layers : sequence of LayerView
        All of them, the input first.
    features, outputs : sequence of str
        What its inputs and its outputs stand for.
    trace : Trace, optional
        Of the same network; gives the activations.
    row : int
        The row of the trace.
    """
    from pellucid.plots.stages import Stage

    values = {la.name: _row(la.a, row) for la in trace.layers} if trace else {}
    if trace:
        values[layers[0].name] = _row(trace.numbers.get("X"), row)
    last = max((i for i, la in enumerate(layers) if has_neurons(la.definition)), default=0)
    stages = []
    for i, layer in enumerate(layers):
        given = values.get(layer.name)
        if i == 0:
            stages.append(Stage(layer.name, "", layer.n_out, names=list(features), values=given))
        elif has_neurons(layer.definition):
            activation = getattr(layer.definition, "activation", None)
            names = outputs if i == last and layer.n_out == len(outputs) else ()
            bias = layer.parameters.get("bias")
            caption = str(activation) if activation else layer.kind
            weights, bias = np.asarray(layer.weights), None if bias is None else np.asarray(bias)
            stages.append(Stage(layer.name, caption, layer.n_out, weights, bias, names, given))
        else:
            within = [la for branch in layer.definition.branches for la in all_layers(branch)]
            inner = [(la.n_in, la.n_out) for la in within if has_neurons(la)]
            stages.append(Stage(layer.name, _settings(layer), layer.n_out, inner=inner))
    return stages


def find_marked(stages: Sequence[Stage], neuron: str | None) -> tuple[int, int] | None:
    """The place of a neuron such as `hidden_1/3` among the stages.

    Raises
    ------
    UnknownNameError, ArgumentError
        If there is no such layer or neuron.
    """
    if neuron is None:
        return None
    with_neurons = {s.name: i for i, s in enumerate(stages) if s.weights is not None}
    layer, _, index = str(neuron).rpartition("/")
    if outer := next((s.name for s in stages if s.inner and layer.startswith(f"{s.name}/")), None):
        raise ArgumentError(
            f"neuron {neuron!r} is inside of {outer!r}, which a picture shows as one bar. "
            f"Choose one of {', '.join(with_neurons)}."
        )
    if layer not in with_neurons:
        raise UnknownNameError("layer with neurons", layer or neuron, with_neurons)
    n = stages[with_neurons[layer]].n
    if not index.isdecimal() or int(index) >= n:
        raise ArgumentError(
            f"layer {layer!r} has the neurons 0 to {n - 1}, but got {index!r}. Choose one of them."
        )
    return with_neurons[layer], int(index)


def title_of(stages: Sequence[Stage], marked: tuple[int, int] | None) -> str:
    """What is seen, in a sentence."""
    from pellucid.plots.style import name, plural

    if marked is not None:
        stage, j = stages[marked[0]], marked[1]
        behind = next((s for s in stages[marked[0] + 1 :] if s.weights is not None), None)
        n_in = 0 if stage.weights is None else len(stage.weights)
        leads = behind is not None and behind.weights is not None and len(behind.weights) == stage.n
        out = f" and leads to {behind.n:,}" if leads and behind else ""
        return f"Neuron {name(stage.name)}/{j} has {plural(n_in, 'synapse')}{out}"
    sizes = [size for s in stages for size in ([s.weights.shape] if s.weights is not None else s.inner)]
    n_synapses = sum(n_in * n for n_in, n in sizes)
    hidden = [f"{n:,}" for _, n in sizes[:-1]]
    if not hidden:
        inside = "no hidden neurons"
    elif len(hidden) <= MOST_NAMED:
        inside = f"{' and '.join(hidden)} hidden neurons" if hidden != ["1"] else "1 hidden neuron"
    else:
        inside = f"{sum(n for _, n in sizes[:-1]):,} neurons in {len(hidden)} hidden layers"
    inputs, outputs = plural(stages[0].n, "input"), plural(stages[-1].n, "output")
    return f"{inputs}, {inside}, {outputs}: {plural(n_synapses, 'synapse')}"


def note_of(stages: Sequence[Stage], most: int, row: str) -> str:
    """How the picture is read."""
    from pellucid.plots.stages import SLACK

    note = "The wider a synapse, the larger its weight beside the largest of its layer."
    if any(s.n > most * SLACK for s in stages):
        note += f" Of a larger layer the {most} neurons with the strongest weights are shown."
    if row:
        note += f" Filled by the activations of {row}, each layer by itself."
    return note


def _row(array: Array | None, row: int) -> Array | None:
    if array is None:
        return None
    if not -len(array) <= row < len(array):
        raise ArgumentError(
            f"the trace has the rows 0 to {len(array) - 1}, but got {row}. Choose one of them."
        )
    return np.asarray(array[row], np.float64)


def _settings(layer: LayerView) -> str:
    """`rate=0.1` of `Dropout(rate=0.1)`, and of what is made of layers the number of its branches."""
    if branches := layer.definition.branches:
        return f"{len(branches)} branches" if len(branches) > 1 else ""
    inside = re.fullmatch(r"\w+\((.*)\)", repr(layer.definition), re.DOTALL)
    words = re.sub(r"(, )?name='[^']*'", "", inside[1]) if inside else ""
    return "" if "{" in words else words  # lists of settings are too long for a picture
