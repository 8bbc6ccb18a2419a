"""What a report is about: a model, and the rows of a table that have a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.tables.evidence import row_losses, scores_of
from pellucid.tables.table import Table
from pellucid.tables.targets import Target

if TYPE_CHECKING:
    from pellucid.tables.importance import Importance
    from pellucid.tables.model import TableModel

MOST_ROWS, MOST_NUMBERS = 100, 50_000  # rows, and rows × features, in which importance is measured


@dataclass(frozen=True)
class Subject:
    """A model and a table.

    Parameters
    ----------
    model : TableModel
        The model.
    table : Table
        The table.
    target : Target
        The targets of its rows.
    answers : array (n_rows, n_out)
        What the model answers for the rows that have one: probabilities, or numbers in the target's unit.
    notes : list of str
        Sentences on what was found in the table.
    try_fixes : bool
        Whether what findings advise is tried in short fits.
    words : callable
        Puts a sentence into the words of who asked: the command names its options.
    """

    model: TableModel
    table: Table
    target: Target
    answers: Array
    notes: list[str]
    try_fixes: bool = True
    words: Callable[[str], str] = str

    @classmethod
    def of(cls, model: TableModel, source: Any, try_fixes: bool, words: Callable[[str], str]) -> Subject:
        """Read a table and let the model answer."""
        table, target, answers, report = model.judged(source)
        return cls(model, table, target, answers, [*target.notes[1:], *report.notes], try_fixes, words)

    @property
    def n_rows(self) -> int:
        """Rows that have a target."""
        return len(self.target.rows)

    @property
    def names(self) -> str:
        """The target, or several."""
        return ", ".join(self.model.target.names)

    @cached_property
    def scores(self) -> dict[str, float]:
        """Scores of the network on the rows of the table."""
        return scores_of(self.model.target.task, self._own, self.answers, decision=self.model.decision)

    @cached_property
    def losses(self) -> Array:
        """Loss of each row that has a target."""
        return row_losses(self.model.target.task, self._own, self.answers)

    @cached_property
    def told_rows(self) -> list[tuple[str, int]]:
        """Rows that are worth a look, from 1: why, and which."""
        order = np.argsort(-self.losses, kind="stable")
        chosen = {
            int(order[0]): "The row with the largest loss",
            int(order[len(order) // 2]): "A row with the median loss",
        }
        if len(order) > 2:
            chosen.setdefault(int(order[1]), "The row with the second largest loss")
        by_loss = sorted(chosen, key=lambda i: -self.losses[i])
        return [(chosen[i], int(self.target.rows[i]) + 1) for i in by_loss]

    @cached_property
    def importance(self) -> Importance:
        """How much each column matters; of several targets, to the first."""
        output = None if self.model.classes else self.model.target.names[0]
        rows = min(MOST_ROWS, max(10, MOST_NUMBERS // self.model.encoding.n_features))
        return self.model.importance(self.table, rows=rows, output=output)

    @property
    def axes(self) -> list[str]:
        """The two columns that matter most of those that can be axes; fewer if there are no two."""
        dates = {c.name for c in self.model.encoding.columns if c.kind == "date"}
        known = set(self.table.names) - dates
        return [name for name in self.importance.columns if name in known][:2]

    @property
    def _own(self) -> Array:
        return self.model.target.own(self.target.values)
