"""Each ailment, made on purpose, is found, with the numbers that were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fits import fitted, smooth
from scipy import special

from pellucid import BatchNorm, Dense, Input, Network
from pellucid.health.check import CHECKS
from pellucid.health.finding import Finding

X, Y = smooth()
CLASS = (Y > 0).astype(int)


def found(net: Network, X: Any, y: Any, name: str, **options: Any) -> Finding:
    """The first finding of a check."""
    assert name in CHECKS.names()
    all_findings = net.health(X, y, **options).findings
    hits = [f for f in all_findings if f.name == name]
    assert hits, [f.name for f in all_findings]
    assert all(hits[0].to_dict()[part] for part in ("name", "where", "measured", "why", "try_this"))
    return hits[0]


def names(net: Network, X: Any, y: Any, **options: Any) -> list[str]:
    return [f.name for f in net.health(X, y, try_fixes=False, **options).findings]


# ---------------------------------------------------------------- neurons


def test_dead_neurons() -> None:
    net = fitted(Dense(16, "relu"), X=X, y=Y)
    net.layers["hidden_1"].bias[:7] = -100
    finding = found(net, X, Y, "dead neurons")
    z = X @ net.layers["hidden_1"].weights + net.layers["hidden_1"].bias
    assert finding.numbers["neurons"] == np.flatnonzero((z <= 0).all(axis=0)).tolist()
    assert set(range(7)) <= set(finding.numbers["neurons"])
    assert finding.where == "hidden_1"


def test_what_helps_the_dead_is_tried_and_helps() -> None:
    net = fitted(Dense(16, "relu", bias_initializer="constant(value=-10)"), X=X, y=Y)
    trial = found(net, X, Y, "dead neurons").helped
    assert trial is not None
    assert trial.helped
    assert trial.after < 0.5 * trial.before
    assert trial.n_rows == round(0.3 * len(X))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign", "hard_sigmoid"])
def test_saturated_neurons(activation: str) -> None:
    net = fitted(Dense(16, activation), X=X, y=Y)
    net.layers["hidden_1"].bias[:8] = 1000
    finding = found(net, X, Y, "saturated neurons", try_fixes=False)
    assert finding.numbers["neurons"][:8] == list(range(8))


def test_first_weights_that_are_too_large_saturate_and_smaller_ones_help() -> None:
    net = fitted(Dense(16, "tanh", initializer="normal(scale=30)"), X=X, y=Y)
    trial = found(net, X, Y, "saturated neurons").helped
    assert trial is not None
    assert trial.helped


def test_duplicate_neurons() -> None:
    net = fitted(Dense(12, "tanh"), X=X, y=Y)
    layer = net.layers["hidden_1"]
    for parameter in (layer.weights, layer.bias[None]):
        parameter[:, [5, 9]] = parameter[:, [2, 2]]
        parameter[:, 7] = 1.0001 * parameter[:, 3]
    finding = found(net, X, Y, "duplicate neurons")
    assert finding.numbers["groups"] == [[2, 5, 9], [3, 7]]
    assert finding.helped is not None
    assert finding.helped.change == "9 neurons in hidden_1"


# ---------------------------------------------------------------- gradients


def test_vanishing_gradients() -> None:
    net = Network([Input(4), *(Dense(8, "sigmoid") for _ in range(6)), Dense(1)], seed=0)
    for layer in net.layers[1:]:
        layer.weights[:] *= 0.5
    numbers = found(net, X, Y, "vanishing gradients", try_fixes=False).numbers["delta"]
    a, activations = X.astype(np.float64), []
    for layer in net.layers[1:-1]:
        a = special.expit(a @ layer.weights + layer.bias)
        activations.append((layer.name, a))
    out = net.layers["output"]
    back = 2 * (a @ out.weights + out.bias - Y[:, None]) / len(X) @ out.weights.T
    for name, a in reversed(activations):
        delta = back * a * (1 - a)
        assert numbers[name] == pytest.approx(np.sqrt((delta**2).mean()), rel=1e-3)
        back = delta @ net.layers[name].weights.T
    assert numbers["hidden_1"] < 1e-3 * numbers["hidden_6"]


def test_gradients_that_vanish_before_anything_is_learned() -> None:
    net = fitted(*(Dense(16, "sigmoid") for _ in range(8)), X=X, y=Y)
    finding = found(net, X, Y, "vanishing gradients")
    assert (
        finding.numbers["delta_at_first"]["hidden_1"] < 1e-4 * finding.numbers["delta_at_first"]["hidden_8"]
    )
    assert finding.helped is not None
    assert finding.helped.helped


def test_exploding_gradients() -> None:
    layers = [Dense(32, "relu", initializer="normal(scale=1)") for _ in range(5)]
    net = fitted(*layers, X=X, y=Y, epochs=3, learning_rate=1e-6)
    finding = found(net, X, Y, "exploding gradients")
    assert finding.numbers["delta"]["hidden_1"] > 100 * finding.numbers["delta"]["hidden_5"]
    assert finding.helped is not None
    assert finding.helped.helped


def test_a_training_that_diverged() -> None:
    net = fitted(Dense(16, "relu"), X=X, y=Y, optimizer="sgd", learning_rate=1e3)
    finding = found(net, X, Y, "exploding gradients", try_fixes=False)
    assert finding.where == "training"
    assert "diverged" in finding.measured


def test_of_a_training_that_diverged_it_is_tried_whether_smaller_steps_help() -> None:
    net = fitted(Dense(16, "relu"), X=X, y=20 * Y, optimizer="sgd", learning_rate=1.0)
    assert len(net.history) == 0  # in its first epoch
    findings = net.health(X, 20 * Y).findings
    assert [f.name for f in findings] == ["exploding gradients"]  # who learned nothing cannot judge labels
    trial = findings[0].helped
    assert trial is not None
    assert trial.helped
    assert trial.after < trial.before / 2


def test_updates_that_are_too_large() -> None:
    net = fitted(Dense(16, "tanh"), X=X, y=Y, learning_rate=1.0)
    finding = found(net, X, Y, "size of updates")
    first = Network([Input(4), Dense(16, "tanh"), Dense(1)], seed=0)
    for name, ratio in finding.numbers["ratios_at_first"].items():  # Adam's first step is its learning rate
        size = np.sqrt(np.mean(np.square(first.parameters[name], dtype=np.float64)))
        assert ratio == pytest.approx(1.0 / size, rel=1e-3)
    assert finding.helped is not None
    assert finding.helped.helped


def test_updates_that_are_too_small() -> None:
    net = fitted(Dense(16, "tanh"), X=X, y=Y, learning_rate=1e-7)
    finding = found(net, X, Y, "size of updates")
    assert max(finding.numbers["ratios"].values()) < 1e-5
    assert finding.helped is not None
    assert finding.helped.change == "a hundred times the learning rate"


# ---------------------------------------------------------------- inputs


@pytest.mark.parametrize(("factor", "offset"), [(1000, 0), (1, 2000)])
def test_scales_of_inputs(factor: float, offset: float) -> None:
    Z = X * [1, factor, 1, 1] + [0, offset, 0, 0]
    net = fitted(Dense(16, "tanh"), X=Z, y=Y)
    finding = found(net, Z, Y, "scales of inputs")
    assert "x2" in finding.where
    for j, scale in enumerate(finding.numbers["scales"].values()):
        assert scale == pytest.approx(Z[:, j].std())
    assert finding.helped is not None
    assert finding.helped.helped
    normalised = fitted(BatchNorm(), Dense(16, "tanh"), X=Z, y=Y, epochs=2)
    assert "scales of inputs" not in names(normalised, Z, Y)


def test_leakage_of_numbers_and_classes() -> None:
    rng = np.random.default_rng(1)
    Z = np.hstack([X, 3 * Y[:, None] + 0.01 * rng.standard_normal((len(X), 1))])
    finding = found(fitted(Dense(8, "silu"), X=Z, y=Y), Z, Y, "leakage")
    assert finding.where == "input x5"
    assert finding.numbers["score"] > 0.99
    assert all(finding.numbers["scores"][f"x{j}"] < 0.5 for j in range(1, 5))
    Z = np.hstack([X, CLASS[:, None]])
    net = fitted(Dense(8, "silu"), X=Z, y=CLASS, output="softmax")
    assert found(net, Z, CLASS, "leakage").numbers["score"] == 1.0


def test_inputs_that_leak_together_are_told_by_their_common_name() -> None:
    y = np.random.default_rng(0).integers(0, 4, len(X))
    Z = np.hstack([X, np.eye(4)[y]]).astype(np.float32)
    net = fitted(Dense(8, "silu"), X=Z, y=y, output="softmax")
    options = {"columns": {"state": [4, 5, 6, 7]}}
    finding = found(net, Z, y, "leakage", try_fixes=False, **options)
    assert finding.where == "input state"
    assert finding.numbers["score"] == 1.0
    assert list(finding.numbers["scores"]) == ["x1", "x2", "x3", "x4", "state"]
    assert "leakage" not in names(net, Z, y)  # each of the four alone tells one class only


# ---------------------------------------------------------------- curves


def test_underfitting_by_too_few_epochs() -> None:
    net = fitted(Dense(32, "silu"), X=X, y=Y, epochs=6, learning_rate=0.001)
    finding = found(net, X, Y, "underfitting")
    assert finding.where == "training"
    assert finding.numbers["to"] == net.history["loss"][-1]
    assert finding.numbers["trivial_loss"] == pytest.approx(Y.var(), rel=1e-5)
    assert finding.helped is not None
    assert finding.helped.helped


def test_underfitting_beside_a_straight_line() -> None:
    y = X @ [1.0, 2.0, 3.0, 4.0] + 0.1 * Y
    net = fitted(Dense(32, "silu"), X=X, y=y, optimizer="sgd", learning_rate=1e-6)
    finding = found(net, X, y, "underfitting")
    A = np.hstack([X, np.ones((len(X), 1))])
    rest = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
    assert finding.numbers["line"] == pytest.approx(rest.var() / y.var(), rel=1e-4)
    left = ((net.predict(X)[:, 0] - y) ** 2).mean() / y.var()
    assert finding.numbers["network"] == pytest.approx(left, rel=1e-4)


def test_who_was_trained_as_usual_is_not_told_to_train_as_usual() -> None:
    y = X @ [1.0, 2.0, 3.0, 4.0] + 0.1 * Y
    net = fitted(Dense(32, "silu"), X=X, y=y, epochs=3, learning_rate=0.001)
    finding = found(net, X, y, "underfitting")
    assert finding.try_this == "10 times as many epochs."
    assert finding.helped is not None
    assert finding.helped.helped
    slow = fitted(Dense(32, "silu"), X=X, y=y, epochs=3, learning_rate=1e-4)
    assert found(slow, X, y, "underfitting").try_this.startswith("adam at its own learning rate")


def test_overfitting() -> None:
    y = Y + np.random.default_rng(2).standard_normal(len(Y))
    wide = [Dense(128, "relu"), Dense(128, "relu")]
    net = fitted(*wide, X=X[:150], y=y[:150], epochs=150)
    finding = found(net, X[150:], y[150:], "overfitting")
    assert finding.numbers["training"] == net.history["loss"][-1]
    given = ((net.predict(X[150:])[:, 0] - y[150:]) ** 2).mean()
    assert finding.numbers["other"] == pytest.approx(given, rel=1e-5)
    assert finding.helped is not None
    assert "overfitting" not in names(net, X[:150], y[:150])


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_wrong_labels(output: str) -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 600)
    Z = rng.standard_normal((600, 4)).astype(np.float32) + 3 * y[:, None].astype(np.float32)
    flipped = rng.random(600) < 0.08
    wrong = np.where(flipped, 1 - y, y)
    net = fitted(Dense(16, "silu"), X=Z, y=wrong, output=output)
    finding = found(net, Z, wrong, "suspicious labels", rows=range(1, 601))
    rows = np.array(finding.numbers["rows"]) - 1
    assert len(rows) >= 0.3 * flipped.sum()
    assert flipped[rows].mean() >= 0.95
    assert "suspicious labels" not in [
        f.name for f in fitted(Dense(16, "silu"), X=Z, y=y, output=output).health(Z, y).findings
    ]


def test_wrong_numbers_and_rows_that_drive_the_loss() -> None:
    y, wrong = Y.copy(), [3, 77, 200]
    y[wrong] += [30, -40, 25]
    net = fitted(Dense(16, "silu"), X=X, y=y, epochs=20)
    assert sorted(found(net, X, y, "suspicious labels").numbers["rows"]) == wrong
    finding = found(net, X, y, "rows that drive the loss")
    losses = (net.predict(X)[:, 0] - y) ** 2
    top = np.argsort(-losses)
    assert finding.numbers["rows"] == top[: len(finding.numbers["rows"])].tolist()
    assert finding.numbers["share"] == pytest.approx(losses[top[:4]].sum() / losses.sum(), rel=1e-4)


def test_every_check_is_tried_here_and_says_what_it_looks_for() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for check in CHECKS:
        assert f'"{check.name}"' in text
        assert len(check.text) > 40
