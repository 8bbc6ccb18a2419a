"""Many epochs in one call of compiled code: everything is as if they had been run one by one."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from training_runs import bits, classes, classification, numbers, regression, values

from pellucid import BatchNorm, Dense, Dropout, GaussianNoise, Input, Network
from pellucid.training.epochs import Epochs
from pellucid.training.fit import Fit
from pellucid.training.history import History

X = numbers(101)
T, C = values(X), classes(X)


def drawn(seed: int = 3) -> Network:
    """A network that draws random numbers and keeps running averages."""
    layers = [Input(5), Dense(9, "relu"), Dropout(0.2), BatchNorm(), GaussianNoise(0.1), Dense(3, "softmax")]
    return Network(layers, seed=seed)


def one_by_one(monkeypatch: pytest.MonkeyPatch, net: Network, y: Any, **options: Any) -> History:
    """The same fit with Python between all epochs."""
    with monkeypatch.context() as patch:
        patch.setattr(Fit, "_at_once", lambda *_: 1)
        return net.fit(X, y, **options)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many epochs each call has run."""
    calls: list[int] = []
    whole = Epochs.end

    def end(self: Epochs, seconds: float | None = None) -> dict[str, list[float]]:
        records = whole(self, seconds)
        calls.append(len(records.get("seconds", ())))
        return records

    monkeypatch.setattr(Epochs, "end", end)
    return calls


def assert_same(a: Network, b: Network) -> None:
    """Weights, history and all that a later fit needs, to the bit; only times differ."""
    assert bits(a) == bits(b)
    (one, tensors), (other, same) = a.to_dict(training=True), b.to_dict(training=True)
    for document in (one, other):
        for kept in (document["history"], document["state"]["history"]):
            kept["columns"].pop("seconds", None)
    np.testing.assert_equal(one, other)  # where both have NaN, they are equal
    assert tensors.keys() == same.keys()
    assert all(tensors[n].tobytes() == same[n].tobytes() for n in tensors)


OPTIONS: dict[str, dict[str, Any]] = {
    "as they come": {"epochs": 7},
    "an odd number of steps": {"epochs": 7, "batch_size": 100},
    "without the loss at the end": {"epochs": 7, "train_loss": False},
    "in the order given": {"epochs": 5, "shuffle": False, "batch_size": 10},
    "two threads": {"epochs": 9, "threads": 2, "validation_split": 0.3, "batch_size": 64},
    "patience": {"epochs": 300, "validation_split": 0.3, "patience": 3, "learning_rate": 0.02},
    "patience without validation": {"epochs": 90, "patience": 2, "min_delta": 0.02},
    "validation alone": {"epochs": 9, "validation_rows": range(7, 20), "train_loss": False},
    "until": {"epochs": 200, "until": 0.8, "learning_rate": 0.01},
    "weights of rows": {"epochs": 6, "sample_weight": np.arange(101) % 3, "validation_split": 0.2},
    "a schedule": {"epochs": 12, "schedule": "cosine", "optimizer": "nadam"},
    "clipped and noisy": {"epochs": 6, "clip_norm": 0.5, "gradient_noise": 0.1, "optimizer": "momentum"},
    "diverged at once": {"epochs": 20, "optimizer": "sgd", "learning_rate": 1e25},
    "diverged later": {"epochs": 80, "optimizer": "sgd", "learning_rate": 30.0},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_all_is_as_if_run_one_by_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for make, y in ((drawn, C), (lambda: regression(7), T)):
        together, alone = make(), make()
        with monkeypatch.context() as patch:
            calls = counted(patch)
            history = together.fit(X, y, **OPTIONS[name])
        assert calls
        assert sum(calls) == len(history)
        one_by_one(monkeypatch, alone, y, **OPTIONS[name])
        assert_same(together, alone)
        # and a later fit goes on from there
        together.fit(X, y, epochs=3)
        one_by_one(monkeypatch, alone, y, epochs=3)
        assert_same(together, alone)


def test_a_divergence_of_the_losses_at_the_end_is_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.where(np.arange(101)[:, None] % 2, 3e19, -3e19) * np.ones(3)
    together, alone = regression(), regression()
    options: dict[str, Any] = {
        "epochs": 9,
        "validation_split": 0.2,
        "optimizer": "sgd",
        "learning_rate": 1e-3,
    }
    history = together.fit(X, y.astype(np.float32), **options)
    one_by_one(monkeypatch, alone, y.astype(np.float32), **options)
    assert history.stopped_by == "diverged"
    assert_same(together, alone)


def test_what_is_recorded_of_many_epochs_is_their_mean_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    history = classification().fit(X, C, epochs=6)
    assert calls[0] > 1
    assert len(set(history["seconds"][: calls[0]])) == 1
    assert history["seconds"][0] > 0


def test_what_needs_python_in_between_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    seen: list[float] = []
    classification().fit(X, C, epochs=4, callbacks=lambda net, record: seen.append(record["loss"]))
    classification().fit(X, C, epochs=4, metrics=["accuracy"])
    classification().fit(X, C, epochs=4, record=True)
    classification().fit(X, C, epochs=4, schedule="reduce_on_plateau")
    Network([Input(5), Dense(3, "softmax", regularizer="l2")]).fit(X, C, epochs=4)
    assert not calls
    assert len(seen) == 4


def test_without_compiled_code_there_are_no_such_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    monkeypatch.setenv("PELLUCID_JIT", "0")
    assert len(classification().fit(X, C, epochs=3)) == 3
    assert not calls


def test_ctrl_c_is_seen_between_two_calls() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pressed: list[float] = []

        def press() -> None:
            pressed.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.3, press)
        timer.start()
        net = classification()
        history = net.fit(X, C, epochs=10**7, train_loss=False)
        assert time.perf_counter() - pressed[0] < 2
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.stopped_by == "ctrl-c"
    assert history.reason == f"Ctrl-C after epoch {len(history)}"
    other = classification()
    other.fit(X, C, epochs=len(history), train_loss=False)
    assert bits(net) == bits(other)


def test_two_fits_are_one_fit_in_two_parts() -> None:
    whole, parts = drawn(), drawn()
    whole.fit(X, C, epochs=11)
    for epochs in (1, 4, 6):
        parts.fit(X, C, epochs=epochs)
    assert bits(whole) == bits(parts)
    for name in ("running_loss", "loss", "gradient_norm", "learning_rate"):
        assert whole.history[name] == parts.history[name]
