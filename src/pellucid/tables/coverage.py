"""What intervals are made of, and how many unseen rows they cover: `errors_of`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.tables.difficulty import learn_difficulty
from pellucid.tables.evidence import shown
from pellucid.tables.intervals import Errors
from pellucid.tables.prepare import Prepared
from pellucid.tables.target_encoding import TargetEncoding

Numbers = NDArray[np.float64]

LEVEL = 0.9  # of the intervals that the report speaks of
PARTS = 5  # where one network was validated, its rows are dealt into so many
FEWEST = 9  # rows that tell so much
MOST_NUMBERS = 4_000_000  # of rows and features that are looked at
# Errors on rows that stopped the training and chose shares are too small, the more so the fewer rows there
# are. As measured, see docs/presets.md: by one part in n / 6 of a table of n rows.
CHOSEN = 6.0


def errors_of(given: Prepared, goal: TargetEncoding, z: Numbers) -> tuple[Errors, list[str]]:
    """The errors on the judged rows, and sentences on what intervals of 90% cover.

    Parameters
    ----------
    given : Prepared
        The table, some rows of which validate.
    goal : TargetEncoding
        Of numbers.
    z : float64 array (n, n_targets)
        What networks that have not learned from them answer for the judged rows.
    """
    some = slice(None, None, -(-len(z) * given.X.shape[1] // MOST_NUMBERS))
    rows, z = given.judged[some], z[some]
    y, X = given.target.values[rows], given.X[rows]
    weights = None if given.weights is None else given.weights[rows]
    sizes, parts = np.abs(goal.standardised(y) - z), _parts(given, rows)
    codes = [at for at, _, _ in given.encoding.embedded]
    learned = [learn_difficulty(X, *of, parts, weights, codes) for of in zip(z.T, sizes.T, strict=True)]
    s = np.column_stack([own for _, own in learned])
    factor = 1 + CHOSEN / len(given.X)
    errors = Errors.of(factor * sizes / s, weights, [difficulty for difficulty, _ in learned])
    if errors.n_rows < FEWEST:
        return errors, []
    is_inside = np.empty(sizes.shape, bool)
    for part in np.unique(parts):
        own = parts == part
        others = Errors.of(factor * sizes[~own] / s[~own], None if weights is None else weights[~own])
        if others.n_rows < FEWEST:
            return errors, []
        is_inside[own] = sizes[own] <= others.widths(LEVEL) * s[own]
    low, high = errors.around(goal, X, z, LEVEL)
    covered = np.average(is_inside, axis=0, weights=weights)
    return errors, [
        _told(name if len(goal.names) > 1 else "", covered[i], (high - low)[:, i], is_same=difficulty is None)
        for i, (name, (difficulty, _)) in enumerate(zip(goal.names, learned, strict=True))
    ]


def _parts(given: Prepared, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which part each row is judged in: the folds, or fifths of the rows that validate one network."""
    if len(given.folds) == 1:
        # Neighbours stay together: they may be of one group.
        return np.arange(len(rows)) * PARTS // len(rows)
    part = np.zeros(len(given.X), np.int64)
    for i, fold in enumerate(given.folds):
        part[fold] = i
    return part[rows]


def _told(name: str, covered: float, widths: Numbers, *, is_same: bool) -> str:
    """A sentence on the intervals of a target."""
    of = f" of {name!r}" if name else ""
    few, middle, many = (shown("mae", v) for v in np.quantile(widths, [0.1, 0.5, 0.9]))
    told = f"Intervals{of} of {LEVEL:.0%} cover {covered:.3f} of these rows, by errors of others, and are "
    if few == many:
        return f"{told}{middle} wide."
    why = "" if is_same else ", wider where errors are likely to be larger"
    return f"{told}{middle} wide in the median ({few} to {many} in eight of ten rows){why}."
