"""Trains a table's network in the scale of its target that serves best: `train`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import DataError
from pellucid.network import Network
from pellucid.tables.evidence import shown
from pellucid.tables.prepare import Prepared
from pellucid.tables.recipe import Recipe, make_unknown_neutral
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.target_scales import smearing

MOST_SMEARED = 100_000  # training rows whose residuals give the factor


@dataclass(frozen=True)
class Trained:
    """A trained network, and how its outputs become numbers in the target's own unit.

    Parameters
    ----------
    network : Network
        The network.
    goal : TargetEncoding
        The encoding of its targets.
    seconds : float
        How long training took, all that was tried together.
    notes : list of str
        Sentences for the user.
    """

    network: Network
    goal: TargetEncoding
    seconds: float
    notes: list[str] = field(default_factory=list)

    def in_own_unit(self, X: Array) -> Array:
        """Probabilities, or numbers in the target's own unit, (n, n_out)."""
        return self.goal.in_own_unit(self.network.predict(X))


def train(recipe: Recipe, given: Prepared, seed: int, options: Mapping[str, Any]) -> Trained:
    """A network as the recipe has it; where two scales of the target are to be tried, the better of two.

    They are compared by the root mean squared error on the validation rows, in the target's own unit.
    A time limit is shared by them. Nothing else is tried once training was interrupted, nor beside a
    checkpoint, which holds one network.
    """
    scales, name = given.scales, given.target.names[0]
    skewed = f"{name!r} is skewed, but logarithms were not tried"
    if len(scales) == 2 and options.get("checkpoint") is not None:
        first = _trained(recipe, given, scales[0], seed, options)
        why = "as a checkpoint holds one network: pass target_scale='log' to learn them"
        return dataclasses.replace(first, notes=[f"{skewed}, {why}."])
    if (limit := options.get("time_limit")) is not None:
        limit = checks.number("time_limit", limit, 0, open_ends="least")
        options = {**options, "time_limit": limit / len(scales)}
    first = _trained(recipe, given, scales[0], seed, options)
    if len(scales) == 1:
        return first
    if first.network.history.stopped_by == "ctrl-c":
        return dataclasses.replace(first, notes=[f"{skewed}, as training was interrupted."])
    second = _trained(recipe, given, scales[1], seed, options)
    seconds = first.seconds + second.seconds
    linear, log = _rmse(first, given), _rmse(second, given)
    if log < linear:
        note = f"Modelled in logarithms, as {name!r} is skewed: rmse {_two(log, linear)} as it is"
    else:
        note = f"{name!r} is skewed, but modelled as it is: rmse {_two(linear, log)} in logarithms"
    note += ", on the validation rows" + (", each with half of the time limit." if limit is not None else ".")
    kept = second if log < linear else first
    return Trained(kept.network, kept.goal, seconds, [note, *kept.notes])


def _trained(
    recipe: Recipe, given: Prepared, scales: tuple[str, ...], seed: int, options: Mapping[str, Any]
) -> Trained:
    """A network that learns the target in some scales, for each of its columns."""
    target, held = given.target, given.held
    goal = TargetEncoding.fit(target, rows=given.training, scales=scales)
    n_out, output = (len(goal.classes), "softmax") if goal.classes else (len(goal.names), "linear")
    features, embedded = given.encoding.feature_names, given.encoding.embedded
    network = Network(recipe.layers(features, embedded, n_out, output), seed=seed)
    make_unknown_neutral(network)
    asked = {**recipe.training(len(given.training)), **options}
    network.fit(given.X, goal.encode(target.values), validation_rows=held if len(held) else None, **asked)
    if not all(np.isfinite(v).all() for v in network.parameters.values()):
        raise DataError("the network's weights are not finite; this table cannot be learned from as it is.")
    trained = Trained(network, goal, sum(epoch["seconds"] for epoch in network.history.epochs))
    return trained if set(scales) <= {"linear"} else _smeared(trained, given)


def _smeared(trained: Trained, given: Prepared) -> Trained:
    """The same with Duan's factors where they lower the error on the rows that it is judged by."""
    goal, y = trained.goal, given.target.values
    some = given.training[:: -(-len(given.training) // MOST_SMEARED)]
    residuals = (goal.encode(y[some]) - trained.network.predict(given.X[some])) * np.array(goal.std)
    factors = tuple(smearing(r) for r in residuals.T)
    smeared = dataclasses.replace(trained, goal=dataclasses.replace(goal, factors=factors))
    before, after = _rmse(trained, given), _rmse(smeared, given)
    if not after < before:
        return trained
    times = ", ".join(f"{f:.3g}" for f in factors)
    note = (
        f"What comes back from logarithms is multiplied by {times} (Duan's smearing), which makes means of "
        f"medians: rmse {_two(after, before)} without."
    )
    return dataclasses.replace(smeared, notes=[note])


def _rmse(trained: Trained, given: Prepared) -> float:
    """Root mean squared error on the rows that a model is judged by, in the target's own unit."""
    rows = given.judged
    return float(np.sqrt(np.mean((given.target.values[rows] - trained.in_own_unit(given.X[rows])) ** 2)))


def _two(a: float, b: float) -> str:
    return f"{shown('rmse', a)} against {shown('rmse', b)}"
