"""Every layer and combinator against float64: outputs, gradients, twins, and the same bits for any team."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference_layers as reference
from layer_runs import LayerRun

from pellucid.layers.activation import Activation
from pellucid.layers.base import LAYERS, Layer
from pellucid.layers.batch_norm import BatchNorm
from pellucid.layers.concat import Concat
from pellucid.layers.dense import Dense
from pellucid.layers.dropout import Dropout
from pellucid.layers.embedding import Embedding
from pellucid.layers.frozen import Frozen
from pellucid.layers.gaussian_noise import GaussianNoise
from pellucid.layers.input import Input
from pellucid.layers.layer_norm import LayerNorm
from pellucid.layers.parametric_activation import ParametricActivation
from pellucid.layers.periodic_embedding import PeriodicEmbedding
from pellucid.layers.residual import Residual
from pellucid.layers.scale import Scale


def embedding() -> Embedding:
    """Codes in the first column and in one between columns that pass."""
    return Embedding(
        [{"index": 3, "codes": 7, "width": 4, "name": "city"}, {"index": 0, "codes": 4, "width": 1}]
    )


# What stands between a Dense layer, whose gradient tells what flows back to it, and the output.
INSIDE: dict[str, Callable[[], list[Layer]]] = {
    "input": lambda: [Input(6)],
    "activation": lambda: [Activation("tanh")],
    "relu": lambda: [Activation("relu")],
    "activation of linear": lambda: [Activation("linear")],
    "softmax inside": lambda: [Activation("softmax")],
    "dropout": lambda: [Dropout(0.4)],
    "gaussian_noise": lambda: [GaussianNoise(0.7)],
    "two streams": lambda: [Dropout(0.2), GaussianNoise(0.3), Dropout(0.3)],
    "scale": lambda: [Scale()],
    "batch_norm": lambda: [BatchNorm()],
    "two batch norms": lambda: [BatchNorm(), Activation("sigmoid"), BatchNorm(epsilon=0.1)],
    "layer_norm": lambda: [LayerNorm()],
    "embedding of no codes": lambda: [Scale(), embedding()],
    "parametric_activation": lambda: [ParametricActivation("tanh")],
    "parametric relu": lambda: [ParametricActivation("relu")],
    "frozen parametric": lambda: [Frozen(ParametricActivation("sigmoid"))],
    "periodic_embedding": lambda: [PeriodicEmbedding(sigma=1)],
    "periodic_embedding of some": lambda: [PeriodicEmbedding([4, 1, 2], waves=21, width=6)],
    "residual": lambda: [Residual(Dense(6, "tanh"))],
    "residual of nothing": lambda: [Residual()],
    "concat": lambda: [Concat([Dense(4, "tanh")], [Scale()])],
    "concat with x": lambda: [Concat([], [Dense(3)], [])],
    "frozen": lambda: [Frozen(Dense(4, "tanh"))],
    "frozen waves": lambda: [Frozen(PeriodicEmbedding([5], waves=2, width=1))],
    "frozen with everything": lambda: [Frozen(BatchNorm(), Dropout(0.5), LayerNorm(), Scale(), Dense(4))],
    "residual of concat": lambda: [Residual(Concat([Dense(4, "tanh")], [LayerNorm(), Dense(2)]))],
    "concat of residuals": lambda: [Concat([Residual(BatchNorm(), Dense(6))], [Residual(Dropout(0.3))])],
    "residual of frozen": lambda: [Residual(Frozen(Dense(6, "tanh"), BatchNorm()), Scale())],
    "frozen of residual": lambda: [Frozen(Residual(Concat([Dense(2)], [Dense(4, "sigmoid")])))],
    "learns beside frozen": lambda: [Concat([Frozen(Dense(2))], [Dense(2), Activation("tanh")])],
}
AROUND: dict[str, Callable[[list[Layer]], list[Layer]]] = {
    "mse": lambda inside: [Dense(6, "tanh"), *inside, Dense(3)],
    "softmax": lambda inside: [Dense(6), *inside, Dense(3, "softmax")],
    "last": lambda inside: [Dense(6, "tanh"), *inside],
    "first": lambda inside: [*inside, Dense(2)],
}
OTHERS: dict[str, Callable[[], list[Layer]]] = {
    "softmax as a layer": lambda: [Dense(3), Activation("softmax")],
    "no parameters at all": lambda: [Activation("tanh")],
    "all frozen": lambda: [Frozen(Dense(3, "tanh"), Dense(2))],
    "frozen before": lambda: [Frozen(Dense(3, "tanh")), BatchNorm(), Dense(2)],
    "embedding that changes no width": lambda: [
        embedding(),
        Residual(Embedding([{"index": 0, "codes": 3, "width": 1}])),
    ],
    "embedding": lambda: [embedding(), Scale(), Dense(2, "tanh")],
    "nothing but codes": lambda: [Embedding([{"index": i, "codes": 3, "width": 2} for i in range(5)])],
    "embedding in branches": lambda: [Concat([embedding(), Dense(3)], [Frozen(embedding())]), Dense(2)],
    "embedding beside x": lambda: [Residual(Embedding([{"index": 1, "codes": 9, "width": 1}])), Dense(2)],
    "numbers and codes": lambda: [
        embedding(),
        PeriodicEmbedding([0, 2], waves=3),
        PeriodicEmbedding(list(range(12)), waves=16, width=1),
        Dense(2),
    ],
    "frozen at the end": lambda: [Dense(4), Frozen(Activation("tanh"), Dense(3, "tanh"))],
}
CASES = [(inside, around) for inside in INSIDE for around in AROUND] + [(name, "") for name in OTHERS]


def layers_of(inside: str, around: str) -> list[Layer]:
    return AROUND[around](INSIDE[inside]()) if around else OTHERS[inside]()


def network(inside: str, around: str, **options: Any) -> LayerRun:
    return LayerRun(layers_of(inside, around), n_in=6 if around == "first" else 5, **options)


def assert_gradients(run: LayerRun, training: bool = True) -> None:
    """All gradients agree with differences of float64 to 1e-4, the smallest to 1e-6 of the largest."""
    values = {n: v.astype(np.float64) for n, v in (run.numbers() | run.values()).items()}
    found = run.gradients()
    wanted = reference.gradients(
        run.layers, run.X.astype(np.float64), run.y, values, list(found), training=training
    )
    largest = max((np.abs(w).max() for w in wanted.values()), default=0)
    for name, exact in wanted.items():
        error = np.linalg.norm(found[name] - exact)
        assert error <= max(1e-4 * np.linalg.norm(exact), 1e-6 * largest), (name, error)


def test_all_kinds_of_layers_are_tried() -> None:
    tried = {layer.kind for case in CASES for layer in layers_of(*case)}
    assert tried == set(LAYERS.names())


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_outputs_and_gradients_agree_with_float64(case: tuple[str, str]) -> None:
    run = network(*case)
    values = run.values()
    run.run()
    x = run.X.astype(np.float64)
    exact = reference.outputs(run.layers, x, {**run.numbers(), **values})
    np.testing.assert_allclose(run.outputs(), exact, rtol=1e-4, atol=2e-5)
    for p in run.parameters:  # running averages have moved; the gradients are those before
        run.weights.view(p.buffer)[:] = values[p.name]
    assert_gradients(run)
    assert set(run.gradients()) == {p.name for p in run.parameters if p.trainable}


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_prediction_agrees_with_float64_and_its_gradients_too(case: tuple[str, str]) -> None:
    run = network(*case, is_training=False)
    before = run.values()
    run.run()
    exact = reference.outputs(run.layers, run.X.astype(np.float64), before, training=False)
    np.testing.assert_allclose(run.outputs(), exact, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(run.predict(), exact, rtol=1e-4, atol=2e-5)
    assert_gradients(run, training=False)
    for name, value in run.values().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_compiled_kernels_do_what_their_twins_do(case: tuple[str, str], monkeypatch: Any) -> None:
    compiled, plain = network(*case), network(*case)
    compiled.run(tick=5)
    monkeypatch.setenv("PELLUCID_JIT", "0")
    plain.run(tick=5)
    found, wanted = ({**r.numbers(), **r.gradients(), **r.values()} for r in (compiled, plain))
    for name, numbers in wanted.items():
        np.testing.assert_allclose(found[name], numbers, rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("case", [c for c in CASES if c[1] in ("softmax", "last", "")], ids=" ".join)
def test_any_team_leaves_the_same_bits(case: tuple[str, str]) -> None:
    bits = set()
    for members in (1, 2, 4):
        run = network(*case, n_rows=61, optimizer="adam")
        run.run(members, steps=3)
        bits.add(run.bits() + run.predict(members).tobytes())
    assert len(bits) == 1


@pytest.mark.parametrize("name", INSIDE)
def test_padding_of_what_flows_back_stays_zero(name: str) -> None:
    run = network(name, "mse", optimizer="adam")
    run.run(2, steps=2)
    for buffer in run.lowered.step.work:
        if buffer.name.endswith(("/delta", "/dx", "/da")):
            assert not run.work.padded(buffer)[:, buffer.columns :].any(), buffer.name


@pytest.mark.parametrize("name", INSIDE)
def test_a_smaller_batch_than_there_is_room_for(name: str) -> None:
    run, small = network(name, "mse"), network(name, "mse", n_rows=7)
    small.X, small.y = run.X[:7], run.y[:7]
    for arena in (run.weights, small.weights):
        for p in run.parameters if arena is run.weights else small.parameters:
            arena.view(p.buffer)[:] = run.weights.view(
                next(q.buffer for q in run.parameters if q.name == p.name)
            )
    run.work.padded(run.lowered.step.work[0])[:] = np.nan  # nothing of rows beyond the batch may be read
    run.run(rows=7)
    small.run()
    for gradient, exact in small.gradients().items():
        np.testing.assert_array_equal(run.gradients()[gradient], exact)
