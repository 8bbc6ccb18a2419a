"""A network at a glance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pellucid.glass.text import shortened, table_text
from pellucid.glass.wiring import all_layers, has_neurons
from pellucid.layers.base import Layer, nameless

WIDEST = 80  # characters of a description


@dataclass(frozen=True)
class Row:
    """One layer: its parameters, the synapses among them, and multiplications for one sample.

    What is inside a layer stands below it, one deeper: layers, and branches where there are several.
    """

    name: str
    description: str
    n_in: int
    n_out: int
    synapses: int
    parameters: int
    depth: int = 0

    @property
    def indented(self) -> str:
        """The name, two spaces further for each layer that it is inside of."""
        return "  " * self.depth + self.name


@dataclass(frozen=True)
class Summary:
    """Layers, shapes, synapses, parameters, bytes and multiplications a sample; prints as a table."""

    rows: Sequence[Row]

    @property
    def parameters(self) -> int:
        """Numbers that the network keeps."""
        return sum(r.parameters for r in self.rows if not r.depth)

    @property
    def synapses(self) -> int:
        """Weights, which are also the multiplications for one sample."""
        return sum(r.synapses for r in self.rows if not r.depth)

    @property
    def nbytes(self) -> int:
        """Bytes of the parameters."""
        return 4 * self.parameters

    def __str__(self) -> str:
        rows = []
        for r in self.rows:
            numbers = (r.n_in, r.n_out, r.synapses, r.parameters)
            rows.append((r.indented, shortened(r.description, WIDEST), *(f"{v:,}" for v in numbers)))
        head = ("layer", "what", "in", "out", "synapses", "parameters")
        lines = table_text(head, rows, n_texts=2).splitlines()
        lines.insert(1, "-" * max(map(len, lines)))
        total = f"{self.parameters:,} parameters ({size(self.nbytes)})"
        return "\n".join([*lines, f"{total}, {self.synapses:,} multiplications a sample"])

    __repr__ = __str__


def size(nbytes: int) -> str:
    """Bytes for people.

    Examples
    --------
    >>> size(2048), size(3 * 1024**2)
    ('2.0 KiB', '3.0 MiB')
    """
    value, unit = float(nbytes), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{nbytes} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def summarise(layers: Sequence[Layer]) -> Summary:
    """The summary of some layers.

    Examples
    --------
    >>> from pellucid import Concat, Dense, Input, Network
    >>> net = Network([Input(4), Concat([Dense(8)], [Dense(8)], [Dense(2)]), Dense(1)])
    >>> print(net.summary())
    layer                 what                           in  out  synapses  parameters
    ----------------------------------------------------------------------------------
    input                 Input(n_features=4)             4    4         0           0
    concat_1              Concat of 3 branches            4   18        72          90
      branch 1                                            4    8        32          40
        concat_1/dense_1  Dense(n_out=8)                  4    8        32          40
      branch 2            as branch 1: concat_1/dense_2   4    8        32          40
      branch 3                                            4    2         8          10
        concat_1/dense_3  Dense(n_out=2)                  4    2         8          10
    output                Dense(n_out=1)                 18    1        18          19
    109 parameters (436 bytes), 90 multiplications a sample
    """
    return Summary([row for layer in layers for row in _rows(layer, 0)])


def _rows(layer: Layer, depth: int) -> Iterator[Row]:
    """A layer, and what is inside it."""
    branches, kind = layer.branches, type(layer).__name__
    what = f"{kind} of {len(branches)} branches" if len(branches) > 1 else kind if branches else repr(layer)
    yield Row(layer.label, what, layer.n_in, layer.n_out, *_counts([layer]), depth)
    if len(branches) == 1:
        yield from (row for inner in branches[0] for row in _rows(inner, depth + 1))
        return
    numbered = enumerate(branches, 1)
    for _, alike in itertools.groupby(numbered, lambda pair: [nameless(la.spec) for la in pair[1]]):
        first = 0
        for number, branch in alike:
            n_out, counts = branch[-1].n_out if branch else layer.n_in, _counts(branch)
            said = "" if branch else "its inputs as they are"
            if first:
                own = [la.label for la in all_layers(branch) if has_neurons(la)]
                said = ": ".join([f"as branch {first}", *([", ".join(own)] if own else [])])
            yield Row(f"branch {number}", said, layer.n_in, n_out, *counts, depth + 1)
            if not first:
                yield from (row for inner in branch for row in _rows(inner, depth + 2))
                first = number


def _counts(layers: Sequence[Layer]) -> tuple[int, int]:
    """Synapses and parameters."""
    parameters = [p for layer in layers for p in layer.parameters]
    return sum(p.synapses for p in parameters), sum(math.prod(p.shape) for p in parameters)
