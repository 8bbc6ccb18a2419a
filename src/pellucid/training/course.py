"""The course of one number of a network over a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.glass.wording import shortest
from pellucid.training.places import find_place

if TYPE_CHECKING:
    from pellucid.training.recording import Recording


@dataclass(frozen=True, eq=False)
class Course:
    """The course of one number over the epochs, as far as snapshots were kept; prints as a table.

    Parameters
    ----------
    name : str
        The number, such as `hidden_1/3/age`.
    epochs, steps : int array (n,)
        Epochs and steps that were over; 0 is the beginning.
    values : float32 array (n,)
        The number then.
    """

    name: str
    epochs: Array
    steps: Array
    values: Array

    @classmethod
    def of(cls, recording: Recording, name: str) -> Course:
        """The course of a number through a recording."""
        place = find_place(name, recording.wiring)
        states = recording.states
        values = np.array([s.last[place.parameter.name][place.index] for s in states])
        return cls(
            place.name, np.array([s.epoch for s in states]), np.array([s.tick for s in states]), values
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain lists."""
        lists = {n: getattr(self, n).tolist() for n in ("epochs", "steps", "values")}
        return {"name": self.name, **lists}

    def __str__(self) -> str:
        lines = [self.name, f"{'epoch':>7}  {'step':>9}  {'weight':>13}  {'change':>13}"]
        last = self.values[0]
        for epoch, step, value in zip(self.epochs, self.steps, self.values, strict=True):
            lines.append(f"{epoch:>7}  {step:>9}  {shortest(value):>13}  {float(value) - float(last):>13.6g}")
            last = value
        return "\n".join(lines)

    __repr__ = __str__
