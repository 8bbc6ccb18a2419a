"""Losses: every pair with an activation against float64, through one kernel and through whole plans."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import reference
from formula_runs import (
    LIBRARY,
    PACKED,
    PAIRS,
    Array,
    Pair,
    at,
    check_gradients,
    check_kernel,
    each_pair,
    name_of,
    row_differences,
    targets_for,
)
from pellucid.activations import ACTIVATIONS
from pellucid.errors import ArgumentError, DataError
from pellucid.kernels import build, compiler
from pellucid.kernels.build import assembly
from pellucid.losses import LOSSES, Loss, check_pair, check_targets


@each_pair
@pytest.mark.parametrize("n_out", [1, 3, 17])
def test_kernel_and_twin_are_float64(pair: Pair, n_out: int) -> None:
    check_kernel(pair, n_out)


@each_pair
def test_gradients_through_the_training_plan_are_float64(pair: Pair) -> None:
    check_gradients(pair)


# Far out, where float32 probabilities are 0 or 1.


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
    for n_out in (2, 20):
        code = assembly(LOSSES.find(pair[0]).kernel(ACTIVATIONS.find(pair[1]), n_out))
        assert len(PACKED.findall(code)) >= 4
        assert not LIBRARY.search(code)


@each_pair
def test_machine_code_of_every_pair_needs_no_function_from_outside(pair: Pair) -> None:
    kernels = [pair[0].kernel(pair[1], n_out) for n_out in (2, 20)]
    compiler.addresses(kernels)
    code = b"".join(compiler.cache.load(compiler.key(k)) or build.machine_code(k) for k in kernels)
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


@each_pair
def test_a_pair_has_one_kernel_for_few_outputs_and_one_for_many(pair: Pair) -> None:
    few, many = (pair[0].kernel(pair[1], n_out) for n_out in (1, 17))
    assert few is pair[0].kernel(pair[1], 16)
    assert many is pair[0].kernel(pair[1], 1000)
    assert (few is many) == (pair[1].name == "linear"), "a linear output costs less than turning rows"
