"""What a model of a table answers: predictions, probabilities, intervals, scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, warn
from pellucid.tables.anatomy import TableAnatomy
from pellucid.tables.evidence import scores_of
from pellucid.tables.features import Report
from pellucid.tables.predictions import beside, missing
from pellucid.tables.row_weights import read_weights, without
from pellucid.tables.table import Table
from pellucid.tables.targets import Target

if TYPE_CHECKING:
    import polars as pl


class TableAnswers(TableAnatomy):
    """A model's answers to the rows of a table; see `TableModel`."""

    def predict(self, source: Any, *, interval: float | None = None) -> Array:
        """The prediction for each row: classes in their own type, or numbers in the target's own unit.

        Parameters
        ----------
        source : path, stream, data frame or dict
            Anything that `read_table` reads, with the columns that the model was trained on.
        interval : float, optional
            The probability, such as 0.9, with which the true number shall lie between two others: then
            float64 `(n_rows, 3)` comes back, or `(n_rows, n_targets, 3)`: the lower end, the prediction and
            the upper end. They are farther apart where rows are harder, see `tables.intervals.Errors`.

        Raises
        ------
        ArgumentError
            If an interval is asked for and the model predicts classes, or no rows validated it.

        Warns
        -----
        PellucidWarning
            Of all that training has not seen, such as categories, with how many rows have it.
        """
        X, outputs, report = self._outputs(self.read(source))
        _warn(report)
        if interval is None:
            return self._decoded(outputs)
        low, high = self._ends(X, outputs, interval)
        ends = np.stack([low, self.target.in_own_unit(outputs), high], axis=-1)
        return np.asarray(ends[:, 0] if len(self.target.names) == 1 else ends)

    def predict_probabilities(self, source: Any) -> Array:
        """The probability of each class for each row, float32 `(n_rows, n_classes)`; warns like `predict`.

        The class that `predict` answers is the most probable one, unless `decision` says otherwise.
        """
        if not self.classes:
            raise ArgumentError("this model predicts numbers; only classes have probabilities.")
        _, outputs, report = self._outputs(self.read(source))
        _warn(report)
        return outputs

    def predict_table(
        self, source: Any, notes: list[str] | None = None, *, interval: float | None = None
    ) -> pl.DataFrame:
        """The table with a column `prediction`, and `probability_CLASS` for each class.

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `predict`.
        notes : list, optional
            Gets a sentence for all that is worth knowing: categories never seen, values missing, columns
            of the table that had the name of one of the new ones and are kept as `NAME_input`. Without
            such a list the call warns like `predict`.
        interval : float, optional
            As in `predict`: `prediction_low` and `prediction_high` follow the prediction.
        """
        table = self.read(source)
        X, outputs, report = self._outputs(table)
        ends = None if interval is None else self._ends(X, outputs, interval)
        decoded, names = self._decoded(outputs), self.target.names
        if len(names) == 1:
            added: dict[str, Any] = {"prediction": decoded.tolist() if self.classes else decoded}
        else:
            added = {f"prediction_{name}": decoded[:, i] for i, name in enumerate(names)}
        if ends is not None:
            added = {
                new: values
                for i, (name, prediction) in enumerate(added.items())
                for new, values in (
                    (name, prediction),
                    (f"{name}_low", ends[0][:, i]),
                    (f"{name}_high", ends[1][:, i]),
                )
            }
        added |= {f"probability_{name}": outputs[:, i] for i, name in enumerate(self.classes)}
        frame, kept = beside(table, added)
        self._tell(table, report, notes, kept)
        return frame

    def evaluate(
        self,
        source: Any,
        notes: list[str] | None = None,
        *,
        weight: str | None = None,
        sample_weight: Any = None,
    ) -> dict[str, float]:
        """Scores on the rows of a table that have a target, and their number as `n_rows`.

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `predict`, with the target.
        notes : list, optional
            As in `predict_table`; also says how many rows have no target.
        weight, sample_weight
            What each row counts, as in `fit_table`; unless given, all count alike.
        """
        table = self.read(source, with_target=True)
        weights = read_weights(table, weight, sample_weight)
        if weights is not None:
            table = without(table, self.target.names, weights)
        table, target, answers, report = self.judged(table)
        of_rows = None if weights is None else weights[target.rows]
        self._tell(table, report, notes, target.notes[1:])
        own = self.target.own(target.values)
        scores = scores_of(self.target.task, own, answers, of_rows, self.decision)
        return scores | {"n_rows": len(target.rows)}

    def judged(self, source: Any) -> tuple[Table, Target, Array, Report]:
        """A table, its targets, for each row that has one the answer, and what was found on the way.

        The answers are probabilities of the classes, or numbers in the targets' own units: (n_rows, n_out).

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `evaluate`.
        """
        table, report = self.read(source, with_target=True), Report()
        target = self.target.read(table)
        outputs = self.network.predict(self.encoding.encode(table, rows=target.rows, report=report))
        return table, target, self.target.in_own_unit(outputs), report

    def answered(self, probabilities: Array) -> Array:
        """The index of the class that is answered for each row of probabilities (n_rows, n_classes)."""
        return self.decision(probabilities) if self.decision else probabilities.argmax(axis=1)

    def _outputs(self, table: Table) -> tuple[Array, Array, Report]:
        """The features of a table, what the network answers, and what was found on the way."""
        report = Report()
        X = self.encoding.encode(table, report=report)
        return X, self.network.predict(X), report

    def _ends(self, X: Array, outputs: Array, level: float) -> tuple[Array, Array]:
        """The ends of intervals around what the network answers."""
        if self.classes:
            raise ArgumentError("interval is for numbers; this model predicts classes, with probabilities.")
        if self.errors is None:
            raise ArgumentError(
                "this model knows no errors on rows that it has not learned from: train it anew."
            )
        return self.errors.around(self.target, X, outputs, level)

    def _tell(self, table: Table, report: Report, notes: list[str] | None, more: Iterable[str]) -> None:
        """Put all that is worth knowing into the caller's list, or else warn of what training never saw."""
        if notes is None:
            _warn(report)
        else:
            said = {*report.lacking, *report.missing}
            usual = [c.name for c in self.encoding.columns if c.name not in said]
            notes += [*report.notes, *missing(table, usual), *more]

    def _decoded(self, outputs: Array) -> Array:
        return self.target.decode(self.answered(outputs) if self.classes else outputs)


def _warn(report: Report) -> None:
    """Warn of what training has not seen."""
    for note in report.warnings:
        warn(note)
