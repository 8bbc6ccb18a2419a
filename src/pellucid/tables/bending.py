"""Leaves numbers unbent where a table is nearly linear: `unbent_where_linear`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.ridge import ridge
from pellucid.tables.schema import Schema
from pellucid.tables.table import Table
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.targets import Target
from pellucid.training.splits import Indices

LINEAR = 0.35  # error of a straight line, in standard deviations of the target, below which it is looked at
CLEARLY = 0.97  # of its error with bent numbers: of 26 real tables none gains so much, most lose
MOST_ROWS = 5000
N_PARTS = 5


def unbent_where_linear(
    table: Table,
    target: Target,
    bent: TableEncoding,
    training: Indices,
    schema: Schema,
    scales: Sequence[str],
) -> tuple[TableEncoding, list[str]]:
    """The encoding of a regression, without bends where they keep a straight line from the truth.

    Robust scaling bends what is far from the median. Where the target is nearly a sum of columns, that is
    an error which networks would have to learn away.

    Parameters
    ----------
    table, target, schema
        What is learned from.
    bent : TableEncoding
        With robust scaling.
    training : int64 array
        The rows of the target that are trained on.
    scales : sequence of str
        Of the target columns.
    """
    if not bent.numbers:
        return bent, []
    some = training[:: -(-len(training) // MOST_ROWS)]
    y = TargetEncoding.fit(target, rows=training, scales=scales).encode(target.values[some])
    with_bends = line_error(bent.encode(table, rows=target.rows[some]), y)
    if with_bends >= LINEAR:
        return bent, []
    rows = target.rows[training]
    straight = TableEncoding.fit(
        table, list(target.names), rows=rows, normalisation="standard", schema=schema
    )
    without = line_error(straight.encode(table, rows=target.rows[some]), y)
    if without >= CLEARLY * with_bends:
        return bent, []
    return straight, [
        f"Numbers are scaled by mean and deviation and not bent at their ends, as a straight line then errs "
        f"{without / with_bends:.2g} times as much."
    ]


def line_error(X: Array, y: Array) -> float:
    """Root mean squared error of straight lines on rows that they have not learned from.

    Parameters
    ----------
    X : float32 array (n, n_features)
    y : float32 array (n, n_targets)
        In standard deviations.

    Examples
    --------
    >>> x = np.arange(20, dtype=np.float32)[:, None]
    >>> line_error(x, x / 3) < 0.001, line_error(x, np.cos(x)) > 0.5
    (True, True)
    """
    parts = [np.arange(i, len(X), N_PARTS) for i in range(N_PARTS)]
    found = ridge(X, y, parts)
    misses = [X[p] @ w + b - y[p] for p, w, b in zip(parts, found.weights, found.biases, strict=True)]
    return float(np.sqrt(np.mean(np.concatenate(misses) ** 2)))
