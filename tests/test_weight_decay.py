"""Weight decay: what it acts on, the factor of a layer, and that explanations know of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import (
    BatchNorm,
    Dense,
    Embedding,
    Input,
    Network,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from pellucid.errors import ArgumentError
from pellucid.optimizers import OPTIMIZERS, Factors, optimizer

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
X[:, 1] = np.arange(40) % 4
T = X.sum(axis=1)
RATE, DECAY = 0.01, 0.5
OPTIONS: dict[str, Any] = {"epochs": 1, "batch_size": 40, "learning_rate": RATE}


def network(**settings: Any) -> Network:
    layers = [
        Embedding([{"index": 1, "codes": 4, "width": 2}]),
        PeriodicEmbedding([0]),
        Scale(),
        Dense(5, **settings),
        BatchNorm(),
        ParametricActivation("tanh"),
        Dense(1),
    ]
    return Network([Input(3), *layers], seed=0)


def decayed(**settings: Any) -> dict[str, float]:
    """By how much one step shrinks each parameter more with weight decay than without."""
    plain, pulled = network(**settings), network(**settings)
    first = {n: v.astype(np.float64) for n, v in plain.parameters.items()}
    plain.fit(X, T, optimizer="adam", **OPTIONS)
    pulled.fit(X, T, optimizer=f"adamw(weight_decay={DECAY})", **OPTIONS)
    found = {}
    for name, w in first.items():
        if np.abs(w).max() > 0.01 and not name.endswith(("running_mean", "running_variance")):
            more = plain.parameters[name].astype(np.float64) - pulled.parameters[name]
            at = np.unravel_index(np.abs(w).argmax(), w.shape)
            np.testing.assert_allclose(more, w * (more[at] / w[at]), atol=1e-6)
            found[name] = float(more[at] / w[at])
    return found


def test_it_acts_on_weights_and_vectors_of_codes_alone() -> None:
    found, pulled = decayed(), {"hidden_1/weights", "output/weights", "embedding_1/x2"}
    assert {n for n, share in found.items() if share > 1e-4} == pulled | {"periodic_embedding_1/weights"}
    for name in pulled:
        assert found[name] == pytest.approx(RATE * DECAY, rel=1e-3)
    assert {"scale_1/factors", "parametric_activation_1/alpha", "batch_norm_1/gain"} < found.keys()


def test_a_layer_has_a_factor_of_its_own() -> None:
    found = decayed(weight_decay=3, learning_rate=0.5)
    assert found["hidden_1/weights"] == pytest.approx(3 * 0.5 * RATE * DECAY, rel=1e-3)
    assert found["output/weights"] == pytest.approx(RATE * DECAY, rel=1e-3)
    assert network(weight_decay=3).layers["hidden_1"].definition.settings["weight_decay"] == 3
    with pytest.raises(ArgumentError, match="Dense: weight_decay must be a finite number at least 0"):
        Dense(3, weight_decay=-1)


def test_an_optimizer_without_weight_decay_needs_one_table_of_steps() -> None:
    assert OPTIMIZERS.find("adam").factors(network()._parameters[-1]) == Factors(1.0, 1.0)
    assert OPTIMIZERS.find("adamw").factors(network()._parameters[-1]) == Factors(1.0, 0.0)


def test_explanations_and_replays_know_of_it() -> None:
    net = network(weight_decay=2)
    history = net.fit(X, T, optimizer="adamw", record=True, **{**OPTIONS, "epochs": 3})
    for j in range(5):
        e = net.trace(X[:4], T[:4]).neuron("hidden_1", j).explain(1)
        assert e.adds_up, [c for c in e.checks if not c.is_equal]
        assert "The weight decay counts 2 times for the weights and 0 times for the bias." in e.notes
    assert history.why("hidden_1/0/bias", 2).numbers["decay"] == 0
    assert history.why("hidden_1/0/x1", 2).numbers["decay"] == np.float32(2 * RATE * 0.01)


def test_an_optimizer_of_a_user_that_reads_it_itself_is_told_of_the_factor_too() -> None:
    @optimizer()
    def shrink(w, g, learning_rate=0.1, weight_decay=0.5):  # type: ignore[no-untyped-def]
        return w - learning_rate * (g + weight_decay * w)

    try:
        net = Network([Input(3), Dense(1, weight_decay=2, bias_initializer="constant(value=2)")], seed=0)
        before = {n: v.copy() for n, v in net.parameters.items()}
        net.fit(X, T, optimizer="shrink", **OPTIONS)
        for name, decay in (("output/weights", 2 * 0.5), ("output/bias", 0)):
            wanted = before[name] - RATE * (net.gradients[name] + decay * before[name])
            np.testing.assert_allclose(net.parameters[name], wanted, rtol=1e-5)
    finally:
        OPTIMIZERS.remove("shrink")
