"""What a layer is, its name, and its description as plain values."""

from __future__ import annotations

import inspect
import reprlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pellucid.engine.buffer import Buffer
from pellucid.errors import ArgumentError, PellucidError, UnknownNameError
from pellucid.layers.step import Forward, Parameter, Step, activate
from pellucid.registry import Entries, identity

__all__ = [
    "LAYERS",
    "Forward",
    "Layer",
    "LayerKind",
    "Origins",
    "Parameter",
    "Step",
    "activate",
    "chain",
    "layer_from_spec",
    "name_layers",
    "nameless",
]

Origins = tuple[tuple[str, int], ...]  # the neurons that a number comes from: layer and number
DEEPEST = 40  # lists and dicts inside each other in the description of a layer


class Layer(ABC):
    """Base of all layers.

    A layer is made with its settings alone; `name_layers` gives it a name, `build` its number of inputs.
    A class with a `kind` is registered in `LAYERS` where it is defined.
    """

    kind: ClassVar[str]
    name: str | None
    n_in: int
    n_out: int

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:
            LAYERS.add(LayerKind(cls))

    @property
    def label(self) -> str:
        """Its name, for messages and buffers."""
        return self.name or type(self).__name__.lower()

    @property
    def who(self) -> str:
        """Class and name, as a message begins."""
        return f"{type(self).__name__} {self.name!r}" if self.name else type(self).__name__

    @property
    def branches(self) -> Sequence[Sequence[Layer]]:
        """The layers inside it, if there are any: one list for each way through."""
        return ()

    def joined(self, x: list[Origins], branches: list[list[Origins]]) -> list[Origins]:
        """Of a layer with others inside: where each output comes from, by what came in and out of them."""
        return [()] * self.n_out

    @abstractmethod
    def build(self, n_in: int) -> int:
        """Take note of the number of inputs and give the number of outputs; makes the parameters."""

    @property
    def parameters(self) -> Sequence[Parameter]:
        """Its parameters, in order."""
        return ()

    def output_names(self, names: Sequence[str]) -> Sequence[str]:
        """What its outputs are called where its inputs have these names.

        A layer that gives each input a number of its own keeps the name; one with neurons calls them
        by its own name and their number.
        """
        if self.n_out == len(names) and not any(p.synapses for p in self.parameters):
            return names
        return [f"{self.label}/{j}" for j in range(self.n_out)]

    @abstractmethod
    def forward(self, step: Step, x: Buffer) -> Forward:
        """Append the forward pass to the step."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What it was made with, as plain values; `type(self)(**settings)` makes it again.

        Where it is made of other layers these stand under `layers`, each as its `spec`.
        """

    @property
    def spec(self) -> dict[str, Any]:
        """Its kind and settings as a plain dict; `layer_from_spec` makes the layer again."""
        return {"kind": self.kind, **self.settings}

    @property
    def identity(self) -> Hashable:
        """All that it was made with, see `registry.identity`, of a layer that is not yet built.

        What one of pellucid's own layers is built and lowered to depends on nothing else.

        Raises
        ------
        TypeError
            If it is a user's layer, or built.
        """
        if not type(self).__module__.startswith("pellucid."):
            raise TypeError(f"a {type(self).__name__} may look at more than its settings")
        return type(self), tuple([(name, identity(value)) for name, value in vars(self).items()])

    def __repr__(self) -> str:
        settings, parameters = self.settings, inspect.signature(type(self)).parameters.values()
        needed = {p.name for p in parameters if p.default is p.empty} & settings.keys()
        usual = {} if "layers" in settings else type(self)(**{n: settings[n] for n in needed}).settings
        shown = [(n, v) for n, v in settings.items() if n in needed or v != usual.get(n)]
        return f"{type(self).__name__}({', '.join(f'{n}={_shown(v)}' for n, v in shown if n != 'name')})"


def _shown(value: Any) -> str:
    """A setting for people: the name of a formula rather than its description."""
    return str(value["name"]) if isinstance(value, dict) and value.keys() == {"name"} else repr(value)


def chain(step: Step, layers: Sequence[Layer], x: Buffer) -> Forward:
    """Append layers, one behind the other; `backward` of the result goes back through all of them."""
    passed: list[Forward] = []
    a = x
    for layer in layers:
        passed.append(layer.forward(step, a))
        a = passed[-1].a
    if not passed:
        return Forward(x, lambda da: da)
    last = passed.pop()

    def through(d: Buffer | None) -> Buffer | None:
        for layer, forward in reversed(list(zip(layers, passed, strict=False))):
            if d:
                step.shares[layer.label] = d
                d = forward.backward(d)
        return d

    from_delta = last.from_delta
    return Forward(
        last.a,
        lambda da: through(last.backward(da)),
        last.z,
        last.activation,
        from_delta and (lambda delta: through(from_delta(delta))),
    )


@dataclass(frozen=True)
class LayerKind:
    """A registered kind of layer."""

    layer: type[Layer]

    @property
    def name(self) -> str:
        """Its kind: `dense`, `dropout`, ..."""
        return self.layer.kind

    @property
    def text(self) -> str:
        """What it does: the first paragraph of its docstring."""
        return inspect.cleandoc(self.layer.__doc__ or "").split("\n\n")[0].replace("\n", " ")

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """What it is made with: the parameters of its constructor by name."""
        return dict(inspect.signature(self.layer).parameters)


