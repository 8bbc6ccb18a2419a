"""What an activation or a loss must be before it is registered, and how its numbers reach the compiler."""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.errors import ArgumentError
from pellucid.kernels.elementary import Elementary
from pellucid.registry import Formula

Range = tuple[float, float]
REAL: Range = (-math.inf, math.inf)
Limits = Mapping[str, tuple[float, float, str]]

# Names that kernels, calls and descriptions give a meaning of their own, so that no setting can have them.
RESERVED = re.compile(
    "z|a|da|delta|y|weights|losses|now|table|lo|hi|i|j|n_out|one|each|share|log_a|log_rest|function|derivative|"
    "kernel|axis|name|activation_.*|.*_(stride|columns|rows|part|i|j)"
)

STEP = 1e-5  # of the finite differences
TOLERANCE = 1e-5  # of a derivative, relative; far above what the differences lose in float64
NEAR, FAR = 1e-3, 0.1  # how far from a kink the points at its sides are


def check_function(kind: str, function: Any, reads: Iterable[str]) -> None:
    """Raise ArgumentError unless a formula has parameters that can be compiled.

    Parameters
    ----------
    kind : str
        What it is called in messages.
    function : callable
        The formula.
    reads : iterable of str
        The names that its parameters without a default can have; those with one are settings.
    """
    name = getattr(function, "__name__", "")
    if not isinstance(function, types.FunctionType) or not name.isidentifier():
        raise ArgumentError(
            f"{kind} must be a function with a name, but got {function!r}. Write it with def."
        )
    known, who = tuple(reads), f"{kind} {name!r}"
    for p in inspect.signature(function).parameters.values():
        if p.kind is not p.POSITIONAL_OR_KEYWORD:
            raise ArgumentError(f"{who}: write its parameters as plain names, not as {str(p)!r}.")
        if p.default is p.empty and p.name not in known:
            raise ArgumentError(
                f"{who}: parameters without a default can be {', '.join(known)}, but there is {p.name!r}. "
                f"Give a setting its default, as {p.name}=1.0."
            )
        if p.default is p.empty:
            continue
        if RESERVED.fullmatch(p.name):
            raise ArgumentError(f"{who}: a setting cannot be called {p.name!r}. Choose another name.")
        if not isinstance(p.default, bool):
            checks.number(f"{who}: the default of {p.name}", p.default)


def check_parameters(who: str, function: Any, wanted: tuple[str, ...]) -> None:
    """Raise ArgumentError unless a function that belongs to a formula takes as many values as it is given."""
    taken = inspect.signature(function).parameters.values() if callable(function) else ()
    if not isinstance(function, types.FunctionType) or len(taken) != len(wanted):
        found = f"({', '.join(map(str, taken))})" if callable(function) else repr(function)
        raise ArgumentError(f"{who} must be a function of ({', '.join(wanted)}), but is one of {found}.")


def check_settings(
    who: str, settings: Mapping[str, Any], limits: Mapping[str, tuple[float, float, str]]
) -> None:
    """Raise ArgumentError where a setting is not within its (least, most, open ends)."""
    for name, value in settings.items():
        if not isinstance(value, bool):
            least, most, open_ends = limits.get(name, (*REAL, ""))
            checks.number(f"{who}: {name}", value, least, most, open_ends=open_ends)


def points(kinks: Iterable[float], within: Range) -> NDArray[np.float64]:
    """Where a derivative is checked: all over a range, and close to both sides of each kink."""
    kinks = list(kinks)
    sides = [k + d for k in kinks for d in (-FAR, -NEAR, NEAR, FAR)]
    x: NDArray[np.float64] = np.unique(np.concatenate([np.arange(-8, 8.1, 0.25), [-30.0, 30.0], sides]))
    room = 2 * STEP * np.maximum(1, np.abs(x))
    inside = (x - room > within[0]) & (x + room < within[1])
    for k in kinks:
        inside &= np.abs(x - k) > room
    chosen: NDArray[np.float64] = x[inside]
    return chosen


def check_derivative(
    who: str,
    by: str,
    value: Callable[[Any], Any],
    derivative: Callable[[Any], Any],
    x: NDArray[np.float64],
    given: str = "",
) -> None:
    """Raise ArgumentError unless a derivative is that of its function, by central differences in float64.

    Parameters
    ----------
    who, by : str
        The formula and the name of its variable, for the message.
    value, derivative : callable
        Of an array of values of that variable.
    x : float64 array (n,)
        Where to look.
    given : str
        Values of other variables, for the message.
    """
    step = STEP * np.maximum(1, np.abs(x))
    near = np.stack([x - step, x, x + step])
    with np.errstate(all="ignore"):
        try:
            values, slopes = (
                np.broadcast_to(np.asarray(f(near), np.float64), near.shape) for f in (value, derivative)
            )
        except Exception as error:
            raise ArgumentError(
                f"{who} fails on an array: {error} Write it with + - * /, where(condition, yes, no) and the "
                "other words of pellucid.kernels.elementary."
            ) from error
        expected = (values[2] - values[0]) / (2 * step)
        least, most = slopes.min(axis=0), slopes.max(axis=0)
        largest = np.abs(expected).max(initial=0)
        allowed = TOLERANCE * (np.abs(expected) + 1e-3 * largest) + 1e-9 * (1 + np.abs(values[1]))
        is_right = (expected >= least - allowed) & (expected <= most + allowed)
        jumps = (most - least > 0.1 * np.abs(slopes).max(axis=0)) & (most - least > 0.01 * min(1, largest))
    for fits, complaint in (
        (np.isfinite(values[1]), "it is {value:g}, and must be finite."),
        (is_right, "its derivative is {slope:.6g}, but finite differences give {expected:.6g}. Correct it."),
        (~jumps, "its derivative jumps from {least:.6g} to {most:.6g}. Name the place in kinks."),
    ):
        if not fits.all():
            i = int(np.argmin(fits))
            what = complaint.format(
                value=values[1, i], slope=slopes[1, i], expected=expected[i], least=least[i], most=most[i]
            )
            raise ArgumentError(f"{who}: at {by} = {x[i]:g}{given} {what}")


def check_outside(who: str, function: Callable[..., Any]) -> None:
    """Raise ArgumentError if a formula or its helper reads from outside what cannot be compiled."""
    for name, value in _outside(function).items():
        if value is function:
            raise ArgumentError(f"{who}: {name} calls itself. Write it without recursion.")
        if isinstance(value, types.FunctionType):
            check_outside(who, value)
        elif isinstance(value, Formula):
            if value.settings:
                raise ArgumentError(
                    f"{who} calls {value.kind} {name!r}, which has settings. Write its formula out."
                )
        elif not isinstance(value, (int, float, np.number, np.ufunc, Elementary, types.ModuleType)):
            raise ArgumentError(
                f"{who} reads {name!r}, which is of type {type(value).__name__}. A formula can read numbers "
                "and call plain functions."
            )


def _outside(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function reads from its module and from the functions around it, by name."""
    found = inspect.getclosurevars(function)
    return {**found.globals, **found.nonlocals}
