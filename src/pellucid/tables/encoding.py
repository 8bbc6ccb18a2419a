"""From columns of a table to the features of a network: `TableEncoding`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, ModelFileError, TableError, nearest
from pellucid.tables.columns import as_numbers, choose_roles
from pellucid.tables.features import CategoryColumn, Column, NumberColumn, Report
from pellucid.tables.normalisation import NORMALISATIONS, Normalisation
from pellucid.tables.saved import Saved
from pellucid.tables.table import Table, listed

# Rows that are encoded at a time: a block of the output stays in the cache while its columns are written.
BLOCK = 8192


@dataclass(frozen=True)
class TableEncoding:
    """How the columns of a table become features; fitted on the training rows only.

    Parameters
    ----------
    columns : tuple of NumberColumn or CategoryColumn
        In the order of the table it was fitted on.
    left_out : tuple of (str, str)
        Columns that are not used, each with the reason.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table({"age": [30, None, 50], "hair": ["red", "dark", "fair"], "ill": [0, 1, 1]})
    >>> encoding = TableEncoding.fit(table, target="ill", normalisation="minmax")
    >>> encoding.feature_names
    ['age', 'age is missing', 'hair = dark', 'hair = fair', 'hair = red']
    >>> encoding.encode(table)
    array([[0., 0., 0., 0., 1.],
           [0., 1., 1., 0., 0.],
           [1., 0., 0., 1., 0.]], dtype=float32)
    """

    columns: tuple[Column, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str | Sequence[str] = (),
        *,
        rows: Iterable[int] | None = None,
        normalisation: str | Normalisation = "robust",
        categories: Iterable[str] = (),
        numbers: Iterable[str] = (),
        ignore: Iterable[str] = (),
    ) -> TableEncoding:
        """The encoding of a table's columns by the statistics of some of its rows.

        Parameters
        ----------
        table : Table
            From `read_table`.
        target : str or sequence of str
            Columns that are no features.
        rows : array of int, optional
            The training rows; all, by default. The other rows are looked at only for texts among
            numbers, which are refused.
        normalisation : str or Normalisation
            Of the number columns; a name in `NORMALISATIONS`.
        categories, numbers, ignore : iterable of str
            See `choose_roles`.

        Raises
        ------
        TableError
            If a column does not exist, or holds texts among numbers.
        DataError
            If no column is left to learn from.
        """
        chosen = NORMALISATIONS.find(normalisation)
        targets = [table.find(t, "target column") for t in ([target] if isinstance(target, str) else target)]
        rows = None if rows is None else np.asarray(rows, dtype=np.int64)
        roles = choose_roles(table, targets, rows=rows, categories=categories, numbers=numbers, ignore=ignore)
        columns: list[Column] = []
        for role in roles:
            if role.kind == "number":
                values = as_numbers(table, role.name, "")
                seen = values if rows is None else values.gather(rows)
                columns.append(NumberColumn.fit(role.name, seen, chosen))
            elif role.kind == "category":
                values = table.column(role.name)
                columns.append(CategoryColumn.fit(role.name, values if rows is None else values.gather(rows)))
        left_out = tuple((r.name, r.reason) for r in roles if r.kind == "left out")
        if not columns:
            reasons = (
                "; ".join(f"{name!r}: {reason}" for name, reason in left_out) or "it has no other columns"
            )
            raise DataError(
                f"{table.origin.name} has no column to learn from besides the target ({reasons})."
            )
        return cls(tuple(columns), left_out)

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature, such as `age`, `hair = red`, `age is missing`; all different."""
        names: dict[str, None] = {}
        for name in (n for c in self.columns for n in c.feature_names):
            unique, i = name, 2
            while unique in names:
                unique, i = f"{name} ({i})", i + 1
            names[unique] = None
        return list(names)

    @property
    def n_features(self) -> int:
        """How many features a row has."""
        return sum(len(c.feature_names) for c in self.columns)

    @property
    def text_columns(self) -> list[str]:
        """The columns to name in `read_table(..., text=...)` so that categories such as `007` stay texts."""
        return [c.name for c in self.columns if isinstance(c, CategoryColumn) and not c.is_of_numbers]

    @property
    def notes(self) -> list[str]:
        """Sentences for the user: what was left out or pooled."""
        notes = [f"Column {name!r} is left out: {reason}." for name, reason in self.left_out]
        for c in self.columns:
            if isinstance(c, CategoryColumn) and c.is_pooled:
                notes.append(
                    f"Column {c.name!r} has many categories: the {len(c.levels)} most frequent have "
                    "a feature each, all others share one."
                )
        return notes

    def encode(
        self, table: Table, *, rows: Iterable[int] | None = None, report: Report | None = None
    ) -> NDArray[np.float32]:
        """The features of rows of a table.

        Parameters
        ----------
        table : Table
            Has the columns of the encoding, in any order; others are ignored.
        rows : array of int, optional
            Which rows; all, by default.
        report : Report, optional
            Is filled with what was found: categories never seen in training, infinite numbers.

        Returns
        -------
        float32 array (n_rows, n_features), C-contiguous
            All finite.

        Raises
        ------
        TableError
            If columns are missing, or a number column holds a text (column, line and value are named).
        """
        self._check_columns(table)
        chosen = None if rows is None else np.asarray(rows, dtype=np.int64)
        report = Report() if report is None else report
        ready: list[Any] = [c.prepare(table, chosen, report) for c in self.columns]
        widths = [len(c.feature_names) for c in self.columns]
        n = len(table) if chosen is None else len(chosen)
        out = np.zeros((n, sum(widths)), np.float32)
        for start in range(0, n, BLOCK):
            block, at = out[start : start + BLOCK], 0
            for column, values, width in zip(self.columns, ready, widths, strict=True):
                column.write(values[start : start + BLOCK], block[:, at : at + width], report)
                at += width
        return out

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain values."""
        return {
            "columns": [c.to_dict() for c in self.columns],
            "left_out": [list(pair) for pair in self.left_out],
        }

    @classmethod
    def from_dict(cls, value: object) -> TableEncoding:
        """The inverse of `to_dict`.

        Raises
        ------
        ModelFileError
            If the value is no such dict.
        """
        saved = Saved(value, "the table encoding", ["columns", "left_out"])
        columns = tuple(_column_from(v) for v in saved.items("columns"))
        if not columns or len({c.name for c in columns}) != len(columns):
            saved.fail("columns", "a list of different columns")
        left_out = []
        for pair in saved.items("left_out"):
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, str) for v in pair)):
                saved.fail("left_out", "a list of names and reasons")
            left_out.append((pair[0], pair[1]))
        return cls(columns, tuple(left_out))

    def _check_columns(self, table: Table) -> None:
        if lacking := [c.name for c in self.columns if c.name not in table.schema]:
            ours = {c.name for c in self.columns}
            free = [k for k in table.names if k not in ours]
            hint = nearest(lacking[0], free)
            columns = "the column" if len(lacking) == 1 else "the columns"
            raise TableError(
                f"{table.origin.name} lacks {columns} {listed(map(repr, lacking))} that the model was "
                f"trained with. {hint}Its columns: {listed(table.names)}."
            )


def _column_from(value: object) -> Column:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "number":
        return NumberColumn.from_dict(value)
    if kind == "category":
        return CategoryColumn.from_dict(value)
    raise ModelFileError(
        "the model file is damaged: a column of the table encoding must be a number or a category."
    )
