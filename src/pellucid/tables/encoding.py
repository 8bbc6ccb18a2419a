"""From columns of a table to the features of a network: `TableEncoding`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, ModelFileError, TableError, nearest
from pellucid.saved import Saved, is_text
from pellucid.tables.boolean_column import BooleanColumn
from pellucid.tables.category_column import CategoryColumn
from pellucid.tables.date_column import DateColumn
from pellucid.tables.dates import ISO
from pellucid.tables.features import Column, Report, Rows, Step, few
from pellucid.tables.finding import of_rows
from pellucid.tables.normalisation import NORMALISATIONS, Normalisation
from pellucid.tables.number_column import NumberColumn
from pellucid.tables.ordered_column import OrderedColumn
from pellucid.tables.role import KINDS as ROLES
from pellucid.tables.role import Role
from pellucid.tables.roles import each_role
from pellucid.tables.schema import Schema
from pellucid.tables.table import Table, listed
from pellucid.tables.threads import in_threads

if TYPE_CHECKING:
    import polars as pl

# Rows that a thread encodes at a time: few enough for the cache, many enough that threads seldom wait for
# each other between two steps of a column.
BLOCK = 32_768
APART = 16  # numbers between the features of a block, which must not be a power of two apart in memory

# Bytes of columns that are made ready at a time: more would be a second copy of a large table.
TOGETHER = 1 << 26

# A table that lacks this share of the columns, or more, is another one.
MOST_LACKING = 0.5
LONGEST_NAME = 200  # characters of the name of a feature
MOST_HINTS = 20  # nearest names, each of which takes a while to find

KINDS: dict[str, Callable[[object], Column]] = {
    kind.kind: kind.from_dict
    for kind in (NumberColumn, BooleanColumn, CategoryColumn, OrderedColumn, DateColumn)
}


@dataclass(frozen=True)
class TableEncoding:
    """How the columns of a table become features; fitted on the training rows only.

    Parameters
    ----------
    columns : tuple of Column
        Those that are used, in the order of the table it was fitted on.
    roles : tuple of Role
        What was decided of every column but the targets, and why.
    targets : tuple of str
        The columns that are predicted.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table({"age": [30, None, 50], "hair": ["red", "dark", "fair"], "ill": [0, 1, 1]})
    >>> encoding = TableEncoding.fit(table, target="ill", normalisation="minmax")
    >>> encoding.feature_names
    ['age', 'age is missing', 'hair = dark', 'hair = fair', 'hair = red']
    >>> encoding.encode(table)
    array([[0. , 0. , 0. , 0. , 1. ],
           [0.5, 1. , 1. , 0. , 0. ],
           [1. , 0. , 0. , 1. , 0. ]], dtype=float32)
    """

    columns: tuple[Column, ...]
    roles: tuple[Role, ...] = ()
    targets: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str | Sequence[str] = (),
        *,
        rows: Iterable[int] | None = None,
        normalisation: str | Normalisation = "robust",
        numbers: Iterable[str] = (),
        categories: Iterable[str] = (),
        dates: Iterable[str] | Mapping[str, str] = (),
        ordered: Mapping[str, Iterable[Any]] | None = None,
        ignore: Iterable[str] = (),
        schema: str | os.PathLike[str] | Schema | None = None,
    ) -> TableEncoding:
        """The encoding of a table's columns by the statistics of some of its rows.

        Parameters
        ----------
        table : Table
            From `read_table`.
        target : str or sequence of str
            Columns that are no features.
        rows : array of int, optional
            The training rows; all, by default. The other rows are looked at only for what kind of values
            a column holds; texts among numbers are refused.
        normalisation : str or Normalisation
            Of the numbers; a name in `NORMALISATIONS`.
        numbers, categories, dates, ordered, ignore, schema
            What is asked of columns; see `Schema.of`.

        Raises
        ------
        TableError
            If a column does not exist, or holds texts among numbers or dates.
        DataError
            If no column is left to learn from.
        """
        import polars as pl

        scale = NORMALISATIONS.find(normalisation)
        asked = Schema.of(
            numbers=numbers,
            categories=categories,
            dates=dates,
            ordered=ordered,
            ignore=ignore,
            schema=schema,
        )
        targets = [table.find(t, "target column") for t in ([target] if isinstance(target, str) else target)]
        seen = None if rows is None else np.asarray(rows, dtype=np.int64)
        chosen = None if seen is None else pl.Series(seen)

        def use(role: Role, values: pl.Series) -> tuple[Role, Column | None]:
            if not role.is_used:
                return role, None
            zone = getattr(table.schema[role.name], "time_zone", None) or ""
            return role, _fitted(role, of_rows(values, chosen), scale, zone)

        for counts_are_numbers in (False, True):
            found = each_role(
                table, targets, use, rows=seen, schema=asked, counts_are_numbers=counts_are_numbers
            )
            roles = [role.because(column.remark if column else "") for role, column in found]
            columns = [column for _, column in found if column is not None]
            if columns:
                break
        if not columns:
            reasons = "; ".join(f"{r.name!r}: {r.reason}" for r in roles) or "it has no other columns"
            raise DataError(
                f"{table.origin.name} has no column to learn from besides the target ({reasons})."
            )
        return cls(tuple(columns), tuple(roles), tuple(targets))

    @cached_property
    def spans(self) -> dict[str, list[int]]:
        """The indices of the features that each column becomes, by its name."""
        spans, at = {}, 0
        for column in self.columns:
            width = len(column.feature_names)
            spans[column.name] = list(range(at, at + width))
            at += width
        return spans

    @cached_property
    def feature_names(self) -> list[str]:
        """The name of each feature, such as `age`, `hair = red`, `age is missing`; all different."""
        names: dict[str, None] = {}
        for long in (n for c in self.columns for n in c.feature_names):
            name = long if len(long) <= LONGEST_NAME else f"{long[:LONGEST_NAME]}..."
            unique, i = name, 2
            while unique in names:
                unique, i = f"{name} ({i})", i + 1
            names[unique] = None
        return list(names)

    @property
    def steps(self) -> dict[str, Step]:
        """By the name of a feature: a step of its column in the column's own unit, where there is one."""
        steps = [step for c in self.columns for step in c.steps]
        return {n: step for n, step in zip(self.feature_names, steps, strict=True) if step}

    @property
    def n_features(self) -> int:
        """How many features a row has."""
        return len(self.feature_names)

    @property
    def embedded(self) -> list[tuple[int, int, str]]:
        """The features that are codes, for an `Embedding`: index, number of codes with 0, and name."""
        places = ((self.spans[c.name][0], c) for c in self.columns if isinstance(c, CategoryColumn))
        return [(at, c.n_codes, self.feature_names[at]) for at, c in places if c.n_codes]

    @property
    def numbers(self) -> list[int]:
        """The features that are numbers of number columns, for a `PeriodicEmbedding`."""
        return [self.spans[c.name][0] for c in self.columns if isinstance(c, NumberColumn)]

    @property
    def text_columns(self) -> list[str]:
        """The columns to name in `read_table(..., text=...)` so that categories such as `007` stay texts."""
        return [c.name for c in self.columns if c.is_read_as_text]

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """Columns that are not used, each with the reason."""
        return tuple((r.name, r.reason) for r in self.roles if not r.is_used)

    @property
    def notes(self) -> list[str]:
        """Sentences for the user: what was left out, pooled, or may be meant otherwise."""
        left_out = [f"Column {name!r} is left out: {reason}." for name, reason in self.left_out]
        questions = [f"Column {r.name!r}: {r.question}." for r in self.roles if r.question]
        remarks = [f"Column {c.name!r}: {r.reason}." for c, r in self._remarkable()]
        return [
            *few(left_out, "are left out"),
            *few(remarks, "have many categories"),
            *few(questions, "may be meant otherwise"),
        ]

    def describe(self, table: Table, row: int) -> dict[str, str]:
        """The values of a row in the table's own words, by column: `age = 42`, `hair is missing`.

        Examples
        --------
        >>> from pellucid.tables.reading import read_table
        >>> table = read_table({"age": [30, None, 50], "hair": ["red", "dark", "fair"]})
        >>> TableEncoding.fit(table).describe(table, 1)
        {'age': 'age is missing', 'hair': 'hair = dark'}
        """
        return {c.name: c.describe(table.value(c.name, row)) for c in self.columns}

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
            If half of the columns are lacking, or a column of numbers or dates holds another text (column,
            line and value are named).
        """
        report = Report() if report is None else report
        lacking = self.lacking(table, report)
        chosen = None if rows is None else np.asarray(rows, dtype=np.int64)
        n = len(table) if chosen is None else len(chosen)
        out = np.zeros((n, self.n_features), np.float32)
        together = max(1, TOGETHER // (8 * max(1, n)))
        for first in range(0, len(self.columns), together):
            group = self.columns[first : first + together]
            ready = in_threads(lambda c: _prepared(c, table, chosen, c.name in lacking), group, n)
            for column, (_, found) in zip(group, ready, strict=True):
                if column.name not in lacking:  # what is said need not be twice
                    report.add(found)
            parts = [
                (column, values, slice(self.spans[column.name][0], self.spans[column.name][-1] + 1))
                for column, (values, _) in zip(group, ready, strict=True)
            ]
            blocks = (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
            in_threads(partial(_write, parts, out), blocks, n)
        return out

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain values."""
        return {
            "columns": [c.to_dict() for c in self.columns],
            "roles": [[r.name, r.kind, r.reason, r.question] for r in self.roles],
            "targets": list(self.targets),
        }

    @classmethod
    def from_dict(cls, value: object) -> TableEncoding:
        """The inverse of `to_dict`.

        Raises
        ------
        ModelFileError
            If the value is no such dict.
        """
        saved = Saved(value, "the table encoding", ["columns", "roles", "targets"])
        columns = tuple(_column_from(v) for v in saved.items("columns"))
        if not columns or len({c.name for c in columns}) != len(columns):
            saved.fail("columns", "a list of different columns")
        roles = []
        for entry in saved.items("roles"):
            if not (isinstance(entry, list) and len(entry) == 4 and all(map(is_text, entry))):
                saved.fail("roles", "a list of names, kinds, reasons and questions")
            if entry[1] not in ROLES:
                saved.fail("roles", f"of the kinds {', '.join(ROLES)}")
            roles.append(Role(*entry))
        return cls(columns, tuple(roles), saved.texts("targets"))

    def _remarkable(self) -> list[tuple[Column, Role]]:
        """Columns whose features need a word more than their names, with their roles."""
        roles = {r.name: r for r in self.roles}
        return [(c, roles[c.name]) for c in self.columns if c.remark and c.name in roles]

    def lacking(self, table: Table, report: Report) -> set[str]:
        """The columns that the table does not have; refused where they are so many that it is another."""
        known = table.schema
        lacking = [c.name for c in self.columns if c.name not in known]
        trained = {c.name for c in self.columns} | {r.name for r in self.roles} | set(self.targets)
        added = [name for name in known if name not in trained]
        report.added += added
        hints = {name: nearest(name, added) for name in lacking[:MOST_HINTS]}
        if len(lacking) >= MOST_LACKING * len(self.columns):
            columns = "the column" if len(lacking) == 1 else "the columns"
            raise TableError(
                f"{table.origin.name} lacks {columns} {listed(map(repr, lacking))} that the model was "
                f"trained with. {hints[lacking[0]]}Its columns: {listed(known)}."
            )
        report.lacking |= {name: hints.get(name, "").strip() for name in lacking}
        return set(lacking)