LAYERS: Entries[LayerKind] = Entries("layer")


def layer_from_spec(spec: Any) -> Layer:
    """The layer that a plain dict describes, see `Layer.spec`.

    Raises
    ------
    ArgumentError
        If it describes none: whatever it holds, the message says what is wrong with it.

    Examples
    --------
    >>> layer_from_spec({"kind": "dropout", "rate": 0.1})
    Dropout(rate=0.1)
    """
    try:
        return _layer_from(spec, 0)
    except RecursionError:
        raise ArgumentError("the description of a layer holds lists nested too deep.") from None


def _layer_from(spec: Any, depth: int) -> Layer:
    if depth > DEEPEST:
        raise ArgumentError(f"the description of a layer holds lists nested more than {DEEPEST} deep.")
    if not isinstance(spec, Mapping):
        raise ArgumentError(
            "a layer is described by a dict such as {'kind': 'dropout', 'rate': 0.1}, "
            f"not by {reprlib.repr(spec)}."
        )
    kind = LAYERS.named(spec.get("kind"))
    known = kind.settings
    given = {k: v for k, v in spec.items() if k != "kind"}
    for name in given:
        if name not in known:
            raise UnknownNameError(f"setting of layer {kind.name!r}", name, known)
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in given:
            raise ArgumentError(f"the description of a layer {kind.name!r} lacks its {name!r}.")
    inside: Any = ()
    if "layers" in known:
        inside = _layers_from(given.pop("layers"), depth + 1)
        if not isinstance(inside, list):
            raise ArgumentError(f"the layers of a layer {kind.name!r} must be a list.")
    try:
        return kind.layer(*inside, **given)
    except PellucidError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise ArgumentError(f"the description of a layer {kind.name!r} is not right: {error}.") from None


def nameless(spec: Any) -> Any:
    """The description of a layer without its name and the names of layers inside it.

    Examples
    --------
    >>> nameless({"kind": "dropout", "rate": 0.1, "name": "drop"})
    {'kind': 'dropout', 'rate': 0.1}
    """
    if isinstance(spec, Mapping):
        is_layer = "kind" in spec
        return {k: nameless(v) for k, v in spec.items() if not (is_layer and k == "name")}
    return [nameless(v) for v in spec] if isinstance(spec, list) else spec


def _layers_from(value: Any, depth: int) -> Any:
    """Descriptions in lists as layers in lists."""
    if isinstance(value, list) and depth <= DEEPEST:
        return [_layers_from(v, depth + 1) for v in value]
    return _layer_from(value, depth)


def name_layers(layers: Sequence[Layer], prefix: str = "") -> None:
    """Give each layer without a name one that says what it is and where.

    A network's own layers are called `input`, `hidden_1`, ... and `output` (the last Dense, unless layers
    with others inside follow it), those of another kind `dropout_1`, ...; the layers inside another one
    are called `residual_1/dense_1` after it, and a name of their own is put behind that of the outer one.

    Parameters
    ----------
    layers : sequence of Layer
        One behind the other.
    prefix : str
        What all names begin with.

    Raises
    ------
    ArgumentError
        If two layers have one name or a name is no text.

    Examples
    --------
    >>> from pellucid.layers.dense import Dense
    >>> from pellucid.layers.residual import Residual
    >>> layers = [Dense(8), Residual(Dense(8)), Dense(1)]
    >>> name_layers(layers)
    >>> [layer.name for layer in layers], layers[1].branches[0][0].name
    (['hidden_1', 'residual_1', 'output'], 'residual_1/dense_1')
    """
    _name(layers, prefix, set())


def _name(layers: Sequence[Layer], prefix: str, taken: set[str]) -> None:
    counts: Counter[str] = Counter()
    given = {str(layer.name).removeprefix(prefix) for layer in layers}
    output = None if prefix else _output_of(layers)
    for layer in layers:
        word = "hidden" if layer.kind == "dense" and not prefix else layer.kind
        counts[word] += layer is not output
        if layer.name is None:
            while f"{word}_{counts[word]}" in given:  # a user has called another one so
                counts[word] += 1
            number = f"{word}_{counts[word]}"
            layer.name = prefix + ("output" if layer is output else word if word == "input" else number)
        elif not isinstance(layer.name, str) or not layer.name.strip() or not layer.name.isprintable():
            raise ArgumentError(f"the name of a layer must be printable text, but got {layer.name!r}.")
        elif not layer.name.startswith(prefix):
            layer.name = prefix + layer.name
        if layer.name in taken:
            raise ArgumentError(
                f"two layers are called {layer.name!r}. Give each a name of its own, and use each layer once."
            )
        taken.add(layer.name)
        _name([inner for branch in layer.branches for inner in branch], f"{layer.name}/", taken)


def _output_of(layers: Sequence[Layer]) -> Layer | None:
    for layer in reversed(layers):
        if layer.kind == "dense" or layer.branches:
            return None if layer.branches else layer
    return None
