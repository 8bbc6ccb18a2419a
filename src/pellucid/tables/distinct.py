"""The different values of many columns of texts at once: `Distinct`.

A question that is asked of each column by itself costs a tenth of a millisecond, whatever is in it, and a
table may have ten thousand columns. So the different values of all columns are put one below the other, are
asked once, and the answers are counted by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Distinct:
    """The different values of columns of texts, one column below the other.

    Parameters
    ----------
    values : polars.Series
        Of the first column, then of the second, and so on; null is one of them.
    owner : int64 array
        For each value, the index of its column.
    n_columns : int
        How many columns there are.

    Examples
    --------
    >>> import polars as pl
    >>> different = Distinct.of([pl.Series(["a", "b", "a"]), pl.Series(["c", None, None])])
    >>> different.count(different.values.is_not_null())
    array([2, 1])
    """

    values: pl.Series
    owner: NDArray[np.int64]
    n_columns: int

    @classmethod
    def of(cls, columns: Sequence[pl.Series]) -> Distinct:
        """Those of some columns, all of one length."""
        import polars as pl

        if not columns:
            return cls(pl.Series(dtype=pl.String), np.zeros(0, np.int64), 0)
        lists = numbered(columns).select(pl.all().unique().implode())
        long = lists.unpivot(variable_name="column", value_name="value").explode("value")
        return cls(long["value"], long["column"].cast(pl.Int64).to_numpy(), len(columns))

    def count(self, mask: pl.Series) -> NDArray[np.int64]:
        """For each column, how many of its values are such; a missing answer is none."""
        chosen = self.owner[mask.fill_null(False).to_numpy()]
        return np.bincount(chosen, minlength=self.n_columns)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """For each column, how many different values it has that are not missing."""
        return self.count(self.values.is_not_null())


def numbered(columns: Sequence[pl.Series]) -> pl.DataFrame:
    """Columns as a frame with their numbers for names: to polars, a name such as `^a$` is a pattern."""
    import polars as pl

    return pl.DataFrame({str(i): s for i, s in enumerate(columns)})


def all_at_once(columns: Sequence[pl.Series], expression: pl.Expr) -> list[pl.Series]:
    """An expression of `pl.all()` for each of some columns, without names."""
    if not columns:
        return []
    return [s.alias("") for s in numbered(columns).select(expression).get_columns()]
