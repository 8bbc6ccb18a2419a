"""Compiles kernels to machine code, once for a machine, and gives their addresses.

A kernel that is in the cache is loaded by llvmlite alone; Numba is imported only to compile.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from pellucid import settings
from pellucid.errors import ArgumentError, InternalError, PellucidError
from pellucid.kernels import cache
from pellucid.kernels.jit import body, digest
from pellucid.kernels.kernel import Kernel

_lock = threading.RLock()
_addresses: dict[str, int] = {}
_engine: Any = None


def addresses(kernels: Iterable[Kernel]) -> dict[Kernel, int]:
    """Where each kernel's machine code stands, compiling what was never compiled on this machine."""
    with _lock:
        keys = {k: key(k) for k in kernels}
        missing = {name: k for k, name in keys.items() if not _from_cache(name)}
        if missing:
            _compile(missing)
        return {k: _addresses[name] for k, name in keys.items()}


def key(kernel: Kernel) -> str:
    """Names a kernel's machine code: changes when the kernel would compile to something else."""
    known: str | None = getattr(kernel, "_key", None)
    if known is None:
        operands = {n: repr(a) for n, a in kernel.operands.items()}
        how = (operands, kernel.numbers, kernel.formulas, kernel.reassociate, kernel.overlaps)
        known = f"{kernel.name}-{digest(kernel.body, *how)}"
        kernel._key = known  # type: ignore[attr-defined]
    return known


def _from_cache(name: str) -> bool:
    if name not in _addresses and (code := cache.load(name)) is not None:
        _link(name, code)
    return name in _addresses


def _compile(kernels: dict[str, Kernel]) -> None:
    names = ", ".join(k.name for k in kernels.values())
    short = names if len(names) < 60 else f"{names[:57].rsplit(', ', 1)[0]}, ..."
    plural = "s" if len(kernels) > 1 else ""
    print(
        f"pellucid: compiling {len(kernels)} kernel{plural} for this CPU ({short}), once:",
        end=" ",
        file=sys.stderr,
        flush=True,
    )
    start = time.perf_counter()
    for name, kernel in kernels.items():
        try:
            code = machine_code(kernel)
        except Exception as error:
            print(file=sys.stderr)
            raise _failure(kernel, error) from error
        cache.store(name, code)
        _link(name, code)
    print(f"{time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)


def _failure(kernel: Kernel, error: Exception) -> PellucidError:
    """One sentence for what the compiler said at length."""
    said = next((s for line in str(error).splitlines() if (s := line.strip())), type(error).__name__)
    if kernel.formulas:
        return ArgumentError(
            f"{kernel.name!r} cannot be compiled ({said}). Write its formula with arithmetic and the words "
            "of pellucid.kernels.elementary."
        )
    return InternalError(f"kernel {kernel.name!r} cannot be compiled: {said}")


def machine_code(kernel: Kernel) -> bytes:
    """The kernel as an object file with one function, named by its key."""
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        return bytes(library(kernel)._get_compiled_object())


def library(kernel: Kernel) -> Any:
    """Numba's code library for a kernel; its entry reads the argument row and calls the body."""
    from llvmlite import ir
    from numba import types

    number = {"f4": types.float32, "f8": types.float64, "i8": types.int64, "i4": types.int32}
    pointer = types.CPointer(types.int64)

    def type_of(name: str) -> Any:
        if name in kernel.operands:
            return types.Array(number[kernel.operands[name].dtype], 1, "C")
        return pointer if name == "now" else types.float32 if name in kernel.numbers else types.int64

    arguments = [type_of(name) for name in kernel.parameters] + [types.int64, types.int64]
    dispatcher = body(kernel.body, kernel.names(), kernel.reassociate, kernel.overlaps)
    dispatcher.compile(types.void(*arguments))
    compiled = dispatcher.overloads[tuple(arguments)]
    context = compiled.target_context

    result = context.codegen().create_library(key(kernel))
    result.enable_object_caching()
    module = result.create_ir_module(key(kernel))
    i64 = ir.IntType(64)
    kind = ir.FunctionType(ir.VoidType(), [i64.as_pointer(), i64.as_pointer(), i64, i64])
    entry = ir.Function(module, kind, key(kernel))
    builder = ir.IRBuilder(entry.append_basic_block())
    row, now, lo, hi = entry.args

    def value_of(name: str, kind: Any, at: int) -> Any:
        if name == "now":
            return now
        slot = builder.gep(row, [ir.Constant(i64, at)])
        raw = builder.load(slot)
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder)
            array.data = builder.inttoptr(raw, context.get_data_type(kind.dtype).as_pointer())
            array.itemsize = ir.Constant(i64, kind.dtype.bitwidth // 8)
            array.nitems = ir.Constant(i64, 1 << 40)
            array.shape = ir.Constant(ir.ArrayType(i64, 1), [1 << 40])
            array.strides = ir.Constant(ir.ArrayType(i64, 1), [kind.dtype.bitwidth // 8])
            return array._getvalue()
        if kind is types.float32:
            return builder.fptrunc(builder.bitcast(raw, ir.DoubleType()), ir.FloatType())
        return raw

    values = [value_of(n, t, i) for i, (n, t) in enumerate(zip(kernel.parameters, arguments, strict=False))]
    function = context.declare_function(module, compiled.fndesc)
    context.call_conv.call_function(builder, function, types.none, arguments, [*values, lo, hi])
    builder.ret_void()
    result.add_ir_module(module)
    result.add_linking_library(compiled.library)
    _hide_all_but(key(kernel), result)
    result.finalize()
    return result


def _hide_all_but(entry: str, result: Any) -> None:
    """Let no other function be seen from outside once the library is optimised.

    Numba counts the functions of a process to name them, so two kernels that two processes compiled may
    hold different functions of one name; loaded side by side, one of them would be called for both.
    """
    optimise = result._optimize_final_module

    def optimise_and_hide() -> None:
        optimise()
        for function in result._final_module.functions:
            if not function.is_declaration and function.name != entry:
                function.linkage = "internal"

    result._optimize_final_module = optimise_and_hide


def _link(name: str, code: bytes) -> None:
    global _engine
    import llvmlite.binding as llvm

    if _engine is None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine()
        _engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    _engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    _engine.finalize_object()
    _addresses[name] = _engine.get_function_address(name)
    if settings.debug():
        print(f"pellucid: {name} at {_addresses[name]:#x}, {len(code)} bytes", file=sys.stderr)
