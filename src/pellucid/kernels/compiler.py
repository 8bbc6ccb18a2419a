"""Compiles kernels to machine code, once for a machine, and gives their addresses.

A kernel that is in the cache is loaded by llvmlite alone; Numba is imported only to compile.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from pellucid import settings
from pellucid.errors import ArgumentError, InternalError, PellucidError
from pellucid.kernels import cache, crew
from pellucid.kernels.jit import key
from pellucid.kernels.kernel import Kernel

_lock = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child that is forked while another thread compiles could never begin
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
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


def _from_cache(name: str) -> bool:
    if name not in _addresses and (code := cache.load(name)) is not None:
        _link(name, code)
    return name in _addresses


def _compile(kernels: dict[str, Kernel]) -> None:
    names = ", ".join(k.name for k in kernels.values())
    short = names if len(names) < 60 else f"{names[:57].rsplit(', ', 1)[0]}, ..."
    plural = "s" if len(kernels) > 1 else ""
    said = f"pellucid: compiling {len(kernels)} kernel{plural} for this CPU ({short}), once:"
    print(said, end=" ", file=sys.stderr, flush=True)
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    start = time.perf_counter()
    try:
        for done, (kernel, code) in enumerate(crew.machine_codes(list(kernels.values()), _made_here), 1):
            cache.store(key(kernel), code)
            _link(key(kernel), code)
            if is_terminal:
                print(f"\r{said} {done} done", end=" ", file=sys.stderr, flush=True)
    except BaseException:
        print(file=sys.stderr)
        raise
    took = f"{time.perf_counter() - start:.1f} s"
    print(f"\r{said} {took}    " if is_terminal else took, file=sys.stderr, flush=True)


def _made_here(kernel: Kernel) -> bytes:
    """The machine code of a kernel, compiled in this process."""
    from pellucid.kernels import build

    try:
        return build.machine_code(kernel)
    except Exception as error:
        raise _failure(kernel, error) from error


def _failure(kernel: Kernel, error: Exception) -> PellucidError:
    """One sentence for what the compiler said at length."""
    said = next((s for line in str(error).splitlines() if (s := line.strip())), type(error).__name__)
    if kernel.formulas:
        return ArgumentError(
            f"{kernel.name!r} cannot be compiled ({said}). Write its formula with arithmetic and the words "
            "of pellucid.kernels.elementary."
        )
    return InternalError(f"kernel {kernel.name!r} cannot be compiled: {said}")


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
