"""Which inputs moved an answer how far: shares of the difference from a baseline, which add up to it."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.glass.path import PathSum
from pellucid.glass.text import bar, table_text

MOST_SHOWN = 20  # inputs in a text; the others share a line
BLOCK = "█"


class Part(NamedTuple):
    """A number that is added, and what it is."""

    name: str
    value: float


@dataclass(frozen=True)
class Attribution:
    """How far each input moved an answer away from that for a baseline.

    Formula:  c_i = (x_i − x'_i) ∫₀¹ ∂f/∂x_i (x' + t (x − x')) dt, the integrated gradients of the answer f
    from the baseline x' to the row x; their sum is f(x) − f(x'). Where f is linear between the two, c_i is
    the coefficient times x_i − x'_i, without any integration.

    Parameters
    ----------
    what : str
        What the answer is, such as `probability of Adelie` or `output 0`.
    baseline : str
        What it is compared with, in words.
    inputs : tuple of str
        Names of the inputs, or of the columns of a table.
    values, baseline_values : tuple of str
        What they are in the row and in the baseline, for people.
    path : PathSum
        The numbers: f of the baseline and of the row, as `predict` gives them, and how far each input moved
        it, in the unit of f.

    References
    ----------
    M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks, 2017.
    """

    what: str
    baseline: str
    inputs: tuple[str, ...]
    values: tuple[str, ...]
    baseline_values: tuple[str, ...]
    path: PathSum

    @property
    def start(self) -> float:
        """The answer for the baseline."""
        return self.path.start

    @property
    def answer(self) -> float:
        """The answer for the row."""
        return self.path.answer

    @property
    def contributions(self) -> Array:
        """How far each input moved the answer, float64 `(n_inputs,)`."""
        return self.path.contributions

    @property
    def difference(self) -> float:
        """By how much the answer differs from that for the baseline."""
        return self.answer - self.start

    @functools.cached_property
    def order(self) -> list[int]:
        """Which input comes first, second, ...: the one that moved the answer most, and so on."""
        return [int(i) for i in np.argsort(-np.abs(self.contributions), kind="stable")]

    @functools.cached_property
    def parts(self) -> list[Part]:
        """What is added to `start`, in this order, to get `answer` exactly, in float64.

        The inputs, the largest first; then `path rounding`, what they miss because the engine computes
        in float32 and looks at a limited number of points. Where an answer is so small that even this
        sum rounds, `last digits` follow.
        """
        parts = [Part(self.inputs[i], float(self.contributions[i])) for i in self.order]
        for name in ("path rounding", "last digits"):
            rest = self.answer - _sum(self.start, parts)
            if rest or name == "path rounding":
                parts.append(Part(name, rest))
        return parts

    @property
    def rounding(self) -> float:
        """What the contributions of the inputs miss of the difference."""
        return math.fsum(p.value for p in self.parts[len(self.inputs) :])

    @property
    def adds_up(self) -> bool:
        """Whether `start` and all parts, added in their order, give `answer` to the last bit."""
        return _sum(self.start, self.parts) == self.answer

    def text(self, block: str = BLOCK) -> str:
        """For people: a line for each input, with a bar made of `block`.

        The numbers are cut to the same number of decimals, and `rounding` holds what is cut off too: the
        numbers as they stand there add up.
        """
        shown, rest = self.order[:MOST_SHOWN], self.order[MOST_SHOWN:]
        lines = [(self.inputs[i], self.values[i], self.baseline_values[i]) for i in shown]
        numbers = [float(self.contributions[i]) for i in shown]
        if rest:
            lines.append((f"{len(rest)} others", "", ""))
            numbers.append(math.fsum(self.contributions[rest]))
        largest = max(map(abs, numbers))
        start, *moved, rounding, answer = in_decimals(self.start, numbers, self.answer)
        rows = [["baseline", "", "", start, ""]]
        for line, number, moved_by in zip(lines, numbers, moved, strict=True):
            rows.append([*line, moved_by, bar(number, largest, block=block)])
        rows += [["rounding", "", "", rounding, ""], ["answer", "", "", answer, ""]]
        table = table_text(["input", "is", "baseline", self.what, ""], rows, n_texts=3)
        return f"{table}\n{self.how}"

    @property
    def how(self) -> str:
        """How the numbers came about, and that they add up."""
        if self.path.is_linear:
            how = "The answer is linear between the two rows: each number is coefficient × difference"
        else:
            how = f"Integrated gradients at {self.path.n_points:,} points between the two rows"
        checked = "checked: they add up exactly" if self.adds_up else "they do not add up"
        return f"{how}; {checked}."

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, the parts in the order in which they are added."""
        return {
            "what": self.what,
            "baseline": {"what": self.baseline, "answer": self.start},
            "answer": self.answer,
            "difference": self.difference,
            "contributions": [
                {
                    "input": self.inputs[i],
                    "value": self.values[i],
                    "baseline": self.baseline_values[i],
                    "contribution": float(self.contributions[i]),
                }
                for i in self.order
            ],
            "rounding": {p.name: p.value for p in self.parts[len(self.inputs) :]},
            "adds_up": self.adds_up,
            "linear": self.path.is_linear,
            "points": self.path.n_points,
        }

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<attribution of {self.what}: {self.start:.4g} to {self.answer:.4g}>"


def in_decimals(start: float, numbers: Sequence[float], answer: float) -> list[str]:
    """Start, numbers, what is lost by cutting them, and answer, to the same decimals, so that they add up.

    Examples
    --------
    >>> in_decimals(0.3333333, [0.5555555, -0.1111111], 0.7777777)
    ['0.3333', '+0.5556', '-0.1111', '+0.0000', '0.7778']
    """
    largest = max([abs(n) for n in numbers if n] or [abs(answer)]) or 1.0
    decimals = min(12, max(0, 3 - math.floor(math.log10(largest))))

    def cut(number: float) -> int:
        return int((Decimal(number) * 10**decimals).to_integral_value())

    def shown(cut: int, sign: str = "") -> str:
        return f"{Decimal(cut).scaleb(-decimals):{sign}.{decimals}f}"

    moved = [cut(n) for n in numbers]
    rest = cut(answer) - cut(start) - sum(moved)
    return [shown(cut(start)), *(shown(m, "+") for m in [*moved, rest]), shown(cut(answer))]


def _sum(start: float, parts: Sequence[Part]) -> float:
    """Added one after the other, in float64."""
    for part in parts:
        start += part.value
    return start
