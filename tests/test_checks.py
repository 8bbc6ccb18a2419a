"""Checks of arguments: what passes unchanged, and the sentence about what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import checks
from pellucid.errors import ArgumentError


@pytest.mark.parametrize("value", [1, 5, np.int8(5), np.uint64(7), 2**63 - 1])
def test_whole_numbers_pass(value: Any) -> None:
    assert checks.whole("epochs", value) == value
    assert type(checks.whole("epochs", value)) is int


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.25), np.int64(3)])
def test_numbers_pass_as_floats(value: Any) -> None:
    assert checks.number("rate", value, 0, 5) == value
    assert type(checks.number("rate", value)) is float


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-9, 9), st.floats(-9, 9))
def test_a_number_passes_exactly_within_its_ends(value: float, least: float, most: float) -> None:
    def passes(**more: Any) -> bool:
        try:
            return checks.number("x", value, least, most, **more) == value
        except ArgumentError:
            return False

    assert passes() == (least <= value <= most)
    assert passes(open_ends="least") == (least < value <= most)
    assert passes(open_ends="most") == (least <= value < most)
    assert passes(open_ends="least most") == (least < value < most)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checks.whole("epochs", 0), "epochs must be a whole number from 1, but is 0."),
        (lambda: checks.whole("epochs", 2.0), "epochs must be a whole number from 1, but is 2.0."),
        (lambda: checks.whole("epochs", True), "epochs must be a whole number from 1, but is True."),
        (lambda: checks.whole("epochs", "3"), "epochs must be a whole number from 1, but is '3'."),
        (lambda: checks.whole("epochs", None), "epochs must be a whole number from 1, but is None."),
        (
            lambda: checks.whole("epochs", 2**63),
            f"epochs must be a whole number from 1 to {2**63 - 1}, but is {2**63}.",
        ),
        (lambda: checks.whole("n", 9, 2, 5), "n must be a whole number from 2 to 5, but is 9."),
        (lambda: checks.number("x", "1"), "x must be a finite number, but is '1'."),
        (lambda: checks.number("x", float("nan")), "x must be a finite number, but is nan."),
        (lambda: checks.number("x", float("inf")), "x must be a finite number, but is inf."),
        (lambda: checks.number("x", False), "x must be a finite number, but is False."),
        (lambda: checks.number("x", -1, 0), "x must be a finite number at least 0, but is -1."),
        (
            lambda: checks.number("x", 1, 0, 1, open_ends="least most"),
            "x must be a finite number above 0 and below 1, but is 1.",
        ),
        (lambda: checks.switch("shuffle", 1), "shuffle must be True or False, but is 1."),
        (lambda: checks.switch("shuffle", np.True_), "shuffle must be True or False, but is np.True_."),
        (
            lambda: checks.choice("norm", "robus", ["none", "robust"]),
            "norm must be one of none, robust, but is 'robus'. Did you mean 'robust'?",
        ),
        (lambda: checks.choice("norm", 7, ["none"]), "norm must be one of none, but is 7."),
    ],
)
def test_failures_are_one_sentence(check: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        check()
    assert str(caught.value) == message


def test_switches_and_choices_pass() -> None:
    assert checks.switch("shuffle", True) is True
    assert checks.choice("norm", "robust", ["none", "robust"]) == "robust"
