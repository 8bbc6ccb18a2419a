"""A model of a table: its encoding, its network, and the evidence of what it is worth."""

from __future__ import annotations

import copy
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import model_file
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, ModelFileError, PellucidWarning
from pellucid.network import Network
from pellucid.tables.decision import Decision
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.evidence import Evidence, scores_of
from pellucid.tables.explanation import RowExplanation, explain
from pellucid.tables.features import Report
from pellucid.tables.importance import Importance, importance
from pellucid.tables.intervals import Errors
from pellucid.tables.own_units import TableNeuron, table_neuron
from pellucid.tables.pictures import TablePictures
from pellucid.tables.predictions import beside, missing
from pellucid.tables.reading import read_table
from pellucid.tables.row_weights import read_weights, without
from pellucid.tables.table import Table
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.targets import Target
from pellucid.tables.trainings import told
from pellucid.tables.typical import Typical, typical_from
from pellucid.training.history import History

if TYPE_CHECKING:
    import polars as pl

    from pellucid.health.finding import Health


@dataclasses.dataclass
class TableModel(TablePictures):
    """A network with the encoding of its table.

    Parameters
    ----------
    encoding : TableEncoding
        How columns become features.
    target : TargetEncoding
        How the target becomes what the network learns, and back.
    network : Network
        The network itself, open to every question.
    evidence : Evidence
        Its scores beside the trivial answer and a straight line.
    notes : list of str
        What was decided on the way: the task, columns left out, rows left out.
    typical : dict
        The median or the most frequent category of each column in training.
    histories : list of History
        Of each network that the model is the mean of, where it is one of several.
    errors : Errors, optional
        Of predicted numbers, on rows that were not learned from, for intervals.
    decision : Decision, optional
        How probabilities become classes, where that was chosen for a metric; else the most probable class.
    """

    encoding: TableEncoding
    target: TargetEncoding
    network: Network
    evidence: Evidence
    notes: list[str]
    typical: Typical
    histories: list[History] = dataclasses.field(default_factory=list)
    errors: Errors | None = None
    decision: Decision | None = None

    @property
    def history(self) -> History:
        """Numbers of each epoch, and why training stopped; of the first of several networks."""
        return self.network.history

    @property
    def classes(self) -> list[Any]:
        """The classes in their own type; empty in regression."""
        return list(self.target.classes)

    def answered(self, probabilities: Array) -> Array:
        """The index of the class that is answered for each row of probabilities (n_rows, n_classes)."""
        return self.decision(probabilities) if self.decision else probabilities.argmax(axis=1)

    def neuron(self, name: str, number: int | None = None) -> TableNeuron:
        """A neuron by a name such as `hidden_1/3`, or by its layer and number, in the table's own units.

        Raises
        ------
        ArgumentError
            If there is no such neuron; the message names those that there are.
        """
        return table_neuron(self.encoding, self.network, self.network.neuron(name, number))

    def predict(self, source: Any, *, interval: float | None = None) -> Array:
        """The prediction for each row: classes in their own type, or numbers in the target's own unit.

        Parameters
        ----------
        source : path, stream, data frame or dict
            Anything that `read_table` reads, with the columns that the model was trained on.
        interval : float, optional
            The probability, such as 0.9, with which the true number shall lie between two others: then
            float64 `(n_rows, 3)` comes back, or `(n_rows, n_targets, 3)`: the lower end, the prediction and
            the upper end. See `tables.intervals.Errors`.

        Raises
        ------
        ArgumentError
            If an interval is asked for and the model predicts classes, or no rows validated it.

        Warns
        -----
        PellucidWarning
            Of all that training has not seen, such as categories, with how many rows have it.
        """
        outputs, report = self._outputs(self.read(source))
        _warn(report)
        if interval is None:
            return self._decoded(outputs)
        low, high = self._ends(outputs, interval)
        ends = np.stack([low, self.target.in_own_unit(outputs), high], axis=-1)
        return np.asarray(ends[:, 0] if len(self.target.names) == 1 else ends)

    def predict_probabilities(self, source: Any) -> Array:
        """The probability of each class for each row, float32 `(n_rows, n_classes)`; warns like `predict`.

        The class that `predict` answers is the most probable one, unless `decision` says otherwise.
        """
        if not self.classes:
            raise ArgumentError("this model predicts numbers; only classes have probabilities.")
        outputs, report = self._outputs(self.read(source))
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
        outputs, report = self._outputs(table)
        ends = None if interval is None else self._ends(outputs, interval)
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

    def explain(self, source: Any, row: int, *, output: Any = None, baseline: Any = None) -> RowExplanation:
        """How far each column of one row moved the prediction, and the row's way through the network.

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `predict`; with the target too, the way backward is shown as well.
        row : int
            Which row of data, counted from 1.
        output : object, optional
            The class whose probability is explained, the predicted one unless given; of several targets
            the one that is meant.
        baseline : int or dict, optional
            What the row is compared with: another row by its number, or values by their columns, the others
            typical ones. Unless given it is a typical row: the median of each number column in training and
            the most frequent category of each other one.

        Returns
        -------
        RowExplanation
            Contributions of the columns that add up to the difference of the two answers, in the target's
            own unit; prints as a text.

        Raises
        ------
        ArgumentError
            If there is no such row, class or column.
        TableError
            If columns are missing, or the row holds what the model cannot read.

        Examples
        --------
        >>> import pellucid
        >>> data = {"height": [1.5, 1.6, 1.7, 1.8, 1.9], "mass": [50.0, 58.0, 66.0, 74.0, 82.0]}
        >>> model = pellucid.fit_table(data, target="mass", hidden=(), epochs=200, learning_rate=0.05)
        >>> found = model.explain(data, row=5)
        >>> found.attribution.inputs, found.attribution.baseline_values
        (('height',), ('1.7',))
        >>> [f"{part.name} {part.value:+.0f}" for part in found.attribution.parts[:1]]
        ['height +16']
        """
        return explain(self, source, row, output=output, baseline=baseline)

    def importance(self, source: Any, *, rows: int = 100, output: Any = None) -> Importance:
        """How much each column matters: how far it moves the answers, and what they are worth without it.

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `predict`; rows that training did not see, and with the target for the second measure.
        rows : int
            Of so many of them, evenly spread, contributions are found; fewer where there are thousands of
            features.
        output : object, optional
            The class whose probability is meant, that predicted for each row unless given; of several
            targets the one that is meant.

        Returns
        -------
        Importance
            Of each column the mean of its contributions' sizes, see `explain`, and the rise of the score
            when its values are mixed up among the rows; prints as a table.
        """
        return importance(self, source, rows=rows, output=output)

    def health(
        self,
        source: Any,
        notes: list[str] | None = None,
        *,
        try_fixes: bool = True,
        seconds: float = 5.0,
    ) -> Health:
        """What may be wrong with the model, its training, or the rows of a table that have a target.

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `predict`, with the target; best the table it was trained on.
        notes : list, optional
            As in `evaluate`.
        try_fixes, seconds
            As in `Network.health`.

        Returns
        -------
        Health
            As of `Network.health`, by names of columns; rows are counted from 1.
        """
        table, report = self.read(source, with_target=True), Report()
        target = self.target.read(table)
        X = self.encoding.encode(table, rows=target.rows, report=report)
        self._tell(table, report, notes, target.notes[1:])
        y, rows = self.target.encode(target.values), (target.rows + 1).tolist()
        columns = self.encoding.spans
        return self.network.health(X, y, try_fixes=try_fixes, seconds=seconds, rows=rows, columns=columns)

    def report(self) -> str:
        """The evidence, why training stopped, and what was decided, for people."""
        return "\n".join([str(self.evidence), "", *told(self.histories or [self.history]), *self.notes])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file; `pellucid.load` reads it."""
        model_file.write(path, *self.to_dict())

    def to_dict(self, *, training: bool = False) -> tuple[dict[str, Any], dict[str, Array]]:
        """The model as plain values and tensors; `from_dict` makes it again."""
        document, tensors = self.network.to_dict(training=training)
        return {
            "kind": "table",
            "encoding": self.encoding.to_dict(),
            "target": self.target.to_dict(),
            "network": document,
            "evidence": self.evidence.to_dict(),
            "notes": self.notes,
            "typical": self.typical,
            "histories": [h.to_dict() for h in self.histories],
            "errors": None if self.errors is None else self.errors.to_dict(),
            "decision": self.decision and self.decision.to_dict(),
        }, tensors

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> TableModel:
        """Make a model of what `to_dict` gave; refuses anything else by a ModelFileError."""
        try:
            encoding = TableEncoding.from_dict(document["encoding"])
            target = TargetEncoding.from_dict(document["target"])
            network = Network.from_dict(document["network"], tensors)
            evidence, notes = Evidence.from_dict(document["evidence"]), [str(n) for n in document["notes"]]
            typical = typical_from(document["typical"], encoding.columns)
            histories = [History.from_dict(h) for h in document.get("histories", [])]
            known = document.get("errors")
            errors = None if known is None else Errors.from_dict(known, len(target.names))
            decision = document.get("decision")
            if decision is not None:
                decision = Decision.from_dict(decision, len(target.classes))
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"the file's description of the table model lacks {error}") from None
        n_out = len(target.classes) or len(target.names)
        if network.n_in != encoding.n_features or network.n_out != n_out:
            raise ModelFileError("the file's network does not fit its table encoding.")
        return cls(encoding, target, network, evidence, notes, typical, histories, errors, decision)

    def __reduce__(self) -> tuple[Callable[..., TableModel], tuple[Any, ...]]:
        document, tensors = copy.deepcopy(self.to_dict(training=True))
        return TableModel.from_dict, (document, {n: np.array(t) for n, t in tensors.items()})

    def __repr__(self) -> str:
        return f"<table model of {', '.join(self.target.names)}: {self.network!r}>"

    def read(self, source: Any, *, with_target: bool = False, encoding: str = "utf-8") -> Table:
        """A table as the model reads it: where it has learned texts, numbers such as `007` stay texts.

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `predict`; standard input can be read once only, and what this gives as often as one likes.
        with_target : bool
            Whether the target is read too.
        encoding : str
            Of text files.
        """
        text = self.encoding.text_columns + (self.target.text_columns if with_target else [])
        return read_table(source, text=text, encoding=encoding)

    def _outputs(self, table: Table) -> tuple[Array, Report]:
        report = Report()
        return self.network.predict(self.encoding.encode(table, report=report)), report

    def _ends(self, outputs: Array, level: float) -> tuple[Array, Array]:
        """The ends of intervals around what the network answers."""
        if self.classes:
            raise ArgumentError("interval is for numbers; this model predicts classes, with probabilities.")
        if self.errors is None:
            raise ArgumentError(
                "this model knows no errors on rows that it has not learned from: train it anew."
            )
        return self.errors.around(self.target, outputs, level)

    def _tell(self, table: Table, report: Report, notes: list[str] | None, more: Iterable[str]) -> None:
        """Put all that is worth knowing into the caller's list, or else warn of what training never saw."""
        if notes is None:
            _warn(report, level=4)
        else:
            said = {*report.lacking, *report.missing}
            usual = [c.name for c in self.encoding.columns if c.name not in said]
            notes += [*report.notes, *missing(table, usual), *more]

    def _decoded(self, outputs: Array) -> Array:
        return self.target.decode(self.answered(outputs) if self.classes else outputs)


def _warn(report: Report, level: int = 3) -> None:
    """Warn of what was found, in the line that called the model."""
    for note in report.warnings:
        warnings.warn(note, PellucidWarning, stacklevel=level)
