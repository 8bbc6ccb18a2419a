"""The straight line beside the networks of a table: `straight_line`."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any

from pellucid.network import Network
from pellucid.tables.prepare import Prepared
from pellucid.tables.recipe import Recipe
from pellucid.tables.ridge import ridge
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.train import Trained, better, train

MOST_COLUMNS = 500  # up to which the products of all columns are cheap


def straight_line(
    recipe: Recipe,
    given: Prepared,
    seed: int,
    options: Mapping[str, Any],
    n_networks: int = 1,
    scales: Iterable[tuple[str, ...]] | None = None,
) -> Trained:
    """Networks without a hidden layer, for the folds of as many others.

    Those of a regression are solved for, as descent takes thousands of epochs where columns lie close
    together. Where that cannot be done, they are trained as the recipe has it: for classes, a loss of the
    user's own, learned vectors of categories, and more than 500 features.
    """
    recipe = dataclasses.replace(recipe, hidden=())
    is_least_squares = not given.target.classes and "loss" not in options
    if not is_least_squares or given.encoding.embedded or given.X.shape[1] > MOST_COLUMNS:
        return train(recipe, given, seed, options, n_networks, scales)
    given = dataclasses.replace(given, folds=given.folds[:n_networks])
    found, *others = [_solved(recipe, given, seed, tried) for tried in scales or given.scales]
    if others:
        found, note = better(found, others[0], given)
        found = dataclasses.replace(found, notes=[f"{note}, for a straight line."])
    return found


def _solved(recipe: Recipe, given: Prepared, seed: int, scales: tuple[str, ...]) -> Trained:
    """Lines that learn the target in some scales, for each of its columns."""
    began = time.perf_counter()
    goal = TargetEncoding.fit(given.target, rows=given.training, scales=scales)
    y = goal.encode(given.target.values)
    found = ridge(given.X, y, given.folds, given.weights)
    networks = []
    for w, b in zip(found.weights, found.biases, strict=True):
        network = Network(recipe.layers(given.encoding, y.shape[1], "linear"), seed=seed)
        network.parameters["output/weights"][...] = w
        network.parameters["output/bias"][...] = b
        networks.append(network)
    name = f"{recipe.name} (ridge regression, α = {found.strength:g})"
    numbers = list(range(len(networks)))
    return Trained(name, networks, numbers, goal, time.perf_counter() - began)
