"""How a column of truth values becomes features: `BooleanColumn`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pellucid.saved import Saved
from pellucid.tables.features import MISSING, Block, Codes, Column, Report, Rows, Step, codes_of, texts_of
from pellucid.tables.table import Table
from pellucid.tables.values import TRUTHS, category_text, truth_pair

if TYPE_CHECKING:
    import polars as pl

WORDS = tuple(word for pair in TRUTHS for word in pair)
SIGNS = np.array([*[-1, 1] * len(TRUTHS), 0, 0], np.float32)  # the last two are UNSEEN and MISSING


@dataclass(frozen=True)
class BooleanColumn(Column):
    """A column of truth values: one feature, and one more if values were missing in training.

    Formula:  +1 for true, −1 for false, 0 where it is missing or anything else. `is missing`: 1 where it is
    missing, else 0. Any of the words in `TRUTHS` is understood, in any case.

    Parameters
    ----------
    name : str
        The column.
    words : tuple of (str, str)
        What false and true were called in training.
    has_missing : bool
        Whether values were missing in training.

    Examples
    --------
    >>> import polars as pl
    >>> BooleanColumn.fit("married", pl.Series(["Yes", "No"])).feature_names
    ['married = yes']
    """

    kind: ClassVar[str] = "boolean"

    name: str
    words: tuple[str, str]
    has_missing: bool

    @classmethod
    def fit(cls, name: str, values: pl.Series) -> BooleanColumn:
        """From the values of the training rows, null where missing."""
        text = category_text(values)
        words = truth_pair(text.drop_nulls().unique()) or TRUTHS[0]
        return cls(name, words, text.null_count() > 0)

    @property
    def feature_names(self) -> list[str]:
        names = [f"{self.name} = {self.words[1]}"]
        return [*names, f"{self.name} is missing"] if self.has_missing else names

    @property
    def steps(self) -> list[Step | None]:
        return [Step(f"{self.words[1]} instead of {self.words[0]}", 2.0), *super().steps[1:]]

    def prepare(self, table: Table, rows: Rows | None, report: Report) -> Codes:
        """The place of each row's word in `WORDS`, or `MISSING` or `UNSEEN`."""
        text = texts_of(table, self.name, rows).str.to_lowercase()
        return codes_of(self.name, text, WORDS, report, expects_missing=self.has_missing)

    def write(self, ready: Codes, out: Block) -> None:
        out[:, 0] = SIGNS[ready]
        if self.has_missing:
            out[:, 1] = ready == MISSING

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "words": list(self.words),
            "has_missing": self.has_missing,
        }

    @classmethod
    def from_dict(cls, value: object) -> BooleanColumn:
        """The inverse of `to_dict`; ModelFileError if the value is no such dict."""
        saved = Saved(value, "a boolean column", ["kind", "name", "words", "has_missing"])
        words = saved.texts("words")
        if words not in TRUTHS:
            saved.fail("words", "words for false and true")
        return cls(saved.text("name"), (words[0], words[1]), saved.truth("has_missing"))
