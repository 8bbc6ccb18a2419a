"""The few settings that come from the environment, read when they are needed.

==========================  ==================================================================
`PELLUCID_THREADS`          threads that a fit uses, and most that anything else may use (default: as
                            many as take the least time, at most the cores this process may use)
`PELLUCID_JIT`              0 runs every plan on the NumPy twins of the kernels (default 1)
`PELLUCID_CACHE_DIR`        where compiled kernels are kept (default: the user's cache folder)
`PELLUCID_DEBUG`            1 prints plans and compilations on stderr, and full tracebacks
==========================  ==================================================================
"""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path

from pellucid.errors import ArgumentError

CGROUPS, CGROUP_ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


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
    """Cores this process may run on, or as many as its container may use at a time."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(known, quota())))


@functools.cache
def quota() -> float:
    """How many cores' time the control groups of this process grant it (Linux); infinity without a limit."""
    try:
        lines = CGROUPS.read_text().splitlines()
    except OSError:
        return math.inf
    limits = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        base = CGROUP_ROOT / "cpu" if "cpu" in controllers.split(",") else CGROUP_ROOT
        if not controllers or base != CGROUP_ROOT:
            own = base / path.lstrip("/")
            limits += [_limit(folder) for folder in (own, *own.parents) if folder.is_relative_to(base)]
    return min(limits)


def _limit(folder: Path) -> float:
    """The cores of one control group: version 2 has both numbers in a file, version 1 one in each of two."""
    try:
        if (both := folder / "cpu.max").exists():
            most, period = both.read_text().split()
        else:
            most = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return math.inf if most == "max" or int(most) <= 0 else int(most) / int(period)
    except (OSError, ValueError):
        return math.inf


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
