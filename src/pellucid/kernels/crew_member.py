"""What a helper does that `crew` starts: it is sent kernels and answers with their machine code."""

from __future__ import annotations

import importlib
import io
import os
import pickle
import signal
import sys
from typing import Any

from pellucid.kernels import cache
from pellucid.kernels.crew import READY, receive, send

KNOWN = sys.stdlib_module_names | {"pellucid", "numba", "numpy"}


def serve() -> None:
    """Compile what comes in through standard input, until no more comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this one ends it
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed does not come between the answers
    if receive(questions).decode() != cache.state():  # another Python, or sources that were edited just now
        return
    sys.modules["scipy"] = None  # type: ignore[assignment] # Numba would load it, which takes 0.15 s
    from pellucid.kernels import build

    build.prepare()
    send(answers, READY)
    while True:
        try:
            question = receive(questions)
        except EOFError:
            return
        try:
            code = build.machine_code(Reader(io.BytesIO(question)).load())
        except Exception:
            code = b""
        send(answers, code)


class Reader(pickle.Unpickler):
    """Reads a kernel; no module of somebody else's is imported, since that may do anything."""

    def find_class(self, module: str, name: str) -> Any:
        self._check(module)
        return self._imported if name == "subimport" else super().find_class(module, name)

    def _imported(self, module: str) -> Any:
        self._check(module)
        return importlib.import_module(module)

    @staticmethod
    def _check(module: str) -> None:
        if module.partition(".")[0] not in KNOWN:
            raise pickle.UnpicklingError(f"{module} is not imported here")
