"""The registry: entries by name, by spec and by text, and what is said of wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pellucid import layers
from pellucid.activations import ACTIVATIONS
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.layers.base import LAYERS
from pellucid.losses import LOSSES
from pellucid.metrics import METRICS
from pellucid.optimizers import OPTIMIZERS
from pellucid.registry import Formula, Registry, is_number, settings_of
from pellucid.schedules import SCHEDULES


@dataclass(frozen=True)
class Shape(Formula):
    kind: ClassVar[str] = "shape"


@dataclass(frozen=True)
class Colour(Formula):
    kind: ClassVar[str] = "colour"


def square(x: Any, size: float = 1.0, filled: bool = False) -> Any:
    """A square
    of some size.

    More about it.
    """
    return x * size


def circle(x: Any, radius: float = 2.0) -> Any:
    """A circle."""
    return x * radius


@pytest.fixture
def shapes() -> Registry[Shape]:
    registry: Registry[Shape] = Registry("shape")
    registry.add(Shape(square, "Euclid", settings_of(square)))
    registry.add(Shape(circle, "Euclid", settings_of(circle)))
    return registry


@pytest.mark.parametrize(
    "spec",
    [
        "square(size=3)",
        " square ( size = 3.0 ) ",
        {"name": "square", "size": 3},
        {"name": "square", "size": np.float32(3), "filled": False},
    ],
)
def test_specs_of_one_formula(shapes: Registry[Shape], spec: Any) -> None:
    found = shapes.find(spec)
    assert found.function is square
    assert found.settings == {"size": 3, "filled": False}
    assert shapes.find(found) is found
    assert shapes.find(found.spec) == found
    assert shapes.find(str(found)) == found


def test_an_entry_tells_of_itself(shapes: Registry[Shape]) -> None:
    entry = shapes.find("square")
    assert (entry.name, entry.text) == ("square", "A square of some size.")
    assert entry.spec == {"name": "square", "size": 1.0, "filled": False}
    assert str(entry) == "square"
    assert str(entry.using(size=2, filled=True)) == "square(size=2, filled=True)"
    assert entry.using(size=2).settings["size"] == 2
    assert entry.settings["size"] == 1.0


def test_entries_in_order(shapes: Registry[Shape]) -> None:
    assert shapes.names() == ["square", "circle"]
    assert [e.name for e in shapes] == shapes.names()
    assert len(shapes) == 2
    assert "circle" in shapes
    assert "Circle" not in shapes
    shapes.add(Shape(square, "Archimedes", settings_of(square)))
    assert shapes.find("square").source == "Archimedes"
    assert len(shapes) == 2
    shapes.remove("square")
    assert shapes.names() == ["circle"]


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (
            "sqare",
            UnknownNameError,
            "there is no shape 'sqare'. Did you mean 'square'? Known: circle, square.",
        ),
        (None, UnknownNameError, "there is no shape None. Known: circle, square."),
        (3, UnknownNameError, "there is no shape 3. Known: circle, square."),
        ({}, UnknownNameError, "there is no shape None."),
        ({"name": ["square"]}, UnknownNameError, "there is no shape ['square']."),
        (
            "square(sise=3)",
            UnknownNameError,
            "there is no setting of shape 'square' 'sise'. Did you mean 'size'?",
        ),
        ({"name": "square", "sise": 3}, UnknownNameError, "Did you mean 'size'?"),
        (
            "square(3)",
            ArgumentError,
            "cannot read 'square(3)': write shapes with settings as 'name(setting=0.5)'.",
        ),
        ("square(size=)", ArgumentError, "cannot read 'square(size=)'"),
        ("square(size=__import__('os'))", ArgumentError, "cannot read"),
        ("square(**{})", ArgumentError, "cannot read"),
        ("square(size={[]: 1})", ArgumentError, "cannot read"),
        ("square(size=1) or (2)", ArgumentError, "cannot read"),
        ("square(size=" + "(" * 5000 + ")" * 5000 + ")", ArgumentError, "cannot read"),
        ("square(size='big')", ArgumentError, "shape 'square': size must be a finite number, but got 'big'."),
        ("square(size=True)", ArgumentError, "size must be a finite number, but got True."),
        ("square(size=1e999)", ArgumentError, "size must be a finite number, but got inf."),
        ("square(filled=1)", ArgumentError, "filled must be True or False, but got 1."),
    ],
)
def test_wrong_specs_are_one_sentence(
    shapes: Registry[Shape], spec: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        shapes.find(spec)
    assert message in str(caught.value)


def test_an_entry_of_another_kind_is_refused(shapes: Registry[Shape]) -> None:
    with pytest.raises(ArgumentError, match="expected shape, but got the colour 'circle'"):
        shapes.find(Colour(circle, ""))  # type: ignore[arg-type]


REGISTRIES = [ACTIVATIONS, LOSSES, OPTIMIZERS, METRICS, SCHEDULES]


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda r: r.kind)
def test_every_entry_is_found_by_its_name_and_its_spec_and_has_a_text(registry: Registry[Any]) -> None:
    assert len(registry) > 5
    for entry in registry:
        assert registry.find(entry.name) == entry == registry.find(entry.spec)
        assert entry.text
        assert entry.kind == registry.kind


def test_layers_are_registered_with_text_and_settings() -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in Path(layers.__path__[0]).glob("*.py")}
    assert {name for name, text in files.items() if f'kind = "{name}"' in text} == set(LAYERS.names())
    assert len(LAYERS) > 10
    assert all(kind.text and "name" in kind.settings for kind in LAYERS)


@pytest.mark.parametrize(
    ("value", "is_one"), [(1, True), (1.5, True), (np.float32(1), True), (np.int8(1), True)]
)
def test_numbers(value: Any, is_one: bool) -> None:
    assert is_number(value) is is_one


@pytest.mark.parametrize("value", [True, np.True_, "1", None, 1j, [1]])
def test_what_is_no_number(value: Any) -> None:
    assert not is_number(value)
