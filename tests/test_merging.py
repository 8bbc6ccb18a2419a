"""Several networks made one: its answers are the mean of theirs, and it is a network like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid import Dense, Dropout, Input, Network
from pellucid.errors import ArgumentError
from pellucid.layers.embedding import Embedding
from pellucid.layers.scale import Scale
from pellucid.merging import merged

X = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)


def networks(n: int, output: str = "softmax", n_out: int = 3) -> list[Network]:
    hidden = [Scale(), Dense(7, "silu"), Dropout(0.1), Dense(5, "tanh")]
    return [Network([Input(["a", "b", "c"]), *hidden, Dense(n_out, output)], seed=i) for i in range(n)]


def log_mean(nets: list[Network], shares: list[float], temperature: float) -> np.ndarray:
    """The geometric mean of the probabilities, in float64."""
    z = sum(s * np.log(net.predict(X).astype(np.float64)) for s, net in zip(shares, nets, strict=True))
    e = np.exp(z / temperature)
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def test_probabilities_are_the_geometric_mean_at_a_temperature() -> None:
    nets, shares = networks(3), [0.5, 0.3, 0.2]
    both = merged(nets, [5, 3, 2], 1.7)
    np.testing.assert_allclose(both.predict(X), log_mean(nets, shares, 1.7), atol=1e-6)


def test_numbers_are_the_mean() -> None:
    nets = networks(4, "linear", 2)
    expected = np.mean([net.predict(X).astype(np.float64) for net in nets], axis=0)
    np.testing.assert_allclose(merged(nets).predict(X), expected, atol=1e-6)


def test_who_counts_for_nothing_is_left_out_and_one_alone_stays_a_chain() -> None:
    nets = networks(3)
    one = merged(nets, [0, 1, 0], 2.0)
    assert [type(la).__name__ for la in one._definitions][:3] == ["Input", "Scale", "Dense"]
    np.testing.assert_allclose(one.predict(X), log_mean([nets[1]], [1.0], 2.0), atol=1e-6)


def test_a_straight_line_and_learned_vectors_are_branches_too() -> None:
    codes = np.column_stack([X[:, :2], np.arange(60) % 4]).astype(np.float32)
    table = [{"index": 2, "codes": 4, "width": 2, "name": "kind"}]
    layers = [Input(["a", "b", "kind"]), Embedding(table)]
    line = Network([*layers, Dense(1)], seed=1)
    bent = Network([*layers, Dense(6, "relu"), Dense(1)], seed=2)
    expected = (line.predict(codes).astype(np.float64) + bent.predict(codes)) / 2
    np.testing.assert_allclose(merged([line, bent]).predict(codes), expected, atol=1e-6)


def test_straight_lines_become_one() -> None:
    lines = [Network([Input(["a", "b", "c"]), Dense(2)], seed=i) for i in (1, 2)]
    bent = networks(2, "linear", 2)
    nets, shares = [lines[0], bent[0], lines[1], bent[1]], np.array([0.1, 0.2, 0.3, 0.4])
    all_in_one = merged(nets, shares.tolist())
    assert all_in_one.layers["output"].sources[:3] == ["a", "b", "c"]
    assert all_in_one.layers["output"].n_in == 3 + 2 * 5
    W = [line.layers["output"].weights for line in lines]
    np.testing.assert_allclose(all_in_one.layers["output"].weights[:3], 0.1 * W[0] + 0.3 * W[1], rtol=1e-6)
    expected = sum(s * net.predict(X).astype(np.float64) for s, net in zip(shares, nets, strict=True))
    np.testing.assert_allclose(all_in_one.predict(X), expected, atol=1e-6)
    straight = merged(lines)
    assert [la.kind for la in straight.layers] == ["input", "dense"]
    np.testing.assert_allclose(
        straight.predict(X), (lines[0].predict(X) + lines[1].predict(X)) / 2, atol=1e-6
    )


def test_it_is_traced_saved_and_trained_like_any_other(tmp_path: Path) -> None:
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    nets = networks(2, n_out=2)
    pellucid.fit_many(nets, X, y, epochs=5)
    both = merged(nets, temperature=1.5)
    assert both.history.reason == nets[0].history.reason
    assert both.classes == nets[0].classes
    trace = both.trace(X[:4], y[:4])
    np.testing.assert_array_equal(trace.layers[-1].a, both.predict(X[:4]))
    both.save(tmp_path / "both.pellucid")
    np.testing.assert_array_equal(pellucid.load(tmp_path / "both.pellucid").predict(X), both.predict(X))
    before = both.evaluate(X, y)["loss"]
    both.fit(X, y, epochs=30)
    assert both.evaluate(X, y)["loss"] < before


def test_networks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ArgumentError, match="at least one network"):
        merged([])
    with pytest.raises(ArgumentError, match=r"networks\[1\] has other inputs, outputs"):
        merged([networks(1)[0], networks(1, n_out=4)[0]])
    with pytest.raises(ArgumentError, match="must end in a Dense"):
        merged([Network([Input(3), Dense(2), Scale()])])
