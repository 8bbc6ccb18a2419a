"""The few settings that come from the environment, read when they are needed.

==========================  ==================================================================
`PELLUCID_THREADS`          most threads a run may use (default: the cores this process may use)
`PELLUCID_JIT`              0 runs every plan on the NumPy twins of the kernels (default 1)
`PELLUCID_CACHE_DIR`        where compiled kernels are kept (default: the user's cache folder)
`PELLUCID_DEBUG`            1 prints plans and compilations on stderr, and full tracebacks
==========================  ==================================================================
"""

from __future__ import annotations

import os
from pathlib import Path

from pellucid.errors import ArgumentError


def threads() -> int:
    """Most threads a run may use, at least 1."""
    return fixed_threads() or cores()


def fixed_threads() -> int | None:
    """How many threads a fit shall use; None where that is left to what they cost."""
    text = os.environ.get("PELLUCID_THREADS", "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(f"PELLUCID_THREADS must be a whole number from 1, but is {text!r}.")
    return int(text)


def cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def jit() -> bool:
    """Whether kernels are compiled; otherwise their NumPy twins run."""
    return _switch("PELLUCID_JIT", default=True)


def debug() -> bool:
    """Whether plans, compilations and full tracebacks are printed."""
    return _switch("PELLUCID_DEBUG", default=False)


def cache_dir() -> Path:
    """Folder for compiled kernels; not necessarily there yet."""
    if folder := os.environ.get("PELLUCID_CACHE_DIR", "").strip():
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_cache_dir("pellucid", appauthor=False))


def _switch(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").strip()
    if text not in ("", "0", "1"):
        raise ArgumentError(f"{name} must be 0 or 1, but is {text!r}.")
    return default if not text else text == "1"
