"""The computer, as far as it explains the figures, and what keeps libraries to a number of threads."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """What stands above a table of figures."""
    model, flags = platform.processor(), ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        model, flags = said.get("model name", model), said.get("flags", "")
    return {
        "cpu": model,
        "vectors": [f for f in ("avx512f", "avx2", "fma") if f in flags.split()],
        "cores": cores(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def sentence(computer: dict[str, Any]) -> str:
    return f"{computer['cpu']}, {computer['cores']} cores, load {computer['load']}, {computer['system']}"


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(threads: int) -> dict[str, str]:
    """Every library's own word for its number of threads (`NPROC` is JAX's), and nothing that
    makes OpenBLAS take other kernels than those of this CPU."""
    words = (
        *("PELLUCID_THREADS", "NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    )
    kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return {**kept, **dict.fromkeys(words, str(threads)), "TF_CPP_MIN_LOG_LEVEL": "3"}
