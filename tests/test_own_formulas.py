"""Activations and losses of a user's own: compiled and trained like the rest, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import reference
from formula_runs import (
    PACKED,
    Array,
    at,
    check_gradients,
    check_kernel,
    run_backward,
    run_forward,
    samples,
)
from pellucid.activations import ACTIVATIONS, Activation, activation
from pellucid.errors import ArgumentError
from pellucid.kernels import compiler
from pellucid.kernels.build import assembly
from pellucid.kernels.elementary import absolute, exp, log, maximum, sign, where
from pellucid.kernels.elementary import tanh as hyperbolic_tangent
from pellucid.losses import LOSSES, Loss, loss


def test_a_name_of_pellucids_own_is_not_taken() -> None:
    def relu(z: Any) -> Any:
        return 2 * z

    before = ACTIVATIONS.find("relu")
    with pytest.raises(ArgumentError, match="activation 'relu': pellucid has one of that name"):
        activation(derivative=lambda z, a: 2.0)(relu)
    assert ACTIVATIONS.find("relu") is before
    relu.__name__ = "twice"
    activation(derivative=lambda z, a: 2.0)(relu)
    activation(derivative=lambda z, a: 2.0)(relu)  # a notebook's cell runs again


@pytest.fixture(autouse=True)
def _forget_new_entries() -> Iterator[None]:
    known, known_activations = LOSSES.names(), ACTIVATIONS.names()
    yield
    for name in set(LOSSES.names()) - set(known):
        LOSSES.remove(name)
    for name in set(ACTIVATIONS.names()) - set(known_activations):
        ACTIVATIONS.remove(name)


STEEPNESS = 0.7


def growing(z: Any, rate: Any) -> Any:
    return exp(rate * z) * STEEPNESS


def bump(rate: float) -> Activation:
    """An activation made in a function, with a helper of the module and a number of this function."""

    def falling(z: Any, a: Any, width: Any) -> Any:
        return -rate * growing(-absolute(z), rate) * where(z > 0, 1, -1) * width

    @activation(derivative=falling, kinks=(0.0,))
    def bump(z: Any, width: float = 1.5) -> Any:
        return width * growing(-absolute(z), rate)

    return bump


def test_a_users_activation_is_compiled_like_the_rest() -> None:
    entry = bump(0.37)
    z = samples(entry)
    da = np.ones_like(z)
    wide = z.astype(np.float64)
    for a in run_forward(entry, z).values():
        np.testing.assert_allclose(a, 1.5 * 0.7 * np.exp(-0.37 * np.abs(wide)), rtol=3e-6)
    for delta in run_backward(ACTIVATIONS.find("bump(width=2)"), z, da).values():
        expected = -0.37 * 2 * 0.7 * np.exp(-0.37 * np.abs(wide)) * np.where(wide > 0, 1, -1)
        np.testing.assert_allclose(delta, expected, rtol=3e-6)
    assert len(PACKED.findall(assembly(entry.forward))) >= 4
    assert "cvtps2pd" not in assembly(entry.forward), "numbers from outside are float32 too"


def test_new_text_or_new_numbers_of_an_activation_mean_new_machine_code() -> None:
    z = np.ones((4, 3), np.float32)
    keys, results = set(), []
    for rate in (0.5, 0.25, 0.5):
        kernel = bump(rate).forward
        keys.add(compiler.key(kernel))
        results.append(float(run_forward(ACTIVATIONS.find("bump"), z)["compiled"][0, 0]))
    assert len(keys) == 2
    np.testing.assert_allclose(results, 1.05 * np.exp([-0.5, -0.25, -0.5]), rtol=1e-6)

    @activation(derivative=lambda z, a: 3.0 + 0 * z)
    def steady(z: Any) -> Any:
        return 3 * z

    first = run_forward(steady, z)["compiled"]

    @activation(derivative=lambda z, a: 5.0 + 0 * z)  # type: ignore[no-redef]
    def steady(z: Any) -> Any:
        return 5 * z

    assert (first[0, 0], run_forward(ACTIVATIONS.find("steady"), z)["compiled"][0, 0]) == (3, 5)


def test_a_users_activation_may_call_a_registered_one() -> None:
    softplus = ACTIVATIONS.find("softplus")

    @activation(derivative=lambda z, a: hyperbolic_tangent(0.5 * z))
    def soft_absolute(z: Any) -> Any:
        return softplus(z) + softplus(-z)

    z = samples(soft_absolute)
    expected = np.abs(z) + 2 * np.log1p(np.exp(-np.abs(z.astype(np.float64))))
    for a in run_forward(soft_absolute, z).values():
        np.testing.assert_allclose(a, expected, rtol=1e-6)


def refused_activation(message: str, function: Callable[..., Any], **entry: Any) -> None:
    with pytest.raises(ArgumentError, match=message):
        activation(**{"derivative": lambda z, a: 1.0, **entry})(function)
    assert getattr(function, "__name__", "") not in ACTIVATIONS


def test_a_wrong_derivative_is_refused_with_the_place() -> None:
    def cube(z: Any) -> Any:
        return z * z * z

    refused_activation(
        r"activation 'cube': at z = -30 its derivative is 900, but .* give 2700",
        cube,
        derivative=lambda z, a: z * z,
    )

    def ramp(z: Any) -> Any:
        return where(z < 3, 0.0, z - 3)

    step = lambda z, a: where(z < 3, 0.0, 1.0)  # noqa: E731
    refused_activation(
        r"activation 'ramp': at z = 3 its derivative jumps from 0 to 1. Name the place in kinks",
        ramp,
        derivative=step,
    )
    wrong_outside = lambda z, a: where(absolute(z) < 2, 1.0, 0.5)  # noqa: E731

    def held(z: Any) -> Any:
        return maximum(-maximum(-z, -2.0), -2.0)

    refused_activation(
        "activation 'held': at z = -30 its derivative is 0.5, but .* give 0",
        held,
        derivative=wrong_outside,
        kinks=(-2, 2),
    )


def test_wrong_activations_are_refused_in_one_sentence() -> None:
    def broken(z: Any) -> Any:
        return z if z > 0 else 0.0

    refused_activation("activation 'broken' fails on an array: .* Write it with", broken)

    def root(z: Any) -> Any:
        return z**0.5

    refused_activation("activation 'root': at z = -30 it is nan, and must be finite", root)

    def narrow(z: Any) -> Any:
        return z

    refused_activation("at z = -30 it is -30, but its range is said to be 0 to 1", narrow, range=(0, 1))
    refused_activation(
        r"its derivative must be a function of \(z, a\), but is one of \(z\)",
        narrow,
        derivative=lambda z: 1.0,
    )
    refused_activation("its derivative must be a function of", narrow, derivative=1.0)
    refused_activation("activation must be a function with a name, but got", lambda z: z)

    def shaped(z: Any, delta: float = 1.0) -> Any:
        return z

    refused_activation("activation 'shaped': a setting cannot be called 'delta'", shaped)

    def without(z: Any, strength: Any) -> Any:
        return z

    refused_activation(
        "parameters without a default can be z, but there is 'strength'. Give a setting its default", without
    )

    def worded(z: Any, mode: Any = "fast") -> Any:
        return z

    refused_activation("the default of mode must be a finite number, but is 'fast'", worded)

    def starred(*z: Any) -> Any:
        return z[0]

    refused_activation("write its parameters as plain names", starred)
    table = [1.0, 2.0]

    def looking(z: Any) -> Any:
        return z * table[0]

    refused_activation("activation 'looking' reads 'table', which is of type list", looking)


def test_a_pair_for_logarithms_is_checked_too() -> None:
    def squash(z: Any) -> Any:
        return 0.5 + 0.5 * hyperbolic_tangent(z)

    refused_activation(
        "activation 'squash': its log: at z = ",
        squash,
        derivative=lambda z, a: 2 * a * (1 - a),
        log=(lambda z, a: -absolute(z), lambda z, a: 1.0),
    )


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
    check_gradients((entry, wavy))
    check_kernel((entry, wavy), 3)
    check_kernel((entry, ACTIVATIONS.find("softmax")), 3)
    assert "cvtps2pd" not in assembly(entry.kernel(wavy, 20)), "numbers from outside are float32 too"


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


def test_new_numbers_of_a_loss_mean_new_machine_code() -> None:
    linear = ACTIVATIONS.find("linear")
    kernels = [steep(rate).kernel(linear, 1) for rate in (0.5, 0.25, 0.5)]
    assert len({compiler.key(k) for k in kernels}) == 2
    for rate in (0.5, 0.25):
        steep(rate)
        for losses, _ in at("steep", "linear", [[2.0]], [[0.0]]):
            np.testing.assert_allclose(losses, 2 * 0.5 * np.exp(2 * rate), rtol=1e-6)


def refused_loss(message: str, function: Callable[..., Any], **entry: Any) -> None:
    with pytest.raises(ArgumentError, match=message):
        loss(**{"derivatives": {"a": lambda a, y: 2 * (a - y)}, **entry})(function)
    assert getattr(function, "__name__", "") not in LOSSES


def test_wrong_losses_are_refused_in_one_sentence() -> None:
    def cubic(a: Any, y: Any) -> Any:
        return (a - y) * (a - y) * (a - y)

    refused_loss(r"loss 'cubic': at a = -30 and y = -2 its derivative is -56, but .* give 2352", cubic)
    refused_loss(
        "loss 'cubic' reads a, y, so its derivatives must be by a, but are by log_a",
        cubic,
        derivatives={"log_a": lambda a, y: a},
    )
    refused_loss(r"its derivative by a must be a function of \(a, y\)", cubic, derivatives={"a": lambda a: a})

    def distance(a: Any, y: Any) -> Any:
        return absolute(a - y)

    refused_loss(
        "loss 'distance': at a = -2 and y = -2 its derivative jumps from -1 to 1. Name the place in kinks",
        distance,
        derivatives={"a": lambda a, y: sign(a - y)},
    )

    def ratio(a: Any, y: Any) -> Any:
        return log(a / y)

    refused_loss("loss 'ratio': at a = .* and y = -2 it is -inf, and must be finite", ratio)

    def strange(prediction: Any, y: Any) -> Any:
        return prediction - y

    refused_loss(
        "parameters without a default can be a, log_a, log_rest, y, n_out, but there is 'prediction'", strange
    )

    def weighted(a: Any, y: Any, weights: float = 1.0) -> Any:
        return weights * (a - y)

    refused_loss("loss 'weighted': a setting cannot be called 'weights'", weighted)
