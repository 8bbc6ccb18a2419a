"""The same bits: on any number of threads, in another process, and however often training is interrupted."""

from __future__ import annotations

import copy
import hashlib
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_runs import N_ROWS, bits, classes, classification, numbers, regression, values

from pellucid import BatchNorm, Dense, Dropout, GaussianNoise, Input, Network, load
from pellucid.errors import ArgumentError, ModelFileError
from pellucid.training.history import History

X = numbers()
T, Y = values(X), classes(X)
FAST: dict[str, Any] = {"batch_size": 8, "learning_rate": 0.01}


def rich(seed: int = 0) -> Network:
    """Something of everything that keeps or draws numbers."""
    layers = [
        Input(5),
        Dense(19, "relu", regularizer="l2(l2=0.001)", max_norm=2),
        BatchNorm(),
        Dropout(0.3),
        Dense(6, "tanh"),
        GaussianNoise(0.1),
        Dense(3, "softmax"),
    ]
    return Network(layers, seed=seed)


RICH: dict[str, Any] = {
    "batch_size": 12,
    "learning_rate": 0.02,
    "clip_norm": 0.5,
    "gradient_noise": 1e-4,
    "sample_weight": np.linspace(0.5, 2, len(X)),
    "validation_split": 0.25,
    "metrics": ["accuracy"],
    "schedule": "reduce_on_plateau(patience=1)",
}


def told(history: History) -> dict[str, Any]:
    """All that a history says but the time it took."""
    said = history.to_dict()
    said["columns"].pop("seconds")
    return said


# ---------------------------------------------------------------- threads and processes


@pytest.mark.parametrize("threads", [2, 3, 4])
@pytest.mark.parametrize("optimizer", ["adam", "nesterov"])
def test_any_number_of_threads_gives_the_same_bits(threads: int, optimizer: str) -> None:
    one, many = rich(), rich()
    first = one.fit(X, Y, epochs=5, optimizer=optimizer, threads=1, **RICH)
    second = many.fit(X, Y, epochs=5, optimizer=optimizer, threads=threads, **RICH)
    assert bits(one) == bits(many)
    assert told(first) == told(second)


@pytest.mark.parametrize("batch_size", [1, 7, 53])
@pytest.mark.parametrize("hidden", [(1,), (33,), (20, 3, 17)])
def test_any_shape_gives_the_same_bits_on_any_number_of_threads(
    hidden: tuple[int, ...], batch_size: int
) -> None:
    nets = [classification(*hidden) for _ in range(3)]
    for net, threads in zip(nets, (1, 2, 4), strict=True):
        net.fit(X, Y, epochs=3, batch_size=batch_size, threads=threads)
    assert len({bits(net) for net in nets}) == 1


def test_twice_in_a_row_gives_the_same_bits() -> None:
    first, second = rich(), rich()
    assert told(first.fit(X, Y, epochs=4, **RICH)) == told(second.fit(X, Y, epochs=4, **RICH))
    assert bits(first) == bits(second) != bits(rich(seed=1))


SCRIPT = """
    import hashlib, sys
    sys.path.insert(0, {folder!r})
    from test_resume import *

    def digest(net):
        return hashlib.sha256(bits(net)).hexdigest()
"""


def script(code: str) -> str:
    """A script that has this module's names."""
    return textwrap.dedent(SCRIPT.format(folder=os.path.dirname(__file__))) + textwrap.dedent(code)


def digest(net: Network) -> str:
    return hashlib.sha256(bits(net)).hexdigest()


def test_another_process_gives_the_same_bits() -> None:
    net = rich()
    net.fit(X, Y, epochs=4, **RICH)
    command = [
        sys.executable,
        "-c",
        script("net = rich(); net.fit(X, Y, epochs=4, **RICH); print(digest(net))"),
    ]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    assert ran.stdout.strip() == digest(net)


# ---------------------------------------------------------------- going on


@pytest.mark.parametrize("parts", [(10, 10), (1, 19), (3, 7, 4, 6)])
def test_a_second_fit_goes_on_exactly(parts: tuple[int, ...]) -> None:
    whole, split = rich(), rich()
    first = whole.fit(X, Y, epochs=20, **RICH)
    for epochs in parts:
        second = split.fit(X, Y, epochs=epochs, **RICH)
    assert bits(whole) == bits(split)
    assert {n: c for n, c in first.columns.items() if n != "seconds"} == {
        n: c for n, c in second.columns.items() if n != "seconds"
    }


def saved(net: Network, folder: Path) -> Network:
    net.save(folder / "net.pellucid", training=True)
    again = load(folder / "net.pellucid")
    assert isinstance(again, Network)
    return again


