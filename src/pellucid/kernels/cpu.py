"""What the CPU we run on can do."""

from __future__ import annotations

import functools

from pellucid import settings


@functools.cache
def features() -> dict[str, bool]:
    """The CPU's features by LLVM's names, such as `avx512f`; empty where LLVM cannot tell."""
    import llvmlite.binding as llvm

    try:
        return dict(llvm.get_host_cpu_features())
    except RuntimeError:
        return {}


@functools.cache
def name() -> str:
    """The CPU's name in LLVM's words, such as `znver5`."""
    import llvmlite.binding as llvm

    return str(llvm.get_host_cpu_name())


def vector_width() -> int:
    """float32 numbers in one vector register: 16 with AVX-512, 8 with AVX, else 4."""
    has = features() if settings.jit() else {}  # who compiles nothing does not need LLVM either
    return 16 if has.get("avx512f") else 8 if has.get("avx") else 4


def vector_registers(width: int) -> int:
    """How many vector registers there are: 32 with AVX-512 and on 64-bit ARM, else 16."""
    return 32 if width == 16 or "neon" in features() or name().startswith("apple") else 16
