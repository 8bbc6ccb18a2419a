"""A network at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.glass.text import table_text
from pellucid.layers.base import Layer


@dataclass(frozen=True)
class Row:
    """One layer: its parameters, the synapses among them, and multiplications for one sample."""

    name: str
    description: str
    n_in: int
    n_out: int
    synapses: int
    parameters: int


@dataclass(frozen=True)
class Summary:
    """Layers, shapes, synapses, parameters, bytes and multiplications a sample; prints as a table."""

    rows: Sequence[Row]

    @property
    def parameters(self) -> int:
        """Numbers that the network keeps."""
        return sum(r.parameters for r in self.rows)

    @property
    def synapses(self) -> int:
        """Weights, which are also the multiplications for one sample."""
        return sum(r.synapses for r in self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the parameters."""
        return 4 * self.parameters

    def __str__(self) -> str:
        rows = [
            (r.name, r.description, *(f"{v:,}" for v in (r.n_in, r.n_out, r.synapses, r.parameters)))
            for r in self.rows
        ]
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
    """The summary of some layers."""
    rows = []
    for layer in layers:
        shapes = [p.shape for p in layer.parameters]
        numbers = sum(s[0] * s[1] if len(s) == 2 else s[0] for s in shapes)
        synapses = sum(p.synapses for p in layer.parameters)
        rows.append(Row(layer.label, repr(layer), layer.n_in, layer.n_out, synapses, numbers))
    return Summary(rows)
