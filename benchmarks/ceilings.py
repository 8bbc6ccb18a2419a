"""What the machine can do at most, measured in the run whose times are held against it."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.floors import Ceilings

ROWS, DEPTH = (
    96,
    256,
)  # of the product that the tile computes; A, B and C stay in a core's own caches
CALLS = 50
COPIED = 1 << 27  # bytes each core copies: more than any cache
LAST_CACHE = 32 << 20  # bytes, where the system does not tell


def ceilings(cores: int, seconds: float = 0.5) -> Ceilings:
    """Measure for `seconds` each: the tile on one core and on all, and a copy by all."""
    tile = max(together(1, tile_job, seconds))
    return Ceilings(
        tile, sum(together(cores, tile_job, seconds)), sum(together(cores, copy_job, seconds)), cache()
    )


def together(n: int, make: Callable[[], Callable[[], float]], seconds: float) -> list[float]:
    """Run `n` jobs in threads at once, again and again; gives the best rate of each, in 1e9 a second."""
    best = [0.0] * n
    jobs = [make() for _ in range(n)]

    def repeat(i: int) -> None:
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            done = jobs[i]()
            best[i] = max(best[i], done / (time.perf_counter() - start) / 1e9)

    threads = [threading.Thread(target=repeat, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return best


def tile_job() -> Callable[[], float]:
    """Products of a tall and a wide matrix by pellucid's own kernel; gives additions and multiplications."""
    call, _ = tile_product()

    def job() -> float:
        for _ in range(CALLS):
            call()
        return float(CALLS * 2 * ROWS * DEPTH * columns())

    return job


def tile_product() -> tuple[Callable[[], None], dict[str, np.ndarray[Any, Any]]]:
    """A call that computes C = A @ B + start, and these arrays."""
    from pellucid.kernels import compiler
    from pellucid.kernels.products import products

    kernel, n = products()[0], columns()
    rng = np.random.default_rng(0)
    arrays = {"A": aligned(ROWS, DEPTH + 16), "B": aligned(DEPTH, n), "C": aligned(ROWS, n)}
    arrays |= {"start": aligned(1, n)}
    for name in ("A", "B", "start"):
        arrays[name][...] = rng.standard_normal(arrays[name].shape)
    sizes = {"A_columns": DEPTH, "B_rows": DEPTH, "has_start": 1, "ending": 0, "mask": 0}
    for name, array in arrays.items():
        sizes |= {name: array.ctypes.data, f"{name}_stride": array.shape[1]}
        sizes.setdefault(f"{name}_columns", array.shape[1])
    row = np.array([sizes[p] for p in kernel.parameters], np.int64)
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    entry = signature(compiler.addresses([kernel])[kernel])

    def call(row: np.ndarray[Any, Any] = row) -> None:
        entry(row.ctypes.data, 0, 0, ROWS)

    return call, arrays


def columns() -> int:
    """Four vectors: the widest panel of the tile."""
    from pellucid.kernels import cpu

    return 4 * cpu.vector_width()


def aligned(rows: int, columns: int) -> np.ndarray[Any, Any]:
    """A float32 matrix that begins with a cache line."""
    block = np.zeros(rows * columns + 16, np.float32)
    start = -(block.ctypes.data // 4) % 16
    return block[start : start + rows * columns].reshape(rows, columns)


def copy_job() -> Callable[[], float]:
    """Copies of more than a cache holds; gives bytes read and written."""
    source, target = np.ones(COPIED, np.uint8), np.ones(COPIED, np.uint8)

    def job() -> float:
        np.copyto(target, source)
        return 2.0 * COPIED

    return job


def cache() -> int:
    """Bytes of the largest cache of the first core."""
    found = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:])
        if unit and text[:-1].isdecimal():
            found.append(int(text[:-1]) * unit)
    return max(found, default=LAST_CACHE)
