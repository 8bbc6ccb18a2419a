"""Trains what a preset asks for, weighs it on unseen rows, and makes one model of it: `fitted`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from pellucid import checks
from pellucid.merging import merged
from pellucid.network import Network
from pellucid.tables.class_notes import on_uneven
from pellucid.tables.coverage import errors_of
from pellucid.tables.judging import judged, on_decision
from pellucid.tables.line import straight_line
from pellucid.tables.mixing import Mix, even, is_perfect, together, weighed
from pellucid.tables.model import TableModel
from pellucid.tables.prepare import Prepared
from pellucid.tables.presets import Preset
from pellucid.tables.recipe import Recipe
from pellucid.tables.train import Trained, smeared, train, train_more

ROWS_A_NUMBER = 5  # rows for each number below which cosines of them are learned by heart
LEAST_SECONDS = 1.0  # that a straight line gets, and twice the time of the networks
SHORTEST = 1e-3  # seconds that are left where a limit is over before all kinds of networks are trained
OWN = "verbose", "checkpoint", "resume", "callbacks", "record"  # options that a straight line does not get


def fitted(
    plan: Preset,
    given: Prepared,
    seed: int,
    options: dict[str, Any],
    *,
    is_mixed: bool,
    metric: str | None = None,
) -> TableModel:
    """The model that a preset makes of a table.

    Parameters
    ----------
    plan : Preset
        What to train.
    given : Prepared
        The table.
    seed : int
        Of the first network.
    options : dict
        Of `Network.fit`.
    is_mixed : bool
        Whether networks and a straight line may share the answer, and probabilities get a temperature.
    metric : str, optional
        What the answers are chosen for; unless given the most probable class is answered.
    """
    trained: list[Trained] = []
    limit, spent = options.get("time_limit"), 0.0
    if limit is not None:
        limit = checks.number("time_limit", limit, 0, open_ends="least")
    n_numbers = len(given.encoding.numbers)
    is_narrow = given.n_learned < ROWS_A_NUMBER * n_numbers and any(r.waves for r in plan.recipes)
    if is_mixed and is_narrow:
        plan = dataclasses.replace(plan, recipes=[dataclasses.replace(r, waves=0) for r in plan.recipes])
    of_line = {k: v for k, v in options.items() if k not in OWN}
    line, notes = None, list(given.notes)
    if is_mixed and plan.n_networks == 1 and len(given.scales) > 1:
        # A network for each scale would take as long again.
        line = straight_line(plan.recipes[0], given, seed, of_line)
        notes += line.notes
    for i, recipe in enumerate(plan.recipes):
        began = perf_counter()
        first = trained[0] if trained else line
        scales = [first.goal.scales] if first else None
        if limit is not None:  # what one kind does not need is for the others
            options = {**options, "time_limit": max(SHORTEST, limit - spent) / (len(plan.recipes) - i)}
        trained.append(_kind(plan, recipe, given, seed + len(trained), options, scales))
        spent += perf_counter() - began
        if trained[-1].is_interrupted or is_perfect(trained[-1], given):
            break
    trained, numbers = together(trained)
    if line is None:
        seconds = LEAST_SECONDS + 2 * sum(t.seconds for t in trained)
        seconds = seconds if limit is None else min(seconds, max(LEAST_SECONDS, limit))
        line = straight_line(
            plan.recipes[0], given, seed, {**of_line, "time_limit": seconds}, 1 + max(numbers)
        )
    given = given.validated_by(numbers)
    may_mix = is_mixed and bool(given.folds) and not trained[-1].is_interrupted
    kinds = [*trained, line] if may_mix and line.goal == trained[0].goal else trained
    mix = weighed(kinds, given) if may_mix else even(kinds, given)
    shares = [s / len(t.networks) for t, s in zip(kinds, mix.shares, strict=True) for _ in t.networks]
    networks = [net for t in kinds for net in t.networks]
    y = given.target.values[given.judged]
    goal, on_factors = smeared(trained[0].goal, mix.z, y, given.judged_weights)
    is_one = len(networks) == 1 and mix.temperature == 1
    network = networks[0] if is_one else merged(networks, shares, mix.temperature)
    evidence, decision = judged(given, goal, mix.z, line, metric if given.folds else None)
    notes += [*(n for t in trained for n in t.notes), *on_factors, *_told(kinds, mix, given)]
    if line.is_interrupted:
        notes.append(
            "Training of the straight line was interrupted, so it may be worth more than is told here."
        )
    if is_mixed and is_narrow:
        notes.append(
            f"Numbers get no cosines, as there are fewer than {ROWS_A_NUMBER} rows for each of {n_numbers} "
            "columns of them."
        )
    counted = [n.history for n, s in zip(networks, shares, strict=True) if s > 0 and len(n.history)]
    histories = [] if is_one else counted or [n.history for t in trained for n in t.networks]
    errors = None
    if given.folds and not goal.classes:
        errors, told = errors_of(given, goal, mix.z)
        notes += told
    if metric is None and given.weights is None:
        notes += on_uneven(given.target)
    if decision is not None:
        notes.append(on_decision(decision, evidence, given, mix.z))
    elif metric is not None:
        notes.append(
            f"Answers are not chosen for {metric}, as no rows are held back: the most probable class is."
        )
    return TableModel(
        given.encoding, goal, network, evidence, notes, given.typical, histories, errors, decision
    )


def _kind(
    plan: Preset,
    recipe: Recipe,
    given: Prepared,
    seed: int,
    options: dict[str, Any],
    scales: list[tuple[str, ...]] | None,
) -> Trained:
    """Networks of one recipe: what is affordable at any rate, and more where these stopped early."""
    n_out, output = (len(given.target.classes), "softmax") if given.target.classes else (1, "linear")
    layers = Network(recipe.layers(given.encoding, n_out, output))._definitions
    n = plan.affordable(recipe, given.n_learned, layers)
    kind = train(recipe, given, seed, options, n, scales)
    if kind.is_interrupted or any(options.get(o) is not None for o in ("time_limit", "checkpoint")):
        return kind
    epochs = float(np.mean([len(net.history) for net in kind.networks]))
    more = plan.affordable(recipe, given.n_learned, layers, epochs=epochs)
    return train_more(kind, recipe, given, seed, options, range(n, more)) if more > n else kind


def _told(kinds: Sequence[Trained], mix: Mix, given: Prepared) -> list[str]:
    """Sentences on what the answer is made of."""
    n = sum(len(t.networks) for t, s in zip(kinds, mix.shares, strict=True) if s)
    notes = []
    if smoothing := kinds[0].networks[0].loss.settings.get("label_smoothing"):
        notes.append(f"Labels were smoothed by {smoothing:g}, so no loss of a training could come near 0.")
    if n > 1:
        how = "; each was stopped by rows that it did not learn from, and is judged by them here"
        notes.append(f"The model is the mean of {n} networks in one{how if given.folds else ''}.")
    if len(kinds) > 1 and given.folds:
        parts = ", ".join(f"{s:.0%} {t.name}" for t, s in zip(kinds, mix.shares, strict=True) if s)
        notes.append(f"Shares of the answer, chosen on these rows: {parts}.")
    if mix.temperature != 1:
        notes.append(
            f"Probabilities are calibrated on these rows, by a temperature of {mix.temperature:.2f}."
        )
    return notes
