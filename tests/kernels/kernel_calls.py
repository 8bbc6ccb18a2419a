"""Calls one kernel on arrays, compiled or as its twin, in as many parts as a test wants."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.buffer import Arena, Buffer, line
from pellucid.engine.plan import Axis, Call
from pellucid.kernels import compiler
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.team import NOW_ROW

Array = NDArray[Any]
ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def buffer_for(name: str, values: Array, dtype: str) -> Buffer:
    """A matrix with padded rows, or a line."""
    return Buffer(name, *values.shape, dtype) if values.ndim == 2 else line(name, len(values), dtype)


class Work:
    """A kernel with memory of its own for its operands.

    Parameters
    ----------
    kernel : Kernel
        What to call.
    values : dict of str to array
        What the operands hold at first: a matrix or a line.
    now : sequence of int
        Step, first row, rows of the batch, updates before.
    numbers
        The kernel's other arguments.
    """

    def __init__(
        self, kernel: Kernel, values: Mapping[str, Array], now: Sequence[int] = (0, 0, 1, 0), **numbers: Any
    ) -> None:
        assert set(values) == set(kernel.operands), f"{kernel} has the operands {list(kernel.operands)}"
        self.kernel = kernel
        self.buffers = {n: buffer_for(n, values[n], a.dtype) for n, a in kernel.operands.items()}
        self.call = Call(kernel, Axis("parts", None), {**self.buffers, **numbers})
        self.arena = Arena(self.buffers.values())
        for name, buffer in self.buffers.items():
            self.arena.view(buffer)[:] = values[name]
        self.now = np.zeros(NOW_ROW, np.int64)
        self.now[:4] = now

    def compiled(self, cuts: Iterable[int]) -> dict[str, Array]:
        """What the compiled kernel writes when it does the parts between neighbours of `cuts`."""
        entry = ENTRY(compiler.addresses([self.kernel])[self.kernel])
        row = np.array([self._slot(a) for a in self.call.arguments], np.int64)
        for lo, hi in parts(cuts):
            entry(row.ctypes.data, self.now.ctypes.data, lo, hi)
        return self.written()

    def interpreted(self, cuts: Iterable[int]) -> dict[str, Array]:
        """The same by the twin."""
        reference = self.kernel.reference
        assert reference is not None
        named = zip(self.kernel.parameters, self.call.arguments, strict=True)
        values = [
            self.now if p == "now" else self.arena.view(a) if isinstance(a, Buffer) else a for p, a in named
        ]
        for lo, hi in parts(cuts):
            with np.errstate(all="ignore"):
                reference(*values, lo, hi)
        return self.written()

    def written(self) -> dict[str, Array]:
        """The operands that the kernel writes, with their padding."""
        names = [n for n, a in self.kernel.operands.items() if a.writes]
        return {n: self.arena.padded(self.buffers[n]).copy() for n in names}

    def columns(self, name: str) -> int:
        """How many columns of an operand are not padding."""
        return self.buffers[name].columns

    def _slot(self, argument: Any) -> int:
        if isinstance(argument, Buffer):
            return int(self.arena.padded(argument).ctypes.data)
        return int(np.float64(argument).view(np.int64)) if isinstance(argument, float) else int(argument)


def parts(cuts: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbours of some cuts."""
    return list(itertools.pairwise(cuts))
