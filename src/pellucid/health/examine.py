"""Examine a network: all checks on some rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import checks
from pellucid.errors import ArgumentError, ShapeError
from pellucid.health.check import CHECKS
from pellucid.health.finding import Health
from pellucid.health.subject import Subject
from pellucid.health.trials import Trials
from pellucid.kernels.random import permutation
from pellucid.training.data import check_finite, class_of_rows, inputs

if TYPE_CHECKING:
    from pellucid.network import Network
    from pellucid.training.history import History

LEAST_ROWS = 2
MOST_ROWS, MOST_NUMBERS = 200_000, 50_000_000  # looked at


def examine(
    net: Network,
    X: Any,
    y: Any,
    try_fixes: bool = True,
    seconds: float = 5.0,
    rows: Sequence[int] | None = None,
    columns: Mapping[str, Sequence[int]] | None = None,
    histories: Sequence[History] = (),
) -> Health:
    """All checks of a network on some rows, of many on some that the seed draws; see `Network.health`.

    The network stays as it is, its gradients too.

    Raises
    ------
    ShapeError, DataError, ArgumentError
        If X and y are not what `fit` takes, there are fewer than two rows, or an option has a wrong value.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid import Dense, Input, Network
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> net = Network([Input(["age", "income"]), Dense(1)])
    >>> _ = net.fit(X, X[:, 0], epochs=200, learning_rate=0.01)
    >>> print(examine(net, X, X[:, 0]).findings[0].measured)  # doctest: +ELLIPSIS
    age alone tells the target: it explains 99...% of the variance, row by row from the other rows ...
    """
    try_fixes = checks.switch("try_fixes", try_fixes)
    seconds = checks.number("seconds", seconds, 0, open_ends="least")
    X = inputs(X, net._input, "health")
    check_finite(X, "health: X")
    known = net._targets(y, net._loss_for(None))
    net._same_length(X, known.values, "y")
    if len(X) < LEAST_ROWS:
        raise ShapeError(f"an examination needs at least {LEAST_ROWS} rows with targets, but got {len(X)}.")
    names = range(len(X)) if rows is None else list(rows)
    if len(names) != len(X):
        raise ArgumentError(f"rows names {len(names)} rows, but X has {len(X)}.")
    for column, indices in (columns or {}).items():
        for i in indices:
            checks.whole(f"columns: each input of column {column!r}", i, 0, net.n_in - 1)
    n = len(X)
    most = max(LEAST_ROWS, min(MOST_ROWS, MOST_NUMBERS // (net.n_in + net.n_out)))
    if n > most:
        chosen = np.sort(permutation(net.seed, 3, n)[:most])
        X, names = X[chosen], [names[i] for i in chosen.tolist()]
        known = dataclasses.replace(known, values=known.values[chosen])
    patient = net.copy()  # a trace writes gradients, which the user may be looking at
    patient.classes = None  # from here on classes are known by their index
    kinds = class_of_rows(known) if known.task in ("binary", "multiclass") else None
    trials = Trials(patient, X, known.values, kinds, seconds) if try_fixes else None
    subject = Subject(patient, X, known, names, columns or {}, trials, histories)
    findings = [finding for check in CHECKS for finding in check.function(subject)]
    findings.sort(key=lambda f: not (f.helped and f.helped.helped))  # what is known to help stands first
    return Health(findings, CHECKS.names(), len(X), n)
