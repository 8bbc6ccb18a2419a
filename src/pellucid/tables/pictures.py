"""The pictures of a model of a table: its `plot` methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError
from pellucid.glass.stages import stages_of
from pellucid.pictures import MOST, draw_stages, said_and_true
from pellucid.tables.explanation import row_of
from pellucid.tables.surface_grid import axis_of, cross, points_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pellucid.network import Network
    from pellucid.plots.page import Path
    from pellucid.tables.decision import Decision
    from pellucid.tables.encoding import TableEncoding
    from pellucid.tables.features import Report
    from pellucid.tables.model import TableModel
    from pellucid.tables.table import Table
    from pellucid.tables.target_encoding import TargetEncoding
    from pellucid.tables.targets import Target
    from pellucid.tables.typical import Typical
    from pellucid.training.history import History


class Modelled(Protocol):
    """What a model must have so that it can be drawn."""

    typical: Typical
    encoding: TableEncoding
    target: TargetEncoding
    network: Network
    histories: list[History]
    decision: Decision | None

    @property
    def classes(self) -> list[Any]:
        """The classes; empty in regression."""

    def answered(self, probabilities: Array) -> Array:
        """The index of the class that is answered for each row of probabilities."""

    def judged(self, source: Any) -> tuple[Table, Target, Array, Report]:
        """A table, its targets, the answers for the rows that have one, and what was found on the way."""

    def _tell(self, table: Table, report: Report, notes: list[str] | None, more: Iterable[str]) -> None: ...

    def read(self, source: Any, *, with_target: bool = False) -> Table:
        """A table as the model reads it."""


class TablePictures:
    """The pictures of a model; they need matplotlib: `pip install 'pellucid[plot]'`.

    Each is a `matplotlib.figure.Figure`, which a notebook shows, and goes into a file where there is a
    `path` ending in .png, .svg or .pdf.
    """

    def plot(
        self: Modelled,
        path: Path | None = None,
        *,
        data: Any = None,
        row: int = 1,
        neuron: str | None = None,
        most: int = MOST,
    ) -> Figure:
        """The network as neurons and synapses, with the names of features and classes.

        Parameters
        ----------
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        data : path, stream, data frame or dict, optional
            A table; neurons are filled by their activations for one of its rows.
        row : int
            That row, from 1.
        neuron, most
            As in `Network.plot`.
        """
        trace = None
        if data is not None:
            one = row_of(self.read(data), cast("TableModel", self), "row", row)
            trace = self.network.trace(self.encoding.encode(one))
        outputs, net = [str(c) for c in self.classes] or list(self.target.names), self.network
        stages = stages_of(net.layers, net.features, outputs, trace)
        return draw_stages(stages, f"row {row}" if trace else "", neuron, most, path)

    def plot_training(self: Modelled, path: Path | None = None) -> Figure:
        """Learning curves: of the network, or of all those that the model is the mean of.

        Parameters
        ----------
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        """
        if not self.histories:
            return self.network.history.plot(path)
        from pellucid.plots.learning import curves_of_several

        return curves_of_several([h.columns for h in self.histories], path=path)

    def plot_predictions(self: Modelled, data: Any, path: Path | None = None) -> Figure:
        """Predictions against the truth: of classes the confusion matrix, of numbers one against the other.

        Parameters
        ----------
        data : path, stream, data frame or dict
            A table with the target.
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        """
        table, target, answers, report = self.judged(data)
        self._tell(table, report, None, ())
        names = self.target.names
        if self.classes:
            from pellucid.plots.confusion import confusion_matrix

            return confusion_matrix(
                target.values, self.answered(answers), self.classes, target=names[0], path=path
            )
        from pellucid.plots.regression import predicted_against_true

        return predicted_against_true(self.target.own(target.values), answers, names, path=path)

    def plot_calibration(self: Modelled, data: Any, path: Path | None = None) -> Figure:
        """How often comes true what is said with a probability.

        Of two classes it is the probability of the second, of more that of the predicted one.

        Parameters
        ----------
        data : path, stream, data frame or dict
            A table with the target.
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        """
        if not self.classes:
            raise ArgumentError("this model predicts numbers; only classes have probabilities to calibrate.")
        from pellucid.plots.calibration import calibration_curve

        table, target, answers, report = self.judged(data)
        self._tell(table, report, None, ())
        of = f"{self.target.names[0]} = {self.classes[1]}" if len(self.classes) == 2 else ""
        said = said_and_true(answers, np.asarray(target.values), self.classes, self.answered(answers))
        return calibration_curve(*said, of=of, path=path)

    def plot_surface(self: Modelled, data: Any, x: str, y: str, path: Path | None = None) -> Figure:
        """What is predicted over two columns, the others as in a typical row of the data.

        Parameters
        ----------
        data : path, stream, data frame or dict
            A table; with the target its rows are drawn as points.
        x, y : str
            Two columns, of numbers or categories: to the right and upwards.
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        """
        from pellucid.plots.surface import decision_surface

        table = self.read(data, with_target=True)
        columns = self.encoding.columns
        right, up = (axis_of(table, name, columns) for name in (x, y))
        if right.name == up.name:
            raise ArgumentError(f"a surface needs two different columns, but got {x!r} twice.")
        grid = cross(self.typical, right, up)
        answers = self.target.in_own_unit(self.network.predict(self.encoding.encode(self.read(grid))))
        n_y, n_x = len(up.grid), len(right.grid)
        shown = answers.reshape(n_y, n_x, -1)
        has_target = set(self.target.names) <= set(table.names)
        points = points_of(table, self.target.read(table), right, up) if has_target else None
        note = "The other columns are as in a typical row." if len(columns) > 2 else ""
        return decision_surface(
            right,
            up,
            shown if self.classes else shown[:, :, 0],
            target=self.target.names[0],
            classes=self.classes,
            scores=self.decision.scores(shown) if self.decision else None,
            points=points,
            note=note,
            path=path,
        )

    def write_report(self: Modelled, data: Any, path: Path, *, try_fixes: bool = True) -> None:
        """Write one HTML page on the model and a table: evidence, pictures, columns, explanations.

        The page is complete in itself: it needs no network connection and runs nothing.

        Parameters
        ----------
        data : path, stream, data frame or dict
            A table with the target.
        path : path
            Where it goes; a file that is there is replaced.
        try_fixes : bool
            Whether what findings advise is tried in short fits, as in `health`.
        """
        from pellucid.plots.page import write_file
        from pellucid.tables.report.page import report_page

        write_file(path, report_page(cast("TableModel", self), data, try_fixes=try_fixes).encode())
