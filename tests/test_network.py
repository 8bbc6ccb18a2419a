"""The network itself: answers, traces, views, copies and files, against float64 NumPy."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
import tracemalloc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pellucid import (
    BatchNorm,
    Concat,
    Dense,
    Dropout,
    Input,
    LayerNorm,
    Network,
    Residual,
    Scale,
    load,
)
from pellucid.engine.run import Program
from pellucid.errors import (
    ArgumentError,
    DataError,
    ModelFileError,
    NotFittedError,
    PellucidError,
    ShapeError,
    UnknownNameError,
)

N_IN = 6
rng = np.random.default_rng(0)
X = rng.standard_normal((1000, N_IN)).astype(np.float32)
T = np.stack([X[:, 0] * X[:, 1], X.sum(axis=1), np.abs(X[:, 2])], axis=1)
Y = T.argmax(axis=1)


def plain(last: str = "linear", seed: int = 0) -> Network:
    return Network([Input(N_IN), Dense(9, "tanh"), Dense(17, "relu"), Dense(3, last)], seed=seed)


def rich() -> Network:
    layers = [
        Input(N_IN),
        Scale(),
        Dense(8, "relu"),
        BatchNorm(),
        Residual(Dense(8, "tanh"), Dropout(0.2)),
        Concat([Dense(5, "sigmoid")], [Dense(4), LayerNorm()]),
        Dense(3, "softmax"),
    ]
    net = Network(layers, seed=2)
    net.fit(X[:200], Y[:200], epochs=2)
    return net


def forward(net: Network, X: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weighted inputs and activations of a plain network in float64, by the layer's name."""
    a, zs, activations = np.asarray(X, np.float64), {}, {}
    known = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "linear": lambda z: z}
    for layer in net.layers[1:]:
        z = a @ layer.weights.astype(np.float64) + layer.bias
        name = layer.definition.activation.name  # type: ignore[attr-defined]
        if name == "softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            a = e / e.sum(axis=1, keepdims=True)
        else:
            a = known[name](z)
        zs[layer.name], activations[layer.name] = z, a
    return zs, activations


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
    net.predict(data)
    net.fit(data, T.astype(np.float32), epochs=1)
    net.evaluate(data, T)
    net.trace(data)
    given = [a for b, a in pointed if b.name == "data/X" and a.size]
    assert len(given) >= 5
    assert all(a.ctypes.data == data.ctypes.data for a in given)


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

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
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


# ---------------------------------------------------------------- trace


@pytest.mark.parametrize(("last", "y"), [("linear", T), ("softmax", Y)])
def test_trace_is_as_in_float64(last: str, y: Any) -> None:
    net, n = plain(last), 29
    trace = net.trace(X[:n], y[:n])
    zs, activations = forward(net, X[:n])
    target = np.eye(3)[y[:n]] if last == "softmax" else y[:n]
    output = activations["output"]
    deltas = {"output": (output - target) / n if last == "softmax" else 2 * (output - target) / (3 * n)}
    names = [layer.name for layer in net.layers]
    slopes = {"hidden_1": 1 - activations["hidden_1"] ** 2, "hidden_2": zs["hidden_2"] > 0}
    for before, name in (("hidden_2", "output"), ("hidden_1", "hidden_2")):
        deltas[before] = deltas[name] @ net.layers[name].weights.T.astype(np.float64) * slopes[before]
    inputs = {"hidden_1": X[:n], "hidden_2": activations["hidden_1"], "output": activations["hidden_2"]}
    assert [layer.name for layer in trace.layers] == names[1:]
    for name in names[1:]:
        layer = trace[name]
        close(layer.z, zs[name])
        close(layer.a, activations[name])
        close(layer.delta, deltas[name])
        close(layer.gradients["weights"], inputs[name].T @ deltas[name])
        close(layer.gradients["bias"], deltas[name].sum(axis=0))
        close(net.layers[name].gradients["weights"], inputs[name].T @ deltas[name])
    losses = (
        -np.log(output)[np.arange(n), y[:n]] if last == "softmax" else ((output - target) ** 2).mean(axis=1)
    )
    close(trace.loss, losses)
    np.testing.assert_array_equal(trace.outputs, net.predict(X[:n]))
    close(trace.numbers["hidden_2/z"], zs["hidden_2"])
    neuron = net.layers["hidden_2"].neurons[4]
    assert neuron.synapses[2].gradient == trace["hidden_2"].gradients["weights"][2, 4]


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6 * max(1e-3, np.abs(wanted).max()))


