"""Embedding: what is looked up, for codes that are none too; its names, files, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Embedding, Frozen, Input, Network, Scale, load
from pellucid.errors import ArgumentError, DataError, ShapeError, UnknownNameError

CITY = {"index": 1, "codes": 5, "width": 3, "name": "city"}
SIZE = {"index": 3, "codes": 4, "width": 2, "name": "weights"}
FEATURES = ["age", "town", "income", "size"]
rng = np.random.default_rng(0)
X = rng.standard_normal((200, 4)).astype(np.float32)
X[:, 1], X[:, 3] = rng.integers(0, 5, 200), rng.integers(0, 4, 200)
EFFECTS = np.array([0.5, -2.0, 1.0, 3.0, -1.0])
Y = X[:, 0] + EFFECTS[X[:, 1].astype(int)]


def network(**settings: Any) -> Network:
    return Network([Input(FEATURES), Embedding([SIZE, CITY], **settings), Dense(1)], seed=0)


@pytest.mark.parametrize("jit", ["0", "1"])
def test_any_number_is_looked_up_within_the_table(jit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_JIT", jit)
    net = Network([Input(2), Embedding([{"index": 0, "codes": 3, "width": 1}]), Scale()], seed=0)
    net.parameters["embedding_1/x1"][:] = [[10], [20], [30]]
    codes = [0, 1, 2, 3, -1, 0.5, 1.0001, -0.0, 1e30, -1e30, 2**31, 2**63]
    outputs = net.predict([[code, 7] for code in codes])
    np.testing.assert_array_equal(outputs[:, 0], [7] * len(codes))
    np.testing.assert_array_equal(outputs[:, 1], [10, 20, 30, 10, 10, 10, 10, 10, 10, 10, 10, 10])
    for code in (np.nan, np.inf, -np.inf):  # looked up before it is found to be no number
        with pytest.raises(DataError, match=r"the network: X holds .* in row 0, column 0"):
            net(np.array([code, 7.0]))


def test_it_learns_the_effect_of_each_code() -> None:
    net = Network([Input(FEATURES), Embedding([{**CITY, "width": 1}]), Dense(1)], seed=0)
    net.fit(X, Y, epochs=200, batch_size=32, learning_rate=0.05, schedule="cosine")
    learned = net.parameters["embedding_1/city"][:, 0] * net.layers["output"].weights[-1, 0]
    np.testing.assert_allclose(learned - learned.mean(), EFFECTS - EFFECTS.mean(), atol=0.02)


def test_names_of_what_comes_out() -> None:
    net = Network(
        [Input(FEATURES), Embedding([SIZE, CITY]), Scale(), Dense(2), Frozen(Scale()), Dense(1)], seed=0
    )
    named = ["age", "income", "weights[0]", "weights[1]", "city[0]", "city[1]", "city[2]"]
    assert [s.source for s in net.layers["hidden_1"].neurons[1].synapses] == named
    assert net.layers["hidden_1"].neurons[0].synapses["city[1]"].weight == net.layers[3].weights[5, 0]
    assert [s.source for s in net.layers["output"].neurons[0].synapses] == ["hidden_1/0", "hidden_1/1"]
    assert list(net.parameters)[:2] == ["embedding_1/weights", "embedding_1/city"]


def test_tables_are_no_synapses() -> None:
    summary = network().summary()
    assert (summary.synapses, summary.parameters) == (7, 5 * 3 + 4 * 2 + 7 + 1)
    assert str(summary).endswith("7 multiplications a sample")
    with pytest.raises(ArgumentError, match="has no neurons of its own"):
        _ = network().layers["embedding_1"].neurons


def test_a_file_holds_it(tmp_path: Path) -> None:
    net = network(regularizer="l2(l2=0.001)", learning_rate=2)
    net.fit(X, Y, epochs=2)
    net.save(tmp_path / "net.pellucid", training=True)
    other = load(tmp_path / "net.pellucid")
    np.testing.assert_array_equal(other.predict(X), net.predict(X))
    for one in (net, other):
        one.fit(X, Y, epochs=2)
    np.testing.assert_array_equal(other.predict(X), net.predict(X))


def test_a_frozen_table_stays() -> None:
    net = Network([Input(FEATURES), Frozen(Embedding([CITY])), Dense(1)], seed=0)
    before = net.parameters["frozen_1/embedding_1/city"].copy()
    net.fit(X, Y, epochs=2)
    np.testing.assert_array_equal(net.parameters["frozen_1/embedding_1/city"], before)
    assert net.layers["output"].neurons[0].synapses["city[2]"].source == "city[2]"


def test_its_regularizer_pulls_unused_vectors_alone() -> None:
    """A code that never comes has no gradient but its regularizer's."""
    rows = X[X[:, 1] != 4]
    plain, pulled = network(), network(regularizer="l2(l2=0.1)")
    for net in (plain, pulled):
        net.fit(rows, rows[:, 0], epochs=1, batch_size=len(rows), optimizer="sgd", learning_rate=0.1)
    before = network().parameters["embedding_1/city"][4]
    np.testing.assert_array_equal(plain.parameters["embedding_1/city"][4], before)
    np.testing.assert_allclose(
        pulled.parameters["embedding_1/city"][4], before * (1 - 0.1 * 2 * 0.1), rtol=1e-6
    )


def test_first_vectors_are_uniform_by_their_width() -> None:
    net = Network([Input(1), Embedding([{"index": 0, "codes": 5000, "width": 4}]), Dense(1)], seed=0)
    table = net.parameters["embedding_1/x1"]
    assert 0.499 < abs(table).max() <= 0.5
    assert abs(table.std() - 0.5 / 3**0.5) < 0.005
    assert not network(initializer="zeros").parameters["embedding_1/city"].any()


@pytest.mark.parametrize(
    ("columns", "error", "text"),
    [
        ([], ArgumentError, "columns must be a list of dicts"),
        (CITY, ArgumentError, "columns must be a list of dicts"),
        ("city", ArgumentError, "columns must be a list of dicts"),
        ([3], ArgumentError, "described by a dict, not by 3"),
        ([{"index": 1, "codes": 5}], ArgumentError, "width of column 'x2' must be a whole number from 1"),
        ([{**CITY, "codes": 0}], ArgumentError, "codes of column 'city' must be .* from 1"),
        ([{**CITY, "codes": 2**25}], ArgumentError, "from 1 to 16777216, but is 33554432"),
        ([{**CITY, "index": -1}], ArgumentError, "index of a column must be a whole number from 0"),
        ([{**CITY, "name": ""}], ArgumentError, "must be text, but is ''"),
        ([CITY, {**CITY, "name": "town"}], ArgumentError, "two columns have the index 1"),
        ([CITY, {**CITY, "index": 2}], ArgumentError, "two columns have the name 'city'"),
        ([{**CITY, "size": 3}], UnknownNameError, "no setting of a column of Embedding 'size'"),
        ([{**CITY, "index": 4}], ShapeError, "column 'city' from input 4, but there are 4 inputs"),
    ],
    ids=str,
)
def test_wrong_columns_are_refused(columns: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Network([Input(FEATURES), Embedding(columns), Dense(1)])
