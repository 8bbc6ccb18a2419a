"""Neurons that do no work: dead, saturated, or the same as another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.activations import RowActivation
from pellucid.engine.buffer import Array
from pellucid.health.check import check
from pellucid.health.finding import Finding, Trial, listed
from pellucid.health.subject import Activity, Subject
from pellucid.health.trials import changed

NO_SLOPE = 1e-3  # of the largest slope: below it nothing flows back
SMALL_SLOPE = 0.05
MOST_ROWS = 0.95  # share of rows in which a saturated neuron is
DEAD_SHARE, SATURATED_SHARE = 0.3, 0.25  # of a layer's neurons: fewer are nothing unusual
SAME_WEIGHTS, SAME_ACTIVATION = 1e-3, 0.9999
ALIKE_SHARE = 0.05


def _bounded(activity: Activity) -> bool:
    return bool(np.isfinite(activity.activation.range).all())


@check
def dead_neurons(subject: Subject) -> Iterator[Finding]:
    """Neurons of the relu family that are off in all rows, so that nothing flows through them, nor back."""
    for layer in subject.hidden:
        if _bounded(layer) or layer.activation.name == "linear":
            continue
        dead = np.flatnonzero((layer.slopes < NO_SLOPE).all(axis=0))
        n, rows = layer.a.shape[1], len(layer.a)
        if len(dead) <= DEAD_SHARE * n:
            continue
        yield Finding(
            "dead neurons",
            layer.name,
            f"{len(dead)} of {n} neurons ({listed(dead.tolist())}) are off in all {rows:,} rows: "
            f"the slope of {layer.activation} is 0 there.",
            "No gradient reaches the weights of a neuron that is off in every row, so it stays off.",
            f"leaky_relu instead of {layer.activation.name}, and the usual first weights and biases.",
            _usual(subject, layer, "leaky_relu"),
            {"neurons": dead.tolist(), "n_neurons": n, "n_rows": rows},
        )


@check
def saturated_neurons(subject: Subject) -> Iterator[Finding]:
    """Neurons of tanh, sigmoid and their like that stand at an end of their range in nearly all rows."""
    for layer in subject.hidden:
        if not _bounded(layer):
            continue
        share = (layer.slopes < SMALL_SLOPE).mean(axis=0)
        stuck = np.flatnonzero(share >= MOST_ROWS)
        n = layer.a.shape[1]
        if len(stuck) <= SATURATED_SHARE * n:
            continue
        yield Finding(
            "saturated neurons",
            layer.name,
            f"{len(stuck)} of {n} neurons ({listed(stuck.tolist())}) stand at an end of the range of "
            f"{layer.activation} in {MOST_ROWS:.0%} of the rows or more; the root mean square of z is "
            f"{np.sqrt(np.mean(np.square(layer.z, dtype=np.float64))):.3g}.",
            "There the slope is near 0: the neuron tells rows apart no more, and hardly any gradient passes.",
            f"silu instead of {layer.activation.name}, with its usual first weights; normalised inputs.",
            _usual(subject, layer, "silu"),
            {"neurons": stuck.tolist(), "n_neurons": n, "share_of_rows": share[stuck].tolist()},
        )


@check
def duplicate_neurons(subject: Subject) -> Iterator[Finding]:
    """Neurons of one layer with the same weights, or with activations that always go together."""
    for layer in subject.hidden:
        if layer.weights is None or layer.bias is None or isinstance(layer.activation, RowActivation):
            continue
        groups = _alike(layer)
        spare, n = sum(len(g) - 1 for g in groups), layer.a.shape[1]
        if not spare or spare < ALIKE_SHARE * n:
            continue
        shown, initial = "; ".join(listed(g) for g in groups[:4]), getattr(layer.layer, "initializer", None)
        yield Finding(
            "duplicate neurons",
            layer.name,
            f"{spare + len(groups)} of {n} neurons do the work of {len(groups)}: {shown}. Their weights "
            f"differ by less than {SAME_WEIGHTS:g} of their size, or their activations correlate by "
            f"{SAME_ACTIVATION:g} and more.",
            "Neurons with the same weights and gradients stay the same: they cost time and add nothing.",
            "the usual, random first weights." if initial else "fewer neurons in this layer.",
            _without_duplicates(subject, layer.name, None if initial else n - spare),
            {"groups": groups, "n_neurons": n},
        )


def _usual(subject: Subject, layer: Activity, activation: str) -> Trial | None:
    """The layer with another activation and its usual first weights."""
    if layer.layer.kind != "dense":
        return None
    new = {"activation": {"name": activation}, "initializer": None, "bias_initializer": "zeros"}
    return subject.trial(activation, layers=lambda specs: changed(specs, [layer.name], **new))


def _without_duplicates(subject: Subject, name: str, n_out: int | None) -> Trial | None:
    """The layer with so many neurons, or with its usual first weights."""
    new, change = {"initializer": None}, "the usual first weights"
    if n_out is not None:
        new, change = {"n_out": n_out}, f"{n_out} neurons in {name}"  # type: ignore[dict-item]
    return subject.trial(change, layers=lambda specs: changed(specs, [name], **new))


def _alike(layer: Activity) -> list[list[int]]:
    """Groups of neurons that are the same."""
    assert layer.weights is not None
    assert layer.bias is not None
    incoming = np.vstack([layer.weights, layer.bias]).astype(np.float64)
    norms = np.linalg.norm(incoming, axis=0)
    gram = incoming.T @ incoming
    distances = np.sqrt(np.maximum(norms[:, None] ** 2 + norms**2 - 2 * gram, 0))
    size = np.maximum(norms[:, None], norms)
    same = distances <= SAME_WEIGHTS * size
    # With few inputs neurons may well go together by chance.
    if len(layer.weights) > 2:
        nearly = distances <= 100 * SAME_WEIGHTS * size
        same |= nearly & (_correlations(layer.a) > SAME_ACTIVATION)
    same &= (norms > 0) & (norms > 0)[:, None]
    groups, left = [], set(range(len(norms)))
    while left:
        first = min(left)
        group = [j for j in np.flatnonzero(same[first]).tolist() if j in left] or [first]
        left -= {first, *group}
        if len(group) > 1:
            groups.append(group)
    return groups


def _correlations(a: Array) -> Array:
    """Of each pair of columns; 0 where one is constant."""
    centred = a - a.mean(axis=0, dtype=np.float64)
    norms = np.linalg.norm(centred, axis=0)
    unit = np.divide(
        centred, norms, out=np.zeros_like(centred), where=norms > 1e-6 * np.abs(a).max(initial=0)
    )
    return np.asarray(unit.T @ unit)
