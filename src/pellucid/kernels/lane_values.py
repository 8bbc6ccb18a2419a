"""Sixteen float32 numbers in a register, on which formulas are evaluated while a kernel is compiled.

What LLVM makes of a loop depends on its mood; what it makes of these does not: a formula is read once, with
values that write down an instruction for each operation. No flag lets anything be reordered or fused.

Imported only while something is compiled.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pellucid.kernels.elementary import WORDS
from pellucid.kernels.intrinsics import SIDE as LANES
from pellucid.kernels.words import Meaning

F32, I32 = ir.FloatType(), ir.IntType(32)
FLOATS, WHOLES = ir.VectorType(F32, LANES), ir.VectorType(I32, LANES)


class Lanes:
    """A vector of float32 or int32 numbers, or of truth values, that stands in a function being built."""

    __array_ufunc__ = None  # a number of NumPy before an operator leaves the operation to this

    def __init__(self, builder, value):
        self.builder, self.value = builder, value

    def _other(self, other):
        """The other side of an operation as a vector of the same kind."""
        if isinstance(other, Lanes):
            return other.value
        element = self.value.type.element
        number = np.float32(other).item() if element == F32 else int(other)
        return ir.Constant(self.value.type, [number] * LANES)

    def _make(self, name, left, right):
        return Lanes(self.builder, getattr(self.builder, name)(left, right))

    @property
    def _is_float(self):
        return self.value.type == FLOATS

    def __add__(self, other):
        return self._make("fadd" if self._is_float else "add", self.value, self._other(other))

    def __radd__(self, other):
        return self._make("fadd" if self._is_float else "add", self._other(other), self.value)

    def __sub__(self, other):
        return self._make("fsub" if self._is_float else "sub", self.value, self._other(other))

    def __rsub__(self, other):
        return self._make("fsub" if self._is_float else "sub", self._other(other), self.value)

    def __mul__(self, other):
        return self._make("fmul" if self._is_float else "mul", self.value, self._other(other))

    def __rmul__(self, other):
        return self._make("fmul" if self._is_float else "mul", self._other(other), self.value)

    def __truediv__(self, other):
        return self._make("fdiv", self.value, self._other(other))

    def __rtruediv__(self, other):
        return self._make("fdiv", self._other(other), self.value)

    def __lshift__(self, other):
        return self._make("shl", self.value, self._other(other))

    def __rshift__(self, other):
        return self._make("ashr", self.value, self._other(other))

    def __or__(self, other):
        return self._make("or_", self.value, self._other(other))

    def __and__(self, other):
        return self._make("and_", self.value, self._other(other))

    def __abs__(self):
        return MEANING.instructions["absolute"](self)

    def __pow__(self, other):
        if not isinstance(other, Lanes) and other == int(other) and 1 <= other <= 64:
            return self if other == 1 else self * self ** (other - 1)
        raise TypeError("a power that is no small whole number; use exp and log")

    def __bool__(self):
        raise TypeError("a formula has no branches; use where")

    def __neg__(self):
        return Lanes(self.builder, self.builder.fneg(self.value))

    def __pos__(self):
        return self

    def _compare(self, operator, other):
        compare = self.builder.fcmp_ordered if self._is_float else self.builder.icmp_signed
        if operator == "!=" and self._is_float:
            compare = self.builder.fcmp_unordered
        return Lanes(self.builder, compare(operator, self.value, self._other(other)))

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def __eq__(self, other):
        return self._compare("==", other)

    def __ne__(self, other):
        return self._compare("!=", other)

    __hash__ = None  # type: ignore[assignment]


def _vector(builder, value):
    """A value as a vector of floats."""
    if isinstance(value, Lanes):
        return value.value
    return ir.Constant(FLOATS, [np.float32(value).item()] * LANES)


def _builder_of(values):
    return next(v.builder for v in values if isinstance(v, Lanes))


def _instruction(name):
    """The LLVM instruction of that name, on floats."""

    def emit(*values):
        if not any(isinstance(v, Lanes) for v in values):
            return KNOWN[name](*map(np.float32, values))
        bd = _builder_of(values)
        kind = ir.FunctionType(FLOATS, [FLOATS] * len(values))
        function = cgutils.get_or_insert_function(bd.module, kind, f"llvm.{name}.v{LANES}f32")
        return Lanes(bd, bd.call(function, [_vector(bd, v) for v in values]))

    return emit


KNOWN = {  # of numbers alone
    "fabs": np.abs,
    "copysign": np.copysign,
    "floor": np.floor,
    "roundeven": np.rint,
    "sqrt": np.sqrt,
}
_fma = _instruction("fma")


def _polynomial(x, *coefficients):
    result = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        result = _fma(result, x, c)
    return result


def _where(condition, yes, no):
    if not isinstance(condition, Lanes):
        return yes if condition else no
    bd = condition.builder
    is_whole = any(isinstance(v, Lanes) and v.value.type == WHOLES for v in (yes, no))
    if is_whole:
        sides = [
            v.value if isinstance(v, Lanes) else ir.Constant(WHOLES, [int(v)] * LANES) for v in (yes, no)
        ]
    else:
        sides = [_vector(bd, v) for v in (yes, no)]
    return Lanes(bd, bd.select(condition.value, *sides))


def _float32(value):
    if not isinstance(value, Lanes):
        return np.float32(value)
    if value.value.type == FLOATS:
        return value
    return Lanes(value.builder, value.builder.sitofp(value.value, FLOATS))


def _int32(value):
    if not isinstance(value, Lanes):
        return np.int32(value)
    if value.value.type == WHOLES:
        return value
    return Lanes(value.builder, value.builder.fptosi(value.value, WHOLES))


class _NumPy:
    """What `np` means to formulas: words by the names of NumPy's functions, and the types of numbers."""

    float32, int32 = staticmethod(_float32), staticmethod(_int32)

    def __getattr__(self, name):
        word = WORDS.get("absolute" if name == "abs" else name)
        if word is None:
            raise TypeError(f"np.{name}, for which there is no word")
        return MEANING.formula(word)


