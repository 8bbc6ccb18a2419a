"""What is trained: one factor grows, the others stay."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.floors import operations
from benchmarks.workloads import TRAINING, Workload

ENOUGH = 8e9  # additions and multiplications of a training: smaller ones get more epochs
MOST_EPOCHS = 1000


@dataclass(frozen=True)
class Case:
    """A training for one value of a factor.

    Parameters
    ----------
    factor : str
        `rows`, `width`, `depth` or `batch`.
    value : int
        Its value.
    sizes : tuple of int
        Inputs, neurons of each layer.
    n_rows, batch_size : int
        Rows, rows of an update.
    """

    factor: str
    value: int
    sizes: tuple[int, ...]
    n_rows: int
    batch_size: int

    @property
    def name(self) -> str:
        return f"{self.factor} {self.value}"

    @property
    def epochs(self) -> int:
        """So many that the training is long enough to be measured."""
        return max(1, min(MOST_EPOCHS, round(ENOUGH / operations(self.workload(1)))))

    def workload(self, epochs: int | None = None) -> Workload:
        epochs = self.epochs if epochs is None else epochs
        return Workload(self.name, TRAINING, self.sizes, self.n_rows, self.batch_size, epochs)


def all_cases() -> list[Case]:
    powers = [2**k for k in range(3, 13)]
    return [
        *(Case("rows", 10**k, (10, 64, 2), 10**k, 256) for k in range(3, 8)),
        *(Case("width", w, (w, w, 10), max(1_280, min(20_000, 2**23 // w)), 128) for w in powers),
        *(Case("depth", d, (64, *[64] * d, 10), 10_000, 128) for d in (1, 2, 4, 8, 16, 32, 64)),
        *(Case("batch", 4**k, (64, 128, 10), 65_536, 4**k) for k in range(9)),
    ]


FIXED = {  # how the others stand while one grows
    "rows": "10-64-2, batch 256",
    "width": "as many inputs as neurons, 10 outputs, batch 128",
    "depth": "64 inputs, so many layers of 64, 10 outputs, 10,000 rows, batch 128",
    "batch": "64-128-10, 65,536 rows",
}
