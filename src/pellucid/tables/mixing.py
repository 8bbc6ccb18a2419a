"""Chooses what each kind of networks counts for, on rows that they have not learned from: `weighed`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.tables.mixture import Numbers, cross_entropy, shares_of, temperature_for
from pellucid.tables.prepare import Prepared
from pellucid.tables.train import Trained, rmse, smeared

NO_ERROR = 0.01  # log-loss below which no other kind of network is trained
MOST_WEIGHED = 20_000  # rows on which shares are chosen


def together(kinds: Sequence[Trained]) -> tuple[list[Trained], set[int]]:
    """Kinds of networks, and the folds that judge all of them; none that is judged by other folds alone."""
    kept, numbers = [kinds[0]], set(kinds[0].numbers)
    for kind in kinds[1:]:
        if common := numbers & set(kind.numbers):
            kept, numbers = [*kept, kind], common
    return kept, numbers


def is_perfect(trained: Trained, given: Prepared) -> bool:
    """Whether networks err so little on rows they have not seen that no other kind could add anything."""
    if not trained.goal.classes or not given.folds:
        return False
    given = given.validated_by(set(trained.numbers))
    some = _a_part_of(given)
    y: Any = given.target.values[given.judged][some]
    weights = None if given.judged_weights is None else given.judged_weights[some]
    z = trained.judged(given)[some]
    return cross_entropy(z / temperature_for(z, y, weights), y, weights) < NO_ERROR


def _a_part_of(given: Prepared) -> slice:
    """So many of the judged rows that choices among kinds of networks take little time."""
    return slice(None, None, -(-len(given.judged) // MOST_WEIGHED))


@dataclass(frozen=True)
class Mix:
    """The shares of several kinds of networks, the temperature, and z for the judged rows."""

    shares: list[float]
    temperature: float
    z: Numbers


def even(kinds: Sequence[Trained], given: Prepared) -> Mix:
    """The same share for each kind, where no rows tell which is better."""
    z = np.mean([t.judged(given) for t in kinds], axis=0)
    return Mix([1 / len(kinds)] * len(kinds), 1.0, z)


def weighed(kinds: Sequence[Trained], given: Prepared) -> Mix:
    """Shares and temperature with the least error on the rows that each network has not learned from."""
    z = [t.judged(given) for t in kinds]
    some = _a_part_of(given)
    y: Any = given.target.values[given.judged][some]
    weights = None if given.judged_weights is None else given.judged_weights[some]
    goal = kinds[0].goal

    def loss(z: Numbers) -> float:
        if goal.classes:
            return cross_entropy(z, y, weights)
        return rmse(smeared(goal, z, y, weights)[0], z, y, weights)

    shares = shares_of([zs[some] for zs in z], loss)
    both = np.asarray(sum(s * zs for s, zs in zip(shares, z, strict=True)))
    temperature = temperature_for(both[some], y, weights) if goal.classes else 1.0
    return Mix(shares, temperature, both / temperature)
