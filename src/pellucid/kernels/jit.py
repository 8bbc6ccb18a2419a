"""Turns plain Python functions into compiled ones: formulas, elementary functions, kernel bodies.

Nothing is decorated where it is written, so formulas stay ordinary Python and importing them
does not load Numba.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InternalError
from pellucid.kernels.elementary import Elementary
from pellucid.registry import Formula

if TYPE_CHECKING:
    from pellucid.kernels.kernel import Kernel

# No flag may let the compiler assume that NaN or infinity cannot occur, and none may contract
# a * b + c: then a result does not depend on whether vector code or the rest of a loop made it.
OPTIONS: dict[str, Any] = {
    "fastmath": False,  # said, since a callee would inherit it from whoever compiles it first
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
# Without it LLVM leaves calls in a loop over a long formula, and the loop stays scalar.
INLINED = OPTIONS | {"forceinline": True}

PLAIN = (int, float, complex, str, bool, np.generic)  # values that compiled code holds as they are


class Instruction:
    """A word for an intrinsic that only compiled code can call, such as an atomic addition."""

    function: Callable[..., Any] | None = None  # what it is made of, where that is more than its name

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def intrinsic(self) -> Any:
        """What the compiler sees. Imports Numba."""
        from pellucid.kernels import intrinsics

        return getattr(intrinsics, self.__name__)

    def __call__(self, *arguments: Any) -> Any:
        """Only for the compiler's eyes."""
        raise InternalError(f"{self.__name__!r} can be called in compiled code only")


@functools.cache
def jitted(function: Callable[..., Any] | Elementary | Instruction) -> Any:
    """The compiled form of a scalar function: a formula or an elementary function.

    Numbers written in a formula, and those it takes from its module or the functions around it, mean
    float32, so that one stray `0.5` does not turn a vector loop into a loop of doubles. The functions
    that a formula calls are compiled the same way.
    """
    if isinstance(function, types.FunctionType):
        return callee(linked(in_float32(function), jitted), INLINED)
    if isinstance(function, Elementary) and function.body is not None:
        return callee(linked(function.body, helper), INLINED)
    if isinstance(function, Instruction):
        return function.intrinsic()
    from pellucid.kernels import intrinsics

    return getattr(intrinsics, function.__name__)


@functools.cache
def helper(function: Callable[..., Any]) -> Any:
    """The compiled form of a function that computes with whole numbers and arrays as well."""
    if not isinstance(function, types.FunctionType):
        return jitted(function)
    return callee(linked(function, helper))


def callee(function: Callable[..., Any], options: Mapping[str, Any] = OPTIONS) -> Any:
    """The compiled form of a function as it stands, for compiled code to call."""
    from pellucid.kernels.codegen import CalleeDispatcher

    return CalleeDispatcher(function, targetoptions={"nopython": True, **options})


def body(function: Callable[..., Any], names: Mapping[str, Any], reassociate: bool, overlaps: bool) -> Any:
    """The compiled form of a kernel's body; `names` are compiled functions that it calls.

    Unless `overlaps`, no array that it writes is reached through another argument: the plan's checker
    proves it and the compiler is told.
    """
    from pellucid.kernels.codegen import BodyDispatcher

    options = OPTIONS | {"nopython": True} | ({"fastmath": {"reassoc", "nsz"}} if reassociate else {})
    dispatcher: Any = BodyDispatcher(linked(function, helper, names), targetoptions=options)

    def arrays_do_not_overlap(flags: Any) -> Any:
        flags.noalias = not overlaps
        return flags

    dispatcher._compiler._customize_flags = arrays_do_not_overlap
    return dispatcher


def key(kernel: Kernel) -> str:
    """Names a kernel's machine code: changes when the kernel would compile to something else."""
    known: str | None = getattr(kernel, "_key", None)
    if known is None:
        operands = {n: repr(a) for n, a in kernel.operands.items()}
        how = (operands, kernel.numbers, kernel.formulas, kernel.reassociate, kernel.overlaps)
        known = f"{kernel.name}-{digest(kernel.body, *how)}"
        kernel._key = known  # type: ignore[attr-defined]
    return known


