"""What a kernel is: a loop to compile, its plain twin in NumPy, and what it reads and writes.

A kernel's body is an ordinary function over flat arrays. Its parameters are, by name:

======================================  ==========================================================
an operand (`x="read part"`)            a flat array; `read`, `write` or `update`, and `part` when a
                                        thread touches only its part of the rows, `across` when of
                                        the columns of each row, `whole` otherwise
`x_stride`, `x_columns`, `x_rows`       sizes of the operand `x`, filled in from its buffer
`now`                                   what the run tells every kernel: see `Now`
`lo`, `hi`                              the part of the work to do
any other, listed in `numbers`          a float32 setting
any other                               a whole number
======================================  ==========================================================
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

FLOAT, DOUBLE, INT = "f4", "f8", "i8"
SIZES = ("stride", "columns", "rows")


class Now(IntEnum):
    """Where a run stands: indices into `now`."""

    STEP = 0  # step within the epoch
    FIRST = 1  # first row of the batch, counted in the epoch's order
    ROWS = 2  # rows of the batch
    TICK = 3  # updates ever made before this one
    PLACE = 4  # row of the optimizer's table


class Control(IntEnum):
    """What the run is told, and what it found out about its cost: indices into `control`."""

    FROM_STEP = 0
    TO_STEP = 1
    BATCH_SIZE = 2
    N_ROWS = 3
    TICK = 4
    PLACE = 5  # row of the optimizer's table for step 0
    STOP = 6  # not 0 after the step in which a kernel asked to stop
    LAST_STEP = 7
    TAKEN = 8  # steps that members have taken, where no step needs another
    ALONE = 16  # nanoseconds of a step by one thread; 0 is not known
    CHOSEN = 17  # threads that took the least time; 0 is not known
    TRY_AT = 18  # when other numbers of threads are to be tried again
    REST = 19  # nanoseconds until then
    LOST = 20  # nanoseconds that the team needed more than one thread would have
    MOST = 21  # the threads that were there to be tried
    PHASE = 22  # of a trial under way, from 1
    DONE = 23  # steps measured in it; -1 before the first
    SPENT = 24  # nanoseconds that these took
    WORKED = 25  # nanoseconds that one thread alone has worked
    TRIED = 26  # nanoseconds of a step by all these threads, by half of them, and so on down to one
    SIZE = 40


@dataclass(frozen=True)
class Access:
    """How a kernel uses one operand: all of it, its part of the rows, or its part of each row."""

    reads: bool
    writes: bool
    part: bool
    dtype: str = FLOAT
    across: bool = False

    @staticmethod
    def parse(text: str) -> Access:
        """From words such as `"update part"` or `"read whole i8"`."""
        mode, extent, dtype = [*text.split(), FLOAT][:3]
        return Access(mode != "write", mode != "read", extent != "whole", dtype, across=extent == "across")


@dataclass(eq=False)
class Kernel:
    """A loop that is compiled once for the machine and called through its address.

    Parameters
    ----------
    body : callable
        The loop. See this module's table for its parameters.
    operands : mapping of str to Access
        What it reads and writes.
    numbers : tuple of str
        Parameters that are float32 settings.
    formulas : mapping of str to callable
        Scalar functions that the body calls, by the name it calls them.
    reassociate : bool
        Whether sums along a row may be reordered to become vector code.
    overlaps : bool
        Whether what it writes may be reached through another operand too.
    reference : callable, optional
        The plain twin, see `twin`.
    expression : str
        What it evaluates at each place, where that is all it does; see `kernels.loops`.
    """

    body: Callable[..., None]
    operands: Mapping[str, Access]
    numbers: tuple[str, ...] = ()
    formulas: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    reassociate: bool = False
    overlaps: bool = False
    reference: Callable[..., None] | None = None
    expression: str = ""

    def __post_init__(self) -> None:
        self.name = self.body.__name__
        self.parameters = [p for p in inspect.signature(self.body).parameters if p not in ("lo", "hi")]
        # those that are sizes of an operand, such as `x_stride`: the operand and which size
        self.sizes = {f"{x}_{size}": (x, size) for x in self.operands for size in SIZES}

    @property
    def identity(self) -> Kernel:
        """Itself: it is not changed once it is made."""
        return self

    def names(self) -> dict[str, Any]:
        """Compiled functions that the body calls, by the name it calls them. Imports Numba."""
        from pellucid.kernels.jit import jitted

        return {name: jitted(f) for name, f in self.formulas.items()}

    def twin(self, reference: Callable[..., None]) -> Kernel:
        """Decorator: the plain NumPy function that does the same on arrays with their shapes."""
        self.reference = reference
        return self

    def of(self, name: str, **operands: str) -> Kernel:
        """The same loop under another name, some of its operands of another kind; see `Access.parse`."""
        other = replace(self, operands={**self.operands, **{o: Access.parse(t) for o, t in operands.items()}})
        other.name = name
        return other

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"


class Wide(Kernel):
    """A kernel that calls code made for one vector width, which is part of its name.

    Parameters
    ----------
    plain : Kernel
        Its body, operands and twin.
    width : int
        Numbers in a vector.
    make : callable
        Gives the compiled functions that the body calls, by name.
    """

    def __init__(self, plain: Kernel, width: int, make: Callable[[], dict[str, Any]]) -> None:
        super().__init__(plain.body, plain.operands, plain.numbers, reference=plain.reference)
        self.name = f"{plain.name}_{width}"
        self.names = make  # type: ignore[method-assign]


def kernel(
    *, numbers: tuple[str, ...] = (), reassociate: bool = False, overlaps: bool = False, **operands: str
) -> Callable[[Callable[..., None]], Kernel]:
    """Decorator: make a kernel of a body. Operands are given in words, see `Access.parse`."""
    access = {name: Access.parse(text) for name, text in operands.items()}
    return lambda body: Kernel(body, access, numbers, reassociate=reassociate, overlaps=overlaps)
