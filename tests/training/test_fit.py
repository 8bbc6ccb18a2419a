"""Training against float64, and what the history tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_runs import (
    N_OUT,
    N_ROWS,
    Reference,
    bits,
    classes,
    classification,
    numbers,
    regression,
    values,
)

from pellucid import Dense, Input, Network
from pellucid.errors import ArgumentError, DataError, ShapeError, UnknownNameError

X = numbers()
T, Y = values(X), classes(X)
ONE_HOT = np.eye(N_OUT)[Y]
HALVES = [0.01, 0.01, 0.01, 0.01]


def assert_weights(net: Network, reference: Reference, rtol: float = 1e-4) -> None:
    for name, found in net.parameters.items():
        wanted = reference.weights[name]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=rtol * np.abs(wanted).max(), err_msg=name)


def assert_history(history: Any, records: list[dict[str, float]]) -> None:
    for name in ("running_loss", "loss", "gradient_norm"):
        np.testing.assert_allclose(history[name], [r[name] for r in records], rtol=2e-5, err_msg=name)


@pytest.mark.parametrize("hidden", [(8,), (1,), (20, 17, 5)])
@pytest.mark.parametrize("batch_size", [16, 53, 1000, 1])
def test_regression_is_as_in_float64(hidden: tuple[int, ...], batch_size: int) -> None:
    net = regression(*hidden)
    reference = Reference(net)
    history = net.fit(X, T, epochs=4, batch_size=batch_size, learning_rate=0.01, shuffle=False)
    records = reference.fit(X, T, 4, batch_size, [0.01] * N_ROWS)
    assert_weights(net, reference)
    assert_history(history, records)


@pytest.mark.parametrize("y", [Y, ONE_HOT], ids=["indices", "one-hot"])
def test_classification_is_as_in_float64(y: Any) -> None:
    net = classification(16, 9)
    reference = Reference(net)
    history = net.fit(X, y, epochs=5, batch_size=16, learning_rate=0.01, shuffle=False)
    assert_history(history, reference.fit(X, ONE_HOT, 5, 16, HALVES))
    assert_weights(net, reference)


def test_float64_inputs_train_as_float32_ones() -> None:
    nets = [regression() for _ in range(2)]
    nets[0].fit(X, T, epochs=2)
    nets[1].fit(X.astype(np.float64), T.astype(np.float64), epochs=2)
    assert bits(nets[0]) == bits(nets[1])


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda a: np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda a: a.tolist(),
        lambda a: a.astype(">f4"),
    ],
    ids=["fortran", "strided", "list", "big-endian"],
)
def test_any_form_of_the_same_numbers_trains_the_same(form: Any) -> None:
    plain, other = regression(), regression()
    plain.fit(X, T, epochs=2)
    other.fit(form(X), form(T), epochs=2)
    assert bits(plain) == bits(other)


def test_sample_weights_are_as_in_float64_and_as_repeated_rows() -> None:
    times = np.random.default_rng(3).integers(0, 4, N_ROWS)
    weighted, repeated = regression(), regression()
    reference = Reference(weighted)
    common: dict[str, Any] = {"epochs": 5, "shuffle": False, "learning_rate": 0.01, "batch_size": 1000}
    history = weighted.fit(X, T, sample_weight=times * 7, **common)
    other = repeated.fit(np.repeat(X, times, axis=0), np.repeat(T, times, axis=0), **common)
    assert_history(history, reference.fit(X, T, 5, 1000, HALVES, times))
    assert_weights(weighted, reference)
    np.testing.assert_allclose(history["loss"], other["loss"], rtol=1e-5)
    for name, wanted in repeated.parameters.items():
        np.testing.assert_allclose(weighted.parameters[name], wanted, atol=1e-4)


def test_balanced_class_weights_give_each_class_the_same_say() -> None:
    rare = np.where(np.arange(N_ROWS) < 40, 0, np.where(np.arange(N_ROWS) < 50, 1, 2))
    counts = np.bincount(rare)
    common: dict[str, Any] = {"epochs": 4, "shuffle": False, "learning_rate": 0.01, "batch_size": 16}
    by_name, by_hand, by_number = classification(), classification(), classification()
    reference = Reference(by_name)
    by_name.fit(X, rare, class_weight="balanced", **common)
    by_hand.fit(X, rare, sample_weight=(1 / counts)[rare], **common)
    given = {c: float(N_ROWS / (3 * n)) for c, n in enumerate(counts)}
    by_number.fit(X, np.eye(3)[rare], class_weight=given, **common)
    reference.fit(X, np.eye(3)[rare], 4, 16, HALVES, (1 / counts)[rare])
    assert_weights(by_name, reference)
    assert_weights(by_hand, reference)
    assert_weights(by_number, reference)


@pytest.mark.parametrize(
    ("schedule", "factor"),
    [
        ("cosine", lambda t: (1 + np.cos(np.pi * t)) / 2),
        ("exponential(decay=0.5)", lambda t: 0.5 ** (3 * t)),
    ],
)
def test_schedules_change_the_learning_rate_from_step_to_step(schedule: str, factor: Any) -> None:
    net, n_steps = regression(), 4  # 53 rows in batches of 16
    reference = Reference(net)
    history = net.fit(X, T, epochs=3, batch_size=16, learning_rate=0.02, schedule=schedule, shuffle=False)
    rates = 0.02 * factor(np.arange(3 * n_steps) / (3 * n_steps))
    for epoch in range(3):
        reference.fit(X, T, 1, 16, list(rates[epoch * n_steps : (epoch + 1) * n_steps]))
    assert_weights(net, reference)
    np.testing.assert_allclose(history["learning_rate"], rates[n_steps - 1 :: n_steps], rtol=1e-6)


def test_reduce_on_plateau_follows_the_loss_and_ends_with_its_schedule() -> None:
    net = regression()
    plateau = "reduce_on_plateau(patience=1, factor=0.5)"
    history = net.fit(X, T, epochs=6, schedule=plateau, learning_rate=1e-12)
    np.testing.assert_allclose(np.array(history["learning_rate"]) / 1e-12, [1, 1, 1, 0.5, 0.5, 0.25])
    history = net.fit(X, T, epochs=1, schedule=plateau, learning_rate=1e-12)
    assert history["learning_rate"][-1] < 0.5e-12
    history = net.fit(X, T, epochs=1, learning_rate=1e-12)
    assert history["learning_rate"][-1] == 1e-12


# ---------------------------------------------------------------- history


def test_history_has_the_documented_columns() -> None:
    net = Network([Input(5), Dense(4, "tanh", regularizer="l2(l2=0.01)"), Dense(3)], seed=0)
    history = net.fit(X, T, epochs=3, metrics=["rmse", "r2"], validation_split=0.2)
    assert set(history.columns) == {
        "running_loss",
        "loss",
        "rmse",
        "r2",
        "penalty",
        "validation_loss",
        "validation_rmse",
        "validation_r2",
        "learning_rate",
        "gradient_norm",
        "seconds",
    }
    assert {len(c) for c in history.columns.values()} == {3} == {len(history)}
    assert history is net.history
    assert history["rmse"] == pytest.approx(np.sqrt(history["loss"]), rel=1e-5)
    assert history.epochs[2]["loss"] == history["loss"][2]
    assert "loss" in history
    assert "accuracy" not in history
    assert all(s > 0 for s in history["seconds"])
    assert set(regression().fit(X, T, epochs=1, train_loss=False).columns) == {
        "running_loss",
        "learning_rate",
        "gradient_norm",
        "seconds",
    }


def test_history_says_what_evaluate_says() -> None:
    net, (held_X, held_T) = regression(), (numbers(20, seed=9), values(numbers(20, seed=9)))
    seen: list[dict[str, Any]] = []

    def note(net: Network, record: dict[str, float]) -> None:
        seen.append({"record": record, "all": net.evaluate(X, T), "held": net.evaluate(held_X, held_T)})

    history = net.fit(
        X, T, epochs=4, validation_data=(held_X, held_T), metrics=["mae"], callbacks=note, batch_size=16
    )
    for epoch, one in enumerate(seen):
        assert one["record"]["epoch"] == epoch + 1
        assert one["record"]["loss"] == history["loss"][epoch] == one["all"]["loss"]
        assert history["validation_loss"][epoch] == one["held"]["loss"]
        assert history["mae"][epoch] == pytest.approx(np.abs(one["all"]["mae"]))
    by_hand = ((net.predict(X).astype(np.float64) - T) ** 2).mean()
    assert net.evaluate(X, T)["loss"] == pytest.approx(by_hand, rel=1e-6)
    mae = np.abs(net.predict(X).astype(np.float64) - T).mean()
    assert net.evaluate(X, T)["mae"] == pytest.approx(mae, rel=1e-6)


def test_training_is_the_same_with_and_without_its_extras(tmp_path: Path) -> None:
    plain, watched = classification(), classification()
    plain.fit(X, Y, epochs=4, train_loss=False)
    watched.fit(
        X,
        Y,
        epochs=4,
        metrics=["accuracy"],
        callbacks=[lambda net, record: net.predict(X)],
        checkpoint=tmp_path / "checkpoint",
        threads=2,
    )
    assert bits(plain) == bits(watched)


def test_each_epoch_has_an_order_of_its_own_that_the_seed_decides() -> None:
    nets = [regression(seed=s) for s in (0, 0, 1)]
    for net in nets:
        for name, first in regression(seed=0).parameters.items():
            net.parameters[name][:] = first
        net.fit(X, T, epochs=1)
    assert bits(nets[0]) == bits(nets[1]) != bits(nets[2])
    unshuffled = regression()
    unshuffled.fit(X, T, epochs=1, shuffle=False)
    assert bits(unshuffled) != bits(nets[0])


def test_running_loss_of_a_whole_batch_is_the_loss_before_its_update() -> None:
    net = regression()
    first = net.evaluate(X, T)["loss"]
    history = net.fit(X, T, epochs=3, batch_size=N_ROWS)
    assert history["running_loss"] == pytest.approx([first, *history["loss"][:2]], rel=1e-6)


# ---------------------------------------------------------------- validation


def test_validation_rows_never_train() -> None:
    """Other targets in the rows that only validate leave the weights as they are."""
    rows = np.arange(0, N_ROWS, 5)
    other = T.copy()
    other[rows] += 100
    nets = [regression(), regression(), regression()]
    training = np.setdiff1d(np.arange(N_ROWS), rows)
    first = nets[0].fit(X, T, epochs=2, validation_rows=rows)
    second = nets[1].fit(X, other, epochs=2, validation_rows=rows)
    assert second["running_loss"] == first["running_loss"]
    assert second["validation_loss"][0] > 100 * first["validation_loss"][0]
    third = nets[2].fit(X[training], T[training], epochs=2, validation_data=(X[rows], T[rows]))
    assert third["loss"] == first["loss"]
    assert third["validation_loss"] == pytest.approx(first["validation_loss"], rel=1e-6)


def test_metrics_of_both_parts_of_a_split_add_up() -> None:
    net = classification(n_out=2)
    rare = (np.arange(N_ROWS) < 10).astype(int)
    history = net.fit(X, rare, validation_split=0.4, epochs=1, metrics=["accuracy"], learning_rate=1e-9)
    guess = net.predict(X).argmax(axis=1) == rare
    held = round(0.4 * N_ROWS)
    correct = history["accuracy"][0] * (N_ROWS - held) + history["validation_accuracy"][0] * held
    assert correct == pytest.approx(guess.sum())


def test_best_weights_are_restored_whenever_there_is_validation() -> None:
    held_X, held_T = X[:10] + 2, T[:10]
    net, best = regression(), {}

    def note(net: Network, record: dict[str, float]) -> None:
        best[record["epoch"]] = bits(net)

    options: dict[str, Any] = {"epochs": 30, "learning_rate": 0.05, "validation_data": (held_X, held_T)}
    history = net.fit(X, T, callbacks=note, **options)
    lowest = int(np.argmin(history["validation_loss"])) + 1
    assert 1 <= lowest < 30
    assert history.best_epoch == lowest
    assert history.restored
    assert bits(net) == best[lowest]
    assert net.evaluate(held_X, held_T)["loss"] == min(history["validation_loss"])
    assert history.reason == f"all 30 epochs are over; the weights of epoch {lowest}, the best, are restored"
    plain = regression()
    assert not plain.fit(X, T, epochs=2).restored
    assert plain.history.reason == "all 2 epochs are over"


def test_the_best_of_an_earlier_fit_on_something_else_does_not_come_back() -> None:
    net = regression()
    net.fit(X, T, epochs=20, validation_data=(X, T), learning_rate=0.02)
    before = bits(net)
    history = net.fit(X, T + 50, epochs=5, validation_data=(X, T + 50), learning_rate=0.02, patience=2)
    assert len(history) == 25
    assert history.best_epoch == 25
    assert bits(net) != before
    history = net.fit(X, T + 50, epochs=3, loss="mae", validation_rows=[0, 1], patience=1)
    assert history.best_epoch > 25


# ---------------------------------------------------------------- learning_rate="auto"


def test_range_test_keeps_its_curve_and_leaves_no_trace() -> None:
    net, other = regression(), regression()
    history = net.fit(X, T, epochs=3, learning_rate="auto")
    curve = history.range_test
    assert curve is not None
    rates, smoothed = np.array(curve["learning_rate"]), np.array(curve["smoothed"])
    assert len(rates) == len(curve["loss"]) == len(smoothed) > 20
    np.testing.assert_allclose(np.diff(np.log(rates)), np.log(1e7) / 99)
    assert rates[0] == pytest.approx(1e-6)
    chosen = history["learning_rate"][0]
    assert chosen == pytest.approx(rates[smoothed.argmin()] / 10)
    other.fit(X, T, epochs=3, learning_rate=chosen)
    assert bits(net) == bits(other)
    assert history["loss"][-1] < 0.8 * Reference(regression()).losses(X, T.astype(np.float64)).mean()


# ---------------------------------------------------------------- wrong calls


def with_nan(array: Any, row: int, column: int) -> Any:
    array = np.array(array, np.float64)
    array[row, column] = np.nan
    return array


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epoch": 3}, UnknownNameError, "there is no option of fit 'epoch'. Did you mean 'epochs'?"),
        ({"epochs": 0}, ArgumentError, "epochs must be a whole number from 1, but is 0."),
        ({"epochs": 2.5}, ArgumentError, "epochs must be a whole number from 1, but is 2.5."),
        ({"batch_size": -1}, ArgumentError, "batch_size must be a whole number from 1, but is -1."),
        ({"optimizer": "rmsprob"}, UnknownNameError, "no optimizer 'rmsprob'. Did you mean 'rmsprop'?"),
        ({"loss": "msee"}, UnknownNameError, "there is no loss 'msee'. Did you mean 'mse'?"),
        ({"metrics": "accurracy"}, UnknownNameError, "Did you mean 'accuracy'?"),
        ({"metrics": ["confusion_matrix"]}, ArgumentError, "'confusion_matrix' is no single number"),
        ({"metrics": 5}, UnknownNameError, "there is no metric 5."),
        ({"metrics": "accuracy"}, ArgumentError, "but the task is regression"),
        ({"learning_rate": -0.1}, ArgumentError, "learning_rate must be a finite number above 0"),
        ({"learning_rate": float("nan")}, ArgumentError, "learning_rate must be a finite number above 0"),
        ({"patience": 0}, ArgumentError, "patience must be a whole number from 1, but is 0."),
        ({"until": -1}, ArgumentError, "until must be a finite number above 0, but is -1."),
        ({"time_limit": 0}, ArgumentError, "time_limit must be a finite number above 0, but is 0."),
        ({"shuffle": 1}, ArgumentError, "shuffle must be True or False, but is 1."),
        ({"threads": 0}, ArgumentError, "threads must be a whole number from 1 to 1024, but is 0."),
        ({"callbacks": [3]}, ArgumentError, "callbacks must be callable, but got 3."),
        ({"callbacks": 3}, ArgumentError, "callbacks must be callable, but got 3."),
        ({"verbose": "no"}, ArgumentError, "verbose must be a whole number from 0, but is 'no'."),
        ({"resume": True}, ArgumentError, "resume=True needs checkpoint="),
        ({"validation_split": 1.5}, ArgumentError, "1.5"),
        ({"validation_split": 0.2, "validation_data": (X, T)}, ArgumentError, "give one of"),
        ({"validation_data": X}, ArgumentError, "validation_data must be"),
        ({"validation_rows": [99]}, ArgumentError, "validation_rows must be from 0 to 52"),
        ({"validation_rows": np.arange(N_ROWS)}, DataError, "names every row"),
        ({"sample_weight": [1, 2]}, ShapeError, "sample_weight has 2 numbers, but X has 53 rows."),
        ({"sample_weight": -np.ones(N_ROWS)}, DataError, "must not be negative, but row 0 has -1.0."),
        ({"sample_weight": np.zeros(N_ROWS)}, DataError, "the weights of all rows are 0."),
        ({"sample_weight": np.full(N_ROWS, np.nan)}, DataError, "sample_weight holds nan in row 0"),
        (
            {"sample_weight": np.arange(N_ROWS) > 4, "validation_rows": [0, 1]},
            DataError,
            "the weights of all validation rows are 0",
        ),
        ({"class_weight": "balanced"}, ArgumentError, "class_weight is for classes"),
        ({"schedule": "cosin"}, UnknownNameError, "Did you mean 'cosine'?"),
        ({"clip_norm": 0}, ArgumentError, "clip_norm must be a finite number above 0, but is 0."),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_a_wrong_option_is_one_clear_sentence(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    net = regression()
    before = bits(net)
    with pytest.raises(error) as caught:
        net.fit(X, T, **options)
    assert message in str(caught.value)
    assert type(caught.value) is error
    assert bits(net) == before
    net.fit(X, T, epochs=1)  # and nothing is left behind that hinders a right one


def test_what_is_none_or_alone_is_as_left_out_or_in_a_list() -> None:
    net, other = regression(), regression()
    net.fit(X, T, epochs=2, metrics=None, callbacks=None, verbose=False)
    other.fit(X, T, epochs=2)
    assert bits(net) == bits(other)
    assert net.evaluate(X, T, metrics="rmse") == net.evaluate(X, T, metrics=["rmse"])


def test_a_network_is_trained_by_one_fit_at_a_time() -> None:
    net, other, seen = regression(), regression(), []

    def train_again(net: Network, record: dict[str, float]) -> None:
        for fit in (net.fit, net.copy().fit):
            try:
                seen.append(fit(X, T, epochs=1).reason)
            except ArgumentError as error:
                seen.append(str(error))

    net.fit(X, T, epochs=1, callbacks=train_again)
    assert seen[0].startswith("this network is being trained already")
    assert seen[1] == "the one epoch is over"
    other.fit(X, T, epochs=1)
    assert bits(net) == bits(other)
    net.fit(X, T, epochs=1)


@pytest.mark.parametrize("layers", [None, 5, Input(3)])
def test_what_is_no_list_of_layers_is_one_clear_sentence(layers: Any) -> None:
    with pytest.raises(ArgumentError, match=r"a network (begins with its inputs|needs at least one layer)"):
        Network(layers)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X[:, :4], T, ShapeError, "fit expects X of shape (n_samples, 5), but got (53, 4)."),
        (X[0], T, ShapeError, "fit expects X of shape (n_samples, 5), but got (5,). Give one row as"),
        (X[None], T, ShapeError, "(1, 53, 5)"),
        (X[:50], T, ShapeError, "fit: X has 50 rows, but y has 53."),
        (X, T[:, :2], ShapeError, "y has 2 columns, but the output layer has 3 neurons."),
        (X, T[:, 0], ShapeError, "3 output neurons"),
        (X[:0], T[:0], ShapeError, "fit needs at least one row, but X has none."),
        (with_nan(X, 7, 2), T, DataError, "fit: X holds nan in row 7, column 2."),
        (X, with_nan(T, 5, 1), DataError, "y holds nan in row 5, column 1."),
        (X.astype(str), T, DataError, "fit: X must hold numbers, but got <U"),
        (X.astype(complex), T, DataError, "fit: X must hold numbers, but got complex128."),
        ([[1, 2], [3]], T, DataError, "fit: X must be an array of numbers, but got [[1, 2], [3]]."),
        (None, T, ShapeError, "fit expects X of shape (n_samples, 5), but got ()."),
    ],
    ids=[
        *("columns", "one row", "3-d", "lengths", "outputs", "1-d targets", "no rows", "nan in X"),
        *("nan in y", "text", "complex", "ragged", "none"),
    ],
)
def test_wrong_data_is_one_clear_sentence(x: Any, y: Any, error: type[Exception], message: str) -> None:
    net = regression()
    before = bits(net)
    with pytest.raises(error) as caught:
        net.fit(x, y, epochs=1)
    assert message in str(caught.value)
    assert type(caught.value) is error
    assert bits(net) == before
