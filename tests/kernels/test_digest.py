"""The name of a kernel's machine code: it must change with everything that the code is compiled from."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import pytest

from pellucid.kernels.compiler import key
from pellucid.kernels.jit import digest
from pellucid.kernels.kernel import Access, Kernel
from pellucid.kernels.loops import elementwise

SOURCE = """
import numpy as np
import math
LIMIT = 2.0
POINTS = (1.0, 2.0)
TABLE = np.array([1.0, 2.0])
KIND = np.float32

def deepest(z):
    return z * 3.0

def helper(z, scale=1.5):
    return deepest(z) + 1.0

def formula(z):
    return helper(z) + LIMIT + POINTS[0] + TABLE[0] + KIND(math.pi)

def endless(z):
    return z if z > 0 else endless(z + 1.0) + deepest(z)

def outer(c):
    def inner(z):
        return z * c
    return inner
"""


def module(old: str = "", new: str = "") -> dict[str, Any]:
    """The names of the source above, edited in one place."""
    assert old in SOURCE
    space: dict[str, Any] = {}
    exec(SOURCE.replace(old, new), space)
    return space


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+ LIMIT", "- LIMIT"),
        ("z * 3.0", "z * 4.0"),
        ("z * 3.0", "z * 3"),
        ("+ 1.0", "+ -1.0"),
        ("scale=1.5", "scale=2.5"),
        ("LIMIT = 2.0", "LIMIT = 3.0"),
        ("POINTS = (1.0, 2.0)", "POINTS = (1.5, 2.0)"),
        ("TABLE = np.array([1.0, 2.0])", "TABLE = np.array([1.0, 2.5])"),
        ("TABLE = np.array([1.0, 2.0])", "TABLE = np.array([1.0, 2.0], np.float32)"),
        ("KIND = np.float32", "KIND = np.float64"),
    ],
)
def test_an_edit_anywhere_below_a_formula_changes_its_digest(old: str, new: str) -> None:
    assert digest(module()["formula"]) == digest(module()["formula"])
    assert digest(module()["formula"]) != digest(module(old, new)["formula"])


def test_a_function_that_calls_itself_is_followed() -> None:
    assert digest(module()["endless"]) != digest(module("z * 3.0", "z * 4.0")["endless"])


def test_what_a_closure_holds_counts() -> None:
    outer = module()["outer"]
    assert digest(outer(1.0)) == digest(outer(1.0)) != digest(outer(2.0))
    assert digest(outer(module()["deepest"])) != digest(outer(module("z * 3.0", "z * 4.0")["deepest"]))


def test_a_number_read_from_a_module_counts() -> None:
    def of(value: float) -> str:
        space: dict[str, Any] = {"config": types.ModuleType("config")}
        space["config"].SLOPE = value
        exec("def formula(z):\n    return z * config.SLOPE", space)
        return digest(space["formula"])

    assert of(0.5) == of(0.5) != of(0.25)


def test_what_a_formula_does_not_read_does_not_count() -> None:
    assert digest(module()["deepest"]) == digest(module("LIMIT = 2.0", "LIMIT = 9.0")["deepest"])


def double(x: Any, lo: Any, hi: Any) -> None:
    for i in range(lo, hi):
        x[i] = 2 * x[i]


UPDATE = {"x": Access(True, True, True)}


def test_how_a_kernel_is_compiled_counts() -> None:
    variants = [
        Kernel(double, UPDATE),
        Kernel(double, UPDATE, reassociate=True),
        Kernel(double, UPDATE, overlaps=True),
        Kernel(double, {"x": Access(True, True, True, "f8")}),
        Kernel(double, UPDATE, formulas={"f": math.sin}),
        Kernel(double, {}, numbers=("x",)),
    ]
    assert len({key(v) for v in variants}) == len(variants)
    assert key(Kernel(double, UPDATE)) == key(variants[0])


def elementwise_key(function: Callable[..., Any], expression: str = "f(x)") -> str:
    return key(elementwise("kernel_of_f", expression, (("f", function),), ("x",), ("y",)))


def test_a_kernel_made_of_a_formula_follows_the_formula() -> None:
    first, same, edited = (
        module()["formula"],
        module()["formula"],
        module("z * 3.0", "z * 3.5")["formula"],
    )
    assert elementwise_key(first) == elementwise_key(same) != elementwise_key(edited)
    assert elementwise_key(first) != elementwise_key(first, "f(x) + x")
