"""How a column of categories becomes features: `CategoryColumn`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pellucid.saved import Saved
from pellucid.tables.features import MISSING, Block, Codes, Column, Report, Rows, Step, codes_of, texts_of
from pellucid.tables.finding import LEAST_ROWS, MANY_CATEGORIES
from pellucid.tables.table import Table
from pellucid.tables.values import category_text, in_natural_order, level_counts

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class CategoryColumn(Column):
    """A column of categories: one feature a level; two levels share one; many are a code.

    ======================  ======================================================================
    two levels              one feature: +1 for the second, −1 for the first
    3 to 19 levels          a feature a level: 1 for the row's own, else 0
    20 and more             one feature, the code of the level, for an `Embedding`
    `any other`             a level for all that were rare in training; a new one counts as it, too
    missing in training     a level of its own; with two levels a feature of its own
    missing or new, if not  0 in all features
    ======================  ======================================================================

    A code is 0 for what was never seen in training, 1, 2, ... for the levels, then one more for missing
    values if there were any in training, and the last one for any other.

    Parameters
    ----------
    name : str
        The column.
    levels : tuple of str
        The categories of the training rows, in natural order, without the rare ones.
    rare : tuple of str
        Categories that are pooled as `any other`, because few training rows have each of them.
    has_missing : bool
        Whether values were missing in training.

    Examples
    --------
    >>> import polars as pl
    >>> CategoryColumn.fit("hair", pl.Series(["red", "dark", None, "fair"])).feature_names
    ['hair = dark', 'hair = fair', 'hair = red', 'hair is missing']
    """

    kind: ClassVar[str] = "category"

    name: str
    levels: tuple[str, ...]
    rare: tuple[str, ...] = ()
    has_missing: bool = False

    @classmethod
    def fit(cls, name: str, values: pl.Series, counts: Mapping[str, int] | None = None) -> CategoryColumn:
        """From the values of the training rows, null where missing, and how often each is among them."""
        counts = counts or level_counts(category_text(values))
        least = LEAST_ROWS if len(counts) >= MANY_CATEGORIES and max(counts.values()) >= LEAST_ROWS else 1
        levels, rare = (
            tuple(in_natural_order([level for level, n in counts.items() if (n >= least) == is_often]))
            for is_often in (True, False)
        )
        return cls(name, levels, rare, values.null_count() > 0)

    @property
    def n_levels(self) -> int:
        """How many levels there are, with `any other`."""
        return len(self.levels) + bool(self.rare)

    @property
    def n_codes(self) -> int:
        """How many codes there are; 0 if the column is not to be embedded."""
        return self.n_levels + self.has_missing + 1 if self.n_levels >= MANY_CATEGORIES else 0

    @property
    def is_binary(self) -> bool:
        """Whether the levels are one feature of ±1."""
        return len(self.levels) == 2 and not self.rare

    @property
    def is_read_as_text(self) -> bool:
        """Unless every level is written as a number is, so that 7, 7.0 and `007` are the same."""
        import polars as pl

        levels = pl.Series(self.levels + self.rare)
        return not category_text(levels.cast(pl.Float64, strict=False)).eq_missing(levels).all()

    @property
    def feature_names(self) -> list[str]:
        if self.n_codes:
            return [self.name]
        levels = self.levels[1:] if self.is_binary else self.levels
        names = [f"{self.name} = {level}" for level in levels]
        names += [f"{self.name} is missing"] * self.has_missing
        return names + [f"{self.name} = any other"] * bool(self.rare)

    @property
    def remark(self) -> str:
        pooled = (
            f"{len(self.rare):,} of them, in fewer than {LEAST_ROWS} rows each, are pooled as any other"
            if self.rare
            else ""
        )
        embedded = "each has a learned vector" if self.n_codes else ""
        return "; ".join(filter(None, (pooled, embedded)))

    @property
    def steps(self) -> list[Step | None]:
        if self.n_codes:
            return [None]
        if self.is_binary:
            return [Step(f"{self.levels[1]} instead of {self.levels[0]}", 2.0), *super().steps[1:]]
        return [Step("so instead of not", 1.0) for _ in self.feature_names]

    def prepare(self, table: Table, rows: Rows | None, report: Report) -> Codes:
        """The place of each row's category: among the levels, then missing, then any other; −1 for none."""
        values, known = texts_of(table, self.name, rows), (*self.levels, *self.rare)
        codes = codes_of(
            self.name,
            values,
            known,
            report,
            expects_missing=self.has_missing,
            unseen_as="any other" if self.rare else "none",
        )
        n = len(self.levels)
        other = n + self.has_missing if self.rare else -1
        places = np.concatenate([np.arange(n), np.full(len(self.rare), other), [other, -1]])
        places[MISSING] = n if self.has_missing else -1
        return places[codes]

    def write(self, ready: Codes, out: Block) -> None:
        if self.n_codes:
            out[:, 0] = ready + 1
        elif self.is_binary:
            out[:, 0] = np.array([-1, 1, 0, 0], np.float32)[ready]  # the last is −1, none of the two
            if self.has_missing:
                out[:, 1] = ready == 2
        else:
            has_level = np.flatnonzero(ready >= 0)
            out[has_level, ready[has_level]] = 1

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "levels": list(self.levels),
            "rare": list(self.rare),
            "has_missing": self.has_missing,
        }

    @classmethod
    def from_dict(cls, value: object) -> CategoryColumn:
        """The inverse of `to_dict`; ModelFileError if the value is no such dict."""
        saved = Saved(value, "a category column", ["kind", "name", "levels", "rare", "has_missing"])
        levels, rare = saved.texts("levels"), saved.texts("rare")
        if not levels or set(levels) & set(rare):
            saved.fail("levels", "a list of at least one category, none of them rare")
        return cls(saved.text("name"), levels, rare, saved.truth("has_missing"))
