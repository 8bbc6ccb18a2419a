"""From a table to what a network learns from: `prepare`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, TableError
from pellucid.tables.bending import unbent_where_linear
from pellucid.tables.class_notes import notes_on_classes
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.features import Report
from pellucid.tables.reading import read_table
from pellucid.tables.row_split import RowSplit, split_rows
from pellucid.tables.row_weights import Numbers, combined, read_weights, without
from pellucid.tables.schema import Schema
from pellucid.tables.table import Table
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.target_scales import scales_to_try
from pellucid.tables.targets import Target, read_target
from pellucid.tables.twins import n_twins
from pellucid.tables.typical import Typical, typical_values
from pellucid.training.splits import Indices

MOST_JUDGED = 50_000_000  # numbers of a table of rows and classes
FARTHEST = 1e15  # standard deviations, above which a target is an error of measurement


@dataclass(frozen=True)
class Prepared:
    """A table as networks learn from it; the table itself is no longer needed.

    Parameters
    ----------
    encoding : TableEncoding
        How columns became features.
    target : Target
        The target of the rows of X.
    X : float32 array (n, n_features)
        The features of the rows that train or validate.
    training : int64 array
        The rows of X that any network trains on.
    folds : list of int64 array
        The rows of X that validate each network, of one or of several; none where nothing is held back.
    scales : list of tuple of str
        The scales that the target is modelled in, for each of its columns; two where both are tried.
    typical : dict
        A typical value of each column, see `typical_values`.
    notes : list of str
        Sentences for the user.
    weights : float64 array (n,), optional
        What each row of X counts, where they do not count alike.
    """

    encoding: TableEncoding
    target: Target
    X: Array
    training: Indices
    folds: list[Indices]
    scales: list[tuple[str, ...]]
    typical: Typical
    notes: list[str]
    weights: Numbers | None = None

    @property
    def n_learned(self) -> int:
        """How many rows a network trains on, the others of all that train validate it."""
        return len(self.training) - (len(self.folds[0]) if len(self.folds) > 1 else 0)

    def validated_by(self, numbers: Collection[int]) -> Prepared:
        """The same with the folds of these numbers alone; the others are without rows."""
        nothing = self.training[:0]
        folds = [fold if i in numbers else nothing for i, fold in enumerate(self.folds)]
        return dataclasses.replace(self, folds=folds)

    @functools.cached_property
    def judged(self) -> Indices:
        """The rows that a model is judged by: those that validate, or all where none do.

        Where they and the classes are very many, every second, third, ... of them, since scores take a
        number for each row and class.
        """
        rows = np.sort(np.concatenate(self.folds)) if self.folds else self.training
        n_numbers = len(rows) * max(1, len(self.target.classes))
        return rows[:: -(-n_numbers // MOST_JUDGED)]

    @property
    def judged_weights(self) -> Numbers | None:
        """What each judged row counts; None where they count alike."""
        return None if self.weights is None else self.weights[self.judged]


def prepare(
    source: Any,
    target: str | Sequence[str],
    *,
    task: str | None,
    target_scale: str,
    validation: float | Sequence[int],
    n_folds: int = 1,
    group: str | None,
    time: str | None,
    seed: int,
    schema: Schema,
    normalisation: Any,
    encoding: str = "utf-8",
    weight: str | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
) -> Prepared:
    """Read, split and encode a table; options as in `fit_table`."""
    text = [*schema.text_columns, *([] if group is None else [group])]
    table = read_table(source, text=text, encoding=encoding)
    of_rows, left_out = read_weights(table, weight, sample_weight), 0
    if of_rows is not None:
        table, left_out = without(table, target, of_rows), int((of_rows == 0).sum())
    wanted = read_target(table, target, task=task)
    wanted = dataclasses.replace(wanted, n_missing=wanted.n_missing - left_out)
    notes = wanted.notes
    divided = split_rows(
        table,
        wanted,
        fraction=validation,
        n_folds=n_folds,
        group=group,
        time=time,
        reading=schema.reading(time) if time else "",
        seed=seed,
    )
    wanted, divided = _without_the_rest(wanted, divided)
    if group is not None:  # who the customer is says nothing of another one
        schema = schema.leaving_out(table.find(group), "rows are split by it")
    if weight is not None:
        weight = table.find(weight)
        if weight in wanted.names:
            raise ArgumentError(f"{weight!r} is the target, so it cannot be the weight column too.")
        schema = schema.leaving_out(weight, "it is what each row counts")
    training = divided.training if len(divided.folds) < 2 else np.arange(len(wanted.rows))
    features = TableEncoding.fit(
        table,
        list(wanted.names),
        rows=wanted.rows[training],
        normalisation=normalisation or "robust",
        schema=schema,
    )
    weights = combined(None if of_rows is None else of_rows[wanted.rows], class_weight, wanted, training)
    notes += _on_weights(weights is not None, left_out)
    scales = scales_to_try(table, wanted, divided, target_scale)
    _check_reach(table, wanted, training, scales[0])
    if normalisation is None and not wanted.classes:
        features, on_bending = unbent_where_linear(table, wanted, features, training, schema, scales[0])
        notes += on_bending
    report = Report()
    rows = None if len(wanted.rows) == len(table) else wanted.rows
    X = features.encode(table, rows=rows, report=report)
    notes += [*divided.notes, *features.notes, *report.notes]
    held = divided.held if len(divided.folds) < 2 else np.sort(np.concatenate(divided.folds))
    notes += notes_on_classes(wanted, training, held)
    twins = (n_twins(X, wanted.values, np.setdiff1d(training, fold), fold) for fold in divided.folds)
    notes += _on_twins(sum(twins), len(held))
    typical = typical_values(table, features.columns, wanted.rows[training])
    return Prepared(features, wanted, X, training, divided.folds, scales, typical, notes, weights)


def _without_the_rest(target: Target, divided: RowSplit) -> tuple[Target, RowSplit]:
    """The same without rows that neither train nor validate."""
    n_used = len(divided.training) + len(divided.held)
    if len(divided.folds) > 1 or n_used == len(target.rows):
        return target, divided
    used = np.sort(np.concatenate([divided.training, divided.held]))
    training, held = np.searchsorted(used, divided.training), np.searchsorted(used, divided.held)
    target = dataclasses.replace(target, rows=target.rows[used], values=target.values[used])
    return target, RowSplit(training, held, divided.notes)


def _check_reach(table: Table, target: Target, training: Indices, scales: tuple[str, ...]) -> None:
    """Refuse a number so far from the training rows that its squared error is beyond float32.

    Raises
    ------
    TableError
        With the place of the first such number.
    """
    if target.classes:
        return
    z = np.abs(TargetEncoding.fit(target, rows=training, scales=scales).standardised(target.values))
    for name, values, distance in zip(target.names, target.values.T, z.T, strict=True):
        if (distance > FARTHEST).any():
            row = int((distance > FARTHEST).argmax())
            raise TableError(
                f"{table.origin.at(name, int(target.rows[row]))}: found {values[row]:g}, which is "
                f"{distance[row]:.0e} standard deviations away from the targets of the training rows. "
                "Correct it, or leave it empty to leave out the row."
            )


def _on_weights(are_weighted: bool, n_left_out: int) -> list[str]:
    notes = ["Rows count by their weights, in training and in the scores above."] if are_weighted else []
    if n_left_out:
        rows = "1 row is" if n_left_out == 1 else f"{n_left_out:,} rows are"
        notes.append(f"{rows} left out, as the weight is 0.")
    return notes


def _on_twins(n: int, n_held: int) -> list[str]:
    if not n:
        return []
    return [
        f"{n:,} of the {n_held:,} validation rows {'equals' if n == 1 else 'equal'} a training row in every "
        "feature and the target. If these are cases that the table has twice, the scores are too good: "
        "remove the copies, or keep them on one side with group='COLUMN'."
    ]