MEANING = Meaning(
    {
        "fma": _fma,
        "polynomial": _polynomial,
        "absolute": _instruction("fabs"),
        "copysign": _instruction("copysign"),
        "floor": _instruction("floor"),
        "nearest": _instruction("roundeven"),
        "sqrt": _instruction("sqrt"),
        "bits": lambda x: Lanes(x.builder, x.builder.bitcast(x.value, WHOLES)),
        "from_bits": lambda x: Lanes(x.builder, x.builder.bitcast(x.value, FLOATS)),
        "where": _where,
    },
    {"f32": _float32, "np": _NumPy()},
)


def on_lanes(function):
    """An intrinsic `apply(places of results..., arguments...)` that evaluates a function once.

    A place, or an argument that is a vector, is an array and where in it the sixteen numbers begin; an
    argument that is one number stands for itself.
    """
    meant = MEANING.formula(function)
    n_arguments = function.__code__.co_argcount

    @intrinsic
    def apply(tc, *given):
        def codegen(ctx, bd, sig, args):
            values, kinds = cgutils.unpack_tuple(bd, args[0]), sig.args[0]
            slots, at = [], 0
            while at < len(values):
                if isinstance(kinds[at], types.Array):
                    array = ctx.make_array(kinds[at])(ctx, bd, values[at])
                    offset = ctx.cast(bd, values[at + 1], kinds[at + 1], types.int64)
                    slots.append(bd.bitcast(bd.gep(array.data, [offset]), FLOATS.as_pointer()))
                    at += 2
                else:
                    number = ctx.cast(bd, values[at], kinds[at], types.float32)
                    one = bd.insert_element(ir.Constant(FLOATS, ir.Undefined), number, ir.Constant(I32, 0))
                    spread = ir.Constant(WHOLES, [0] * LANES)
                    slots.append(Lanes(bd, bd.shuffle_vector(one, ir.Constant(FLOATS, ir.Undefined), spread)))
                    at += 1
            places = slots[: len(slots) - n_arguments]
            arguments = [
                s if isinstance(s, Lanes) else Lanes(bd, bd.load(s, align=4)) for s in slots[len(places) :]
            ]
            results = meant(*arguments)
            results = results if isinstance(results, tuple) else (results,)
            for place, result in zip(places, results, strict=True):
                bd.store(_vector(bd, result), place, align=4)
            return ctx.get_dummy_value()

        return types.void(types.StarArgTuple(given)), codegen

    return apply
