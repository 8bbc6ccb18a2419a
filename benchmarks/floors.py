"""How long a workload must take at least: its arithmetic, or its bytes, at the machine's measured speed.

The arithmetic is that of the products, in additions and multiplications. For each row and each weight matrix
n_in x n_out,

- forward, z = x W: 2 n_in n_out
- gradient, x^T delta: 2 n_in n_out, in training
- backward, delta W^T: 2 n_in n_out, in training, but not for the first layer, whose inputs need no
  share of the error.

The bytes are what cannot stay in the last cache: X, once an epoch, the outputs, and what Adam reads and
writes in each step (weights, two means of gradients), each only if it is larger than that cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from benchmarks.workloads import Workload

FLOAT = 4  # bytes of a number
UPDATE = 6  # numbers that Adam moves for each weight: it reads and writes the weight and two means


@dataclass(frozen=True)
class Ceilings:
    """What the machine can do, measured.

    Parameters
    ----------
    one_core, all_cores : float
        GFLOP/s of the register tile alone, its operands in the cache.
    memory : float
        GB/s of a copy by all cores, what is read and what is written both counted.
    cache : int
        Bytes of the last cache.
    """

    one_core: float
    all_cores: float
    memory: float
    cache: int


@dataclass(frozen=True)
class Floor:
    """Seconds of a workload's arithmetic and of its bytes; the longer of them is its floor."""

    operations: float
    moved: float  # bytes
    arithmetic: float
    memory: float

    @property
    def seconds(self) -> float:
        return max(self.arithmetic, self.memory)

    @property
    def bound(self) -> str:
        return "arithmetic" if self.arithmetic >= self.memory else "memory"


def floor_of(workload: Workload, ceilings: Ceilings) -> Floor:
    """The floor of a workload on all cores; see this module."""
    flop, moved = operations(workload), bytes_moved(workload, ceilings.cache)
    return Floor(flop, moved, flop / ceilings.all_cores / 1e9, moved / ceilings.memory / 1e9)


def operations(workload: Workload) -> float:
    """Additions and multiplications of the products in the whole workload."""
    layers = [2.0 * n_in * n_out for n_in, n_out in pairwise(workload.sizes)]
    if not workload.trains:
        return sum(layers) * workload.n_samples
    a_row = 3 * sum(layers) - layers[0]
    return a_row * workload.n_samples * workload.epochs * workload.n_networks


def bytes_moved(workload: Workload, cache: int) -> float:
    """Bytes that come from memory or go there, because they do not stay in a cache of that size."""
    data = FLOAT * workload.n_samples * workload.sizes[0]
    moved = 0.0
    if data > cache:
        moved += data * max(1, workload.epochs)
    if not workload.trains:
        outputs = FLOAT * workload.n_samples * workload.sizes[-1]
        return moved + (outputs if data + outputs > cache else 0)
    n_weights = sum((n_in + 1) * n_out for n_in, n_out in pairwise(workload.sizes))
    if FLOAT * UPDATE / 2 * n_weights > cache:
        moved += FLOAT * UPDATE * n_weights * workload.steps
    return moved
