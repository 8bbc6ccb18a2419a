"""The weighted inputs of the output layer: what its activation makes the outputs of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Input, Network

X = np.random.default_rng(0).standard_normal((300, 4)).astype(np.float32)
MAKE: dict[str, Any] = {
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
}


@pytest.mark.parametrize("jit", ["1", "0"])
@pytest.mark.parametrize("hidden", [[], [Dense(7, "relu")]])
@pytest.mark.parametrize("activation", MAKE)
def test_they_make_the_outputs(
    activation: str, hidden: Any, jit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_JIT", jit)
    net = Network([Input(4), *hidden, Dense(3, activation)], seed=0)
    for rows in (X, X.astype(np.float64)):
        z = net.weighted_inputs(rows).astype(np.float64)
        assert (z < 0).any()
        np.testing.assert_allclose(MAKE[activation](z), net.predict(rows), rtol=1e-5, atol=1e-7)


def test_they_tell_probabilities_apart_that_float32_cannot() -> None:
    net = Network([Input(1), Dense(1, "sigmoid")], seed=0)
    net.parameters["output/weights"][:] = 1
    assert net.weighted_inputs([[90.0], [100.0]]).ravel().tolist() == [90.0, 100.0]
    assert net.predict([[90.0], [100.0]]).ravel().tolist() == [1.0, 1.0]