def _fitted(role: Role, values: pl.Series, normalisation: Normalisation, zone: str) -> Column:
    """The column of a role, by what it holds in the training rows."""
    if role.kind == "number":
        return NumberColumn.fit(role.name, values, normalisation)
    if role.kind == "boolean":
        return BooleanColumn.fit(role.name, values)
    if role.kind == "ordered":
        return OrderedColumn(role.name, role.levels, values.null_count() > 0)
    if role.kind == "date":
        return DateColumn.fit(role.name, values, normalisation, reading=role.reading or ISO, zone=zone)
    return CategoryColumn.fit(role.name, values, role.counts)


def _prepared(column: Column, table: Table, rows: Rows | None, is_lacking: bool) -> tuple[Any, Report]:
    """What a column writes from, and what was found on the way."""
    report = Report()
    return column.prepare(_without(column, table) if is_lacking else table, rows, report), report


def _write(parts: Sequence[tuple[Column, Any, slice]], out: NDArray[np.float32], rows: slice) -> None:
    """Some rows of neighbouring columns, each with what it writes from and its features.

    A feature is written into numbers side by side, and all are turned at once: ten times as fast as to
    write each of them with the steps of a row between.
    """
    block = out[rows]
    begin, end = parts[0][2].start, parts[-1][2].stop
    turned = np.zeros((end - begin, len(block) + APART), np.float32)[:, : len(block)]
    for column, ready, features in parts:
        column.write(ready[rows], turned[features.start - begin : features.stop - begin].T)
    block[:, begin:end] = turned.T


def _without(column: Column, table: Table) -> Table:
    """A table of as many rows, in which the column has no values."""
    import polars as pl

    return Table(pl.DataFrame({column.name: pl.Series([None] * len(table), dtype=pl.Null)}), table.origin)


def _column_from(value: object) -> Column:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ModelFileError(
            f"the model file is damaged: a column of the table encoding must be one of {', '.join(KINDS)}."
        )
    return KINDS[kind](value)
