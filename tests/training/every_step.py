"""Watches a training from below: what stands in memory before and after each single step.

It knows nothing of recordings: the program of a training is run one step at a time instead of many, and all
its memory is copied in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pellucid.engine.run import Program
from pellucid.training.fit import Fit

Numbers = dict[str, Any]


@dataclass
class Step:
    """The memory of a training around one step, and how the step was asked for."""

    rows: Any
    before: Numbers
    after: Numbers
    tables: dict[str, Any]


@dataclass
class Watch:
    """All steps of a training, the first one first."""

    steps: list[Step] = field(default_factory=list)


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch what is trained inside; each step of a training program is run by itself."""
    watch, whole = Watch(), Program.run

    def one_by_one(
        self: Program, team: Any, from_step: int, to_step: int, batch_size: int, n_rows: int, tick: int = 0
    ) -> int:
        given = {b.name: b for b in self.plan.buffers() if b.given}
        tables = [n for n in given if n.startswith("steps × ")]
        if not tables:  # an evaluation, or a copy of weights
            return whole(self, team, from_step, to_step, batch_size, n_rows, tick)
        done = from_step
        for step in range(from_step, to_step):
            before = memory(self)
            done = whole(self, team, step, step + 1, batch_size, n_rows, tick)
            rows = self.view(given["data/order"])[step * batch_size : (step + 1) * batch_size].copy()
            table = {n.removeprefix("steps × "): self.view(given[n])[step].copy() for n in tables}
            watch.steps.append(Step(rows, before, memory(self), table))
            if self.stopped:
                break
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "run", one_by_one)
        patch.setattr(Fit, "_at_once", lambda *_: 1)
        yield watch


def memory(program: Program) -> Numbers:
    """A copy of all that a program reads and writes, by name."""
    buffers = {b.name: b for b in program.plan.buffers() if not b.given}
    return {name: np.array(program.view(b)) for name, b in buffers.items()}
