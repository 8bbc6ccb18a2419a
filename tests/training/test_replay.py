"""Steps of a recorded fit, run again, against the memory of the training itself, bit for bit."""

from __future__ import annotations

import itertools
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from every_step import Step, watched
from training_runs import bits, classes, numbers, regression, values

from pellucid import (
    BatchNorm,
    Concat,
    Dense,
    Dropout,
    Embedding,
    Frozen,
    GaussianNoise,
    Input,
    LayerNorm,
    Network,
    ParametricActivation,
    PeriodicEmbedding,
    Residual,
    Scale,
    fit_table,
    load,
)
from pellucid.errors import ArgumentError, DataError, ModelFileError, NotFittedError
from pellucid.optimizers import OPTIMIZERS
from pellucid.training.history import History
from pellucid.training.replay import Replay
from pellucid.training.why import Why

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
X = numbers()
T, Y = values(X), classes(X)
PLAIN: dict[str, Any] = {"epochs": 7, "batch_size": 12, "learning_rate": 0.02}


def dense() -> Network:
    return Network([Input(5), Dense(9, "relu"), Dense(6, "tanh"), Dense(3)], seed=3)


def rich() -> Network:
    """Something of everything that keeps, draws or changes numbers."""
    layers = [
        Input(5),
        PeriodicEmbedding([1, 2], waves=4, learning_rate={"frequencies": 0.1}),
        Scale(learning_rate=6),
        Dense(19, "relu", regularizer="l2(l2=0.001)", max_norm=0.8, learning_rate={"weights": 0.5}),
        BatchNorm(),
        Dropout(0.3),
        Residual(Dense(19), ParametricActivation("tanh", learning_rate=0.1), LayerNorm()),
        Concat([Dense(4, "tanh")], [Frozen(Dense(3)), GaussianNoise(0.1)]),
        GaussianNoise(0.1),
        Dense(3, "softmax", regularizer="l1(l1=0.001)"),
    ]
    return Network(layers, seed=1)


def embedded() -> Network:
    codes = [{"index": 1, "codes": 5, "width": 2, "name": "city"}]
    return Network([Input(5), Embedding(codes), Dense(6, "tanh"), Dense(3)], seed=3)


CODED = np.column_stack([X[:, :1], np.arange(len(X)) % 6, X[:, 2:]])
CHANGED = {"clip_norm": 0.5, "clip_value": 0.05, "gradient_noise": 1e-3}
HELD = {"validation_split": 0.25, "metrics": ["mae"]}
CASES: dict[str, tuple[Callable[[], Network], Any, dict[str, Any]]] = {
    **{f"optimizer {name}": (dense, T, {"optimizer": name}) for name in OPTIMIZERS},
    "everything": (rich, Y, {**CHANGED, **HELD, "metrics": [], "sample_weight": np.linspace(0.5, 2, len(X))}),
    "class weights": (rich, Y, {"class_weight": "balanced", "threads": 2}),
    "two threads": (dense, T, {"threads": 2}),
    "rows in order": (dense, T, {"shuffle": False}),
    "one row a step": (dense, T, {"batch_size": 1, "epochs": 3}),
    "one step an epoch": (rich, Y, {"batch_size": 64, "epochs": 60}),
    "clipped by value": (dense, T, {"clip_value": 0.01}),
    "clipped by norm": (dense, T, {"clip_norm": 0.1}),
    "noise": (dense, T, {"gradient_noise": 0.01}),
    "patience": (dense, T, {**HELD, "epochs": 200, "patience": 2, "learning_rate": 0.1}),
    "plateau": (dense, T, {**HELD, "epochs": 30, "schedule": "reduce_on_plateau(patience=0)"}),
    "one cycle": (dense, T, {"schedule": "one_cycle", "epochs": 12}),
    "auto": (dense, T, {"learning_rate": "auto"}),
    "no train loss": (dense, T, {"train_loss": False}),
    "other validation": (rich, Y, {"validation_data": (X[:9], Y[:9])}),
}


def same(step: Step, replay: Replay) -> None:
    """That a replay has the numbers that stood in memory around a step of the training."""
    names = list(replay.before.parameters)
    for found, wanted in ((replay.before, step.before), (replay.after, step.after)):
        for name in names:
            np.testing.assert_array_equal(found.parameters[name], wanted[name])
    for found, wanted in ((replay.state_before, step.before), (replay.state_after, step.after)):
        assert all(np.array_equal(t, wanted[n]) for n, t in found.optimizer.items())
    np.testing.assert_array_equal(replay.rows, step.rows)
    used = list(replay.gradients.values())[-1]
    for name, gradient in used.items():
        np.testing.assert_array_equal(gradient, step.after[f"{name}/gradient"])
    changed = len(replay.gradients) > 1
    for name, number in replay.trace.numbers.items():  # masks, noise, statistics, activations, deltas
        if name in step.after and name != "total" and not (changed and name.endswith("/gradient")):
            np.testing.assert_array_equal(number, step.after[name][: len(number)], err_msg=name)
    for factor, told in replay.numbers.items():
        np.testing.assert_array_equal(np.float32(list(told.values())), step.tables[str(factor)])


