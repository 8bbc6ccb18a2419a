"""The one registry: every formula and layer that has a name is found here.

An entry is registered where it is defined and nowhere else. The command's choices, the
documentation's tables and the parametrised tests read the registry, so adding an entry adds
it everywhere.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import math
import re
import types
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from pellucid.errors import ArgumentError, UnknownNameError

PLAIN = (bool, int, str, types.FunctionType)  # types whose values are equal only to what is the same


@dataclass(frozen=True)
class Formula:
    """A named formula: its function, its settings with their values, and where it comes from.

    Parameters
    ----------
    function : callable
        The formula itself. Parameters with a default are its settings.
    source : str
        Where the formula comes from.
    settings : mapping of str to number
        The value of every setting.
    """

    kind: ClassVar[str]

    function: Callable[..., Any]
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name under which it is registered."""
        return self.function.__name__

    @property
    def text(self) -> str:
        """The formula in words and symbols: the first paragraph of its docstring."""
        return inspect.cleandoc(self.function.__doc__ or "").split("\n\n")[0].replace("\n", " ")

    @property
    def spec(self) -> dict[str, Any]:
        """Name and settings as a plain dict; `Registry.find` turns it back into the formula."""
        return {"name": self.name, **self.settings}

    @functools.cached_property
    def identity(self) -> Hashable:
        """All that it is, to compare and to look up; see `identity`."""
        return type(self), tuple([identity(getattr(self, f.name)) for f in dataclasses.fields(self)])

    def using(self, **settings: Any) -> Self:
        """The same formula with other settings.

        Raises
        ------
        ArgumentError
            If there is no such setting, or its value is not a finite number.
        """
        for name, value in settings.items():
            if name not in self.settings:
                raise UnknownNameError(f"setting of {self.kind} {self.name!r}", name, self.settings)
            if type(self.settings[name]) is bool:
                ok = isinstance(value, bool)
            else:
                ok = is_number(value) and math.isfinite(value)
            if not ok:
                wanted = "True or False" if type(self.settings[name]) is bool else "a finite number"
                raise ArgumentError(f"{self.kind} {self.name!r}: {name} must be {wanted}, but got {value!r}.")
        plain = {
            n: v.item() if hasattr(v, "item") else v for n, v in settings.items()
        }  # NumPy's are not kept
        return dataclasses.replace(self, settings={**self.settings, **plain})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_module, (self.function.__module__, self.name, dict(self.settings))

    def __str__(self) -> str:
        changed = {k: v for k, v in self.settings.items() if v != settings_of(self.function).get(k)}
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in changed.items())})" if changed else self.name


def _from_module(module: str, name: str, settings: dict[str, Any]) -> Any:
    """A pickled formula: what has its name in the module that defines it, with its settings."""
    return getattr(importlib.import_module(module), name).using(**settings)


class Named(Protocol):
    """What a registry can hold."""

    @property
    def name(self) -> str:
        """The name under which it is registered."""


N = TypeVar("N", bound=Named)
E = TypeVar("E", bound=Formula)


class Entries(Generic[N]):
    """The entries of one kind, by name.

    Parameters
    ----------
    kind : str
        What an entry is called in messages, such as `"activation"`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, N] = {}

    def add(self, entry: N) -> N:
        """Register an entry under its name.

        A user's entry replaces an earlier one of theirs, as when a notebook's cell runs again.

        Raises
        ------
        ArgumentError
            If pellucid itself has an entry of that name, and this is another one.
        """
        former = self._entries.get(entry.name)
        if former is not None and _is_own(former) and not _is_own(entry):
            raise ArgumentError(
                f"{self.kind} {entry.name!r}: pellucid has one of that name. Choose another name."
            )
        self._entries[entry.name] = entry
        return entry

    def remove(self, name: str) -> None:
        """Forget an entry."""
        del self._entries[name]

    def named(self, name: object) -> N:
        """The entry of a name.

        Raises
        ------
        UnknownNameError
            If there is none; the message offers the nearest name.
        """
        if not isinstance(name, str) or name.strip() not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name.strip()]

    def names(self) -> list[str]:
        """The names, in the order of registration."""
        return list(self._entries)

    def __iter__(self) -> Iterator[N]:
        return iter(list(self._entries.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)


def _is_own(entry: Named) -> bool:
    maker = getattr(entry, "function", None) or getattr(entry, "layer", None)
    return str(getattr(maker, "__module__", "")).startswith("pellucid.")


class Registry(Entries[E]):
    """Formulas of one kind: they are found by a spec too, which can change their settings."""

    def find(self, spec: str | Mapping[str, Any] | E) -> E:
        """The entry that `spec` names: a name, `"name(setting=value)"`, a dict with `name`, or an entry.

        Raises
        ------
        UnknownNameError
            If there is none; the message offers the nearest name.
        """
        if isinstance(spec, Formula):
            if spec.kind != self.kind:
                raise ArgumentError(f"expected {self.kind}, but got the {spec.kind} {spec.name!r}.")
            return spec
        if isinstance(spec, Mapping):
            settings = {k: v for k, v in spec.items() if k != "name"}
            return self.named(spec.get("name")).using(**settings)
        if isinstance(spec, str) and (call := re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", spec, re.DOTALL)):
            return self.named(call[1]).using(**self._keywords(spec, call[2]))
        return self.named(spec)

    def _keywords(self, spec: str, inside: str) -> dict[str, Any]:
        try:
            call = ast.parse(f"f({inside})", mode="eval").body
            if isinstance(call, ast.Call) and not call.args and all(k.arg for k in call.keywords):
                return {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
            raise ValueError("more than settings with their values")
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            raise ArgumentError(
                f"cannot read {spec!r}: write {self.kind}s with settings as 'name(setting=0.5)'."
            ) from None


@functools.cache
def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters, in order."""
    return tuple(inspect.signature(function).parameters)


def settings_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of a function that have defaults, with these defaults.

    Examples
    --------
    >>> def leaky(z, alpha=0.01): ...
    >>> settings_of(leaky)
    {'alpha': 0.01}
    """
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def identity(value: object) -> Hashable:
    """All that a value is, so that whatever is made from it alone may be looked up by it.

    Known are plain values (a number's type and bits count), functions (each is itself), lists, tuples and
    dicts of them, frozen dataclasses, and whatever says its `identity` itself.

    Raises
    ------
    TypeError
        If the value is of another kind, of which nobody can say that it stays what it is.

    Examples
    --------
    >>> identity([1, 2.0]) == identity([1, 2.0]), identity(1) == identity(1.0)
    (True, False)
    """
    kind = type(value)
    if value is None or kind in PLAIN:
        return kind, value
    if kind is float:
        return kind, value.hex()  # type: ignore[attr-defined]
    if isinstance(value, list | tuple):
        return kind, tuple([identity(v) for v in value])
    if isinstance(value, dict):
        return kind, tuple([(identity(k), identity(v)) for k, v in value.items()])
    if hasattr(kind, "identity"):
        own: Hashable = value.identity  # type: ignore[attr-defined]
        return own
    if dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return kind, tuple([identity(getattr(value, f.name)) for f in dataclasses.fields(kind)])
    raise TypeError(f"what a {kind.__name__} is cannot be told from looking at it")


def is_number(value: object) -> bool:
    """Whether a value is a real number (NumPy's included) that float64 can hold, and not a truth value."""
    import numbers

    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True
