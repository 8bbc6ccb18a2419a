"""Layers and plans that networks of one structure share: who does, and that no bit depends on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pellucid import (
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    GaussianNoise,
    Input,
    LayerNorm,
    Network,
    PeriodicEmbedding,
    Residual,
    built,
)
from pellucid.activations import ACTIVATIONS, activation
from pellucid.built import MOST, Built
from pellucid.errors import ArgumentError
from pellucid.layers.base import LAYERS
from pellucid.losses import LOSSES
from pellucid.optimizers import OPTIMIZERS
from pellucid.regularizers import Gradients

RNG = np.random.default_rng(0)
X = RNG.standard_normal((70, 4)).astype(np.float32)
X[:, 3] = RNG.integers(0, 5, 70)
Y = (X[:, 0] > 0).astype(np.int64)

Make = Callable[[], list[Any]]


def plain() -> list[Any]:
    return [Input(4), Dense(6, "tanh"), Dense(2, "softmax")]


def rich() -> list[Any]:
    codes = Embedding([{"index": 3, "codes": 5, "width": 2}])
    inside = Residual(Dense(8, "leaky_relu(slope=0.2)", regularizer="l2", max_norm=2), LayerNorm())
    noise = GaussianNoise(0.1)
    return [
        Input(["a", "b", "c", "d"]),
        codes,
        PeriodicEmbedding([0, 2]),
        Dense(8),
        BatchNorm(),
        Dropout(0.3),
        inside,
        noise,
        Dense(2, "softmax"),
    ]


def test_networks_of_one_structure_share_layers_and_have_numbers_of_their_own() -> None:
    for make in (plain, rich):
        one, two = Network(make(), seed=0), Network(make(), seed=1)
        assert one._definitions is two._definitions
        before = {n: v.copy() for n, v in two.parameters.items()}
        one.fit(X, Y, epochs=2)
        for name, values in two.parameters.items():
            np.testing.assert_array_equal(values, before[name])
            assert not np.shares_memory(values, one.parameters[name])


OTHERS: list[Make] = [
    plain,
    lambda: [Input(["a", "b", "c", "d"]), Dense(6, "tanh"), Dense(2, "softmax")],
    lambda: [Input(4), Dense(7, "tanh"), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "relu"), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh", initializer="normal"), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh", initializer="normal(scale=0.1)"), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh", regularizer="l2"), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh", max_norm=1), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh", learning_rate=0.5), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh", name="first"), Dense(2, "softmax")],
    lambda: [Input(4), PeriodicEmbedding(), Dense(6, "tanh"), Dense(2, "softmax")],
    lambda: [Input(4), PeriodicEmbedding([0, 1]), Dense(6, "tanh"), Dense(2, "softmax")],
    lambda: [Input(4), PeriodicEmbedding([0, 1], sigma=1), Dense(6, "tanh"), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh"), Dropout(0.1), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh"), Dropout(0.2), Dense(2, "softmax")],
    lambda: [Input(4), Dense(6, "tanh"), Residual(Dropout(0.2)), Dense(2, "softmax")],
]


def test_whatever_differs_is_not_shared() -> None:
    nets = [Network(make(), seed=0) for make in OTHERS]
    assert len({id(net._definitions) for net in nets}) == len(nets)
    for net, make in zip(nets, OTHERS, strict=True):
        assert [la.spec for la in net._definitions] == [la.spec for la in Built(make())]


def test_nothing_is_kept_of_networks_that_are_gone() -> None:
    make = lambda: [Input(4), Dense(19, "elu"), Dense(2, "softmax")]  # noqa: E731
    net = Network(make(), seed=0)
    net.fit(X, Y, epochs=1)
    n_shared = len(built._shared)
    del net
    assert len(built._shared) == n_shared - 1


def test_a_layer_used_twice_is_refused_also_where_two_such_layers_are_known() -> None:
    known = Network([Input(4), Dense(3), Dense(3)], seed=0)
    layer = Dense(3)
    with pytest.raises(ArgumentError, match="use each layer once"):
        Network([Input(4), layer, layer], seed=0)
    assert known.n_out == 3


@pytest.fixture
def own_layer() -> Iterator[type[Dense]]:
    class Own(Dense):
        kind = "own"

    yield Own
    LAYERS.remove("own")


def test_layers_of_users_are_planned_for_each_fit(own_layer: type[Dense]) -> None:
    make = lambda: [Input(4), own_layer(6, "tanh"), Dense(2, "softmax")]  # noqa: E731
    one, two = Network(make(), seed=0), Network(make(), seed=0)
    assert one._definitions is not two._definitions
    asked = (LOSSES.find("categorical_crossentropy"), OPTIMIZERS.find("adam"), 10, 0, Gradients())
    layers = one._definitions
    assert layers.training(layers.data("f4", True, False), *asked) is not layers.training(
        layers.data("f4", True, False), *asked
    )


def test_a_formula_that_is_defined_again_is_another_one() -> None:
    def define(factor: float) -> None:
        if factor == 1:

            @activation(derivative=lambda z, a: 1.0, source="")
            def changing(z):  # type: ignore[no-untyped-def]
                return 1.0 * z

        else:

            @activation(derivative=lambda z, a: 2.0, source="")
            def changing(z):  # type: ignore[no-untyped-def]
                return 2.0 * z

    make = lambda: [Input(4), Dense(2, "changing")]  # noqa: E731
    define(1)
    try:
        one = Network(make(), seed=0)
        define(2)
        two = Network(make(), seed=0)
    finally:
        ACTIVATIONS.remove("changing")
    assert one._definitions is not two._definitions
    np.testing.assert_allclose(two.predict(X), 2 * one.predict(X), rtol=1e-6)


REQUESTS: list[dict[str, Any]] = [
    {},
    {"loss": "kl_divergence"},
    {"optimizer": "sgd"},
    {"optimizer": "momentum(momentum=0.8)"},
    {"batch_size": 16},
    {"gradients": Gradients(clip_norm=1.0)},
    {"gradients": Gradients(clip_norm=2.0)},
    {"is_weighted": True},
    {"dtype": "f8"},
]


def request(
    layers: Built,
    *,
    loss: str = "categorical_crossentropy",
    optimizer: str = "adam",
    batch_size: int = 10,
    seed: int = 0,
    gradients: Gradients | None = None,
    dtype: str = "f4",
    is_weighted: bool = False,
) -> Any:
    data = layers.data(dtype, True, is_weighted)
    return layers.training(
        data, LOSSES.find(loss), OPTIMIZERS.find(optimizer), batch_size, seed, gradients or Gradients()
    )


def test_a_plan_serves_the_same_request_and_no_other() -> None:
    net = Network(plain(), seed=0)
    layers = net._definitions
    for asked in REQUESTS[:MOST]:
        assert request(layers, **asked) is request(layers, **asked)
    found = [request(layers, **asked) for asked in REQUESTS]
    assert len(set(map(id, found))) == len(REQUESTS)
    assert len(layers._plans) == MOST


def test_a_plan_serves_every_seed_unless_it_draws() -> None:
    plain_net, drawing = Network(plain(), seed=0), Network(rich(), seed=0)
    assert request(plain_net._definitions, seed=1) is request(plain_net._definitions, seed=2)
    assert request(drawing._definitions, seed=1) is not request(drawing._definitions, seed=2)
    noisy = Gradients(noise=0.1)
    of = plain_net._definitions
    assert request(of, seed=1, gradients=noisy) is not request(of, seed=2, gradients=noisy)


def numbers(net: Network) -> bytes:
    return b"".join(v.tobytes() for v in net.parameters.values())


FITS: list[dict[str, Any]] = [
    {"epochs": 2},
    {"epochs": 1, "train_loss": False},
    {"epochs": 1, "batch_size": 16, "optimizer": "momentum(momentum=0.8)", "gradient_noise": 0.01},
    {"epochs": 2, "validation_split": 0.3, "clip_norm": 1},
    {"epochs": 1, "sample_weight": np.linspace(1, 2, len(X))},
]


@pytest.mark.parametrize("make", [plain, rich])
def test_bits_do_not_depend_on_what_is_shared(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two networks in turn on shared plans, beside each alone with plans made anew for each fit."""
    together = [Network(make(), seed=seed) for seed in (3, 4)]
    seen = [[], []]  # type: list[list[bytes]]
    for options in FITS:
        for i, net in enumerate(together):
            net.fit(X, Y, **options)
            seen[i].append(numbers(net))
    monkeypatch.setattr(built, "build", Built)
    monkeypatch.setattr("pellucid.anatomy.build", Built)
    for i, seed in enumerate((3, 4)):
        alone = Network(make(), seed=seed)
        assert alone._definitions is not together[0]._definitions
        for options, expected in zip(FITS, seen[i], strict=True):
            alone.fit(X, Y, **options)
            assert numbers(alone) == expected


def test_threads_that_train_networks_of_one_structure_do_not_meet() -> None:
    nets = [Network(rich(), seed=seed) for seed in range(4)]
    expected = []
    for seed in range(4):
        net = Network(rich(), seed=seed)
        net.fit(X, Y, epochs=5)
        expected.append(numbers(net))
    threads = [threading.Thread(target=net.fit, args=(X, Y), kwargs={"epochs": 5}) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [numbers(net) for net in nets] == expected
