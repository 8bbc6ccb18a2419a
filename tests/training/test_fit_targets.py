"""Targets in every form a user has them: names, indices, one-hot rows, truth values, several columns."""

from __future__ import annotations

import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from training_runs import N_ROWS, bits, classes, classification, numbers, values

from pellucid import Dense, Frozen, Input, Network, load
from pellucid.errors import ArgumentError, DataError, PellucidError, ShapeError

X = numbers()
T, Y = values(X), classes(X)
NAMES = np.array(["Adelie", "Chinstrap", "Gentoo"])
FAST: dict[str, Any] = {"epochs": 3, "learning_rate": 0.02, "shuffle": False}


def fitted(y: Any, net: Network | None = None, **options: Any) -> Network:
    net = net or classification()
    net.fit(X, y, **{**FAST, **options})
    return net


def binary(activation: str = "sigmoid", n_out: int = 1) -> Network:
    return Network([Input(5), Dense(6, "tanh"), Dense(n_out, activation)], seed=0)


FORMS: dict[str, Any] = {
    "text": NAMES[Y],
    "objects": NAMES[Y].astype(object),
    "list": NAMES[Y].tolist(),
    "column": NAMES[Y][:, None],
    "pandas": pd.Series(NAMES[Y], index=np.arange(N_ROWS)[::-1]),
    "polars": pl.Series(NAMES[Y]),
    "numbers that are names": np.array([10, 20, 30])[Y],
    "floats that are whole": np.array([1.0, 2.0, 3.0])[Y],
    "negative": Y - 1,
    "small ints": Y.astype(np.uint8),
    "whole floats": Y.astype(np.float32),
    "one-hot": np.eye(3)[Y],
    "one-hot truth values": np.eye(3, dtype=bool)[Y],
    "one-hot ints": np.eye(3, dtype=int)[Y],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_same_classes_trains_the_same(form: str) -> None:
    wanted = fitted(Y)
    net = fitted(FORMS[form])
    for name, found in net.parameters.items():
        np.testing.assert_allclose(found, wanted.parameters[name], atol=1e-6)
    assert net.history["loss"] == pytest.approx(wanted.history["loss"])


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("text", ["Adelie", "Chinstrap", "Gentoo"]),
        ("pandas", ["Adelie", "Chinstrap", "Gentoo"]),
        ("numbers that are names", [10, 20, 30]),
        ("negative", [-1, 0, 1]),
    ],
)
def test_classes_are_named_in_order_and_answers_are_names(
    form: str, names: list[Any], tmp_path: Path
) -> None:
    net = fitted(FORMS[form], metrics=["accuracy"])
    assert net.classes == names
    answers = net.classify(X)
    np.testing.assert_array_equal(answers, np.array(names)[net.predict(X).argmax(axis=1)])
    share = (answers == np.asarray(FORMS[form])).mean()
    assert net.evaluate(X, FORMS[form])["accuracy"] == pytest.approx(share)
    net.save(tmp_path / "net")
    np.testing.assert_array_equal(load(tmp_path / "net").classify(X), answers)


def test_indices_are_answered_with_indices() -> None:
    net = fitted(Y)
    assert net.classes is None
    np.testing.assert_array_equal(net.classify(X), net.predict(X).argmax(axis=1))


def test_a_later_fit_and_evaluation_know_the_classes_of_the_first() -> None:
    net, other = classification(), classification()
    net.fit(X, NAMES[Y], **FAST)
    only = Y != 1
    net.fit(X[only], NAMES[Y][only], **FAST)  # one of the three is missing now
    other.fit(X, Y, **FAST)
    other.fit(X[only], Y[only], **FAST)
    assert bits(net) == bits(other)
    assert net.evaluate(X[only], NAMES[Y][only]) == other.evaluate(X[only], Y[only])
    with pytest.raises(
        DataError, match=r"y holds the class 'Emperor', which training has not seen. Known: 'Ad"
    ):
        net.evaluate(X, np.where(Y == 1, "Emperor", NAMES[Y]))


TWO = Y == 0


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (TWO, [False, True]),
        (np.where(TWO, "yes", "no"), ["no", "yes"]),
        (np.where(TWO, "a", "b"), ["a", "b"]),
    ],
    ids=["truth values", "text", "first is a"],
)
@pytest.mark.parametrize("last", [("sigmoid", 1), ("softmax", 2)], ids=["sigmoid", "softmax"])
def test_two_classes(y: Any, names: list[Any], last: tuple[str, int]) -> None:
    net = fitted(y, binary(*last), epochs=30, metrics=["accuracy"])
    assert net.classes == names
    second = y == names[1]
    by_number = fitted(second.astype(int), binary(*last), epochs=30)
    assert bits(net) == bits(by_number)
    outputs = net.predict(X)
    chosen = outputs[:, 0] > 0.5 if last[1] == 1 else outputs.argmax(axis=1) == 1
    np.testing.assert_array_equal(net.classify(X), np.array(names)[chosen.astype(int)])
    assert net.evaluate(X, y)["accuracy"] == pytest.approx((chosen == second).mean())
    assert (chosen == second).mean() > 0.8


