"""Why training stops: each reason, the weights it leaves, and what a later fit makes of it."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from training_runs import N_ROWS, bits, classes, classification, numbers, regression, values

from pellucid import Dense, Input, Network

X = numbers()
T, Y = values(X), classes(X)


def test_epochs_are_over() -> None:
    history = regression().fit(X, T, epochs=3)
    assert (history.stopped_by, history.reason, len(history)) == ("epochs", "all 3 epochs are over", 3)


def test_until_the_loss_is_low_enough() -> None:
    history = regression().fit(X, T, epochs=500, learning_rate=0.02, until=0.7)
    assert history.stopped_by == "until"
    assert history["loss"][-1] < 0.7 <= min(history["loss"][:-1])
    n = len(history)
    assert history.reason == f"the loss {history['loss'][-1]:.4g} is below 0.7 after epoch {n}"


def test_until_without_the_loss_at_the_end_of_epochs_looks_at_the_running_one() -> None:
    history = regression().fit(X, T, epochs=500, learning_rate=0.02, until=0.7, train_loss=False)
    assert history["running_loss"][-1] < 0.7 <= min(history["running_loss"][:-1])


@pytest.mark.parametrize("patience", [1, 4])
def test_patience(patience: int) -> None:
    held = {"validation_data": (X[:12] + 2, T[:12])}
    net = regression()
    history = net.fit(X, T, epochs=500, learning_rate=0.05, patience=patience, **held)
    losses = history["validation_loss"]
    best = int(np.argmin(losses)) + 1
    assert history.stopped_by == "patience"
    assert history.best_epoch == best == len(history) - patience
    assert net.evaluate(*held["validation_data"])["loss"] == min(losses)
    times = "one epoch" if patience == 1 else "4 epochs"
    assert re.fullmatch(
        rf"no epoch improved on the validation loss {min(losses):.4g} of epoch {best} for {times}"
        rf"; the weights of epoch {best}, the best, are restored",
        history.reason,
    )


def test_patience_without_validation_looks_at_the_training_loss() -> None:
    net = regression()
    history = net.fit(X, T, epochs=100, learning_rate=1e-9, patience=3, min_delta=0.1)
    assert (history.stopped_by, len(history), history.best_epoch) == ("patience", 4, 1)
    assert not history.restored


def test_min_delta_is_what_counts_as_better() -> None:
    losses = regression().fit(X, T, epochs=40, learning_rate=0.003)["loss"]
    drops = -np.diff(losses)
    history = regression().fit(
        X, T, epochs=40, learning_rate=0.003, patience=1, min_delta=float(np.median(drops))
    )
    first = int(np.argmax(drops <= np.median(drops))) + 2
    assert len(history) == first


def test_a_second_fit_has_its_patience_back() -> None:
    net = regression()
    net.fit(X, T, epochs=100, learning_rate=1e-9, patience=3, min_delta=0.1)
    assert len(net.fit(X, T, epochs=100, learning_rate=1e-9, patience=3, min_delta=0.1)) == 7


def test_a_callback_stops_with_true_and_nothing_else() -> None:
    asked: list[Any] = []

    def ask(net: Network, record: dict[str, float]) -> Any:
        asked.append(record["epoch"])
        return {1: 1, 2: "yes", 3: None, 4: True}[int(record["epoch"])]

    history = regression().fit(X, T, epochs=9, callbacks=[ask, lambda *_: None])
    assert asked == [1, 2, 3, 4]
    assert history.stopped_by == "callback"
    assert history.reason == "a callback asked to stop after epoch 4"


def test_time_limit_in_the_middle_of_an_epoch_names_the_step() -> None:
    many = np.tile(X, (2000, 1))
    history = regression().fit(many, np.tile(T, (2000, 1)), epochs=1000, batch_size=1, time_limit=0.02)
    assert history.stopped_by == "time"
    assert re.fullmatch(
        r"the time limit of 0.02 s was over (in step \d+ of epoch \d+|after epoch \d+)", history.reason
    )


def test_time_limit_after_an_epoch() -> None:
    history = regression().fit(X, T, epochs=10**6, time_limit=0.05)
    assert history.stopped_by == "time"
    assert 0 < len(history) < 10**6
    assert history.reason.startswith("the time limit of 0.05 s was over ")


# ---------------------------------------------------------------- divergence


def diverging(n_hidden: int = 2, activation: str = "relu") -> Network:
    return Network([Input(5), *(Dense(6, activation) for _ in range(n_hidden)), Dense(3)], seed=0)


def test_divergence_names_layer_and_step_and_restores_the_first_weights() -> None:
    net = diverging()
    before = bits(net)
    history = net.fit(X, T, epochs=5, batch_size=8, optimizer="sgd", learning_rate=1e20)
    assert history.stopped_by == "diverged"
    assert bits(net) == before
    assert re.match(
        r"training diverged in step \d of epoch 1: .*'(hidden_[12]|output)(/weights)?'.* Try a smaller "
        r"learning rate, clipping of gradients \(clip_norm=1\), or normalised inputs; the first weights are "
        r"restored$",
        history.reason,
    )
    assert np.isfinite(net.predict(X)).all()


def test_divergence_restores_the_best_epoch_and_names_it() -> None:
    net, seen = diverging(1), {}

    def note(net: Network, record: dict[str, float]) -> None:
        seen[record["epoch"]] = bits(net)

    net.fit(X, T, epochs=4, learning_rate=0.01, callbacks=note)
    history = net.fit(X, T, epochs=50, optimizer="sgd", learning_rate=1e15, callbacks=note)
    assert history.stopped_by == "diverged"
    assert history.best_epoch == 4
    assert bits(net) == seen[4]
    assert history.reason.endswith("; the weights of epoch 4, the best, are restored")


@pytest.mark.parametrize("y", [T, Y], ids=["mse", "softmax"])
def test_divergence_in_the_last_update_of_an_epoch_names_a_layer(y: Any) -> None:
    """The batch is the whole data: only the loss at the epoch's end can see it."""
    net = regression(activation="relu") if y is T else classification()
    history = net.fit(
        X,
        y,
        epochs=5,
        batch_size=N_ROWS,
        optimizer="sgd",
        learning_rate=1e25,
        metrics=["rmse"] if y is T else [],
    )
    assert history.stopped_by == "diverged"
    assert len(history) == 1
    assert re.match(r"training diverged after epoch 1: the .* of layer '(hidden_1|output)'", history.reason)


