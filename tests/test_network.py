"""A network's answers against float64 NumPy: any number of rows, any form of X, any thread."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from networks import N_IN, T, X, forward, in_threads, plain, rich
from pellucid import (
    Dense,
    Input,
    Network,
)
from pellucid.engine.apart import Apart
from pellucid.engine.run import Program
from pellucid.errors import (
    DataError,
    PellucidError,
    ShapeError,
)

# ---------------------------------------------------------------- predict


@pytest.mark.parametrize("last", ["linear", "softmax"])
@pytest.mark.parametrize("n", [0, 1, 2, 383, 384, 385, 1000])
def test_predict_answers_for_any_number_of_rows(n: int, last: str) -> None:
    net = plain(last)
    outputs = net.predict(X[:n])
    assert outputs.shape == (n, 3)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, forward(net, X[:n])[1]["output"], rtol=1e-5, atol=1e-5)


FORMS: dict[str, Any] = {
    "float64": lambda X: X.astype(np.float64),
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 3, axis=0), 2, axis=1)[::3, ::2],
    "reversed": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "list": lambda X: X.tolist(),
    "tuple": lambda X: tuple(map(tuple, X)),
    "objects": lambda X: X.astype(object),
    "big-endian": lambda X: X.astype(">f8"),
    "unaligned": lambda X: unaligned(X),
    "read-only": lambda X: read_only(X),
    "long": lambda X: X.astype(np.longdouble),
}


def unaligned(X: Any) -> Any:
    memory = np.zeros(X.nbytes + 1, np.uint8)
    array = memory[1:].view(X.dtype).reshape(X.shape)
    array[:] = X
    return array


def read_only(X: Any) -> Any:
    array = X.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_the_same_numbers_has_the_same_answers(form: str) -> None:
    net, given = rich(), FORMS[form](X[:50])
    np.testing.assert_array_equal(net.predict(given), net.predict(X[:50]))
    np.testing.assert_array_equal(net(given[7]), net.predict(X[7:8])[0])


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float16])
def test_whole_numbers_and_truth_values_are_numbers(dtype: Any) -> None:
    net, whole = plain(), (np.abs(X[:20]) * 3).astype(dtype)
    np.testing.assert_array_equal(net.predict(whole), net.predict(whole.astype(np.float32)))
    np.testing.assert_array_equal(net(whole[3]), net.predict(whole[3:4])[0])


def test_a_row_alone_has_the_bits_it_has_among_others() -> None:
    net = rich()
    together = net.predict(X[:400])
    np.testing.assert_array_equal(np.stack([net(x) for x in X[:400]]), together)
    by_seven = [net.predict(X[i : min(i + 7, 400)]) for i in range(0, 400, 7)]
    np.testing.assert_array_equal(np.concatenate(by_seven), together)
    np.testing.assert_array_equal(net.predict(X[:400].astype(np.float64)), together)
    np.testing.assert_array_equal(net(X[:400]), together)


def test_a_column_serves_a_network_of_one_input() -> None:
    net = Network([Input(1), Dense(2)], seed=0)
    np.testing.assert_array_equal(net.predict([1.0, 2.0]), net.predict([[1.0], [2.0]]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_data_is_read_where_it_is(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net, data = plain(), read_only(X.astype(dtype))
    pointed: list[Any] = []
    point = Program.point
    monkeypatch.setattr(Program, "point", lambda self, b, a: (pointed.append((b, a)), point(self, b, a))[1])
    run = Apart.run
    monkeypatch.setattr(Apart, "run", lambda self, g, *a: (pointed.extend(g.items()), run(self, g, *a))[1])
    net.predict(data)
    net.fit(data, T.astype(np.float32), epochs=1)
    net.evaluate(data, T)
    net.trace(data)
    given = [a for b, a in pointed if b.name == "data/X" and a.size]
    assert len(given) >= 5
    assert all(np.shares_memory(a, data) for a in given)


def test_memory_of_the_user_is_given_back() -> None:
    net, data = plain(), X.copy()
    targets = T.astype(np.float32)
    watched = weakref.ref(data), weakref.ref(targets)
    net.predict(data)
    net.fit(data, targets, epochs=1)
    net.evaluate(data, targets)
    del data, targets
    assert [w() for w in watched] == [None, None]


def test_eight_threads_get_their_own_answers() -> None:
    net = rich()
    wanted = net.predict(X)
    wrong: list[Any] = []

    def ask(at: int) -> None:
        for i in range(at, 1000, 8):
            size = 1 + i % 500
            if not np.array_equal(net.predict(X[i : i + size]), wanted[i : i + size]):
                wrong.append(i)
            if not np.array_equal(net(X[i]), wanted[i]):
                wrong.append(i)

    in_threads(ask, 8)
    assert not wrong


def test_a_large_predict_on_a_team_has_the_bits_of_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Network([Input(N_IN), Dense(128, "relu"), Dense(100, "tanh"), Dense(3)], seed=0)
    monkeypatch.setenv("PELLUCID_THREADS", "1")
    alone = net.predict(X)
    for threads in ("2", "4"):
        monkeypatch.setenv("PELLUCID_THREADS", threads)
        np.testing.assert_array_equal(net.predict(X), alone)


BAD_ROWS: dict[str, tuple[Any, type[PellucidError], str]] = {
    "columns": (
        X[:, :5],
        ShapeError,
        "predict expects X of shape (n_samples, 6), but got (1000, 5). Check the",
    ),
    "one row": (X[0], ShapeError, "but got (6,). Give one row as X[None, :]."),
    "3-d": (X[None], ShapeError, "but got (1, 1000, 6)."),
    "number": (3.0, ShapeError, "but got ()."),
    "text": ([["a"] * 6], DataError, "predict: X must hold numbers, but got <U1."),
    "objects": ([[object()] * 6], DataError, "predict: X must be an array of numbers, but got [[<object"),
    "ragged": (
        [[1.0], [2.0, 3.0]],
        DataError,
        "predict: X must be an array of numbers, but got [[1.0], [2.0, 3.0]].",
    ),
    "complex": (X + 0j, DataError, "predict: X must hold numbers, but got complex64."),
    "dates": (np.zeros((2, 6), "M8[s]"), DataError, "predict: X must hold numbers, but got datetime64[s]."),
    "nan": (np.where(X[701, 4] == X, np.nan, X), DataError, "predict: X holds nan in row 701, column 4."),
    "masked": (
        np.ma.masked_less(X, 0),
        DataError,
        "predict: X has masked values. Replace or leave them out.",
    ),
    "missing": ([[1, 2, None, 4, 5, 6]], DataError, "predict: X holds nan in row 0, column 2."),
}


@pytest.mark.parametrize("wrong", BAD_ROWS)
def test_wrong_rows_are_one_clear_sentence(wrong: str) -> None:
    given, error, message = BAD_ROWS[wrong]
    net = plain("softmax")
    with pytest.raises(error) as caught:
        net.predict(given)
    assert message in str(caught.value)
    assert type(caught.value) is error
    np.testing.assert_array_equal(net.predict(X[:3]), plain("softmax").predict(X[:3]))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[0, :5], ShapeError, "the network expects a row of 6 numbers, but got shape (5,)."),
        (X[None], ShapeError, "the network expects a row of 6 numbers, but got shape (1, 1000, 6)."),
        (1.0, ShapeError, "the network expects a row of 6 numbers, but got shape ()."),
        (["1"] * 6, DataError, "the network: x must hold numbers, but got <U1."),
        ([1j] * 6, DataError, "the network: x must hold numbers, but got complex128."),
        ([1, 2, 3, np.nan, 5, 6], DataError, "the network: X holds nan in row 0, column 3."),
        ([1, 2, None, 4, 5, 6], DataError, "the network: X holds nan in row 0, column 2."),
    ],
)
def test_a_wrong_row_is_one_clear_sentence(x: Any, error: type[PellucidError], message: str) -> None:
    net = plain()
    with pytest.raises(error) as caught:
        net(x)
    assert message in str(caught.value)
    np.testing.assert_array_equal(net(X[0]), plain()(X[0]))


def test_answers_that_are_no_numbers_say_whose_fault_it_is() -> None:
    net = Network([Input(N_IN), Dense(9, "relu"), Dense(3)], seed=0)
    with pytest.raises(DataError, match="predict: X holds numbers so large that the network's sums overflow"):
        net.predict(np.sign(X) * 3e38)
    net.layers[1].weights[2, 3] = np.nan
    for ask in (net.predict, lambda X: net(X[0])):
        with pytest.raises(DataError, match="the network's weights are not finite; it cannot answer"):
            ask(X)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan, 1e300])
def test_no_answer_is_given_for_what_is_no_number(wrong: float) -> None:
    x = np.zeros((3, 4))
    x[1, 0] = wrong
    for seed in range(20):  # in some of them no neuron passes it on to the outputs
        net = Network([Input(4), Dense(3, "relu"), Dense(2, "softmax")], seed=seed)
        with pytest.raises(DataError, match=r"predict: X holds .* in row 1, column 0"):
            net.predict(x)


def test_evaluate_of_a_loss_beyond_all_numbers_is_one_sentence() -> None:
    net = plain()
    with pytest.raises(
        DataError, match="evaluate: X holds numbers so large that the network's sums overflow"
    ):
        net.evaluate(X, np.full((1000, 3), 1e30), metrics=["rmse"])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_a_data_frame_are_held_to_the_features(frame: Any) -> None:
    net = Network([Input(["age", "income"]), Dense(2)], seed=0)
    data = {"age": [1.0, 2.0], "income": [3.0, 5.0]}
    wanted = net.predict([[1, 3], [2, 5]])
    np.testing.assert_array_equal(net.predict(frame(data)), wanted)
    turned = frame({n: data[n] for n in ("income", "age")})
    np.testing.assert_array_equal(net.predict(turned[net.features]), wanted)
    unnamed = Network([Input(2), Dense(2)], seed=0)
    np.testing.assert_array_equal(unnamed.predict(turned), unnamed.predict([[3, 1], [5, 2]]))
    for wrong, message in (
        (turned, "predict: the columns of X are in another order than the features: give X[net.features]."),
        (
            frame({**data, "sex": [0, 1]}),
            "predict: X has a column 'sex', which is no feature: give X[net.features].",
        ),
        (frame({"age": [1], "incom": [2]}), "predict: X has no column 'income'. Did you mean 'incom'?"),
        (frame({"age": [1]}), "predict: X has no column 'income'."),
    ):
        with pytest.raises(DataError) as caught:
            net.predict(wrong)
        assert str(caught.value) == message
