"""Trains a table's networks in the scale of its target that serves best: `train`."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import settings
from pellucid.engine.buffer import Array
from pellucid.errors import DataError
from pellucid.network import Network
from pellucid.tables.evidence import shown
from pellucid.tables.prepare import Prepared
from pellucid.tables.recipe import Recipe, make_unknown_neutral
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.target_scales import smearing
from pellucid.training.interrupt import n_noted
from pellucid.training.many import fit_many

LEAST_PROBABILITY = 1e-30  # the logarithm of less is not asked for
SMOOTHED_GAIN = 1e-3  # of the validation loss of smoothed labels: less is noise, and takes long
NEXT_SEED = 0x1E3779B97F4A7C15  # between networks that are trained together

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """Networks trained by one recipe, and how their outputs become numbers in the target's own unit.

    Parameters
    ----------
    name : str
        What these networks are, for sentences.
    networks : list of Network
        One, or several whose weighted inputs of the last layer are averaged.
    numbers : list of int
        Which fold validated each.
    goal : TargetEncoding
        The encoding of their targets.
    seconds : float
        How long training took, all that was tried together.
    notes : list of str
        Sentences for the user.
    is_interrupted : bool
        Whether somebody pressed Ctrl-C, even where each of these networks came to its end.
    """

    name: str
    networks: list[Network]
    numbers: list[int]
    goal: TargetEncoding
    seconds: float
    notes: list[str] = field(default_factory=list)
    is_interrupted: bool = False

    def z(self, network: Network, X: Array) -> Numbers:
        """The weighted input of a network's last layer, for classes up to a number that all classes share."""
        outputs = np.asarray(network.predict(X), np.float64)
        return np.asarray(np.log(np.maximum(outputs, LEAST_PROBABILITY))) if self.goal.classes else outputs

    def judged(self, given: Prepared) -> Numbers:
        """The mean of z for each judged row, over the networks that have not learned from it, if any."""
        rows, X = given.judged, given.X
        if not given.folds:
            return np.asarray(np.mean([self.z(net, X[rows]) for net in self.networks], axis=0))
        place = np.full(len(X), -1)
        place[rows] = np.arange(len(rows))
        total, times = np.zeros((len(rows), self.networks[0].n_out)), np.zeros(len(rows))
        for net, number in zip(self.networks, self.numbers, strict=True):
            own = given.folds[number]
            own = own[place[own] >= 0]
            total[place[own]] += self.z(net, X[own])
            times[place[own]] += 1
        return np.asarray(total / np.maximum(times, 1)[:, None])


def train(
    recipe: Recipe,
    given: Prepared,
    seed: int,
    options: Mapping[str, Any],
    n_networks: int = 1,
    scales: Iterable[tuple[str, ...]] | None = None,
) -> Trained:
    """Networks as the recipe has them; where two scales of the target are to be tried, in the better one.

    Scales are compared by the root mean squared error of one network each on its validation rows, in the
    target's own unit. A time limit is shared by all networks. Nothing else is tried once training was
    interrupted, nor beside a checkpoint, which holds one network.
    """
    if n_networks > 1:
        options = _of_several(recipe, given, options, n_networks)
    tried = list(scales or given.scales)
    name = given.target.names[0]
    skewed = f"{name!r} is skewed, but logarithms were not tried"
    if (limit := options.get("time_limit")) is not None:
        rounds = len(tried) + math.ceil((n_networks - 1) / settings.threads())
        options = {**options, "time_limit": limit / rounds}
    if len(tried) == 1:
        return _trained(recipe, given, tried[0], seed, options, range(n_networks))
    first = _trained(recipe, given, tried[0], seed, options, range(1))
    note = ""
    if options.get("checkpoint") is not None:
        note = f"{skewed}, as a checkpoint holds one network: pass target_scale='log' to learn them."
    elif first.is_interrupted:
        note = f"{skewed}, as training was interrupted."
    else:
        first, note = better(first, _trained(recipe, given, tried[1], seed, options, range(1)), given)
        part = "half" if n_networks == 1 else "its part"
        note += f", each with {part} of the time limit." if limit is not None else "."
    first = dataclasses.replace(first, notes=[note, *first.notes])
    if n_networks == 1 or first.is_interrupted:
        return first
    return _joined(first, _trained(recipe, given, first.goal.scales, seed, options, range(1, n_networks)))


def train_more(
    trained: Trained, recipe: Recipe, given: Prepared, seed: int, options: Mapping[str, Any], which: range
) -> Trained:
    """The same with further networks, as if they had been asked for from the beginning."""
    options = _of_several(recipe, given, options, len(which))
    return _joined(trained, _trained(recipe, given, trained.goal.scales, seed, options, which))