WAYS: dict[str, Any] = {
    "file": saved,
    "copy": lambda net, folder: net.copy(),
    "deepcopy": lambda net, folder: copy.deepcopy(net),
    "pickle": lambda net, folder: pickle.loads(pickle.dumps(net)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_goes_on_as_the_network_itself(way: str, tmp_path: Path) -> None:
    net = rich()
    net.fit(X, Y, epochs=4, **RICH)
    other = WAYS[way](net, tmp_path)
    assert bits(other) == bits(net)
    assert told(other.history) == told(net.history)
    net.fit(X, Y, epochs=4, **RICH)
    assert bits(other) != bits(net)
    other.fit(X, Y, epochs=4, **RICH)
    assert bits(other) == bits(net)
    assert told(other.history) == told(net.history)


def test_a_copy_made_by_a_callback_goes_on_as_the_network_itself(tmp_path: Path) -> None:
    copies: list[Network] = []

    def keep(net: Network, record: dict[str, float]) -> None:
        if record["epoch"] == 3:
            copies.extend([net.copy(), saved(net, tmp_path)])

    options = {**RICH, "validation_split": 0.0}
    net = rich()
    net.fit(X, Y, epochs=7, callbacks=keep, **options)
    for other in copies:
        other.fit(X, Y, epochs=4, **options)
        assert bits(other) == bits(net)


def test_a_file_without_training_keeps_weights_and_history_and_begins_anew(tmp_path: Path) -> None:
    net = rich()
    net.fit(X, Y, epochs=4, **RICH)
    net.save(tmp_path / "net.pellucid")
    other = load(tmp_path / "net.pellucid")
    assert bits(other) == bits(net)
    assert told(other.history) == told(net.history)
    other.fit(X, Y, epochs=2, **RICH)
    assert len(other.history) == 6


def test_weights_set_by_hand_are_what_training_goes_on_from() -> None:
    net, fresh = regression(), regression(seed=0)
    net.fit(X, T, epochs=3, validation_split=0.2)
    net.layers[1].weights = 0.25
    now = {n: v.copy() for n, v in net.parameters.items()}
    net.fit(X, T, epochs=1, learning_rate=1e-12)
    for name, value in net.parameters.items():
        np.testing.assert_allclose(value, now[name], atol=1e-7)
    assert bits(net) != bits(fresh)


def test_time_over_in_the_middle_of_an_epoch_is_made_up_for() -> None:
    many = {"X": np.tile(X, (400, 1)), "y": np.tile(T, (400, 1)), "batch_size": 4}
    net, other = regression(), regression()
    for _ in range(50):
        history = net.fit(**many, epochs=1, time_limit=1e-4)
        if history.stopped_by == "time" and "step" in history.reason:
            break
    assert "in step" in history.reason
    done = len(history)
    history = net.fit(**many, epochs=1)
    assert len(history) == done + 1
    known = other.fit(**many, epochs=done + 1)
    assert bits(net) == bits(other)
    for name in ("running_loss", "loss", "gradient_norm", "learning_rate"):
        assert history[name] == known[name]


def test_another_batch_size_begins_the_epoch_again() -> None:
    many = {"X": np.tile(X, (400, 1)), "y": np.tile(T, (400, 1))}
    net = regression()
    net.fit(**many, batch_size=4, epochs=1, time_limit=1e-4)
    history = net.fit(**many, batch_size=64, epochs=1)
    assert history["running_loss"][-1] < 10
    assert history.stopped_by == "epochs"


# ---------------------------------------------------------------- checkpoints


def uninterrupted(folder: Path, net: Network, *data: Any, **options: Any) -> tuple[History, list[Path]]:
    """Train with a checkpoint and keep a copy of it as it was after each epoch."""
    file, copies = folder / "checkpoint", []

    def keep(*_: Any) -> None:
        if file.exists():
            copies.append(shutil.copy(file, folder / f"copy {len(copies)}"))

    asked = options.pop("callbacks", [])
    history = net.fit(*data, checkpoint=file, callbacks=[keep, *asked], **options)
    copies.append(file)
    return history, copies


ENDS: dict[str, dict[str, Any]] = {
    "epochs": {"epochs": 6},
    "patience": {"epochs": 300, "patience": 2, "min_delta": 0.02},
    "until": {"epochs": 300, "until": 0.85, "validation_split": 0.0},
    "callback": {"epochs": 300, "callbacks": [lambda net, record: record["epoch"] == 4]},
    "diverged": {
        "epochs": 300,
        "callbacks": [lambda net, record: spoil(net) if record["epoch"] == 3 else None],
    },
}


def spoil(net: Network) -> None:
    """What no training survives."""
    net.layers["output"].bias = np.nan


@pytest.mark.parametrize("end", ENDS)
def test_resuming_from_the_checkpoint_of_any_epoch_gives_the_uninterrupted_run(
    end: str, tmp_path: Path
) -> None:
    options = {**RICH, **ENDS[end]}
    net = rich()
    history, copies = uninterrupted(tmp_path, net, X, Y, **options)
    assert history.stopped_by == end
    assert len(copies) >= min(2, len(history))
    for file in copies if end != "diverged" else copies[-1:]:
        resumed = rich(seed=0)
        again = resumed.fit(X, Y, checkpoint=file, resume=True, **options)
        assert told(again) == told(history)
        assert bits(resumed) == bits(net)


def test_a_finished_run_can_be_resumed_with_more_epochs(tmp_path: Path) -> None:
    net, whole = rich(), rich()
    net.fit(X, Y, epochs=3, checkpoint=tmp_path / "checkpoint", **RICH)
    net = rich()
    net.fit(X, Y, epochs=8, checkpoint=tmp_path / "checkpoint", resume=True, **RICH)
    whole.fit(X, Y, epochs=8, **RICH)
    assert bits(net) == bits(whole)


def test_resuming_without_a_file_begins_at_the_beginning(tmp_path: Path) -> None:
    net, other = rich(), rich()
    net.fit(X, Y, epochs=2, checkpoint=tmp_path / "none yet", resume=True, **RICH)
    other.fit(X, Y, epochs=2, **RICH)
    assert bits(net) == bits(other)
    assert (tmp_path / "none yet").exists()


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    regression().fit(X, T, epochs=2, checkpoint=file, **FAST)
    wrong: list[tuple[Network, Any, dict[str, Any], str]] = [
        (regression(4), T, {}, "is of another network"),
        (classification(), Y, {}, "is of another network"),
        (regression(), T, {"optimizer": "sgd"}, "is of another run"),
        (regression(), T, {"batch_size": 9}, "is of another run"),
        (regression(), T, {"loss": "mae"}, "is of another run"),
        (regression(), T[::-1], {}, "is of a run on other rows or other values"),
        (regression(), T, {"sample_weight": np.arange(N_ROWS)}, "is of a run on other rows or other values"),
    ]
    for net, y, options, message in wrong:
        before = bits(net)
        with pytest.raises(ArgumentError, match=message):
            net.fit(X, y, epochs=3, checkpoint=file, resume=True, **{**FAST, **options})
        assert bits(net) == before
        assert net.to_dict()[0]["loss"] is None  # nor is anything else of the refused fit kept
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(ModelFileError):
        regression().fit(X, T, epochs=3, checkpoint=file, resume=True, **FAST)


def test_a_checkpoint_that_cannot_be_written_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    net, other = regression(), regression()
    with pytest.raises(ModelFileError):
        net.fit(X, T, epochs=3, checkpoint=tmp_path / "file" / "below")
    net.fit(X, T, epochs=2)
    other.fit(X, T, epochs=3)
    assert bits(net) == bits(other)


KILLED = """
    from test_resume import RICH, X, Y, rich
    net = rich()
    net.fit(X, Y, epochs=60, checkpoint=sys.argv[1], resume=True, **RICH)
    print(digest(net), len(net.history), net.history.reason)
"""


def test_killed_at_any_moment_and_resumed_gives_the_bits_of_an_uninterrupted_run(tmp_path: Path) -> None:
    net, file = rich(), tmp_path / "checkpoint"
    history = net.fit(X, Y, epochs=60, **RICH)
    command = [sys.executable, "-c", script(KILLED), str(file)]
    draw = random.Random(5)
    for _ in range(4):
        before = file.stat().st_mtime_ns if file.exists() else 0
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while running.poll() is None and (not file.exists() or file.stat().st_mtime_ns == before):
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.05))
        running.send_signal(signal.SIGKILL)
        running.wait()
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    assert ran.stdout.split(" ", 2) == [digest(net), str(len(history)), history.reason + "\n"]


