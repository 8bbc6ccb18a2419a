"""Buffers: named pieces of memory, planned first and given a place later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ArgumentError

LANE = 16  # float32 numbers in a cache line, and in the widest vector
ALIGNMENT = 64  # bytes

Array = NDArray[Any]


def stride_of(columns: int) -> int:
    """Numbers from one row of a buffer to the next: whole cache lines, so that rows are whole vectors.

    Never a multiple of 256 numbers, at which the rows of a column would fall on the same few places
    of a cache.

    Examples
    --------
    >>> stride_of(10), stride_of(100), stride_of(512)
    (16, 112, 528)
    """
    stride = -(-columns // LANE) * LANE
    return stride + LANE if stride % 256 == 0 else stride


@dataclass(eq=False, slots=True)
class Buffer:
    """A matrix of numbers with a name. What lies between its columns and its stride stays zero.

    Parameters
    ----------
    name : str
        Such as `hidden_1/weights`.
    rows, columns : int
        Its shape.
    dtype : str
        `f4`, `f8` or `i8`.
    given : bool
        Whether it is memory that somebody else owns, such as the user's data.
    is_line : bool
        Whether it is a line of `rows` numbers side by side.

    Attributes
    ----------
    stride : int
        Numbers from one row to the next.
    nbytes : int
        Bytes in the arena.
    """

    name: str
    rows: int
    columns: int
    dtype: str = "f4"
    given: bool = False
    is_line: bool = False

    stride: int = field(init=False)
    nbytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.stride = self.columns if self.given or self.is_line else stride_of(self.columns)
        self.nbytes = self.rows * self.stride * int(self.dtype[1])

    def __str__(self) -> str:
        return f"{self.name} ({self.rows})" if self.is_line else f"{self.name} ({self.rows} x {self.columns})"


def line(name: str, length: int, dtype: str = "f4", given: bool = False) -> Buffer:
    """A buffer of numbers side by side."""
    return Buffer(name, length, 1, dtype, given, is_line=True)


class Arena:
    """One block of memory that holds buffers, each at a fixed offset.

    Parameters
    ----------
    buffers : iterable of Buffer
        What to hold. The block is allocated at once and filled with zeros; it never moves.

    Attributes
    ----------
    addresses : dict of Buffer to int
        Where each begins, as kernels are told.
    nbytes : int
        Bytes of the block.
    """

    def __init__(self, buffers: Iterable[Buffer]) -> None:
        self.buffers = tuple(buffers)
        self._offsets: dict[Buffer, int] = {}
        end = 0
        for b in self.buffers:
            self._offsets[b] = end
            end += -(-b.nbytes // ALIGNMENT) * ALIGNMENT
        # a line more at both ends: the first to align, the last so that a vector may read on
        try:
            block = np.zeros(end + 2 * ALIGNMENT, np.uint8)
        except (MemoryError, ValueError):
            needed = f"{end / 2**30:,.1f} GiB"
            raise ArgumentError(
                f"a network of this size needs {needed}, more than there is memory."
            ) from None
        address = block.ctypes.data
        start = -address % ALIGNMENT
        self.nbytes = block.nbytes
        self.addresses = {b: address + start + offset for b, offset in self._offsets.items()}
        self._block = block[start : start + end]

    def __contains__(self, buffer: object) -> bool:
        return buffer in self._offsets

    def padded(self, buffer: Buffer) -> Array:
        """The buffer with its padding, contiguous: `(rows, stride)`."""
        return self._matrix(buffer, buffer.stride)

    def view(self, buffer: Buffer) -> Array:
        """The buffer's numbers, `(rows, columns)`, or `(rows,)` of a line: a view, not a copy."""
        if buffer.is_line:
            return np.ndarray((buffer.rows,), buffer.dtype, self._block, self._offsets[buffer])
        return self._matrix(buffer, buffer.columns)

    def _matrix(self, buffer: Buffer, columns: int) -> Array:
        size = int(buffer.dtype[1])
        strides = size * buffer.stride, size
        return np.ndarray((buffer.rows, columns), buffer.dtype, self._block, self._offsets[buffer], strides)

    @property
    def words(self) -> Array:
        """All its memory as uint64: buffer after buffer, each in whole cache lines."""
        return self._block.view(np.uint64)

    def checksum(self) -> int:
        """Sum of all its bits, read as whole numbers modulo 2^64: any number that changes changes it.

        At the speed of memory, unlike one that also sees where a number stands.
        """
        return int(np.add.reduce(self.words))
