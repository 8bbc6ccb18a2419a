"""Which synapse leads where: the names of what comes into each layer, and what each neuron reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pellucid.layers.base import Layer, Origins
from pellucid.layers.concat import Concat


def has_neurons(layer: Layer) -> bool:
    """Whether a layer is made of neurons: whether it has a weight for each of its inputs and outputs."""
    shapes = {p.name: p.shape for p in layer.parameters if p.synapses}
    return shapes.get(f"{layer.label}/weights") == (layer.n_in, layer.n_out)


def all_layers(layers: Sequence[Layer]) -> list[Layer]:
    """The layers and those inside them, each before those inside it."""
    found: list[Layer] = []
    for layer in layers:
        found += [layer, *(inner for branch in layer.branches for inner in all_layers(branch))]
    return found


@dataclass
class Wiring:
    """The synapses of a network by name.

    Parameters
    ----------
    layers : sequence of Layer
        Built and named; the first is the `Input`.
    features : sequence of str
        Names of the inputs.

    Attributes
    ----------
    sources : dict of str to list of str
        By layer, those inside others too: the names of what comes into it, features or neurons.
    reached : dict of (str, int) to list of (str, int)
        By layer and number of a neuron, or by "" and the number of a feature: where it goes in, as it is or
        after layers that keep it in its place, such as dropout or normalisation; each a layer of neurons and
        the number of the input there.
    passed : dict of str to list of str
        By layer: the layers that what comes into it has passed since its sources.
    makers : dict of str to list of str
        By the name of a number that is neither a feature nor a neuron, such as `age~1`: the layers that make
        it.
    """

    layers: Sequence[Layer]
    features: Sequence[str]
    sources: dict[str, list[str]] = field(init=False, default_factory=dict)
    reached: dict[tuple[str, int], list[tuple[str, int]]] = field(init=False, default_factory=dict)
    passed: dict[str, list[str]] = field(init=False, default_factory=dict)
    makers: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        inputs: list[Origins] = [(("", i),) for i in range(len(self.features))]
        self._through(self.layers[1:], list(self.features), inputs, [])
        self.sources[self.layers[0].label] = list(self.features)

    def _through(
        self, layers: Sequence[Layer], names: list[str], origins: list[Origins], passed: list[str]
    ) -> tuple[list[Origins], list[str], list[str]]:
        """Follow what comes in through layers, one behind the other: origins, names, and what was passed."""
        for layer in layers:
            self.sources[layer.label], self.passed[layer.label] = names, passed
            known, names = names, list(layer.output_names(names))
            if layer.branches:
                ends = [self._through(branch, known, origins, passed) for branch in layer.branches]
                origins = layer.joined(origins, [end for end, _, _ in ends])
                if isinstance(
                    layer, Concat
                ):  # nothing is made of them: they keep their names where these differ
                    beside = [name for _, end, _ in ends for name in end]
                    times, ways = Counter(beside), dict.fromkeys(la for _, _, way in ends for la in way)
                    names = [own if times[own] == 1 else new for own, new in zip(beside, names, strict=True)]
                    passed = [] if set(names).isdisjoint(beside) else list(ways)
                    continue
            elif has_neurons(layer):
                for i, origin in enumerate(origins):
                    for source in origin:
                        self.reached.setdefault(source, []).append((layer.label, i))
                origins = [((layer.label, j),) for j in range(layer.n_out)]
            else:  # what keeps its name is passed on
                before = dict(zip(known, origins, strict=True))
                origins = [before.get(name, ((layer.label, j),)) for j, name in enumerate(names)]
                for name in dict.fromkeys(names):
                    if name not in before:
                        self.makers.setdefault(name, []).append(layer.label)
            passed = [] if set(names).isdisjoint(known) else [*passed, layer.label]
        return origins, names, passed
