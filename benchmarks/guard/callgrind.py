"""Asks the valgrind around this process for counts of instructions."""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

# A function of x86-64 that hands the address it is given to valgrind, by a sequence of rotations that does
# nothing elsewhere; see "The Client Request mechanism" in valgrind's manual and the macros of its valgrind.h.
CODE = bytes.fromhex("4889f8 4831d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
TOOL = ord("C") << 24 | ord("T") << 16
DUMP_AS, START = TOOL + 3, TOOL + 4


class Callgrind:
    """Counts what runs between two requests; without valgrind around it counts nothing."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._memory.write(CODE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._call = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)
        self._request(START)

    def count(self, name: str, work: Callable[[], object]) -> None:
        """Do the work, and have the instructions that it took written down under a name."""
        self._dump("before")
        work()
        self._dump(name)

    def _dump(self, name: str) -> None:
        """Write down what was counted since the last time."""
        text = ctypes.create_string_buffer(name.encode())
        self._request(DUMP_AS, ctypes.addressof(text))

    def _request(self, what: int, argument: int = 0) -> None:
        words = np.array([what, argument, 0, 0, 0, 0], np.uint64)
        self._call(words.ctypes.data)


def counts(folder: Path) -> dict[str, int]:
    """The instructions that callgrind wrote into files in a folder, by name."""
    found = {}
    for path in folder.iterdir():
        text = path.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.MULTILINE)
        total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
        if name and total and name[1] != "before":
            found[name[1]] = int(total[1])
    return found