def test_trace_without_targets_goes_forward_only() -> None:
    net = plain()
    trace = net.trace(X[:5])
    close(trace["hidden_2"].z, forward(net, X[:5])[0]["hidden_2"])
    assert trace["hidden_2"].delta is None
    assert trace["output"].gradients == {}
    assert trace.loss is None


def test_trace_of_a_linear_hidden_layer_has_its_delta() -> None:
    net = Network([Input(N_IN), Dense(4), Dense(5), Dense(3)], seed=0)
    trace = net.trace(X[:7], T[:7])
    W, V = (net.layers[i].weights.astype(np.float64) for i in (3, 2))
    delta = 2 * (trace.outputs - T[:7]) / 21
    close(trace["hidden_2"].delta, delta @ W.T)
    close(trace["hidden_1"].delta, delta @ W.T @ V.T)


def test_trace_keeps_apart_what_has_similar_names() -> None:
    layers = [Input(N_IN), Dense(4, "tanh", name="output"), Residual(Dense(4, "relu"), Dense(4)), Dense(3)]
    layers[-1].name = "answer"
    net = Network(layers, seed=0)
    trace = net.trace(X[:7], T[:7])
    assert trace["output"].delta.shape == (7, 4)
    close(trace["answer"].delta, 2 * (trace.outputs - T[:7]) / 21)
    assert set(trace["residual_1"].gradients) == {
        f"dense_{i}/{p}" for i in (1, 2) for p in ("weights", "bias")
    }
    with pytest.raises(UnknownNameError, match="there is no layer 'anwser'"):
        trace["anwser"]


def test_trace_leaves_the_network_as_it_was() -> None:
    net = rich()
    before = {n: v.copy() for n, v in net.parameters.items()}
    for training in (False, True):
        net.trace(X[:50], Y[:50], training=training)
        for name, value in net.parameters.items():
            np.testing.assert_array_equal(value, before[name])
    np.testing.assert_array_equal(net.trace(X[:50]).outputs, net.predict(X[:50]))


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X[:0], None, ShapeError, "trace needs at least one row."),
        (X[:3], T[:2], ShapeError, "X has 3 rows, but y has 2."),
        (X[:3, :2], None, ShapeError, "trace expects X of shape (n_samples, 6), but got (3, 2)."),
        (X[:3] * np.nan, None, DataError, "trace: X holds nan in row 0, column 0."),
        (X[:3], T[:3] * np.nan, DataError, "y holds nan in row 0, column 0."),
    ],
)
def test_a_wrong_trace_is_one_clear_sentence(
    x: Any, y: Any, error: type[PellucidError], message: str
) -> None:
    with pytest.raises(error) as caught:
        plain().trace(x, y)
    assert message in str(caught.value)


# ---------------------------------------------------------------- views


def test_views_are_the_numbers_that_answer() -> None:
    net = plain()
    layer = net.layers["hidden_1"]
    layer.weights[:] = 0
    layer.bias[:] = 0.5
    activations = np.full((4, 9), np.tanh(0.5))
    z = np.maximum(activations @ net.layers[2].weights + net.layers[2].bias, 0)
    wanted = z @ net.layers[3].weights + net.layers[3].bias
    close(net.predict(X[:4]), wanted)
    net.layers[3].neurons[1].synapses["hidden_2/5"].weight = 7
    assert net.parameters["output/weights"][5, 1] == 7
    assert net.layers["output"].neurons[1].weights[5] == 7
    net.layers[3].neurons[1].weights[:] = 0
    assert net.predict(X[:4])[:, 1] == pytest.approx(np.full(4, net.layers[3].neurons[1].bias))


def test_setting_a_parameter_sets_the_numbers() -> None:
    net = plain()
    net.layers[1].weights = np.ones((N_IN, 9))
    net.layers["hidden_2"].bias = 0.25
    net.layers[1].weights *= 2
    assert (net.parameters["hidden_1/weights"] == 2).all()
    assert (net.parameters["hidden_2/bias"] == 0.25).all()
    assert not net._arena.padded(net._definitions[1].weights.buffer)[:, 9:].any()  # type: ignore[attr-defined]
    for wrong, error, message in (
        (
            np.ones((9, N_IN)),
            ShapeError,
            "'hidden_1': weights has shape (6, 9), but got an array of shape (9, 6).",
        ),
        ("text", ArgumentError, "'hidden_1': weights must be numbers, but got 'text'."),
    ):
        with pytest.raises(error) as caught:
            net.layers[1].weights = wrong
        assert message in str(caught.value)
    with pytest.raises(ArgumentError, match=r"layer 'hidden_1' \(dense\) has no parameter 'weight' to set."):
        net.layers[1].weight = 1
    with pytest.raises(AttributeError, match=r"layer 'hidden_1' \(dense\) has no 'weight'"):
        _ = net.layers[1].weight


