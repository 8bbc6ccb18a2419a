"""Traces, views, copies, files and memory of a network, against float64 NumPy."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from networks import N_IN, T, X, Y, forward, plain, rich
from pellucid import (
    BatchNorm,
    Dense,
    Dropout,
    Input,
    Network,
    Residual,
    load,
)
from pellucid.errors import (
    ArgumentError,
    DataError,
    ModelFileError,
    NotFittedError,
    PellucidError,
    ShapeError,
    UnknownNameError,
)

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
    net.fit(X[:50], T[:50], epochs=1)
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
        lambda d, t: d["history"].update(columns={"loss": "low"}),
        lambda d, t: d["history"].update(columns={"loss": [0.5, None]}),
        lambda d, t: d["history"].update(range_test=[1.0]),
        lambda d, t: d["history"].update(best_epoch=10**9),
        lambda d, t: d["history"].update(reason=3),
    ):
        document, tensors = net.to_dict()
        document, tensors = copy.deepcopy(document), dict(tensors)
        spoil(document, tensors)
        with pytest.raises(ModelFileError, match=r"^the (file's|model file is damaged)"):
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
from test_network_inside import X, Y, Network, Input, Dense, BatchNorm, Dropout, WEIGHED, make
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
