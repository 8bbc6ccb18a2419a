"""Which columns a model of a table looks at most: `importance`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.glass.attribution import BLOCK
from pellucid.glass.text import bar, table_text
from pellucid.tables.evidence import scores_of, shown
from pellucid.tables.explanation import chosen_output, measure_of, typical_table
from pellucid.tables.table import Table
from pellucid.training.splits import Indices

if TYPE_CHECKING:
    from pellucid.tables.model import TableModel

MOST_NUMBERS = 500_000  # rows × features whose contributions are found
MOST_WEIGHTS = 25_000_000  # rows × weights: rows take half a second each in the fifty networks of `best`
MOST_SCORED = 1000  # rows that are scored with a column mixed up
TRIED = 20  # columns that are mixed up: those that move the answer most
REPEATS = 3
MOST_SHOWN = 20


@dataclass(frozen=True)
class Importance:
    """How much each column matters to a model, measured in two ways that can check each other.

    Parameters
    ----------
    what : str
        What is moved: `probability of the predicted class`, or the target.
    columns : tuple of str
        The one that moves the answer most first.
    contributions : float64 array (n_columns,)
        By how much each moves the answer of a row away from that of a typical one, in the mean of some rows
        and whatever the direction.
    score : str
        `log_loss`, or `rmse` in the unit of the target; smaller is better.
    rises : float64 array (n_columns,)
        By how much the score rises when the values of the column are mixed up among the rows, so that they
        say nothing any more. About 0 means that the model does without; a little below 0 is chance. NaN for
        columns that were not tried.
    n_rows, n_scored : int
        Rows of which contributions were found; rows that were scored, 0 if no targets are known.

    Notes
    -----
    Neither says that a column is a cause. Of two columns that say the same, the model may use either, and
    mixing up one of them makes rows that do not occur.

    References
    ----------
    M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks, 2017; L. Breiman, Random
    forests, 2001, section 10.
    """

    what: str
    columns: tuple[str, ...]
    contributions: Array
    score: str
    rises: Array
    n_rows: int
    n_scored: int

    def text(self, block: str = BLOCK) -> str:
        """For people: a line for each column, with a bar made of `block`."""
        shown_columns = range(min(MOST_SHOWN, len(self.columns)))
        cells = [[self.columns[i], f"{self.contributions[i]:.4g}", *self._rise(i)] for i in shown_columns]
        bars = [bar(self.contributions[i], self.contributions[0], block=block) for i in shown_columns]
        rows = [[*line, drawn.partition("|")[2]] for line, drawn in zip(cells, bars, strict=True)]
        head = ["column", "moves it by", *([f"{self.score} without it"] if self.n_scored else []), ""]
        lines = [f"How far each column moves the {self.what}:", "", table_text(head, rows)]
        if (others := len(self.columns) - MOST_SHOWN) > 0:
            lines.append(f"{others:,} other columns move it less.")
        scored = f"; {self.score} on {self.n_scored:,} rows" if self.n_scored else ""
        moved = "One row" if self.n_rows == 1 else f"Mean of {self.n_rows:,} rows"
        return "\n".join([*lines, f"{moved}, compared with a typical one{scored}."])

    def _rise(self, i: int) -> list[str]:
        """The rise of the score for people, in a list; nothing where no row was scored."""
        rise = self.rises[i]
        if not self.n_scored or math.isnan(rise):
            return [""] * bool(self.n_scored)
        return [f"{'-' if rise < 0 else '+'}{shown(self.score, abs(rise))}"]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "what": self.what,
            "score": self.score,
            "columns": [
                {"column": n, "contribution": float(c), "rise": None if math.isnan(r) else float(r)}
                for n, c, r in zip(self.columns, self.contributions, self.rises, strict=True)
            ],
            "n_rows": self.n_rows,
            "n_scored": self.n_scored,
        }

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<importance of {len(self.columns)} columns, {self.columns[0]!r} first>"


def importance(model: TableModel, source: Any, *, rows: int = 100, output: Any = None) -> Importance:
    """How much each column matters; see `TableModel.importance`."""
    table = model.read(source, with_target=True)
    n_weights = sum(values.size for values in model.network.parameters.values())
    most = max(10, min(MOST_NUMBERS // model.encoding.n_features, MOST_WEIGHTS // n_weights))
    X = model.encoding.encode(table, rows=spread(len(table), min(checks.whole("rows", rows), most)))
    moved = _mean_contributions(model, X, output)
    order = np.argsort(-moved, kind="stable")
    names = list(model.encoding.spans)
    score = "log_loss" if model.classes else "rmse"
    at = None if model.classes else chosen_output(model, output, np.zeros(1))
    rises, n_scored = _rises(model, table, order[:TRIED], score, at)
    what = f"probability of {output}" if output is not None else "probability of the predicted class"
    return Importance(
        what if at is None else model.target.names[at],
        tuple(names[i] for i in order),
        moved[order],
        score,
        rises[order],
        len(X),
        n_scored,
    )


def spread(n: int, most: int) -> Indices:
    """At most so many of n rows, evenly spread.

    Examples
    --------
    >>> spread(10, 4), spread(3, 4)
    (array([0, 3, 6, 9]), array([0, 1, 2]))
    """
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _mean_contributions(model: TableModel, X: Array, output: Any) -> Array:
    """Mean |contribution| of each column."""
    start, paths = model.encoding.encode(typical_table(model))[0], model.network.paths()
    spans = list(model.encoding.spans.values())
    total = np.zeros(len(spans))
    for x, outputs in zip(X, model.network.predict(X), strict=True):
        at = chosen_output(model, output, outputs)
        by_feature = paths.between(start, x, at, measure_of(model, at)).contributions
        total += [abs(math.fsum(by_feature[span])) for span in spans]
    return np.asarray(total / len(X))


def _rises(model: TableModel, table: Table, tried: Array, score: str, at: int | None) -> tuple[Array, int]:
    """By how much the score rises where a column is mixed up, NaN for those not tried; rows scored."""
    spans = list(model.encoding.spans.values())
    rises = np.full(len(spans), np.nan)
    if not all(name in table.schema for name in model.target.names):
        return rises, 0
    target = model.target.read(table)
    chosen = spread(len(target.rows), MOST_SCORED)
    if len(chosen) < 2:  # nothing to mix up
        return rises, 0
    X = model.encoding.encode(table, rows=target.rows[chosen])
    y, random = model.target.own(target.values[chosen]), np.random.default_rng(0)
    only = slice(None) if at is None else slice(at, at + 1)

    def value(X: Array) -> float:
        outputs = model.target.in_own_unit(model.network.predict(X))
        scores: Mapping[str, float] = scores_of(model.target.task, y[:, only], outputs[:, only])
        return scores[score]

    known = value(X)
    for column in tried:
        kept = X[:, spans[column]]
        found = []
        for _ in range(REPEATS):
            X[:, spans[column]] = random.permutation(kept)
            found.append(value(X) - known)
        X[:, spans[column]] = kept
        rises[column] = np.mean(found)
    return rises, len(chosen)