def _of_several(recipe: Recipe, given: Prepared, options: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Options for several networks that are trained together, of which is told as they ask."""
    if options.get("verbose"):
        print(f"training {n} {recipe.name}", file=sys.stderr, flush=True)
    own = {k: v for k, v in options.items() if k != "verbose"}
    return {"train_loss": not given.folds, **own}  # the rows that validate say when to stop


def _joined(first: Trained, rest: Trained) -> Trained:
    """Both as one kind of networks."""
    return dataclasses.replace(
        first,
        networks=first.networks + rest.networks,
        numbers=first.numbers + rest.numbers,
        seconds=first.seconds + rest.seconds,
        is_interrupted=first.is_interrupted or rest.is_interrupted,
    )


def better(linear: Trained, log: Trained, given: Prepared) -> tuple[Trained, str]:
    """The networks whose scale has the lower error, and a sentence that says so, without its point."""
    name = given.target.names[0]
    of_linear, of_log = _own_rmse(linear, given), _own_rmse(log, given)
    if of_log < of_linear:
        note = f"Modelled in logarithms, as {name!r} is skewed: rmse {_two(of_log, of_linear)} as it is"
    else:
        note = f"{name!r} is skewed, but modelled as it is: rmse {_two(of_linear, of_log)} in logarithms"
    kept = log if of_log < of_linear else linear
    of_both = dataclasses.replace(
        kept,
        seconds=linear.seconds + log.seconds,
        is_interrupted=linear.is_interrupted or log.is_interrupted,
    )
    return of_both, note + ", on the validation rows"


def _own_rmse(trained: Trained, given: Prepared) -> float:
    """On the rows that the networks are judged by, with the factors that they would get."""
    z, y, weights = trained.judged(given), given.target.values[given.judged], given.judged_weights
    return rmse(smeared(trained.goal, z, y, weights)[0], z, y, weights)


def _trained(
    recipe: Recipe,
    given: Prepared,
    scales: tuple[str, ...],
    seed: int,
    options: Mapping[str, Any],
    which: range,
) -> Trained:
    """Networks of some numbers that learn the target in some scales, for each of its columns."""
    goal = TargetEncoding.fit(given.target, rows=given.training, scales=scales)
    n_out, output = (len(goal.classes), "softmax") if goal.classes else (len(goal.names), "linear")
    layers = recipe.layers(given.encoding, n_out, output)
    networks = [Network(layers, seed=(seed + i * NEXT_SEED) % 2**63) for i in which]
    for network in networks:
        make_unknown_neutral(network)
    y = goal.encode(given.target.values)
    asked = recipe.training(given.n_learned)
    if len(goal.classes) > 2 and recipe.hidden and recipe.smoothing:
        asked["loss"] = f"categorical_crossentropy(label_smoothing={recipe.smoothing})"
        asked["min_delta"] = SMOOTHED_GAIN
    asked |= options
    if given.weights is not None:
        asked["sample_weight"] = given.weights
    numbers = [i % max(1, len(given.folds)) for i in which]
    each = [{"validation_rows": given.folds[number]} if given.folds else {} for number in numbers]
    before = n_noted()
    if len(networks) == 1:
        networks[0].fit(given.X, y, **each[0], **asked)
    else:
        fit_many(networks, given.X, y, each=each, **asked)
    kept = _sound(networks)
    seconds = sum(epoch["seconds"] for net in networks for epoch in net.history.epochs)
    return Trained(
        recipe.name,
        [networks[i] for i in kept],
        [numbers[i] for i in kept],
        goal,
        seconds,
        is_interrupted=n_noted() > before,
    )


def _sound(networks: list[Network]) -> list[int]:
    """Which networks have learned something: those that were begun and did not diverge, else the first."""
    is_finite = [all(np.isfinite(v).all() for v in net.parameters.values()) for net in networks]
    if not any(is_finite):
        raise DataError("the network's weights are not finite; this table cannot be learned from as it is.")
    begun = [i for i, net in enumerate(networks) if is_finite[i] and len(net.history)]
    sound = [i for i in begun if networks[i].history.stopped_by != "diverged"]
    return sound or begun or [is_finite.index(True)]


def smeared(
    goal: TargetEncoding, z: Numbers, y: Array, weights: Numbers | None = None
) -> tuple[TargetEncoding, list[str]]:
    """The encoding with Duan's factors where they lower the error, and a sentence that says so.

    Parameters
    ----------
    goal : TargetEncoding
        Of a regression.
    z : float64 array (n, n_targets)
        What networks answer for rows that they are judged by.
    y : float64 array (n, n_targets)
        Their targets in their own unit.
    weights : float64 array (n,), optional
        What each of them counts.
    """
    if set(goal.scales) <= {"linear"}:
        return goal, []
    factors = tuple(smearing(r, weights) for r in ((goal.standardised(y) - z) * np.array(goal.std)).T)
    better = dataclasses.replace(goal, factors=factors)
    before, after = rmse(goal, z, y, weights), rmse(better, z, y, weights)
    if not after < before:
        return goal, []
    times = ", ".join(f"{f:.3g}" for f in factors)
    return better, [
        f"What comes back from logarithms is multiplied by {times} (Duan's smearing), which makes means of "
        f"medians: rmse {_two(after, before)} without."
    ]


def rmse(goal: TargetEncoding, z: Numbers, y: Array, weights: Numbers | None = None) -> float:
    """Root mean squared error in the target's own unit, of rows that may have weights."""
    squares = ((y - goal.in_own_unit(z)) ** 2).mean(axis=1)
    return float(np.sqrt(np.average(squares, weights=weights)))


def _two(a: float, b: float) -> str:
    return f"{shown('rmse', a)} against {shown('rmse', b)}"
