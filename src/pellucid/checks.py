"""Checks of arguments; each failure is one sentence with who, what was expected and what was found."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pellucid.errors import ArgumentError, UnknownNameError, nearest
from pellucid.registry import is_number


def whole(who: str, value: Any, least: int = 1, most: int = 2**63 - 1) -> int:
    """A whole number from `least` to `most`.

    Examples
    --------
    >>> whole("epochs", 5)
    5
    >>> whole("epochs", 2.5)
    Traceback (most recent call last):
        ...
    pellucid.errors.ArgumentError: epochs must be a whole number from 1, but is 2.5.
    """
    if not isinstance(value, bool):
        try:
            number = operator.index(value)
        except TypeError:
            number = None
        if number is not None and least <= number <= most:
            return number
    is_beyond = isinstance(value, int) and value > most
    up_to = "" if most == 2**63 - 1 and not is_beyond else f" to {most}"
    raise ArgumentError(f"{who} must be a whole number from {least}{up_to}, but is {value!r}.")


def number(
    who: str, value: Any, least: float = -math.inf, most: float = math.inf, *, open_ends: str = ""
) -> float:
    """A finite number between `least` and `most`; `open_ends` names ends ("least", "most") not included."""
    if is_number(value) and math.isfinite(value):
        low = value > least if "least" in open_ends else value >= least
        high = value < most if "most" in open_ends else value <= most
        if low and high:
            return float(value)
    bounds = []
    if math.isfinite(least):
        bounds.append(f"{'above' if 'least' in open_ends else 'at least'} {least:g}")
    if math.isfinite(most):
        bounds.append(f"{'below' if 'most' in open_ends else 'at most'} {most:g}")
    wanted = f"a finite number {' and '.join(bounds)}".rstrip()
    raise ArgumentError(f"{who} must be {wanted}, but is {value!r}.")


def factors(who: str, value: Any, parts: Sequence[str]) -> dict[str, float]:
    """Factors on the learning rate of a layer's parameters: one for all, or some by name, the others 1.

    Examples
    --------
    >>> factors("Dense", {"bias": 0.1}, ("weights", "bias"))
    {'weights': 1.0, 'bias': 0.1}
    """
    if not isinstance(value, Mapping):
        return dict.fromkeys(parts, number(f"{who}: learning_rate", value, 0))
    for part in value:
        if part not in parts:
            raise UnknownNameError(f"parameter of {who}", part, parts)
    return {p: number(f"{who}: learning_rate of {p}", value.get(p, 1.0), 0) for p in parts}


def switch(who: str, value: Any) -> bool:
    """True or False."""
    if type(value) is not bool:
        raise ArgumentError(f"{who} must be True or False, but is {value!r}.")
    return value


def several(value: Any) -> list[Any]:
    """What may be left out, given alone, or given as several.

    Examples
    --------
    >>> several(None), several("rmse"), several(("rmse", "mae"))
    ([], ['rmse'], ['rmse', 'mae'])
    """
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]


def choice(who: str, value: Any, known: Sequence[str]) -> str:
    """One of some words."""
    if value not in known:
        offered = nearest(str(value), known)
        raise ArgumentError(f"{who} must be one of {', '.join(known)}, but is {value!r}. {offered}".rstrip())
    return str(value)