def test_layers_and_neurons_are_found_by_position_and_name() -> None:
    net = Network([Input(["age", "income"]), Dense(3, "tanh"), Dropout(0.1), Dense(2)], seed=0)
    assert [layer.name for layer in net.layers] == ["input", "hidden_1", "dropout_1", "output"]
    assert net.layers[-1].name == net.layers["output"].name == net.layers[3].name == "output"
    assert [layer.kind for layer in net.layers[1:3]] == ["dense", "dropout"]
    assert net.layers[1].neurons[2].synapses["income"].source == "income"
    assert net.layers[3].neurons[0].synapses[1].source == "hidden_1/1"
    assert net.layers["hidden_1"].neurons["hidden_1/2"].name == "hidden_1/2"
    assert [net.n_in, net.n_out, net.features] == [2, 2, ["age", "income"]]
    with pytest.raises(UnknownNameError, match="there is no layer 'hiden_1'"):
        net.layers["hiden_1"]
    with pytest.raises(UnknownNameError, match="there is no synapse 'incom'"):
        net.layers[1].neurons[0].synapses["incom"]
    with pytest.raises(IndexError, match="there is no layer 4: there are 4"):
        net.layers[4]
    with pytest.raises(ArgumentError, match=r"layer 'dropout_1' \(dropout\) has no neurons of its own"):
        _ = net.layers[2].neurons


def test_summary_counts() -> None:
    summary = plain().summary()
    synapses = 6 * 9 + 9 * 17 + 17 * 3
    assert (summary.synapses, summary.parameters) == (synapses, synapses + 9 + 17 + 3)
    assert summary.nbytes == 4 * summary.parameters
    text = str(summary).splitlines()
    assert text[-1] == "287 parameters (1.1 KiB), 258 multiplications a sample"
    assert [line.split()[0] for line in text[2:-1]] == ["input", "hidden_1", "hidden_2", "output"]


# ---------------------------------------------------------------- copies and files


WAYS: dict[str, Any] = {
    "copy": lambda net, folder: net.copy(),
    "deepcopy": lambda net, folder: copy.deepcopy(net),
    "shallow copy": lambda net, folder: copy.copy(net),
    "pickle": lambda net, folder: pickle.loads(pickle.dumps(net)),
    "file": lambda net, folder: (net.save(folder / "net"), load(folder / "net"))[1],
    "file with training": lambda net, folder: (net.save(folder / "n", training=True), load(folder / "n"))[1],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [plain, rich])
def test_a_copy_answers_alike_and_is_independent(way: str, make: Any, tmp_path: Path) -> None:
    net = make()
    other = WAYS[way](net, tmp_path)
    assert repr(other) == repr(net)
    assert [repr(layer.definition) for layer in other.layers] == [repr(la.definition) for la in net.layers]
    wanted = net.predict(X[:20])
    np.testing.assert_array_equal(other.predict(X[:20]), wanted)
    for value in other.parameters.values():
        value[:] = 0
    np.testing.assert_array_equal(net.predict(X[:20]), wanted)
    assert not np.array_equal(other.predict(X[:20]), wanted)


def test_layers_serve_for_another_network() -> None:
    layers = [Input(N_IN), Dense(4, "relu"), Dense(3)]
    first, second = Network(layers, seed=0), Network(layers, seed=0)
    first.fit(X, T, epochs=1)
    np.testing.assert_array_equal(second.predict(X), Network(layers, seed=0).predict(X))
    assert layers[1].name is None


def test_the_seed_decides_the_first_weights() -> None:
    np.testing.assert_array_equal(plain(seed=3).predict(X), plain(seed=3).predict(X))
    assert not np.array_equal(plain(seed=3).predict(X), plain(seed=4).predict(X))


