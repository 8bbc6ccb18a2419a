"""How one column becomes features: `NumberColumn` and `CategoryColumn`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.tables.columns import as_numbers
from pellucid.tables.normalisation import NORMALISATIONS, Normalisation
from pellucid.tables.saved import Saved
from pellucid.tables.table import Table, shown
from pellucid.tables.values import LARGEST, category_text, in_natural_order

if TYPE_CHECKING:
    import polars as pl

# A column with more categories keeps the most frequent.
MOST_LEVELS = 100

Block = NDArray[np.float32]


@dataclass
class Report:
    """What was found in a table while it was encoded.

    Parameters
    ----------
    unseen : dict of str to (int, str)
        Per category column: how many rows have a category never seen in training, and the first one.
    infinite : dict of str to int
        Per number column: how many numbers are infinite or beyond 1e30, and so treated as missing.
    """

    unseen: dict[str, tuple[int, str]] = field(default_factory=dict)
    infinite: dict[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """Sentences for the user.

        Examples
        --------
        >>> Report(unseen={"hair": (2, "blue")}).notes
        ["Column 'hair': 2 rows have a category never seen in training, such as 'blue'; they count as none."]
        """
        return [
            f"Column {name!r}: {n} {'row has' if n == 1 else 'rows have'} a category never seen in training, "
            f"such as {shown(example)}; {'it counts' if n == 1 else 'they count'} as none."
            for name, (n, example) in self.unseen.items()
        ] + [
            f"Column {name!r}: {n} {'number is' if n == 1 else 'numbers are'} infinite or beyond "
            f"{LARGEST:.0e}; {'it counts' if n == 1 else 'they count'} as missing."
            for name, n in self.infinite.items()
        ]


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: one feature, and one more if values were missing in training.

    Formula:  x' = normalisation(x); 0 where x is missing. `is missing`: 1 where x is missing, else 0.

    Parameters
    ----------
    name : str
        The column.
    normalisation : Normalisation
        What brings it to a common scale.
    center, scale : float
        Fitted on the training rows.
    has_indicator : bool
        Whether there is a second feature that says whether the value is missing.
    """

    kind: ClassVar[str] = "number"

    name: str
    normalisation: Normalisation
    center: float
    scale: float
    has_indicator: bool

    @classmethod
    def fit(cls, name: str, values: pl.Series, normalisation: Normalisation) -> NumberColumn:
        """From the numbers of the training rows, null where missing."""
        x = _float64(values)
        is_good = np.abs(x) <= LARGEST
        n_good = int(is_good.sum())
        center, scale = normalisation.fit(x if n_good == len(x) else x[is_good])
        return cls(name, normalisation, center, scale, n_good < len(x))

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature."""
        return [self.name, f"{self.name} is missing"] if self.has_indicator else [self.name]

    def prepare(self, table: Table, rows: NDArray[np.int64] | None, report: Report) -> pl.Series:
        """The numbers of some rows of a table, null where missing; what is no number is refused."""
        advice = "The model was trained on numbers in this column: correct it, or leave it empty."
        values = as_numbers(table, self.name, advice)
        return values if rows is None else values.gather(rows)

    def write(self, values: pl.Series, out: Block, report: Report) -> None:
        """Write the features of some rows; `out` is zero before."""
        x = _float64(values)
        is_bad = ~(np.abs(x) <= LARGEST)
        n_bad, n_missing = int(is_bad.sum()), int(np.isnan(x).sum())
        if n_bad:
            x = np.where(is_bad, self.center, x)
        a = np.clip(self.normalisation.apply(x, self.center, self.scale), -LARGEST, LARGEST)
        if n_bad:
            a[is_bad] = 0
            if self.has_indicator:
                out[:, 1] = is_bad
            if n_infinite := n_bad - n_missing:
                report.infinite[self.name] = report.infinite.get(self.name, 0) + n_infinite
        out[:, 0] = a

    def to_dict(self) -> dict[str, Any]:
        """The column as plain values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "normalisation": self.normalisation.name,
            "center": self.center,
            "scale": self.scale,
            "has_indicator": self.has_indicator,
        }

    @classmethod
    def from_dict(cls, value: object) -> NumberColumn:
        """The inverse of `to_dict`; ModelFileError if the value is no such dict."""
        keys = ["kind", "name", "normalisation", "center", "scale", "has_indicator"]
        saved = Saved(value, "a number column", keys)
        return cls(
            saved.text("name"),
            NORMALISATIONS.find(saved.text("normalisation", NORMALISATIONS.names())),
            saved.number("center", -LARGEST, LARGEST),
            saved.number("scale", 0, 1e120),
            saved.truth("has_indicator"),
        )


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: one feature a level; two levels share one.

    ====================  =========================================================
    two levels            one feature: +1 for the second, −1 for the first
    any other number      a feature a level: 1 for the row's own, else 0
    missing, or unseen    0 in all of them
    `is_pooled`           one feature more: 1 for every value that has no level
    ====================  =========================================================

    Parameters
    ----------
    name : str
        The column.
    levels : tuple of str
        The categories of the training rows, in natural order; the most frequent if there are many.
    is_pooled : bool
        Whether there were more than 100, so that all others share a feature.
    """

    kind: ClassVar[str] = "category"

    name: str
    levels: tuple[str, ...]
    is_pooled: bool = False

    @classmethod
    def fit(cls, name: str, values: pl.Series) -> CategoryColumn:
        """From the values of the training rows, null where missing."""
        text = category_text(values).drop_nulls().alias("level")
        counts = text.value_counts(name="n").sort(["n", "level"], descending=[True, False])
        levels = counts["level"].to_list()
        return cls(name, tuple(in_natural_order(levels[:MOST_LEVELS])), len(levels) > MOST_LEVELS)

    @property
    def is_binary(self) -> bool:
        """Whether the column is one feature of ±1."""
        return len(self.levels) == 2 and not self.is_pooled

    @property
    def is_of_numbers(self) -> bool:
        """Whether every level is written as a number is, so that 7, 7.0 and `007` are the same."""
        import polars as pl

        levels = pl.Series(self.levels)
        return bool(category_text(levels.cast(pl.Float64, strict=False)).eq_missing(levels).all())

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature."""
        levels = self.levels[1:] if self.is_binary else self.levels
        names = [f"{self.name} = {level}" for level in levels]
        return [*names, f"{self.name} = any other"] if self.is_pooled else names

    def prepare(self, table: Table, rows: NDArray[np.int64] | None, report: Report) -> NDArray[np.int64]:
        """The index of each row's level; the number of levels where it has none, −1 where it is missing."""
        values = table.column(self.name)
        text = category_text(values if rows is None else values.gather(rows))
        codes = level_codes(text, self.levels)
        if self.is_pooled:
            return codes
        is_unseen = codes == len(self.levels)
        if n_unseen := int(is_unseen.sum()):
            report.unseen[self.name] = (n_unseen, str(text[int(is_unseen.argmax())]))
            codes[is_unseen] = -1
        return codes

    def write(self, codes: NDArray[np.int64], out: Block, report: Report) -> None:
        """Write the features of some rows; `out` is zero before."""
        if self.is_binary:
            out[:, 0] = np.array([-1, 1, 0], np.float32)[codes]  # -1, a missing one, is the last
        else:
            has_level = np.flatnonzero(codes >= 0)
            out[has_level, codes[has_level]] = 1

    def to_dict(self) -> dict[str, Any]:
        """The column as plain values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "levels": list(self.levels),
            "is_pooled": self.is_pooled,
        }

    @classmethod
    def from_dict(cls, value: object) -> CategoryColumn:
        """The inverse of `to_dict`; ModelFileError if the value is no such dict."""
        saved = Saved(value, "a category column", ["kind", "name", "levels", "is_pooled"])
        levels = saved.texts("levels")
        if not levels:
            saved.fail("levels", "a list of at least one category")
        return cls(saved.text("name"), levels, saved.truth("is_pooled"))


Column = NumberColumn | CategoryColumn


def level_codes(text: pl.Series, levels: tuple[str, ...]) -> NDArray[np.int64]:
    """The index of each text among the levels; their number where it is none of them, −1 where it is null.

    Examples
    --------
    >>> import polars as pl
    >>> level_codes(pl.Series(["b", "x", None, "a"]), ("a", "b"))
    array([ 1,  2, -1,  0])
    """
    import polars as pl

    if set(levels) <= {"false", "true"}:
        text = text.str.to_lowercase()  # a text file may write True
    codes = text.cast(pl.Enum(levels), strict=False).to_physical().cast(pl.Int64)
    return codes.fill_null(len(levels)).set(text.is_null(), -1).to_numpy(writable=True)


def _float64(values: pl.Series) -> NDArray[np.float64]:
    """Numbers as an array, NaN where null."""
    import polars as pl

    return np.asarray(values.cast(pl.Float64).to_numpy(), dtype=np.float64)
