"""Kernels for a CPU that valgrind knows, and that is the same wherever they are counted."""

from __future__ import annotations

NAME = "haswell"
FEATURES = (
    *("sse", "sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "avx", "avx2"),
    *("fma", "f16c", "bmi", "bmi2", "lzcnt", "popcnt", "movbe"),
)
# What Numba is told; it reads this when it is imported.
ENVIRONMENT = {"NUMBA_CPU_NAME": NAME, "NUMBA_CPU_FEATURES": ",".join(f"+{f}" for f in FEATURES)}


def narrow() -> None:
    """Let pellucid take the CPU for that one: before anything else of it is used."""
    from pellucid.kernels import cpu

    cpu.name = lambda: NAME  # type: ignore[assignment]
    cpu.features = lambda: dict.fromkeys(FEATURES, True)  # type: ignore[assignment]
