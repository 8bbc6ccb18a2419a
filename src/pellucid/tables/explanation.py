"""Why a model answers as it does for one row of a table, in the table's own units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, DataError, UnknownNameError
from pellucid.glass.attribution import BLOCK, Attribution
from pellucid.glass.journey import Journey, journey_of
from pellucid.glass.path import Measure
from pellucid.glass.text import table_text
from pellucid.glass.trace import Trace
from pellucid.tables.features import Report
from pellucid.tables.reading import read_table
from pellucid.tables.table import Origin, Table

if TYPE_CHECKING:
    from pellucid.tables.model import TableModel

TYPICAL = "a typical row (of each column the median, or the most frequent category)"


@dataclass(frozen=True)
class RowExplanation:
    """The way of one row through a model of a table; prints as a text.

    Parameters
    ----------
    row : int
        Its number among the rows of data, from 1.
    place : str
        Where it stands: `line 18 of penguins.csv`.
    target : str
        The column that is predicted.
    prediction : object
        What `predict` gives for the row.
    actual : object
        What the table says, or None where it does not.
    attribution : Attribution
        How far each column moved the answer away from that for the baseline.
    way : Journey
        What feeds each layer, and, if the target is known, where the error of the row comes from.
    loss : str
        The name of the loss.
    features : dict of str to dict
        What became of each column: the names of its features and their numbers, those that are not 0.
    notes : list of str
        Sentences on what the row has that training had not.
    trace : Trace
        Every number of the row's pass through the network; `trace.neuron("hidden_1", 3).explain()` is the
        arithmetic of one neuron.
    """

    row: int
    place: str
    target: str
    prediction: Any
    actual: Any
    attribution: Attribution
    way: Journey
    loss: str
    features: dict[str, dict[str, float]]
    notes: list[str]
    trace: Trace = field(repr=False, compare=False)

    @property
    def head(self) -> str:
        """Which row it is and what is predicted for it, in a sentence or two."""
        known = "" if self.actual is None else f" The table has {shown(self.actual)}."
        return f"Row {self.row}, {self.place}: {self.target} is predicted as {shown(self.prediction)}.{known}"

    def text(self, block: str = BLOCK) -> str:
        """For people, with bars made of `block`."""
        a = self.attribution
        of = "" if a.what == self.target else f"The {a.what} is {a.answer:.6g}. "
        parts = [
            self.head,
            f"{of}Compared with {a.baseline}, whose answer is {a.start:.6g}:",
            f"\n{a.text(block)}\n\nForward:\n{self.way.forward()}",
        ]
        if self.way.loss is not None:
            parts.append(
                f"\nBackward, from the loss {self.way.loss:.4g} ({self.loss}):\n{self.way.backward()}"
            )
        return "\n".join([*parts, *(["", *self.notes] if self.notes else [])])

    def features_text(self) -> str:
        """For people: the value of each column, and the numbers that the network gets for it."""
        rows = [
            [name, value, ", ".join(f"{f} {v:.4g}" for f, v in self.features[name].items()) or "0"]
            for name, value in zip(self.attribution.inputs, self.attribution.values, strict=True)
        ]
        return table_text(["column", "is", "the network gets"], rows, n_texts=3)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "row": self.row,
            "place": self.place,
            "target": self.target,
            "prediction": self.prediction,
            "actual": self.actual,
            **self.attribution.to_dict(),
            "features": self.features,
            "way": self.way.to_dict(),
            "notes": self.notes,
        }

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<explanation of row {self.row}, {self.place}: {self.attribution!r}>"


def explain(
    model: TableModel, source: Any, row: int, *, output: Any = None, baseline: Any = None
) -> RowExplanation:
    """Explain one row; see `TableModel.explain`."""
    table, report = model.read(source, with_target=True), Report()
    one = row_of(table, model, "row", row)
    x = model.encoding.encode(one, report=report)[0]
    other, said = _baseline(table, model, baseline)
    start = model.encoding.encode(other)[0]
    outputs = model.network.predict(x[None])
    at = chosen_output(model, output, outputs[0])
    path = model.network.paths().between(start, x, at, measure_of(model, at))
    columns = model.encoding.spans
    moved = [math.fsum(path.contributions[features]) for features in columns.values()]
    attribution = Attribution(
        f"probability of {model.classes[at]}" if model.classes else model.target.names[at],
        said,
        tuple(columns),
        tuple(shown(one.value(name)) for name in columns),
        tuple(shown(other.value(name)) for name in columns),
        replace(path, contributions=np.array(moved)),
    )
    y, notes = _target(model, one)
    trace = model.network.trace(x[None], y)
    names = [str(c) for c in model.classes] or list(model.target.names)
    target = model.target.names[0 if model.classes else at]
    way = journey_of(model.network.layers, x, trace, names)
    if not model.classes:
        way = replace(way, in_own_unit=tuple(map(float, model.target.decode(outputs).reshape(-1))))
    return RowExplanation(
        row,
        f"{one.origin.place(0)} of {one.origin.name}",
        target,
        _prediction(model, outputs, at),
        one.value(target),
        attribution,
        way,
        model.network.loss.name,
        _features(model, x),
        [*report.notes, *notes],
        trace,
    )


def shown(value: Any) -> str:
    """A value of a table for people.

    Examples
    --------
    >>> [shown(v) for v in (None, 0.1 + 0.2, "red", 7)]
    ['missing', '0.3', 'red', '7']
    """
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def row_of(table: Table, model: TableModel, name: str, number: Any) -> Table:
    """A row of a table by its number from 1, as a table of the columns that the model looks at.

    Raises
    ------
    ArgumentError
        If there is no such row.
    TableError
        If the table is another one than the model's.
    """
    model.encoding.lacking(table, Report())
    at = checks.whole(name, number, 1) - 1
    if at >= len(table):
        rows = f"{len(table):,} row{'s' if len(table) != 1 else ''} of data"
        raise ArgumentError(f"{table.origin.name} has {rows}, counted from 1, but {name} is {number}.")
    wanted = {*(c.name for c in model.encoding.columns), *model.target.names}
    return table.row(at, [n for n in table.names if n in wanted])


def _features(model: TableModel, x: Array) -> dict[str, dict[str, float]]:
    """The features that are not 0, by their columns."""
    names, columns = model.encoding.feature_names, model.encoding.spans
    return {c: {names[i]: float(x[i]) for i in features if x[i]} for c, features in columns.items()}


def _baseline(table: Table, model: TableModel, asked: Any) -> tuple[Table, str]:
    """The row that is compared with, as a table, and what it is in words."""
    if asked is not None and not isinstance(asked, Mapping):
        other = row_of(table, model, "baseline", asked)
        return other, f"row {asked}, {other.origin.place(0)} of {other.origin.name}"
    frame, given = typical_table(model).frame, dict(asked or {})
    for name in given:
        if name not in frame.columns:
            raise UnknownNameError("column of the model", name, frame.columns)
    if given:
        frame = frame.with_columns(read_table({name: [value] for name, value in given.items()}).frame)
    said = f"a typical row with {', '.join(given)} as given" if given else TYPICAL
    return Table(frame, Origin("the baseline", lambda row: "its only row")), said


def typical_table(model: TableModel) -> Table:
    """The typical row of the training."""
    import polars as pl

    return Table(pl.DataFrame({name: [value] for name, value in model.typical.items()}))


def chosen_output(model: TableModel, wanted: Any, outputs: Array) -> int:
    """The number of the class or target that is explained."""
    known: list[Any] = model.classes or list(model.target.names)
    if wanted is None and (model.classes or len(known) == 1):
        return int(model.answered(outputs[None])[0]) if model.classes else 0
    if wanted is None:
        raise ArgumentError(f"the model predicts {', '.join(known)}: say which, such as output={known[0]!r}.")
    texts = [str(k) for k in known]
    if str(wanted) not in texts:
        raise UnknownNameError("class" if model.classes else "target", str(wanted), texts)
    return texts.index(str(wanted))


def measure_of(model: TableModel, at: int) -> Measure:
    """From outputs to answers: the probability of a class, or a number in the target's own unit."""

    def probability(outputs: Array) -> tuple[Array, Array]:
        return outputs[:, at].astype(np.float64), np.ones(len(outputs))

    def number(outputs: Array) -> tuple[Array, Array]:
        decoded = model.target.decode(outputs).reshape(len(outputs), -1)
        return decoded[:, at], model.target.slopes(outputs)[:, at]

    return probability if model.classes else number


def _prediction(model: TableModel, outputs: Array, at: int) -> Any:
    """What `predict` gives for the row, as a plain value."""
    if model.classes:
        return model.classes[int(model.answered(outputs)[0])]
    return float(model.target.decode(outputs).reshape(-1)[at])


def _target(model: TableModel, one: Table) -> tuple[Array | None, list[str]]:
    """What the network should have answered, and a sentence if that cannot be known."""
    if any(one.value(name) is None for name in model.target.names):
        return None, []
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            y = model.target.encode(model.target.read(one).values)
    except DataError as error:
        return None, [f"The way backward is left out: {error}"]
    if not np.isfinite(y).all():
        return None, ["The way backward is left out: the target of the row has no logarithm."]
    return y, []