def digest(*values: Any) -> str:
    """Sixteen letters that change when a function, or anything it calls, changes."""
    seen: dict[int, str] = {}

    def of(value: Any) -> str:
        if isinstance(value, Elementary):
            return of(value.body) if value.body else value.__name__
        if isinstance(value, Instruction):
            return f"{value.__name__} {of(value.function)}" if value.function else value.__name__
        if isinstance(value, Formula):
            return of(value.function)
        if isinstance(value, (tuple, list)):
            return f"({','.join(map(of, value))})"
        if isinstance(value, Mapping):
            return f"{{{','.join(k + of(v) for k, v in sorted(value.items()))}}}"
        if isinstance(value, np.ndarray):
            return f"{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        if not isinstance(value, types.FunctionType):
            return repr(value) if isinstance(value, PLAIN) else type(value).__name__
        if id(value) not in seen:
            seen[id(value)] = value.__name__  # a function that calls itself
            parts = [_text(value.__code__), of(value.__defaults__)]
            for name, found in sorted(_reads(value).items()):
                parts.append(f"{name}={of(found)}")
                if isinstance(found, types.ModuleType):  # a number such as module.LIMIT
                    inside = {n: vars(found).get(n) for n in _names(value.__code__)}
                    parts.append(of({n: v for n, v in inside.items() if isinstance(v, (*PLAIN, np.ndarray))}))
            parts += [of(cell.cell_contents) for cell in value.__closure__ or ()]
            seen[id(value)] = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return seen[id(value)]

    return hashlib.sha256(of(values).encode()).hexdigest()[:16]


def length(*values: Any) -> int:
    """Bytes of Python's code in some functions and all that they call."""
    seen: set[types.FunctionType] = set()

    def of(value: Any) -> int:
        value = plain(value)
        function = value.body if isinstance(value, Elementary) else value
        if not isinstance(function, types.FunctionType) or function in seen:
            return 0
        seen.add(function)
        called = [*_reads(function).values(), *(cell.cell_contents for cell in function.__closure__ or ())]
        return len(function.__code__.co_code) + sum(map(of, called))

    return sum(map(of, values))


def linked(
    function: Callable[..., Any], compile: Callable[..., Any], names: Mapping[str, Any] | None = None
) -> Callable[..., Any]:
    """A copy of the function that calls the compiled forms of what it calls."""
    code: types.CodeType = function.__code__
    compiled = dict(names or {})
    for name in _names(code) - compiled.keys():
        if _is_ours(function.__globals__.get(name)):
            compiled[name] = compile(plain(function.__globals__[name]))
    cells = tuple(
        types.CellType(compile(plain(c.cell_contents)) if _is_ours(c.cell_contents) else c.cell_contents)
        for c in function.__closure__ or ()
    )
    space = {**function.__globals__, **compiled}
    return types.FunctionType(code, space, function.__name__, function.__defaults__, cells or None)


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with each number that it reads a float32."""

    def narrow(value: Any) -> Any:
        is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        return np.float32(value) if is_number else value

    code: types.CodeType = function.__code__
    constants = tuple(np.float32(c) if type(c) in (int, float) else c for c in code.co_consts)
    space = {**function.__globals__, **{n: narrow(v) for n, v in _reads(function).items()}}
    defaults = tuple(map(narrow, function.__defaults__ or ()))
    cells = tuple(types.CellType(narrow(c.cell_contents)) for c in function.__closure__ or ())
    code = code.replace(co_consts=constants)
    return types.FunctionType(code, space, function.__name__, defaults or None, cells or None)


def _reads(function: Callable[..., Any]) -> dict[str, Any]:
    """The global names that a function reads, with what they stand for; also those that name an attribute."""
    space = function.__globals__
    return {n: space[n] for n in _names(function.__code__) & space.keys()}


def plain(value: Any) -> Any:
    """The function of a registered formula, so that one formula may call another."""
    return value.function if isinstance(value, Formula) else value


def _is_ours(value: Any) -> bool:
    return isinstance(value, (Elementary, Formula, Instruction, types.FunctionType))


def _names(code: types.CodeType) -> set[str]:
    """All names in a function's code, those of functions inside it included."""
    return set(code.co_names).union(*(_names(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def _text(code: types.CodeType) -> str:
    constants = [_text(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return repr((code.co_code, code.co_names, code.co_varnames, constants))
