"""Turns plain Python functions into compiled ones: formulas, elementary functions, kernel bodies.

Nothing is decorated where it is written, so that formulas stay ordinary Python and importing
them does not load Numba.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.kernels.elementary import Elementary

# No flag may let the compiler assume that NaN or infinity cannot occur.
# Without "contract" a result does not depend on whether vector or scalar code made it.
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


@functools.cache
def jitted(function: Callable[..., Any] | Elementary) -> Any:
    """The compiled form of a scalar function: a formula, or an elementary function.

    Numbers written in a formula mean float32, so that one stray `0.5` does not turn a vector
    loop into a loop of doubles. The functions it calls are compiled the same way.
    """
    import numba

    if isinstance(function, Elementary):
        if function.body is None:
            from pellucid.kernels import intrinsics

            return getattr(intrinsics, function.__name__)
        return numba.njit(**OPTIONS)(linked(function.body))
    return numba.njit(**OPTIONS)(linked(_with_float32_constants(function)))


def linked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its elementary functions and helpers replaced by their compiled forms."""
    code = function.__code__
    names = {n for c in _codes(code) for n in c.co_names}
    known = {n: function.__globals__[n] for n in names if n in function.__globals__}
    compiled = {n: jitted(v) for n, v in known.items() if _is_formula(v)}
    copy = types.FunctionType(
        code, {**function.__globals__, **compiled}, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def digest(function: Callable[..., Any] | Elementary) -> str:
    """Changes whenever the function, or anything it calls, would compile to something else."""
    seen: dict[int, str] = {}

    def of(value: Any) -> str:
        if isinstance(value, Elementary):
            return of(value.body) if value.body else value.__name__
        if not isinstance(value, types.FunctionType):
            return repr(value)
        if id(value) not in seen:
            seen[id(value)] = value.__name__
            names = sorted({n for c in _codes(value.__code__) for n in c.co_names})
            parts = [_text(value.__code__), repr(value.__defaults__)]
            parts += [n + of(value.__globals__[n]) for n in names if _matters(value.__globals__.get(n))]
            parts += [of(cell.cell_contents) for cell in value.__closure__ or ()]
            seen[id(value)] = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return seen[id(value)]

    return of(function)[:16] if not isinstance(function, Elementary) else hashlib.sha256(of(function).encode()).hexdigest()[:16]


def _with_float32_constants(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with each number in its text a float32."""
    code = function.__code__
    constants = tuple(np.float32(c) if type(c) in (int, float) else c for c in code.co_consts)
    copy = types.FunctionType(
        code.replace(co_consts=constants), function.__globals__, function.__name__, None, function.__closure__
    )
    return copy


def _is_formula(value: Any) -> bool:
    return isinstance(value, (Elementary, types.FunctionType))


def _matters(value: Any) -> bool:
    return isinstance(value, (Elementary, types.FunctionType, int, float, str, tuple))


def _codes(code: types.CodeType) -> list[types.CodeType]:
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return [code, *(d for c in inner for d in _codes(c))]


def _text(code: types.CodeType) -> str:
    constants = [_text(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return repr((code.co_code, code.co_names, code.co_varnames, constants))
