"""A trace: every number of one pass through a network, forward and backward, as the kernels made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pellucid.engine.buffer import Array
from pellucid.errors import UnknownNameError


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
    """

    numbers: Mapping[str, Array]
    layers: Sequence[LayerTrace]
    outputs: Array
    loss: Array | None = None

    def __getitem__(self, name: str) -> LayerTrace:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise UnknownNameError("layer", name, [la.name for la in self.layers])

    def __repr__(self) -> str:
        return f"<trace of {len(self.outputs)} rows through {', '.join(la.name for la in self.layers)}>"


def layer_trace(name: str, numbers: Mapping[str, Array]) -> LayerTrace:
    """What of all numbers belongs to a layer; the gradients of layers inside it under their own names."""
    z, before, behind = numbers.get(f"{name}/z"), f"{name}/", "/gradient"
    gradients = {
        k.removeprefix(before).removesuffix(behind): v
        for k, v in numbers.items()
        if k.startswith(before) and k.endswith(behind)
    }
    return LayerTrace(name, z, numbers.get(f"{name}/a", z), numbers.get(f"{name}/delta"), gradients)
