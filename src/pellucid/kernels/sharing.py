"""Who is at work in this process: teams that work at the same time take fewer members each."""

from __future__ import annotations

import os
import threading

import numpy as np

from pellucid import settings
from pellucid.kernels.meeting import Meeting

_lock = threading.Lock()
_at_work: list[tuple[int, np.ndarray]] = []  # the thread that leads, and where its team meets


def enter(meeting: np.ndarray) -> None:
    """Count the caller's thread among those who lead a team."""
    with _lock:
        _at_work.append((threading.get_ident(), meeting))
        _share()


def leave(meeting: np.ndarray) -> None:
    """Take it off again."""
    with _lock:
        _at_work[:] = [(t, m) for t, m in _at_work if m is not meeting]
        _share()


def _share() -> None:
    leaders = len({thread for thread, _ in _at_work})
    for _, meeting in _at_work:
        meeting[Meeting.ALLOWED] = max(1, settings.cores() // leaders)


def _in_child() -> None:
    """After a fork only the thread that forked is left, and nobody holds the lock."""
    global _lock
    _lock = threading.Lock()
    _at_work[:] = [(t, m) for t, m in _at_work if t == threading.get_ident()]
    _share()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
