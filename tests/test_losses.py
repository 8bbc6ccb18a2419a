"""Losses: every pair with an activation against float64, through one kernel and through whole plans."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import reference
from kernels.kernel_calls import Work
from pellucid.activations import ACTIVATIONS, Activation, RowActivation, activation
from pellucid.engine.buffer import Arena
from pellucid.engine.run import Program
from pellucid.errors import ArgumentError, DataError
from pellucid.kernels import compiler
from pellucid.kernels.elementary import absolute, exp, log, sign
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.team import Team
from pellucid.layers.dense import Dense
from pellucid.losses import LOSSES, Loss, check_pair, check_targets, loss
from pellucid.lowering import Data, lower_training, parameters_of

Array = NDArray[Any]
Pair = tuple[Loss, Activation]

PAIRS = [(entry, act) for entry in LOSSES for act in ACTIVATIONS if entry.suits(act)]
OTHER_SETTINGS = [
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


each_pair = pytest.mark.parametrize("pair", PAIRS + OTHER_SETTINGS, ids=name_of)


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


def numbers_of(loss: Loss, act: Activation) -> dict[str, float]:
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
    work = Work(entry.kernel(act), values, (0, 0, n_rows, 0), **numbers_of(entry, act))
    cuts, forms = (0, n // 3, n // 2, n), {}
    for form, run in (("compiled", work.compiled), ("twin", work.interpreted)):
        written = run(cuts)
        assert not written["delta"][:, n_out:].any(), "the padding stays zero"
        forms[form] = (written["losses"][:, 0], written["delta"][:, :n_out].copy())
    return forms


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


@each_pair
@pytest.mark.parametrize("n_out", [1, 3, 17])
def test_kernel_and_twin_are_float64(pair: Pair, n_out: int) -> None:
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


@each_pair
def test_gradients_through_the_training_plan_are_float64(pair: Pair) -> None:
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


# Far out, where float32 probabilities are 0 or 1.


def at(loss: str, act: str, z: Any, y: Any) -> list[tuple[Array, Array]]:
    """Losses and deltas of both forms, for rows of weight 1 in a batch of one."""
    z, y = np.atleast_2d(np.asarray(z, np.float32)), np.atleast_2d(np.asarray(y, np.float32))
    pair = (LOSSES.find(loss), ACTIVATIONS.find(act))
    return list(run_kernel(pair, z, y, np.ones(len(z), np.float32), 1).values())


FAR = [
    # loss, activation, z, y, the row's loss, delta
    ("binary_crossentropy", "sigmoid", [[800]], [[0]], [800], [[1]]),
    ("binary_crossentropy", "sigmoid", [[-800]], [[1]], [800], [[-1]]),
    ("binary_crossentropy", "sigmoid", [[800]], [[0.25]], [600], [[0.75]]),
    ("binary_crossentropy", "sigmoid", [[30]], [[1]], [np.exp(-30.0)], [[-np.exp(-30.0)]]),
    ("binary_crossentropy", "sigmoid", [[-30]], [[0]], [np.exp(-30.0)], [[np.exp(-30.0)]]),
    ("categorical_crossentropy", "sigmoid", [[-800, 800]], [[1, 0]], [800], [[-1, 0]]),
    ("kl_divergence", "sigmoid", [[-800, 800]], [[1, 0]], [800], [[-1, 0]]),
    ("categorical_crossentropy", "softmax", [[800, 0, -800]], [[0, 0, 1]], [1600], [[1, 0, -1]]),
    ("categorical_crossentropy", "softmax", [[800, 0, -800]], [[1, 0, 0]], [0], [[0, 0, 0]]),
    ("categorical_crossentropy", "softmax", [[830, 800, 0]], [[1, 0, 0]], [np.exp(-30.0)],
     [[-np.exp(-30.0), np.exp(-30.0), 0]]),
    ("categorical_crossentropy", "softmax", [[800, 800, 0]], [[1, 0, 0]], [np.log(2)], [[-0.5, 0.5, 0]]),
    ("kl_divergence", "softmax", [[800, 0, -800]], [[0, 0.5, 0.5]], [1200 - np.log(2)], [[1, -0.5, -0.5]]),
    ("binary_crossentropy", "softmax", [[800, 0, -800]], [[0, 1, 0]], [1600 / 3], [[2 / 3, -2 / 3, 0]]),
    ("binary_crossentropy", "softmax", [[-800, 0, 0]], [[1, 0, 0]], [(800 + 3 * np.log(2)) / 3],
     [[-1 / 3, 1 / 6, 1 / 6]]),
    ("poisson", "exponential", [[-800]], [[3]], [2400], [[-3]]),
    ("poisson", "exponential", [[800]], [[3]], [721 * np.exp(80.0)], [[np.exp(80.0)]]),
    ("poisson", "softplus", [[-800]], [[3]], [2400], [[-3]]),
    ("poisson", "softplus", [[800]], [[3]], [800 - 3 * np.log(800)], [[1 - 3 / 800]]),
    ("poisson", "sigmoid", [[-800]], [[3]], [2400], [[-3]]),
    ("poisson", "softmax", [[800, 0]], [[0, 2]], [(1 + 1600) / 2], [[1, -1]]),
]  # fmt: skip


@pytest.mark.parametrize("case", FAR, ids=lambda c: f"{c[0]} of {c[1]} at {c[2][0]}, y {c[3][0]}")
def test_a_logit_of_800_neither_overflows_nor_loses_its_gradient(case: tuple[Any, ...]) -> None:
    name, act, z, y, expected_losses, expected_delta = case
    for losses, delta in at(name, act, z, y):
        np.testing.assert_allclose(losses, expected_losses, rtol=2e-6, atol=1e-30)
        np.testing.assert_allclose(delta, expected_delta, rtol=2e-6, atol=1e-30)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "kl_divergence", "binary_crossentropy"])
@pytest.mark.parametrize("scale", [1, 10, 100, 1000])
def test_softmax_keeps_its_digits_at_any_scale(name: str, scale: float) -> None:
    from scipy.special import logsumexp

    rng = np.random.default_rng(scale)
    z = (rng.standard_normal((60, 5)) * scale).astype(np.float32)
    y = targets_for(LOSSES.find(name), z.shape, rng)

    def plain(z: Array) -> Array:
        all_of_them = logsumexp(z, axis=1)
        log_a = z - all_of_them[:, None]
        log_rest = np.stack(
            [logsumexp(np.delete(z, j, axis=1), axis=1) - all_of_them for j in range(5)], axis=1
        )
        if name == "binary_crossentropy":
            return -(y * log_a + (1 - y) * log_rest).mean(axis=1)
        entropy = np.where(y > 0, y * np.log(np.maximum(y, 1e-30)), 0) if name == "kl_divergence" else 0
        return (entropy - y * log_a).sum(axis=1)

    expected = row_differences(plain, z.astype(np.float64))
    for losses, delta in at(name, "softmax", z, y):
        np.testing.assert_allclose(losses, plain(z.astype(np.float64)), rtol=3e-6, atol=1e-6)
        np.testing.assert_allclose(delta, expected, rtol=1e-5, atol=2e-6 + 1e-9 * scale)


def test_nan_in_a_row_is_seen_in_its_loss_and_its_delta() -> None:
    for entry, act in ((a, b) for a, b in PAIRS if b.name in ("linear", "sigmoid", "softmax", "softplus")):
        y = [[1.0, 0.0]] if not entry.only else [[1.0, -1.0]]
        for losses, delta in at(entry.name, act.name, [[np.nan, 0.5], [0.5, 0.25]], y * 2):
            assert np.isnan(losses[0]), name_of((entry, act))
            assert np.isnan(delta[0, 0])
            assert np.isfinite(losses[1])
            assert np.isfinite(delta[1]).all()


def test_label_smoothing_is_smoothed_targets() -> None:
    z, y = [[0.3, -1.0, 2.0]], np.array([[0.0, 1.0, 0.0]])
    for name, smooth in (
        ("categorical_crossentropy", 0.9 * y + 0.1 / 3),
        ("binary_crossentropy", 0.9 * y + 0.05),
    ):
        for act in ("sigmoid", "softmax"):
            found, expected = at(f"{name}(label_smoothing=0.1)", act, z, y), at(name, act, z, smooth)
            np.testing.assert_allclose(found[0][0], expected[0][0], rtol=1e-6)
            np.testing.assert_allclose(found[0][1], expected[0][1], rtol=1e-5)


def test_the_quantile_loss_is_least_at_the_quantile() -> None:
    y = np.random.default_rng(0).exponential(size=(999, 1))
    entry = LOSSES.find("quantile(q=0.9)")
    candidates = np.linspace(1, 4, 301)
    best = candidates[np.argmin([entry(np.full_like(y, c), y).mean() for c in candidates])]
    assert abs(best - np.quantile(y, 0.9)) < 0.02


def assembly(kernel: Kernel) -> str:
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        return str(compiler.library(kernel).get_asm_str())


PACKED = re.compile(r"\bv?(?:add|sub|mul|div|fn?m(?:add|sub)\d+)ps\b|\b(?:f\w+)\s+v\d+\.4s")
LIBRARY = re.compile(r"(?:\$|\bcallq?\s+|\bbl\s+)_?(?:exp|expm1|log|log1p|tanh|erf|erfc|pow|sin|cos)f?\b")
FORMULAS = [
    *((entry, ACTIVATIONS.find("softmax")) for entry in LOSSES),
    *((LOSSES.find("mse"), act) for act in ACTIVATIONS),
    *((LOSSES.find("poisson"), ACTIVATIONS.find(a)) for a in ("relu", "softplus", "exponential")),
    *((a, b) for a, b in PAIRS if "log_a" not in a.derivatives and b.name == "linear"),
    *((a, b) for a, b in PAIRS if "log_a" in a.derivatives and b.name in ("sigmoid", "hard_sigmoid")),
]


@pytest.mark.parametrize("pair", list(dict.fromkeys((a.name, b.name) for a, b in FORMULAS)), ids=name_of)
def test_machine_code_is_vectors_and_calls_no_library(pair: tuple[str, str]) -> None:
    """Each formula of a loss and of an activation in some pair, and each way to take a logarithm."""
    code = assembly(LOSSES.find(pair[0]).kernel(ACTIVATIONS.find(pair[1])))
    assert len(PACKED.findall(code)) >= 4
    assert not LIBRARY.search(code)


@each_pair
def test_machine_code_of_every_pair_needs_no_function_from_outside(pair: Pair) -> None:
    kernel = pair[0].kernel(pair[1])
    compiler.addresses([kernel])
    code = compiler.cache.load(compiler.key(kernel)) or compiler.machine_code(kernel)
    assert not re.search(rb"\0_?(?:exp|expm1|log|log1p|tanh|erf|erfc|pow|sin|cos)f?\0", code)


# Which loss for which activation and which targets.


def test_default_losses() -> None:
    defaults = {act.name: Loss.default_for(act).name for act in ACTIVATIONS}
    assert defaults.pop("softmax") == "categorical_crossentropy"
    assert defaults.pop("sigmoid") == "binary_crossentropy"
    assert set(defaults.values()) == {"mse"}
    for act in ACTIVATIONS:
        check_pair(Loss.default_for(act), act, "output")


def test_pairs_that_do_not_suit_are_refused_in_one_sentence() -> None:
    suits = {entry.name: {a.name for a in ACTIVATIONS if entry.suits(a)} for entry in LOSSES}
    everything = set(ACTIVATIONS.names())
    probabilities = {"sigmoid", "hard_sigmoid", "softmax"}
    assert {n for n, s in suits.items() if s == probabilities} == {
        "binary_crossentropy",
        "categorical_crossentropy",
        "kl_divergence",
    }
    assert suits["poisson"] == probabilities | {"relu", "softplus", "exponential"}
    assert all(s == everything for n, s in suits.items() if LOSSES.find(n).accepts[0] < 0)
    with pytest.raises(ArgumentError) as refusal:
        check_pair(LOSSES.find("binary_crossentropy"), ACTIVATIONS.find("linear"), "output")
    assert str(refusal.value) == (
        "loss 'binary_crossentropy' expects outputs from 0 to 1, but layer 'output' ends in 'linear', whose "
        "outputs are of any size. Use sigmoid, hard_sigmoid or softmax there, or the loss 'mse'."
    )


@pytest.mark.parametrize(
    ("name", "y", "message"),
    [
        ("mse", [[1.0], [np.nan]], "expects targets of any size, but row 1 of y holds nan"),
        ("mae", [[1.0], [np.inf]], "row 1 of y holds inf"),
        ("binary_crossentropy", [[0.0, 1.0], [0.5, 2.0]], "from 0 to 1, but row 1, column 1 of y holds 2."),
        (
            "poisson",
            [3.0, 0.0, -1.0],
            "loss 'poisson' expects targets of at least 0, but row 2 of y holds -1.",
        ),
        ("squared_hinge", [[1.0], [-1.0], [0.5]], "expects targets of -1 or 1, but row 2 of y holds 0.5."),
        ("hinge", [[np.nan]], "expects targets of -1 or 1, but row 0 of y holds nan."),
        (
            "categorical_crossentropy",
            [[1, 0], [0.5, 0.4]],
            "that sum to 1 in each row, but row 1 of y sums to 0.9.",
        ),
        (
            "kl_divergence",
            [[0.0, 0.0]],
            "row 0 of y sums to 0. Give class indices, one-hot rows or probabilities",
        ),
        ("categorical_crossentropy", [[2.0, -1.0]], "from 0 to 1, but row 0, column 0 of y holds 2."),
    ],
)
def test_targets_that_do_not_suit_are_refused(name: str, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        check_targets(LOSSES.find(name), np.array(y, np.float32))


def test_targets_that_suit_are_taken() -> None:
    rng = np.random.default_rng(0)
    for entry in LOSSES:
        check_targets(entry, targets_for(entry, (50, 4), rng))
        check_targets(entry, np.zeros((0, 4)))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("huber(threshold=0)", "loss 'huber': threshold must be a finite number above 0, but is 0"),
        ("quantile(q=1)", "q must be a finite number above 0 and below 1, but is 1"),
        ("categorical_crossentropy(label_smoothing=1)", "at least 0 and below 1, but is 1"),
        ("binary_crossentropy(label_smoothing=-0.1)", "at least 0 and below 1, but is -0.1"),
    ],
)
def test_wrong_settings_are_refused(spec: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        LOSSES.find(spec)


def test_every_entry_says_where_it_comes_from_and_what_it_computes() -> None:
    for entry in LOSSES:
        assert re.search(r"\d{4}", entry.source), entry.name
        assert "derivative" in entry.text
        assert LOSSES.find(entry.spec).settings == entry.settings
    assert set(LOSSES.names()) >= set(reference.LOSSES)


# Entries of a user's own.


@pytest.fixture(autouse=True)
def _forget_new_entries() -> Iterator[None]:
    known, known_activations = LOSSES.names(), ACTIVATIONS.names()
    yield
    for name in set(LOSSES.names()) - set(known):
        LOSSES.remove(name)
    for name in set(ACTIVATIONS.names()) - set(known_activations):
        ACTIVATIONS.remove(name)


HALF = 0.5


def rising(e: Any, rate: Any) -> Any:
    return HALF * exp(rate * absolute(e))


def steep(rate: float) -> Loss:
    """A loss made in a function, with a helper of the module and numbers of both."""

    @loss(
        derivatives={"a": lambda a, y, scale: scale * rate * rising(a - y, rate) * sign(a - y)},
        kinks=lambda y, scale: (y,),
    )
    def steep(a: Any, y: Any, scale: float = 2.0) -> Any:
        return scale * rising(a - y, rate)

    return steep


def test_a_users_loss_and_activation_train_like_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = steep(0.3).using(scale=1.5)
    inner = 0.6

    @activation(derivative=lambda z, a: 1 + inner * exp(-z * z) * (1 - 2 * z * z))
    def wavy(z: Any) -> Any:
        return z + inner * z * exp(-z * z)

    def plain(a: Array, y: Array, scale: float) -> Array:
        return (scale * 0.5 * np.exp(0.3 * np.abs(a - y))).mean(axis=1)

    monkeypatch.setitem(reference.LOSSES, "steep", plain)
    monkeypatch.setitem(reference.ACTIVATIONS, "wavy", lambda z: z * (1 + 0.6 * np.exp(-(z**2))))
    test_gradients_through_the_training_plan_are_float64((entry, wavy))
    test_kernel_and_twin_are_float64((entry, wavy), 3)
    test_kernel_and_twin_are_float64((entry, ACTIVATIONS.find("softmax")), 3)
    assert "cvtps2pd" not in assembly(entry.kernel(wavy)), "numbers from outside are float32 too"


def test_a_users_loss_of_probabilities_is_computed_from_the_weighted_input() -> None:
    @loss(
        derivatives={"log_a": lambda log_a, y: -y * (1 - log_a) - y * (-log_a)},
        accepts=(0.0, 1.0),
        targets=(0.0, 1.0),
    )
    def twice(log_a: Any, y: Any) -> Any:
        return -y * log_a * (1 - log_a)

    for losses, delta in at("twice", "sigmoid", [[-800.0]], [[1.0]]):
        np.testing.assert_allclose(losses, [800 * 801])
        np.testing.assert_allclose(delta, [[-1601]])


@each_pair
def test_a_pair_has_one_kernel(pair: Pair) -> None:
    assert pair[0].kernel(pair[1]) is pair[0].kernel(pair[1])


def test_new_numbers_mean_new_machine_code() -> None:
    linear = ACTIVATIONS.find("linear")
    kernels = [steep(rate).kernel(linear) for rate in (0.5, 0.25, 0.5)]
    assert len({compiler.key(k) for k in kernels}) == 2
    for rate in (0.5, 0.25):
        steep(rate)
        for losses, _ in at("steep", "linear", [[2.0]], [[0.0]]):
            np.testing.assert_allclose(losses, 2 * 0.5 * np.exp(2 * rate), rtol=1e-6)


def refused(message: str, function: Callable[..., Any], **entry: Any) -> None:
    with pytest.raises(ArgumentError, match=message):
        loss(**{"derivatives": {"a": lambda a, y: 2 * (a - y)}, **entry})(function)
    assert getattr(function, "__name__", "") not in LOSSES


def test_wrong_entries_are_refused_in_one_sentence() -> None:
    def cubic(a: Any, y: Any) -> Any:
        return (a - y) * (a - y) * (a - y)

    refused(r"loss 'cubic': at a = -30 and y = -2 its derivative is -56, but .* give 2352", cubic)
    refused(
        "loss 'cubic' reads a, y, so its derivatives must be by a, but are by log_a",
        cubic,
        derivatives={"log_a": lambda a, y: a},
    )
    refused(r"its derivative by a must be a function of \(a, y\)", cubic, derivatives={"a": lambda a: a})

    def distance(a: Any, y: Any) -> Any:
        return absolute(a - y)

    refused(
        "loss 'distance': at a = -2 and y = -2 its derivative jumps from -1 to 1. Name the place in kinks",
        distance,
        derivatives={"a": lambda a, y: sign(a - y)},
    )

    def ratio(a: Any, y: Any) -> Any:
        return log(a / y)

    refused("loss 'ratio': at a = .* and y = -2 it is -inf, and must be finite", ratio)

    def strange(prediction: Any, y: Any) -> Any:
        return prediction - y

    refused(
        "parameters without a default can be a, log_a, log_rest, y, n_out, but there is 'prediction'", strange
    )

    def weighted(a: Any, y: Any, weights: float = 1.0) -> Any:
        return weights * (a - y)

    refused("loss 'weighted': a setting cannot be called 'weights'", weighted)
    assert isinstance(ACTIVATIONS.find("softmax"), RowActivation)
