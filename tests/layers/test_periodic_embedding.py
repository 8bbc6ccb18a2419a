"""PeriodicEmbedding: its arithmetic bit for bit, what it learns, names, files, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Embedding, Frozen, Input, Network, PeriodicEmbedding, load
from pellucid.errors import ArgumentError, ShapeError, UnknownNameError
from pellucid.kernels.elementary import cos_turns
from pellucid.kernels.exact import chain, exact, fma

FEATURES = ["age", "is_adult", "income", "size"]
rng = np.random.default_rng(0)
X = rng.standard_normal((300, 4)).astype(np.float32)
Y = np.sin(4 * X[:, 0]) + X[:, 2]


def network(*columns: int, **settings: Any) -> Network:
    return Network([Input(FEATURES), PeriodicEmbedding(columns or None, **settings), Dense(1)], seed=0)


@pytest.mark.parametrize(("columns", "waves"), [((), 16), ((0, 1, 3), 5), ((2,), 33)])
def test_what_it_makes_is_its_formula_bit_for_bit(columns: tuple[int, ...], waves: int) -> None:
    """Each sum is one chain of fused multiply-adds, from the bias on, in the order of the cosines."""
    net = network(*columns, waves=waves, sigma=3)
    trace, layer, chosen = net.trace(X[:21]), net.layers[1], columns or range(4)
    outputs = [X[:21, [i]] for i in range(4) if i not in chosen]
    for n, j in enumerate(chosen):
        x = X[:21, j]
        turns = fma(layer.frequencies[n], x[:, None], layer.phases[n])
        cosines = exact(cos_turns)(turns)
        shown = trace.numbers["periodic_embedding_1/cosines"][:, n * waves : (n + 1) * waves]
        np.testing.assert_array_equal(shown, cosines)
        outputs.append(x[:, None])
        for m in range(3 * n, 3 * n + 3):
            weights = np.repeat(layer.weights[m][:, None], len(x), axis=1)
            outputs.append(chain(layer.bias[m], cosines.T, weights)[-1][:, None])
    np.testing.assert_array_equal(trace["periodic_embedding_1"].a, np.hstack(outputs))
    one_by_one = np.concatenate([net.trace(x[None])["periodic_embedding_1"].a for x in X[:21]])
    np.testing.assert_array_equal(trace["periodic_embedding_1"].a, one_by_one)


def test_it_lets_a_neuron_follow_a_number_up_and_down() -> None:
    net = network(0, sigma=0.5)
    net.fit(X, Y, epochs=300, batch_size=50, learning_rate=0.02, schedule="cosine")
    straight = np.column_stack([X, np.ones(300)])
    rest = Y - straight @ np.linalg.lstsq(straight, Y, rcond=None)[0]
    assert net.evaluate(X, Y)["loss"] < 0.02 < 0.3 < (rest**2).mean()


def test_names_of_what_comes_out() -> None:
    layer = PeriodicEmbedding([3, 0], width=2)
    net = Network([Input(FEATURES), layer, Dense(2)], seed=0)
    names = ["is_adult", "income", "age", "age~1", "age~2", "size", "size~1", "size~2"]
    assert [s.source for s in net.layers["output"].neurons[0].synapses] == names
    assert net._definitions[1].origins == [1, 2, 0, 0, 0, 3, 3, 3]  # type: ignore[attr-defined]
    assert net.wiring.reached["", 0] == [("output", 2)]
    assert net.wiring.reached["periodic_embedding_1", 4] == [("output", 4)]
    explained = net.trace(X[:2]).neuron("output", 1).explain(1)
    assert explained.adds_up
    assert [t.source for t in explained.terms] == names
    inside = Network([Input(FEATURES), Frozen(PeriodicEmbedding([3, 0], width=2)), Dense(2)], seed=0)
    assert [s.source for s in inside.layers["output"].neurons[0].synapses] == names


def test_its_numbers_are_no_synapses_and_have_names_of_their_own() -> None:
    net = network(0, 2, waves=5, width=2)
    assert (net.summary().synapses, net.summary().parameters) == (8, 2 * 5 * 2 + 4 * 5 + 4 + 8 + 1)
    with pytest.raises(ArgumentError, match="has no neurons of its own"):
        _ = net.layers["periodic_embedding_1"].neurons
    history = net.fit(X, Y, epochs=1, batch_size=30, record=True)
    why = history.why("periodic_embedding_1/frequencies/1/4", 3)
    assert why.before != why.after
    why = history.why("periodic_embedding_1/weights/3/0", 10)
    assert why.after == net.layers[1].weights[3, 0]


def test_a_layer_whose_weights_are_as_many_as_in_and_outputs_has_no_neurons_either() -> None:
    net = Network([Input(3), PeriodicEmbedding([0], waves=6, width=3), Dense(1)])
    assert net.layers[1].weights.shape == (net.layers[1].n_in, net.layers[1].n_out)
    with pytest.raises(ArgumentError, match="has no neurons of its own"):
        _ = net.layers[1].neurons


def test_first_values() -> None:
    net = Network([Input(500), PeriodicEmbedding(waves=25, width=2, sigma=0.3), Dense(1)], seed=0)
    layer = net.layers[1]
    assert abs(layer.frequencies.std() - 0.3) < 0.01
    assert abs(layer.frequencies.mean()) < 0.01
    for values, bound in ((layer.phases, 0.5), (layer.weights, 0.2), (layer.bias, 0.2)):
        assert 0.98 * bound < np.abs(values).max() <= np.float32(bound)
        assert abs(values.std() - bound / 3**0.5) < 0.05 * bound


def test_learning_rates_of_its_parts() -> None:
    net = network(learning_rate={"frequencies": 0, "bias": 2.5})
    before = {n: v.copy() for n, v in net.parameters.items()}
    net.fit(X, Y, epochs=1, batch_size=300, optimizer="sgd", learning_rate=0.125)
    moved = {n: net.parameters[n] - v for n, v in before.items()}
    for part, factor in (("frequencies", 0), ("phases", 1), ("weights", 1), ("bias", 2.5)):
        name = f"periodic_embedding_1/{part}"
        np.testing.assert_allclose(moved[name], -0.125 * factor * net.gradients[name], rtol=1e-4, atol=1e-6)
        assert moved[name].any() == (factor > 0)


def test_contributions_add_up_behind_codes_too() -> None:
    codes = np.column_stack([X[:, 0], np.arange(300) % 4, X[:, 2]]).astype(np.float32)
    layers = [Embedding([{"index": 1, "codes": 4, "width": 2}]), PeriodicEmbedding([0, 1], sigma=0.5)]
    net = Network([Input(["age", "city", "income"]), *layers, Dense(9, "tanh"), Dense(1)], seed=1)
    net.fit(codes, Y, epochs=5)
    found = net.attribute(codes[3], baseline=codes[8])
    assert found.adds_up
    difference = net.predict(codes[[8, 3]])[:, 0].astype(np.float64)
    np.testing.assert_allclose(found.contributions.sum(), difference[1] - difference[0], rtol=1e-3)


def test_a_file_holds_it(tmp_path: Path) -> None:
    net = network(1, 3, waves=7, width=1, sigma=0.2, learning_rate={"phases": 0.1})
    net.fit(X, Y, epochs=2)
    net.save(tmp_path / "net.pellucid", training=True)
    other = load(tmp_path / "net.pellucid")
    assert other.layers[1].definition.spec == net.layers[1].definition.spec
    for one in (net, other):
        one.fit(X, Y, epochs=2)
    np.testing.assert_array_equal(other.predict(X), net.predict(X))


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"columns": []}, ArgumentError, "columns must be a list of places"),
        ({"columns": "age"}, ArgumentError, "columns must be a list of places"),
        ({"columns": 3}, ArgumentError, "columns must be a list of places"),
        ({"columns": [0, -1]}, ArgumentError, "a place in columns must be a whole number from 0"),
        ({"columns": [1, 0, 1]}, ArgumentError, "columns has the place 1 twice"),
        ({"columns": [0, 4]}, ShapeError, "takes input 4, but there are 4 inputs, counted from 0"),
        ({"waves": 0}, ArgumentError, "waves must be a whole number from 1"),
        ({"width": 64}, ArgumentError, "width must be a whole number from 1 to 63, but is 64"),
        ({"sigma": -1}, ArgumentError, "sigma must be"),
        ({"learning_rate": {"wave": 1}}, UnknownNameError, "no parameter of PeriodicEmbedding 'wave'"),
        ({"learning_rate": -1}, ArgumentError, "PeriodicEmbedding: learning_rate must be"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused(settings: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Network([Input(FEATURES), PeriodicEmbedding(**settings), Dense(1)])
