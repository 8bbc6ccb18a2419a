"""Ctrl-C during a training."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_noted = 0


def n_noted() -> int:
    """How many Ctrl-C were kept from this thread so far, for training to end in good order.

    Who trains several networks one after the other can tell by it that the rest is not wanted, even where the
    first has come to its end by itself.
    """
    return _noted if threading.current_thread() is threading.main_thread() else 0


@contextmanager
def ctrl_c(first: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C call `first`, so that it can end in good order; a second one raises at once."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return

    def note(*_: Any) -> None:
        global _noted
        _noted += 1
        first()
        signal.signal(signal.SIGINT, before)

    try:
        signal.signal(signal.SIGINT, note)
        yield
    finally:
        signal.signal(signal.SIGINT, before)
