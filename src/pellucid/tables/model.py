"""A model of a table: its encoding, its network, and the evidence of what it is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.tables.answers import TableAnswers
from pellucid.tables.explanation import RowExplanation, explain
from pellucid.tables.features import Report
from pellucid.tables.importance import Importance, importance
from pellucid.tables.own_units import TableNeuron, table_neuron
from pellucid.tables.pictures import TablePictures
from pellucid.tables.trainings import told

if TYPE_CHECKING:
    from pellucid.health.finding import Health


class TableModel(TableAnswers, TablePictures):
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

    def neuron(self, name: str, number: int | None = None) -> TableNeuron:
        """A neuron by a name such as `hidden_1/3`, or by its layer and number, in the table's own units.

        Raises
        ------
        ArgumentError
            If there is no such neuron; the message names those that there are.
        """
        return table_neuron(self.encoding, self.network, self.network.neuron(name, number))

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
            features, or very many weights.
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
        return self.network.health(
            X, y, try_fixes=try_fixes, seconds=seconds, rows=rows, columns=columns, histories=self.histories
        )

    def report(self) -> str:
        """The evidence, why training stopped, and what was decided, for people."""
        return "\n".join([str(self.evidence), "", *told(self.histories or [self.history]), *self.notes])
