"""Odd questions to a network's inside: wrong names and numbers, threads, copies, codes in odd places."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Embedding, Input, LayerNorm, Network, PeriodicEmbedding, Residual, Scale
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.glass.text import table_text
from pellucid.layers.base import Layer

rng = np.random.default_rng(3)
X = rng.standard_normal((48, 4)).astype(np.float32)
T = X @ np.array([[1], [-2], [0.5], [3]], np.float32)
NAMED = np.where(T[:, 0] > 0, "yes", "no")


def network(*layers: Layer, y: Any = T, **options: Any) -> Network:
    net = Network([Input(4), *layers], seed=1)
    net.fit(X, y, epochs=4, batch_size=16, learning_rate=0.01, **options)
    return net


# ---------------------------------------------------------------- two classes and one output


def test_one_output_is_the_probability_of_the_second_class_and_leaves_the_rest_for_the_first() -> None:
    net = network(Dense(5, "relu"), Dense(1, "sigmoid"), y=NAMED)
    yes, no, usual = (net.attribute(X[0], X[1], output) for output in ("yes", "no", None))
    answers = net.predict(X[:2])[:, 0].astype(np.float64)
    assert (yes.what, no.what, usual.what) == ("probability of yes", "probability of no", yes.what)
    assert (yes.start, yes.answer) == (answers[1], answers[0])
    assert (no.start, no.answer) == (1 - answers[1], 1 - answers[0])
    np.testing.assert_array_equal(no.contributions, -yes.contributions)
    assert yes.adds_up
    assert no.adds_up
    with pytest.raises(UnknownNameError, match=r"no class 'maybe'.*Known: no, yes"):
        net.attribute(X[0], output="maybe")


def test_classes_that_are_numbers_are_named_by_texts() -> None:
    net = network(Dense(5, "relu"), Dense(3, "softmax"), y=np.array([3, 5, 9])[np.arange(48) % 3])
    assert net.attribute(X[0], output="5").what == "probability of 5"
    assert net.attribute(X[0], output="5").answer == net.predict(X[:1])[0, 1]
    assert net.attribute(X[0], output=2).what == "probability of 9"
    with pytest.raises(UnknownNameError, match=r"no class '2'. Known: 3, 5, 9"):
        net.attribute(X[0], output="2")


def test_a_number_that_is_no_probability_has_no_class() -> None:
    net = network(Dense(5, "relu"), Dense(1, "tanh"), y=NAMED, loss="hinge")
    assert net.attribute(X[0]).what == "output 0"
    with pytest.raises(UnknownNameError, match="no class 'yes'"):
        net.attribute(X[0], output="yes")


# ---------------------------------------------------------------- names and numbers


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda net: net.layers[1.5], r"a layer is chosen by its name or its number, but got 1\.5"),
        (lambda net: net.layers[1].neurons[True], "a neuron is chosen by .* but got True"),
        (lambda net: net.layers[1].neurons[0].synapses[None], "a synapse is chosen by .* but got None"),
        (
            lambda net: setattr(net.neuron("hidden_1/0").synapses[2], "weight", "x"),
            "the weight from 'x3' to ",
        ),
        (lambda net: setattr(net.neuron("hidden_1/0").synapses[2], "weight", np.nan), "but is nan"),
        (
            lambda net: setattr(net.neuron("hidden_1/0"), "bias", [1.0, 2.0]),
            "the bias of 'hidden_1/0' must be",
        ),
        (lambda net: setattr(net.neuron("hidden_1/0"), "bias", 1e39), "the bias of .* but is 1e[+]39"),
    ],
)
def test_what_is_no_name_and_no_number_ends_in_a_sentence(
    ask: Callable[[Network], Any], sentence: str
) -> None:
    net = network(Dense(3, "relu"), Dense(1))
    before = {name: values.copy() for name, values in net.parameters.items()}
    with pytest.raises(ArgumentError, match=sentence):
        ask(net)
    for name, values in net.parameters.items():
        np.testing.assert_array_equal(values, before[name])


def test_a_bias_can_be_set_like_a_weight() -> None:
    net = network(Dense(3, "relu"), Dense(1))
    neuron = net.neuron("hidden_1", 2)
    neuron.bias, neuron.synapses["x2"].weight = 0.25, np.float64(-1.5)
    assert net.layers["hidden_1"].bias[2] == 0.25
    assert net.parameters["hidden_1/weights"][1, 2] == -1.5
    assert net.layers[np.arange(3)[1]].neurons[-1].bias == 0.25


def test_a_truth_value_is_no_step_also_after_the_first_was_asked_for() -> None:
    net = network(Dense(1), record=True)
    assert net.history.replay(1).step == 1
    with pytest.raises(ArgumentError, match="step must be a whole number from 1 to 12"):
        net.history.replay(True)


def test_layers_are_pickled_and_a_view_says_that_it_needs_its_network() -> None:
    layers = [Dense(3, "leaky_relu(slope=0.25)", regularizer="l2(l2=0.5)", initializer="he_normal"), Scale()]
    again = pickle.loads(pickle.dumps(layers))
    assert [la.spec for la in again] == [la.spec for la in layers]
    net = network(*layers, Dense(1))
    for view in (net.layers[1], net.neuron("hidden_1/0"), net.neuron("hidden_1/0").synapses[0]):
        for made in (pickle.dumps, copy.deepcopy):
            with pytest.raises(
                ArgumentError, match=r"is a view into its network.*Copy the network: net\.copy\(\)"
            ):
                made(view)


# ---------------------------------------------------------------- at the same time


def test_traces_in_other_threads_disturb_neither_each_other_nor_a_training() -> None:
    net, alone = (Network([Input(4), Dense(40, "tanh"), Dense(40, "tanh"), Dense(1)], seed=2) for _ in "ab")
    other = network(Dense(6, "tanh"), Dense(1), record=True)
    wanted = [other.trace(X[k : k + 1], T[k : k + 1]).numbers["hidden_1/weights/gradient"] for k in range(3)]
    steps = [other.history.why("hidden_1/0/x1", k + 1).change for k in range(3)]  # type: ignore[union-attr]
    wrong: list[Any] = []
    done = threading.Event()

    def look(k: int) -> None:
        rounds = 0
        while rounds < 12 or not done.is_set():
            rounds += 1
            net.trace(X[k : k + 1], 100 * T[k : k + 1])
            trace = other.trace(X[k : k + 1], T[k : k + 1])
            if not np.array_equal(trace.numbers["hidden_1/weights/gradient"], wanted[k]):
                wrong.append(f"gradients of {k}")
            if not trace.neuron("hidden_1", 0).explain().adds_up:
                wrong.append(f"explanation of {k}")
            if other.history.why("hidden_1/0/x1", k + 1).change != steps[k]:  # type: ignore[union-attr]
                wrong.append(f"step {k}")

    threads = [threading.Thread(target=look, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    options: dict[str, Any] = {"epochs": 150, "batch_size": 12, "learning_rate": 0.01}
    net.fit(X, T, **options)
    done.set()
    for thread in threads:
        thread.join()
    alone.fit(X, T, **options)
    assert wrong == []
    for name, values in net.parameters.items():
        np.testing.assert_array_equal(values, alone.parameters[name])


def test_a_trace_leaves_its_gradients_also_within_a_callback() -> None:
    seen = []

    def look(net: Network, _: Any) -> None:
        trace = net.trace(X[:5], T[:5])
        seen.append(np.array_equal(net.gradients["output/weights"], trace["output"].gradients["weights"]))

    network(Dense(3, "relu"), Dense(1), callbacks=look)
    assert seen == [True] * 4


# ---------------------------------------------------------------- codes in odd places


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(4, "tanh"), Embedding([{"index": 1, "codes": 4, "width": 2}]), Dense(1)],
        [Dense(4), Embedding([{"index": i, "codes": 3, "width": 2} for i in (0, 3)]), LayerNorm(), Dense(1)],
        [Dense(4, "tanh"), PeriodicEmbedding([0, 1, 3], waves=5), Dense(1)],
        [Dense(4), PeriodicEmbedding(waves=16), LayerNorm(), Dense(1)],
        [Dense(4, "relu"), Residual(Embedding([{"index": 2, "codes": 5, "width": 2}]), Dense(4)), Dense(1)],
    ],
)
def test_behind_neurons_codes_let_no_error_pass_and_the_rest_adds_up(layers: list[Layer]) -> None:
    net = network(*layers)
    trace = net.trace(X[:6], T[:6])
    weights = net.layers["hidden_1"].weights
    for j in range(4):
        e = trace.neuron("hidden_1", j).explain(2)
        assert e.adds_up, [c for c in e.checks if not c.is_equal]
        assert e.delta == trace["hidden_1"].delta[2, j]  # type: ignore[index]
    behind = net.layers[2]
    if behind.kind == "embedding":
        codes = [c.index for c in behind.definition.columns]  # type: ignore[attr-defined]
        assert all(trace["hidden_1"].delta[:, i].tolist() == [0] * 6 for i in codes)  # type: ignore[index]
        assert "a code, which lets no error pass = 0.0" in str(trace.neuron("hidden_1", codes[0]).explain(2))
        assert np.any(trace["hidden_1"].gradients["weights"])
    assert weights.shape == (4, 4)


def test_names_keep_a_table_in_line() -> None:
    net = Network([Input(["a\nb", "c"]), Dense(1)])
    text = str(net.trace(X[:1, :2]).neuron("output", 0).explain())
    assert "  a\\nb " in text
    assert table_text(["x\ty"], [["1\r2"]]) == "x\\ty\n1\\r2"
    assert "'a\\nb'" in str(net.summary()).splitlines()[2].replace("\\\\", "\\")
