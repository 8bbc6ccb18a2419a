"""Runs activations and losses, alone and in a training plan, as compiled kernels and as their twins."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import reference
from kernels.kernel_calls import Work
from pellucid.activations import ACTIVATIONS, Activation
from pellucid.engine.buffer import Arena
from pellucid.engine.run import Program
from pellucid.kernels.team import Team
from pellucid.layers.dense import Dense
from pellucid.losses import LOSSES, Loss
from pellucid.lowering import Data, lower_training, parameters_of

Array = NDArray[Any]
Pair = tuple[Loss, Activation]

# Arithmetic on, or a move of, a whole vector of float32.
PACKED = re.compile(
    r"\bv?(?:add|sub|mul|div|max|fn?m(?:add|sub)\d+|mova|movu)ps\b|\bv?movdq[au]\S*\b.*[yz]mm|\.4s\b"
)
LIBRARY = re.compile(r"(?:\$|\bcallq?\s+|\bbl\s+)_?(?:exp|expm1|log|log1p|tanh|erf|erfc|pow|sin|cos)f?\b")

PAIRS = [(entry, act) for entry in LOSSES for act in ACTIVATIONS if entry.suits(act)]
OTHER_PAIRS = [
    (LOSSES.find(a), ACTIVATIONS.find(b))
    for a, b in (
        ("huber(threshold=0.4)", "leaky_relu(slope=0.3)"),
        ("quantile(q=0.9)", "elu(alpha=1.7)"),
        ("binary_crossentropy(label_smoothing=0.2)", "sigmoid"),
        ("binary_crossentropy(label_smoothing=0.2)", "softmax"),
        ("categorical_crossentropy(label_smoothing=0.1)", "softmax"),
        ("categorical_crossentropy(label_smoothing=0.1)", "sigmoid"),
    )
]


def name_of(pair: Any) -> str:
    return " of ".join(map(str, pair)) if isinstance(pair, tuple) else str(pair)


each_pair = pytest.mark.parametrize("pair", PAIRS + OTHER_PAIRS, ids=name_of)


def settings_of(entry: Activation) -> dict[str, float]:
    return {name: float(value) for name, value in entry.settings.items()}


def run_forward(entry: Activation, z: Array) -> dict[str, Array]:
    """What both forms of the forward kernel make of a matrix, in two parts."""
    work = Work(entry.forward, {"z": z, "a": np.zeros_like(z)}, **settings_of(entry))
    cuts = (0, len(z) // 3, len(z))
    return {
        "compiled": work.compiled(cuts)["a"][:, : z.shape[1]],
        "twin": work.interpreted(cuts)["a"][:, : z.shape[1]],
    }


def run_backward(entry: Activation, z: Array, da: Array) -> dict[str, Array]:
    values = {"z": z, "a": entry(z), "da": da, "delta": np.zeros_like(z)}
    work = Work(entry.backward, {n: values[n] for n in entry.backward.operands}, **settings_of(entry))
    cuts = (0, len(z) // 3, len(z))
    return {
        "compiled": work.compiled(cuts)["delta"][:, : z.shape[1]],
        "twin": work.interpreted(cuts)["delta"][:, : z.shape[1]],
    }


def samples(entry: Activation) -> Array:
    """Weighted inputs of all sizes, and close to both sides of each kink."""
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.uniform(-8, 8, 600), rng.uniform(-80, 80, 200), rng.normal(0, 1e-3, 100)])
    sides = [k + d for k in entry.kinks for d in (-0.1, -3e-3, 3e-3, 0.1)]
    z = np.concatenate([z, sides, np.zeros(-(len(z) + len(sides)) % 17)])
    return z.astype(np.float32).reshape(-1, 17)


def targets_for(loss: Loss, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Targets of all kinds that a loss is made for."""
    if loss.only:
        y = rng.choice(loss.only, shape)
    elif loss.is_of_distribution:
        y = np.where(rng.random((shape[0], 1)) < 0.5, rng.dirichlet(np.ones(shape[1]), shape[0]), 0)
        y[y.sum(axis=1) == 0, rng.integers(shape[1])] = 1
    elif loss.targets == (0.0, 1.0):
        y = np.where(rng.random(shape) < 0.5, rng.random(shape), rng.integers(0, 2, shape))
    elif loss.targets == (0.0, np.inf):
        y = rng.poisson(2.0, shape).astype(np.float64)
    else:
        y = rng.standard_normal(shape) * 2
    return y.astype(np.float32)


