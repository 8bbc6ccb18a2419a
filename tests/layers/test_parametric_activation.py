"""ParametricActivation: where it starts, what it learns, how its way back is told, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import Activation, Dense, Input, Network, ParametricActivation, load
from pellucid.activations import ACTIVATIONS
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.losses import LOSSES

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 3)).astype(np.float32)
T = (X @ [1.0, -2.0, 0.5] + 0.3).astype(np.float32)
ELEMENTWISE = [entry.name for entry in ACTIVATIONS if entry.name != "softmax"]


def network(activation: Any = "tanh", **settings: Any) -> Network:
    return Network([Input(3), Dense(6), ParametricActivation(activation, **settings), Dense(1)], seed=0)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_at_first_it_is_the_activation_itself(name: str) -> None:
    plain = Network([Input(3), Dense(6), Activation(name), Dense(1)], seed=0)
    net = network(name)
    np.testing.assert_array_equal(net.layers[2].alpha, 1)
    for layer in (1, 3):
        for part, numbers in plain.layers[layer].parameters.items():
            net.layers[layer].parameters[part][:] = numbers
    np.testing.assert_array_equal(net.predict(X), plain.predict(X))
    net.layers[2].alpha = 0  # and none at all where its share is 0
    plain = Network([Input(3), Dense(6), Dense(1)], seed=0)
    plain.layers[1].weights[:], plain.layers[2].weights[:] = net.layers[1].weights, net.layers[3].weights
    np.testing.assert_array_equal(net.predict(X), plain.predict(X))


def test_it_learns_to_do_without_where_the_answer_is_a_straight_line() -> None:
    losses = []
    for activation in (ParametricActivation("relu", learning_rate=3), Activation("relu")):
        net = Network([Input(3), Dense(1), activation, Dense(1)], seed=0)
        net.fit(X, T, epochs=200, batch_size=20, learning_rate=0.02, schedule="cosine")
        losses.append(net.evaluate(X, T)["loss"])
    assert losses[0] < 1e-6 < 0.005 < losses[1]


@pytest.mark.parametrize("name", ["relu", "selu", "mish", "leaky_relu(slope=0.2)"])
def test_the_way_back_is_told_and_adds_up(name: str) -> None:
    net = network(name)
    net.fit(X, T, epochs=2)
    trace = net.trace(X[:9], T[:9])
    numbers, alpha = trace.numbers, net.layers[2].alpha
    d, z, g = (numbers[f"{n}"] for n in ("output/dx", "hidden_1/z", "parametric_activation_1/g"))
    np.testing.assert_allclose(g, ACTIVATIONS.find(name)(z), rtol=1e-6, atol=1e-7)
    gradient = (d.astype(np.float64) * (g.astype(np.float64) - z)).sum(axis=0)
    np.testing.assert_allclose(net.gradients["parametric_activation_1/alpha"], gradient, rtol=1e-4, atol=1e-7)
    for j in range(6):
        e = trace.neuron("hidden_1", j).explain(4)
        assert e.adds_up, [c for c in e.checks if not c.is_equal]
        told = [stage.name for stage in e.way_back]
        assert told == [*dict.fromkeys(told)]
        assert "(1 - α) × x + α × y" in str(e)
        assert "parametric_activation_1/alpha" in str(e)
    assert (alpha != 1).all()


def test_its_share_can_be_asked_for_and_keeps_the_names_of_neurons() -> None:
    net = network(learning_rate=2)
    history = net.fit(X, T, epochs=1, batch_size=20, record=True, optimizer="sgd", learning_rate=0.1)
    why = history.why("parametric_activation_1/alpha/hidden_1/3", 2)
    assert why.after == pytest.approx(why.before - 0.2 * why.gradient, rel=1e-6)  # type: ignore[operator]
    assert net.neuron("hidden_1/3").outgoing[0].target == "output/0"
    assert net.neuron("output/0").synapses[3].source == "hidden_1/3"


def test_the_loss_takes_its_outputs_for_what_they_are() -> None:
    """A share of a sigmoid is no probability."""
    net = Network([Input(3), Dense(1), ParametricActivation("sigmoid")], seed=0)
    assert net.loss is LOSSES.find("mse")


def test_a_file_holds_it(tmp_path: Path) -> None:
    net = network("leaky_relu(slope=0.3)", learning_rate=0.1)
    net.fit(X, T, epochs=2)
    net.save(tmp_path / "net.pellucid", training=True)
    other = load(tmp_path / "net.pellucid")
    for one in (net, other):
        one.fit(X, T, epochs=2)
    np.testing.assert_array_equal(other.predict(X), net.predict(X))
    assert other.layers[2].definition.spec == net.layers[2].definition.spec


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'relu'"):
        ParametricActivation("rleu")
    with pytest.raises(ArgumentError, match="'softmax' looks at all neurons of a row"):
        ParametricActivation("softmax")
    with pytest.raises(ArgumentError, match="ParametricActivation: learning_rate must be"):
        ParametricActivation("relu", learning_rate=-1)
