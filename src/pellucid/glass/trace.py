"""A trace: every number of one pass through a network, forward and backward, as the kernels made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pellucid.engine.buffer import Arena, Array
from pellucid.errors import UnknownNameError
from pellucid.glass.explain import explain
from pellucid.glass.explanation import Explanation
from pellucid.glass.neurons import find_neuron
from pellucid.glass.passage import Passage
from pellucid.glass.wiring import all_layers
from pellucid.layers.base import Layer
from pellucid.lowering import Lowered


@dataclass(frozen=True)
class LayerTrace:
    """What went through one layer. Quantities a layer does not have are None.

    Parameters
    ----------
    name : str
        The layer's name.
    z, a : float32 array (n_samples, n_out)
        Weighted inputs and activations.
    delta : float32 array (n_samples, n_out)
        Share of the error of each neuron, ∂loss/∂z, where the loss is the mean over the rows.
    gradients : dict of str to array
        ∂loss/∂parameter by the parameter's name: `weights`, `bias`, ...
    """

    name: str
    z: Array | None = None
    a: Array | None = None
    delta: Array | None = None
    gradients: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """Every number of one pass, by name.

    Parameters
    ----------
    numbers : dict of str to array
        Everything that the kernels wrote, such as `hidden_1/z` or `hidden_1/weights/gradient`.
    layers : sequence of LayerTrace
        The same by layer.
    outputs : float32 array (n_samples, n_out)
        What the network answers.
    loss : float64 array (n_samples,) or None
        Loss of each row, if targets were given.
    passage : Passage
        What ran, for explanations.
    """

    numbers: Mapping[str, Array]
    layers: Sequence[LayerTrace]
    outputs: Array
    loss: Array | None = None
    passage: Passage | None = field(default=None, repr=False, compare=False)

    def neuron(self, layer: str, number: int | None = None) -> NeuronTrace:
        """One neuron in this pass, by its layer and number or by a name such as `hidden_1/3`.

        Raises
        ------
        ArgumentError
            If there is no such neuron; the message names those that there are.
        """
        assert self.passage is not None
        return NeuronTrace(self.passage, *find_neuron(self.passage.wiring, layer, number))

    def __getitem__(self, name: str) -> LayerTrace:
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = [la.label for la in all_layers(self.passage.layers[1:])] if self.passage else []
        if name in known:  # inside another one
            return layer_trace(name, self.numbers)
        raise UnknownNameError("layer", name, known or [la.name for la in self.layers])

    def __repr__(self) -> str:
        return f"<trace of {len(self.outputs)} rows through {', '.join(la.name for la in self.layers)}>"


@dataclass(frozen=True)
class NeuronTrace:
    """One neuron in one pass."""

    passage: Passage = field(repr=False)
    layer: Layer
    index: int

    @property
    def name(self) -> str:
        """Such as `hidden_1/3`."""
        return f"{self.layer.label}/{self.index}"

    def explain(self, row: int = 0, *, all: bool = False) -> Explanation:
        """The arithmetic of the neuron for one row, with its numbers, forward and backward.

        Parameters
        ----------
        row : int
            Which row of the trace, from 0.
        all : bool
            Whether the text shows every synapse; else the ones that count most, and the sum of the others.

        Returns
        -------
        Explanation
            Prints as text. Everything in it is worked out anew from the numbers that it shows and compared
            with what the kernels wrote and with what `predict` answers: `adds_up`, `checks`.

        Examples
        --------
        >>> from pellucid import Dense, Input, Network
        >>> net = Network([Input(["age", "income"]), Dense(3, "tanh"), Dense(1)], seed=0)
        >>> explanation = net.trace([[0.5, -1.0]], [[1.0]]).neuron("hidden_1", 2).explain()
        >>> explanation.adds_up, [term.source for term in explanation.terms]
        (True, ['age', 'income'])
        """
        return explain(self.passage, self.layer, self.index, row, all=all)

    def __repr__(self) -> str:
        return f"<trace of neuron {self.name!r}: {self.passage.n_rows} rows>"


def layer_trace(name: str, numbers: Mapping[str, Array]) -> LayerTrace:
    """What of all numbers belongs to a layer; the gradients of layers inside it under their own names."""
    z, before, behind = numbers.get(f"{name}/z"), f"{name}/", "/gradient"
    gradients = {
        k.removeprefix(before).removesuffix(behind): v
        for k, v in numbers.items()
        if k.startswith(before) and k.endswith(behind)
    }
    return LayerTrace(name, z, numbers.get(f"{name}/a", z), numbers.get(f"{name}/delta"), gradients)


def trace_of(
    lowered: Lowered, layers: Sequence[Layer], work: Arena, gradients: Arena, passage: Passage | None = None
) -> Trace:
    """What a step that updates nothing has left in its arenas.

    Parameters
    ----------
    lowered : Lowered
        The step, for as many rows as were run.
    layers : sequence of Layer
        The network's layers, its `Input` first.
    work, gradients : Arena
        Where it ran; the trace has views of the first and copies of what is in the second.
    passage : Passage, optional
        What explanations need.
    """
    numbers = {b.name: work.view(b) for b in lowered.step.work if b not in lowered.step.derived}
    numbers |= {f"{p.name}/gradient": gradients.view(p.gradient).copy() for p, _, _ in lowered.step.gradients}
    for name, share in lowered.step.shares.items():
        if f"{name}/z" in numbers and f"{name}/a" not in numbers:  # linear: ∂loss/∂z is ∂loss/∂a
            numbers[f"{name}/delta"] = work.view(share)
    traced = [layer_trace(layer.label, numbers) for layer in layers[1:]]
    losses = work.view(lowered.losses).copy() if lowered.losses else None
    return Trace(numbers, traced, work.view(lowered.outputs).copy(), losses, passage)