def test_a_file_of_another_description_is_refused(tmp_path: Path) -> None:
    net = plain()
    for spoil in (
        lambda d, t: d.pop("layers"),
        lambda d, t: d["layers"].append({"kind": "dens"}),
        lambda d, t: d["layers"][1].update(n_out=10),
        lambda d, t: d["layers"][1].update(n_out=-1),
        lambda d, t: d.update(seed="x"),
        lambda d, t: t.pop("parameters/output/bias"),
        lambda d, t: t.update({"parameters/output/bias": np.zeros(3)}),
        lambda d, t: d.update(loss={"name": "none"}),
        lambda d, t: d.update(state={}),
        lambda d, t: d.update(history=None),
    ):
        document, tensors = net.to_dict()
        document, tensors = copy.deepcopy(document), dict(tensors)
        spoil(document, tensors)
        with pytest.raises(ModelFileError, match=r"^the file's "):
            Network.from_dict(document, tensors)
    assert issubclass(NotFittedError, PellucidError)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "a network begins with its inputs"),
        ([Dense(3)], "a network begins with its inputs"),
        ([Input(3)], "a network needs at least one layer after its Input"),
        ([Input(3), "dense"], "a network is made of layers, but got 'dense'."),
        ([Input(3), Dense(2, name="a"), Dense(2, name="a")], "two layers are called 'a'."),
        ([Input(3), Input(4, name="b"), Dense(1)], "stands for 4 features, but what comes in has 3"),
    ],
)
def test_layers_that_make_no_network_are_refused(layers: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Network(layers)
    assert message in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True, 2**63])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(ArgumentError, match="seed must be a whole number from 0"):
        plain(seed=seed)


# ---------------------------------------------------------------- memory


def peak_of(action: Any) -> int:
    """Bytes that an action needs at most, beyond what was there before."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def test_data_is_never_copied() -> None:
    wide = np.ones((20_000, 300), np.float32)
    targets = np.zeros((20_000, 1), np.float32)
    net = Network([Input(300), Dense(8, "tanh"), Dense(1)], seed=0)
    net.fit(wide[:50], targets[:50], epochs=1)
    net.predict(wide[:5])
    for action in (
        lambda: net.fit(wide, targets, epochs=1, validation_split=0.2),
        lambda: net.predict(wide),
        lambda: net.evaluate(wide, targets),
    ):
        assert peak_of(action) < wide.nbytes / 2


def test_steps_and_epochs_allocate_nothing() -> None:
    """Forty times the epochs of forty times the steps: what more they need is the history's numbers."""

    def train(epochs: int, batch_size: int) -> int:
        net = plain()
        return peak_of(lambda: net.fit(X, T, epochs=epochs, batch_size=batch_size, train_loss=False))

    train(2, 10)
    few, many = train(5, 1000), train(200, 25)
    tables = 4 * 2 * 40 * 16  # the optimizer's numbers of each step, and what they are made of
    assert many - few < 200 * 4 * 64 + 4 * tables


def test_predictions_leave_nothing_behind() -> None:
    net = plain()

    def ask(times: int) -> None:
        for _ in range(times):
            net.predict(X[:100])
            net(X[0])

    ask(3)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    ask(200)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 2000


# ---------------------------------------------------------------- without compilation

WITHOUT = """
import sys
import numpy as np
from test_network import X, Y, Network, Input, Dense, BatchNorm, Dropout, WEIGHED, make
net = make()
history = net.fit(X[:100], Y[:100], **WEIGHED)
assert "numba" not in sys.modules and "llvmlite" not in sys.modules
trace = net.trace(X[:5], Y[:5])
np.savez(sys.argv[1], loss=history["loss"], one=net(X[0]), all=net.predict(X), delta=trace["hidden_1"].delta,
         **net.parameters)
"""
WEIGHED: dict[str, Any] = {"epochs": 3, "sample_weight": np.linspace(1, 2, 100), "validation_split": 0.2}


def make() -> Network:
    return Network([Input(N_IN), Dense(8, "relu"), BatchNorm(), Dropout(0.2), Dense(3, "softmax")], seed=0)


def test_a_whole_fit_without_compilation_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_JIT", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "found.npz")]
    subprocess.run(command, check=True, timeout=120)
    monkeypatch.delenv("PELLUCID_JIT")
    found, net = np.load(tmp_path / "found.npz"), make()
    history = net.fit(X[:100], Y[:100], **WEIGHED)
    np.testing.assert_allclose(found["loss"], history["loss"], rtol=1e-4)
    np.testing.assert_allclose(found["all"], net.predict(X), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["one"], net(X[0]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["delta"], net.trace(X[:5], Y[:5])["hidden_1"].delta, atol=1e-4)
    for name, value in net.parameters.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4)
