"""How far the truth lies from predictions of numbers: `Errors`, for intervals."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError
from pellucid.saved import Saved, is_between
from pellucid.tables.difficulty import Difficulty
from pellucid.tables.target_encoding import TargetEncoding

Numbers = NDArray[np.float64]

MOST_KEPT = 1000  # errors of each target: quantiles to a thousandth
LARGEST = 1e30  # standard deviations


@dataclass(frozen=True)
class Errors:
    """Sizes of the errors on rows that networks had not learned from, as multiples of what is likely there.

    Formula:  from z − q s(x) to z + q s(x), in the scale that the network learns

    s(x) says how hard a row is, see `Difficulty`, or is 1 where nothing makes rows hard. q is the
    ⌈(n + 1) p⌉-th smallest of n sizes |z − y'| / s, each by a network and an s that do not know the row: so
    the truth of a further row like these lies inside with about the probability p. Where logarithms are
    learned, the width also grows with the prediction.

    Parameters
    ----------
    n_rows : int
        Rows that errors were measured on.
    sizes : tuple of tuple of float
        For each target the sizes, rising; of very many rows a thousand of them, evenly spread.
    difficulties : tuple of Difficulty or None
        s for each target.

    References
    ----------
    Vovk, Gammerman and Shafer, Algorithmic learning in a random world, 2005; Papadopoulos et al., Normalized
    nonconformity measures for regression conformal prediction, 2008 (s); Barber et al., Predictive inference
    with the jackknife+, 2021 (each row judged by networks that have not seen it).

    Examples
    --------
    >>> errors = Errors.of(np.array([[0.5], [-1.0], [2.0], [0.25], [1.5], [0.0], [0.75], [1.0], [-0.1]]))
    >>> errors.widths(0.9), errors.widths(0.5)
    (array([2.]), array([0.75]))
    """

    n_rows: int
    sizes: tuple[tuple[float, ...], ...]
    difficulties: tuple[Difficulty | None, ...] = ()

    @classmethod
    def of(
        cls,
        errors: Numbers,
        weights: Numbers | None = None,
        difficulties: Sequence[Difficulty | None] | None = None,
    ) -> Errors:
        """From errors (n, n_targets) in standard deviations, each divided by the s of its row.

        Where rows have weights w, so many are measured as would tell as much with equal ones,
        n = (Σ w)² / Σ w² (Kish, Survey sampling, 1965, section 11.7), at even steps of the summed weights.
        """
        of_rows = tuple(difficulties or (None,) * errors.shape[1])
        if weights is not None:
            n = max(1, math.floor(weights.sum() ** 2 / (weights**2).sum() + 1e-9))
            steps = (np.arange(min(n, MOST_KEPT)) + 0.5) / min(n, MOST_KEPT)
            columns = [_steps_of(np.abs(column), weights, steps) for column in errors.T]
            return cls(n, tuple(tuple(column.tolist()) for column in columns), of_rows)
        sizes = np.sort(np.abs(errors), axis=0)
        places = np.linspace(0, len(sizes) - 1, min(len(sizes), MOST_KEPT)).round().astype(int)
        return cls(len(errors), tuple(tuple(column.tolist()) for column in sizes[places].T), of_rows)

    def widths(self, level: float) -> Numbers:
        """q for each target.

        Raises
        ------
        ArgumentError
            If the level is not between 0 and 1, or more than so few rows can tell.
        """
        level = checks.number("interval", level, 0, 1, open_ends="least most")
        rank = math.ceil((self.n_rows + 1) * level)
        if rank > self.n_rows:
            most = self.n_rows / (self.n_rows + 1)
            raise ArgumentError(
                f"interval is {level:g}, but errors of {self.n_rows:,} rows tell no more than {most:.3g}. "
                "Ask for less, or train on more rows."
            )
        share = (rank - 1) / max(1, self.n_rows - 1)
        return np.array([s[math.ceil(share * (len(s) - 1) - 1e-9)] for s in self.sizes])

    def around(self, goal: TargetEncoding, X: Array, z: Array, level: float) -> tuple[Numbers, Numbers]:
        """The lower and the upper ends in the targets' own units, each (n, n_targets).

        The prediction is never outside.

        Parameters
        ----------
        goal : TargetEncoding
            Of the targets.
        X : float32 array (n, n_features)
            The rows' features.
        z : float array (n, n_targets)
            What the network answers.
        level : float
            With which probability the truth shall lie between them.
        """
        z = np.asarray(z, np.float64)
        half = np.broadcast_to(self.widths(level), z.shape).copy()
        for i, difficulty in enumerate(self.difficulties):
            if difficulty is not None:
                half[:, i] *= difficulty(X, z[:, i])
        plain = dataclasses.replace(goal, factors=(1.0,) * len(goal.names))  # ends are no means
        low, high = plain.in_own_unit(z - half), plain.in_own_unit(z + half)
        middle = goal.in_own_unit(z)  # a mean may be above nearly all that it is the mean of
        return np.asarray(np.minimum(low, middle)), np.asarray(np.maximum(high, middle))

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "n_rows": self.n_rows,
            "sizes": [list(s) for s in self.sizes],
            "difficulties": [d and d.to_dict() for d in self.difficulties],
        }

    @classmethod
    def from_dict(cls, value: object, n_targets: int, n_features: int) -> Errors:
        """From plain values, also such without difficulties; refuses others."""
        if isinstance(value, dict):
            value = {"difficulties": [None] * n_targets, **value}
        saved = Saved(value, "the errors", ["n_rows", "sizes", "difficulties"])
        n_rows, columns = saved.whole("n_rows", 1, 2**53), saved.items("sizes")
        are_good = len(columns) == n_targets and all(
            isinstance(c, list)
            and 0 < len(c) <= min(n_rows, MOST_KEPT)
            and all(is_between(v, 0, LARGEST) for v in c)
            and sorted(c) == c
            for c in columns
        )
        if not are_good:
            saved.fail("sizes", "rising numbers for each target")
        of_rows = saved.items("difficulties")
        if len(of_rows) != n_targets:
            saved.fail("difficulties", "one for each target")
        difficulties = (None if d is None else Difficulty.from_dict(d, n_features) for d in of_rows)
        return cls(n_rows, tuple(tuple(map(float, c)) for c in columns), tuple(difficulties))


def _steps_of(sizes: Numbers, weights: Numbers, steps: Numbers) -> Numbers:
    """The smallest sizes of which, and of smaller ones, the share of the weights reaches each step."""
    order = np.argsort(sizes, kind="stable")
    shares = np.cumsum(weights[order]) / weights.sum()
    return np.asarray(sizes[order][np.minimum(np.searchsorted(shares, steps), len(sizes) - 1)])
