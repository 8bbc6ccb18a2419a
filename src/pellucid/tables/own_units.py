"""A neuron of the first layer in the table's own units: what a year more, or red hair, adds to it."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.glass.neurons import Named, Neuron, Synapse
from pellucid.glass.wiring import all_layers, has_neurons
from pellucid.layers.base import Layer
from pellucid.layers.dropout import Dropout
from pellucid.layers.embedding import Embedding
from pellucid.layers.gaussian_noise import GaussianNoise
from pellucid.layers.periodic_embedding import PeriodicEmbedding
from pellucid.layers.scale import Scale
from pellucid.network import Network
from pellucid.tables.encoding import TableEncoding

AS_THEY_ARE = (Dropout, GaussianNoise, Embedding)  # in a prediction what passes them keeps its value


@dataclass(frozen=True)
class Effect:
    """What a step of a column adds to the weighted input of a neuron.

    Parameters
    ----------
    source : str
        The feature.
    step : str
        What changes, in the table's own unit: `1 more`, `yes instead of no`, `so instead of not`.
    effect : float
        What it adds to the weighted input z.
    at : str
        Where that holds, such as `the slope at 44.5, less beyond`, where the column's normalisation bends;
        empty where it holds everywhere.
    """

    source: str
    step: str
    effect: float
    at: str = ""

    def __str__(self) -> str:
        return f"{self.source}: {self.step} adds {self.effect:.4g}{f' ({self.at})' if self.at else ''}"


@dataclass(frozen=True)
class TableNeuron:
    """A neuron of a table's network.

    Parameters
    ----------
    neuron : Neuron
        The neuron in the network, with its bias and synapses.
    effects : tuple of Effect
        What the columns add to it in their own units; without numbers whose cosines come in too, and empty
        behind the first layer.
    """

    neuron: Neuron
    effects: tuple[Effect, ...]

    @property
    def name(self) -> str:
        """Such as `hidden_1/3`."""
        return self.neuron.name

    @property
    def bias(self) -> float:
        """The number added to its weighted inputs."""
        return self.neuron.bias

    @property
    def incoming(self) -> Named[Synapse]:
        """The synapses that lead to it."""
        return self.neuron.incoming

    @property
    def outgoing(self) -> Named[Synapse]:
        """The synapses that lead on from it."""
        return self.neuron.outgoing

    def __repr__(self) -> str:
        return repr(self.neuron)

    def __str__(self) -> str:
        return "\n".join(map(str, (repr(self.neuron), *self.effects)))


def table_neuron(encoding: TableEncoding, network: Network, neuron: Neuron) -> TableNeuron:
    """The neuron with what the steps of the columns add to it.

    Formula:  effect = weight × factor of a `Scale` between × what the step changes the feature by.
    """
    wiring = network.wiring
    layers = {la.label: la for la in all_layers(wiring.layers)}
    passed = [layers[label] for label in wiring.passed[neuron.layer.name]]
    within = {label for label, layer in layers.items() if has_neurons(layer)}
    is_behind = any(source.rpartition("/")[0] in within for source in neuron.layer.sources)
    if is_behind or not all(isinstance(la, (Scale, PeriodicEmbedding, *AS_THEY_ARE)) for la in passed):
        return TableNeuron(neuron, ())
    scales = [layer for layer in passed if isinstance(layer, Scale)]
    bent = {
        wiring.sources[layer.label][i]
        for layer in passed
        if isinstance(layer, PeriodicEmbedding)
        for i in layer.chosen
    }
    steps = encoding.steps
    effects = []
    for synapse in neuron.incoming:
        step = steps.get(synapse.source)
        if step and synapse.source not in bent:
            factor = 1.0
            for scale in scales:
                factor *= _factor(network, scale, synapse.source)
            change = synapse.weight * factor * step.change
            effects.append(Effect(synapse.source, step.words, change, step.at))
    return TableNeuron(neuron, tuple(effects))


def _factor(network: Network, scale: Layer, feature: str) -> float:
    place = network.wiring.sources[scale.label].index(feature)
    return float(network.parameters[f"{scale.label}/factors"][place])