def test_divergence_of_the_loss_alone_says_how_far_the_outputs_reach() -> None:
    net = Network([Input(1), Dense(1, initializer="constant(value=1e25)")], seed=0)
    history = net.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=1)
    assert "the loss is no longer finite; the weighted inputs of layer 'output' reach 1e+25" in history.reason


def test_training_goes_on_well_after_a_divergence() -> None:
    net, fresh = diverging(1), diverging(1)
    net.fit(X, T, epochs=5, optimizer="sgd", learning_rate=1e30)
    history = net.fit(X, T, epochs=20, optimizer="adam", learning_rate=0.01, shuffle=False)
    known = fresh.fit(X, T, epochs=20, optimizer="adam", learning_rate=0.01, shuffle=False)
    assert history.stopped_by == "epochs"
    assert history["loss"][-20:] == known["loss"]


def test_a_new_optimizer_begins_as_if_it_had_been_there_first() -> None:
    """Adam's corrections for its first updates count from where Adam began."""
    net, fresh = regression(), regression()
    net.fit(X, T, epochs=3, optimizer="sgd", learning_rate=0.01)
    for name, values_now in net.parameters.items():
        fresh.parameters[name][:] = values_now
    net.fit(X, T, epochs=2, optimizer="adam", shuffle=False)
    fresh.fit(X, T, epochs=2, optimizer="adam", shuffle=False)
    assert bits(net) == bits(fresh)


# ---------------------------------------------------------------- Ctrl-C and errors


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as in a terminal; the background jobs of a shell ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c_in(epoch: int) -> Callable[..., None]:
    def press(net: Network, record: dict[str, float]) -> None:
        if record["epoch"] == epoch:
            os.kill(os.getpid(), signal.SIGINT)

    return press


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_in_good_order_and_leaves_the_handler_as_it_was() -> None:
    net, other = regression(), regression()
    before = signal.getsignal(signal.SIGINT)
    history = net.fit(X, T, epochs=100, callbacks=press_ctrl_c_in(3))
    assert (history.stopped_by, history.reason) == ("ctrl-c", "Ctrl-C after epoch 3")
    assert signal.getsignal(signal.SIGINT) is before
    other.fit(X, T, epochs=3)
    assert bits(net) == bits(other)


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_is_raised_and_loses_nothing() -> None:
    net, other = regression(), regression()

    def press_twice(net: Network, record: dict[str, float]) -> None:
        if record["epoch"] == 2:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):  # a place for the interpreter to look up
                pass

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, T, epochs=100, callbacks=press_twice)
    assert signal.getsignal(signal.SIGINT) is before
    assert net.history.stopped_by == "error"
    assert net.history.reason == "KeyboardInterrupt after epoch 2"
    net.fit(X, T, epochs=2)
    other.fit(X, T, epochs=4)
    assert bits(net) == bits(other)


def test_a_callback_that_fails_loses_nothing() -> None:
    net, other = regression(), regression()

    def fail(net: Network, record: dict[str, float]) -> None:
        if record["epoch"] == 2:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        net.fit(X, T, epochs=100, callbacks=fail)
    assert net.history.reason == "ZeroDivisionError after epoch 2"
    net.fit(X, T, epochs=2)
    other.fit(X, T, epochs=4)
    assert bits(net) == bits(other)


def test_training_in_another_thread_leaves_signals_alone() -> None:
    net, other = regression(), regression()
    thread = threading.Thread(target=lambda: net.fit(X, T, epochs=2))
    thread.start()
    thread.join()
    other.fit(X, T, epochs=2)
    assert bits(net) == bits(other)


def test_progress_is_told_line_by_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    history = regression().fit(X, T, epochs=20, validation_rows=[1, 2], verbose=1)
    lines = [m for m in capsys.readouterr().err.splitlines() if not m.startswith("pellucid: compiling")]
    assert [int(m.split("/")[0].removeprefix("epoch ")) for m in lines[:-1]] == [1, *range(2, 21, 2)]
    shown = (
        rf"epoch 20/20: loss {history['loss'][-1]:.4g}, validation loss {history['validation_loss'][-1]:.4g}"
    )
    assert re.fullmatch(re.escape(shown) + r", [\d,]+ rows/s, 0 s left", lines[-2])
    assert lines[-1] == f"stopped: {history.reason}."
    regression().fit(X, T, epochs=2)
    assert capsys.readouterr().err == ""