def test_hinge_takes_names_and_signs() -> None:
    by_name = Network([Input(5), Dense(6, "tanh"), Dense(1)], seed=0)
    by_sign = Network([Input(5), Dense(6, "tanh"), Dense(1)], seed=0)
    by_name.fit(X, np.where(TWO, "yes", "no"), loss="hinge", **FAST)
    by_sign.fit(X, np.where(TWO, 1, -1), loss="hinge", **FAST)
    assert bits(by_name) == bits(by_sign)
    np.testing.assert_array_equal(by_name.classify(X) == "yes", by_name.predict(X)[:, 0] > 0)
    np.testing.assert_array_equal(by_sign.classify(X) == 1, by_sign.predict(X)[:, 0] > 0)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_hinge_answers_with_the_numbers_it_was_given(loss: str, kind: type) -> None:
    signs, bits_of = np.where(TWO, 1, -1).astype(kind), TWO.astype(kind)
    by_sign = Network([Input(5), Dense(6, "tanh"), Dense(1)], seed=0)
    by_sign.fit(X, signs, loss=loss, **FAST)
    by_bit = Network([Input(5), Dense(6, "tanh"), Dense(1)], seed=0)
    by_bit.fit(X, bits_of, loss=loss, **FAST)
    assert bits(by_sign) == bits(by_bit)
    positive = by_sign.predict(X)[:, 0] > 0
    np.testing.assert_array_equal(by_sign.classify(X), np.where(positive, 1, -1))
    np.testing.assert_array_equal(by_bit.classify(X), positive.astype(int))
    accuracy = by_sign.evaluate(X, signs, metrics=["accuracy"])["accuracy"]
    assert accuracy == pytest.approx((by_sign.classify(X) == signs).mean())
    with pytest.raises(DataError, match="y holds the class 0, which training has not seen"):
        by_sign.evaluate(X, bits_of)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.Series(pd.array(["a", None] * (N_ROWS // 2), dtype="string")), "y holds missing values"),
        (np.where(TWO, np.datetime64("2020-01-01"), np.datetime64("2021-01-01")), "y holds datetime64"),
        (np.where(TWO, b"a", b"b"), "y holds .S1, but classes are texts, numbers or truth values"),
        (np.array([decimal.Decimal(int(t)) for t in TWO]), "y holds Decimal.'0'., but classes are"),
    ],
)
def test_what_cannot_be_the_name_of_a_class(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        classification().fit(X, y, epochs=1)


def test_what_float32_cannot_hold_is_no_number() -> None:
    net = Network([Input(5), Dense(1)])
    wide, far = X.astype(np.float64), T[:, 0].astype(np.float64)
    wide[3, 1], far[2] = -1e300, 1e39
    with pytest.raises(DataError, match=r"fit: X holds -1e\+300 in row 3, column 1, too large for float32"):
        net.fit(wide, T[:, 0], epochs=1)
    with pytest.raises(DataError, match=r"y holds 1e\+39 in row 2, too large for float32"):
        net.fit(X, far, epochs=1)


def test_several_numbers_and_several_labels() -> None:
    net = Network([Input(5), Dense(4, "tanh"), Dense(3)], seed=0)
    history = net.fit(X, pd.DataFrame(T), epochs=2, metrics=["r2"])
    rows = ((net.predict(X).astype(np.float64) - T) ** 2).mean(axis=1)
    assert history["loss"][-1] == pytest.approx(rows.mean(), rel=1e-6)
    labels = T > 0
    net = Network([Input(5), Dense(4, "tanh"), Dense(3, "sigmoid")], seed=0)
    history = net.fit(X, labels, epochs=2, metrics=["f1"])
    p = net.predict(X).astype(np.float64)
    losses = -np.where(labels, np.log(p), np.log(1 - p)).mean(axis=1)
    assert history["loss"][-1] == pytest.approx(losses.mean(), rel=1e-5)


@pytest.mark.parametrize(
    "form",
    [
        lambda t: t,
        lambda t: t[:, None],
        lambda t: t.tolist(),
        lambda t: pd.Series(t),
        lambda t: t.astype(object),
        lambda t: np.repeat(t, 2)[::2],
    ],
)
def test_one_number_a_row(form: Any) -> None:
    nets = [Network([Input(5), Dense(4, "tanh"), Dense(1)], seed=0) for _ in range(2)]
    nets[0].fit(X, T[:, 0], **FAST)
    nets[1].fit(X, form(T[:, 0]), **FAST)
    assert bits(nets[0]) == bits(nets[1])


def test_probabilities_are_targets_too() -> None:
    soft = np.full((N_ROWS, 3), 0.1)
    soft[np.arange(N_ROWS), Y] = 0.8
    net = fitted(soft)
    p = net.predict(X).astype(np.float64)
    assert net.history["loss"][-1] == pytest.approx(-(soft * np.log(p)).sum(axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("y", "net", "error", "message"),
    [
        (
            np.arange(N_ROWS),
            classification(),
            DataError,
            "y has 53 classes, but the output layer has room for 3.",
        ),
        (Y + 0.5, classification(), DataError, "y must hold classes, but row 0 holds"),
        (np.where(Y == 1, np.nan, Y), classification(), DataError, "y holds nan in row"),
        (np.where(TWO, None, "b"), classification(), DataError, "y holds missing values."),
        (np.array([1, "a"] * 26 + [2], dtype=object), classification(), DataError, "y mixes kinds of values"),
        (np.eye(4)[Y], classification(), ShapeError, "y has 4 columns, but the output layer has 3 neurons."),
        (np.zeros((N_ROWS, 3, 1)), classification(), ShapeError, "but got (53, 3, 1)."),
        (Y, binary(), PellucidError, "2"),
        (np.array(["a", "b", "c"])[Y], binary(), DataError, "y has 3 classes, but"),
        (np.array(["a", "b", "c"])[Y], binary("linear"), DataError, "y must"),
        (-np.eye(3)[Y], classification(), DataError, "-1"),
        (T[:, 0] + 1j, binary("linear"), DataError, "complex"),
    ],
    ids=[
        *("too many", "not whole", "nan", "missing", "mixed", "columns", "3-d", "three for one"),
        *("three names for one", "text for a number", "negative", "complex"),
    ],
)
def test_wrong_targets_are_one_clear_sentence(y: Any, net: Network, error: Any, message: str) -> None:
    before = bits(net)
    with pytest.raises(error) as caught:
        net.fit(X, y, epochs=1)
    assert isinstance(caught.value, PellucidError)
    assert message in str(caught.value)
    assert bits(net) == before


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"Adeli": 2}, "class_weight names the class 'Adeli'; known are ['Adelie', 'Chinstrap', 'Gentoo']."),
        ({"Adelie": -1}, "class_weight of 'Adelie' must be a finite number at least 0, but is -1."),
        ({"Adelie": "2"}, "class_weight of 'Adelie' must be a finite number at least 0, but is '2'."),
        ("balancd", "class_weight must be 'balanced' or a dict of class to number, not 'balancd'."),
        ([1, 2, 3], "class_weight must be 'balanced' or a dict of class to number, not [1, 2, 3]."),
    ],
)
def test_wrong_class_weights_are_one_clear_sentence(weights: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        fitted(NAMES[Y], class_weight=weights)
    assert str(caught.value) == message


def test_class_weights_by_name_multiply_sample_weights() -> None:
    given = np.linspace(1, 2, N_ROWS)
    by_name = fitted(NAMES[Y], class_weight={"Gentoo": 5}, sample_weight=given)
    by_hand = fitted(Y, sample_weight=given * np.where(Y == 2, 5, 1))
    assert bits(by_name) == bits(by_hand)


def test_rows_with_several_labels_are_classified_label_by_label() -> None:
    X = np.random.default_rng(0).standard_normal((300, 2)).astype(np.float32)
    labels = (X > 0).astype(np.int64)
    net = Network([Input(2), Dense(2, "sigmoid")], seed=0)
    net.fit(X, labels, epochs=60, learning_rate=0.1)
    assert (net.classify(X) == labels).mean() > 0.98
    assert net.task == "multilabel"
    regression = Network([Input(2), Dense(1)])
    regression.fit(X, X[:, 0], epochs=1)
    with pytest.raises(ArgumentError, match="trained on numbers"):
        regression.classify(X)


def test_class_weights_count_for_validation_rows_wherever_they_come_from() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((80, 2)).astype(np.float32), np.arange(80) % 4 // 3
    held = np.arange(60, 80)
    losses = []
    for more in (
        {"X": X, "y": y, "validation_rows": held},
        {"X": X[:60], "y": y[:60], "validation_data": (X[60:], y[60:])},
    ):
        net = Network([Input(2), Dense(2, "softmax")], seed=0)
        history = net.fit(**more, epochs=1, class_weight={0: 1.0, 1: 5.0}, shuffle=False)
        losses.append(history["validation_loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_names_of_one_class_are_refused() -> None:
    net = Network([Input(2), Dense(2, "softmax")])
    with pytest.raises(DataError, match="one class only, 'a'"):
        net.fit(np.zeros((4, 2)), ["a"] * 4, epochs=1)


def test_a_frozen_output_keeps_its_activation() -> None:
    net = Network([Input(2), Dense(3, "relu"), Frozen(Dense(2, "softmax"))], seed=0)
    X = np.random.default_rng(0).standard_normal((200, 2)).astype(np.float32)
    history = net.fit(X, np.where(X[:, 0] > 0, "right", "left"), epochs=20, learning_rate=0.05)
    assert history["loss"][-1] < history["loss"][0] / 2
    assert net._loss is not None
    assert net._loss.name == "categorical_crossentropy"


def test_a_network_too_large_for_the_memory_is_one_clear_sentence() -> None:
    with pytest.raises(ArgumentError, match=r"needs .* GiB, more than there is memory"):
        Network([Input(10), Dense(10**12)])
