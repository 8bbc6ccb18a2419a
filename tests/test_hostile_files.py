"""Whatever stands in a model file, it is refused with a sentence or makes a model that works as any other."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hostile_files as files
import pellucid
from pellucid import Dense, Input, Network, model_file
from pellucid.cli.main import main
from pellucid.errors import ModelFileError, PellucidError

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    1000,
    2**31,
    2**53,
    2**64,
    10**30,
    10**400,
    0.5,
    -0.5,
    1e300,
]
VALUES += [float("nan"), float("inf"), "", "x", "relu", "mse", "../x", "a/b", "x" * 500, "\0", "é"]
VALUES += [[], [1], [[]], [None], ["x"], {}, {"a": 1}, {"name": "relu"}, [[[[[[[[[[]]]]]]]]]]]
HOW = ["replace"] * 5 + ["remove", "double", "rename", "differ"]
TENSORS = ["missing", "nan", "huge", "float64", "int32", "another shape", "empty"]
pytestmark = pytest.mark.filterwarnings("ignore::pellucid.errors.PellucidWarning")


def use(path: Path, data: Any) -> None:
    """All that one does with a model; what it refuses with a sentence is fine."""
    try:
        model = pellucid.load(path)
    except PellucidError:
        return
    if isinstance(model, Network):
        X, y = data
        calls: list[Any] = [lambda: model.predict(X), lambda: model.evaluate(X, y), model.summary, model.copy]
        calls += [lambda: model.trace(X[:2], y[:2]), lambda: model.fit(X, y, epochs=1)]
    else:
        calls = [model.report, lambda: model.predict(data), lambda: model.evaluate(data)]
        calls += [lambda: model.predict_table(data, []), lambda: str(model.explain(data, row=1))]
        calls += [lambda: str(model.neuron("hidden_1", 0))]
    for call in (lambda: repr(model), *calls, lambda: model.save(path)):
        with contextlib.suppress(PellucidError):
            call()
    assert main(["show", str(path)]) in (0, 2)
    assert main(["show", str(path), "--json"]) in (0, 2)


@pytest.mark.parametrize("kind", ["network", "training", "numbers", "classes"])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_in_which_anything_is_changed_is_refused_or_works(
    kind: str, tmp_path: Path, data: st.DataObject, capsys: pytest.CaptureFixture[str]
) -> None:
    document, tensors, rows = files.documents()[kind]
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(list(files.places(document))))
        value = data.draw(st.sampled_from(VALUES))
        document = files.changed(document, place, data.draw(st.sampled_from(HOW)), value)
    model_file.write(tmp_path / "m.pellucid", document, tensors)
    use(tmp_path / "m.pellucid", rows)
    capsys.readouterr()


@pytest.mark.parametrize("kind", ["network", "training", "numbers"])
@pytest.mark.parametrize("how", TENSORS)
def test_tensors_of_any_kind_are_refused_or_work(
    kind: str, how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, tensors, rows = files.documents()[kind]
    for name in list(tensors)[:: 1 + len(tensors) // 8]:
        spoiled = dict(tensors)
        t = spoiled.pop(name)
        if how != "missing":
            spoiled[name] = {
                "nan": np.full_like(t, np.nan),
                "huge": np.full_like(t, 3e38),
                "float64": t.astype(np.float64),
                "int32": t.astype(np.int32),
                "another shape": t.reshape(-1, 1, 1),
                "empty": t[:0],
            }[how]
        model_file.write(tmp_path / "m.pellucid", document, spoiled)
        with np.errstate(all="ignore"):
            use(tmp_path / "m.pellucid", rows)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("classes",), 3, "'classes' must be a list"),
        (("classes",), [[1], 2, 3], "'classes' must be a list of different texts, truth values or numbers"),
        (("classes",), ["a", "a", "b"], "'classes' must be a list of different"),
        (("classes",), ["a", "b"], "'classes' must be a class for each output"),
        (("task",), "cooking", "'task' must be one of regression, binary, multiclass"),
        (("optimizer",), {"a": 1}, "the note of the last fit must have the entries"),
        (("optimizer", "optimizer"), ["adam"], "'optimizer' must be a text"),
        (("optimizer", "batch_size"), [-1], "'batch_size' must be a whole number from 1"),
        (("history", "columns", "loss"), [], "lists of numbers"),
        (("history", "columns", "loss", 0), 10**400, "too large"),
        (("history", "columns"), {"loss": 3}, "lists of numbers"),
        (("history", "restored"), "yes", "'restored' must be true or false"),
        (("state", "epoch"), "a", "'epoch' must be a whole number"),
        (("state", "begun"), 9, "'epoch' must be as many as the epochs"),
        (("state", "best_value"), "a/b", "'best_value' must be a number"),
        (("state", "best_value"), 10**400, "'best_value' must be a number"),
        (("optimizer", "step", "learning_rate"), 10**400, "learning_rate must be a finite number"),
        (("state", "step"), [[]], "'step' must be a whole number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, place: Any, value: Any, message: str) -> None:
    document, tensors, _ = files.documents()["training"]
    model_file.write(tmp_path / "m.pellucid", files.changed(document, place, "replace", value), tensors)
    with pytest.raises(ModelFileError, match=message):
        pellucid.load(tmp_path / "m.pellucid")


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"rmse": 1.0, "mae": 1.0}, "of the same metrics"),
        ({"accuracy": 1.0, "balanced_accuracy": 1.0, "log_loss": 1.0}, "of the same metrics"),
        ({"rmse": 10**400, "mae": 1.0, "r2": 1.0}, "numbers by metric"),
        ([], "of the metrics of a task"),
    ],
)
def test_evidence_that_is_none_is_refused(tmp_path: Path, scores: Any, message: str) -> None:
    document, tensors, _ = files.documents()["numbers"]
    place = ("evidence", "scores", "network")
    model_file.write(tmp_path / "m.pellucid", files.changed(document, place, "replace", scores), tensors)
    with pytest.raises(ModelFileError, match=message):
        pellucid.load(tmp_path / "m.pellucid")


def test_a_network_that_was_fitted_twice_in_different_ways_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = Network([Input(6), Dense(1)], seed=0)
    network.fit(files.X, files.X[:, 0], epochs=2)
    network.fit(files.X, files.X[:, 0], epochs=3, train_loss=False)
    network.save(tmp_path / "m.pellucid")
    assert main(["show", str(tmp_path / "m.pellucid"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["epochs"] == 5


HUGE = """
import resource, sys, time
import pellucid
from pellucid.errors import ModelFileError
import pellucid.network
most = 1 << 30
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
start = time.perf_counter()
for path in sys.argv[1:]:
    try:
        pellucid.load(path)
    except ModelFileError:
        continue
    raise SystemExit(f"{path} was not refused")
print(time.perf_counter() - start < 10)
"""


def test_what_a_file_claims_takes_neither_memory_nor_time(tmp_path: Path) -> None:
    document, tensors, _ = files.documents()["network"]
    layer = document["layers"][3]
    spoiled = [files.changed(document, ("layers", 3, "n_out"), "replace", n) for n in (10**7, 10**8, 10**12)]
    spoiled += [files.changed(document, ("layers", 0, "n_features"), "replace", n) for n in (10**6, 10**8)]
    spoiled += [
        files.changed(document, ("layers", 1, "columns", 0, key), "replace", 10**7)
        for key in ("codes", "width")
    ]
    twice = [*(f"f{i}" for i in range(200_000)), "f199999"]
    spoiled.append(files.changed(document, ("layers", 0, "n_features"), "replace", twice))
    many = [document["layers"][0], *(layer | {"name": f"h{i}", "n_out": 1000} for i in range(300))]
    spoiled.append(document | {"layers": many})
    paths = [tmp_path / f"{i}.pellucid" for i in range(len(spoiled))]
    for path, one in zip(paths, spoiled, strict=True):
        model_file.write(path, one, tensors)
    done = subprocess.run(
        [sys.executable, "-c", HUGE, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
