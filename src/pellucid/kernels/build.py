"""Makes machine code of a kernel with Numba.

Imported only while something is compiled.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from pellucid.kernels.codegen import WHOLE, Whole
from pellucid.kernels.jit import body, key
from pellucid.kernels.kernel import Kernel

NUMBERS = {"f4": types.float32, "f8": types.float64, "i8": types.int64, "i4": types.int32}
I64 = ir.IntType(64)
ENDLESS = 1 << 40  # numbers that an operand is said to have: how many there are is not looked at


def prepare() -> None:
    """Load what Numba loads when it compiles for the first time."""
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def machine_code(kernel: Kernel) -> bytes:
    """The kernel as an object file with one function, named by its key."""
    with global_compiler_lock:
        return library(kernel).machine_code()


def assembly(kernel: Kernel) -> str:
    """The same to read."""
    with global_compiler_lock:
        return str(library(kernel).get_asm_str())


def library(kernel: Kernel) -> Whole:
    """Numba's code library for a kernel; its entry reads the argument row and calls the body."""
    pointer = types.CPointer(types.int64)

    def type_of(name: str) -> Any:
        if name in kernel.operands:
            return types.Array(NUMBERS[kernel.operands[name].dtype], 1, "C")
        return pointer if name == "now" else types.float32 if name in kernel.numbers else types.int64

    arguments = [type_of(name) for name in kernel.parameters] + [types.int64, types.int64]
    dispatcher = body(kernel.body, kernel.names(), kernel.reassociate, kernel.overlaps)
    dispatcher.compile(types.void(*arguments))
    compiled = dispatcher.overloads[tuple(arguments)]
    context = compiled.target_context

    whole: Whole = WHOLE.create_library(key(kernel))
    module = whole.create_ir_module(key(kernel))
    kind = ir.FunctionType(ir.VoidType(), [I64.as_pointer(), I64.as_pointer(), I64, I64])
    entry = ir.Function(module, kind, key(kernel))
    builder = ir.IRBuilder(entry.append_basic_block())
    row, now, lo, hi = entry.args

    def value_of(name: str, kind: Any, at: int) -> Any:
        if name == "now":
            return now
        raw = builder.load(builder.gep(row, [ir.Constant(I64, at)]))
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder)
            array.data = builder.inttoptr(raw, context.get_data_type(kind.dtype).as_pointer())
            array.itemsize = ir.Constant(I64, kind.dtype.bitwidth // 8)
            array.nitems = ir.Constant(I64, ENDLESS)
            array.shape = ir.Constant(ir.ArrayType(I64, 1), [ENDLESS])
            array.strides = ir.Constant(ir.ArrayType(I64, 1), [kind.dtype.bitwidth // 8])
            return array._getvalue()
        if kind is types.float32:
            return builder.fptrunc(builder.bitcast(raw, ir.DoubleType()), ir.FloatType())
        return raw

    values = [value_of(n, t, i) for i, (n, t) in enumerate(zip(kernel.parameters, arguments, strict=False))]
    function = context.declare_function(module, compiled.fndesc)
    context.call_conv.call_function(builder, function, types.none, arguments, [*values, lo, hi])
    builder.ret_void()
    whole.add_ir_module(module)
    whole.add_linking_library(compiled.library)
    whole.finalize()
    return whole