@pytest.mark.parametrize("case", CASES)
def test_steps_run_again_have_the_bits_of_the_training(case: str) -> None:
    make, y, options = CASES[case]
    options = {**PLAIN, **options}
    net, other = make(), make()
    with watched() as watch:
        net.fit(X, y, **options)
    history = other.fit(X, y, record=True, **options)
    assert bits(net) == bits(other)
    steps = watch.steps[-7 * 5 :] if case == "auto" else watch.steps  # those of the range test come first
    draw = random.Random(case)
    for number in {1, len(steps), *draw.sample(range(1, len(steps) + 1), 6)}:
        same(steps[number - 1], history.replay(number))
    with pytest.raises(ArgumentError, match=f"step must be a whole number from 1 to {len(steps)}"):
        history.replay(len(steps) + 1)
    assert bits(net) == bits(other)


def test_each_step_follows_from_the_one_before() -> None:
    net = rich()
    net.fit(X, Y, epochs=8, batch_size=11, record=True, **CHANGED)
    replays = [net.history.replay(step) for step in range(1, 41)]
    for one, next_one in itertools.pairwise(replays):
        assert bits(one.after) == bits(next_one.before)
    assert bits(replays[-1].after) == bits(net)
    assert [r.epoch for r in replays] == [1 + i // 5 for i in range(40)]
    assert [r.step_in_epoch for r in replays[:6]] == [1, 2, 3, 4, 5, 1]


def test_weights_that_a_callback_sees_after_each_step_are_those_of_the_replay() -> None:
    seen: list[bytes] = []
    net = rich()
    options = {"epochs": 80, "batch_size": len(X), "callbacks": lambda net, _: seen.append(bits(net))}
    history = net.fit(X, Y, record=True, **options)
    draw = random.Random(0)
    for step in draw.sample(range(2, 81), 20):
        replay = history.replay(step)
        assert bits(replay.before) == seen[step - 2]
        assert bits(replay.after) == seen[step - 1]


def test_the_twins_run_a_step_again_as_they_ran_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_JIT", "0")
    options = {"epochs": 3, "batch_size": 20, **CHANGED}
    net = rich()
    with watched() as watch:
        rich().fit(X, Y, **options)
    net.fit(X, Y, record=True, **options)
    for step in (1, 4, 9):
        same(watch.steps[step - 1], net.history.replay(step))


@pytest.mark.filterwarnings("ignore::pellucid.PellucidWarning")
@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_random_steps_of_a_table_have_the_bits_of_the_training(target: str) -> None:
    options: dict[str, Any] = {"target": target, "hidden": (10, 4), "epochs": 9, "batch_size": 16}
    with watched() as watch:
        fit_table(PENGUINS, **options)
    steps = [s for s in watch.steps if "hidden_2/weights" in s.before]  # a straight line was trained as well
    network = fit_table(PENGUINS, record=True, **options).network
    assert (
        len(steps) == network.history.recording.marks[-1].tick + network.history.recording.marks[-1].n_steps
    )
    for number in random.Random(target).sample(range(1, len(steps) + 1), 30):
        same(steps[number - 1], network.history.replay(number))


def test_rows_in_double_precision_stay_where_they_are() -> None:
    wide = X.astype(np.float64) + 1e-9
    net, other = dense(), dense()
    with watched() as watch:
        net.fit(wide, T, **PLAIN)
    other.fit(wide, T, record=True, **PLAIN)
    replay = other.history.replay(13)
    same(watch.steps[12], replay)
    assert other.history.recording is not None
    assert other.history.recording.rows.X is wide
    np.testing.assert_array_equal(replay.X, wide[replay.rows])


def test_vectors_of_codes_move_as_they_did() -> None:
    net, other = embedded(), embedded()
    with watched() as watch:
        net.fit(CODED, T, **PLAIN)
    history = other.fit(CODED, T, record=True, **PLAIN)
    for step in (1, 18, 35):
        same(watch.steps[step - 1], history.replay(step))
        why = history.why("embedding_1/city/3/1", step)
        assert isinstance(why, Why)
        assert why.after == watch.steps[step - 1].after["embedding_1/city"][3, 1]
        assert why.used == watch.steps[step - 1].after["embedding_1/city/gradient"][3, 1]
    with pytest.raises(ArgumentError, match="'embedding_1/city' has 5 rows and 2 columns"):
        history.why("embedding_1/city/3", 1)
    with pytest.raises(ArgumentError, match="The last one there is 'embedding_1/city/4'"):
        history.why("embedding_1/city/5/1", 1)


# ---------------------------------------------------------------- fits that go on


def test_a_second_fit_is_counted_on() -> None:
    net, other = rich(), rich()
    with watched() as watch:
        for epochs in (5, 6):
            net.fit(X, Y, batch_size=12, epochs=epochs)
    other.fit(X, Y, batch_size=12, epochs=5)
    other.fit(X, Y, batch_size=12, epochs=6, record=True)
    for step in (26, 40, 55):
        same(watch.steps[step - 1], other.history.replay(step))
    sentence = (
        "step must be a whole number from 26 to 55, the steps of the last fit that was recorded, counted "
        "from 1 over all fits; this one began at epoch 6; but got 25."
    )
    with pytest.raises(ArgumentError) as told:
        other.history.replay(25)
    assert str(told.value) == sentence


def test_a_fit_that_was_not_recorded_leaves_the_record_of_the_one_before() -> None:
    net = dense()
    net.fit(X, T, record=True, **PLAIN)
    before = bits(net.history.replay(20).after)
    net.fit(X, T, **PLAIN)
    assert bits(net.history.replay(20).after) == before


def test_a_fit_resumed_from_a_checkpoint_is_recorded_from_there(tmp_path: Path) -> None:
    file, options = tmp_path / "checkpoint", {**PLAIN, **HELD, "schedule": "reduce_on_plateau(patience=0)"}
    with watched() as watch:
        dense().fit(X, T, **options)
    dense().fit(X, T, checkpoint=file, **{**options, "epochs": 3})
    net = dense()
    net.fit(X, T, checkpoint=file, resume=True, record=True, **options)
    for step in (13, 20, 28):
        same(watch.steps[step - 1], net.history.replay(step))


def test_a_fit_that_goes_on_in_the_middle_of_an_epoch_is_recorded_from_there() -> None:
    many: dict[str, Any] = {"X": np.tile(X, (400, 1)), "y": np.tile(T, (400, 1)), "batch_size": 64}
    net = regression()
    for _ in range(50):
        history = net.fit(**many, epochs=1, time_limit=1e-4, record=True)
        if history.stopped_by == "time" and "step" in history.reason:
            break
    assert net._state is not None
    first = net._state.tick
    assert bits(history.replay(first).after) == bits(net)  # the last step before time was over
    net.fit(**many, epochs=2, record=True)
    assert history.replay(first + 1).step_in_epoch == net.history.replay(first + 2).step_in_epoch - 1
    assert bits(history.replay(net._state.tick).after) == bits(net)


def test_the_step_that_diverged_can_be_looked_at() -> None:
    net = dense()
    history = net.fit(X, T, record=True, **{**PLAIN, "optimizer": "sgd", "learning_rate": 1e18})
    assert history.stopped_by == "diverged"
    assert net._state is not None
    assert history.recording is not None
    last = history.recording.marks[-1]
    replay = history.replay(last.tick + last.n_steps)
    assert f"in step {replay.step_in_epoch} of epoch {replay.epoch}" in history.reason
    assert not np.isfinite(replay.loss)


# ---------------------------------------------------------------- what does not stay as it was


def test_data_that_changed_since_are_found_out() -> None:
    mine = X.copy()
    net = dense()
    history = net.fit(mine, T, record=True, **PLAIN)
    after = bits(history.replay(20).after)
    mine[7, 2] += 1
    with pytest.raises(DataError, match="epoch 1, run again, does not end with the weights"):
        history.replay(1)
    mine[7, 2] = X[7, 2]
    assert bits(history.replay(20).after) == after


def test_of_a_fit_that_a_callback_broke_off_there_is_all_that_was_done() -> None:
    def fail(_: Network, record: dict[str, float]) -> None:
        if record["epoch"] == 3:
            raise RuntimeError("enough")

    net = dense()
    with pytest.raises(RuntimeError, match="enough"):
        net.fit(X, T, record=True, callbacks=fail, **PLAIN)
    last = net.history.recording.marks[-1].tick + net.history.recording.marks[-1].n_steps
    assert bits(net.history.replay(last).after) == bits(net)
    assert net.history.distributions.epochs.tolist() == [0, 3]
    assert net.history.why("output/0/bias").values[-1] == net.layers["output"].bias[0]


def test_weights_that_a_callback_sets_are_part_of_the_record() -> None:
    def halve(net: Network, record: dict[str, float]) -> None:
        if record["epoch"] % 3 == 0:
            net.layers["output"].weights *= 0.5

    net, other = dense(), dense()
    options = {**PLAIN, "epochs": 40, "callbacks": halve}
    with watched() as watch:
        net.fit(X, T, **options)
    history = other.fit(X, T, record=True, **options)
    assert bits(net) == bits(other)
    for step in (15, 16, 17, 100, 121, 200):
        same(watch.steps[step - 1], history.replay(step))


def test_more_changes_by_a_callback_than_are_kept_are_told() -> None:
    def halve(net: Network, record: dict[str, float]) -> None:
        net.layers["output"].weights *= 0.99

    history = dense().fit(X, T, record=True, **{**PLAIN, "epochs": 200, "callbacks": halve})
    assert history.replay(20).epoch == 4
    with pytest.raises(DataError, match=r"a callback has set weights before epoch 19\d, and before so many"):
        history.replay(994)


# ---------------------------------------------------------------- how much is kept


def test_snapshots_are_few_however_long_a_fit_is() -> None:
    net = dense()
    recording = net.fit(X, T, record=True, **{**PLAIN, "epochs": 1500}).recording
    assert recording is not None
    assert 16 <= len(recording.snapshots) <= 33
    ticks = [s.tick for s in recording.snapshots]
    assert ticks[0] == 0
    assert np.diff(ticks).max() <= 2 * np.diff(ticks).min()
    assert recording.nbytes <= 33 * 3 * 4 * sum(v.size for v in net.parameters.values())


def test_large_snapshots_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.training.recording.LARGEST", 30_000)
    net = dense()
    recording = net.fit(X, T, record=True, **{**PLAIN, "epochs": 200}).recording
    assert recording is not None
    assert 4 <= len(recording.snapshots) <= 30_000 // (12 * sum(v.size for v in net.parameters.values())) + 1


def test_what_was_not_recorded_is_told(tmp_path: Path) -> None:
    net = dense()
    for history in (net.history, dense().fit(X, T, **PLAIN)):
        for ask in (lambda h: h.replay(1), lambda h: h.why("hidden_1/0/x1", 1), lambda h: h.distributions):
            with pytest.raises(NotFittedError, match="fit with record=True"):
                ask(history)
    net.fit(X, T, record=True, **PLAIN)
    net.save(tmp_path / "net.pellucid", training=True)
    other = load(tmp_path / "net.pellucid")
    assert isinstance(other, Network)
    with pytest.raises(NotFittedError, match="a saved model or a copy does not have it"):
        other.history.replay(1)
    for step in (0, -1, 1.5, True, "1", None):
        with pytest.raises(ArgumentError, match="step must be a whole number from 1 to 35"):
            net.history.replay(step)  # type: ignore[arg-type]


# ---------------------------------------------------------------- distributions


def test_distributions_are_the_quantiles_of_what_there_was(tmp_path: Path) -> None:
    nets: list[Network] = [rich()]
    other, shares = rich(), (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)
    options = {"epochs": 20, "batch_size": 12}
    rich().fit(X, Y, callbacks=lambda net, _: nets.append(net.copy()), **options)
    distributions = other.fit(X, Y, record=True, **options).distributions
    assert distributions.epochs.tolist() == [0, 7, 14, 20]
    for i, epoch in enumerate(distributions.epochs):
        net = nets[epoch]
        for name, w in net.parameters.items():
            np.testing.assert_array_equal(distributions[name][i], np.quantile(w.astype("f8"), shares))
        for layer in net.trace(X).layers:
            if layer.a is not None:
                wanted = np.quantile(layer.a.astype("f8"), shares)
                np.testing.assert_array_equal(distributions[f"{layer.name}/a"][i], wanted)
    other.save(tmp_path / "net.pellucid")
    again = load(tmp_path / "net.pellucid")
    assert isinstance(again, Network)
    assert again.history.distributions.to_dict() == distributions.to_dict()
    assert list(again.history.distributions)[4:6] == ["scale_1/factors", "hidden_1/weights"]
    assert pickle.loads(pickle.dumps(other.history)).distributions.to_dict() == distributions.to_dict()


WRONG: list[Any] = [
    *("x", [1], {"epochs": [0]}, {"epochs": 1, "quantiles": []}, {"epochs": ["x"], "quantiles": []}),
    {"epochs": [0], "quantiles": {"a": [[1, 2]]}},
    {"epochs": [0], "quantiles": [["a", [[1, 2]]]]},
    {"epochs": [0], "quantiles": [["a", [[10**400] * 7]]]},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_distributions_in_a_file_are_not_trusted(wrong: Any) -> None:
    document, tensors = dense().to_dict()
    document["history"] = {**History().to_dict(), "columns": {"loss": [1.0]}, "distributions": wrong}
    with pytest.raises(ModelFileError, match="the file's description of the network is not right"):
        Network.from_dict(document, tensors)
