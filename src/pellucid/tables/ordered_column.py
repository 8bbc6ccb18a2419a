"""How a column of ordered categories becomes features: `OrderedColumn`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.saved import Saved
from pellucid.tables.features import MISSING, Block, Codes, Column, Report, Rows, Step, codes_of, texts_of
from pellucid.tables.table import Table


@dataclass(frozen=True)
class OrderedColumn(Column):
    """A column of ordered categories: one feature a step from a level to the next.

    Formula:  the feature `size ≥ M` is +1 from the level M on and −1 below it; all are 0 where the value is
    missing or no level. `is missing`, if values were missing in training: 1 where it is missing, else 0.
    So a step may have any height, and what is learned of it holds for all levels beyond.

    Parameters
    ----------
    name : str
        The column.
    levels : tuple of str
        At least two, from the least to the greatest.
    has_missing : bool
        Whether values were missing in training.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed. 2015, section 2.3 (ordinal predictors).

    Examples
    --------
    >>> OrderedColumn("size", ("S", "M", "L"), has_missing=False).feature_names
    ['size ≥ M', 'size ≥ L']
    """

    kind: ClassVar[str] = "ordered"

    name: str
    levels: tuple[str, ...]
    has_missing: bool

    @property
    def feature_names(self) -> list[str]:
        names = [f"{self.name} ≥ {level}" for level in self.levels[1:]]
        return [*names, f"{self.name} is missing"] if self.has_missing else names

    @property
    def is_read_as_text(self) -> bool:
        return True

    @property
    def steps(self) -> list[Step | None]:
        known = [Step("so instead of not", 2.0) for _ in self.levels[1:]]
        return [*known, *super().steps[len(known) :]]

    def prepare(self, table: Table, rows: Rows | None, report: Report) -> Codes:
        """The place of each row's level, or `MISSING` or `UNSEEN`."""
        values = texts_of(table, self.name, rows)
        return codes_of(self.name, values, self.levels, report, expects_missing=self.has_missing)

    def write(self, ready: Codes, out: Block) -> None:
        n = len(self.levels)
        steps = np.where(np.arange(n)[:, None] > np.arange(n - 1), 1, -1)
        steps = np.concatenate([steps, np.zeros((2, n - 1))])  # UNSEEN and MISSING are the last two
        out[:, : n - 1] = steps[ready]
        if self.has_missing:
            out[:, n - 1] = ready == MISSING

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "levels": list(self.levels),
            "has_missing": self.has_missing,
        }

    @classmethod
    def from_dict(cls, value: object) -> OrderedColumn:
        """The inverse of `to_dict`; ModelFileError if the value is no such dict."""
        saved = Saved(value, "an ordered column", ["kind", "name", "levels", "has_missing"])
        levels = saved.texts("levels")
        if len(levels) < 2:
            saved.fail("levels", "a list of at least two categories")
        return cls(saved.text("name"), levels, saved.truth("has_missing"))
