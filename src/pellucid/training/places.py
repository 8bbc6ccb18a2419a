"""One number of a network by its name: `hidden_1/3/age`, `hidden_1/3/bias`, `scale_1/factors/age`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pellucid.errors import ArgumentError, UnknownNameError, nearest
from pellucid.glass.wiring import Wiring, all_layers, has_neurons
from pellucid.layers.base import Parameter


@dataclass(frozen=True)
class Place:
    """Where a number stands: a parameter and the indices in it, and its full name."""

    name: str
    parameter: Parameter
    index: tuple[int, ...]


def find_place(name: str, wiring: Wiring) -> Place:
    """Find a number of a network.

    Parameters
    ----------
    name : str
        `LAYER/NEURON/SOURCE`, where a source is a feature, a neuron such as `hidden_1/0`, or a number;
        `LAYER/NEURON/bias`; or `PARAMETER/INDEX` and `PARAMETER/ROW/COLUMN`, such as `scale_1/factors/age`
        and, of the vector of the code 12, `embedding_1/city/12/0`.
    wiring : Wiring
        The layers, and the names of what leads into each.

    Raises
    ------
    ArgumentError
        If there is none of that name; the message offers the nearest.
    """
    if not isinstance(name, str):
        raise ArgumentError(f"a weight is named like 'hidden_1/3/age', but got {name!r}.")
    layers = {la.label: la for la in all_layers(wiring.layers) if la.parameters and not la.branches}
    parameters = {p.name: p for la in layers.values() for p in la.parameters}
    if parameter := _longest(name, parameters):
        layer = _longest(parameter, layers) or ""
        found = parameters[parameter]
        of_weights = parameter == f"{layer}/weights"
        of_sources = not found.is_table and (of_weights or not has_neurons(layers[layer]))
        return _in_parameter(name, found, wiring.sources[layer] if of_sources else ())
    layer = _longest(name, [label for label in layers if has_neurons(layers[label])]) or ""
    if not layer:
        raise UnknownNameError("layer with weights", name.partition("/")[0], layers)
    neuron, _, source = name[len(layer) + 1 :].partition("/")
    j = _number(neuron, layers[layer].n_out)
    if j is None:
        last = layers[layer].n_out - 1
        raise ArgumentError(f"there is no weight {name!r}: the neurons of {layer!r} are 0 to {last}.")
    sources = wiring.sources[layer]
    if not source:
        raise ArgumentError(
            f"{name!r} is a neuron. Name what leads to it, too, such as {f'{layer}/{j}/{sources[0]}'!r}."
        )
    if source == "bias" and f"{layer}/bias" in parameters:
        if source in sources:
            bias, weight = f"{layer}/bias/{j}", f"{layer}/weights/bias/{j}"
            raise ArgumentError(
                f"{name!r} may be the bias or the weight from {source!r}. Ask for {bias!r} or {weight!r}."
            )
        return Place(name, parameters[f"{layer}/bias"], (j,))
    i = _index(name, f"{layer}/{j}", source, sources, layers[layer].n_in)
    return Place(f"{layer}/{j}/{sources[i]}", parameters[f"{layer}/weights"], (i, j))


def _in_parameter(name: str, parameter: Parameter, sources: Sequence[str]) -> Place:
    """`PARAMETER/INDEX` or `PARAMETER/ROW/COLUMN`; the first may be the name of a source."""
    n_rows, rest, column = parameter.shape[0], name[len(parameter.name) + 1 :], None
    if len(parameter.shape) == 2:
        rest, _, last = rest.rpartition("/")
        column = _number(last, parameter.shape[1])
        if column is None or not rest:
            place = f"{parameter.name}/{n_rows - 1}/{parameter.shape[1] - 1}"
            raise ArgumentError(
                f"there is no weight {name!r}: {parameter.name!r} has {n_rows} rows and "
                f"{parameter.shape[1]} columns, the last number of which is {place!r}."
            )
    names = sources if len(sources) == n_rows else ()
    i = _index(name, parameter.name, rest, names, n_rows)
    return Place(name, parameter, (i,) if column is None else (i, column))


def _index(name: str, before: str, source: str, sources: Sequence[str], n: int) -> int:
    """The index of a source by its name, or by its number."""
    if source in sources:
        return sources.index(source)
    i = _number(source, n)
    if i is None:
        last = f"{before}/{n - 1}"
        raise ArgumentError(
            f"there is no weight {name!r}: nothing called {source!r} leads there. {nearest(source, sources)}"
            f"The last one there is {last!r}" + (f", also called {sources[-1]!r}." if sources else ".")
        )
    return i


def _number(text: str, n: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) < n else None


def _longest(name: str, known: Iterable[str]) -> str | None:
    """The longest of some names that a name begins with."""
    return max((k for k in known if f"{name}/".startswith(f"{k}/")), key=len, default=None)
