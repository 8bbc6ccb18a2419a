"""Predictions without detours: rows read where they are, relu cut in registers, rows one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from networks import in_threads
from pellucid import BatchNorm, Dense, Dropout, Embedding, Input, LayerNorm, Network, Residual
from pellucid.errors import DataError, ShapeError

N_IN, N = 30, 700
X = np.random.default_rng(0).standard_normal((N, N_IN)).astype(np.float32)
CODES = {"index": 2, "codes": 5, "width": 3}

NETWORKS: dict[str, list[Any]] = {
    "two outputs": [Dense(100, "relu"), Dense(2, "softmax")],
    "one output": [Dense(64, "relu"), Dense(64, "relu"), Dense(1)],
    "relu at the end": [Dense(37, "tanh"), Dense(3, "relu")],
    "many outputs": [Dense(20, "relu"), Dense(131, "softmax")],
    "straight": [Dense(2)],
    "residual": [Residual(Dense(N_IN, "relu")), Dense(4, "sigmoid")],
    "normalised": [BatchNorm(), Dense(48, "relu"), LayerNorm(), Dropout(0.5), Dense(3, "softmax")],
    "codes": [Embedding([CODES]), Dense(17, "relu"), Dense(2, "softmax")],
}


def network(name: str) -> Network:
    return Network([Input(N_IN), *NETWORKS[name]], seed=3)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_way_to_ask_has_the_bits_of_the_trace(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(name)
    net.fit(X, np.zeros((N, net.n_out)), epochs=1, batch_size=64, loss="mse", optimizer="sgd")
    traced = net.trace(X, training=False).outputs
    rows = np.stack([net(x) for x in X])
    doubles = np.stack([net(x) for x in X[:20].astype(np.float64)])
    np.testing.assert_array_equal(rows, traced)
    np.testing.assert_array_equal(doubles, traced[:20])
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("PELLUCID_THREADS", threads)
        monkeypatch.setattr("pellucid.prediction.WORTH_A_TEAM", 0)
        for n in (1, 95, 96, 97, N):
            np.testing.assert_array_equal(net.predict(X[:n]), traced[:n])
            np.testing.assert_array_equal(net.predict(X[:n].astype(np.float64)), traced[:n])


@pytest.mark.parametrize("name", ["two outputs", "normalised", "codes"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_wherever_it_stands(name: str, dtype: Any, wrong: float) -> None:
    net = network(name)
    wanted = net.predict(X)
    for row, column in ((0, 0), (95, 29), (96, 15), (N - 1, 29)):
        given = X.astype(dtype)
        given[row, column] = wrong
        with pytest.raises(DataError, match=rf"predict: X holds .* in row {row}, column {column}\."):
            net.predict(given)
        with pytest.raises(DataError, match=rf"the network: X holds .* in row 0, column {column}\."):
            net(given[row])
    np.testing.assert_array_equal(net.predict(X), wanted)  # nothing is remembered of it
    np.testing.assert_array_equal(net(X[5]), wanted[5])


def test_outputs_beyond_all_numbers_are_answers_as_long_as_they_are_numbers() -> None:
    net = Network([Input(1), Dense(1)], seed=0)
    net.layers[1].weights = 3.0
    np.testing.assert_array_equal(net.predict([[3e38], [1.0]]), [[np.inf], [3.0]])
    np.testing.assert_array_equal(net(np.array([3e38])), [np.inf])
    np.testing.assert_array_equal(net(np.array([1.0], np.float32)), [3.0])


def test_masked_and_misshapen_rows_are_refused() -> None:
    net = network("two outputs")
    with pytest.raises(DataError, match=r"the network: x has masked values\."):
        net(np.ma.masked_array(X[0], X[0] > 0))
    for x in (X[0, :-1], X[0].reshape(5, 6), X[:1, :, None]):
        with pytest.raises(ShapeError, match=r"expects"):
            net(x)
    np.testing.assert_array_equal(net(X.T.copy().T[4]), net(X[4]))  # with gaps between its numbers
    np.testing.assert_array_equal(net(X[4].astype(">f4")), net(X[4]))


def test_rows_from_several_threads_at_once() -> None:
    net, wrong = network("two outputs"), []
    wanted = net.predict(X)

    def ask(at: int) -> None:
        for i in range(at, N, 4):
            if not np.array_equal(net(X[i]), wanted[i]) or not np.array_equal(
                net(X[i].astype(float)), wanted[i]
            ):
                wrong.append(i)

    in_threads(ask, 4)
    assert not wrong
