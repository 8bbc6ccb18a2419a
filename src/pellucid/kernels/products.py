"""The three products of a dense layer, built on one register tile.

============  ======================================  ============================
product       formula                                 its parts are
============  ======================================  ============================
forward       Z = A @ W + bias                        rows of the batch
backward      dA = D @ W.T, from a transposed copy    rows of the batch
gradient      dW = A.T @ D                            rows of the weights
============  ======================================  ============================

All three are `C = start + A @ B` with A as it stands or transposed. Rows of every matrix are padded
with zeros to whole vectors (see `engine.buffer`), so no column needs a scalar loop.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pellucid.kernels import cpu
from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Now, Wide, kernel
from pellucid.kernels.lanes import LANES, turn_rows

DEPTH = 1024  # rows of B that one sweep reads: a panel of four vectors stays in the second cache
PANEL = 64  # columns of A that are multiplied at once with few columns of B: four vectors
FEW = 8  # columns of B that count as few
AHEAD = 8  # rows of B that the product of one row fetches ahead
NARROW = 4  # columns up to which rows stand in the lanes of vectors, see `kernels.narrow`
ROWS = int(Now.ROWS)
PLAIN, RELU, SLOPE = 0, 1, 2  # how a product ends

room_for_panel = Instruction("room_for_panel")


def _sweeps_source(registers: int, transposed: bool) -> str:
    """Python source of one function that fills a panel of columns with tiles, for each panel width."""
    from pellucid.kernels.tile import row_counts

    lines = []
    arguments = "A, a, A_stride, A_step, B, b, B_stride, start, c, begin, C, C_stride, n, end, M, lo, hi"
    for n_vectors in (1, 2, 3, 4):
        lines += [f"def sweep_{n_vectors}({arguments}):", "    i = lo"]
        for r in row_counts(n_vectors, registers, transposed):
            lines += [
                f"    while i + {r} <= hi:",
                f"        tile_{r}_{n_vectors}(A, a + i * A_step, A_stride, B, b, B_stride, start, c, begin,"
                " C, c + i * C_stride, C_stride, n, end, M)",
                f"        i += {r}",
            ]
    return "\n".join(lines)


@functools.cache
def _sweep(transposed: bool, width: int) -> Any:
    """Compiled: all tiles of C[lo:hi] += A @ B over `n` rows of B; `end` is `ending` of a tile."""
    from pellucid.kernels.jit import callee
    from pellucid.kernels.tile import make_tile, row_counts

    registers = cpu.vector_registers(width)
    space: dict[str, Any] = {
        f"tile_{r}_{v}": make_tile(r, v, width, transposed)
        for v in (1, 2, 3, 4)
        for r in row_counts(v, registers, transposed)
    }
    exec(_sweeps_source(registers, transposed), space)
    one, two, three, four = (callee(space[f"sweep_{v}"]) for v in (1, 2, 3, 4))
    narrow = _narrow_sweep(width)

    def sweep(A, A_stride, A_step, B, B_stride, start, begin, C, C_stride, C_columns, n_sums, end, M, lo, hi):
        if not transposed and C_columns <= NARROW and n_sums >= width:
            lo = narrow(
                A, A_stride, B, B_stride, start, begin, C, C_stride, C_columns, n_sums, end, M, lo, hi
            )
        for k in range(0, n_sums, DEPTH):  # a sum goes on where the last panel of B left it
            n, now_end = min(DEPTH, n_sums - k), end if n_sums - k <= DEPTH else 0
            a, b = k * (A_stride if transposed else 1), k * B_stride
            c = np.int64(0)  # for a bare 0 Numba would compile all tiles twice, the first time for 0 alone
            left = (C_columns + width - 1) // width
            while left > 0:
                sums = A, a, A_stride, A_step, B, b + c, B_stride, start, c, begin
                if left >= 4 and left != 5:
                    four(*sums, C, C_stride, n, now_end, M, lo, hi)
                    left, c = left - 4, c + 4 * width
                elif left >= 3:
                    three(*sums, C, C_stride, n, now_end, M, lo, hi)
                    left, c = left - 3, c + 3 * width
                elif left == 2:
                    two(*sums, C, C_stride, n, now_end, M, lo, hi)
                    left = 0
                else:
                    one(*sums, C, C_stride, n, now_end, M, lo, hi)
                    left = 0
            begin = 2

    return callee(sweep)


@functools.cache
def _narrow_sweep(width: int) -> Any:
    """Compiled: the same for as many rows as fill vectors where there are few columns; gives the next row."""
    from pellucid.kernels.jit import callee
    from pellucid.kernels.narrow import make_narrow_tile

    space: dict[str, Any] = {f"tile_{n}": make_narrow_tile(n, width) for n in range(1, NARROW + 1)}
    lines = ["def rows(A, A_stride, B, B_stride, start, begin, C, C_stride, C_columns, n, end, M, lo, hi):"]
    for n in range(1, NARROW + 1):
        lines += [
            f"    while C_columns == {n} and lo + {width} <= hi:",
            f"        tile_{n}(A, lo * A_stride, A_stride, B, B_stride, start, begin,"
            " C, lo * C_stride, C_stride, n, end, M)",
            f"        lo += {width}",
        ]
    exec("\n".join([*lines, "    return lo"]), space)
    return callee(space["rows"])


@functools.cache
def _row_sweep(width: int) -> Any:
    """Compiled: the same for a single row, up to eight vectors of columns at once.

    They hide how long a multiply-add takes, and rows of B are read whole. Each number of B is used once, so
    that it has to be on its way from the second cache before.
    """
    from pellucid.kernels.jit import callee
    from pellucid.kernels.tile import make_tile

    space: dict[str, Any] = {f"tile_{v}": make_tile(1, v, width, False, AHEAD) for v in range(1, 9)}
    tile = "tile_{}(A, 0, A_stride, B, c, B_stride, start, c, begin, C, c, C_stride, n, end, M)"
    lines = ["def columns(A, A_stride, B, B_stride, start, begin, C, C_stride, n, end, M, c, left):"]
    lines += [f"    if left == {v}:\n        {tile.format(v)}" for v in range(1, 8)]
    lines += [f"    if left >= 8:\n        {tile.format(8)}"]
    exec("\n".join(lines), space)
    columns = callee(space["columns"])

    def sweep(A, A_stride, A_step, B, B_stride, start, begin, C, C_stride, C_columns, n_sums, end, M, lo, hi):
        vectors = (C_columns + width - 1) // width
        for v in range(0, vectors, 8):
            columns(
                A, A_stride, B, B_stride, start, begin, C, C_stride, n_sums, end, M, v * width, vectors - v
            )

    return callee(sweep)


def sweep(*_: Any) -> None:
    """Stands for the compiled sweep inside the bodies below."""


@kernel(A="read part", B="read whole", start="read whole", mask="read part", C="write part")
def product(A, A_stride, B, B_stride, B_rows, start, has_start, ending, mask, C, C_stride, C_columns, lo, hi):
    """C = A @ B + start, with one row `start` for all rows, or nothing where has_start is 0.

    With the ending RELU what is below 0 becomes 0. With the ending SLOPE it is multiplied by the slope of
    relu at `mask`, which holds what relu made; otherwise that is not looked at.
    """
    factors = A, A_stride, A_stride, B, B_stride, start, has_start
    sweep(*factors, C, C_stride, C_columns, B_rows, ending, mask, lo, hi)


@product.twin
def _(A, A_stride, B, B_stride, B_rows, start, has_start, ending, mask, C, C_stride, C_columns, lo, hi):
    C[lo:hi] = A[lo:hi] @ B + (start if has_start else 0)
    if ending == RELU:
        C[lo:hi][C[lo:hi] < 0] = 0
    if ending == SLOPE:
        C[lo:hi] *= np.where(mask[lo:hi] > 0, np.float32(1), mask[lo:hi])


@kernel(A="read whole", B="read whole", C="write part")
def product_transposed(A, A_stride, B, B_stride, C, C_stride, C_columns, now, lo, hi):
    """C = A.T @ B over the rows of the batch."""
    if C_columns > FEW or C_stride > LANES:
        sweep(A, A_stride, 1, B, B_stride, B, 0, C, C_stride, C_columns, now[ROWS], 0, C, lo, hi)
        return
    # Few columns would leave most of each vector empty: B.T @ A has them as rows, and is turned.
    panel = room_for_panel()
    for k in range(FEW * PANEL):
        panel[k] = np.float32(0)
    for i in range(lo, hi, PANEL):
        n = min(PANEL, hi - i)
        # For bare numbers Numba would compile all tiles anew.
        stride, first = np.int64(PANEL), np.int64(0)
        sweep(B, B_stride, 1, A[i:], A_stride, B, 0, panel, stride, n, now[ROWS], 0, panel, first, C_columns)
        for j in range(0, n, LANES):
            if j + LANES <= n:
                turn_rows(panel, j, PANEL, C_columns, C, (i + j) * LANES, LANES)
            else:
                for r in range(n - j):
                    for c in range(C_columns):
                        C[(i + j + r) * LANES + c] = panel[c * PANEL + j + r]


@product_transposed.twin
def _(A, A_stride, B, B_stride, C, C_stride, C_columns, now, lo, hi):
    rows = now[ROWS]
    C[lo:hi] = A[:rows, lo:hi].T @ B[:rows]


def row_product(width: int | None = None) -> Wide:
    """The kernel `product` for a batch of one row."""
    return _row_product(width or cpu.vector_width())


@functools.cache
def _row_product(width: int) -> Wide:
    return Wide(product.of("product_of_row"), width, lambda: {"sweep": _row_sweep(width)})


def products(width: int | None = None) -> tuple[Wide, Wide]:
    """The kernels (product, product_transposed) for a vector width, the CPU's own by default."""
    return _products(width or cpu.vector_width())


@functools.cache
def _products(width: int) -> tuple[Wide, Wide]:
    return (
        Wide(product, width, lambda: {"sweep": _sweep(False, width)}),
        Wide(product_transposed, width, lambda: {"sweep": _sweep(True, width)}),
    )
