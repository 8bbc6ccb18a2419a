"""Every public name says what it is, and the parameters it describes are those it has."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import pellucid
from pellucid.registry import Formula

# A section's heading is underlined; a parameter begins at the margin, what it means is indented.
PARAMETERS = re.compile(r"^Parameters\n-+\n(.*?)(?=\n\n\S[^\n]*\n-{3,}|\Z)", re.MULTILINE | re.DOTALL)


def public_objects() -> Iterator[tuple[str, Any]]:
    """Modules, functions, classes and their members without an underscore, where they are defined."""
    for module in map(importlib.import_module, ["pellucid", *names_of_modules()]):
        yield module.__name__, module
        for member, value in vars(module).items():
            what = value.function if isinstance(value, Formula) else value
            if member.startswith("_") or getattr(what, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(what) or inspect.isfunction(what):
                yield f"{module.__name__}.{member}", what
            for name in vars(what) if inspect.isclass(what) else ():
                method = getattr(what, name)
                if not name.startswith("_") and (inspect.isroutine(method) or isinstance(method, property)):
                    yield f"{module.__name__}.{member}.{name}", method


def names_of_modules() -> list[str]:
    """All modules but those with an underscore."""
    names = [m.name for m in pkgutil.walk_packages(pellucid.__path__, "pellucid.")]
    return [name for name in names if "._" not in name]


def described(what: Any) -> set[str]:
    """The names in the docstring's section Parameters."""
    section = PARAMETERS.search(inspect.getdoc(what) or "")
    heads = re.findall(r"^(\S[^:\n]*)", section[1], re.MULTILINE) if section else []
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def inherited(what: Any) -> set[str]:
    """The fields of a dataclass that its bases describe."""
    bases = what.__mro__[1:] if inspect.isclass(what) else ()
    return {f.name for base in bases if dataclasses.is_dataclass(base) for f in dataclasses.fields(base)}


OBJECTS = dict(public_objects())


def test_the_whole_package_is_looked_at() -> None:
    some = {"pellucid.network.Network.fit", "pellucid.activations.relu", "pellucid.layers.dense.Dense"}
    assert some <= set(OBJECTS)


@pytest.mark.parametrize("name", OBJECTS)
def test_it_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(OBJECTS[name]), f"{name} has no docstring"


@pytest.mark.parametrize("name", [name for name, what in OBJECTS.items() if described(what)])
def test_described_parameters_are_those_of_the_signature(name: str) -> None:
    what = OBJECTS[name]
    taken = set(inspect.signature(what).parameters) - {"self"}
    assert described(what) <= taken, f"{name} does not have what its docstring describes"
    if not name.startswith("pellucid.cli."):  # the command's options are described where they are declared
        assert taken - inherited(what) <= described(what), f"{name}: its docstring leaves parameters out"
