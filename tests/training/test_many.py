"""Many networks side by side: each as by its own fit, to the bit, whatever it is asked for."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from training_runs import bits, classes, classification, numbers, regression, values

from pellucid import BatchNorm, Dense, Dropout, Input, Network, fit_many
from pellucid.errors import ArgumentError, DataError, PellucidError, UnknownNameError
from pellucid.training.crowd import Crowd
from pellucid.training.fit import Fit
from pellucid.training.history import History

X = numbers(90)
T, C = values(X), classes(X)
QUICK: list[dict[str, Any]] = [
    {"learning_rate": 0.01},
    {"optimizer": "sgd", "batch_size": 7, "epochs": 3},
    {"validation_split": 0.25, "patience": 2, "epochs": 60, "learning_rate": 0.03},
    {"schedule": "cosine", "train_loss": False, "epochs": 1},
    {"optimizer": "sgd", "learning_rate": 1e25},
    {"sample_weight": np.arange(90) % 4, "shuffle": False},
    {"validation_data": (X[:20], C[:20]), "until": 0.9, "epochs": 200},
    {"class_weight": "balanced", "clip_norm": 0.1},
]
SLOW: list[dict[str, Any]] = [
    {"metrics": ["accuracy"]},
    {"callbacks": [lambda net, record: record["epoch"] == 3]},
    {"schedule": "reduce_on_plateau"},
    {"record": True},
    {"time_limit": 60.0},
    {"learning_rate": "auto"},
]


def population(n: int) -> list[Network]:
    """Networks of two structures, one of which draws random numbers."""
    drawn = [Input(5), Dense(6, "tanh"), Dropout(0.3), BatchNorm(), Dense(3, "softmax")]
    return [Network(drawn, seed=i) if i % 2 else classification(8 + i // 4, seed=i) for i in range(n)]


def assert_as_by_fit(net: Network, history: History, other: Network) -> None:
    assert history is net.history
    assert bits(net) == bits(other)
    (one, tensors), (same, wanted) = net.to_dict(training=True), other.to_dict(training=True)
    for document in (one, same):
        for kept in (document["history"], document["state"]["history"]):
            assert len(kept["columns"].pop("seconds", ())) == len(history)
    np.testing.assert_equal(one, same)
    assert all(tensors[name].tobytes() == wanted[name].tobytes() for name in wanted)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_each_is_as_by_its_own_fit(threads: int) -> None:
    each = [*QUICK, *SLOW]
    nets, alone = population(len(each)), population(len(each))
    histories = fit_many(nets, X, C, each=each, threads=threads, epochs=5)
    for net, history, other, options in zip(nets, histories, alone, each, strict=True):
        other.fit(X, C, **{"epochs": 5, **options})
        assert_as_by_fit(net, history, other)


def test_short_trainings_need_no_python_and_the_others_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[Fit] = []
    whole, run = Crowd.add, Fit.run
    ran: list[Fit] = []

    def add(self: Crowd, fit: Fit, lock: Any) -> bool:
        added.append(fit)
        return whole(self, fit, lock)

    monkeypatch.setattr(Crowd, "add", add)
    monkeypatch.setattr(Fit, "run", lambda self, *asked: (ran.append(self), run(self, *asked))[1])
    each = [*QUICK, *SLOW]
    nets = population(len(each))
    fit_many(nets, X, C, each=each, epochs=5)
    assert [fit.network for fit in added] == nets[: len(QUICK)]
    assert {id(fit.network) for fit in ran} == {id(net) for net in nets[len(QUICK) :]}
    del added[:]
    regularised = Network([Input(5), Dense(3, regularizer="l2")])
    other = Network([Input(5), Dense(3, regularizer="l2")])
    (history,) = fit_many([regularised], X, T, epochs=2)
    other.fit(X, T, epochs=2)
    assert not added
    assert_as_by_fit(regularised, history, other)


def test_data_are_read_where_they_are_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Fit] = []
    monkeypatch.setattr(Crowd, "add", lambda self, fit, lock: bool(seen.append(fit)))
    nets = [regression(seed=i) for i in range(6)]
    fit_many(nets, X, T, epochs=1)
    assert len(seen) == 6
    for fit in seen:
        assert fit.rows.X is X
        assert fit.rows.y.values is seen[0].rows.y.values


def test_networks_with_a_past_go_on_from_there() -> None:
    nets, alone = population(6), population(6)
    for net in (*nets, *alone):
        net.fit(X, C, epochs=3)
    fit_many(nets, X, C, epochs=4)
    for net, other in zip(nets, alone, strict=True):
        other.fit(X, C, epochs=4)
        assert_as_by_fit(net, net.history, other)


def test_one_output_of_two_names_and_targets_of_each_kind() -> None:
    names = np.where(C > 0, "yes", "no")
    nets = [Network([Input(5), Dense(4, "tanh"), Dense(1, "sigmoid")], seed=i) for i in range(3)]
    nets += [Network([Input(5), Dense(2, "softmax")], seed=i) for i in range(3)]
    histories = fit_many(nets, X.astype(np.float64), names, epochs=4)
    assert all(net.classes == ["no", "yes"] for net in nets)
    other = Network([Input(5), Dense(2, "softmax")], seed=2)
    other.fit(X.astype(np.float64), names, epochs=4)
    assert_as_by_fit(nets[5], histories[5], other)


def test_nothing_to_train_is_no_history() -> None:
    assert fit_many([], X, T) == []


def test_times_are_shares_of_the_time_of_all() -> None:
    begin = time.perf_counter()
    histories = fit_many([regression(seed=i) for i in range(12)], X, T, epochs=20, threads=2)
    took = time.perf_counter() - begin
    assert 0 < sum(sum(h["seconds"]) for h in histories) <= 2.5 * took


def test_without_compiled_code_it_is_the_same() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_JIT", "0")
        nets, alone = population(3), population(3)
        histories = fit_many(nets, X, C, epochs=2, threads=2)
        for net, history, other in zip(nets, histories, alone, strict=True):
            other.fit(X, C, epochs=2)
            assert_as_by_fit(net, history, other)


# ---------------------------------------------------------------- what is refused, errors, Ctrl-C


def test_wrong_questions_are_refused_in_a_sentence() -> None:
    nets = population(2)
    before = [bits(net) for net in nets]
    for arguments, options, said in (
        ([*nets, nets[0]], {}, r"networks\[0\] and networks\[2\] are the same network"),
        ([*nets, "net"], {}, r"fit_many trains networks, but networks\[2\] is 'net'"),
        (nets, {"each": [{}]}, "a dict for each of the 2 networks, but has 1"),
        (nets, {"each": [{}, 3]}, r"each\[1\] is 3"),
        (nets, {"checkpoint": "a.pellucid"}, "give each its own path"),
        (nets, {"each": [{}, {"threads": 2}]}, r"networks\[1\]: threads says how many networks"),
        (nets, {"verbose": 1}, "leave verbose out"),
        (nets, {"threads": 0}, "threads"),
    ):
        with pytest.raises(ArgumentError, match=said):
            fit_many(arguments, X, C, **options)  # type: ignore[arg-type]
    assert [bits(net) for net in nets] == before
    with pytest.raises(UnknownNameError) as unknown:
        fit_many(nets, X, C, each=[{}, {"epoch": 3}])
    assert unknown.value.__notes__ == ["in the options of networks[1]"]
    assert all(net._training.acquire(blocking=False) for net in nets)


def test_a_network_in_training_is_refused_and_the_others_are_free_again() -> None:
    nets = population(3)
    with nets[1]._training, pytest.raises(ArgumentError, match=r"networks\[1\] is being trained already"):
        fit_many(nets, X, C, epochs=1)
    assert len(fit_many(nets, X, C, epochs=1)) == 3


def test_data_that_do_not_fit_one_network_end_in_a_note_and_leave_the_others_in_order() -> None:
    nets, alone = population(2), population(2)
    wrong = Network([Input(4), Dense(3, "softmax")])
    with pytest.raises(PellucidError) as refused:
        fit_many([nets[0], wrong, nets[1]], X, C, epochs=2)
    assert refused.value.__notes__ == ["in the training of networks[1]"]
    assert nets[0].history.stopped_by in ("epochs", "error")
    for net, other in zip(nets, alone, strict=True):
        done = len(net.history)
        other.fit(X, C, epochs=2)
        if done < 2:
            net.fit(X, C, epochs=2 - done)
        assert bits(net) == bits(other)


def test_a_callback_that_fails_ends_all_in_good_order() -> None:
    def fail(net: Network, record: dict[str, float]) -> None:
        raise DataError("not today")

    nets = population(4)
    each: list[dict[str, Any]] = [{}, {"callbacks": [fail]}, {"metrics": ["accuracy"], "epochs": 10**6}, {}]
    with pytest.raises(DataError, match="not today"):
        fit_many(nets, X, C, each=each, epochs=3)
    assert [net.history.stopped_by for net in nets[::3]] == ["epochs", "epochs"]
    assert (nets[1].history.stopped_by, nets[1].history.reason) == ("error", "DataError after epoch 1")
    assert nets[2].history.reason in ("", f"an error in networks[1] after epoch {len(nets[2].history)}")
    assert all(net._training.acquire(blocking=False) for net in nets)


@pytest.mark.parametrize("options", [{}, {"metrics": ["accuracy"]}])
def test_ctrl_c_ends_all_in_good_order(options: dict[str, Any]) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    n, epochs = (1500, 300) if not options else (8, 10**6)
    nets = [classification(6, seed=i) for i in range(n)]

    def press() -> None:
        while not len(nets[0].history):
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    try:
        threading.Thread(target=press, daemon=True).start()
        histories = fit_many(nets, X, C, epochs=epochs, train_loss=False, threads=2, **options)
    finally:
        signal.signal(signal.SIGINT, before)
    stopped = [h.stopped_by for h in histories]
    assert set(stopped) <= {"epochs", "ctrl-c"}
    assert stopped[-1] == "ctrl-c"
    last = max(range(n), key=lambda i: (len(histories[i]), -i))
    assert histories[last].reason == (
        "all 300 epochs are over" if not options else f"Ctrl-C after epoch {len(histories[last])}"
    )
    assert histories[-1].reason == f"Ctrl-C after epoch {len(histories[-1])}"
    other = classification(6, seed=last)
    other.fit(X, C, epochs=len(histories[last]), train_loss=False)
    assert bits(other) == bits(nets[last])
