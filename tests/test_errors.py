"""The tree of exceptions, and what a command makes of them."""

from __future__ import annotations

import inspect
import re

import pytest

from pellucid import errors
from pellucid.errors import (
    ArgumentError,
    CallError,
    DataError,
    InternalError,
    ModelFileError,
    NotFittedError,
    PellucidError,
    PellucidWarning,
    ShapeError,
    TableError,
    UnknownNameError,
    nearest,
)

PARENTS = {
    PellucidError: Exception,
    CallError: PellucidError,
    ArgumentError: CallError,
    UnknownNameError: ArgumentError,
    ShapeError: ArgumentError,
    DataError: CallError,
    TableError: DataError,
    ModelFileError: CallError,
    NotFittedError: CallError,
    InternalError: PellucidError,
}


def test_the_tree_is_the_one_that_is_drawn() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]
    assert set(classes) == {*PARENTS, PellucidWarning}
    assert issubclass(PellucidWarning, UserWarning)
    for error, parent in PARENTS.items():
        assert error.__bases__[0] is parent
    drawing = errors.__doc__ or ""
    drawn = re.findall(r"^ *(.*?)(\w+Error)\b", drawing, re.MULTILINE)
    depth = {name: len(before) // 4 for before, name in drawn if name != "ValueError"}
    assert depth == {e.__name__: len(e.__mro__) - PellucidError.__mro__.__len__() - extra(e) for e in PARENTS}


def extra(error: type[Exception]) -> int:
    """Steps in the order of resolution that are ValueError's, not the tree's."""
    return 1 if issubclass(error, ValueError) else 0


@pytest.mark.parametrize("error", [ArgumentError, UnknownNameError, ShapeError, DataError, TableError])
def test_wrong_values_are_value_errors_too(error: type[Exception]) -> None:
    assert issubclass(error, ValueError)


def test_exit_codes() -> None:
    calls = {e for e in PARENTS if issubclass(e, CallError)}
    assert {e.exit_code for e in calls} == {2}
    assert {e.exit_code for e in set(PARENTS) - calls} == {1}


def test_an_unknown_name_offers_the_nearest_and_all() -> None:
    error = UnknownNameError("optimizer", "rmsprob", ["sgd", "rmsprop", "adam"])
    assert str(error) == (
        "there is no optimizer 'rmsprob'. Did you mean 'rmsprop'? Known: adam, rmsprop, sgd."
    )
    assert (error.kind, error.name, error.known) == ("optimizer", "rmsprob", ["adam", "rmsprop", "sgd"])
    assert str(UnknownNameError("loss", 3, ["mse"])) == "there is no loss 3. Known: mse."


@pytest.mark.parametrize(
    ("name", "known", "offered"),
    [
        ("SPECIES", ["island", "species"], "Did you mean 'species'? "),
        ("specis", ["Species", "island"], "Did you mean 'Species'? "),
        ("body_mas_g", ["body_mass_g", "sex"], "Did you mean 'body_mass_g'? "),
        ("zzz", ["species"], ""),
        ("", ["species"], ""),
        ("species", [], ""),
    ],
)
def test_nearest_looks_past_case_and_slips(name: str, known: list[str], offered: str) -> None:
    assert nearest(name, known) == offered
