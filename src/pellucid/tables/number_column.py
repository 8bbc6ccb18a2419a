"""How a column of numbers becomes features: `NumberColumn`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pellucid.saved import Saved
from pellucid.tables.columns import as_numbers
from pellucid.tables.features import Arrays, Block, Column, Report, Rows, Step, count_missing, float64
from pellucid.tables.normalisation import NORMALISATIONS, Normalisation, quantiles
from pellucid.tables.table import Table
from pellucid.tables.values import LARGEST, are_all_good

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class NumberColumn(Column):
    """A column of numbers: one feature, and one more if values were missing in training.

    Formula:  x' = normalisation(x), with the median for x where it is missing. `is missing`: 1 where x is
    missing, else 0.

    Parameters
    ----------
    name : str
        The column.
    normalisation : Normalisation
        What brings it to a common scale.
    center, scale : float
        Fitted on the training rows.
    median : float
        Of the training rows; stands for missing values.
    has_indicator : bool
        Whether there is a second feature that says whether the value is missing.

    Examples
    --------
    >>> import polars as pl
    >>> from pellucid.tables.normalisation import NORMALISATIONS
    >>> column = NumberColumn.fit("age", pl.Series([20, 30, None, 70]), NORMALISATIONS.find("minmax"))
    >>> column.feature_names, column.median, column.describe(35)
    (['age', 'age is missing'], 30.0, 'age = 35')
    """

    kind: ClassVar[str] = "number"

    name: str
    normalisation: Normalisation
    center: float
    scale: float
    median: float
    has_indicator: bool

    @classmethod
    def fit(cls, name: str, values: pl.Series, normalisation: Normalisation) -> NumberColumn:
        """From the numbers of the training rows, null where missing."""
        x = float64(values)
        good = x if not values.null_count() and are_all_good(values) else x[np.abs(x) <= LARGEST]
        center, scale = normalisation.fit(good)
        median = center if normalisation.has_median else quantiles(good, [0.5])[0]
        return cls(name, normalisation, center, scale, median, len(good) < len(x))

    @property
    def feature_names(self) -> list[str]:
        return [self.name, f"{self.name} is missing"] if self.has_indicator else [self.name]

    @property
    def steps(self) -> list[Step | None]:
        at = f"the slope at {self.center:.6g}, less beyond" if self.normalisation.bends else ""
        return [Step("1 more", self.scale, at), *super().steps[1:]]

    def prepare(self, table: Table, rows: Rows | None, report: Report) -> Arrays:
        """The numbers, with the median where they are missing, and where that is; others are refused."""
        advice = "The model was trained on numbers in this column: correct it, or leave it empty."
        values = as_numbers(table, self.name, advice)
        values = values if rows is None else values.gather(rows)
        x = float64(values)
        if not values.null_count() and are_all_good(values):
            return Arrays((x, None))
        is_bad = ~(np.abs(x) <= LARGEST)
        n_missing = int(np.isnan(x).sum())
        if n_infinite := int(is_bad.sum()) - n_missing:
            report.infinite[self.name] = n_infinite
        if not self.has_indicator:
            count_missing(report, self.name, n_missing, f"the median, {self.median:.6g}")
        return Arrays((np.where(is_bad, self.median, x), is_bad))

    def write(self, ready: Arrays, out: Block) -> None:
        x, is_bad = ready.arrays
        out[:, 0] = self.normalised(x)
        if self.has_indicator and is_bad is not None:
            out[:, 1] = is_bad

    def normalised(self, x: Any) -> Any:
        """Numbers in the table's own unit on the common scale."""
        return np.clip(self.normalisation.apply(x, self.center, self.scale), -LARGEST, LARGEST)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "normalisation": self.normalisation.name,
            "center": self.center,
            "scale": self.scale,
            "median": self.median,
            "has_indicator": self.has_indicator,
        }

    @classmethod
    def from_dict(cls, value: object) -> NumberColumn:
        """The inverse of `to_dict`; ModelFileError if the value is no such dict."""
        keys = ["kind", "name", "normalisation", "center", "scale", "median", "has_indicator"]
        saved = Saved(value, "a number column", keys)
        return cls(
            saved.text("name"),
            NORMALISATIONS.find(saved.text("normalisation", NORMALISATIONS.names())),
            saved.number("center", -LARGEST, LARGEST),
            saved.number("scale", 0, 1e120),
            saved.number("median", -LARGEST, LARGEST),
            saved.truth("has_indicator"),
        )