INTERRUPTED = """
    from test_resume import MANY, T, X, regression, np
    import os, random, signal, threading, time

    def interrupt():
        time.sleep(draw.uniform(0, 0.03))
        os.kill(os.getpid(), signal.SIGINT)

    draw, net, left, reasons = random.Random(3), regression(), 40, []
    regression().fit(**MANY, epochs=1)
    while left:
        timer = threading.Thread(target=interrupt)
        try:
            if len(reasons) < 5:
                net.fit(**MANY, epochs=left, callbacks=lambda *_: timer.ident or timer.start())
                timer.join()
                reasons.append(net.history.reason)
            else:
                net.fit(**MANY, epochs=left)
        except KeyboardInterrupt:  # pressed a moment after the fit
            timer.join()
        left = 40 - len(net.history)
    print(digest(net), sum("Ctrl-C" in r for r in reasons))
"""
MANY: dict[str, Any] = {"X": np.tile(X, (500, 1)), "y": np.tile(T, (500, 1)), "batch_size": 4}


def test_ctrl_c_at_any_moment_and_a_second_fit_give_the_same_bits() -> None:
    command = [sys.executable, "-c", script(INTERRUPTED)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    net = regression()
    net.fit(**MANY, epochs=40)
    assert ran.stdout.split()[0] == digest(net)
    assert int(ran.stdout.split()[1]) >= 1
