"""Products that make what relu would make of their results: the same bits as one after the other."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Dropout, Input, Network, Residual, built, lowering
from pellucid.activations import relu
from pellucid.layers.base import Layer
from pellucid.layers.fusing import fuse
from pellucid.losses import LOSSES
from pellucid.lowering import Data, lower_evaluation, lower_training
from pellucid.optimizers import OPTIMIZERS

rng = np.random.default_rng(0)
X = rng.standard_normal((101, 20)).astype(np.float32)
Y = X[:, :1] ** 2

NETWORKS: dict[str, Callable[[], list[Layer]]] = {
    "few": lambda: [Dense(3, "relu"), Dense(2, "relu"), Dense(1)],
    "wide": lambda: [Dense(70, "relu"), Dense(33, "relu"), Dense(1, "relu")],
    "dropped": lambda: [Dense(20, "relu"), Dropout(0.3), Dense(20, "relu"), Dense(1)],
    "around": lambda: [Residual(Dense(20, "relu")), Residual(Dense(9, "relu"), Dense(20, "relu")), Dense(1)],
}


def trained(layers: list[Layer]) -> tuple[Any, ...]:
    net = Network([Input(20), *layers], seed=1)
    history = net.fit(X, Y, epochs=3, batch_size=37, loss="mse")
    return history["loss"], [p.tobytes() for p in net.parameters.values()], net(X).tobytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_has_the_bits_of_one_that_keeps_everything(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for how in (fuse, lambda step: None):
        monkeypatch.setattr(built, "_shared", weakref.WeakValueDictionary())
        monkeypatch.setattr(lowering, "fuse", how)
        results.append(trained(NETWORKS[name]()))
    assert results[0] == results[1]


def test_what_is_left_out() -> None:
    layers = built.Built([Input(20), *NETWORKS["wide"]()])
    data, loss = Data(20, 1), LOSSES.find("mse")

    def names(is_watched: bool) -> set[str]:
        lowered = lower_training(layers, data, loss, OPTIMIZERS.find("adam"), 37, 0, is_watched=is_watched)
        ways_back = [c for c in lowered.plan.calls() if c.kernel is relu.backward]
        assert len(ways_back) == (2 if is_watched else 0)
        return {b.name for b in lowered.step.work}

    gone = {"hidden_1/z", "hidden_2/z", "hidden_2/dx", "output/dx"}
    assert names(is_watched=True) - names(is_watched=False) == gone
    evaluation = lower_evaluation(layers, data, loss, 37)
    assert not gone & {b.name for b in evaluation.step.work}