def settings_of_pair(loss: Loss, act: Activation) -> dict[str, float]:
    return {k: float(v) for k, v in loss.settings.items()} | {
        f"activation_{k}": float(v) for k, v in act.settings.items()
    }


def run_kernel(pair: Pair, z: Array, y: Array, weights: Array, n_rows: int) -> dict[str, tuple[Array, Array]]:
    """Losses and deltas from both forms of a pair's kernel, made in three parts."""
    entry, act = pair
    n, n_out = z.shape
    values = {
        "z": z,
        "a": act(z),
        "y": y,
        "weights": weights,
        "losses": np.zeros(n),
        "delta": np.zeros_like(z),
    }
    work = Work(entry.kernel(act, n_out), values, (0, 0, n_rows, 0), **settings_of_pair(entry, act))
    cuts, forms = (0, n // 3, n // 2, n), {}
    for form, run in (("compiled", work.compiled), ("twin", work.interpreted)):
        written = run(cuts)
        assert not written["delta"][:, n_out:].any(), "the padding stays zero"
        forms[form] = (written["losses"][:, 0], written["delta"][:, :n_out].copy())
    return forms


def at(loss: str, act: str, z: Any, y: Any) -> list[tuple[Array, Array]]:
    """Losses and deltas of both forms, for rows of weight 1 in a batch of one."""
    z, y = np.atleast_2d(np.asarray(z, np.float32)), np.atleast_2d(np.asarray(y, np.float32))
    pair = (LOSSES.find(loss), ACTIVATIONS.find(act))
    return list(run_kernel(pair, z, y, np.ones(len(z), np.float32), 1).values())


def plain_losses(pair: Pair, z: Array, y: Array) -> Array:
    entry, act = pair
    a = reference.ACTIVATIONS[act.name](z, **act.settings)
    return reference.LOSSES[entry.name](a, y, **entry.settings)


def row_differences(value: Callable[[Array], Array], z: Array) -> Array:
    """∂ value of each row / ∂z, by differences in one column after the other."""
    result, step = np.zeros_like(z), 1e-6
    for j in range(z.shape[1]):
        column = step * (np.arange(z.shape[1]) == j)
        result[:, j] = (value(z + column) - value(z - column)) / (2 * step)
    return result


def away_from_kinks(pair: Pair, z: Array, y: Array) -> Array:
    """z, moved by a little where it or its activation is so close to a kink that differences cross it."""
    entry, act = pair
    for _ in range(20):
        near = np.zeros(z.shape, bool)
        for kink in act.kinks:
            near |= np.abs(z - kink) < 1e-4
        if entry.kinks:
            near |= np.abs(act(z) - y) < 1e-4
        if not near.any():
            break
        z = np.where(near, z + np.float32(3e-3), z)
    return z


def network(pair: Pair, n_out: int) -> tuple[list[Dense], Array, Array, Array, list[Array]]:
    """Layers 3-4-n_out that both use the activation, data and first parameters, all away from kinks."""
    entry, act = pair
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X = rng.uniform(-2, 2, (40, 3)).astype(np.float32)
        first = [rng.standard_normal(s).astype(np.float32) for s in ((3, 4), (4,), (4, n_out), (n_out,))]
        small = act.name in ("exponential", "softplus")
        first[0][:] *= 0.3 if small else 1.2  # so that z reaches beyond the kinks of hard_sigmoid
        first[2][:] *= 0.2 if small else 1.5
        y = targets_for(entry, (40, n_out), rng)
        doubles = [p.astype(np.float64) for p in first]
        passed = reference.forward(as_reference(act, doubles), X.astype(np.float64))
        distances = [np.abs(z - kink).min() for z, _ in passed for kink in act.kinks]
        if entry.kinks:
            distances.append(np.abs(passed[-1][1] - y).min())
        both_sides = all((z < kink).any() and (z > kink).any() for z, _ in passed for kink in act.kinks)
        if min(distances, default=1) > 1e-5 and both_sides:
            break
    else:
        raise AssertionError("no seed keeps away from the kinks")
    layers = [Dense(4, act, name="hidden"), Dense(n_out, act, name="output")]
    width = 3
    for layer in layers:
        width = layer.build(width)
    return layers, X, y, rng.uniform(0.3, 2, 40).astype(np.float32), first


def as_reference(act: Activation, parameters: list[Array]) -> list[reference.Layer]:
    function = functools.partial(reference.ACTIVATIONS[act.name], **act.settings)
    W, b, V, c = parameters
    return [(W, b, function), (V, c, function)]


def step_of(
    layers: list[Dense], entry: Loss, X: Array, y: Array, weights: Array | None, first: list[Array]
) -> Any:
    """The gradients that one step of the training plan makes, and its loss."""
    data = Data(X.shape[1], y.shape[1], is_weighted=weights is not None)
    lowered = lower_training(layers, data, entry, None, len(X), 0)
    parameters = parameters_of(layers)
    kept = Arena(p.buffer for p in parameters)
    for p, values in zip(parameters, first, strict=True):
        kept.view(p.buffer)[:] = values
    work = Arena([*lowered.step.work, *(p.gradient for p in parameters)])
    lowered.fill(work)
    given = {data.X: X, data.y: y, data.order: np.arange(len(X))}
    if weights is not None:
        given[data.weights] = weights
    assert lowered.refresh
    with Team(1) as team:
        Program(lowered.refresh, kept, work).run(team, 0, 1, 1, 1)
        Program(lowered.plan, kept, work, given=given).run(team, 0, 1, len(X), len(X))
    assert lowered.total
    return [work.view(p.gradient).copy() for p in parameters], work.view(lowered.total)[0] / len(X)


def check_kernel(pair: Pair, n_out: int) -> None:
    """Both forms of a pair's kernel give the losses and deltas of float64."""
    entry, act = pair
    if n_out == 1 and act.name == "softmax" and "log_rest" in entry.derivatives:
        n_out = 2  # one class alone is always sure
    rng = np.random.default_rng(zlib.crc32(name_of(pair).encode()) + n_out)
    z = rng.uniform(-4, 4, (31, n_out)).astype(np.float32)
    y = targets_for(entry, z.shape, rng)
    z = away_from_kinks(pair, z, y)
    weights = rng.uniform(0.2, 3, 31).astype(np.float32)
    wide_z, wide_y = z.astype(np.float64), y.astype(np.float64)
    expected_losses = plain_losses(pair, wide_z, wide_y)
    slopes = row_differences(lambda z: plain_losses(pair, z, wide_y), wide_z)
    expected_delta = slopes * weights[:, None] / 40
    for losses, delta in run_kernel(pair, z, y, weights, n_rows=40).values():
        np.testing.assert_allclose(losses, expected_losses, rtol=3e-6, atol=3e-6)
        np.testing.assert_allclose(delta, expected_delta, rtol=2e-5, atol=2e-6 * np.abs(expected_delta).max())
    np.testing.assert_allclose(entry(act(wide_z), y), expected_losses, rtol=1e-6, atol=1e-9)


def check_gradients(pair: Pair) -> None:
    """A step of a network that ends in the pair gives the gradients of float64, with row weights too."""
    entry, act = pair
    layers, X, y, weights, first = network(pair, 3)
    doubles = as_reference(act, [p.astype(np.float64) for p in first])
    plain = functools.partial(reference.LOSSES[entry.name], **entry.settings)
    for w in (None, weights):
        found, mean = step_of(layers, entry, X, y, w, first)
        wide = [array if array is None else array.astype(np.float64) for array in (X, y, w)]
        expected = reference.gradients(doubles, wide[0], wide[1], plain, wide[2])
        expected_mean = reference.mean_loss(doubles, wide[0], wide[1], plain, wide[2])
        np.testing.assert_allclose(mean, expected_mean, rtol=1e-5)
        for gradient, expected_gradient in zip(found, [g for pair in expected for g in pair], strict=True):
            assert reference.relative_error(gradient, expected_gradient) < 1e-4
