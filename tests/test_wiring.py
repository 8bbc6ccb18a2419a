"""Which synapse leads where, what it weighs, and what the optimizer keeps for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from networks import N_IN, T, X, plain
from pellucid import (
    Activation,
    BatchNorm,
    Concat,
    Dense,
    Dropout,
    Embedding,
    Frozen,
    Input,
    LayerNorm,
    Network,
    Residual,
    Scale,
    load,
)
from pellucid.errors import ArgumentError, UnknownNameError

BETWEEN = [Dropout(0.2), Activation("tanh"), Scale(), BatchNorm(), LayerNorm()]


def targets(net: Network, neuron: str) -> list[tuple[str, str]]:
    return [(s.source, s.target) for s in net.neuron(neuron).outgoing]


def test_outgoing_synapses_are_the_incoming_ones_of_what_is_behind() -> None:
    net = plain()
    for layer, following in (("hidden_1", "hidden_2"), ("hidden_2", "output")):
        for j, neuron in enumerate(net.layers[layer].neurons):
            ways = list(neuron.outgoing)
            assert [s.target for s in ways] == [n.name for n in net.layers[following].neurons]
            assert [s.weight for s in ways] == net.layers[following].weights[j].tolist()
            assert {s.source for s in ways} == {neuron.name}
    assert list(net.neuron("output/2").outgoing) == []
    net.neuron("hidden_1/2").outgoing["hidden_2/5"].weight = 7
    assert net.layers["hidden_2"].neurons[5].incoming["hidden_1/2"].weight == 7


def test_layers_between_are_passed_over() -> None:
    net = Network([Input(N_IN), Dense(4), *BETWEEN, Dense(3)], seed=0)
    assert targets(net, "hidden_1/3") == [("hidden_1/3", f"output/{k}") for k in range(3)]
    assert [s.weight for s in net.neuron("hidden_1", 3).outgoing] == net.layers[-1].weights[3].tolist()
    assert net.wiring.passed["output"] == [la.name for la in net.layers[2:-1]]


def test_around_a_residual_there_are_two_ways() -> None:
    net = Network([Input(N_IN), Dense(2), Residual(Dropout(0.1), Dense(5), Dense(2)), Dense(1)], seed=0)
    inner = [("hidden_1/1", f"residual_1/dense_1/{k}") for k in range(5)]
    assert targets(net, "hidden_1/1") == [*inner, ("residual_1/1", "output/0")]
    assert targets(net, "residual_1/dense_2/1") == [("residual_1/1", "output/0")]
    assert targets(net, "residual_1/dense_1/1") == [
        ("residual_1/dense_1/1", f"residual_1/dense_2/{k}") for k in range(2)
    ]


def test_out_of_a_concat_each_branch_has_its_places() -> None:
    net = Network([Input(N_IN), Dense(2), Concat([], [Dense(3, "relu")], [Scale()]), Dense(1)], seed=0)
    W = net.layers["output"].weights[:, 0]
    ways = list(net.neuron("hidden_1/1").outgoing)
    assert [s.target for s in ways[:3]] == [f"concat_1/dense_1/{k}" for k in range(3)]
    assert [(s.source, s.weight) for s in ways[3:]] == [("concat_1/1", W[1]), ("concat_1/6", W[6])]
    [way] = net.neuron("concat_1/dense_1/2").outgoing
    assert (way.source, way.target, way.weight) == ("concat_1/dense_1/2", "output/0", W[4])


def test_out_of_frozen_layers_synapses_lead_on() -> None:
    net = Network([Input(N_IN), Frozen(Dense(2), Dropout(0.3)), Dense(1)], seed=0)
    [way] = net.neuron("frozen_1/dense_1/1").outgoing
    assert (way.target, way.weight) == ("output/0", net.layers["output"].weights[1, 0])
    net.trace(X[:3], T[:3, :1])
    with pytest.raises(ArgumentError, match="'frozen_1/dense_1' is frozen: training makes no gradient"):
        _ = net.neuron("frozen_1/dense_1/1").bias_gradient


def test_features_pass_an_embedding_under_their_names() -> None:
    columns = [{"index": 1, "codes": 4, "width": 2, "name": "city"}]
    net = Network([Input(["age", "city", "income"]), Embedding(columns), Scale(), Dense(2)], seed=0)
    assert net.wiring.sources["output"] == ["age", "income", "city[0]", "city[1]"]
    assert net.wiring.reached[("", 2)] == [("output", 1)]
    assert ("", 1) not in net.wiring.reached
    trace = net.trace([[0.5, 3, -1]], [[1.0, 2.0]])
    e = trace.neuron("output/1").explain()
    assert e.adds_up
    assert [t.x for t in e.terms] == [0.5, -1, *net.parameters["embedding_1/city"][3]]


def test_synapses_and_bias_know_gradient_and_optimizer(tmp_path: Any) -> None:
    net = plain()
    neuron = net.neuron("hidden_2/4")
    assert neuron.incoming[2].optimizer == neuron.bias_optimizer == {}
    net.fit(X[:20], T[:20], epochs=1, batch_size=20, shuffle=False, train_loss=False)
    for gradient, kept in (
        (neuron.incoming[2].gradient, neuron.incoming[2].optimizer),
        (neuron.bias_gradient, neuron.bias_optimizer),
        (neuron.outgoing[1].gradient, neuron.outgoing[1].optimizer),
    ):
        assert gradient != 0
        assert kept == {
            "m": pytest.approx(0.1 * gradient, rel=1e-5),
            "v": pytest.approx(0.001 * gradient**2, rel=1e-5),
        }
    gradients = net.layers["hidden_2"].gradients
    assert neuron.bias_gradient == gradients["bias"][4]
    assert neuron.incoming["hidden_1/2"].gradient == gradients["weights"][2, 4]
    net.save(tmp_path / "net", training=True)
    assert load(tmp_path / "net").neuron("hidden_2/4").bias_optimizer == neuron.bias_optimizer
    net.save(tmp_path / "net")
    assert load(tmp_path / "net").neuron("hidden_2/4").bias_optimizer == {}
    net.fit(X[:20], T[:20], epochs=1, optimizer="sgd")
    assert neuron.bias_optimizer == {}


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            ("hiden_1/3",),
            UnknownNameError,
            "there is no layer with neurons 'hiden_1'. Did you mean 'hidden_1'?",
        ),
        (("hidden_1/9",), ArgumentError, "layer 'hidden_1' has the neurons 0 to 8, but got 9."),
        (("hidden_1", 1.5), ArgumentError, "must be a whole number from 0, but is 1.5"),
        ((3,), ArgumentError, "a neuron is named LAYER/NUMBER, such as hidden_1/0, but got 3."),
    ],
)
def test_neurons_that_are_not_there(name: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        plain().neuron(*name)
    assert message in str(caught.value)


def test_names_and_neurons_stay_right_in_a_wide_network() -> None:
    net = Network([Input(40), Dense(30), Dense(20)], seed=0)
    ways = net.neuron("hidden_1/29").outgoing
    np.testing.assert_array_equal([s.weight for s in ways], net.layers[-1].weights[29])
    assert ways["output/7"].weight == net.layers[-1].weights[29, 7]
